//! Requests that two servers could take apart differently. What passes is framed anew, and one request
//! never becomes two.

use crate::support::{nodes, route, snapshot, start};
use crate::upstream::Upstream;

const SECOND: &str = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

/// What the upstream sees of one raw request: nothing, or one body of so many bytes.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// Answered with this status, and the connection closed.
    Refused(&'static str),
    /// One request passes, framed anew, and the connection is closed after it.
    Passes(usize),
}

async fn check(raw: &str, expected: Fate) {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let answer = running.raw(raw).await;
    let seen = upstream.seen();
    assert!(seen.iter().all(|seen| seen.target == "/first"), "{raw:?} smuggled: {seen:?}");
    assert_eq!(answers(&answer), 1, "{raw:?}: {answer}");
    match expected {
        Fate::Refused(status) => {
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{raw:?}: {answer}");
            // A body may turn out to be malformed when the upstream has already seen the head.
            assert!(seen.is_empty() || raw.contains("chunked"), "{raw:?}: {seen:?}");
        }
        Fate::Passes(length) => {
            assert!(answer.starts_with("HTTP/1.1 200"), "{raw:?}: {answer}");
            assert_eq!(seen.iter().map(|seen| seen.body_length).collect::<Vec<_>>(), [length], "{raw:?}");
            let both =
                seen[0].headers.contains_key("content-length") && seen[0].headers.contains_key("transfer-encoding");
            assert!(!both, "{raw:?}: {:?}", seen[0].headers);
        }
    }
}

/// How many answers there are in what came back.
fn answers(received: &str) -> usize {
    received.split("HTTP/1.1 ").skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).count()
}

#[tokio::test]
async fn one_request_never_becomes_two() {
    let head = "POST /first HTTP/1.1\r\nHost: a\r\n";
    for (headers, body, fate) in [
        // RFC 9112 §6.3: Transfer-Encoding alone counts, and the connection ends.
        ("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Fate::Passes(0)),
        ("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "3\r\nabc\r\n0\r\n\r\n", Fate::Passes(3)),
        ("Content-Length: 3\r\nContent-Length: 4\r\n", "abc", Fate::Refused("400")),
        ("Content-Length: 3, 3\r\n", "abc", Fate::Refused("400")),
        ("Content-Length: +3\r\n", "abc", Fate::Refused("400")),
        ("Content-Length: -3\r\n", "abc", Fate::Refused("400")),
        ("Content-Length: 0x3\r\n", "abc", Fate::Refused("400")),
        ("Content-Length:\r\n", "abc", Fate::Refused("400")),
        ("Content-Length : 3\r\n", "abc", Fate::Refused("400")),
        (" Content-Length: 3\r\n", "abc", Fate::Refused("400")),
        ("X: a\r\n Content-Length: 3\r\n", "abc", Fate::Refused("400")),
        ("X: a\0b\r\n", "", Fate::Refused("400")),
        ("X: a\rb\r\n", "", Fate::Refused("400")),
        ("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding : chunked\r\n", "0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked\r\n", "3\r\nabcX\r\n0\r\n\r\n", Fate::Refused("400")),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\nabc", Fate::Refused("400")),
        ("Host: b\r\n", "", Fate::Refused("400")),
    ] {
        check(&format!("{head}{headers}\r\n{body}{SECOND}"), fate).await;
    }
    for (raw, fate) in [
        ("POST /first HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Fate::Refused("400")),
        ("GET /first HTTP/1.1\r\n\r\n", Fate::Refused("400")),
        ("GET /first HTTP/1.1\r\nHost:\r\n\r\n", Fate::Refused("400")),
        ("GET /first HTTP/1.1\r\nHost: a/b\r\n\r\n", Fate::Refused("400")),
        ("GET /first\r\n\r\n", Fate::Refused("400")),
        ("GET /first HTTP/3.0\r\nHost: a\r\n\r\n", Fate::Refused("400")),
        ("GET  /first HTTP/1.1\r\nHost: a\r\n\r\n", Fate::Refused("400")),
        // What an upgrade is asked for is not yet a tunnel.
        ("GET /first HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: websocket\r\n\r\n", Fate::Passes(0)),
        ("GET /first HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: h2c\r\n\r\n", Fate::Passes(0)),
    ] {
        check(&format!("{raw}{SECOND}"), fate).await;
    }
}

#[tokio::test]
async fn equal_content_lengths_are_one() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let head =
        "POST /first HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc";
    assert!(running.raw(head).await.starts_with("HTTP/1.1 200"));
    let seen = upstream.seen();
    assert_eq!((seen.len(), seen[0].body_length), (1, 3));
    assert_eq!(seen[0].headers.get_all("content-length").iter().count(), 1);
}

#[tokio::test]
async fn connect_and_trace_are_refused() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    for line in ["CONNECT a:80 HTTP/1.1", "TRACE / HTTP/1.1"] {
        let answer = running.raw(&format!("{line}\r\nHost: a:80\r\nConnection: close\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{line}: {answer}");
    }
    assert!(upstream.seen().is_empty());
}
