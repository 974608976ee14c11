//! response-rewrite over real sockets: what the client gets, whoever answered.

use crate::support::{Answer, closed_address, guarded_route, nodes, snapshot, start};
use crate::upstream::scripted;
use http_body_util::Full;
use postern::plugin::PluginName::{self, KeyAuth, ProxyRewrite, ResponseRewrite};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt;

/// An upstream server that answers every request with this text, and ends the connection.
async fn answering(text: &'static str) -> SocketAddr {
    scripted(move |_, mut stream| async move {
        crate::upstream::receive(&mut stream).await;
        stream.write_all(text.as_bytes()).await.unwrap();
    })
    .await
}

const PLAIN: &str = "HTTP/1.1 200 OK\r\nContent-Length: 12\r\nContent-Type: text/plain\r\nETag: \"1\"\r\nX-Old: old\r\nServer: secret/1.0\r\nConnection: close\r\n\r\nhello, hello";

async fn through(
    plugins: &[(PluginName, &str)],
    upstream: SocketAddr,
    request: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let route = guarded_route("r", "/*", plugins);
    let gateway = start(snapshot(nodes(&[(upstream, 1)]), vec![route]));
    let (method, target) = request.split_once(' ').unwrap();
    let mut sent = gateway.request(method, target);
    for (name, value) in headers {
        sent = sent.header(*name, *value);
    }
    gateway.send(sent.body(Full::default()).unwrap()).await
}

async fn rewritten(json: &str, request: &str) -> Answer {
    through(&[(ResponseRewrite, json)], answering(PLAIN).await, request, &[]).await
}

#[tokio::test]
async fn an_answer_that_cannot_be_changed_as_configured_is_not_given() {
    let compressed = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\nabc";
    let torn = "HTTP/1.1 200 OK\r\nContent-Length: 300\r\nConnection: close\r\n\r\nabc";
    let filters = r#"{"filters": [{"regex": "a", "replace": "b"}]}"#;
    let unresolved = r#"{"headers": {"set": {"X-Token": "$secret://vault/my-vault/a/token"}}}"#;
    for (json, upstream, request, status) in [
        (filters, compressed, "GET /a", 502),
        (filters, torn, "GET /a", 502),
        (unresolved, PLAIN, "GET /a", 503),
        (r#"{"headers": {"X-A": "$arg_a"}}"#, PLAIN, "GET /a?a=b%0D%0Ac", 400),
    ] {
        let answer = through(&[(ResponseRewrite, json)], answering(upstream).await, request, &[]).await;
        assert_eq!(answer.status, status, "{json}: {}", answer.text());
        assert!(!answer.text().contains("$secret") && !answer.text().contains("abc"), "{json}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_body_longer_than_filters_look_at_is_not_given() {
    let upstream = crate::upstream::Upstream::start().await;
    let json = r#"{"filters": [{"regex": "x", "replace": "y"}]}"#;
    let plugins = [(ResponseRewrite, json)];
    for (target, status) in [("/stream/1", 200), ("/stream/9", 502)] {
        let answer = through(&plugins, upstream.address, &format!("GET {target}"), &[]).await;
        assert_eq!(answer.status, status, "{target}");
    }
}

#[tokio::test]
async fn the_client_gets_another_status_or_body() {
    for (json, request, status, body) in [
        (r#"{}"#, "GET /a", 200, "hello, hello"),
        (r#"{"status_code": 201}"#, "GET /a", 201, "hello, hello"),
        (r#"{"body": "bye"}"#, "GET /a", 200, "bye"),
        (r#"{"body": ""}"#, "GET /a", 200, ""),
        (r#"{"body": "Ynll", "body_base64": true}"#, "GET /a", 200, "bye"),
        (r#"{"body": "bye"}"#, "HEAD /a", 200, ""),
        (r#"{"status_code": 204}"#, "GET /a", 204, ""),
        (r#"{"status_code": 304}"#, "GET /a", 304, ""),
        (r#"{"status_code": 403, "body": "no", "vars": [["status", "==", 200]]}"#, "GET /a", 403, "no"),
        (r#"{"status_code": 403, "body": "no", "vars": [["status", "==", 404]]}"#, "GET /a", 200, "hello, hello"),
        (r#"{"body": "no", "vars": [["arg_debug", "==", "on"]]}"#, "GET /a?debug=on", 200, "no"),
        (r#"{"body": "no", "vars": [["arg_debug", "==", "on"]]}"#, "GET /a", 200, "hello, hello"),
        (r#"{"body": "no", "vars": [["sent_http_x_old", "~~", "^o"]]}"#, "GET /a", 200, "no"),
        (r#"{"body": "no", "vars": [["remote_addr", "ipmatch", ["10.0.0.0/8"]]]}"#, "GET /a", 200, "hello, hello"),
        (r#"{"filters": [{"regex": "hello", "replace": "bye"}]}"#, "GET /a", 200, "bye, hello"),
        (r#"{"filters": [{"regex": "hello", "replace": "bye", "scope": "global"}]}"#, "GET /a", 200, "bye, bye"),
        (r#"{"filters": [{"regex": "HELLO", "replace": "bye", "options": "i"}]}"#, "GET /a", 200, "bye, hello"),
        (
            r#"{"filters": [{"regex": "(h)(ello)", "replace": "$2$1"}, {"regex": "elloh", "replace": "!"}]}"#,
            "GET /a",
            200,
            "!, hello",
        ),
        (r#"{"filters": [{"regex": "nothing", "replace": "bye"}]}"#, "GET /a", 200, "hello, hello"),
        (
            r#"{"filters": [{"regex": "hello", "replace": "bye"}], "vars": [["status", "==", 500]]}"#,
            "GET /a",
            200,
            "hello, hello",
        ),
        (r#"{"filters": [{"regex": "hello", "replace": "bye"}]}"#, "HEAD /a", 200, ""),
    ] {
        let answer = rewritten(json, request).await;
        assert_eq!(answer.summary(), (status, body), "{json} {request}");
        if request.starts_with("GET") && ![204, 304].contains(&status) {
            assert_eq!(answer.header("content-length"), Some(body.len().to_string().as_str()), "{json} {request}");
        }
    }
}

#[tokio::test]
async fn what_described_the_old_body_is_gone_with_it() {
    for (json, etag, kind) in [
        (r#"{"body": "bye"}"#, None, Some("text/plain")),
        (r#"{"filters": [{"regex": "a", "replace": "b"}]}"#, None, Some("text/plain")),
        (r#"{"status_code": 201}"#, Some("\"1\""), Some("text/plain")),
        (r#"{"body": "{}", "headers": {"Content-Type": "application/json"}}"#, None, Some("application/json")),
    ] {
        let answer = rewritten(json, "GET /a").await;
        assert_eq!((answer.header("etag"), answer.header("content-type")), (etag, kind), "{json}");
    }
}

#[tokio::test]
async fn the_client_gets_other_headers() {
    for (json, header, expected) in [
        (r#"{"headers": {"X-New": "new"}}"#, "x-new", &["new"][..]),
        (r#"{"headers": {"X-New": 7}}"#, "x-new", &["7"]),
        (r#"{"headers": {"X-Old": "new"}}"#, "x-old", &["new"]),
        (r#"{"headers": {"X-Old": ""}}"#, "x-old", &[]),
        (r#"{"headers": {"remove": ["Server"]}}"#, "server", &[]),
        (r#"{"headers": {"add": ["X-Old: a", "X-Old: b:c"]}}"#, "x-old", &["old", "a", "b:c"]),
        (
            r#"{"headers": {"add": ["Set-Cookie: a=b; Max-Age=5"], "set": {"X-Old": "x"}}}"#,
            "set-cookie",
            &["a=b; Max-Age=5"],
        ),
        (
            r#"{"headers": {"set": {"X-Was": "$status $sent_http_x_old $remote_addr"}}, "status_code": 500}"#,
            "x-was",
            &["200 old 127.0.0.1"],
        ),
        (r#"{"headers": {"set": {"X-Server": "$balancer_ip"}}}"#, "x-server", &["127.0.0.1"]),
        (r#"{"headers": {"set": {"X-Asked": "$request_method $uri $arg_q"}}}"#, "x-asked", &["GET /a 1"]),
        (r#"{"headers": {"set": {"X-None": "$arg_none"}}}"#, "x-none", &[]),
        (r#"{"headers": {"X-New": "new"}, "vars": [["status", ">=", 500]]}"#, "x-new", &[]),
    ] {
        let answer = rewritten(json, "GET /a?q=1").await;
        assert_eq!(answer.headers.get_all(header).iter().collect::<Vec<_>>(), expected, "{json}");
    }
}

#[tokio::test]
async fn the_gateways_own_answers_are_changed_like_others() {
    let json = r#"{"headers": {"X-Who": "-$consumer_name-"}, "status_code": 418, "vars": [["status", ">=", 400]]}"#;
    let plugins = [(KeyAuth, "{}"), (ResponseRewrite, json)];
    let answer = through(&plugins, answering(PLAIN).await, "GET /a", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-who")), (418, Some("--")));
    let answer = through(&plugins, closed_address(), "GET /a", &[("apikey", "alice-key")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-who")), (418, Some("-alice-")));
    let answer = through(&plugins, answering(PLAIN).await, "GET /a", &[("apikey", "alice-key")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("x-who")), (200, None));
}

#[tokio::test]
async fn filters_ask_the_upstream_server_for_a_body_that_is_not_compressed() {
    let upstream = crate::upstream::Upstream::start().await;
    let json = r#"{"filters": [{"regex": "from", "replace": "to"}]}"#;
    let plugins = [(ProxyRewrite, r#"{"uri": "/b"}"#), (ResponseRewrite, json)];
    let answer = through(&plugins, upstream.address, "GET /a", &[("accept-encoding", "gzip")]).await;
    assert_eq!((answer.text(), upstream.last().header("accept-encoding")), ("to upstream", None));
}
