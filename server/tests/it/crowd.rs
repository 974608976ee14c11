//! A thousand references into fifty secrets: requests read nothing, whatever becomes of the provider.

use crate::{Caller, Running, client, get};
use backends::OpenBao;
use futures_util::future::join_all;
use postern::name::GroupName;
use postern::time::Millis;
use reqwest::{Method, StatusCode};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;
use store::{Kind, NewRow, Store};
use tempfile::TempDir;

const SECRETS: usize = 50;
const KEYS_EACH: usize = 20;
const REFERENCES: usize = SECRETS * KEYS_EACH;
/// Requests under way at once.
const CROWD: usize = 200;

/// What the reference of the n-th consumer stands for.
fn key(n: usize) -> String {
    format!("key {} of secret {}", n % KEYS_EACH, n / KEYS_EACH)
}

/// A thousand consumers, as if they had been saved one by one.
async fn store_consumers(data_dir: &Path) {
    let store = Store::open(&format!("sqlite:{}", data_dir.join("postern.db").display())).await.unwrap();
    let row = |id: String, kind, parent, name: String, spec: Value| {
        let spec = spec.to_string();
        NewRow { id, kind, parent, name, masked: spec.clone(), spec, search: None }
    };
    let rows = (0..REFERENCES).flat_map(|n| {
        let (name, parent) = (format!("consumer-{n}"), format!("row-{n}"));
        let reference = format!("$secret://vault/my-vault/crowd/{}/key-{}", n / KEYS_EACH, n % KEYS_EACH);
        let kind = json!({"type": "key-auth", "key": {"source": "reference", "value": reference}});
        let id = format!("credential-{n}");
        let credential = json!({"id": id, "consumer": name, "name": "key", "kind": kind});
        let consumer = json!({"name": name, "description": "", "labels": {}});
        [
            row(parent.clone(), Kind::Consumer, None, name, consumer),
            row(id, Kind::Credential, Some(parent), "key-auth/key".to_owned(), credential),
        ]
    });
    store.insert_all(&GroupName::default_group(), &rows.collect::<Vec<_>>(), Millis(0)).await.unwrap();
    store.close().await;
}

/// How many references stand there, as `/metrics` tells it.
async fn standing(running: &Running, state: &str) -> usize {
    let told = get(format!("{}/metrics", running.dashboard)).await.text().await.unwrap();
    let line = format!("postern_references{{state=\"{state}\"}} ");
    told.lines().find_map(|told| told.strip_prefix(&line)).unwrap().parse().unwrap()
}

/// The statuses of so many requests at once, with the keys of different consumers.
async fn crowd(running: &Running) -> Vec<StatusCode> {
    let (http, url) = (client(), format!("{}/ip", running.gateway));
    let asked = (0..CROWD).map(|n| http.get(&url).header("apikey", key(n * REFERENCES / CROWD)).send());
    join_all(asked).await.into_iter().map(|answer| answer.unwrap().status()).collect()
}

/// Asks in crowds until all references stand there; answers every status there was on the way.
async fn until_all(running: &Running, state: &str) -> Vec<StatusCode> {
    let mut statuses = Vec::new();
    let reached = async {
        while standing(running, state).await < REFERENCES {
            statuses.extend(crowd(running).await);
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(120), reached).await;
    assert!(in_time.is_ok(), "not all references became {state}: {}", running.logged.lock().unwrap());
    statuses
}

#[tokio::test]
async fn a_crowd_reads_nothing_and_an_outage_fails_nobody() {
    let bao = OpenBao::start().await;
    for secret in 0..SECRETS {
        let one = |n: usize| (format!("key-{n}"), key(secret * KEYS_EACH + n).into());
        bao.put(&format!("api7/crowd/{secret}"), (0..KEYS_EACH).map(one).collect::<Map<_, _>>().into()).await;
    }
    let folder = TempDir::new().unwrap();
    let mut running = Running::start(folder.path());
    let caller = Caller(&running);
    caller.add_vault(&bao).await;
    caller.publish_protected_echo().await;
    assert_eq!(running.signal("-TERM"), Some(0));
    store_consumers(folder.path()).await;
    let reads = || bao.reads_below("secret/data/api7/crowd/");
    assert_eq!(reads(), 0);

    let running = Running::start(folder.path());
    let cold = until_all(&running, "ok").await;
    let known = |status: &StatusCode| [StatusCode::OK, StatusCode::UNAUTHORIZED].contains(status);
    assert!(cold.iter().all(known), "a key that is not read yet authenticates nobody, and that is all: {cold:?}");
    assert_eq!(crowd(&running).await, [StatusCode::OK; CROWD]);
    assert_eq!(reads(), SECRETS, "one read for each secret, and none by requests");

    let (sealed, _) = bao.call(Method::PUT, "sys/seal", None).await;
    assert_eq!(sealed, 204);
    let refresh = json!({"group": "default", "key": {"manager": "vault", "id": "my-vault"}});
    Caller(&running).call("refresh_provider", refresh).await;
    let away = until_all(&running, "stale").await;
    assert!(away.iter().all(|status| *status == StatusCode::OK), "{away:?}");
    for _ in 0..20 {
        assert_eq!(crowd(&running).await, [StatusCode::OK; CROWD]);
    }

    let unseal = json!({"key": bao.unseal_key()});
    let (unsealed, _) = bao.call(Method::PUT, "sys/unseal", Some(unseal)).await;
    assert_eq!(unsealed, 200);
    let back = until_all(&running, "ok").await;
    assert!(back.iter().all(|status| *status == StatusCode::OK), "{back:?}");
    assert_eq!(reads(), 2 * SECRETS, "each secret is read once more, and only once");
}
