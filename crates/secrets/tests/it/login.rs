//! Logging in with every method, and keeping the token that a login gave.

use crate::diagnose::{check as check_stage, diagnose, found};
use crate::support::bao::Bao;
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{House, PATIENCE, claim, settings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::join_all;
use postern::diagnosis::Stage;
use postern::provider::vault::{VaultAuth, VaultSettings};
use postern::sensitive::Plain;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, PKCS_ED25519, SigningKey};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn plain(text: impl Into<String>) -> Plain {
    Plain::new(text.into())
}

/// Settings that log in with `auth`.
fn with(bao: &Bao, auth: VaultAuth<Plain>) -> VaultSettings<Plain> {
    VaultSettings { auth, ..settings(&bao.url(), "") }
}

/// Mounts a method at `auth/<name>`, with a policy of that name that reads below `secret/api7`.
async fn mount(bao: &Bao, name: &str, kind: &str) {
    bao.policy(name, "secret/data/api7").await;
    bao.post(&format!("sys/auth/{name}"), json!({ "type": kind })).await;
}

/// An AppRole of its own for each test, whose tokens have `options`.
async fn approle(bao: &Bao, name: &str, mut options: Value) -> VaultAuth<Plain> {
    mount(bao, name, "approle").await;
    options["token_policies"] = json!([name]);
    bao.post(&format!("auth/{name}/role/postern"), options).await;
    let role = bao.call(Method::GET, &format!("auth/{name}/role/postern/role-id"), None).await.1;
    let secret = bao.post(&format!("auth/{name}/role/postern/secret-id"), json!({})).await;
    VaultAuth::AppRole {
        role_id: role["data"]["role_id"].as_str().unwrap().to_owned(),
        secret_id: plain(secret["data"]["secret_id"].as_str().unwrap()),
        mount: name.parse().unwrap(),
    }
}

async fn userpass(bao: &Bao, name: &str, password: &str) -> VaultAuth<Plain> {
    mount(bao, name, "userpass").await;
    let user = json!({ "password": "canary-right-password", "token_policies": [name] });
    bao.post(&format!("auth/{name}/users/postern"), user).await;
    VaultAuth::Userpass { username: "postern".to_owned(), password: plain(password), mount: name.parse().unwrap() }
}

/// A JWT for `audience`; Vault wants `postern`.
async fn jwt(bao: &Bao, name: &str, audience: &str) -> VaultAuth<Plain> {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    if bao.call(Method::GET, &format!("sys/auth/{name}"), None).await.0 != 200 {
        mount(bao, name, "jwt").await;
    }
    let config = json!({ "jwt_validation_pubkeys": [key.public_key_pem()], "jwt_supported_algs": ["EdDSA"] });
    bao.post(&format!("auth/{name}/config"), config).await;
    let role = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": ["postern"], "token_policies": [name],
    });
    bao.post(&format!("auth/{name}/role/reader"), role).await;
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "sub": "postern", "aud": audience, "nbf": 1, "exp": 4_000_000_000_u64 });
    let signed = format!("{}.{}", part(json!({ "alg": "EdDSA", "typ": "JWT" })), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).unwrap());
    VaultAuth::Jwt {
        role: "reader".to_owned(),
        jwt: plain(format!("{signed}.{signature}")),
        mount: name.parse().unwrap(),
    }
}

/// Claims that the method reads a secret, that Test Connection shows its login, and gives the token back.
async fn check_works(settings: VaultSettings<Plain>, login: &str, policies: &str) {
    claim(&House::new(settings.clone()).check("login/key").await, "ok", &[]);
    let diagnosis = diagnose(settings).await;
    assert!(diagnosis.works() && !diagnosis.warns(), "{diagnosis:?}");
    let shown = found(&diagnosis, Stage::Token);
    for part in [format!("logged in with {login}; token expires in "), format!("; policies {policies}")] {
        assert!(shown.contains(&part), "{part:?} is not in {shown:?}");
    }
}

#[tokio::test]
async fn every_method_that_needs_no_certificate_reads() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let auth = approle(&bao, "works-approle", json!({ "token_ttl": "1h" })).await;
    check_works(with(&bao, auth), "AppRole", "default, works-approle").await;
    let auth = userpass(&bao, "works/userpass", "canary-right-password").await;
    check_works(with(&bao, auth), "Username and password", "default, works/userpass").await;
    let auth = jwt(&bao, "works-jwt", "postern").await;
    check_works(with(&bao, auth), "JWT", "default, works-jwt").await;
}

#[tokio::test]
async fn a_client_certificate_reads_and_another_does_not() {
    let bao = Bao::start_with_tls().await;
    bao.put("login", json!({ "key": "v" })).await;
    mount(&bao, "cert", "cert").await;
    let made = || {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["postern".to_owned()]).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let ((certificate, key), (stranger, stranger_key)) = (made(), made());
    bao.post("auth/cert/certs/postern", json!({ "certificate": certificate, "token_policies": ["cert"] })).await;
    let showing = |certificate: &str, key: &str, role: Option<&str>| {
        let auth = VaultAuth::Cert {
            certificate: certificate.to_owned(),
            private_key: plain(key),
            role: role.map(str::to_owned),
            mount: "cert".parse().unwrap(),
        };
        VaultSettings { ca_certificate: Some(bao.ca()), ..with(&bao, auth) }
    };
    for role in [None, Some("postern")] {
        check_works(showing(&certificate, &key, role), "TLS certificate", "cert, default").await;
    }
    for (settings, stage, part) in [
        (showing(&stranger, &stranger_key, None), Stage::Token, "for this client certificate"),
        (showing(&certificate, &key, Some("nobody")), Stage::Token, "for this client certificate"),
        (showing(&certificate, &stranger_key, None), Stage::Tls, "do not belong together"),
    ] {
        check_stage(&diagnose(settings.clone()).await, stage, &[part]);
        let state = House::new(settings).check("login/key").await;
        claim(&state, if stage == Stage::Tls { "unreachable" } else { "denied" }, &[part]);
    }
}

#[tokio::test]
async fn a_refused_login_is_explained() {
    Logs::listen();
    let bao = Bao::shared().await;
    let mut wrong_secret = approle(&bao, "refused-approle", json!({})).await;
    let mut wrong_mount = wrong_secret.clone();
    if let VaultAuth::AppRole { secret_id, .. } = &mut wrong_secret {
        *secret_id = plain("canary-wrong-secret-id");
    }
    if let VaultAuth::AppRole { mount, .. } = &mut wrong_mount {
        *mount = "nowhere".parse().unwrap();
    }
    for (auth, parts) in [
        (wrong_secret, ["AppRole at auth/refused-approle", "the Secret ID is wrong", "role/<role>/secret-id"]),
        (wrong_mount, ["AppRole at auth/nowhere", "without a reason", "vault auth list"]),
        (
            userpass(&bao, "refused-userpass", "canary-wrong-password").await,
            ["password at auth/refused-userpass", "the password is wrong", "vault read"],
        ),
        (
            jwt(&bao, "refused-jwt", "canary-somebody-else").await,
            ["JWT at auth/refused-jwt", "does not fit the role", "vault read"],
        ),
    ] {
        let settings = with(&bao, auth);
        let diagnosis = diagnose(settings.clone()).await;
        check_stage(&diagnosis, Stage::Token, &parts[..2]);
        let house = House::new(settings);
        house.watch(&["login/key"]);
        let state = house.check("login/key").await;
        claim(&state, "denied", &parts);
        assert_eq!(house.value("login/key"), None);
        claim_no_canary(&format!("{diagnosis:?} {state:?}"));
    }
}

#[tokio::test]
async fn a_hundred_waiting_reads_log_in_once() {
    let bao = Bao::shared().await;
    let auth = approle(&bao, "crowd-approle", json!({})).await;
    let paths: Vec<String> = (0..100).map(|n| format!("login-crowd/{n}/key")).collect();
    for n in 0..100 {
        bao.put(&format!("login-crowd/{n}"), json!({ "key": "v" })).await;
    }
    let house = House::new(with(&bao, auth));
    for state in join_all(paths.iter().map(|path| house.check(path))).await {
        claim(&state, "ok", &[]);
    }
    assert_eq!(bao.writes_to("auth/crowd-approle/login"), 1);
}

#[tokio::test]
async fn a_hundred_refused_reads_try_once() {
    let bao = Bao::shared().await;
    let auth = userpass(&bao, "crowd-userpass", "canary-wrong-password").await;
    let house = House::new(with(&bao, auth));
    let paths: Vec<String> = (0..100).map(|n| format!("login-crowd/{n}/key")).collect();
    for state in join_all(paths.iter().map(|path| house.check(path))).await {
        claim(&state, "denied", &["the password is wrong"]);
    }
    assert_eq!(bao.writes_to("auth/crowd-userpass/login/postern"), 1);
}

#[tokio::test]
async fn a_revoked_session_is_replaced_within_the_read() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let auth = approle(&bao, "revoked-approle", json!({})).await;
    let house = House::new(with(&bao, auth));
    let paths: Vec<String> = (0..20).map(|n| format!("login-revoked/{n}/key")).collect();
    for n in 0..20 {
        bao.put(&format!("login-revoked/{n}"), json!({ "key": "v" })).await;
    }
    for logins in 1..=3 {
        for state in join_all(paths.iter().map(|path| house.check(path))).await {
            claim(&state, "ok", &[]);
        }
        assert_eq!(bao.writes_to("auth/revoked-approle/login"), logins);
        bao.post("sys/leases/revoke-prefix/auth/revoked-approle/login", json!({})).await;
    }
}

/// A policy that is missing is no reason to log in again.
#[tokio::test]
async fn a_missing_policy_costs_no_login() {
    let bao = Bao::shared().await;
    let auth = approle(&bao, "poor-approle", json!({})).await;
    bao.policy("poor-approle", "secret/data/elsewhere").await;
    let house = House::new(with(&bao, auth));
    for _ in 0..5 {
        let state = house.check("login/key").await;
        claim(&state, "denied", &["(default, poor-approle)", "path \\\"secret/data/api7/*\\\""]);
    }
    assert_eq!(bao.writes_to("auth/poor-approle/login"), 1);
}

/// Reads until `enough` says so; every read must give the value.
async fn reads_go_on(house: &House, path: &str, enough: impl Fn() -> bool) {
    let reading = async {
        while !enough() {
            claim(&house.check(path).await, "ok", &[]);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, reading).await.is_ok(), "it was never enough");
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_replaced_before_its_end() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let options = json!({ "token_type": "batch", "token_ttl": "3s" });
    let house = House::new(with(&bao, approle(&bao, "batch-approle", options).await));
    reads_go_on(&house, "login/key", || bao.writes_to("auth/batch-approle/login") >= 3).await;
}

#[tokio::test]
async fn a_token_of_five_seconds_lives_on_by_renewal_without_a_second_login() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let house = House::new(with(&bao, approle(&bao, "renewed-approle", json!({ "token_ttl": "5s" })).await));
    let begun = Instant::now();
    reads_go_on(&house, "login/key", || begun.elapsed() > Duration::from_secs(11)).await;
    assert_eq!(bao.writes_to("auth/renewed-approle/login"), 1);
}

#[tokio::test]
async fn a_providers_own_token_is_renewed_too() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    bao.policy("renewed-token", "secret/data").await;
    let token = bao.token(json!({ "policies": ["renewed-token"], "ttl": "4s" })).await;
    let house = House::new(settings(&bao.url(), &token));
    let begun = Instant::now();
    reads_go_on(&house, "login/key", || begun.elapsed() > Duration::from_secs(9)).await;
}

#[tokio::test]
async fn the_longest_life_of_a_token_ends_in_a_login() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let options = json!({ "token_ttl": "3s", "token_explicit_max_ttl": "5s" });
    let house = House::new(with(&bao, approle(&bao, "longest-approle", options).await));
    reads_go_on(&house, "login/key", || bao.writes_to("auth/longest-approle/login") >= 3).await;
}

/// A Secret ID for one use: no second login succeeds. The token serves to its end, and Vault is asked rarely.
#[tokio::test]
async fn a_login_that_is_not_repeated_costs_no_value_before_its_time() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let options = json!({ "token_type": "batch", "token_ttl": "9s", "secret_id_num_uses": 1 });
    let house = House::new(with(&bao, approle(&bao, "once-approle", options).await));
    reads_go_on(&house, "login/key", || bao.writes_to("auth/once-approle/login") >= 2).await;
    claim(&house.check("login/key").await, "ok", &[]);
    house.watch(&["login/key"]);
    let ended = async { while house.check("login/key").await.name().slug() == "ok" {} };
    assert!(tokio::time::timeout(PATIENCE, ended).await.is_ok());
    claim(&house.check("login/key").await, "denied", &["was used up"]);
    assert!(bao.writes_to("auth/once-approle/login") <= 3);
}

#[tokio::test]
async fn what_was_refused_works_once_it_is_mended_in_vault() {
    let bao = Bao::shared().await;
    bao.put("login", json!({ "key": "v" })).await;
    let auth = VaultAuth::AppRole {
        role_id: "mended-role".to_owned(),
        secret_id: plain("mended-secret"),
        mount: "mended-approle".parse().unwrap(),
    };
    let house = House::new(with(&bao, auth));
    house.watch(&["login/key"]);
    house.until("login/key", None, "denied").await;
    mount(&bao, "mended-approle", "approle").await;
    let role = "auth/mended-approle/role/postern";
    bao.post(role, json!({ "token_policies": ["mended-approle"] })).await;
    bao.post(&format!("{role}/role-id"), json!({ "role_id": "mended-role" })).await;
    bao.post(&format!("{role}/custom-secret-id"), json!({ "secret_id": "mended-secret" })).await;
    house.until("login/key", Some("v"), "ok").await;
}

/// It stays where it was asked for: with a namespace, the login is in the namespace.
#[tokio::test]
async fn a_login_is_made_in_the_namespace() {
    let bao = Bao::start().await;
    bao.post("sys/namespaces/team", json!({})).await;
    bao.post("team/sys/mounts/secret", json!({ "type": "kv", "options": { "version": "1" } })).await;
    bao.post("team/secret/api7/login", json!({ "key": "v" })).await;
    bao.post("team/sys/policies/acl/reader", json!({ "policy": "path \"secret/*\" { capabilities = [\"read\"] }" }))
        .await;
    bao.post("team/sys/auth/approle", json!({ "type": "approle" })).await;
    bao.post("team/auth/approle/role/r", json!({ "token_policies": ["reader"] })).await;
    bao.post("team/auth/approle/role/r/role-id", json!({ "role_id": "r" })).await;
    bao.post("team/auth/approle/role/r/custom-secret-id", json!({ "secret_id": "s" })).await;
    let auth = VaultAuth::AppRole { role_id: "r".to_owned(), secret_id: plain("s"), mount: "approle".parse().unwrap() };
    let mut settings = with(&bao, auth);
    settings.kv_version = postern::provider::vault::KvVersion::Auto;
    settings.namespace = Some("team".to_owned());
    claim(&House::new(settings.clone()).check("login/key").await, "ok", &[]);
    settings.namespace = Some("nobody".to_owned());
    claim(&House::new(settings.clone()).check("login/key").await, "invalid", &["no namespace 'nobody'"]);
    settings.namespace = None;
    claim(&House::new(settings).check("login/key").await, "denied", &["without a reason"]);
}
