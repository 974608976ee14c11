//! What passes between client and upstream, and what happens when the upstream fails.

use crate::support::{closed_address, locked_route, nodes, read_to_end, route, snapshot, start, start_with};
use crate::upstream::{Upstream, drain, receive, scripted};
use gateway::GatewayConfig;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use postern::routing::{Nodes, Upstream as Kind};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

const UNREACHABLE: (u16, &str) = (502, r#"{"error_msg":"The upstream server could not be reached."}"#);
const BROKEN: (u16, &str) = (502, r#"{"error_msg":"The upstream server broke off before it answered."}"#);
const SLOW: (u16, &str) = (504, r#"{"error_msg":"The upstream server did not answer in time."}"#);

/// Answers one request after another on a connection, until `count` are answered; then closes it.
async fn answer_and_close(mut stream: TcpStream, count: usize) {
    for _ in 0..count {
        if receive(&mut stream).await.is_empty() {
            return;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    }
}

#[tokio::test]
async fn the_request_arrives_with_its_origin_and_without_what_was_for_the_gateway() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let headers = [
        ("host", "Example.com:8080"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("x_real_ip", "203.0.113.9"),
        ("forwarded", "for=203.0.113.9"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("proxy-authorization", "Basic x"),
        ("te", "trailers"),
        ("authorization", "Bearer mine"),
    ];
    let answer = running.get_with("/a/../b//c?x=%20&y", &headers).await;
    assert_eq!(answer.summary(), (200, "from upstream"));
    assert_eq!(answer.header("x-hop"), None);
    assert!(answer.header("x-upstream").is_some());
    let seen = upstream.last();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/b//c?x=%20&y"));
    let port = running.address.port().to_string();
    for (name, value) in [
        ("host", Some("Example.com:8080")),
        ("authorization", Some("Bearer mine")),
        ("x-real-ip", Some("127.0.0.1")),
        ("x-forwarded-for", Some("127.0.0.1")),
        ("x-forwarded-proto", Some("http")),
        ("x-forwarded-host", Some("Example.com:8080")),
        ("x-forwarded-port", Some(port.as_str())),
        ("x_real_ip", None),
        ("forwarded", None),
        ("connection", None),
        ("x-private", None),
        ("proxy-authorization", None),
        ("te", None),
        ("content-length", None),
        ("transfer-encoding", None),
    ] {
        assert_eq!(seen.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn an_absolute_target_counts_more_than_the_host_header() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let raw = "GET http://inner.example/x?y HTTP/1.1\r\nHost: outer.example\r\nConnection: close\r\n\r\n";
    assert!(running.raw(raw).await.starts_with("HTTP/1.1 200"));
    let seen = upstream.last();
    assert_eq!((seen.target.as_str(), seen.header("host")), ("/x?y", Some("inner.example")));
}

#[tokio::test]
async fn a_request_of_http10_without_host_gets_the_nodes() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    assert!(running.raw("GET /x HTTP/1.0\r\n\r\n").await.contains("200 OK"));
    assert_eq!(upstream.last().header("host"), Some(upstream.address.to_string().as_str()));
}

#[tokio::test]
async fn bodies_arrive_whatever_the_method_and_framing() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let client = Client::builder(TokioExecutor::new()).build_http();
    for method in ["GET", "POST", "DELETE", "PATCH"] {
        let body = Full::new(Bytes::from_static(b"known"));
        assert_eq!(running.send(running.request(method, "/known").body(body).unwrap()).await.status, 200);
        assert_eq!((upstream.last().method.as_str(), upstream.last().body_length), (method, 5));
        let chunks = ["un", "known"].map(|text| Ok::<_, Infallible>(Frame::data(Bytes::from(text))));
        let request = running.request(method, "/unknown").header("transfer-encoding", "chunked");
        let request = request.body(StreamBody::new(futures_util::stream::iter(chunks))).unwrap();
        assert_eq!(client.request(request).await.unwrap().status(), 200);
        assert_eq!((upstream.last().method.as_str(), upstream.last().body_length), (method, 7));
    }
    let request = running.request("POST", "/empty").header("content-length", "0").body(Full::default()).unwrap();
    assert_eq!(running.send(request).await.status, 200);
    assert_eq!((upstream.last().header("content-length"), upstream.last().body_length), (Some("0"), 0));
}

#[tokio::test]
async fn large_bodies_stream_both_ways() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let mebibytes = 64;
    let response = running.begin(running.request("GET", "/stream/64").body(Full::default()).unwrap()).await;
    assert_eq!(drain(response.into_body()).await.0, mebibytes << 20);
    let chunk = Bytes::from(vec![b'y'; 64 * 1024]);
    let chunks = std::iter::repeat_n(chunk, mebibytes * 16).map(|chunk| Ok::<_, Infallible>(Frame::data(chunk)));
    let body = StreamBody::new(futures_util::stream::iter(chunks));
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(running.request("POST", "/upload").body(body).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(upstream.last().body_length, mebibytes << 20);
}

#[tokio::test]
async fn connections_to_the_upstream_are_kept() {
    let upstream = Upstream::start().await;
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    let running = start_with(config, snapshot(nodes(&[(upstream.address, 1)]), vec![route("all", "/*")]));
    let kinds = [("GET /a", ""), ("HEAD /b", ""), ("GET /stream/1", ""), ("POST /c", "body"), ("GET /stream/1", "")];
    for (target, body) in kinds.into_iter().cycle().take(50) {
        // Each on a connection of its own.
        let length = body.len();
        let head = format!("{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        assert!(running.raw(&format!("{head}{body}")).await.starts_with("HTTP/1.1 200"), "{target}");
    }
    assert_eq!((upstream.seen().len(), upstream.connections()), (50, 1));
}

#[tokio::test]
async fn a_connection_that_nobody_uses_is_closed() {
    let (closing, mut closed) = watch::channel(false);
    let server = scripted(move |_, stream| {
        let closing = closing.clone();
        async move {
            answer_and_close(stream, usize::MAX).await;
            closing.send_replace(true);
        }
    });
    let short = Duration::from_millis(50);
    let config = GatewayConfig { workers: 1, upstream_idle_timeout: short, ..GatewayConfig::default() };
    let running = start_with(config, snapshot(nodes(&[(server.await, 1)]), vec![route("all", "/*")]));
    assert_eq!(running.get("/").await.summary(), (200, "ok"));
    closed.wait_for(|closed| *closed).await.unwrap();
    assert_eq!(running.get("/").await.summary(), (200, "ok"), "a new one is opened");
}

/// However often it happens: each connection is closed under the request that takes it.
#[tokio::test]
async fn a_server_that_closes_kept_connections_fails_no_request() {
    let once = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        drop(receive(&mut stream).await);
    })
    .await;
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    let running = start_with(config, snapshot(nodes(&[(once, 1)]), vec![route("all", "/*")]));
    for _ in 0..20 {
        assert_eq!(running.get("/").await.summary(), (200, "ok"));
    }
}

#[tokio::test]
async fn servers_get_their_share() {
    let (one, two, none) = (Upstream::start().await, Upstream::start().await, Upstream::start().await);
    let nodes = nodes(&[(one.address, 300), (two.address, 100), (none.address, 0)]);
    let running = start(snapshot(nodes, vec![route("all", "/*")]));
    for _ in 0..40 {
        assert_eq!(running.get("/").await.status, 200);
    }
    assert_eq!((one.seen().len(), two.seen().len(), none.seen().len()), (30, 10, 0));
}

#[tokio::test]
async fn failures_of_the_upstream_are_told_without_internals() {
    let closes = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
    })
    .await;
    let babbles = scripted(|_, stream| async move {
        let mut stream = stream;
        stream.write_all(b"this is no HTTP\r\n\r\n").await.unwrap();
        read_to_end(&mut stream).await;
    })
    .await;
    let silent = scripted(|_, mut stream| async move { drop(read_to_end(&mut stream).await) }).await;
    let config = GatewayConfig { workers: 1, response_timeout: Duration::from_millis(100), ..GatewayConfig::default() };
    for (address, expected) in [(closed_address(), UNREACHABLE), (closes, BROKEN), (babbles, BROKEN), (silent, SLOW)] {
        let running = start_with(config.clone(), snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]));
        for method in ["GET", "POST"] {
            let body = Full::new(Bytes::from_static(if method == "POST" { b"x" } else { b"" }));
            let answer = running.send(running.request(method, "/").body(body).unwrap()).await;
            assert_eq!(answer.summary(), expected, "{method} {address}");
        }
        assert_eq!(running.gateway.stats().upstream_failed, 2);
    }
}

#[tokio::test]
async fn a_name_without_address_is_unreachable() {
    let node = postern::routing::Node { host: "no-such-host.invalid".to_owned(), port: 80, weight: 1 };
    let running =
        start(snapshot(Kind::Nodes(Nodes { nodes: vec![node], ..Nodes::default() }), vec![route("all", "/*")]));
    assert_eq!(running.get("/").await.summary(), UNREACHABLE);
}

#[tokio::test]
async fn the_gateway_never_connects_to_itself_or_to_the_dashboard() {
    let dashboard = Upstream::start().await;
    let forbidden = vec![dashboard.address];
    let config = GatewayConfig { workers: 1, forbidden_upstreams: forbidden, ..GatewayConfig::default() };
    let any = format!("0.0.0.0:{}", dashboard.address.port()).parse().unwrap();
    let mapped = format!("[::ffff:127.0.0.1]:{}", dashboard.address.port()).parse().unwrap();
    let running = start_with(config, snapshot(nodes(&[(dashboard.address, 1)]), vec![route("all", "/*")]));
    for (revision, address) in [(2, dashboard.address), (3, any), (4, mapped), (5, running.address)] {
        let next = snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]);
        running.publish(postern::snapshot::Snapshot { revision, ..next }).await;
        assert_eq!(running.get("/").await.summary(), UNREACHABLE, "{address}");
    }
    assert_eq!(dashboard.connections(), 0);
}

#[tokio::test]
async fn a_request_without_a_body_goes_to_the_next_server_when_one_is_down() {
    let upstream = Upstream::start().await;
    let nodes = nodes(&[(closed_address(), 1), (upstream.address, 1)]);
    let running = start(snapshot(nodes, vec![route("all", "/*")]));
    for _ in 0..4 {
        assert_eq!(running.get("/").await.status, 200);
    }
    assert_eq!(upstream.seen().len(), 4);
}

#[tokio::test]
async fn only_idempotent_requests_are_sent_again_when_a_kept_connection_was_closed() {
    for (method, expected) in [("GET", 200), ("POST", 502)] {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        // Every connection answers once, reads the next request, and closes.
        let address = scripted(move |_, mut stream| {
            let counted = Arc::clone(&counted);
            async move {
                while !receive(&mut stream).await.is_empty() {
                    if counted.fetch_add(1, Ordering::SeqCst) == 1 {
                        return;
                    }
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                }
            }
        })
        .await;
        let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
        let running = start_with(config, snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]));
        let send = || running.send(running.request(method, "/").body(Full::default()).unwrap());
        assert_eq!(send().await.status, 200);
        assert_eq!(send().await.status, expected, "{method}");
        assert_eq!(requests.load(Ordering::SeqCst), if expected == 200 { 3 } else { 2 }, "{method}");
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_is_no_failure() {
    let address = scripted(|_, stream| answer_and_close(stream, 1)).await;
    let running = start(snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]));
    for _ in 0..20 {
        assert_eq!(running.get("/").await.summary(), (200, "ok"));
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_taken_for_a_whole_one() {
    for head in ["Content-Length: 100\r\n\r\npart", "Transfer-Encoding: chunked\r\n\r\n4\r\npart\r\n"] {
        let address = scripted(move |_, mut stream| async move {
            receive(&mut stream).await;
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await.unwrap();
        })
        .await;
        let running = start(snapshot(nodes(&[(address, 1)]), vec![route("all", "/*")]));
        let response = running.begin(running.request("GET", "/").body(Full::default()).unwrap()).await;
        assert_eq!(response.status(), 200);
        assert!(response.into_body().collect().await.is_err(), "{head}");
    }
}

#[tokio::test]
async fn routes_of_hosts_are_apart() {
    let (one, two) = (Upstream::start().await, Upstream::start().await);
    let mut both = snapshot(nodes(&[(one.address, 1)]), Vec::new());
    let mut second = both.services[&crate::support::id("s")].clone();
    second.id = crate::support::id("second");
    second.upstream = nodes(&[(two.address, 1)]);
    Arc::make_mut(&mut both.services).insert(second.id.clone(), second);
    let of = |name: &str, host: &str, service: &str| postern::routing::Route {
        hosts: vec![host.parse().unwrap()],
        service: crate::support::id(service),
        ..route(name, "/*")
    };
    both.routes = vec![of("one", "one.example", "s"), of("two", "*.two.example", "second")].into();
    let running = start(both);
    let mut answers = BTreeMap::new();
    for host in ["one.example", "ONE.example.:80", "a.two.example", "two.example", "three.example"] {
        answers.insert(host, running.get_with("/", &[("host", host)]).await.status.as_u16());
    }
    let expected = [
        ("one.example", 200),
        ("ONE.example.:80", 200),
        ("a.two.example", 200),
        ("two.example", 404),
        ("three.example", 404),
    ];
    assert_eq!(answers, BTreeMap::from(expected));
    assert_eq!((one.seen().len(), two.seen().len()), (2, 1));
}

#[tokio::test]
async fn a_head_request_is_answered_by_a_head_alone() {
    let upstream = Upstream::start().await;
    let routes = vec![route("all", "/*"), locked_route("locked", "/locked", "{}")];
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), routes));
    for (target, start, length) in [("/", "HTTP/1.1 200", "13"), ("/locked", "HTTP/1.1 401", "40")] {
        let raw = format!("HEAD {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = running.raw(&raw).await;
        assert!(answer.starts_with(start) && answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(answer.contains(&format!("content-length: {length}\r\n")), "{answer}");
    }
}

#[tokio::test]
async fn only_a_request_that_passes_is_asked_for_its_body() {
    let upstream = Upstream::start().await;
    let routes = vec![route("all", "/*"), locked_route("locked", "/locked", "{}")];
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), routes));
    for (target, answer) in [("/", "HTTP/1.1 100 Continue\r\n\r\n"), ("/locked", "HTTP/1.1 401 Unauthorized\r\n")] {
        let mut stream = running.connect().await;
        let head = format!("POST {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let received = String::from_utf8(receive(&mut stream).await).unwrap();
        assert!(received.starts_with(answer), "{received}");
        if target == "/" {
            stream.write_all(b"body").await.unwrap();
            assert!(receive(&mut stream).await.starts_with(b"HTTP/1.1 200 OK"));
        }
    }
    assert_eq!(upstream.seen().len(), 1);
    assert_eq!((upstream.last().body_length, upstream.last().header("expect")), (4, None));
}

/// Each hop says what it speaks itself (RFC 9110 §2.5): an HTTP/1.1 client can tell a whole answer from a torn one, and
/// keeps its connection.
#[tokio::test]
async fn an_answer_of_http10_is_one_of_http11_for_the_client() {
    let old = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nold").await.unwrap();
    })
    .await;
    let running = start(snapshot(nodes(&[(old, 1)]), vec![route("all", "/*")]));
    let next = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let last = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answers = running.raw(&format!("{next}{last}")).await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 2, "{answers}");
    assert_eq!(answers.matches("3\r\nold\r\n0\r\n\r\n").count(), 2, "{answers}");
    let of_old = running.raw("GET / HTTP/1.0\r\n\r\n").await;
    assert!(of_old.starts_with("HTTP/1.0 200 OK\r\n") && of_old.ends_with("\r\n\r\nold"), "{of_old}");
}

/// What was encoded for this hop is taken off here. An encoding that cannot be would reach the client as if it were none.
#[tokio::test]
async fn an_answer_in_an_unknown_transfer_encoding_is_none() {
    for (encoding, status) in [("chunked", 200), ("CHUNKED", 200), ("gzip, chunked", 502), ("gzip", 502)] {
        let encodes = scripted(move |_, mut stream| async move {
            receive(&mut stream).await;
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: {encoding}\r\n\r\n");
            stream.write_all(format!("{head}3\r\nabc\r\n0\r\n\r\n").as_bytes()).await.unwrap();
        })
        .await;
        let running = start(snapshot(nodes(&[(encodes, 1)]), vec![route("all", "/*")]));
        assert_eq!(running.get("/").await.status, status, "{encoding}");
    }
}
