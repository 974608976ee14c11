//! Broken set-ups with Vault: each explained with the step that fails, a code of its own, and what to do. Every
//! value, token and password in them is a canary, and none shows in an explanation or a log at any level.

use crate::support::authority::Authority;
use crate::support::bao::Bao;
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{reference, settings};
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::provider::Settings;
use postern::provider::vault::{ClientCertificate, KvVersion, VaultAuth, VaultSettings};
use postern::sensitive::Plain;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use reqwest::Method;
use secrets::{Ambient, Environment};
use serde_json::json;

type Vault = VaultSettings<Plain>;

/// What a broken set-up is explained with.
pub(crate) struct Broken<S> {
    pub(crate) settings: S,
    pub(crate) path: &'static str,
    pub(crate) stage: Stage,
    pub(crate) code: &'static str,
    /// Parts of sentence, fix and snippet.
    pub(crate) parts: &'static [&'static str],
}

pub(crate) fn broken<S>(
    settings: S,
    path: &'static str,
    stage: Stage,
    code: &'static str,
    parts: &'static [&'static str],
) -> Broken<S> {
    Broken { settings, path, stage, code, parts }
}

/// The last step fails, at this stage, with this code and these words; the steps before it do not.
pub(crate) fn claim_broken<S>(wanted: &Broken<S>, steps: &[StageResult]) {
    let (last, before) = steps.split_last().unwrap();
    let Outcome::Failed { reason, explanation, .. } = &last.outcome else {
        panic!("{} at {}: nothing failed: {steps:#?}", wanted.code, wanted.path)
    };
    assert_eq!((reason.code(), last.stage), (wanted.code, wanted.stage), "{}: {steps:#?}", wanted.path);
    let snippet = explanation.snippet.as_deref().unwrap_or_default();
    let text = format!("{} {} {snippet}", explanation.what, explanation.fix);
    for part in wanted.parts {
        assert!(text.contains(part), "{}: {part:?} is not in {text:?}", wanted.code);
    }
    let failed = |result: &&StageResult| matches!(result.outcome, Outcome::Failed { .. });
    assert_eq!(before.iter().find(failed), None);
    claim_no_canary(&format!("{steps:?} {}", serde_json::to_string(steps).unwrap()));
}

async fn check_all(cases: Vec<Broken<Vault>>) {
    Logs::listen();
    for case in cases {
        let steps = secrets::explain(
            &Settings::Vault(case.settings.clone()),
            &reference(case.path),
            &Ambient::default(),
            &Environment::none(),
        )
        .await
        .stages;
        claim_broken(&case, &steps);
    }
}

/// A token that Vault does not know.
const NO_TOKEN: &str = "canary-token";

fn at(url: &str) -> Vault {
    settings(url, NO_TOKEN)
}

async fn answering(status: &str, headers: &str, body: &str) -> (FaultServer, Vault) {
    let server = FaultServer::start(Fault::answer(status, headers, body)).await;
    let settings = at(&server.url());
    (server, settings)
}

#[tokio::test]
async fn the_way_to_vault() {
    let bao = Bao::shared().await;
    let (_redirect, redirected) = answering("307 Moved", "Location: http://127.0.0.1:1/canary\r\n", "").await;
    let (_web, web) = answering("200 OK", "", "<html>canary</html>").await;
    let (_faulty, faulty) = answering("500 Fault", "", r#"{"errors":["canary"]}"#).await;
    let (_new, new) = answering("501 New", "", r#"{"initialized":false,"sealed":true}"#).await;
    let lost = FaultServer::start(Fault::Reset(vec![])).await;
    let silent = FaultServer::start(Fault::Silence).await;
    let impatient = VaultSettings { timeout: 1.try_into().unwrap(), ..at(&silent.url()) };
    let tls_wanted = Bao::start_with_tls().await;
    let key = "alice/key";
    check_all(vec![
        broken(at("http://127.0.0.1:1"), key, Stage::Connect, "network.connection_refused", &["refused", "port"]),
        broken(at("http://no-such-host.invalid"), key, Stage::Address, "network.name_not_found", &["spelling"]),
        broken(at("http://169.254.169.254"), key, Stage::Address, "network.forbidden_address", &["never connects"]),
        broken(redirected, key, Stage::Health, "network.redirected", &["never sends a token to another address"]),
        broken(web, key, Stage::Health, "network.not_understood", &["a proxy, a login page or another server"]),
        broken(faulty, key, Stage::Health, "network.unexpected_status", &["status 500", "Vault's log"]),
        broken(at(&lost.url()), key, Stage::Health, "network.connection_lost", &["tries again by itself"]),
        broken(impatient, key, Stage::Health, "network.timed_out", &["within 1 s", "firewall"]),
        broken(new, key, Stage::Health, "vault.not_initialised", &["vault operator init"]),
        broken(
            at(&tls_wanted.url().replace("https", "http")),
            key,
            Stage::Health,
            "tls.wanted",
            &["Write https:// in the Vault Server URL"],
        ),
        broken(at(&bao.url().replace("http", "https")), key, Stage::Tls, "tls.not_tls", &["Write http://"]),
    ])
    .await;
}

#[tokio::test]
async fn certificates() {
    let authority = Authority::new();
    let for_name = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();
    let (mut ended, mut early) = (for_name("127.0.0.1"), for_name("127.0.0.1"));
    ended.not_after = date_time_ymd(2020, 1, 1);
    early.not_before = date_time_ymd(2090, 1, 1);
    let trusting = |url: &str| VaultSettings { ca_certificate: Some(authority.pem()), ..at(url) };
    let serve = async |params, wants_client| trusting(&authority.serve(params, wants_client).await.0);
    let good = serve(for_name("127.0.0.1"), false).await;
    let demanding = serve(for_name("127.0.0.1"), true).await;
    let showing = |certificate: String, key: String, settings: &Vault| VaultSettings {
        client_certificate: Some(ClientCertificate { certificate, private_key: Plain::new(key) }),
        ..settings.clone()
    };
    let (client, other) = (authority.client(), authority.client());
    let mut past = for_name("postern");
    past.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    past.not_after = date_time_ymd(2020, 1, 1);
    let past = authority.issue(&past);
    let strange = VaultSettings { ca_certificate: None, ..good.clone() };
    let unreadable = VaultSettings {
        ca_certificate: Some("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----".to_owned()),
        ..good.clone()
    };
    let key = "alice/key";
    check_all(vec![
        broken(strange, key, Stage::Tls, "tls.unknown_authority", &["authority's certificate into CA Certificate"]),
        broken(
            serve(for_name("vault.example.com"), false).await,
            key,
            Stage::Tls,
            "tls.wrong_name",
            &["not for the name '127.0.0.1'", "TLS Server Name"],
        ),
        broken(serve(ended, false).await, key, Stage::Tls, "tls.expired", &["Renew"]),
        broken(serve(early, false).await, key, Stage::Tls, "tls.not_yet_valid", &["clocks"]),
        broken(unreadable, key, Stage::Tls, "tls.ca_certificate_unreadable", &["PEM form"]),
        broken(
            showing(client.certificate, other.key, &good),
            key,
            Stage::Tls,
            "tls.client_certificate_unreadable",
            &["do not belong together"],
        ),
        broken(
            demanding.clone(),
            key,
            Stage::Health,
            "tls.client_certificate_wanted",
            &["TLS Client Certificate and its key"],
        ),
        broken(
            showing(past.certificate, past.key, &demanding),
            key,
            Stage::Health,
            "tls.client_certificate_refused",
            &["which authority the listener wants it from"],
        ),
    ])
    .await;
}

#[tokio::test]
async fn tokens_and_logins() {
    let bao = Bao::start().await;
    let url = bao.url();
    let revoked = bao.reader("reader", "secret/data/api7").await;
    bao.post("auth/token/revoke", json!({ "token": revoked })).await;
    bao.post("sys/namespaces/team", json!({})).await;
    let of_team = bao.call(Method::POST, "team/auth/token/create", Some(json!({ "policies": ["default"] }))).await.1;
    let of_team = of_team["auth"]["client_token"].as_str().unwrap().to_owned();
    bao.post("sys/auth/approle", json!({ "type": "approle" })).await;
    bao.post("auth/approle/role/postern", json!({ "token_policies": ["reader"] })).await;
    let with = |auth| VaultSettings { auth, ..at(&url) };
    let approle = |mount: &str| VaultAuth::AppRole {
        role_id: "canary-role".to_owned(),
        secret_id: Plain::new("canary-secret-id".to_owned()),
        mount: mount.parse().unwrap(),
    };
    let kubernetes = VaultAuth::Kubernetes { role: "postern".to_owned(), mount: "kubernetes".parse().unwrap() };
    let nowhere = VaultSettings { namespace: Some("nobody".to_owned()), ..settings(&url, bao.root()) };
    let key = "alice/key";
    check_all(vec![
        broken(
            at(&url),
            key,
            Stage::Token,
            "vault.token_invalid",
            &["wrong, expired or revoked", "vault token create"],
        ),
        broken(settings(&url, &revoked), key, Stage::Token, "vault.token_invalid", &["Create a new token"]),
        broken(
            settings(&url, &of_team),
            key,
            Stage::Token,
            "vault.token_of_other_namespace",
            &["valid in the namespace 'team'", "Correct the Namespace"],
        ),
        broken(nowhere, key, Stage::Token, "vault.namespace_not_found", &["'nobody'", "vault namespace list"]),
        broken(
            with(approle("approle")),
            key,
            Stage::Token,
            "vault.login_refused",
            &["Role ID or the Secret ID is wrong", "vault write -f auth/approle/role/<role>/secret-id"],
        ),
        broken(
            with(approle("elsewhere")),
            key,
            Stage::Token,
            "vault.login_not_allowed",
            &["no such method is mounted there", "vault auth list"],
        ),
        broken(
            with(VaultAuth::TokenFile { file: "token".parse().unwrap() }),
            key,
            Stage::Token,
            "vault.token_file_not_allowed",
            &["allows this gateway group no token files", "setting token_files"],
        ),
        broken(with(kubernetes), key, Stage::Token, "vault.no_service_account", &["in a pod"]),
    ])
    .await;
    for secret in [revoked, of_team] {
        assert!(!Logs::listen().text().contains(&secret), "a token is in the log");
    }

    bao.seal().await;
    check_all(vec![broken(
        settings(&url, bao.root()),
        key,
        Stage::Health,
        "vault.sealed",
        &["vault operator unseal", "tries again by itself"],
    )])
    .await;
}

#[tokio::test]
async fn mounts_and_policies() {
    let bao = Bao::start().await;
    let url = bao.url();
    bao.post("sys/mounts/transit", json!({ "type": "transit" })).await;
    bao.put("alice", json!({ "key": "canary-key" })).await;
    let blind = bao.token(json!({ "policies": ["default"] })).await;
    let elsewhere = bao.reader("elsewhere", "secret/data/other").await;
    let shy = bao.token(json!({ "policies": ["elsewhere"], "no_default_policy": true })).await;
    let with_prefix = |prefix: &str| VaultSettings { prefix: prefix.parse().unwrap(), ..settings(&url, bao.root()) };
    let mistaken = VaultSettings { kv_version: KvVersion::V1, ..settings(&url, bao.root()) };
    let quota = json!({ "path": "secret", "rate": 0.001, "interval": "1h" });
    let key = "alice/key";
    check_all(vec![
        broken(
            settings(&url, &blind),
            key,
            Stage::Mount,
            "vault.mount_not_visible",
            &["path \"secret/data/api7/*\" {\n  capabilities = [\"read\"]\n}"],
        ),
        broken(
            with_prefix("nowhere/api7"),
            key,
            Stage::Mount,
            "vault.mount_not_visible",
            &["'nowhere/api7'", "vault secrets list"],
        ),
        broken(with_prefix("transit/x"), key, Stage::Mount, "vault.mount_not_kv", &["'transit'", "key/value mount"]),
        broken(
            mistaken,
            key,
            Stage::Mount,
            "vault.kv_version_mismatch",
            &["the mount secret/ is KV version 2", "Switch the secret provider to KV version 2"],
        ),
        broken(
            with_prefix("kv/api7"),
            key,
            Stage::Mount,
            "vault.kv_version_mismatch",
            &["the mount kv/ is KV version 1"],
        ),
        broken(
            settings(&url, &elsewhere),
            key,
            Stage::Answer,
            "vault.permission_denied",
            &["(default, elsewhere)", "path \"secret/data/api7/alice\" {\n  capabilities = [\"read\"]\n}"],
        ),
        broken(settings(&url, &shy), key, Stage::Answer, "vault.denied", &["refused to read secret/data/api7/alice"]),
    ])
    .await;

    bao.post("sys/quotas/rate-limit/slow", quota).await;
    // The first request of the hour is allowed.
    bao.call(Method::GET, "secret/data/api7/alice", None).await;
    check_all(vec![broken(
        settings(&url, bao.root()),
        key,
        Stage::Answer,
        "network.throttled",
        &["too many requests", "rate limit quota"],
    )])
    .await;
}

#[tokio::test]
async fn secrets_and_keys() {
    let bao = Bao::shared().await;
    let reader = bao.reader("broken-reader", "secret/data/api7/broken").await;
    for (path, keys) in [
        ("alice", json!({ "key": "canary", "secret-key": "canary" })),
        ("lost", json!({ "key": "canary", "password": "canary" })),
        ("lost", json!({ "password": "canary" })),
        ("deleted", json!({ "key": "canary" })),
        ("destroyed", json!({ "key": "canary" })),
        ("odd", json!({ "empty": "", "object": { "a": "canary" }, "lines": "canary\n" })),
    ] {
        bao.put(&format!("broken/{path}"), keys).await;
    }
    bao.delete("secret/data/api7/broken/deleted").await;
    bao.post("secret/destroy/api7/broken/destroyed", json!({ "versions": [1] })).await;
    let (with_list, url) = (bao.root(), bao.url());
    let case = |path, stage, code, parts| broken(settings(&url, &reader), path, stage, code, parts);
    check_all(vec![
        case(
            "broken/alcie/key",
            Stage::Answer,
            "secret.not_found",
            &["no secret at secret/data/api7/broken/alcie", "vault kv put secret/api7/broken/alcie"],
        ),
        broken(
            settings(&url, with_list),
            "broken/alcie/key",
            Stage::Answer,
            "secret.not_found",
            &["The secret broken/alice exists: did you mean that?"],
        ),
        case("broken/alice/password", Stage::Key, "secret.key_missing", &["it has key, secret-key", "vault kv patch"]),
        case("broken/alice/Key", Stage::Key, "secret.key_missing", &["Did you mean 'key'?"]),
        case("broken/alice/secret_key", Stage::Key, "secret.key_missing", &["Did you mean 'secret-key'?"]),
        case(
            "broken/lost/key",
            Stage::Key,
            "secret.key_missing",
            &["Version 1 still had 'key'", "replaces all keys", "vault kv patch secret/api7/broken/lost key=<value>"],
        ),
        case(
            "broken/deleted/key",
            Stage::Answer,
            "secret.deleted",
            &["Version 1", "vault kv undelete -versions=1 secret/api7/broken/deleted"],
        ),
        case("broken/destroyed/key", Stage::Answer, "secret.destroyed", &["was destroyed", "Write the secret again"]),
        case("broken/odd/empty", Stage::Check, "secret.empty", &["never authenticates anyone"]),
        case("broken/odd/object", Stage::Check, "secret.not_text", &["holds an object"]),
        case("broken/odd/lines", Stage::Check, "secret.not_usable", &["printf"]),
    ])
    .await;
    assert!(!Logs::listen().text().contains(&reader), "a token is in the log");
}

#[tokio::test]
async fn what_is_well_is_gone_through_to_the_end() {
    Logs::listen();
    let bao = Bao::shared().await;
    let reader = bao.reader("broken-not", "secret/data/api7/well").await;
    bao.put("well/alice", json!({ "key": "canary-of-20-letters" })).await;
    let steps = secrets::explain(
        &Settings::Vault(settings(&bao.url(), &reader)),
        &reference("well/alice/key"),
        &Ambient::default(),
        &Environment::none(),
    )
    .await
    .stages;
    let found: Vec<(Stage, &str)> = steps
        .iter()
        .map(|result| match &result.outcome {
            Outcome::Passed { found } => (result.stage, found.as_str()),
            other => (result.stage, if matches!(other, Outcome::Skipped { .. }) { "skipped" } else { "not well" }),
        })
        .collect();
    let request = format!("GET {}/v1/secret/data/api7/well/alice", bao.url());
    assert_eq!(found[2], (Stage::Tls, "skipped"));
    assert_eq!(
        &found[6..],
        [
            (Stage::Request, request.as_str()),
            (Stage::Answer, "200: version 1, keys key"),
            (Stage::Key, "key"),
            (Stage::Check, "a text of 20 characters that can be used"),
        ]
    );
    claim_no_canary(&format!("{steps:?}"));
}
