#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "only tests and benchmarks use it: a panic is the report")]

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
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // A connection cannot outlive the test whose runtime drives it, so none is kept.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap();
        let process = spawn(folder.path(), port);
        let mut bao = Self { process, folder, port, http };
        bao.until_ready().await;
        bao
    }

    async fn until_ready(&mut self) {
        let ready = async {
            loop {
                if let Some(status) = self.process.try_wait().unwrap() {
                    panic!("bao ended with {status}: {}", self.log());
                }
                let mount = self.http.get(self.address("sys/mounts/secret")).header("x-vault-token", ROOT);
                // The unseal key is printed last, when all else is ready.
                if self.log().contains("Unseal Key: ") && mount.send().await.is_ok_and(|a| a.status().is_success()) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        assert!(ready.is_ok(), "bao did not become ready: {}", self.log());
    }

    /// `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A token that may do everything.
    #[must_use]
    pub fn root(&self) -> &'static str {
        ROOT
    }

    fn address(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.url())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Writes, and insists that it worked.
    ///
    /// # Panics
    /// It did not.
    pub async fn post(&self, path: &str, body: Value) {
        let request = self.http.post(self.address(path)).header("x-vault-token", ROOT).json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "POST {path} answered {status}: {:?}", answer.text().await);
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
        let log = std::fs::read_to_string(self.folder.path().join("audit")).unwrap();
        // The last line may be half written.
        let entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let is_meant = |request: &Value| {
            request["operation"] == "read" && request["path"].as_str().is_some_and(|read| read.starts_with(path))
        };
        entries.filter(|entry| entry["type"] == "request" && is_meant(&entry["request"])).count()
    }
}

impl Drop for OpenBao {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, port: u16) -> Child {
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
        .env("HOME", folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
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
    given
        .into_iter()
        .chain(on_path)
        .chain(installed)
        .find(|program| program.is_file())
        .expect("OpenBao's server is needed: run dev/test, which installs it, or set POSTERN_BAO to the program 'bao'")
}
