//! Test Connection: every stage, and the first that fails with its reason and its fix.

use crate::support::authority::Authority;
use crate::support::bao::Bao;
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::claim_no_canary;
use crate::support::{House, claim, settings};
use postern::diagnosis::{Diagnosis, Outcome, Remedy, Stage};
use postern::provider::Settings;
use postern::provider::vault::{KvVersion, VaultSettings};
use postern::sensitive::Plain;
use rcgen::{CertificateParams, date_time_ymd};
use secrets::Ambient;
use serde_json::json;

pub(crate) async fn diagnose(settings: VaultSettings<Plain>) -> Diagnosis {
    let diagnosis =
        secrets::diagnose(&Settings::Vault(settings), &Ambient::default(), &secrets::Environment::none()).await;
    println!("{diagnosis:#?}");
    diagnosis
}

/// The stage that failed, and parts of its explanation.
pub(crate) fn check(diagnosis: &Diagnosis, stage: Stage, parts: &[&str]) {
    let (failed, explanation, remedy) = diagnosis.failure().expect("a stage fails");
    assert_eq!((failed, diagnosis.stages.last().map(|last| last.stage)), (stage, Some(stage)));
    let text = format!("{explanation:?} {remedy:?}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}

pub(crate) fn found(diagnosis: &Diagnosis, stage: Stage) -> &str {
    let result = diagnosis.stages.iter().find(|result| result.stage == stage).unwrap();
    match &result.outcome {
        Outcome::Passed { found } | Outcome::Warned { found, .. } => found,
        Outcome::Skipped { why } => why,
        Outcome::Failed { explanation, .. } => &explanation.what,
    }
}

#[tokio::test]
async fn the_tutorials_provider_works_with_its_least_token() {
    let bao = Bao::shared().await;
    let reader = bao.reader("diagnosed", "secret/data").await;
    for chosen in [KvVersion::V2, KvVersion::Auto] {
        let mut settings = settings(&bao.url(), &reader);
        settings.kv_version = chosen;
        let diagnosis = diagnose(settings).await;
        assert!(diagnosis.works() && !diagnosis.warns());
        for (stage, part) in [
            (Stage::Address, "127.0.0.1"),
            (Stage::Connect, "127.0.0.1:"),
            (Stage::Tls, "no TLS"),
            (Stage::Health, "2.7.2, active, unsealed"),
            (Stage::Token, "expires in 29 d, renewable; policies default, diagnosed"),
            (Stage::Mount, "KV version 2 at secret/"),
            (Stage::Read, "may read secret/data/api7/*"),
        ] {
            assert!(found(&diagnosis, stage).contains(part), "{stage:?}: {}", found(&diagnosis, stage));
        }
    }
}

#[tokio::test]
async fn the_wrong_kv_version_is_named_with_its_remedy() {
    let bao = Bao::shared().await;
    let reader = bao.reader("diagnosed-version", "secret/data").await;
    let mut mistaken = settings(&bao.url(), &reader);
    mistaken.kv_version = KvVersion::V1;
    let diagnosis = diagnose(mistaken).await;
    check(&diagnosis, Stage::Mount, &["says KV version 1, but the mount secret/ is KV version 2"]);
    assert_eq!(diagnosis.failure().unwrap().2, Some(&Remedy::SwitchKvVersion { to: KvVersion::V2 }));

    let mut other = settings(&bao.url(), bao.root());
    other.prefix = "kv/api7".parse().unwrap();
    let diagnosis = diagnose(other).await;
    check(&diagnosis, Stage::Mount, &["says KV version 2, but the mount kv/ is KV version 1"]);
    assert_eq!(diagnosis.failure().unwrap().2, Some(&Remedy::SwitchKvVersion { to: KvVersion::V1 }));
}

#[tokio::test]
async fn tokens_mounts_and_policies_at_fault_are_told_apart() {
    let bao = Bao::shared().await;
    let elsewhere = bao.reader("diagnosed-elsewhere", "secret/data/other").await;
    let nowhere = bao.token(json!({ "policies": ["default"] })).await;
    bao.post("sys/mounts/transit", json!({ "type": "transit" })).await;
    let url = bao.url();
    let with_prefix = |token: &str, prefix: &str| {
        let mut settings = settings(&url, token);
        settings.prefix = prefix.parse().unwrap();
        settings
    };
    for (settings, stage, parts) in [
        (settings(&url, "s.nonsense"), Stage::Token, vec!["wrong, expired or revoked"]),
        (settings(&url, &nowhere), Stage::Mount, vec!["no mount", "path \\\"secret/data/api7/*\\\""]),
        (with_prefix(bao.root(), "nowhere/api7"), Stage::Mount, vec!["no mount behind the prefix 'nowhere/api7'"]),
        (with_prefix(bao.root(), "transit/x"), Stage::Mount, vec!["kind 'transit'"]),
        (
            settings(&url, &elsewhere),
            Stage::Read,
            vec!["(default, diagnosed-elsewhere)", "secret/data/api7/*", "capabilities = [\\\"read\\\"]"],
        ),
    ] {
        check(&diagnose(settings).await, stage, &parts);
    }
}

#[tokio::test]
async fn what_works_but_should_be_known_is_a_warning() {
    let bao = Bao::shared().await;
    bao.policy("diagnosed-warned", "secret/data").await;
    let short = bao.token(json!({ "policies": ["diagnosed-warned"], "ttl": "1h", "renewable": false })).await;
    let shy = bao.token(json!({ "policies": ["diagnosed-warned"], "no_default_policy": true })).await;
    let url = bao.url();
    let mut with_data = settings(&url, bao.root());
    with_data.prefix = "secret/data/api7".parse().unwrap();
    for (settings, part) in [
        (settings(&url, bao.root()), "This is a root token"),
        (settings(&url, &short), "not renewable"),
        (settings(&url, &shy), "may not look at itself"),
        (with_data, "Write 'secret/api7' as the Secret Prefix"),
    ] {
        let diagnosis = diagnose(settings).await;
        assert!(diagnosis.works() && diagnosis.warns());
        assert!(format!("{diagnosis:?}").contains(part), "{part}");
    }
}

#[tokio::test]
async fn a_sealed_vault_fails_at_its_health() {
    let bao = Bao::start().await;
    bao.seal().await;
    check(&diagnose(settings(&bao.url(), bao.root())).await, Stage::Health, &["is sealed", "unseal"]);
}

#[tokio::test]
async fn an_address_at_fault_fails_where_it_is_at_fault() {
    let gone = FaultServer::start(Fault::Silence).await.url();
    let web = FaultServer::start(Fault::answer("200 OK", "", "<html>canary</html>")).await;
    let not_found = FaultServer::start(Fault::answer("404 Not Found", "", "canary")).await;
    for (url, stage, part) in [
        ("http://no-such-host.invalid", Stage::Address, "has no address"),
        ("http://169.254.169.254", Stage::Address, "hand out the machine's own credentials"),
        ("http://2852039166:8200", Stage::Address, "leads to 169.254.169.254"),
        ("http://[::ffff:169.254.169.254]", Stage::Address, "link-local"),
        ("http://0.0.0.0:8200", Stage::Address, "unspecified"),
        (gone.as_str(), Stage::Connect, "refused"),
        (web.url().as_str(), Stage::Health, "not a Vault answer"),
        (not_found.url().as_str(), Stage::Health, "status 404"),
    ] {
        let diagnosis = diagnose(settings(url, "t")).await;
        check(&diagnosis, stage, &[part]);
        claim_no_canary(&format!("{diagnosis:?}"));
    }
}

#[tokio::test]
async fn vault_with_tls_is_trusted_through_its_own_authority_only() {
    let bao = Bao::start_with_tls().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let reader = bao.reader("tls-reader", "secret/data").await;

    let mut trusted = settings(&bao.url(), &reader);
    trusted.ca_certificate = Some(bao.ca());
    let diagnosis = diagnose(trusted.clone()).await;
    assert!(diagnosis.works(), "{diagnosis:?}");
    assert!(found(&diagnosis, Stage::Tls).contains("TLS 1.3"));
    claim(&House::new(trusted).check("alice/key").await, "ok", &[]);

    let untrusted = settings(&bao.url(), &reader);
    check(&diagnose(untrusted.clone()).await, Stage::Tls, &["authority that is not trusted"]);
    claim(&House::new(untrusted).check("alice/key").await, "unreachable", &["UnknownAuthority"]);

    let mut unreadable = settings(&bao.url(), &reader);
    unreadable.ca_certificate = Some("-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----".to_owned());
    check(&diagnose(unreadable.clone()).await, Stage::Tls, &["cannot be read"]);
    claim(&House::new(unreadable).check("alice/key").await, "unreachable", &["AuthorityUnreadable"]);

    let plain = settings(&bao.url().replace("https", "http"), &reader);
    check(&diagnose(plain).await, Stage::Health, &["listens with TLS", "Write https://"]);
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_bad_certificate() {
    let bao = Bao::shared().await;
    let https = settings(&bao.url().replace("http", "https"), bao.root());
    check(&diagnose(https.clone()).await, Stage::Tls, &["does not speak TLS", "Write http://"]);
    claim(&House::new(https).check("a/key").await, "unreachable", &["NotTls"]);
}

#[tokio::test]
async fn every_fault_of_a_certificate_is_named() {
    let authority = Authority::new();
    let for_name = |name: &str| CertificateParams::new(vec![name.to_owned()]).unwrap();
    let mut expired = for_name("127.0.0.1");
    expired.not_after = date_time_ymd(2020, 1, 1);
    let mut early = for_name("127.0.0.1");
    early.not_before = date_time_ymd(2090, 1, 1);
    for (params, wants_client, stage, part) in [
        (for_name("vault.example.com"), false, Stage::Tls, "not for the name '127.0.0.1'"),
        (expired, false, Stage::Tls, "has expired"),
        (early, false, Stage::Tls, "not valid yet"),
        (for_name("127.0.0.1"), true, Stage::Health, "demands a client certificate"),
    ] {
        let mut settings = settings(&authority.serve(params, wants_client).await.0, "t");
        settings.ca_certificate = Some(authority.pem());
        check(&diagnose(settings.clone()).await, stage, &[part]);
        let state = House::new(settings).check("a/key").await;
        claim(&state, "unreachable", &[part]);
    }
}
