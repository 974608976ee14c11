//! A stand-in for Wolf, which is in no package registry: `dev/backends/wolf_stub.py`, written from the answers of the
//! real server.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// One server with the users alice and bob of the application `myapp`, and carol of `other`.
pub struct Wolf {
    process: Child,
    port: u16,
    is_tls: bool,
}

impl Wolf {
    /// A server that speaks HTTP.
    ///
    /// # Panics
    /// Python is not there.
    #[must_use]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server that speaks TLS alone, with a certificate that nobody trusts.
    ///
    /// # Panics
    /// As [`Wolf::start`].
    #[must_use]
    pub fn start_with_tls() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        std::fs::write(&certificate, certified.cert.pem()).unwrap();
        std::fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
        Self::start_with(&[certificate.as_path(), key.as_path()])
    }

    fn start_with(certificate: &[&Path]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dev/backends/wolf_stub.py");
        let mut process = Command::new("python3")
            .arg(script)
            .args(certificate)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python is needed: run dev/test, which installs it");
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("listening on ").and_then(|port| port.parse().ok());
        Self { process, port: port.expect("the stand-in for Wolf does not start"), is_tls: !certificate.is_empty() }
    }

    /// `http://127.0.0.1:<port>`, or with `https`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.is_tls { "https" } else { "http" }, self.port)
    }

    /// The token that a user gets by signing in at Wolf itself.
    ///
    /// # Panics
    /// Wolf refuses.
    pub async fn token(&self, username: &str, password: &str, appid: &str) -> String {
        let body = json!({"username": username, "password": password, "appid": appid});
        let answer = self.call("wolf/rbac/login.rest", Some(&body)).await;
        answer["data"]["token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// The next calls are answered with this status.
    pub async fn fail(&self, times: usize, status: u16) {
        self.call("_fail", Some(&json!({"times": times, "status": status}))).await;
    }

    /// The next call is answered so.
    pub async fn answer(&self, status: u16, body: &str) {
        self.call("_answer", Some(&json!({"status": status, "body": body}))).await;
    }

    /// What it was asked: method, path, arguments.
    pub async fn calls(&self) -> Vec<Value> {
        self.call("_calls", None).await.as_array().cloned().unwrap_or_default()
    }

    async fn call(&self, path: &str, body: Option<&Value>) -> Value {
        let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
        let url = format!("{}/{path}", self.url());
        let request = body.map_or_else(|| http.get(&url), |body| http.post(&url).json(body));
        request.send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Wolf {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
