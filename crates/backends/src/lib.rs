#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "only tests and benchmarks use it: a panic is the report")]

mod casdoor;
mod ldap;
mod redis;
mod wolf;

pub use casdoor::{Browser, Casdoor, Page};
pub use ldap::{Ldap, LdapMode};
pub use redis::{Redis, RedisCluster, RedisSentinel, RedisTls, SentinelOf};
pub use wolf::Wolf;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;

const ROOT: &str = "root-token-of-this-test";

/// Starting takes no longer, even on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One server. `secret/` is KV version 2.
pub struct OpenBao {
    process: Child,
    folder: TempDir,
    tls: bool,
    port: u16,
    http: reqwest::Client,
}

static SHARED: Mutex<Weak<OpenBao>> = Mutex::const_new(Weak::new());

impl OpenBao {
    /// The server of all tests of a process; each has its own paths. It ends with the last that holds it.
    pub async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(bao) = shared.upgrade() {
            return bao;
        }
        let bao = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&bao);
        bao
    }

    /// A server of one's own, ready to answer.
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    pub async fn start() -> Self {
        Self::start_with(false, "").await
    }

    /// As [`OpenBao::start`]; `config` is more of the server's own configuration, in HCL. With `tls` it answers
    /// over TLS alone, with a certificate of [`OpenBao::ca`].
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    pub async fn start_with(tls: bool, config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        std::fs::write(folder.path().join("more.hcl"), config).unwrap();
        // Certificates of test servers are checked by the code under test, not by the test's own client.
        // A connection cannot outlive the test whose runtime drives it, so none is kept.
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).pool_max_idle_per_host(0);
        let http = http.no_proxy().build().unwrap();
        let process = spawn(folder.path(), port, tls);
        let mut bao = Self { process, folder, tls, port, http };
        bao.until_ready().await;
        bao
    }

    /// Ends it, as a crash would.
    ///
    /// # Panics
    /// It had ended already.
    pub fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// A new, empty server on the same port.
    ///
    /// # Panics
    /// As [`OpenBao::start`].
    pub async fn restart(&mut self) {
        self.process = spawn(self.folder.path(), self.port, self.tls);
        self.until_ready().await;
    }

    async fn until_ready(&mut self) {
        let ready = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    panic!("bao ended with {status}: {}", self.log());
                }
                // The unseal key is printed last, when all else is ready.
                if self.unseal_key().is_some() && self.call(Method::GET, "sys/mounts/secret", None).await.0 == 200 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        assert!(ready.is_ok(), "bao did not become ready: {}", self.log());
    }

    /// `http://127.0.0.1:<port>`, or with `https`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.port)
    }

    /// A token that may do everything.
    #[must_use]
    pub fn root(&self) -> &'static str {
        ROOT
    }

    /// The authority of its certificate, PEM.
    ///
    /// # Panics
    /// It has none: it was not started with TLS.
    #[must_use]
    pub fn ca(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("vault-ca.pem")).unwrap()
    }

    /// What it takes to unseal it.
    #[must_use]
    pub fn unseal_key(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("Unseal Key: ")?;
        rest.split_once('\n').map(|(key, _)| key.to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A request with the root token, to be completed and sent.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/v1/{path}", self.url())).header("x-vault-token", ROOT)
    }

    /// One request with the root token: status and JSON; 0 when there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let Ok(response) = request.send().await else { return (0, Value::Null) };
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Writes, and insists that it worked.
    ///
    /// # Panics
    /// It did not.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&status), "POST {path} answered {status}: {answer}");
        answer
    }

    /// `vault kv put secret/<path>`: replaces all keys.
    pub async fn put(&self, path: &str, keys: Value) {
        self.post(&format!("secret/data/{path}"), json!({ "data": keys })).await;
    }

    /// How often something below `path` was read, by the server's audit log.
    ///
    /// # Panics
    /// There is no log.
    #[must_use]
    pub fn reads_below(&self, path: &str) -> usize {
        self.requests("read", |read| read.starts_with(path))
    }

    /// How many requests of this operation (`read`, `update`) had a path that `is_meant`, by the server's audit log.
    ///
    /// # Panics
    /// There is no log.
    #[must_use]
    pub fn requests(&self, operation: &str, is_meant: impl Fn(&str) -> bool) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("audit")).unwrap();
        // The last line may be half written.
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_one =
            |request: &Value| request["operation"] == operation && request["path"].as_str().is_some_and(&is_meant);
        entries.filter(|entry| entry["type"] == "request" && is_one(&entry["request"])).count()
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, port: u16, tls: bool) -> Child {
    let config = folder.join("audit.hcl");
    let audit = folder.join("audit");
    let options = format!("audit \"file\" \"f\" {{\n options {{\n file_path = {audit:?}\n }}\n}}\n");
    std::fs::write(&config, options).unwrap();
    let log = File::create(folder.join("log")).unwrap();
    let mut command = Command::new(program());
    command
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-root-token-id={ROOT}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
        .arg(format!("-config={}", config.display()))
        .arg(format!("-config={}", folder.join("more.hcl").display()))
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    if tls {
        command.arg("-dev-tls").arg(format!("-dev-tls-cert-dir={}", folder.display()));
    }
    command.spawn().unwrap()
}

/// A port of 127.0.0.1 that nothing listens on now.
///
/// # Panics
/// There is none.
#[must_use]
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `$POSTERN_BAO`, `bao` on `PATH`, or where `dev/test` installs it.
fn program() -> PathBuf {
    let given = std::env::var_os("POSTERN_BAO").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("bao"));
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    let installed = cache.map(|cache| cache.join("postern/venv/bin/bao"));
    given
        .into_iter()
        .chain(on_path)
        .chain(installed)
        .find(|program| program.is_file())
        .expect("OpenBao's server is needed: run dev/test, which installs it, or set POSTERN_BAO to the program 'bao'")
}
