//! Calls of the webhook as other programs make them, against the program and a real OpenBao.

use crate::{Caller, Running, client};
use backends::OpenBao;
use reqwest::StatusCode;
use serde_json::json;
use std::process::Command;
use tempfile::TempDir;

const GUIDE: &str = include_str!("../../../docs/webhooks.md");

/// The n-th block of that language in the guide.
fn example(language: &str, n: usize) -> &'static str {
    let blocks = GUIDE.split("```").skip(1).step_by(2).filter_map(|block| block.strip_prefix(language));
    blocks.filter(|block| block.starts_with('\n')).nth(n).unwrap()
}

/// The guide's curl example, with another body if one is given.
fn call(running: &Running, provider: &str, secret: &str, body: Option<&str>) -> (bool, String) {
    let mut script = example("sh", 0).to_owned();
    if let Some(body) = body {
        let line = script.lines().find(|line| line.starts_with("body=")).unwrap().to_owned();
        script = script.replace(&line, &format!("body='{body}'"));
    }
    let mut shell = Command::new("bash");
    shell.args(["-euc", &script]).env("POSTERN", &running.dashboard);
    let output = shell.env("PROVIDER", provider).env("SIGNING_SECRET", secret).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap())
}

async fn add_vault(caller: &Caller<'_>, bao: &OpenBao, place: &str) -> serde_json::Value {
    let form = json!({
        "id": "my-vault",
        "vault": {"url": bao.url(), "prefix": format!("secret/{place}"), "auth": {"token": bao.root()}},
    });
    let mut whole = serde_json::to_value(postern::provider::ProviderForm::default()).unwrap();
    merge(&mut whole, form);
    caller.call("add_provider", json!({"group": "default", "form": whole})).await
}

fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
    match from {
        serde_json::Value::Object(members) => {
            members.into_iter().for_each(|(name, value)| merge(&mut into[name], value))
        }
        value => *into = value,
    }
}

async fn create(caller: &Caller<'_>) -> String {
    let key = json!({"manager": "vault", "id": "my-vault"});
    let made = caller.call("create_webhook", json!({"group": "default", "key": key})).await;
    assert_eq!(made["path"], "/hooks/secrets/my-vault");
    made["secret"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_call_that_proves_nothing_learns_nothing() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    let bao = OpenBao::shared().await;
    add_vault(&caller, &bao, "quiet").await;
    let post = |provider: &str, body: &'static str, headers: &[(&'static str, &str)]| {
        let mut request = client().post(format!("{}/hooks/secrets/{provider}", running.dashboard)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().to_string();
    let forged = format!("v1={}", "ab".repeat(32));
    let signed: &[(&str, &str)] = &[("postern-timestamp", &now), ("postern-signature", &forged)];
    let without = post("my-vault", "", signed).await;
    create(&caller).await;
    let with = post("my-vault", "", signed).await;
    assert_eq!(with.0, 401, "{with:?}");
    for provider in ["my-vault", "no-such-vault", "my%20vault", "my-vault%2f", "%22%0d%0a"] {
        assert_eq!(post(provider, "", signed).await, with, "{provider}");
    }
    assert_eq!(without, with, "a provider without a webhook");
    for (headers, part) in [
        (&[][..], "Postern-Timestamp"),
        (&[("postern-timestamp", "yesterday"), ("postern-signature", &*forged)], "Postern-Timestamp"),
        (&[("postern-timestamp", &*now)], "Postern-Signature"),
        (&[("postern-timestamp", "1700000000"), ("postern-signature", &*forged)], "300 s"),
        (&[("postern-timestamp", &*now), ("postern-timestamp", &*now), ("postern-signature", &*forged)], "Timestamp"),
    ] {
        for provider in ["my-vault", "no-such-vault"] {
            let (status, text) = post(provider, "", headers).await;
            assert_eq!((status, text.contains(part)), (401, true), "{headers:?}: {text}");
        }
    }
    let large = client().post(format!("{}/hooks/secrets/my-vault", running.dashboard)).body(vec![b' '; 17 * 1024]);
    assert_eq!(large.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Another website's page may send it, and gets no further; other hosts' names are refused as everywhere.
    let foreign: Vec<_> = signed.iter().copied().chain([("origin", "http://evil.example")]).collect();
    assert_eq!(post("my-vault", "", &foreign).await.0, 401);
    let rebound: Vec<_> = signed.iter().copied().chain([("host", "evil.example")]).collect();
    assert_eq!(post("my-vault", "", &rebound).await.0, 421);
    let other = client().post(format!("{}/api/x", running.dashboard)).header("origin", "http://evil.example");
    assert_eq!(other.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_rotated_secret_is_enforced_when_the_call_returns() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    let bao = OpenBao::shared().await;
    bao.put("hooked/consumer/alice", json!({ "key": "old-key" })).await;
    add_vault(&caller, &bao, "hooked").await;
    caller.publish_protected_echo().await;
    let reference = json!({"source": "reference", "text": "$secret://vault/my-vault/consumer/alice/key"});
    let form = json!({"kind": "key-auth", "name": "primary-key", "identifier": "", "secret": reference});
    caller.call("add_credential", json!({"group": "default", "consumer": "Alice", "form": form})).await;
    assert_eq!(caller.status_with("old-key").await, StatusCode::OK);
    let secret = create(&caller).await;

    bao.put("hooked/consumer/alice", json!({ "key": "new-key" })).await;
    assert_eq!(caller.status_with("new-key").await, StatusCode::UNAUTHORIZED);
    for (body, said) in
        [(r#"{"path": "consumer/bob"}"#, "\"secrets\":0"), (r#"{"paths": "x"}"#, "neither empty nor JSON")]
    {
        let (_, answer) = call(&running, "my-vault", &secret, Some(body));
        assert!(answer.contains(said), "{answer}");
    }
    assert_eq!(caller.status_with("new-key").await, StatusCode::UNAUTHORIZED);
    let (followed, answer) = call(&running, "my-vault", &secret, None);
    assert!(followed && answer.contains("\"secrets\":1"), "{answer}");
    assert_eq!(caller.status_with("new-key").await, StatusCode::OK);
    assert_eq!(caller.status_with("old-key").await, StatusCode::UNAUTHORIZED);

    let (again, answer) = call(&running, "my-vault", &secret, Some(""));
    assert!(again && answer.contains("\"secrets\":1"), "{answer}");
    let replaced = create(&caller).await;
    for (provider, key) in [("my-vault", &*secret), ("my-vault", "guessed"), ("other", &*replaced)] {
        let (followed, answer) = call(&running, provider, key, None);
        assert!(!followed && answer.contains("signature does not fit"), "{answer}");
    }
    assert!(call(&running, "my-vault", &replaced, Some("")).0);
    let key = json!({"manager": "vault", "id": "my-vault"});
    caller.call("delete_webhook", json!({"group": "default", "key": key})).await;
    assert!(!call(&running, "my-vault", &replaced, Some("")).0);
}

#[tokio::test]
async fn the_same_call_is_followed_once_and_the_example_for_aws_is_understood() {
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    let bao = OpenBao::shared().await;
    add_vault(&caller, &bao, "replayed").await;
    let secret = create(&caller).await;
    let script = example("sh", 0).replace("curl ", "send() { curl ").to_owned() + "}\nsend && ! send";
    let mut shell = Command::new("bash");
    shell.args(["-uc", &script]).env("POSTERN", &running.dashboard);
    let output = shell.env("PROVIDER", "my-vault").env("SIGNING_SECRET", &secret).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("received before"), "{said}");

    let event =
        r#"{"detail": {"requestParameters": {"secretId": "arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf"}}}"#;
    let script = format!("{}\nimport sys\nhandler(json.loads(sys.argv[1]), None)\n", example("python", 0));
    let mut python = Command::new("python3");
    python.args(["-c", &script, event]).env("POSTERN", &running.dashboard).env("PROVIDER", "my-vault");
    let output = python.env("SIGNING_SECRET", &secret).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
