//! AWS Secrets Manager as moto serves it, on a free loopback port, stopped by its own process when dropped.

use super::{PATIENCE, group};
use postern::provider::aws::{AccessKey, AwsCredentials, AwsSettings};
use postern::provider::{Freshness, Manager, ProviderKey, SecretProvider, Settings};
use postern::resolve::ReferenceState;
use postern::sensitive::Plain;
use secrets::{Ambient, Engine, ProviderConfig};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Weak};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

/// The server; `dev/backends/aws_secrets_manager.py` says what is in it.
pub(crate) struct Moto {
    pub(crate) address: String,
    keys: BTreeMap<String, Key>,
    process: Child,
    _home: TempDir,
}

/// One user's access key.
#[derive(Clone, Deserialize)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

#[derive(Deserialize)]
struct Ready {
    address: String,
    keys: BTreeMap<String, Key>,
}

static SHARED: Mutex<Weak<Moto>> = Mutex::const_new(Weak::new());

impl Moto {
    /// The server of the tests that neither make it fail nor count all its calls.
    pub(crate) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(moto) = shared.upgrade() {
            return moto;
        }
        let moto = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&moto);
        moto
    }

    pub(crate) async fn start() -> Self {
        let home = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/backends/aws_secrets_manager.py");
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let mut process = Command::new(python())
            .arg(script)
            .env("HOME", home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let ready = tokio::time::timeout(PATIENCE, lines.read_line(&mut line)).await;
        let log = || std::fs::read_to_string(home.path().join("log")).unwrap();
        assert!(ready.is_ok_and(|read| read.unwrap() > 0), "moto did not become ready: {}", log());
        let Ready { address, keys } = serde_json::from_str(&line).unwrap();
        Self { address, keys, process, _home: home }
    }

    pub(crate) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    pub(crate) fn key(&self, user: &str) -> Key {
        self.keys[user].clone()
    }

    /// Settings with the keys of `user`.
    pub(crate) fn settings(&self, user: &str) -> AwsSettings<Plain> {
        settings(&self.address, self.key(user))
    }

    /// The next `times` requests are refused like this.
    pub(crate) async fn fail(&self, times: u32, kind: &str, message: &str, status: u16) {
        let fault = json!({ "times": times, "type": kind, "message": message, "status": status });
        self.post("_fail", fault).await;
    }

    /// The secret has this text from now on. Answers the id of that version.
    pub(crate) async fn put(&self, name: &str, value: &str) -> String {
        let made = self.post("_put", json!({ "name": name, "value": value })).await;
        made["version"].as_str().unwrap().to_owned()
    }

    /// How often each request was made: `GetSecretValue alice-credentials`.
    pub(crate) async fn calls(&self) -> BTreeMap<String, u64> {
        self.http().get(format!("{}/_calls", self.address)).send().await.unwrap().json().await.unwrap()
    }

    /// A new user who may do what `policy` (JSON) says.
    pub(crate) async fn user_with(&self, name: &str, policy: &str) -> Key {
        let user = json!({ "name": name, "policy": policy });
        serde_json::from_value(self.post("_user", user).await).unwrap()
    }

    /// The secret has bytes, and no text.
    pub(crate) async fn put_bytes(&self, name: &str) {
        self.post("_put", json!({ "name": name, "bytes": true })).await;
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http().post(format!("{}/{path}", self.address)).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// A connection cannot outlive the test whose runtime drives it, so none is kept.
    fn http(&self) -> reqwest::Client {
        reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap()
    }
}

/// The provider's own access key.
pub(crate) fn key_of(settings: &mut AwsSettings<Plain>) -> &mut AccessKey<Plain> {
    match &mut settings.credentials {
        AwsCredentials::AccessKey(key) => key,
        AwsCredentials::Ambient => panic!("it has no key of its own"),
    }
}

pub(crate) fn settings(address: &str, key: Key) -> AwsSettings<Plain> {
    AwsSettings {
        region: "us-east-1".parse().unwrap(),
        endpoint_url: Some(address.parse().unwrap()),
        credentials: AwsCredentials::AccessKey(AccessKey {
            access_key_id: key.id.parse().unwrap(),
            secret_access_key: Plain::new(key.secret),
            session_token: key.token.map(Plain::new),
        }),
        assume_role: None,
    }
}

/// An engine with the provider `aws/my-secrets-manager` in the group `default`.
pub(crate) struct Office {
    house: super::House,
}

impl Office {
    /// With values that stay fresh for longer than any test runs.
    pub(crate) fn new(settings: AwsSettings<Plain>) -> Self {
        Self::with(settings, 300)
    }

    pub(crate) fn with(settings: AwsSettings<Plain>, ttl_seconds: u32) -> Self {
        let office = Self { house: super::House::empty() };
        office.set(1, settings, ttl_seconds);
        office
    }

    /// In a group that may use the machine's own credentials and assume roles.
    pub(crate) fn allowed(settings: AwsSettings<Plain>) -> Self {
        let office = Self { house: super::House::empty() };
        office.set_with(1, settings, super::FRESHNESS, Ambient { credentials: true, ..Ambient::default() });
        office
    }

    pub(crate) fn set(&self, revision: u64, settings: AwsSettings<Plain>, ttl_seconds: u32) {
        let freshness = Freshness { ttl_seconds, ..super::FRESHNESS };
        self.set_freshness(revision, settings, freshness);
    }

    pub(crate) fn set_freshness(&self, revision: u64, settings: AwsSettings<Plain>, freshness: Freshness) {
        self.set_with(revision, settings, freshness, Ambient::default());
    }

    fn set_with(&self, revision: u64, settings: AwsSettings<Plain>, freshness: Freshness, ambient: Ambient) {
        let id = "my-secrets-manager".parse().unwrap();
        let provider = SecretProvider { id, settings: Settings::Aws(settings), freshness };
        self.engine().set_providers(vec![ProviderConfig { group: group(), provider, revision, ambient }]);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.house.engine
    }

    pub(crate) async fn check(&self, path: &str) -> ReferenceState {
        self.engine().check(&group(), &reference(path)).await
    }

    pub(crate) fn watch(&self, paths: &[&str]) {
        self.engine().watch(paths.iter().map(|path| (group(), reference(path))).collect());
    }

    pub(crate) async fn refresh(&self) {
        let provider = ProviderKey { manager: Manager::Aws, id: "my-secrets-manager".parse().unwrap() };
        self.engine().refresh(&group(), &provider).await;
    }

    /// The value that may be used now, and the state's name.
    #[expect(clippy::disallowed_methods, reason = "the test compares it with what it stored")]
    pub(crate) fn current(&self, path: &str) -> (Option<String>, &'static str) {
        let (value, state) = self.engine().current(&group(), &reference(path));
        (value.map(|value| value.expose().to_owned()), state.name().slug())
    }

    /// Waits, by the engine's own ticks, until value and state's name of a watched reference are these.
    pub(crate) async fn until(&self, path: &str, value: Option<&str>, name: &str) {
        let mut changes = self.engine().changes();
        let reached = async {
            while self.current(path) != (value.map(str::to_owned), name) {
                changes.changed().await.unwrap();
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{path} never became {name} with {value:?}: {:?}", self.current(path));
    }
}

/// `alice-credentials/alice-key-auth` of `my-secrets-manager`.
pub(crate) fn reference(path: &str) -> postern::secret_ref::SecretRef {
    format!("$secret://aws/my-secrets-manager/{path}").parse().unwrap()
}

/// A Python that has moto: `$POSTERN_PYTHON`, or where `dev/test` installs it.
fn python() -> PathBuf {
    let given = std::env::var_os("POSTERN_PYTHON").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    let installed = cache.map(|cache| cache.join("postern/venv/bin/python3"));
    given.into_iter().chain(installed).find(|program| program.is_file()).expect(
        "these tests need moto, which serves AWS's API: run dev/test, which installs it, or set POSTERN_PYTHON to a Python that has it",
    )
}
