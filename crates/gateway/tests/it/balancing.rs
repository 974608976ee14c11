//! Which server gets a request, how it is spoken to, and what becomes of one that fails.

use crate::support::{closed_address, route, snapshot, start, start_with, until};
use crate::upstream::{Upstream, receive, scripted};
use gateway::GatewayConfig;
use http_body_util::Full;
use hyper::body::Bytes;
use postern::routing::{
    ActiveCheck, Balancing, Node, Nodes, NodesTls, PassHost, PassiveCheck, Scheme, Upstream as Kind,
};
use postern::snapshot::Snapshot;
use rcgen::{CertifiedIssuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn node(address: SocketAddr) -> Node {
    Node { host: address.ip().to_string(), port: address.port(), weight: 1 }
}

fn to(addresses: &[SocketAddr]) -> Nodes {
    Nodes { nodes: addresses.iter().copied().map(node).collect(), ..Nodes::default() }
}

fn all_to(nodes: Nodes) -> Snapshot {
    snapshot(Kind::Nodes(nodes), vec![route("all", "/*")])
}

#[tokio::test]
async fn the_next_request_goes_where_the_fewest_are_in_flight() {
    let (busy, idle) = (Upstream::start().await, Upstream::start().await);
    let nodes = Nodes { balancing: Balancing::LeastConnections, ..to(&[busy.address, idle.address]) };
    let running = Arc::new(start(all_to(nodes)));
    let holding = tokio::spawn({
        let running = Arc::clone(&running);
        async move { running.get("/held").await.status }
    });
    until("a request is held", || *busy.held.borrow() + *idle.held.borrow() == 1).await;
    let (busy, idle) = if *busy.held.borrow() == 1 { (busy, idle) } else { (idle, busy) };
    for _ in 0..6 {
        assert_eq!(running.get("/").await.status, 200);
    }
    assert_eq!((busy.seen().len(), idle.seen().len()), (1, 6));
    busy.release.notify_one();
    assert_eq!(holding.await.unwrap(), 200);
}

#[tokio::test]
async fn the_nodes_get_the_host_that_was_chosen() {
    let upstream = Upstream::start().await;
    let own = upstream.address.to_string();
    let rewrite = PassHost::Rewrite { upstream_host: "api.example".to_owned() };
    for (pass_host, expected) in
        [(PassHost::Pass, "asked.example"), (PassHost::Node, own.as_str()), (rewrite, "api.example")]
    {
        let running = start(all_to(Nodes { pass_host, ..to(&[upstream.address]) }));
        assert_eq!(running.get_with("/", &[("host", "asked.example")]).await.status, 200);
        let seen = upstream.last();
        assert_eq!((seen.header("host"), seen.header("x-forwarded-host")), (Some(expected), Some("asked.example")));
    }
}

#[tokio::test]
async fn a_body_of_which_nothing_was_sent_goes_to_the_next_server() {
    let upstream = Upstream::start().await;
    let running = start(all_to(to(&[closed_address(), upstream.address])));
    for _ in 0..4 {
        let request = running.request("POST", "/").body(Full::new(Bytes::from(vec![b'x'; 100_000]))).unwrap();
        assert_eq!(running.send(request).await.status, 200);
    }
    assert_eq!(upstream.seen().iter().map(|seen| seen.body_length).collect::<Vec<_>>(), [100_000; 4]);
}

#[tokio::test]
async fn retries_are_counted_and_only_what_is_idempotent_is_repeated() {
    for (method, retries, expected) in
        [("GET", None, 200), ("GET", Some(0), 502), ("GET", Some(1), 200), ("PUT", None, 200), ("POST", None, 502)]
    {
        let upstream = Upstream::start().await;
        let breaks = scripted(|_, mut stream| async move { drop(receive(&mut stream).await) }).await;
        let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
        let running = start_with(config, all_to(Nodes { retries, ..to(&[breaks, upstream.address]) }));
        let answer = running.send(running.request(method, "/").body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, expected, "{method} {retries:?}");
    }
}

#[tokio::test]
async fn after_a_timeout_only_what_is_idempotent_is_repeated_and_only_in_time() {
    for (method, retry_timeout, expected) in
        [("GET", None, 200), ("GET", Some(3600), 200), ("GET", Some(1), 504), ("POST", None, 504)]
    {
        let upstream = Upstream::start().await;
        let silent = scripted(|_, mut stream| async move { while !receive(&mut stream).await.is_empty() {} }).await;
        let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
        let nodes = Nodes { read_timeout: Some(1), retry_timeout, ..to(&[silent, upstream.address]) };
        let running = start_with(config, all_to(nodes));
        let answer = running.send(running.request(method, "/").body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, expected, "{method} {retry_timeout:?}");
    }
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone() {
    let upstream = Upstream::start().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let overloaded = scripted(move |_, mut stream| {
        let counted = Arc::clone(&counted);
        async move {
            while !receive(&mut stream).await.is_empty() {
                counted.fetch_add(1, Ordering::SeqCst);
                stream.write_all(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            }
        }
    })
    .await;
    let passive_check = Some(PassiveCheck { unhealthy_after: 2, rest: 3600 });
    let running = start(all_to(Nodes { passive_check, ..to(&[overloaded, upstream.address]) }));
    for _ in 0..12 {
        running.get("/").await;
    }
    assert_eq!((asked.load(Ordering::SeqCst), upstream.seen().len()), (2, 10));
}

#[tokio::test]
async fn the_active_check_takes_a_server_out_and_back_in() {
    let upstream = Upstream::start().await;
    let status = Arc::new(AtomicU16::new(500));
    let checks = Arc::new(AtomicUsize::new(0));
    let (said, counted) = (Arc::clone(&status), Arc::clone(&checks));
    let flaky = scripted(move |_, mut stream| {
        let (said, counted) = (Arc::clone(&said), Arc::clone(&counted));
        async move {
            loop {
                let request = receive(&mut stream).await;
                if request.is_empty() {
                    return;
                }
                let is_check = request.starts_with(b"GET /health ");
                let status = if is_check { said.load(Ordering::SeqCst) } else { 200 };
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\nX-Flaky: 1\r\n\r\nflaky");
                let _gone = stream.write_all(answer.as_bytes()).await;
                counted.fetch_add(usize::from(is_check), Ordering::SeqCst);
            }
        }
    })
    .await;
    let check = ActiveCheck { path: "/health".to_owned(), interval: 1, healthy_after: 1, unhealthy_after: 1 };
    let running = start(all_to(Nodes { active_check: Some(check), ..to(&[flaky, upstream.address]) }));
    let healthy = |wanted: usize| {
        let states = running.gateway.upstream_states();
        states.iter().filter(|state| state.is_healthy).count() == wanted
    };
    until("the failing server is out", || healthy(1)).await;
    for _ in 0..6 {
        assert_eq!(running.get("/").await.text(), "from upstream");
    }
    status.store(204, Ordering::SeqCst);
    until("it is back", || healthy(2)).await;
    let answers = [running.get("/").await, running.get("/").await];
    assert!(answers.iter().any(|answer| answer.text() == "flaky"), "{answers:?}");
    // The upstream is configured no more: its check ends.
    running.publish(Snapshot { revision: 2, ..snapshot(Kind::BuiltinEcho, vec![route("all", "/*")]) }).await;
    assert!(running.gateway.upstream_states().is_empty());
}

/// A TLS server for `name`, and the authority that vouches for it.
async fn https(name: &str) -> (SocketAddr, String) {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 16 * 1024];
                while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
                    stream.write_all(answer).await.unwrap();
                }
            });
        }
    });
    (address, authority.pem())
}

#[tokio::test]
async fn a_server_must_prove_its_name_to_an_authority_that_is_trusted() {
    let (address, ca) = https("127.0.0.1").await;
    let (named, named_ca) = https("api.example").await;
    let (_, other_ca) = https("127.0.0.1").await;
    let rewrite = PassHost::Rewrite { upstream_host: "api.example".to_owned() };
    for (address, ca_certificate, pass_host, expected) in [
        (address, Some(ca.clone()), PassHost::Pass, 200),
        (address, Some(other_ca), PassHost::Pass, 502),
        (address, None, PassHost::Pass, 502),
        (named, Some(named_ca.clone()), PassHost::Pass, 502),
        (named, Some(named_ca), rewrite, 200),
    ] {
        let why = format!("{ca_certificate:?} {pass_host:?}");
        let nodes = Nodes {
            scheme: Scheme::Https(NodesTls { ca_certificate, client_cert_id: None }),
            pass_host,
            ..to(&[address])
        };
        assert_eq!(start(all_to(nodes)).get("/").await.status, expected, "{why}");
    }
    // No TLS where TLS was asked for.
    let plain = Upstream::start().await;
    let nodes = Nodes {
        scheme: Scheme::Https(NodesTls { ca_certificate: Some(ca), client_cert_id: None }),
        ..to(&[plain.address])
    };
    assert_eq!(start(all_to(nodes)).get("/").await.status, 502);
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn an_upstream_has_timeouts_of_its_own() {
    let silent = scripted(|_, mut stream| async move { while !receive(&mut stream).await.is_empty() {} }).await;
    let config = GatewayConfig { workers: 1, response_timeout: Duration::from_secs(3600), ..GatewayConfig::default() };
    let running = start_with(config, all_to(Nodes { read_timeout: Some(1), ..to(&[silent]) }));
    assert_eq!(running.get("/").await.status, 504);
}
