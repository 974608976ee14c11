//! `postern resolve` and `postern providers`, as an operator runs them: with the server stopped and running, over a
//! real OpenBao.

use crate::{Caller, Running};
use backends::OpenBao;

use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const VALUE: &str = "canary-key-of-alice";
const GOOD: &str = "$secret://vault/my-vault/asked/alice/key";

/// What the program said and how it ended.
struct Told {
    text: String,
    code: i32,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }
}

fn ask(data_dir: &Path, args: &[&str]) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.args(args).arg("--data-dir").arg(data_dir);
    for name in ["POSTERN_CONFIG", "POSTERN_LOG", "POSTERN_DATABASE_URL"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    for secret in [VALUE, backends_root()] {
        assert!(!text.contains(secret), "{args:?} shows a secret");
    }
    Told { text, code: output.status.code().unwrap() }
}

/// The token that the provider is stored with.
fn backends_root() -> &'static str {
    "root-token-of-this-test"
}

/// A data folder with the provider `my-vault`, and Alice's key by reference.
async fn furnished(bao: &OpenBao) -> (TempDir, Running) {
    bao.put("api7/asked/alice", json!({ "key": VALUE, "secret-key": VALUE })).await;
    let folder = TempDir::new().unwrap();
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    caller.add_vault(bao).await;
    caller.publish_protected_echo().await;
    let secret = json!({ "source": "reference", "text": GOOD });
    let form = json!({ "kind": "key-auth", "name": "primary-key", "identifier": "", "secret": secret });
    caller.call("add_credential", json!({ "group": "default", "consumer": "Alice", "form": form })).await;
    (folder, running)
}

#[tokio::test]
async fn questions_are_answered_beside_a_server_and_without_one() {
    let bao = OpenBao::start().await;
    let (folder, mut running) = furnished(&bao).await;
    for is_running in [true, false] {
        if !is_running {
            assert_eq!(running.signal("-TERM"), Some(0));
        }
        for (args, code, parts) in [
            (&["resolve", GOOD][..], 0, &["The reference gives a value", "vault.token_root"][..]),
            (
                &["resolve", GOOD, "--explain"],
                0,
                &["GET http://127.0.0.1", "/v1/secret/data/api7/asked/alice", "200: version 1", "19 characters"],
            ),
            (
                &["resolve", "$secret://vault/my-vault/asked/alice/Key"],
                1,
                &["secret.key_missing", "Did you mean 'key'?", "vault kv patch"],
            ),
            (&["resolve", "$secret://vault/my-vault/asked/alcie/key"], 1, &["secret.not_found", "asked/alice exists"]),
            (&["resolve", "$secret://vault/none/a/key"], 1, &["provider.not_found", "my-vault"]),
            (&["resolve", "$secret://Vault/my-vault/a/key"], 2, &["ref.unknown_manager", "write 'vault'"]),
            (&["resolve", "a-literal"], 2, &["ref.not_a_reference"]),
            (&["providers", "test", "my-vault"], 0, &["The secret provider works, with a warning", "vault.token_root"]),
            (&["providers", "test", "vault/my-vault"], 0, &["Read permission"]),
            (&["providers", "test", "none"], 2, &["no secret provider 'none'; known: vault/my-vault"]),
            (
                &["providers", "policy", "my-vault"],
                0,
                &["path \"secret/data/api7/asked/alice\"", "capabilities = [\"read\"]", "# It is a root token"],
            ),
            (&["resolve"], 2, &["REFERENCE"]),
        ] {
            let told = ask(folder.path(), args);
            assert_eq!(told.code, code, "{args:?}, running: {is_running}: {}", told.text);
            for part in parts {
                assert!(told.text.contains(part), "{args:?}: {part:?} is not in {}", told.text);
            }
        }
    }
}

#[tokio::test]
async fn programs_are_answered_in_json() {
    let bao = OpenBao::start().await;
    let (folder, running) = furnished(&bao).await;
    let good = ask(folder.path(), &["resolve", GOOD, "--explain", "--json"]).json();
    assert_eq!((&good["subject"], &good["works"], &good["reason"]), (&json!("reference"), &json!(true), &Value::Null));
    let steps: Vec<&str> =
        good["steps"].as_array().unwrap().iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        steps,
        [
            "parse", "provider", "address", "connect", "tls", "health", "token", "mount", "request", "answer", "key",
            "check", "field"
        ]
    );

    let bad = ask(folder.path(), &["resolve", "$secret://vault/my-vault/asked/alice/password", "--json"]).json();
    assert_eq!((&bad["works"], &bad["reason"]), (&json!(false), &json!("secret.key_missing")));
    assert!(bad["explanation"]["fix"].as_str().unwrap().contains("vault kv patch"), "{bad}");
    assert_eq!(bad.get("steps"), None);

    let test = ask(folder.path(), &["providers", "test", "my-vault", "--json"]).json();
    assert_eq!(test["subject"], "provider");
    let policy = ask(folder.path(), &["providers", "policy", "my-vault", "--json"]).json();
    assert!(policy["excess"][0].as_str().unwrap().contains("root token"), "{policy}");

    drop(running);
    drop(bao);
    let lost = ask(folder.path(), &["resolve", GOOD, "--json"]);
    assert_eq!((lost.code, lost.json()["reason"].as_str()), (1, Some("network.connection_refused")));
}

#[test]
fn nothing_is_made_where_nothing_is_stored() {
    let folder = TempDir::new().unwrap();
    let told = ask(folder.path(), &["resolve", GOOD]);
    assert_eq!(told.code, 3, "{}", told.text);
    assert!(told.text.contains("cannot be opened"), "{}", told.text);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file was made");

    // Another key than the database's is not used, and none is made.
    Running::start(folder.path()).signal("-TERM");
    std::fs::remove_file(folder.path().join("master.key")).unwrap();
    let told = ask(folder.path(), &["resolve", GOOD]);
    assert_eq!(told.code, 3, "{}", told.text);
    assert!(told.text.contains("master.key") && !folder.path().join("master.key").exists(), "{}", told.text);
}
