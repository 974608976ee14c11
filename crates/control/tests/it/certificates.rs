//! Certificates over a real database and a real OpenBao.

use super::*;
use backends::OpenBao;
use postern::access::Review;
use postern::certificate::{Certificate, CertificateField, CertificateForm};
use postern::control::{CertificateView, ReferenceUser};
use postern::fingerprint::Fingerprint;
use postern::reason::Reason;
use postern::resolve::ToldState;
use postern::routing::Service;
use postern::snapshot::Snapshot;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;

/// A certificate and its key, in PEM.
fn pair(host: &str) -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).unwrap();
    (cert.pem(), signing_key.serialize_pem())
}

fn certificate(name: &str, certificate: &str, private_key: &str) -> Certificate<Entered> {
    let form = CertificateForm {
        name: name.to_owned(),
        hosts: "one.example".to_owned(),
        certificate: FormSecret(certificate.to_owned()),
        private_key: FormSecret(private_key.to_owned()),
    };
    form.parse(id("new")).unwrap()
}

/// The field of a certificate that holds a reference.
fn field_of(user: &ReferenceUser) -> CertificateField {
    match user {
        ReferenceUser::Certificate { user } => user.field,
        other => panic!("{other:?} is no certificate"),
    }
}

/// The fingerprints of what the gateway shows.
fn shown(world: &World) -> Vec<Fingerprint> {
    fingerprints(&world.control.snapshots().borrow())
}

fn fingerprints(snapshot: &Snapshot) -> Vec<Fingerprint> {
    snapshot.certificates.iter().map(|certificate| certificate.fingerprint).collect()
}

/// Waits until what the gateway shows is as it should be.
async fn shown_when(world: &World, is_so: impl Fn(&[Fingerprint]) -> bool) {
    let mut snapshots = world.control.snapshots();
    let waiting = snapshots.wait_for(|snapshot| is_so(&fingerprints(snapshot)));
    tokio::time::timeout(std::time::Duration::from_secs(20), waiting).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_typed_in_is_checked_sealed_and_shown() {
    let w = World::new().await;
    let ((chain, key), (_, other_key)) = (pair("one.example"), pair("one.example"));
    let wrong = certificate("wrong", &chain, &other_key);
    assert_eq!(fields(w.control.add_certificate(&op(), &group(), wrong).await.unwrap_err()), ["private_key"]);
    let missing = certificate("missing", &chain, "");
    assert_eq!(fields(w.control.add_certificate(&op(), &group(), missing).await.unwrap_err()), ["private_key"]);
    let unknown = certificate("unknown", &chain, "$secret://vault/nowhere/tls/one/key");
    assert_eq!(fields(w.control.add_certificate(&op(), &group(), unknown).await.unwrap_err()), ["private_key"]);
    let view = w.control.add_certificate(&op(), &group(), certificate("one", &chain, &key)).await.unwrap();
    assert_eq!((view.problem.as_deref(), shown(&w).len()), (None, 1));
    let told = serde_json::to_string(&view).unwrap();
    let inside = key.lines().nth(1).unwrap().to_owned();
    assert!(!told.contains(&inside), "{told}");
    let before = shown(&w);
    // Empty fields keep both, over a restart too.
    let mut kept = certificate("renamed", "", "");
    kept.id = view.stored.object.id.clone();
    w.control.save_certificate(&op(), &group(), 1, kept).await.unwrap();
    let w = w.restart().await;
    assert_eq!(shown(&w), before);
    let database = std::fs::read(w.folder.path().join("p.db")).unwrap();
    assert!(!String::from_utf8_lossy(&database).contains(&inside));
    w.control.delete_certificate(&op(), &group(), &view.stored.object.id).await.unwrap();
    assert!(shown(&w).is_empty());
}

#[tokio::test]
async fn a_certificate_by_reference_follows_the_secret_manager_and_fails_closed() {
    let w = World::new().await;
    let bao = OpenBao::shared().await;
    let mut form = provider_form(bao.root());
    form.vault.url = bao.url();
    form.vault.prefix = "secret".to_owned();
    form.vault.kv_version = "2".to_owned();
    w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap();
    let reference = |key: &str| format!("$secret://vault/my-vault/certificates/one/{key}");
    let by_reference = certificate("one", &reference("certificate"), &reference("key"));
    let view = w.control.add_certificate(&op(), &group(), by_reference).await.unwrap();
    assert!(view.problem.unwrap().contains("both have a value"));
    assert_eq!(view.private_key.unwrap().name, StateName::NotFound);
    assert!(shown(&w).is_empty());
    let uses = w.control.references(&op(), &group()).await.unwrap();
    let fields: Vec<_> = uses.iter().map(|view| (view.reference.to_string(), field_of(&view.used_by))).collect();
    let (of_certificate, of_key) = (CertificateField::Certificate, CertificateField::PrivateKey);
    assert_eq!(fields, [(reference("certificate"), of_certificate), (reference("key"), of_key)]);
    let provider = w.control.provider(&op(), &group(), &provider_key()).await.unwrap();
    assert_eq!(provider.references, 2);
    let overview = w.control.overview(&op(), &group()).await.unwrap();
    assert_eq!((overview.references, overview.attention.len()), (2, 2), "{overview:?}");
    let Review::Done(access) = w.control.review_provider(&op(), &group(), &provider_key()).await.unwrap() else {
        panic!("a policy")
    };
    assert!(access.policy.contains("path \"secret/data/certificates/one\""), "{access:?}");
    let error = w.control.delete_provider(&op(), &group(), &provider_key(), false).await.unwrap_err();
    assert!(matches!(&error, ControlError::InUse { by } if by == &["certificate one"]), "{error:?}");
    let mut seen = Vec::new();
    for host in ["one.example", "two.example"] {
        let (chain, key) = pair(host);
        bao.put("certificates/one", json!({ "certificate": chain, "key": key })).await;
        w.control.refresh_provider(&op(), &group(), &provider_key()).await.unwrap();
        shown_when(&w, |now| now.len() == 1 && !seen.contains(&now[0])).await;
        seen.extend(shown(&w));
        assert_eq!(w.control.certificates(&op(), &group()).await.unwrap()[0].problem, None);
    }
    // A key that belongs to another certificate is not shown, and the operator is told.
    let ((chain, _), (_, key)) = (pair("one.example"), pair("one.example"));
    bao.put("certificates/one", json!({ "certificate": chain, "key": key })).await;
    w.control.refresh_provider(&op(), &group(), &provider_key()).await.unwrap();
    shown_when(&w, <[_]>::is_empty).await;
    let view = w.control.certificates(&op(), &group()).await.unwrap().remove(0);
    assert!(view.problem.unwrap().contains("belong together"));
    let reasons = |view: CertificateView| {
        let reason = |state: Option<ToldState>| state.unwrap().failure.map(|told| told.reason);
        [reason(view.certificate), reason(view.private_key)]
    };
    // The references say so wherever they are listed, and each by itself where it is not PEM at all.
    let view = w.control.certificates(&op(), &group()).await.unwrap().remove(0);
    assert_eq!(reasons(view), [None, Some(Reason::FieldNotAPair)]);
    bao.put("certificates/one", json!({ "certificate": "canary", "key": "canary" })).await;
    w.control.refresh_provider(&op(), &group(), &provider_key()).await.unwrap();
    let view = w.control.certificates(&op(), &group()).await.unwrap().remove(0);
    assert!(!serde_json::to_string(&view).unwrap().contains("canary"));
    assert_eq!(reasons(view), [Some(Reason::FieldNotPem); 2]);
    let states: Vec<_> = w.control.references(&op(), &group()).await.unwrap();
    assert!(states.iter().all(|view| view.state.name == StateName::Unfit), "{states:?}");
}

/// A service whose nodes are shown the certificate of that id.
fn showing(name: &str, certificate: &str) -> Service {
    let nodes = NodesForm {
        nodes: "node.example:443".to_owned(),
        scheme: "https".to_owned(),
        client_cert_id: certificate.to_owned(),
        ..NodesForm::default()
    };
    let form = ServiceForm { name: name.to_owned(), upstream: UpstreamChoice::Nodes, nodes };
    form.parse(id("new"), Plugins::new()).unwrap()
}

#[tokio::test]
async fn a_service_shows_a_certificate_that_is_there_and_keeps_it_there() {
    let w = World::new().await;
    assert_eq!(
        fields(w.control.add_service(&op(), &group(), showing("a", "c1")).await.unwrap_err()),
        ["client_cert_id"]
    );
    let (chain, key) = pair("gateway.example");
    let mut mine = certificate("mine", &chain, &key);
    mine.hosts.clear();
    let mine = w.control.add_certificate(&op(), &group(), mine).await.unwrap().stored.object.id;
    let service = w.control.add_service(&op(), &group(), showing("a", mine.as_str())).await.unwrap();
    let shown = service.client_certificate.unwrap();
    assert_eq!((shown.name.as_str(), shown.problem), ("mine", None));
    let view = w.control.certificates(&op(), &group()).await.unwrap().remove(0);
    assert_eq!(view.services.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["a"]);
    let error = w.control.delete_certificate(&op(), &group(), &mine).await.unwrap_err();
    assert!(matches!(&error, ControlError::InUse { by } if by == &["service a"]), "{error:?}");
    w.control.delete_service(&op(), &group(), &service.stored.object.id).await.unwrap();
    w.control.delete_certificate(&op(), &group(), &mine).await.unwrap();
}

#[tokio::test]
async fn a_certificate_without_a_value_is_withheld_under_the_incident_of_its_reference() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider_form("t").parse().unwrap()).await.unwrap();
    let (chain, _) = pair("gateway.example");
    let by_reference = certificate("mine", &chain, "$secret://vault/my-vault/certificates/mine/key");
    let mine = w.control.add_certificate(&op(), &group(), by_reference).await.unwrap().stored.object.id;
    let service = w.control.add_service(&op(), &group(), showing("a", mine.as_str())).await.unwrap();
    let incident = w.control.references(&op(), &group()).await.unwrap().remove(0).incident;
    let snapshot = w.control.snapshots().borrow().clone();
    assert_eq!(snapshot.withheld.get(&mine), Some(&incident));
    let problem = service.client_certificate.unwrap().problem.unwrap();
    assert!(problem.ends_with(&format!("Incident {incident}.")), "{problem}");
}
