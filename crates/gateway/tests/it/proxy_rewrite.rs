//! proxy-rewrite over real sockets: what the upstream server sees, and what refuses a request.

use crate::support::{Answer, guarded_route, nodes, snapshot, start};
use crate::upstream::{Seen, Upstream};
use http_body_util::Full;
use postern::plugin::PluginName::{self, KeyAuth, ProxyRewrite};

/// Sends `request` (`GET /a`) through a route of every path with these plugins.
async fn through(plugins: &[(PluginName, &str)], request: &str, headers: &[(&str, &str)]) -> (Answer, Option<Seen>) {
    let upstream = Upstream::start().await;
    let route = guarded_route("r", "/*", plugins);
    let gateway = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route]));
    let (method, target) = request.split_once(' ').unwrap();
    let mut sent = gateway.request(method, target);
    for (name, value) in headers {
        sent = sent.header(*name, *value);
    }
    let answer = gateway.send(sent.body(Full::default()).unwrap()).await;
    (answer, upstream.seen().pop())
}

async fn rewritten(json: &str, request: &str, headers: &[(&str, &str)]) -> (Answer, Option<Seen>) {
    through(&[(ProxyRewrite, json)], request, headers).await
}

#[tokio::test]
async fn a_request_that_cannot_be_rewritten_as_configured_never_reaches_the_upstream_server() {
    let unresolved = r#"{"headers": {"set": {"X-Token": "$secret://vault/my-vault/a/token"}}}"#;
    let missing = r#"{"headers": {"add": {"X-Token": ["a", "$env://MISSING"]}}}"#;
    for (json, request, status) in [
        (unresolved, "GET /a", 503),
        (missing, "GET /a", 503),
        (r#"{"uri": "/files/$arg_name"}"#, "GET /a?name=..", 400),
        (r#"{"uri": "/files/$arg_name"}"#, "GET /a?name=x%2F..%2F..%2Fetc", 400),
        (r#"{"uri": "/files/$arg_name"}"#, "GET /a?name=..%5Cetc", 400),
        (r#"{"uri": "/files/$arg_name"}"#, "GET /a?name=a%0D%0Ab", 400),
        (r#"{"headers": {"X-Name": "$arg_name"}}"#, "GET /a?name=a%0D%0AX-Admin%3A%201", 400),
        (r#"{"regex_uri": ["^/a/(.*)", "$1"]}"#, "GET /a/b", 503),
    ] {
        let (answer, seen) = rewritten(json, request, &[]).await;
        assert_eq!(answer.status, status, "{json} {request}: {}", answer.text());
        assert!(seen.is_none(), "{json} {request}: {seen:?}");
        assert!(!answer.text().contains("$secret") && !answer.text().contains("MISSING"), "{}", answer.text());
    }
    let (answer, _) = rewritten(unresolved, "GET /a", &[]).await;
    assert_eq!(answer.json()["incident"], "0badcafe");
}

#[tokio::test]
async fn the_upstream_server_sees_another_target() {
    for (json, request, expected) in [
        (r#"{"uri": "/b"}"#, "GET /a", "GET /b"),
        (r#"{"uri": "/b"}"#, "GET /a?x=1", "GET /b?x=1"),
        (r#"{"uri": "/b?y=2"}"#, "GET /a?x=1", "GET /b?y=2&x=1"),
        (r#"{"uri": "/b?y=2"}"#, "GET /a", "GET /b?y=2"),
        (r#"{"uri": "/b c"}"#, "GET /a", "GET /b%20c"),
        (r#"{"uri": "/v2$uri"}"#, "GET /a/./b/../c", "GET /v2/a/c"),
        (r#"{"uri": "/u/$arg_id"}"#, "GET /a?id=7%3Fadmin", "GET /u/7%3Fadmin?id=7%3Fadmin"),
        (r#"{"uri": "/find?q=$arg_q"}"#, "GET /a?q=x%26admin=1", "GET /find?q=x%26admin%3D1&q=x%26admin=1"),
        (r#"{"uri": "/b?was=$request_uri"}"#, "GET /a?x=1", "GET /b?was=/a%3Fx%3D1&x=1"),
        (r#"{"uri": "/$scheme/$host"}"#, "GET /a", "GET /http/127.0.0.1"),
        (r#"{"regex_uri": ["^/api/(.*)", "/$1"]}"#, "GET /api/users/7?x=1", "GET /users/7?x=1"),
        (r#"{"regex_uri": ["^/api/(.*)", "/$1"]}"#, "GET /other", "GET /other"),
        (r#"{"regex_uri": ["^/i/(.*)/(.*)/(.*)", "/$1-$2-$3"]}"#, "GET /i/a/b/c", "GET /a-b-c"),
        (r#"{"regex_uri": ["^/x", "/1", "^/a", "/2", "^/", "/3"]}"#, "GET /a/b", "GET /2/b"),
        (r#"{"regex_uri": ["^/a/(.*)", "/$1?from=$arg_x"]}"#, "GET /a/b?x=1", "GET /b?from=1&x=1"),
        (r#"{"regex_uri": ["^/a/(.*)", "/$1"]}"#, "GET /a/b%20c%3Fd", "GET /b%20c%3Fd"),
        (r#"{"uri": "/b", "regex_uri": ["^/a", "/c"]}"#, "GET /a", "GET /b"),
        (r#"{"method": "POST"}"#, "GET /a", "POST /a"),
        (r#"{"method": "PROPFIND", "uri": "/b"}"#, "GET /a", "PROPFIND /b"),
    ] {
        let (answer, seen) = rewritten(json, request, &[]).await;
        assert_eq!(answer.status, 200, "{json} {request}: {}", answer.text());
        let seen = seen.unwrap();
        assert_eq!(format!("{} {}", seen.method, seen.target), expected, "{json} {request}");
    }
}

#[tokio::test]
async fn an_answer_keeps_the_form_of_the_clients_request_whatever_went_upstream() {
    let (answer, seen) = rewritten(r#"{"method": "HEAD"}"#, "GET /a", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text(), seen.unwrap().method.as_str()), (200, "", "HEAD"));
    let (answer, seen) = rewritten(r#"{"method": "GET"}"#, "HEAD /a", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.text(), seen.unwrap().method.as_str()), (200, "", "GET"));
}

#[tokio::test]
async fn the_upstream_server_sees_other_headers() {
    for (json, header, expected) in [
        (r#"{"headers": {"X-Api-Version": "v1"}}"#, "x-api-version", &["v1"][..]),
        (r#"{"headers": {"X-Api-Version": 7}}"#, "x-api-version", &["7"]),
        (r#"{"headers": {"X-Old": "new"}}"#, "x-old", &["new"]),
        (r#"{"headers": {"X-Old": ""}}"#, "x-old", &[]),
        (r#"{"headers": {"set": {"X-Old": ["a", "b"]}}}"#, "x-old", &["a", "b"]),
        (r#"{"headers": {"add": {"X-Old": "new"}}}"#, "x-old", &["old", "new"]),
        (r#"{"headers": {"add": {"X-Old": "a"}, "set": {"X-Old": "b"}}}"#, "x-old", &["b"]),
        (r#"{"headers": {"add": {"X-Old": "a"}, "remove": ["X-Old"]}}"#, "x-old", &[]),
        (r#"{"headers": {"remove": ["x-old"]}}"#, "x-old", &[]),
        (r#"{"headers": {"X-Client": "$remote_addr $http_x_old"}}"#, "x-client", &["127.0.0.1 old"]),
        (r#"{"headers": {"X-None": "$arg_none"}}"#, "x-none", &[]),
        (r#"{"headers": {"X-Route": "$route_id/$service_id/$request_method"}}"#, "x-route", &["r/s/GET"]),
        (r#"{"regex_uri": ["^/(\\w)(.*)", "/b$2"], "headers": {"X-First": "$1:$0"}}"#, "x-first", &["a:/a"]),
        (r#"{"headers": {"X-Price": "5$ or \\$uri"}}"#, "x-price", &["5$ or \\$uri"]),
        (r#"{"host": "api.example:8443"}"#, "host", &["api.example:8443"]),
        (r#"{"headers": {"X-Forwarded-Proto": "https"}}"#, "x-forwarded-proto", &["https"]),
        (r#"{"headers": {"X-Real-IP": "192.0.2.7"}}"#, "x-real-ip", &["192.0.2.7"]),
        (r#"{"uri": "/b"}"#, "x-forwarded-proto", &["http"]),
    ] {
        let (answer, seen) = rewritten(json, "GET /a", &[("x-old", "old")]).await;
        assert_eq!(answer.status, 200, "{json}: {}", answer.text());
        let seen = seen.unwrap();
        assert_eq!(seen.headers.get_all(header).iter().collect::<Vec<_>>(), expected, "{json}");
    }
}

#[tokio::test]
async fn a_client_cannot_say_where_it_comes_from_although_the_configuration_may() {
    let claimed = [("x-forwarded-proto", "https"), ("x-real-ip", "192.0.2.7"), ("x-forwarded-host", "evil.example")];
    let (_, seen) = rewritten(r#"{"uri": "/b"}"#, "GET /a", &claimed).await;
    let seen = seen.unwrap();
    assert_eq!((seen.header("x-forwarded-proto"), seen.header("x-real-ip")), (Some("http"), Some("127.0.0.1")));
}

#[tokio::test]
async fn it_runs_after_authentication_and_knows_who_asks() {
    let json = r#"{"headers": {"X-Who": "$consumer_name"}}"#;
    let plugins = [(KeyAuth, "{}"), (ProxyRewrite, json)];
    let (refused, seen) = through(&plugins, "GET /a", &[]).await;
    assert_eq!((refused.status.as_u16(), seen.is_none()), (401, true));
    let (_, seen) = through(&plugins, "GET /a", &[("apikey", "alice-key")]).await;
    let seen = seen.unwrap();
    assert_eq!((seen.header("x-who"), seen.header("x-consumer-username")), (Some("alice"), Some("alice")));
}
