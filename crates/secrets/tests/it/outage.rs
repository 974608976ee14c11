//! Vault away, sealed or busy: the last good value bridges it, and nobody has to do anything afterwards.

use crate::support::bao::Bao;
use crate::support::fault::{Fault, FaultServer};
use crate::support::{FRESHNESS, House, claim, settings};
use futures_util::future::join_all;
use postern::provider::Freshness;
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_stopped_vault_is_bridged_and_its_return_noticed() {
    let mut bao = Bao::start().await;
    bao.put("alice", json!({ "key": "before" })).await;
    let house = House::with(settings(&bao.url(), bao.root()), 1, 300);
    house.watch(&["alice/key", "alice/none", "bob/key"]);
    house.until("alice/key", Some("before"), "ok").await;
    house.until("bob/key", None, "not_found").await;

    bao.stop();
    house.until("alice/key", Some("before"), "stale").await;
    claim(&house.state("alice/key"), "stale", &["connection was refused", "until"]);
    house.until("alice/none", None, "unreachable").await;
    house.until("bob/key", None, "unreachable").await;

    bao.restart().await;
    bao.put("alice", json!({ "key": "after" })).await;
    bao.put("bob", json!({ "key": "new" })).await;
    house.until("alice/key", Some("after"), "ok").await;
    house.until("bob/key", Some("new"), "ok").await;
}

/// More secrets than are read at once.
#[tokio::test]
async fn many_secrets_come_back_by_themselves() {
    let mut bao = Bao::start().await;
    let paths: Vec<String> = (0..200).map(|n| format!("many/{n}")).collect();
    let keys: Vec<String> = paths.iter().map(|path| format!("{path}/key")).collect();
    for path in &paths {
        bao.put(path, json!({ "key": "before" })).await;
    }
    let house = House::with(settings(&bao.url(), bao.root()), 5, 300);
    house.watch(&keys.iter().map(String::as_str).collect::<Vec<_>>());
    for key in &keys {
        house.until(key, Some("before"), "ok").await;
    }
    bao.stop();
    for key in &keys {
        house.until(key, Some("before"), "stale").await;
    }
    bao.restart().await;
    for path in &paths {
        bao.put(path, json!({ "key": "after" })).await;
    }
    for key in &keys {
        house.until(key, Some("after"), "ok").await;
    }
}

#[tokio::test]
async fn a_refusal_is_bridged_for_its_grace_and_mended_in_vault() {
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let token = bao.reader("grace-reader", "secret/data").await;
    let house = House::empty();
    let freshness = Freshness { denied_grace_seconds: 3, ..FRESHNESS };
    house.set(1, settings(&bao.url(), &token), freshness);
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.policy("grace-reader", "secret/data/elsewhere").await;
    claim(&house.check("alice/key").await, "stale", &["PolicyMissing", "until"]);
    assert_eq!(house.value("alice/key").as_deref(), Some("v"));
    house.until("alice/key", None, "denied").await;
    bao.policy("grace-reader", "secret/data").await;
    house.until("alice/key", Some("v"), "ok").await;

    bao.delete("secret/metadata/api7/alice").await;
    claim(&house.check("alice/key").await, "not_found", &[]);
    assert_eq!(house.value("alice/key"), None, "a definite no has no grace");
}

#[tokio::test]
async fn an_outage_is_bridged_no_longer_than_allowed() {
    let mut bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let house = House::with(settings(&bao.url(), bao.root()), 1, 3);
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.stop();
    house.until("alice/key", Some("v"), "stale").await;
    house.until("alice/key", None, "unreachable").await;
}

#[tokio::test]
async fn without_a_time_to_bridge_an_outage_ends_the_value_at_once() {
    let mut bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let house = House::with(settings(&bao.url(), bao.root()), 300, 0);
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.stop();
    claim(&house.check("alice/key").await, "unreachable", &["connection was refused"]);
    assert_eq!(house.value("alice/key"), None);
}

#[tokio::test]
async fn a_sealed_vault_is_named_and_bridged() {
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.seal().await;
    claim(&house.check("alice/key").await, "stale", &["Sealed", "vault operator unseal"]);
    claim(&house.check("bob/key").await, "sealed", &["is sealed"]);
    assert_eq!(house.value("alice/key").as_deref(), Some("v"));
    bao.unseal().await;
    house.until("alice/key", Some("v"), "ok").await;
}

#[tokio::test]
async fn a_throttled_read_is_bridged() {
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.post("sys/quotas/rate-limit/tight", json!({ "path": "secret", "rate": 1, "interval": "1h" })).await;
    let mut state = house.check("alice/key").await;
    // The quota's first request still passes.
    for _ in 0..3 {
        state = house.check("alice/key").await;
    }
    claim(&state, "stale", &["Throttled", "too many requests"]);
    bao.delete("sys/quotas/rate-limit/tight").await;
    house.until("alice/key", Some("v"), "ok").await;
}

/// Nothing answers, and there are more secrets than turns: whoever asks for one is answered all the same
/// in the time that one request may take.
#[tokio::test]
async fn an_operator_does_not_wait_for_all_other_secrets() {
    let server = FaultServer::start(Fault::Silence).await;
    let house = House::new(settings(&server.url(), "t"));
    let paths: Vec<String> = (0..300).map(|n| format!("many/{n}/key")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    house.watch(&paths);
    let asked = Instant::now();
    let states = join_all([house.check("many/299/key"), house.check("another/key")]).await;
    assert!(asked.elapsed() < Duration::from_secs(11), "{:?}", asked.elapsed());
    for state in states {
        claim(&state, "unreachable", &["TimedOut"]);
    }
}
