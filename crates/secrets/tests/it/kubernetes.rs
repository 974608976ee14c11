//! Kubernetes Secrets: values, every refusal, how often the API server is asked, and Test Connection.

use crate::support::fault::{Fault, FaultServer};
use crate::support::kube::{Cluster, Kube, reference};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{claim, group};
use postern::diagnosis::{Diagnosis, Stage};
use postern::provider::Settings;
use postern::provider::kubernetes::{KubernetesAccess, KubernetesSettings};
use postern::sensitive::Plain;
use secrets::Ambient;

const ALICE: &[(&str, &[u8])] =
    &[("key", b"alice-key"), ("tls.crt", b"crt"), ("config", br#"{"db":{"password":"p"}}"#), ("packed", b"cGFja2Vk")];

/// With the Secret `team/alice-credentials`, and an account that may read it.
async fn furnished() -> (Kube, String) {
    let kube = Kube::start().await;
    let token = kube.account("postern");
    kube.allow("postern", "team", "alice-credentials");
    kube.allow("postern", "team", "nothing");
    kube.allow("postern", "team", "odd");
    kube.put("team", "alice-credentials", ALICE);
    kube.put("team", "odd", &[("binary", b"\xff\x00canary"), ("empty", b""), ("line", b"x\n")]);
    (kube, token)
}

#[tokio::test]
async fn values_are_decoded_and_one_read_serves_all_keys() {
    let (kube, token) = furnished().await;
    let cluster = Cluster::new(kube.settings(&token));
    let secret = "team/alice-credentials";
    let wanted =
        [("key", "alice-key"), ("tls.crt", "crt"), ("config#/db/password", "p"), ("packed?decode=base64", "packed")];
    let paths: Vec<String> = wanted.iter().map(|(key, _)| format!("{secret}/{key}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    cluster.watch(&paths);
    for (path, (_, value)) in paths.iter().zip(wanted) {
        claim(&cluster.check(path).await, "ok", &[]);
        assert_eq!(cluster.current(path), (Some(value.to_owned()), "ok"), "{path}");
    }
    let request = cluster.house.engine.request_line(&group(), &reference(paths[0])).unwrap();
    assert_eq!(request, format!("GET {}/api/v1/namespaces/team/secrets/alice-credentials", kube.url()));
    let before = kube.calls().len();
    let many = (0..200).map(|n| cluster.check(paths[n % paths.len()]));
    futures_util::future::join_all(many).await;
    let reads = kube.calls().len() - before;
    assert!(reads <= 3, "{reads} requests for two hundred who ask at once");
    assert!(kube.calls().iter().all(|call| call == "GET /api/v1/namespaces/team/secrets/alice-credentials"));
}

#[tokio::test]
async fn every_refusal_says_why() {
    Logs::listen();
    let (kube, token) = furnished().await;
    let nobody = kube.account("nobody");
    let good = kube.settings(&token);
    let mut untrusted = good.clone();
    if let KubernetesAccess::Token { ca_certificate, .. } = &mut untrusted.access {
        *ca_certificate = None;
    }
    let in_cluster = KubernetesSettings { access: KubernetesAccess::InCluster, ..good.clone() };
    let alice = "team/alice-credentials/key";
    for (settings, path, name, parts) in [
        (&good, "team/alice-credentials/kye", "key_missing", vec!["it has config, key, packed", "Did you mean 'key'?"]),
        (&good, "team/alice-credentials/password", "key_missing", vec!["no key 'password'", "similar: None"]),
        (&good, "team/nothing/key", "not_found", vec!["no Secret nothing in the namespace team"]),
        (&good, "team/odd/binary", "invalid", vec!["binary data"]),
        (&good, "team/odd/empty", "invalid", vec!["is empty"]),
        (&good, "team/odd/line", "invalid", vec!["printf"]),
        (&good, "team/alice-credentials/key?decode=base64", "invalid", vec!["no base64"]),
        (
            &kube.settings(&nobody),
            alice,
            "denied",
            vec![
                "system:serviceaccount:gateway:nobody may not read the Secret alice-credentials in the namespace team",
                "resourceNames: [\\\"alice-credentials\\\"]",
                "name: nobody\\n  namespace: gateway",
            ],
        ),
        (&kube.settings("canary-wrong"), alice, "denied", vec!["does not accept the provider's token"]),
        (&kube.settings("canary\nline"), alice, "denied", vec!["does not accept the provider's token"]),
        (&untrusted, alice, "unreachable", vec!["not trusted here", "kubectl config view"]),
        (&in_cluster, alice, "denied", vec!["no service account's token"]),
    ] {
        let state = Cluster::new(settings.clone()).check(path).await;
        claim(&state, name, &parts);
        claim_no_canary(&format!("{state:?}"));
    }
}

#[tokio::test]
async fn servers_that_are_not_kubernetes_are_told_apart() {
    Logs::listen();
    for (fault, part) in [
        (Fault::answer("200 OK", "", "<html>canary</html>"), "not an answer of a Kubernetes API server"),
        (Fault::answer("401 Unauthorized", "", "canary"), "status 401"),
        (Fault::answer("404 Not Found", "", "canary"), "status 404"),
        (Fault::answer("429 Too Many Requests", "", ""), "too many requests"),
        (Fault::answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""), "redirect"),
        (Fault::Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()), "was lost"),
    ] {
        let server = FaultServer::start(fault).await;
        let access = KubernetesAccess::Token {
            server: server.url().parse().unwrap(),
            token: Plain::new("canary".to_owned()),
            ca_certificate: None,
        };
        let settings = KubernetesSettings { access, timeout: Default::default() };
        let state = Cluster::new(settings).check("n/s/k").await;
        claim(&state, "unreachable", &[part]);
        claim_no_canary(&format!("{state:?}"));
    }
}

#[tokio::test]
async fn what_changes_in_the_cluster_is_noticed() {
    let (mut kube, token) = furnished().await;
    let cluster = Cluster::new(kube.settings(&token));
    let (alice, bob) = ("team/alice-credentials/key", "team/bob/key");
    cluster.watch(&[alice, bob]);
    cluster.until(alice, Some("alice-key"), "ok").await;
    cluster.until(bob, None, "denied").await;

    kube.put("team", "bob", &[("key", b"bob-key")]);
    kube.allow("postern", "team", "bob");
    cluster.until(bob, Some("bob-key"), "ok").await;
    kube.put("team", "alice-credentials", &[("key", b"rotated")]);
    cluster.until(alice, Some("rotated"), "ok").await;

    kube.down().await;
    cluster.until(alice, Some("rotated"), "stale").await;
    kube.up().await;
    cluster.until(alice, Some("rotated"), "ok").await;

    kube.revoke(&token);
    cluster.refresh().await;
    claim(&cluster.check(bob).await, cluster.current(bob).1, &["does not accept the provider's token"]);
}

async fn diagnose(settings: KubernetesSettings<Plain>) -> Diagnosis {
    secrets::diagnose(&Settings::Kubernetes(settings), &Ambient::default(), &secrets::Environment::none()).await
}

#[tokio::test]
async fn a_connection_is_tested_stage_by_stage() {
    let (kube, token) = furnished().await;
    let least = diagnose(kube.settings(&token)).await;
    assert!(least.works() && least.warns(), "{least:?}");
    assert!(format!("{least:?}").contains("accepted, as system:serviceaccount:gateway:postern"), "{least:?}");
    let reader = kube.account("reader");
    kube.allow("reader", "*", "*");
    let all = diagnose(kube.settings(&reader)).await;
    assert!(all.works() && !all.warns(), "{all:?}");
    assert!(kube.calls().iter().all(|call| call.starts_with("POST /apis/auth")), "{:?}", kube.calls());

    let at = |url: &str| {
        let mut settings = kube.settings(&token);
        if let KubernetesAccess::Token { server, .. } = &mut settings.access {
            *server = url.parse().unwrap();
        }
        settings
    };
    for (settings, stage, part) in [
        (at("https://no-such-host.invalid"), Stage::Address, "has no address"),
        (at("https://169.254.169.254"), Stage::Address, "link-local"),
        (at("https://127.0.0.1:1"), Stage::Connect, "refused"),
        (at(&kube.url().replace("127.0.0.1", "localhost")), Stage::Tls, "not for the name 'localhost'"),
        (kube.settings("wrong"), Stage::Token, "does not accept the provider's token"),
    ] {
        let diagnosis = diagnose(settings).await;
        let (failed, explanation, _) = diagnosis.failure().unwrap_or_else(|| panic!("{diagnosis:?} has no failure"));
        assert_eq!(failed, stage, "{diagnosis:?}");
        assert!(explanation.what.contains(part), "{explanation:?} lacks {part:?}");
    }
}
