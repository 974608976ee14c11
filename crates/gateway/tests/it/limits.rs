//! What the gateway takes from clients: how much, how slowly, and whom it believes.

use crate::hmac_auth::unsigned_body;
use crate::support::{Running, nodes, read_to_end, route, snapshot, start_with};
use crate::upstream::Upstream;
use gateway::GatewayConfig;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use postern::routing::Upstream as Kind;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const SHORT: Duration = Duration::from_millis(100);

fn limited() -> GatewayConfig {
    GatewayConfig {
        workers: 1,
        max_head_bytes: 16 * 1024,
        max_headers: 20,
        max_body_bytes: Some(1000),
        body_idle_timeout: SHORT,
        ..GatewayConfig::default()
    }
}

/// A gateway with these limits before a server that records.
async fn before(config: GatewayConfig) -> (Upstream, Running) {
    let upstream = Upstream::start().await;
    let running = start_with(config, snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    (upstream, running)
}

/// Sends `text`, and expects one answer with this status, and the end of the connection.
async fn check(running: &Running, text: &str, status: &str) {
    let answer = running.raw(text).await;
    let shown = text.get(..80).unwrap_or(text);
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{shown}: {answer}");
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{shown}: {answer}");
}

#[tokio::test]
async fn heads_and_bodies_have_limits() {
    let (upstream, running) = before(limited()).await;
    let lines = |count: usize| "X: y\r\n".repeat(count);
    let chunk = |length: usize| format!("{length:x}\r\n{}\r\n", "x".repeat(length));
    let get = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    let post = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    for (text, status) in [
        (format!("{get}{}\r\n", lines(18)), "200"),
        (format!("{get}{}\r\n", lines(19)), "431"),
        (format!("{get}X: {}\r\n\r\n", "y".repeat(8000)), "200"),
        (format!("{get}X: {}\r\n\r\n", "y".repeat(17_000)), "431"),
        (format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "y".repeat(17_000)), "431"),
        (format!("{post}Content-Length: 1000\r\n\r\n{}", "x".repeat(1000)), "200"),
        (format!("{post}Content-Length: 1001\r\n\r\n{}", "x".repeat(1001)), "413"),
        // What it says is enough: nothing of the body is waited for.
        (format!("{post}Content-Length: 1000000000000\r\n\r\n"), "413"),
        (format!("{post}Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n"), "413"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk(500), chunk(500)), "200"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk(500), chunk(501)), "413"),
    ] {
        check(&running, &text, status).await;
    }
    assert!(upstream.seen().iter().all(|seen| seen.body_length <= 1000));
}

#[tokio::test]
async fn over_http2_they_are_the_same() {
    let (_upstream, running) = before(limited()).await;
    for (header, length, status) in [(8000, 1000, 200), (17_000, 0, 431), (1, 1001, 413)] {
        let stream = TokioIo::new(running.connect().await);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
        let connection = tokio::spawn(connection);
        let request = http::Request::post("http://a/").header("x", "y".repeat(header));
        let request = request.body(Full::new(Bytes::from(vec![b'x'; length]))).unwrap();
        let answer = sender.send_request(request).await.unwrap();
        assert_eq!(answer.status(), status, "{header} {length}");
        drop((answer, sender));
        connection.abort();
    }
}

/// A body that stops in the middle, however the gateway reads it.
#[tokio::test]
async fn a_body_that_stops_gets_408_and_its_connection_ends() {
    let (_upstream, running) = before(limited()).await;
    let echo = start_with(limited(), snapshot(Kind::BuiltinEcho, vec![route("all", "/*")]));
    let validated = unsigned_body(limited()).await;
    for (running, head) in [
        (&running, "POST / HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (&echo, "POST /anything HTTP/1.1\r\nHost: a\r\n".to_owned()),
        (&validated.0, validated.1.clone()),
    ] {
        for framing in ["Content-Length: 100\r\n\r\nhalf", "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"] {
            let mut stream = running.connect().await;
            stream.write_all(format!("{head}{framing}").as_bytes()).await.unwrap();
            let answer = read_to_end(&mut stream).await;
            assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("connection: close"), "{head}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_body_that_drips_has_a_deadline_for_the_whole() {
    let config = GatewayConfig {
        body_idle_timeout: Duration::from_secs(3600),
        body_timeout: Some(SHORT),
        max_body_bytes: None,
        ..limited()
    };
    let (_upstream, running) = before(config).await;
    let stream = running.connect().await;
    let (mut reading, mut writing) = stream.into_split();
    writing.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await.unwrap();
    let dripping = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut status = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut reading, &mut status).await.unwrap();
    assert_eq!(std::str::from_utf8(&status).unwrap(), "HTTP/1.1 408");
    drop(reading);
    dripping.await.unwrap();
}

#[tokio::test]
async fn a_server_that_takes_its_time_is_not_the_clients_fault() {
    let (upstream, running) = before(limited()).await;
    let request = running.request("POST", "/held").body(Full::new(Bytes::from_static(b"whole"))).unwrap();
    let asking = tokio::spawn(running.begin_later(request));
    let mut held = upstream.held.clone();
    held.wait_for(|held| *held == 1).await.unwrap();
    tokio::time::sleep(3 * SHORT).await;
    upstream.release.notify_one();
    let answer = asking.await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.into_body().collect().await.unwrap();
}

/// What the upstream server is told of a client that says all this of itself.
async fn origin(trusted: &[&str]) -> [Option<String>; 5] {
    let trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
    let (upstream, running) = before(GatewayConfig { trusted_proxies, ..GatewayConfig::default() }).await;
    let said = [
        ("host", "a.example"),
        ("x-forwarded-for", "6.6.6.6, 203.0.113.9"),
        ("x-real-ip", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "b.example"),
        ("x-forwarded-port", "443"),
    ];
    assert_eq!(running.get_with("/", &said).await.status, 200);
    let seen = upstream.last();
    let port = running.address.port().to_string();
    let names = ["x-forwarded-for", "x-real-ip", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];
    names.map(|name| seen.header(name).map(|value| value.replace(&port, "the gateway's")))
}

#[tokio::test]
async fn only_a_trusted_proxy_is_believed() {
    let some = |texts: [&str; 5]| texts.map(|text| Some(text.to_owned()));
    let own = some(["127.0.0.1", "127.0.0.1", "http", "a.example", "the gateway's"]);
    assert_eq!(origin(&[]).await, own);
    assert_eq!(origin(&["10.0.0.0/8"]).await, own);
    let theirs = some(["6.6.6.6, 203.0.113.9, 127.0.0.1", "203.0.113.9", "https", "b.example", "443"]);
    assert_eq!(origin(&["127.0.0.0/8"]).await, theirs);
}
