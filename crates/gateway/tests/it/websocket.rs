//! Tunnels.

use crate::support::{Running, locked_route, nodes, read_to_end, route, snapshot, start};
use crate::upstream::scripted;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const ASK: &str = "Host: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: k\r\n";
const AGREE: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\n";

/// The head of a message, up to its empty line.
async fn head(stream: &mut BufReader<TcpStream>) -> String {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") && stream.read_line(&mut text).await.unwrap() > 0 {}
    text
}

/// A server that agrees to a tunnel and sends back what it receives.
async fn agreeing() -> SocketAddr {
    scripted(|_, stream| async move {
        let mut stream = BufReader::new(stream);
        let asked = head(&mut stream).await.to_ascii_lowercase();
        assert!(
            asked.contains("\r\nconnection: upgrade\r\n") && asked.contains("\r\nupgrade: websocket\r\n"),
            "{asked}"
        );
        stream.write_all(AGREE.as_bytes()).await.unwrap();
        let (mut from, mut to) = tokio::io::split(stream);
        tokio::io::copy(&mut from, &mut to).await.unwrap();
    })
    .await
}

async fn ask(running: &Running, line: &str, headers: &str) -> (BufReader<TcpStream>, String) {
    let mut stream = BufReader::new(running.connect().await);
    stream.write_all(format!("{line}\r\n{headers}\r\n").as_bytes()).await.unwrap();
    let answer = head(&mut stream).await;
    (stream, answer)
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_until_one_side_ends() {
    let running = start(snapshot(nodes(&[(agreeing().await, 1)]), vec![locked_route("ws", "/ws", "{}")]));
    let (_, refused) = ask(&running, "GET /ws HTTP/1.1", ASK).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    let (mut stream, agreed) = ask(&running, "GET /ws?apikey=alice-key HTTP/1.1", ASK).await;
    assert!(agreed.starts_with("HTTP/1.1 101"), "{agreed}");
    assert!(agreed.to_ascii_lowercase().contains("sec-websocket-accept: a\r\n"), "{agreed}");
    for message in [&b"one"[..], b"two", &[0, 255, 0]] {
        stream.write_all(message).await.unwrap();
        let mut back = vec![0; message.len()];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(back, message);
    }
    stream.shutdown().await.unwrap();
    assert_eq!(read_to_end(stream.get_mut()).await, "");
}

#[tokio::test]
async fn without_the_upstreams_101_there_is_no_tunnel() {
    let upstream = crate::upstream::Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let (mut stream, answer) = ask(&running, "GET /first HTTP/1.1", ASK).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut body = vec![0; "from upstream".len()];
    stream.read_exact(&mut body).await.unwrap();
    // What follows is a request like any other, with its own route.
    stream.write_all(b"GET /second%2f HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 400"));
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_101_nobody_asked_for_is_an_upstream_failure() {
    let address = scripted(|_, stream| async move {
        let mut stream = BufReader::new(stream);
        head(&mut stream).await;
        stream.write_all(AGREE.as_bytes()).await.unwrap();
        read_to_end(stream.get_mut()).await;
    })
    .await;
    let running = start(snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]));
    for headers in ["Host: a\r\n", "Host: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n"] {
        let (_, answer) = ask(&running, "GET /ws HTTP/1.1", headers).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    }
}
