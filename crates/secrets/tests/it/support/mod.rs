//! What every test here uses: servers, an engine with one provider, and claims about references.

pub(crate) mod authority;
pub(crate) mod aws;
pub(crate) mod bao;
pub(crate) mod fault;
pub(crate) mod kube;
pub(crate) mod logs;
pub(crate) mod turnstile;

use postern::fingerprint::FingerprintKey;
use postern::name::GroupName;
use postern::provider::timeout::Timeout;
use postern::provider::vault::{KvVersion, VaultAuth, VaultSettings};
use postern::provider::{Freshness, Manager, ProviderKey, SecretProvider, Settings};
use postern::resolve::ReferenceState;
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use postern::time::{Clock, Millis};
use secrets::{Ambient, Engine, Keeping, ProviderConfig};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, even on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Values that stay fresh for longer than any test runs, and end at once with a refusal.
pub(crate) const FRESHNESS: Freshness = Freshness {
    ttl_seconds: 300,
    max_stale_seconds: 300,
    denied_grace_seconds: 0,
    version_check_seconds: 0,
    keep_over_restart: true,
};

/// Several engines of one process live in one time.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A clock that begins at a round number.
struct FromStart(Instant);

impl Clock for FromStart {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000 + u64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// Settings as in the tutorial, with its mistake corrected.
pub(crate) fn settings(url: &str, token: &str) -> VaultSettings<Plain> {
    VaultSettings {
        kv_version: KvVersion::V2,
        url: url.parse().unwrap(),
        prefix: "secret/api7".parse().unwrap(),
        auth: VaultAuth::Token { token: Plain::new(token.to_owned()) },
        namespace: None,
        ca_certificate: None,
        server_name: None,
        client_certificate: None,
        timeout: Timeout::default(),
    }
}

/// An engine with the provider `vault/my-vault` in the group `default`.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) shutdown: CancellationToken,
}

impl House {
    pub(crate) fn empty() -> Self {
        let shutdown = CancellationToken::new();
        let clock = Arc::new(FromStart(Instant::now()));
        Self { engine: Engine::start(clock, FingerprintKey::new([7; 32]), shutdown.clone()), shutdown }
    }

    /// One that keeps last good values in this file, sealed with this key.
    pub(crate) fn keeping(path: &std::path::Path, key: u8) -> Self {
        let shutdown = CancellationToken::new();
        let clock = Arc::new(FromStart(*START));
        let keeping = Keeping { path: path.to_owned(), key: [key; 32].into() };
        let engine = Engine::start_keeping(clock, FingerprintKey::new([7; 32]), shutdown.clone(), &keeping);
        Self { engine, shutdown }
    }

    /// With values that stay fresh for longer than any test runs.
    pub(crate) fn new(settings: VaultSettings<Plain>) -> Self {
        Self::with(settings, 300, 300)
    }

    pub(crate) fn with(settings: VaultSettings<Plain>, ttl_seconds: u32, max_stale_seconds: u32) -> Self {
        let house = Self::empty();
        house.set(1, settings, Freshness { ttl_seconds, max_stale_seconds, ..FRESHNESS });
        house
    }

    pub(crate) fn set(&self, revision: u64, settings: VaultSettings<Plain>, freshness: Freshness) {
        self.set_with(revision, settings, freshness, Ambient::default());
    }

    pub(crate) fn set_with(
        &self,
        revision: u64,
        settings: VaultSettings<Plain>,
        freshness: Freshness,
        ambient: Ambient,
    ) {
        let id = "my-vault".parse().unwrap();
        let provider = SecretProvider { id, settings: Settings::Vault(settings), freshness };
        self.engine.set_providers(vec![ProviderConfig { group: group(), provider, revision, ambient }]);
    }

    pub(crate) async fn check(&self, path: &str) -> ReferenceState {
        self.engine.check(&group(), &reference(path)).await
    }

    pub(crate) fn watch(&self, paths: &[&str]) {
        self.engine.watch(paths.iter().map(|path| (group(), reference(path))).collect());
    }

    pub(crate) async fn refresh(&self) {
        self.engine.refresh(&group(), &provider()).await;
    }

    /// The value that may be used now.
    #[expect(clippy::disallowed_methods, reason = "the test compares it with what it stored")]
    pub(crate) fn value(&self, path: &str) -> Option<String> {
        self.engine.current(&group(), &reference(path)).0.map(|value| value.expose().to_owned())
    }

    pub(crate) fn state(&self, path: &str) -> ReferenceState {
        self.engine.current(&group(), &reference(path)).1
    }

    /// Waits, by the engine's own ticks, until value and state's name of a watched reference are these.
    pub(crate) async fn until(&self, path: &str, value: Option<&str>, name: &str) {
        let mut changes = self.engine.changes();
        let reached = async {
            while self.value(path).as_deref() != value || self.state(path).name().slug() != name {
                changes.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, reached).await.is_err() {
            panic!("{path} never became {name} with {value:?}: {:?}", self.state(path));
        }
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn group() -> GroupName {
    GroupName::default_group()
}

pub(crate) fn provider() -> ProviderKey {
    ProviderKey { manager: Manager::Vault, id: "my-vault".parse().unwrap() }
}

/// `consumer/alice/key` of `my-vault`.
pub(crate) fn reference(path: &str) -> SecretRef {
    format!("$secret://vault/my-vault/{path}").parse().unwrap()
}

/// Claims that `state` has this name and that its Debug text and explanation contain every part.
pub(crate) fn claim(state: &ReferenceState, name: &str, parts: &[&str]) {
    assert_eq!(state.name().slug(), name, "{state:?}");
    let text = format!("{state:?} {:?}", state.failure().map(postern::resolve::Failure::explain));
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}
