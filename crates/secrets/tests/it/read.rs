//! What reading a reference ends in, for both KV versions.

use crate::diagnose::{check as check_stage, diagnose};
use crate::support::bao::Bao;
use crate::support::{House, claim, settings};
use postern::diagnosis::Stage;
use postern::provider::Settings;
use postern::provider::vault::{KvVersion, VaultAuth, VaultSettings};
use postern::sensitive::Plain;
use secrets::Ambient;
use serde_json::json;

#[tokio::test]
async fn values_are_read_as_text() {
    let bao = Bao::shared().await;
    let stored = json!({
        "key": "alice-primary-key", "number": 42, "yes": true, "null": null, "object": { "x": 1 }, "list": [1],
        "empty": "", "line": "x\n", "blank": " x ", "umlaut": "schlüssel",
    });
    bao.put("values", stored.clone()).await;
    bao.post("kv/api7/values", stored).await;
    for (prefix, version) in [("secret/api7", KvVersion::V2), ("kv/api7", KvVersion::V1)] {
        for chosen in [version, KvVersion::Auto] {
            let mut settings = settings(&bao.url(), bao.root());
            (settings.prefix, settings.kv_version) = (prefix.parse().unwrap(), chosen);
            let house = House::new(settings);
            for (key, value, name) in [
                ("key", Some("alice-primary-key"), "ok"),
                ("number", Some("42"), "ok"),
                ("yes", Some("true"), "ok"),
                ("blank", Some(" x "), "ok"),
                ("umlaut", Some("schlüssel"), "ok"),
                ("null", None, "invalid"),
                ("object", None, "invalid"),
                ("list", None, "invalid"),
                ("empty", None, "invalid"),
                ("line", None, "invalid"),
                ("none", None, "key_missing"),
            ] {
                let path = format!("values/{key}");
                house.watch(&[&path]);
                let state = house.check(&path).await;
                claim(&state, name, &[]);
                assert_eq!(house.value(&path).as_deref(), value, "{path} of {prefix}");
            }
        }
    }
}

/// Version 1 keeps them; OpenBao's version 2 engine has rounded them already.
#[tokio::test]
async fn a_number_keeps_its_digits() {
    let bao = Bao::shared().await;
    bao.post_text("kv/api7/digits", r#"{"n":12345678901234567890.50}"#).await;
    let mut settings = settings(&bao.url(), bao.root());
    (settings.prefix, settings.kv_version) = ("kv/api7".parse().unwrap(), KvVersion::V1);
    let house = House::new(settings);
    house.watch(&["digits/n"]);
    claim(&house.check("digits/n").await, "ok", &[]);
    assert_eq!(house.value("digits/n").as_deref(), Some("12345678901234567890.50"));
}

/// The tutorial's own mistake, with the tutorial's own token: Vault alone would only say 403.
#[tokio::test]
async fn a_wrong_kv_version_is_named() {
    let bao = Bao::shared().await;
    bao.put("versions", json!({ "key": "v" })).await;
    bao.post("kv/api7/versions", json!({ "key": "v" })).await;
    let reader = bao.reader("versions-reader", "secret/data").await;
    let kv_reader = bao.reader("versions-kv-reader", "kv/api7").await;
    for (prefix, chosen, token, parts) in [
        ("secret/api7", KvVersion::V1, reader.as_str(), ["says KV version 1", "secret/ is KV version 2"]),
        ("secret/data/api7", KvVersion::V1, reader.as_str(), ["says KV version 1", "secret/ is KV version 2"]),
        ("secret/api7", KvVersion::V1, bao.root(), ["says KV version 1", "secret/ is KV version 2"]),
        ("kv/api7", KvVersion::V2, kv_reader.as_str(), ["says KV version 2", "kv/ is KV version 1"]),
    ] {
        let mut settings = settings(&bao.url(), token);
        (settings.prefix, settings.kv_version) = (prefix.parse().unwrap(), chosen);
        claim(&House::new(settings).check("versions/key").await, "invalid", &parts);
    }
}

#[tokio::test]
async fn mounts_of_any_depth_and_prefixes_with_data_are_found() {
    let bao = Bao::shared().await;
    bao.post("sys/mounts/team/kv", json!({ "type": "kv", "options": { "version": "2" } })).await;
    // A new version 2 mount answers 400 for a moment while it upgrades itself.
    while bao.call(reqwest::Method::POST, "team/kv/data/api7/a", Some(json!({ "data": { "key": "deep" } }))).await.0
        != 200
    {}
    bao.put("mounts", json!({ "key": "v" })).await;
    let deep = bao.reader("mounts-deep", "team/kv/data").await;
    let reader = bao.reader("mounts-reader", "secret/data").await;
    for (prefix, chosen, token, path, line) in [
        ("team/kv/api7", KvVersion::Auto, deep.as_str(), "a/key", "/v1/team/kv/data/api7/a"),
        ("team/kv/api7", KvVersion::V2, deep.as_str(), "a/key", "/v1/team/kv/data/api7/a"),
        ("secret/data/api7", KvVersion::V2, reader.as_str(), "mounts/key", "/v1/secret/data/api7/mounts"),
        ("secret/data/api7", KvVersion::Auto, reader.as_str(), "mounts/key", "/v1/secret/data/api7/mounts"),
    ] {
        let mut settings = settings(&bao.url(), token);
        (settings.prefix, settings.kv_version) = (prefix.parse().unwrap(), chosen);
        let house = House::new(settings);
        claim(&house.check(path).await, "ok", &[]);
        let asked = house.engine.request_line(&crate::support::group(), &crate::support::reference(path)).unwrap();
        assert_eq!(asked, format!("GET {}{line}", bao.url()));
    }
}

#[tokio::test]
async fn unusual_paths_are_one_secret_each() {
    let bao = Bao::shared().await;
    let house = House::new(settings(&bao.url(), bao.root()));
    for (path, encoded) in [("odd/a b", "odd/a%20b"), ("odd/a%2Fb", "odd/a%252Fb"), ("odd/ü", "odd/%C3%BC")] {
        bao.put(encoded, json!({ "key": path })).await;
        let path_with_key = format!("{path}/key");
        house.watch(&[&path_with_key]);
        claim(&house.check(&path_with_key).await, "ok", &[]);
        assert_eq!(house.value(&path_with_key).as_deref(), Some(path));
    }
}

#[tokio::test]
async fn a_refusal_says_whether_token_or_policy_is_at_fault() {
    let bao = Bao::shared().await;
    bao.put("refused", json!({ "key": "v" })).await;
    let elsewhere = bao.reader("refused-elsewhere", "secret/data/other").await;
    let nowhere = bao.token(json!({ "policies": ["default"] })).await;
    bao.policy("refused-shy", "secret/data/other").await;
    let shy = bao.token(json!({ "policies": ["refused-shy"], "no_default_policy": true })).await;
    let revoked = bao.reader("refused-revoked", "secret/data").await;
    bao.post("auth/token/revoke", json!({ "token": revoked })).await;
    for (token, parts) in [
        (elsewhere.as_str(), vec!["(default, refused-elsewhere)", "path \\\"secret/data/api7/*\\\"", "\\n}"]),
        (nowhere.as_str(), vec!["(default)", "secret/data/api7/refused"]),
        (shy.as_str(), vec!["Unknown", "refused to read"]),
        (revoked.as_str(), vec!["wrong, expired or revoked"]),
        ("s.nonsense", vec!["wrong, expired or revoked"]),
        ("not a header\n", vec!["wrong, expired or revoked"]),
    ] {
        let state = House::new(settings(&bao.url(), token)).check("refused/key").await;
        claim(&state, "denied", &parts);
    }
}

/// Vault 403s an expired token with the same words as a wrong one.
#[tokio::test]
async fn an_expired_token_is_denied() {
    let bao = Bao::shared().await;
    bao.put("expired", json!({ "key": "v" })).await;
    bao.policy("expired-reader", "secret/data").await;
    let token = bao.token(json!({ "policies": ["expired-reader"], "ttl": "1s" })).await;
    let house = House::with(settings(&bao.url(), &token), 1, 300);
    house.watch(&["expired/key"]);
    house.until("expired/key", None, "denied").await;
    claim(&house.check("expired/key").await, "denied", &["wrong, expired or revoked"]);
}

#[tokio::test]
async fn what_is_not_there_is_told_from_what_was_deleted() {
    let bao = Bao::shared().await;
    for path in ["deleted", "destroyed", "gone"] {
        bao.put(path, json!({ "key": "v" })).await;
    }
    bao.delete("secret/data/api7/deleted").await;
    bao.post("secret/destroy/api7/destroyed", json!({ "versions": [1] })).await;
    bao.delete("secret/metadata/api7/gone").await;
    for (prefix, path, parts) in [
        ("secret/api7", "never/key", vec!["no secret at secret/data/api7/never", "vault kv put secret/api7/never"]),
        ("secret/api7", "gone/key", vec!["no secret at secret/data/api7/gone"]),
        ("secret/api7", "deleted/key", vec!["Version 1", "was deleted at 20", "undelete -versions=1"]),
        ("secret/api7", "destroyed/key", vec!["Version 1", "was destroyed"]),
        ("nowhere/api7", "never/key", vec!["no secret at nowhere/data/api7/never"]),
    ] {
        for chosen in [KvVersion::V2, KvVersion::Auto] {
            let mut settings = settings(&bao.url(), bao.root());
            (settings.prefix, settings.kv_version) = (prefix.parse().unwrap(), chosen);
            claim(&House::new(settings).check(path).await, "not_found", &parts);
        }
    }
}

/// The tutorial's four `vault kv put` leave only the last key; its token may read earlier versions.
#[tokio::test]
async fn a_key_that_was_put_away_is_found_in_an_earlier_version() {
    let bao = Bao::shared().await;
    for key in ["key", "password", "secret", "secret-key"] {
        bao.put("four-puts", json!({ key: format!("alice-{key}") })).await;
    }
    let reader = bao.reader("four-puts-reader", "secret/data").await;
    let house = House::new(settings(&bao.url(), &reader));
    for (key, name, parts) in [
        ("key", "key_missing", vec!["(version 4)", "it has secret-key", "Version 1 still had 'key'"]),
        ("secret", "key_missing", vec!["Version 3 still had 'secret'"]),
        ("typo", "key_missing", vec!["last_seen: None", "it has secret-key"]),
        ("secret-key", "ok", vec!["version: Some(4)"]),
    ] {
        claim(&house.check(&format!("four-puts/{key}")).await, name, &parts);
    }
    bao.put("four-puts", json!({ "key": "again", "secret-key": "s" })).await;
    claim(&house.check("four-puts/key").await, "ok", &["version: Some(5)"]);
}

#[tokio::test]
async fn a_namespace_is_sent() {
    let bao = Bao::shared().await;
    bao.post("sys/namespaces/team-a", json!({})).await;
    bao.post("team-a/sys/mounts/secret", json!({ "type": "kv", "options": { "version": "1" } })).await;
    bao.post("team-a/secret/api7/spaced", json!({ "key": "in the namespace" })).await;
    let mut settings = settings(&bao.url(), bao.root());
    (settings.namespace, settings.kv_version) = (Some("team-a".to_owned()), KvVersion::Auto);
    let house = House::new(settings.clone());
    house.watch(&["spaced/key"]);
    claim(&house.check("spaced/key").await, "ok", &[]);
    assert_eq!(house.value("spaced/key").as_deref(), Some("in the namespace"));
    assert!(
        secrets::diagnose(&Settings::Vault(settings.clone()), &Ambient::default(), &secrets::Environment::none())
            .await
            .works()
    );

    let nowhere = VaultSettings { namespace: Some("nobody".to_owned()), ..settings.clone() };
    claim(&House::new(nowhere.clone()).check("spaced/key").await, "invalid", &["no namespace 'nobody'"]);
    check_stage(&diagnose(nowhere).await, Stage::Token, &["no namespace 'nobody'"]);

    bao.post("team-a/sys/policies/acl/all", json!({ "policy": "path \"*\" { capabilities = [\"read\"] }" })).await;
    let made = bao.post("team-a/auth/token/create", json!({ "policies": ["all"] })).await;
    let token = Plain::new(made["auth"]["client_token"].as_str().unwrap().to_owned());
    settings.auth = VaultAuth::Token { token };
    claim(&House::new(settings.clone()).check("spaced/key").await, "ok", &[]);
    settings.namespace = None;
    let state = House::new(settings.clone()).check("spaced/key").await;
    claim(&state, "denied", &["valid in the namespace 'team-a'", "reads in the root namespace"]);
    check_stage(&diagnose(settings).await, Stage::Token, &["valid in the namespace 'team-a'"]);
}
