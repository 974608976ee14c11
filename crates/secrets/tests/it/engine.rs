//! One read for many, freshness, and changes that take effect at once.

use crate::support::bao::Bao;
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::turnstile::Turnstile;
use crate::support::{FRESHNESS, House, claim, group, reference, settings};
use futures_util::FutureExt;
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

/// No answer comes before all have asked, and on several threads the first read is under way long before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_cold_requests_for_many_keys_are_one_read() {
    let bao = Bao::start().await;
    let keys: serde_json::Map<_, _> = (0..50).map(|n| (format!("key{n}"), json!(format!("value{n}")))).collect();
    bao.put("crowd", keys.into()).await;
    let turnstile = Turnstile::before(&bao.url()).await;
    let house = House::new(settings(&turnstile.url(), bao.root()));
    let paths: Vec<String> = (0..50).map(|n| format!("crowd/key{n}")).collect();
    let mut asked = Box::pin(join_all((0..10_000).map(|n| house.check(&paths[n % 50]))));
    assert!((&mut asked).now_or_never().is_none());
    turnstile.open();
    for state in asked.await {
        claim(&state, "ok", &[]);
    }
    assert_eq!(bao.reads_of("secret/data/api7/crowd"), 1);
}

/// What is still watched is the clock: three more reads of it would have brought three of the other.
#[tokio::test]
async fn what_no_one_names_any_more_is_no_longer_read() {
    let bao = Bao::start().await;
    for path in ["used", "unused"] {
        bao.put(path, json!({ "key": "v" })).await;
    }
    let house = House::with(settings(&bao.url(), bao.root()), 1, 300);
    house.watch(&["used/key", "unused/key"]);
    house.until("unused/key", Some("v"), "ok").await;
    house.watch(&["used/key"]);
    let before = bao.reads_of("secret/data/api7/unused");
    let enough = bao.reads_of("secret/data/api7/used") + 3;
    bao.until_read("secret/data/api7/used", enough).await;
    assert_eq!(bao.reads_of("secret/data/api7/unused"), before);
}

#[tokio::test]
async fn the_mount_is_looked_for_once() {
    let bao = Bao::start().await;
    let paths: Vec<String> = (0..20).map(|n| format!("many/{n}/key")).collect();
    for n in 0..20 {
        bao.put(&format!("many/{n}"), json!({ "key": "v" })).await;
    }
    let house = House::new(settings(&bao.url(), bao.root()));
    join_all(paths.iter().map(|path| house.check(path))).await;
    assert_eq!(bao.reads_of("sys/internal/ui/mounts/secret/api7"), 1);
}

#[tokio::test]
async fn a_check_never_answers_with_what_was_read_before() {
    let bao = Bao::shared().await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["fresh/key"]);
    for round in 1..=5 {
        bao.put("fresh", json!({ "key": format!("value {round}") })).await;
        claim(&house.check("fresh/key").await, "ok", &[&format!("version: Some({round})")]);
        assert_eq!(house.value("fresh/key"), Some(format!("value {round}")));
    }
}

/// The first read found nothing, and its answer is still on the way.
#[tokio::test]
async fn a_failure_from_before_the_question_is_no_answer() {
    let bao = Bao::start().await;
    let turnstile = Turnstile::before_answers_about(&bao.url(), "/late").await;
    let house = House::new(settings(&turnstile.url(), bao.root()));
    house.watch(&["late/key"]);
    bao.until_read("secret/data/api7/late", 1).await;
    bao.put("late", json!({ "key": "there" })).await;
    let mut asked = Box::pin(house.check("late/key"));
    assert!((&mut asked).now_or_never().is_none());
    turnstile.open();
    claim(&asked.await, "ok", &[]);
}

#[tokio::test]
async fn a_rotated_value_is_seen_without_being_asked_for() {
    let bao = Bao::shared().await;
    bao.put("rotated", json!({ "key": "old" })).await;
    let house = House::with(settings(&bao.url(), bao.root()), 1, 300);
    house.watch(&["rotated/key"]);
    house.until("rotated/key", Some("old"), "ok").await;
    bao.put("rotated", json!({ "key": "new" })).await;
    house.until("rotated/key", Some("new"), "ok").await;
    bao.delete("secret/metadata/api7/rotated").await;
    house.until("rotated/key", None, "not_found").await;
    bao.put("rotated", json!({ "key": "back" })).await;
    house.until("rotated/key", Some("back"), "ok").await;
}

/// With a long refresh interval, what is wrong is looked at again soon all the same.
#[tokio::test]
async fn mending_a_secret_in_vault_is_enough() {
    let bao = Bao::shared().await;
    bao.put("mended", json!({ "other": "x" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["mended/key", "absent/key"]);
    house.until("mended/key", None, "key_missing").await;
    house.until("absent/key", None, "not_found").await;
    bao.put("mended", json!({ "key": "mended" })).await;
    bao.put("absent", json!({ "key": "written" })).await;
    house.until("mended/key", Some("mended"), "ok").await;
    house.until("absent/key", Some("written"), "ok").await;
}

#[tokio::test]
async fn refresh_reads_every_watched_secret_of_the_provider() {
    let bao = Bao::shared().await;
    for path in ["refreshed/a", "refreshed/b"] {
        bao.put(path, json!({ "key": "old" })).await;
    }
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["refreshed/a/key", "refreshed/b/key"]);
    house.refresh().await;
    for path in ["refreshed/a", "refreshed/b"] {
        bao.put(path, json!({ "key": "new" })).await;
    }
    assert_eq!(house.value("refreshed/a/key").as_deref(), Some("old"));
    house.refresh().await;
    for path in ["refreshed/a/key", "refreshed/b/key"] {
        assert_eq!(house.value(path).as_deref(), Some("new"));
    }
}

#[tokio::test]
async fn what_is_no_longer_watched_is_forgotten() {
    let bao = Bao::shared().await;
    bao.put("left", json!({ "key": "v", "other": "w" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["left/key", "left/other"]);
    house.until("left/key", Some("v"), "ok").await;
    house.watch(&["left/other"]);
    claim(&house.state("left/other"), "ok", &[]);
    house.watch(&[]);
    claim(&house.state("left/key"), "pending", &[]);
    assert_eq!(house.value("left/key"), None);
}

#[tokio::test]
async fn a_missing_provider_is_a_state_that_names_the_others() {
    let bao = Bao::shared().await;
    let house = House::new(settings(&bao.url(), bao.root()));
    let other = "$secret://vault/none/a/key".parse().unwrap();
    let state = house.engine.check(&group(), &other).await;
    claim(&state, "provider_missing", &["vault/none", "my-vault"]);
    let elsewhere = "other-group".parse().unwrap();
    let state = house.engine.check(&elsewhere, &reference("a/key")).await;
    claim(&state, "provider_missing", &["known: []"]);
}

#[tokio::test]
async fn a_changed_provider_takes_effect_at_once() {
    let bao = Bao::shared().await;
    bao.put("changed", json!({ "key": "v" })).await;
    bao.post("secret/data/other/changed", json!({ "data": { "key": "other" } })).await;
    let good = || settings(&bao.url(), bao.root());
    let house = House::new(good());
    house.watch(&["changed/key"]);
    house.until("changed/key", Some("v"), "ok").await;

    house.set(2, settings(&bao.url(), "s.wrong"), FRESHNESS);
    house.until("changed/key", None, "denied").await;

    house.set(3, good(), FRESHNESS);
    house.until("changed/key", Some("v"), "ok").await;

    let mut elsewhere = good();
    elsewhere.prefix = "secret/other".parse().unwrap();
    house.set(4, elsewhere, FRESHNESS);
    assert_eq!(house.value("changed/key"), None, "a value of the other prefix must not be used");
    house.until("changed/key", Some("other"), "ok").await;

    house.engine.set_providers(vec![]);
    claim(&house.state("changed/key"), "provider_missing", &[]);
    assert_eq!(house.value("changed/key"), None);

    house.set(5, good(), FRESHNESS);
    house.until("changed/key", Some("v"), "ok").await;
}

#[tokio::test]
async fn a_new_token_does_not_interrupt_a_value() {
    let bao = Bao::shared().await;
    bao.put("retokened", json!({ "key": "v" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["retokened/key"]);
    house.until("retokened/key", Some("v"), "ok").await;
    let reader = bao.reader("retokened-reader", "secret/data").await;
    house.set(2, settings(&bao.url(), &reader), FRESHNESS);
    assert_eq!(house.value("retokened/key").as_deref(), Some("v"));
    claim(&house.check("retokened/key").await, "ok", &[]);
}

#[tokio::test]
async fn the_same_provider_again_changes_nothing() {
    let bao = Bao::shared().await;
    bao.put("same", json!({ "key": "v" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["same/key"]);
    house.until("same/key", Some("v"), "ok").await;
    house.set(1, settings(&bao.url(), bao.root()), FRESHNESS);
    house.watch(&["same/key"]);
    claim(&house.state("same/key"), "ok", &[]);
    assert_eq!(bao.reads_of("secret/data/api7/same"), 1);
}

#[tokio::test]
async fn whoever_waits_is_let_go_when_the_provider_goes_or_the_engine_ends() {
    let silent = crate::support::fault::FaultServer::start(crate::support::fault::Fault::Silence).await;
    let house = House::new(settings(&silent.url(), "t"));
    let (state, ()) = tokio::join!(house.check("a/key"), async { house.engine.set_providers(vec![]) });
    claim(&state, "provider_missing", &[]);

    house.set(2, settings(&silent.url(), "t"), FRESHNESS);
    let (state, ()) = tokio::join!(house.check("a/key"), async { house.shutdown.cancel() });
    claim(&state, "pending", &[]);
    house.engine.watch(BTreeSet::from([(group(), reference("a/key"))]));
    claim(&house.state("a/key"), "pending", &[]);
}

#[tokio::test]
async fn nothing_secret_is_logged_or_printed_and_every_change_is() {
    let logs = Logs::listen();
    let bao = Bao::shared().await;
    let stored = json!({ "key": "canary-1", "list": ["canary-2"], "line": "canary-3\n", "deep": { "canary-4": 1 } });
    bao.put("logged", stored).await;
    bao.policy("logged-reader", "secret/data").await;
    let token = bao.token(json!({ "policies": ["logged-reader"], "id": "canary-token" })).await;
    let house = House::with(settings(&bao.url(), &token), 1, 300);
    let paths = ["logged/key", "logged/list", "logged/line", "logged/deep", "logged/none"];
    house.watch(&paths);
    house.until("logged/key", Some("canary-1"), "ok").await;
    let states = paths.map(|path| format!("{:?}", house.state(path)));
    bao.put("logged", json!({ "other": "canary-5" })).await;
    house.until("logged/key", None, "key_missing").await;
    house.set(2, settings(&bao.url(), "canary-wrong"), FRESHNESS);
    house.until("logged/key", None, "denied").await;

    claim_no_canary(&format!("{states:?} {:?}", house.state("logged/key")));
    let logs = logs.text();
    for line in [
        "$secret://vault/my-vault/logged/key has a new value group=default provider=vault/my-vault path=\"logged\" key=\"key\" state=\"ok\"",
        "$secret://vault/my-vault/logged/none is key_missing: The secret secret/api7/logged (version 1) has no key 'none'",
        "$secret://vault/my-vault/logged/key is denied: Vault does not accept the provider's token",
    ] {
        assert!(logs.contains(line), "{line} is not logged");
    }
}
