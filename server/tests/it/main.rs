//! The program as an operator runs it.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod ask;
mod crowd;
mod restart;
mod sign_in;
mod unfit;
mod webhooks;

use backends::OpenBao;
use postern::provider::ProviderForm;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A running program on free ports over a data folder.
struct Running {
    child: Child,
    dashboard: String,
    gateway: String,
    /// What it logged up to that.
    log: String,
    /// What it logged since.
    logged: Arc<Mutex<String>>,
}

fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(["serve", "--dashboard-addr", "127.0.0.1:0", "--gateway-addr", "127.0.0.1:0"]);
    command.args(["--gateway-tls-addr", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(data_dir).arg("--site-root").arg(data_dir.join("no-site"));
    for name in ["POSTERN_CONFIG", "POSTERN_LOG", "POSTERN_DATABASE_URL"] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Running {
    /// Starts and reads the addresses from the log.
    fn start(data_dir: &Path) -> Self {
        let mut child = command(data_dir).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut log = String::new();
        let mut address = |marker: &str| {
            for line in lines.by_ref() {
                let line = line.unwrap();
                log.push_str(&line);
                if let Some((_, rest)) = line.split_once(marker) {
                    return rest.split(['"', ' ']).next().unwrap().to_owned();
                }
            }
            panic!("no '{marker}' in the log: {log}");
        };
        let (dashboard, gateway) = (address("dashboard on "), address("gateway on "));
        let logged = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&logged);
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&line)));
        Self { child, dashboard, gateway, log, logged }
    }

    fn signal(&mut self, name: &str) -> Option<i32> {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already, which is what was wanted.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

async fn get(url: String) -> reqwest::Response {
    client().get(url).send().await.unwrap()
}

#[tokio::test]
async fn health_readiness_and_metrics_answer() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    for (path, part) in [
        ("/healthz", "ok"),
        ("/readyz", "ready"),
        ("/metrics", "postern_references{state=\"ok\"} 0"),
        ("/metrics", "postern_gateway_revision"),
    ] {
        let answer = get(format!("{}{path}", running.dashboard)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert!(answer.text().await.unwrap().contains(part), "{path}");
    }
    let answer = get(format!("{}/ip", running.gateway)).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_answer_is_hardened_and_every_page_has_a_nonce_of_its_own() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let mut policies = Vec::new();
    for path in ["/g/default", "/g/default", "/healthz", "/pkg/none.js", "/api/none"] {
        let answer = get(format!("{}{path}", running.dashboard)).await;
        let header =
            |name: &str| answer.headers().get(name).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cache-control"), "no-store", "{path}");
        assert!(header("content-security-policy").contains("default-src 'none'"), "{path}");
        policies.push(header("content-security-policy"));
    }
    assert!(policies[0].contains("'nonce-"), "{}", policies[0]);
    assert_ne!(policies[0], policies[1]);
    assert!(!policies[2].contains("nonce"));
}

#[tokio::test]
async fn other_hosts_and_other_websites_are_refused() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let page = format!("{}/g/default", running.dashboard);
    let rebound = client().get(&page).header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
    for (name, value) in [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        let posted = client().post(format!("{}/api/x", running.dashboard)).header(name, value).send().await.unwrap();
        assert_eq!(posted.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_large_body_is_refused() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let posted = client().post(format!("{}/api/x", running.dashboard)).body(vec![b'x'; 300 * 1024]);
    assert_eq!(posted.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn it_stops_cleanly_and_starts_again_over_the_same_data() {
    let folder = TempDir::new().unwrap();
    for signal in ["-TERM", "-INT"] {
        let mut running = Running::start(folder.path());
        assert_eq!(running.signal(signal), Some(0), "{signal}");
    }
    let mut running = Running::start(folder.path());
    assert_eq!(running.signal("-KILL"), None);
    Running::start(folder.path());
}

fn refusal(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn without_its_master_key_it_refuses_to_start_and_names_the_key() {
    let folder = TempDir::new().unwrap();
    Running::start(folder.path()).signal("-TERM");
    let key_file = folder.path().join("master.key");
    let content = std::fs::read_to_string(&key_file).unwrap();
    let key_id = content.split(' ').nth(1).unwrap();
    std::fs::rename(&key_file, folder.path().join("away")).unwrap();
    let said = refusal(&mut command(folder.path()));
    assert!(said.contains(key_id) && said.contains("master.key"), "{said}");
    assert!(!key_file.exists(), "a new key must not be made");

    let other = TempDir::new().unwrap();
    Running::start(other.path()).signal("-TERM");
    std::fs::copy(other.path().join("master.key"), &key_file).unwrap();
    let said = refusal(&mut command(folder.path()));
    assert!(said.contains(key_id) && said.contains("holds key"), "{said}");
    assert!(!said.contains(content.split(' ').nth(2).unwrap().trim()), "the key itself must not be told");
}

#[test]
fn bad_settings_are_told_on_standard_error_with_exit_code_2() {
    let folder = TempDir::new().unwrap();
    let mut wrong = command(folder.path());
    wrong.args(["--gateway-workers", "many"]);
    assert!(refusal(&mut wrong).contains("expected a number from 1 to 1024"));
    let not_pem = folder.path().join("ca.pem");
    std::fs::write(&not_pem, "nonsense").unwrap();
    for (file, problem) in [(folder.path().join("none.pem"), "cannot be read"), (not_pem, "no PEM certificates")] {
        let mut wrong = command(folder.path());
        wrong.arg("--redis-ca-file").arg(file);
        let said = refusal(&mut wrong);
        assert!(said.contains("--redis-ca-file") && said.contains(problem), "{said}");
    }
    let mut open = Command::new(env!("CARGO_BIN_EXE_postern"));
    open.env("POSTERN_DASHBOARD_ADDR", "0.0.0.0:7080");
    let output = open.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("no sign-in yet"));
}

/// An operator who speaks to the dashboard's server functions.
struct Caller<'a>(&'a Running);

impl Caller<'_> {
    async fn call(&self, function: &str, body: Value) -> Value {
        let url = format!("{}/api/{function}", self.0.dashboard);
        let answer = client().post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{function}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// The provider `my-vault`, with the root token; references begin below `secret/api7`.
    async fn add_vault(&self, bao: &OpenBao) {
        let mut form = ProviderForm { id: "my-vault".to_owned(), ..ProviderForm::default() };
        form.vault.url = bao.url();
        form.vault.prefix = "secret/api7".to_owned();
        form.vault.auth.token.0 = bao.root().to_owned();
        self.call("add_provider", json!({"group": "default", "form": form})).await;
    }

    /// A route to the echo, with a plugin on its service.
    async fn publish_echo(&self, path: &str, plugin: &str, config: &Value) {
        let form = json!({"name": "httpbin", "upstream": "builtin_echo", "nodes": ""});
        let service = self.call("add_service", json!({"group": "default", "form": form})).await;
        let id = &service["stored"]["object"]["id"];
        let form = json!({"name": "echo", "path": path, "methods": [], "hosts": ""});
        self.call("add_route", json!({"group": "default", "service": id, "form": form})).await;
        let plugin = json!({
            "group": "default", "owner": {"on": "service", "id": id}, "revision": 1, "plugin": plugin,
            "json": config.to_string(),
        });
        self.call("set_plugin", plugin).await;
    }

    async fn publish_protected_echo(&self) {
        self.publish_echo("/ip", "key-auth", &json!({})).await;
        let form = json!({"name": "Alice", "description": "", "labels": ""});
        self.call("add_consumer", json!({"group": "default", "form": form})).await;
    }

    async fn add_key(&self, name: &str, key: &str) {
        let secret = json!({"source": "manually_input", "text": key});
        let form = json!({"kind": "key-auth", "name": name, "identifier": "", "secret": secret});
        self.call("add_credential", json!({"group": "default", "consumer": "Alice", "form": form})).await;
    }

    async fn status_with(&self, key: &str) -> StatusCode {
        client().get(format!("{}/ip", self.0.gateway)).header("apikey", key).send().await.unwrap().status()
    }
}

#[tokio::test]
async fn what_was_saved_is_enforced_when_the_answer_arrives_and_survives_a_kill() {
    let folder = TempDir::new().unwrap();
    let mut running = Running::start(folder.path());
    let caller = Caller(&running);
    caller.publish_protected_echo().await;
    for n in 0..20 {
        let key = format!("key-{n}");
        assert_eq!(caller.status_with(&key).await, StatusCode::UNAUTHORIZED);
        caller.add_key(&key, &key).await;
        assert_eq!(caller.status_with(&key).await, StatusCode::OK, "{key}");
    }
    running.signal("-KILL");
    let running = Running::start(folder.path());
    for n in 0..20 {
        assert_eq!(Caller(&running).status_with(&format!("key-{n}")).await, StatusCode::OK, "key-{n}");
    }
}

#[tokio::test]
async fn a_refused_form_names_its_fields_and_echoes_nothing() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    for body in [
        json!({"group": "default", "form": {"name": "canary name", "description": "", "labels": ""}}).to_string(),
        json!({"group": "default", "form": {"name": ["canary"]}}).to_string(),
        "{\"canary".to_owned(),
    ] {
        let post = client().post(format!("{}/api/add_consumer", running.dashboard));
        let answer = post.header("content-type", "application/json").body(body.clone()).send().await.unwrap();
        assert!(answer.status().is_client_error(), "{body}: {}", answer.status());
        let text = answer.text().await.unwrap();
        assert!(!text.contains("canary"), "{body}: {text}");
    }
}
