//! Requests in HTTP/2 that would be two in HTTP/1.1, or be addressed in two ways: frames written by hand, since no good
//! client sends them.

use crate::support::{Running, locked_route, nodes, route, snapshot, start};
use crate::upstream::Upstream;
use tokio::io::AsyncWriteExt;

const HEADERS: u8 = 1;
const DATA: u8 = 0;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, 1], payload].concat()
}

/// A header as a literal, in HPACK (RFC 7541 §6.2.2).
fn literal((name, value): &(&str, &str)) -> Vec<u8> {
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    [vec![0], text(name), text(value)].concat()
}

/// Sends one request, and waits until the gateway has seen to it: a second connection's request is answered after.
async fn send(running: &Running, headers: &[(&str, &str)], body: Option<&str>) {
    let block: Vec<u8> = headers.iter().flat_map(literal).collect();
    let ends = if body.is_none() { END_STREAM } else { 0 };
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    sent.extend(frame(HEADERS, END_HEADERS | ends, &block));
    sent.extend(body.iter().flat_map(|body| frame(DATA, END_STREAM, body.as_bytes())));
    // GOAWAY of our own: the gateway answers what there is, and closes.
    sent.extend([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let mut stream = running.connect().await;
    stream.write_all(&sent).await.unwrap();
    crate::support::read_to_end(&mut stream).await;
}

/// What the upstream server sees of it: nothing, or this.
async fn check(headers: &[(&str, &str)], body: Option<&str>, expected: Option<(&str, usize)>) {
    let upstream = Upstream::start().await;
    let routes = vec![route("all", "/*"), locked_route("locked", "/locked", "{}")];
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), routes));
    send(&running, headers, body).await;
    let seen = upstream.seen();
    let got: Vec<_> = seen.iter().map(|seen| (seen.header("host").unwrap(), seen.body_length)).collect();
    assert_eq!(got, expected.into_iter().collect::<Vec<_>>(), "{headers:?} {body:?}: {seen:?}");
    for seen in &seen {
        assert!(seen.target == "/first" && !seen.headers.contains_key("x-consumer-username"), "{headers:?}: {seen:?}");
    }
}

#[tokio::test]
async fn one_request_in_http2_never_becomes_two() {
    let [method, scheme, host, path] =
        [(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", "/first")];
    let second = "0\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n";
    let with = |more: &[(&'static str, &'static str)]| [&[method, scheme, host, path], more].concat();
    let without = |of: (&'static str, &'static str), more: &[(&'static str, &'static str)]| {
        let rest = [method, scheme, host, path].into_iter().filter(|header| *header != of);
        more.iter().copied().chain(rest).collect::<Vec<_>>()
    };
    for (headers, body, expected) in [
        (with(&[]), Some("abc"), Some(("a", 3))),
        (with(&[]), Some(second), Some(("a", second.len()))),
        (with(&[("content-length", "3")]), Some("abc"), Some(("a", 3))),
        (with(&[("content-length", "3")]), Some(second), None),
        (with(&[("content-length", "3"), ("content-length", "4")]), Some("abc"), None),
        (with(&[("content-length", "+3")]), Some("abc"), None),
        (with(&[("content-length", "5")]), None, None),
        (with(&[("transfer-encoding", "chunked")]), Some(second), None),
        (with(&[("connection", "x")]), None, None),
        (with(&[("upgrade", "websocket")]), None, None),
        (with(&[("te", "chunked")]), None, None),
        (with(&[("x", "a\r\nx-consumer-username: root")]), None, None),
        (with(&[("x", "a\nb")]), None, None),
        (with(&[("x\r\nx-consumer-username", "root")]), None, None),
        (with(&[("x: a", "b")]), None, None),
        (with(&[("X-Upper", "b")]), None, None),
        (with(&[("x-consumer-username", "root"), ("x_consumer_username", "root")]), None, Some(("a", 0))),
        (with(&[(":path", "/second")]), None, None),
        (with(&[("x", "a"), (":path", "/second")]), None, None),
        (with(&[(":status", "200")]), None, None),
        (with(&[("host", "b"), ("host", "c")]), None, None),
        // What is asked for counts, and is what the upstream server sees.
        (with(&[("host", "b")]), None, Some(("a", 0))),
        (without(host, &[]), None, None),
        (without(host, &[(":authority", "u:p@a")]), None, None),
        (without(host, &[(":authority", "a\r\nx: y")]), None, None),
        (without(path, &[]), None, None),
        (without(path, &[(":path", "")]), None, None),
        (without(path, &[(":path", "first")]), None, None),
        (without(path, &[(":path", "http://b/first")]), None, None),
        (without(path, &[(":path", "/first HTTP/1.1\r\nX: y")]), None, None),
        (without(path, &[(":path", "/x/../locked")]), None, None),
        (without(method, &[(":method", "GET /second HTTP/1.1\r\n")]), None, None),
        (without(method, &[(":method", "CONNECT")]), None, None),
        (with(&[(":protocol", "websocket")]), None, None),
    ] {
        check(&headers, body, expected).await;
    }
}
