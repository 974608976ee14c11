//! New configurations, and stopping.

use crate::support::{Fixed, locked_route, nodes, read_to_end, route, snapshot, start, start_with, until};
use crate::upstream::Upstream;
use gateway::{Gateway, GatewayConfig, GatewayError};
use http_body_util::{BodyExt, Full};
use postern::routing::Upstream as Kind;
use postern::shards::Shards;
use postern::snapshot::Snapshot;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

#[tokio::test]
async fn without_routes_everything_is_404() {
    let running = start(snapshot(Kind::BuiltinEcho, Vec::new()));
    let answer = running.get("/ip").await;
    assert_eq!(answer.summary(), (404, r#"{"error_msg":"404 Route Not Found"}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(running.gateway.stats().no_route, 1);
}

#[tokio::test]
async fn a_new_snapshot_is_enforced_on_connections_that_are_open() {
    let upstream = Upstream::start().await;
    let locked = |revision, route| Snapshot { revision, ..snapshot(nodes(&[(upstream.address, 1)]), vec![route]) };
    let running = start(locked(1, route("r", "/x")));
    assert_eq!(running.gateway.applied_revision(), 1);
    assert_eq!(running.get("/x").await.status, 200);
    running.publish(locked(2, locked_route("r", "/x", "{}"))).await;
    assert_eq!(running.gateway.applied_revision(), 2);
    assert_eq!(running.get("/x").await.status, 401);
    let key = &[("apikey", "alice-key")];
    assert_eq!(running.get_with("/x", key).await.status, 200);
    // A credential that has no value any more is not in the snapshot.
    let mut unarmed = locked(3, locked_route("r", "/x", "{}"));
    unarmed.keys = Shards::default();
    running.publish(unarmed).await;
    assert_eq!(running.get_with("/x", key).await.status, 401);
    // One after the other, they all went over one connection on each side.
    assert_eq!(upstream.connections(), 1);
}

#[tokio::test]
async fn changing_the_configuration_under_load_fails_no_request() {
    let upstream = Upstream::start().await;
    let with = |revision| Snapshot { revision, ..snapshot(nodes(&[(upstream.address, 1)]), vec![route("r", "/x")]) };
    let running = Arc::new(start(with(1)));
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let running = Arc::clone(&running);
        requests.spawn(async move { running.get("/x").await.status });
    }
    for revision in 2..=30 {
        running.publish(with(revision)).await;
    }
    assert!(requests.join_all().await.iter().all(|status| *status == 200));
    assert_eq!(running.gateway.applied_revision(), 30);
}

#[tokio::test]
async fn a_request_is_answered_by_the_configuration_it_began_with() {
    let upstream = Upstream::start().await;
    let with = |revision, routes| Snapshot { revision, ..snapshot(nodes(&[(upstream.address, 1)]), routes) };
    let running = start(with(1, vec![route("r", "/held")]));
    let request = running.request("GET", "/held").body(Full::default()).unwrap();
    let (answer, ()) = tokio::join!(running.send(request), async {
        upstream.held.clone().wait_for(|held| *held == 1).await.unwrap();
        running.publish(with(2, Vec::new())).await;
        upstream.release.notify_one();
    });
    assert_eq!(answer.status, 200);
    assert_eq!(running.get("/held").await.status, 404);
}

#[tokio::test]
async fn stopping_finishes_what_is_in_flight_and_accepts_nothing_new() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    assert_eq!(running.get("/idle").await.status, 200);
    let mut held = running.connect().await;
    held.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    upstream.held.clone().wait_for(|held| *held == 1).await.unwrap();
    let address = running.address;
    let stopped = tokio::spawn(running.gateway.shutdown(Duration::from_secs(20)));
    until("the listener is closed", || std::net::TcpStream::connect(address).is_err()).await;
    assert!(!stopped.is_finished());
    upstream.release.notify_one();
    let answer = read_to_end(&mut held).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("from upstream"), "{answer}");
    stopped.await.unwrap();
}

#[tokio::test]
async fn stopping_cuts_off_what_takes_longer_than_the_grace() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let mut stream = running.connect().await;
    stream.write_all(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    upstream.held.clone().wait_for(|held| *held == 1).await.unwrap();
    running.gateway.shutdown(Duration::from_millis(10)).await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_address_in_use_is_said_at_once() {
    let running = start(snapshot(Kind::BuiltinEcho, Vec::new()));
    let (_sender, receiver) = watch::channel(Arc::new(snapshot(Kind::BuiltinEcho, Vec::new())));
    let second = Gateway::start(running.address, GatewayConfig::default(), Arc::new(Fixed), receiver);
    let Err(GatewayError::Listen { addr, source }) = second else { panic!("two listeners on one port") };
    assert_eq!((addr, source.kind()), (running.address, std::io::ErrorKind::AddrInUse));
}

#[tokio::test]
async fn a_client_that_says_nothing_or_never_ends_its_head_is_dropped() {
    let config = GatewayConfig { workers: 1, header_timeout: Duration::from_millis(100), ..GatewayConfig::default() };
    let running = start_with(config, snapshot(Kind::BuiltinEcho, vec![route("all", "/*")]));
    for begun in ["", "P", "PRI * HT", "GET /ip HTTP/1.1\r\nHost: a\r\nX:", "GET /ip HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let answer = tokio::time::timeout(Duration::from_secs(20), running.raw(begun)).await;
        assert!(answer.is_ok_and(|answer| answer.matches("200 OK").count() <= 1), "{begun:?}");
    }
}

#[tokio::test]
async fn a_thousand_requests_at_once_are_all_answered() {
    let upstream = Upstream::start().await;
    let running = Arc::new(start(snapshot(nodes(&[(upstream.address, 1)]), vec![locked_route("r", "/x/*", "{}")])));
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let running = Arc::clone(&running);
        requests.spawn(async move {
            let key = if number % 4 == 0 { "wrong" } else { "alice-key" };
            (number % 4 == 0, running.get_with(&format!("/x/{number}"), &[("apikey", key)]).await.status)
        });
    }
    for (wrong, status) in requests.join_all().await {
        assert_eq!(status, if wrong { 401 } else { 200 });
    }
    let stats = running.gateway.stats();
    assert_eq!((stats.requests, stats.passed, stats.unauthorized), (1000, 750, 250));
    assert_eq!(upstream.seen().len(), 750);
}

#[tokio::test]
async fn http2_without_tls_is_served_like_http1() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![locked_route("r", "/x", "{}")]));
    let stream = hyper_util::rt::TokioIo::new(running.connect().await);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    tokio::spawn(connection);
    for (key, status) in [("wrong", 401), ("alice-key", 200)] {
        let request = http::Request::get("http://example.org/x")
            .header("apikey", key)
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::<hyper::body::Bytes>::default())
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), status);
        drop(response.into_body().collect().await.unwrap());
    }
    let seen = upstream.last();
    assert_eq!(seen.header("host"), Some("example.org"));
    assert_eq!(seen.header("cookie"), Some("a=1; b=2"));
    assert_eq!(upstream.seen().len(), 1);
}
