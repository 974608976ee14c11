//! What every test here uses: servers, an engine with one provider, and claims about references.

pub(crate) mod authority;
pub(crate) mod aws;
pub(crate) mod bao;
pub(crate) mod fault;
pub(crate) mod kube;
pub(crate) mod logs;

use postern::fingerprint::FingerprintKey;
use postern::name::GroupName;
use postern::provider::timeout::Timeout;
use postern::provider::vault::{KvVersion, VaultAuth, VaultSettings};
use postern::provider::{Freshness, Manager, ProviderKey, SecretProvider, Settings};
use postern::resolve::ReferenceState;
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use postern::time::{Clock, Millis};
use secrets::{Ambient, Engine, ProviderConfig};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer, even on a loaded machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

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

    /// With values that stay fresh for longer than any test runs.
    pub(crate) fn new(settings: VaultSettings<Plain>) -> Self {
        Self::with(settings, 300, 300)
    }

    pub(crate) fn with(settings: VaultSettings<Plain>, ttl_seconds: u32, max_stale_seconds: u32) -> Self {
        let house = Self::empty();
        house.set(1, settings, Freshness { ttl_seconds, max_stale_seconds });
        house
    }

    pub(crate) fn set(&self, revision: u64, settings: VaultSettings<Plain>, freshness: Freshness) {
        let id = "my-vault".parse().unwrap();
        let provider = SecretProvider { id, settings: Settings::Vault(settings), freshness };
        self.engine.set_providers(vec![ProviderConfig {
            group: group(),
            provider,
            revision,
            ambient: Ambient::Forbidden,
        }]);
    }

    pub(crate) async fn check(&self, path: &str) -> ReferenceState {
        self.engine.check(&group(), &reference(path)).await
    }

    pub(crate) fn watch(&self, paths: &[&str]) {
        self.engine.watch(paths.iter().map(|path| (group(), reference(path))).collect());
    }

    pub(crate) async fn refresh(&self) {
        self.engine.refresh(&group(), &ProviderKey { manager: Manager::Vault, id: "my-vault".parse().unwrap() }).await;
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
