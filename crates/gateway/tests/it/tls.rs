//! The TLS listener, as curl sees it: a client nobody here wrote.

use crate::support::{Running, id, locked_route, nodes, route, snapshot, start_with};
use crate::upstream::Upstream;
use gateway::GatewayConfig;
use postern::routing::HostPattern;
use postern::sensitive::Plain;
use postern::snapshot::{Snapshot, SnapshotCertificate};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use std::process::Command;
use std::sync::Arc;

/// Whom the clients trust.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// A certificate for `hosts`, with its number as its organisation's name.
    pub(crate) fn certify(&self, name: &str, hosts: &[&str], number: u32) -> SnapshotCertificate {
        let (chain, key) = self.issue(hosts, number);
        certificate(name, hosts, chain, key)
    }

    /// Such a certificate and its key, in PEM.
    pub(crate) fn issue(&self, hosts: &[&str], number: u32) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(hosts.iter().map(|h| (*h).to_owned()).collect::<Vec<_>>()).unwrap();
        parameters.distinguished_name.push(rcgen::DnType::OrganizationName, format!("number {number}"));
        (parameters.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }
}

fn certificate(name: &str, hosts: &[&str], chain: String, private_key: String) -> SnapshotCertificate {
    let fingerprint = postern::fingerprint::FingerprintKey::new([1; 32]).of(private_key.as_bytes());
    let hosts = hosts.iter().map(|host| host.parse::<HostPattern>().unwrap()).collect();
    let (chain, private_key) = (Arc::new(Plain::new(chain)), Arc::new(Plain::new(private_key)));
    SnapshotCertificate { id: id(name), hosts, chain, private_key, fingerprint }
}

pub(crate) fn with_tls(snapshot: Snapshot) -> Running {
    let tls_addr = Some("127.0.0.1:0".parse().unwrap());
    start_with(GatewayConfig { workers: 1, tls_addr, ..GatewayConfig::default() }, snapshot)
}

/// What curl says of `https://host/target`: its exit code, and everything it printed.
fn curl(running: &Running, authority: &Authority, host: &str, target: &str, more: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.0.pem()).unwrap();
    let port = running.gateway.tls_addr().unwrap().port();
    let output = Command::new("curl")
        .args(["-sv", "--noproxy", "*", "--max-time", "20", "--cacert", ca.to_str().unwrap()])
        .args(["--resolve", &format!("{host}:{port}:127.0.0.1")])
        .args(more)
        .arg(format!("https://{host}:{port}{target}"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), text)
}

/// curl's exit code for a handshake that failed.
const HANDSHAKE_FAILED: i32 = 35;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_host_is_shown_its_own_certificate_and_any_other_is_refused() {
    let upstream = Upstream::start().await;
    let authority = Authority::new();
    let certificates = vec![
        authority.certify("one", &["one.example"], 1),
        authority.certify("many", &["*.many.example"], 2),
        certificate("broken", &["broken.example"], "nonsense".to_owned(), "nonsense".to_owned()),
    ];
    let routes = vec![route("all", "/*")];
    let snapshot = Snapshot { certificates: certificates.into(), ..snapshot(nodes(&[(upstream.address, 1)]), routes) };
    let running = with_tls(snapshot);
    for (host, code, shown) in [
        ("one.example", 0, "O=number 1"),
        ("ONE.example", 0, "O=number 1"),
        ("a.many.example", 0, "O=number 2"),
        ("a.b.many.example", HANDSHAKE_FAILED, ""),
        ("many.example", HANDSHAKE_FAILED, ""),
        ("other.example", HANDSHAKE_FAILED, ""),
        ("broken.example", HANDSHAKE_FAILED, ""),
    ] {
        let (got, text) = curl(&running, &authority, host, "/x", &[]);
        assert!(got == code && text.contains(shown), "{host}: {got} {text}");
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_over_tls_are_like_others_and_say_where_they_came_from() {
    let upstream = Upstream::start().await;
    let authority = Authority::new();
    let certificates = Arc::from([authority.certify("one", &["one.example"], 1)]);
    let routes = vec![locked_route("locked", "/locked", "{}")];
    let running = with_tls(Snapshot { certificates, ..snapshot(nodes(&[(upstream.address, 1)]), routes) });
    let port = running.gateway.tls_addr().unwrap().port().to_string();
    for version in ["--http1.1", "--http2"] {
        let (_, text) = curl(&running, &authority, "one.example", "/locked", &[version]);
        assert!(text.contains(r#"{"message":"Missing API key in request"}"#), "{text}");
        let headers = [version, "-H", "apikey: alice-key", "-H", "x-forwarded-proto: http"];
        let (_, text) = curl(&running, &authority, "one.example", "/locked", &headers);
        assert!(text.contains("from upstream"), "{text}");
        let seen = upstream.last();
        for (name, value) in [("x-forwarded-proto", "https"), ("x-forwarded-port", port.as_str())] {
            assert_eq!(seen.header(name), Some(value), "{version} {name}");
        }
    }
    // TLS is not spoken where it was not asked for, and the other way round.
    let plain = format!("http://127.0.0.1:{port}/locked");
    assert!(
        !Command::new("curl").args(["-s", "--noproxy", "*", "--max-time", "20", &plain]).status().unwrap().success()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotated_certificate_needs_no_restart_and_one_that_is_gone_refuses() {
    let upstream = Upstream::start().await;
    let authority = Authority::new();
    let with = |revision, certificates: Vec<SnapshotCertificate>| Snapshot {
        revision,
        certificates: certificates.into(),
        ..snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")])
    };
    let running = with_tls(with(1, vec![authority.certify("one", &["one.example"], 1)]));
    let (code, text) = curl(&running, &authority, "one.example", "/", &[]);
    assert!(code == 0 && text.contains("O=number 1"), "{text}");
    running.publish(with(2, vec![authority.certify("one", &["one.example"], 2)])).await;
    let (code, text) = curl(&running, &authority, "one.example", "/", &[]);
    assert!(code == 0 && text.contains("O=number 2"), "{text}");
    running.publish(with(3, Vec::new())).await;
    let (code, text) = curl(&running, &authority, "one.example", "/", &[]);
    assert_eq!(code, HANDSHAKE_FAILED, "{text}");
}
