//! A real OpenBao in development mode, on a free loopback port, stopped by its own process when dropped.

use super::PATIENCE;
use super::authority::Issued;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs::File;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;

const ROOT: &str = "root-token-of-this-test";

/// One server. `secret/` is KV version 2 (as in development mode everywhere), `kv/` version 1.
pub(crate) struct Bao {
    process: Child,
    folder: TempDir,
    tls: bool,
    port: u16,
    door: u16,
    http: reqwest::Client,
}

/// A second listener, with TLS.
pub(crate) struct Door<'a> {
    pub(crate) shows: &'a Issued,
    /// The authority of the certificates that it demands, PEM; nothing: it demands none.
    pub(crate) wants: Option<String>,
}

static SHARED: Mutex<Weak<Bao>> = Mutex::const_new(Weak::new());

impl Bao {
    /// The server that tests share which neither stop it nor seal it; each has its own paths. It ends with
    /// the last test that holds it.
    pub(crate) async fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().await;
        if let Some(bao) = shared.upgrade() {
            return bao;
        }
        let bao = Arc::new(Self::start().await);
        *shared = Arc::downgrade(&bao);
        bao
    }

    pub(crate) async fn start() -> Self {
        Self::launch(false, None).await
    }

    /// With a second listener, at [`Bao::door_url`].
    pub(crate) async fn start_with_door(door: &Door<'_>) -> Self {
        Self::launch(false, Some(door)).await
    }

    pub(crate) async fn start_with_tls() -> Self {
        Self::launch(true, None).await
    }

    async fn launch(tls: bool, door: Option<&Door<'_>>) -> Self {
        let folder = TempDir::new().unwrap();
        let [port, door_port] = free_ports();
        std::fs::write(
            folder.path().join("door.hcl"),
            door.map_or_else(String::new, |door| door.config(&folder, door_port)),
        )
        .unwrap();
        // Certificates of test servers are checked by the code under test, not by the test's own client.
        // A connection cannot outlive the test whose runtime drives it, so none is kept.
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).pool_max_idle_per_host(0);
        let http = http.no_proxy().build().unwrap();
        let process = spawn(&folder, port, tls);
        let mut bao = Self { process, folder, tls, port, door: door_port, http };
        bao.furnish().await;
        bao
    }

    pub(crate) fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "https" } else { "http" }, self.port)
    }

    pub(crate) fn door_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.door)
    }

    pub(crate) fn root(&self) -> &'static str {
        ROOT
    }

    /// The authority of its certificate, PEM.
    pub(crate) fn ca(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("vault-ca.pem")).unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// A new, empty server on the same port.
    pub(crate) async fn restart(&mut self) {
        self.process = spawn(&self.folder, self.port, self.tls);
        self.furnish().await;
    }

    async fn furnish(&mut self) {
        let ready = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    panic!("bao ended with {status}: {}", self.log());
                }
                if self.unseal_key().is_some() && self.call(Method::GET, "sys/mounts/secret", None).await.0 == 200 {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        assert!(ready.is_ok(), "bao did not become ready: {}", self.log());
        self.post("sys/mounts/kv", json!({ "type": "kv", "options": { "version": "1" } })).await;
    }

    /// Printed last, when all else is ready.
    fn unseal_key(&self) -> Option<String> {
        let log = self.log();
        let (_, rest) = log.split_once("Unseal Key: ")?;
        rest.split_once('\n').map(|(key, _)| key.to_owned())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// One request with the root token: status and JSON.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let mut request = self.http.request(method, format!("{}/v1/{path}", self.url())).header("x-vault-token", ROOT);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let Ok(response) = request.send().await else { return (0, Value::Null) };
        let status = response.status().as_u16();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// Writes, and insists that it worked.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!((200..300).contains(&status), "POST {path} answered {status}: {answer}");
        answer
    }

    /// Writes JSON exactly as it stands, and insists that it worked.
    pub(crate) async fn post_text(&self, path: &str, json: &'static str) {
        let request = self.http.post(format!("{}/v1/{path}", self.url())).header("x-vault-token", ROOT).body(json);
        assert!(request.send().await.unwrap().status().is_success(), "POST {path}");
    }

    /// Deletes, and insists that it worked.
    pub(crate) async fn delete(&self, path: &str) {
        let (status, answer) = self.call(Method::DELETE, path, None).await;
        assert!((200..300).contains(&status), "DELETE {path} answered {status}: {answer}");
    }

    /// `vault kv put secret/api7/<path>`: replaces all keys.
    pub(crate) async fn put(&self, path: &str, keys: Value) {
        self.post(&format!("secret/data/api7/{path}"), json!({ "data": keys })).await;
    }

    /// A token with the `default` policy and one more, which grants reading below `path`.
    pub(crate) async fn reader(&self, name: &str, path: &str) -> String {
        self.policy(name, path).await;
        self.token(json!({ "policies": [name], "ttl": "700h" })).await
    }

    pub(crate) async fn policy(&self, name: &str, path: &str) {
        let text = format!("path \"{path}/*\" {{ capabilities = [\"read\"] }}");
        self.post(&format!("sys/policies/acl/{name}"), json!({ "policy": text })).await;
    }

    pub(crate) async fn token(&self, options: Value) -> String {
        let answer = self.post("auth/token/create", options).await;
        answer["auth"]["client_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn seal(&self) {
        self.post("sys/seal", json!({})).await;
    }

    pub(crate) async fn unseal(&self) {
        let key = self.unseal_key().unwrap();
        self.post("sys/unseal", json!({ "key": key })).await;
    }

    /// How often exactly `path` was read, by the server's audit log.
    pub(crate) fn reads_of(&self, path: &str) -> usize {
        self.requests(path, "read")
    }

    /// Waits until exactly `path` was read that often.
    pub(crate) async fn until_read(&self, path: &str, times: usize) {
        let read = async {
            while self.reads_of(path) < times {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        assert!(read.is_ok(), "{path} was read {} times, not {times}", self.reads_of(path));
    }

    /// How often exactly `path` was written to, by the server's audit log: `auth/approle/login`.
    pub(crate) fn writes_to(&self, path: &str) -> usize {
        self.requests(path, "update")
    }

    fn requests(&self, path: &str, operation: &str) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("audit")).unwrap();
        // The last line may be half written.
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_meant = |request: &Value| request["path"] == path && request["operation"] == operation;
        entries.filter(|entry| entry["type"] == "request" && is_meant(&entry["request"])).count()
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Door<'_> {
    fn config(&self, folder: &TempDir, port: u16) -> String {
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (certificate, key) = (file("door.pem", &self.shows.certificate), file("door-key.pem", &self.shows.key));
        let wants = self.wants.as_ref().map_or_else(String::new, |authority| {
            let authority = file("door-clients.pem", authority);
            format!("tls_client_ca_file = {authority:?}\n tls_require_and_verify_client_cert = true\n")
        });
        let address = format!("127.0.0.1:{port}");
        let listener =
            format!("address = {address:?}\n tls_cert_file = {certificate:?}\n tls_key_file = {key:?}\n {wants}");
        format!("listener \"tcp\" {{\n {listener}}}\n")
    }
}

fn free_ports() -> [u16; 2] {
    let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

fn spawn(folder: &TempDir, port: u16, tls: bool) -> Child {
    let folder = folder.path();
    let config = folder.join("audit.hcl");
    let audit = folder.join("audit");
    std::fs::write(&config, format!("audit \"file\" \"f\" {{\n options {{\n file_path = {audit:?}\n }}\n}}\n"))
        .unwrap();
    let log = File::create(folder.join("log")).unwrap();
    let mut command = Command::new(program());
    command
        .args(["server", "-dev", "-dev-no-store-token"])
        .arg(format!("-dev-root-token-id={ROOT}"))
        .arg(format!("-dev-listen-address=127.0.0.1:{port}"))
        .arg(format!("-config={}", config.display()))
        .arg(format!("-config={}", folder.join("door.hcl").display()))
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    if tls {
        command.arg("-dev-tls").arg(format!("-dev-tls-cert-dir={}", folder.display()));
    }
    command.spawn().unwrap()
}

/// `$POSTERN_BAO`, `bao` on `PATH`, or where `dev/test` installs it.
fn program() -> PathBuf {
    let given = std::env::var_os("POSTERN_BAO").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("bao"));
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(home);
    let installed = cache.map(|cache| cache.join("postern/venv/bin/bao"));
    given.into_iter().chain(on_path).chain(installed).find(|program| program.is_file()).expect(
        "these tests need OpenBao's server: run dev/test, which installs it, or set POSTERN_BAO to the program 'bao'",
    )
}
