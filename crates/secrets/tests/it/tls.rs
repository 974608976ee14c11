//! Names, authorities and client certificates, against OpenBao behind a listener with TLS.

use crate::diagnose::{check as check_stage, diagnose, found};
use crate::support::authority::{Authority, Issued};
use crate::support::bao::{Bao, Door};
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{House, claim, settings};
use postern::diagnosis::Stage;
use postern::provider::vault::{ClientCertificate, VaultAuth, VaultSettings};
use postern::sensitive::Plain;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use serde_json::json;

fn showing(issued: &Issued, settings: &VaultSettings<Plain>) -> VaultSettings<Plain> {
    let client_certificate = Some(ClientCertificate {
        certificate: issued.certificate.clone(),
        private_key: Plain::new(issued.key.clone()),
    });
    VaultSettings { client_certificate, ..settings.clone() }
}

#[tokio::test]
async fn a_certificate_for_another_name_than_the_address_is_verified_by_that_name() {
    let authority = Authority::new();
    let issued = authority.server("vault.internal");
    let bao = Bao::start_with_door(&Door { shows: &issued, wants: None }).await;
    bao.put("alice", json!({ "key": "v" })).await;
    let named = |name: Option<&str>| VaultSettings {
        ca_certificate: Some(authority.pem()),
        server_name: name.map(|name| name.parse().unwrap()),
        ..settings(&bao.door_url(), bao.root())
    };
    let good = named(Some("vault.internal"));
    claim(&House::new(good.clone()).check("alice/key").await, "ok", &[]);
    let diagnosis = diagnose(good).await;
    assert!(diagnosis.works(), "{diagnosis:?}");
    assert!(found(&diagnosis, Stage::Tls).contains("certificate for vault.internal trusted by"));
    for (name, part) in
        [(None, "not for the name '127.0.0.1'"), (Some("other.internal"), "not for the name 'other.internal'")]
    {
        claim(&House::new(named(name)).check("alice/key").await, "unreachable", &[part, "TLS Server Name"]);
        check_stage(&diagnose(named(name)).await, Stage::Tls, &[part]);
    }
    let strangers = VaultSettings { ca_certificate: Some(Authority::new().pem()), ..named(Some("vault.internal")) };
    claim(&House::new(strangers).check("alice/key").await, "unreachable", &["UnknownAuthority"]);
}

/// A load balancer chooses by the name in the handshake; the request is for the address that was written.
#[tokio::test]
async fn the_name_is_asked_for_and_the_address_is_addressed() {
    let authority = Authority::new();
    let params = CertificateParams::new(vec!["vault.internal".to_owned()]).unwrap();
    let (url, mut seen) = authority.serve(params, false).await;
    let named = VaultSettings {
        ca_certificate: Some(authority.pem()),
        server_name: Some("vault.internal".parse().unwrap()),
        ..settings(&url, "t")
    };
    claim(&House::new(named).check("alice/key").await, "unreachable", &["ConnectionLost"]);
    let (name, head) = seen.recv().await.unwrap();
    assert_eq!(name.as_deref(), Some("vault.internal"));
    let host = url.trim_start_matches("https://");
    assert!(head.to_lowercase().contains(&format!("\r\nhost: {host}\r\n")), "{head}");
}

/// The name is no way around the rule for addresses.
#[tokio::test]
async fn a_server_name_leads_to_no_forbidden_address() {
    for url in ["https://169.254.169.254", "https://2852039166", "https://[fd00:ec2::254]"] {
        let named = VaultSettings { server_name: Some("vault.internal".parse().unwrap()), ..settings(url, "t") };
        claim(&House::new(named).check("a/key").await, "unreachable", &["ForbiddenAddress"]);
    }
}

#[tokio::test]
async fn a_listener_that_demands_a_certificate_is_passed_with_any_login() {
    Logs::listen();
    let (authority, clients) = (Authority::new(), Authority::new());
    let issued = authority.server("127.0.0.1");
    let bao = Bao::start_with_door(&Door { shows: &issued, wants: Some(clients.pem()) }).await;
    bao.put("alice", json!({ "key": "v" })).await;
    bao.policy("reader", "secret/data/api7").await;
    bao.post("sys/auth/userpass", json!({ "type": "userpass" })).await;
    bao.post("auth/userpass/users/postern", json!({ "password": "canary-pass", "token_policies": ["reader"] })).await;
    let token = bao.reader("reader", "secret/data").await;
    let bare = VaultSettings { ca_certificate: Some(authority.pem()), ..settings(&bao.door_url(), &token) };
    let userpass = VaultAuth::Userpass {
        username: "postern".to_owned(),
        password: Plain::new("canary-pass".to_owned()),
        mount: "userpass".parse().unwrap(),
    };
    let client = clients.client();
    for auth in [bare.auth.clone(), userpass] {
        let good = showing(&client, &VaultSettings { auth, ..bare.clone() });
        claim(&House::new(good.clone()).check("alice/key").await, "ok", &[]);
        assert!(diagnose(good).await.works());
    }

    claim(
        &House::new(bare.clone()).check("alice/key").await,
        "unreachable",
        &["demands a client certificate", "Advanced"],
    );
    check_stage(&diagnose(bare.clone()).await, Stage::Health, &["demands a client certificate"]);

    let stranger = showing(&Authority::new().client(), &bare);
    claim(
        &House::new(stranger.clone()).check("alice/key").await,
        "unreachable",
        &["does not accept the client certificate"],
    );
    check_stage(&diagnose(stranger).await, Stage::Health, &["does not accept the client certificate"]);

    let mut ended = CertificateParams::new(vec!["postern".to_owned()]).unwrap();
    ended.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    ended.not_after = date_time_ymd(2020, 1, 1);
    let ended = showing(&clients.issue(&ended), &bare);
    claim(
        &House::new(ended).check("alice/key").await,
        "unreachable",
        &["does not accept the client certificate", "end date"],
    );

    let mixed = Issued { certificate: client.certificate, key: clients.client().key };
    let mixed = showing(&mixed, &bare);
    claim(&House::new(mixed).check("alice/key").await, "unreachable", &["do not belong together"]);
    let body = client.key.lines().nth(1).unwrap();
    assert!(!Logs::listen().text().contains(body), "a private key is in the log");
    claim_no_canary("");
}

#[tokio::test]
async fn a_timeout_of_the_provider_s_own_is_kept() {
    let server = FaultServer::start(Fault::Silence).await;
    let patient = VaultSettings { timeout: 1.try_into().unwrap(), ..settings(&server.url(), "t") };
    claim(&House::new(patient).check("a/key").await, "unreachable", &["TimedOut { after_ms: 1000 }", "within 1 s"]);
}
