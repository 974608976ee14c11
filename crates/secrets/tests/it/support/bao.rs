//! The real OpenBao of these tests: `secret/` is KV version 2, `kv/` version 1, and there may be a second listener.

use super::PATIENCE;
use super::authority::Issued;
use backends::OpenBao;
use reqwest::Method;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::Mutex;

/// One server.
pub(crate) struct Bao {
    server: OpenBao,
    door_port: u16,
    _certificates: TempDir,
}

impl Deref for Bao {
    type Target = OpenBao;
    fn deref(&self) -> &OpenBao {
        &self.server
    }
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
        let certificates = TempDir::new().unwrap();
        let door_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = door.map_or_else(String::new, |door| door.config(certificates.path(), door_port));
        let server = OpenBao::start_with(tls, &config).await;
        let bao = Self { server, door_port, _certificates: certificates };
        bao.furnish().await;
        bao
    }

    pub(crate) fn door_url(&self) -> String {
        format!("https://127.0.0.1:{}", self.door_port)
    }

    pub(crate) fn stop(&mut self) {
        self.server.stop();
    }

    /// A new, empty server on the same port.
    pub(crate) async fn restart(&mut self) {
        self.server.restart().await;
        self.furnish().await;
    }

    async fn furnish(&self) {
        self.post("sys/mounts/kv", json!({ "type": "kv", "options": { "version": "1" } })).await;
    }

    /// Writes JSON exactly as it stands, and insists that it worked.
    pub(crate) async fn post_text(&self, path: &str, json: &'static str) {
        let request = self.request(Method::POST, path).body(json);
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
        self.requests("read", |read| read == path)
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
        self.requests("update", |written| written == path)
    }
}

impl Door<'_> {
    fn config(&self, folder: &Path, port: u16) -> String {
        let file = |name: &str, text: &str| {
            let path = folder.join(name);
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
