//! Clients that take their time, and upstream servers that die: nobody else waits for them.

use crate::support::{nodes, route, snapshot, start, start_with};
use crate::upstream::{Upstream, receive, scripted};
use gateway::GatewayConfig;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use postern::routing::Upstream as Kind;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

fn one_worker() -> GatewayConfig {
    GatewayConfig { workers: 1, header_timeout: Duration::from_millis(300), ..GatewayConfig::default() }
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_cut_off_at_its_deadline() {
    let running = start_with(one_worker(), snapshot(Kind::BuiltinEcho, vec![route("all", "/*")]));
    let mut slow = running.connect().await;
    slow.write_all(b"GET /ip HTTP/1.1\r\nHost: a\r\nX: ").await.unwrap();
    let dripping = async {
        // Never silent for long, and never done: ends when the gateway has closed the connection.
        while slow.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), dripping).await.is_ok(), "it may drip for ever");
}

#[tokio::test]
async fn a_client_that_waits_for_its_answer_is_not_taken_for_a_silent_one() {
    let takes_its_time = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbe").await.unwrap();
        tokio::time::sleep(one_worker().header_timeout * 3).await;
        stream.write_all(b"gun").await.unwrap();
    })
    .await;
    let running = start_with(one_worker(), snapshot(nodes(&[(takes_its_time, 1)]), vec![route("all", "/*")]));
    assert_eq!(running.get("/").await.summary(), (200, "begun"));
}

#[tokio::test]
async fn slow_clients_do_not_hold_up_others_of_the_same_worker() {
    let upstream = Upstream::start().await;
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    let running = start_with(config, snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let mut waiting = Vec::new();
    for number in 0..200 {
        let mut stream = running.connect().await;
        let begun = match number % 3 {
            0 => "GET /ip HTTP/1.1\r\nHost:",
            1 => "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
            _ => "",
        };
        stream.write_all(begun.as_bytes()).await.unwrap();
        waiting.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(running.get("/").await.summary(), (200, "from upstream"));
    }
}

#[tokio::test]
async fn an_upstream_that_dies_in_the_middle_breaks_one_answer_and_nothing_else() {
    let dies = scripted(|number, mut stream| async move {
        while !receive(&mut stream).await.is_empty() {
            if number == 0 {
                let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbegun";
                return stream.write_all(begun).await.unwrap();
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole").await.unwrap();
        }
    })
    .await;
    let running = start(snapshot(nodes(&[(dies, 1)]), vec![route("all", "/*")]));
    let response = running.begin(running.request("GET", "/").body(Full::default()).unwrap()).await;
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
    for _ in 0..3 {
        assert_eq!(running.get("/").await.summary(), (200, "whole"));
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_given_up_with_its_upstream_connection() {
    let (torn, mut is_torn) = tokio::sync::mpsc::channel(1);
    let endless = scripted(move |_, mut stream| {
        let torn = torn.clone();
        async move {
            receive(&mut stream).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await.unwrap();
            // Ends when the gateway has given up.
            while stream.write_all(&[b'x'; 64 * 1024]).await.is_ok() {}
            torn.send(()).await.unwrap();
        }
    })
    .await;
    let config = GatewayConfig { body_idle_timeout: Duration::from_millis(300), ..one_worker() };
    let running = start_with(config, snapshot(nodes(&[(endless, 1)]), vec![route("all", "/*")]));
    for version in ["1.1", "1.0"] {
        let mut taking_nothing = running.connect().await;
        taking_nothing.write_all(format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n").as_bytes()).await.unwrap();
        let given_up = tokio::time::timeout(Duration::from_secs(20), is_torn.recv()).await;
        assert!(given_up.is_ok(), "it waits for ever");
    }
}

#[tokio::test]
async fn a_connection_in_http2_without_a_request_is_closed_after_it_was_told() {
    let running = start_with(one_worker(), snapshot(Kind::BuiltinEcho, vec![route("all", "/*")]));
    let stream = TokioIo::new(running.connect().await);
    let (mut sender, connection) = http2::handshake::<_, _, Full<Bytes>>(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = running.request("GET", "/ip").body(Full::default()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
    let ended = tokio::time::timeout(Duration::from_secs(20), connection).await;
    // Without an error: GOAWAY came first, so the client knows what was heard.
    assert!(matches!(ended, Ok(Ok(Ok(())))), "{ended:?}");
}
