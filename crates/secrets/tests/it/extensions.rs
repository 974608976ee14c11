//! `?version=`, `?stage=`, `?decode=base64` and `#/pointer`, against real servers.

use crate::support::aws::{Moto, Office};
use crate::support::bao::Bao;
use crate::support::{House, claim, group, reference, settings};
use postern::provider::vault::KvVersion;
use serde_json::json;

#[tokio::test]
async fn a_version_of_vault_is_read_whatever_becomes_of_the_current_one() {
    let bao = Bao::shared().await;
    for n in 1..=4 {
        bao.put("pinned", json!({ "key": format!("v{n}") })).await;
    }
    let house = House::new(settings(&bao.url(), bao.root()));
    let all = ["pinned/key", "pinned/key?version=1", "pinned/key?version=3"];
    house.watch(&all);
    for (path, value) in all.into_iter().zip(["v4", "v1", "v3"]) {
        claim(&house.check(path).await, "ok", &[&format!("version: Some({})", value.trim_start_matches('v'))]);
        assert_eq!(house.value(path).as_deref(), Some(value), "{path}");
    }
    let line = house.engine.request_line(&group(), &reference("pinned/key?version=3"));
    assert_eq!(line.as_deref(), Some(&*format!("GET {}/v1/secret/data/api7/pinned?version=3", bao.url())));

    bao.post("secret/delete/api7/pinned", json!({ "versions": [3] })).await;
    bao.post("secret/destroy/api7/pinned", json!({ "versions": [1] })).await;
    for (path, name, parts) in [
        ("pinned/key?version=1", "not_found", ["was destroyed", "kv metadata get secret/api7/pinned"]),
        ("pinned/key?version=3", "not_found", ["was deleted", "undelete -versions=3 secret/api7/pinned"]),
        ("pinned/key?version=9", "not_found", ["has no version 9", "the current one is 4"]),
        ("nowhere/key?version=9", "not_found", ["Vault has no secret", "secret/data/api7/nowhere"]),
        ("pinned/none?version=4", "key_missing", ["(version 4)", "no key 'none'"]),
        ("pinned/key?verison=4", "key_missing", ["Postern knows ?version=", "no key 'key?verison=4'"]),
    ] {
        claim(&house.check(path).await, name, &parts);
        assert_eq!(house.value(path), None, "{path}");
    }
    claim(&house.check("pinned/key").await, "ok", &["Some(4)"]);
}

#[tokio::test]
async fn a_mount_without_versions_never_answers_with_another_one() {
    let bao = Bao::shared().await;
    bao.post("kv/api7/unpinned", json!({ "key": "v" })).await;
    for chosen in [KvVersion::V1, KvVersion::Auto] {
        let mut settings = settings(&bao.url(), bao.root());
        (settings.prefix, settings.kv_version) = ("kv/api7".parse().unwrap(), chosen);
        let house = House::new(settings);
        claim(&house.check("unpinned/key?version=1").await, "not_found", &["keeps no versions", "Remove ?version=1"]);
        claim(&house.check("unpinned/key").await, "ok", &[]);
    }
}

/// Vault reads one secret for all of them.
#[tokio::test]
async fn decoding_and_pointers_share_one_read() {
    let bao = Bao::shared().await;
    let stored = json!({
        "b64": "YWxpY2Uta2V5", "text": r#"{"db":{"password":"p1","ports":[1,2]}}"#, "object": { "a/b": "o1" },
        "both": "eyJrZXkiOiJ2In0=", "plain": "canary plain", "why?": "w", "n#1": "h",
    });
    bao.put("selected", stored).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    let good = [
        ("selected/b64?decode=base64", "alice-key"),
        ("selected/b64", "YWxpY2Uta2V5"),
        ("selected/text#/db/password", "p1"),
        ("selected/text#/db/ports/1", "2"),
        ("selected/object#/a~1b", "o1"),
        ("selected/both?decode=base64#/key", "v"),
        ("selected/both?version=1&decode=base64#/key", "v"),
        ("selected/why?", "w"),
        ("selected/n#1", "h"),
    ];
    house.watch(&good.map(|(path, _)| path));
    for (path, value) in good {
        house.until(path, Some(value), "ok").await;
    }
    // One for the current version, one for the version that was named.
    assert_eq!(bao.reads_of("secret/data/api7/selected"), 2);
    for (path, parts) in [
        ("selected/plain?decode=base64", ["is no base64", "Remove ?decode=base64"]),
        ("selected/plain#/a", ["is no JSON", "Remove the pointer"]),
        ("selected/text#/db/pass", ["/db has password, ports", "Correct the pointer"]),
        ("selected/text#/db", ["has an object at #/db", "one value"]),
        ("selected/object#/a/b", ["the value has a/b", "Correct the pointer"]),
    ] {
        let state = house.check(path).await;
        claim(&state, "invalid", &parts);
        assert!(!format!("{state:?}").contains("canary"), "{state:?}");
        assert_eq!(house.value(path), None, "{path}");
    }
}

#[tokio::test]
async fn a_secret_whose_path_has_a_question_mark_is_read_by_it() {
    let bao = Bao::shared().await;
    bao.put("what%3Fversion=3", json!({ "key": "odd" })).await;
    let house = House::new(settings(&bao.url(), bao.root()));
    house.watch(&["what?version=3/key"]);
    house.until("what?version=3/key", Some("odd"), "ok").await;
}

#[tokio::test]
async fn stages_and_versions_of_aws_are_read() {
    let moto = Moto::start().await;
    let before = moto.put("plain", "first-secret").await;
    moto.put("plain", "rotated-secret").await;
    let office = Office::new(moto.settings("reader"));
    let by_id = format!("plain?version={before}");
    let good = [
        ("plain", "rotated-secret"),
        ("plain?stage=AWSCURRENT", "rotated-secret"),
        ("plain?stage=AWSPREVIOUS", "first-secret"),
        (&by_id, "first-secret"),
        ("redis#/username", "api7"),
        ("prod/app/db/nested#/a", "canary-nested"),
    ];
    office.watch(&good.map(|(path, _)| path));
    for (path, value) in good {
        office.until(path, Some(value), "ok").await;
    }
    let line = office.engine().request_line(&group(), &crate::support::aws::reference("plain?stage=AWSPREVIOUS"));
    assert_eq!(line.as_deref(), Some("GetSecretValue plain, stage=AWSPREVIOUS"));
    let no_id = format!("plain?version={}", "0".repeat(32));
    for (path, name, parts) in [
        (no_id.as_str(), "not_found", ["has no version with version=0000", "list-secret-version-ids"]),
        ("plain?decode=base64", "invalid", ["The secret plain is no base64", "?decode=base64"]),
        ("redis#/user", "invalid", ["the value has password, username", "Correct the pointer"]),
    ] {
        claim(&office.check(path).await, name, &parts);
        assert_eq!(office.current(path).0, None, "{path}");
    }
    // Of a missing stage moto says what AWS says of a missing secret.
    let message = "Secrets Manager can't find the specified secret value for staging label: NONE";
    moto.fail(1, "ResourceNotFoundException", message, 400).await;
    claim(&office.check("plain?stage=NONE").await, "not_found", &["has no version with stage=NONE"]);
}
