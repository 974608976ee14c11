//! cors over real sockets: what a browser is told. Whose pages may read is a table beside the plugin.

use crate::support::{Answer, guarded_route, snapshot, start};
use http_body_util::Full;
use postern::plugin::PluginName::{self, Cors, KeyAuth, ResponseRewrite};
use postern::routing::Upstream;

async fn through(plugins: &[(PluginName, &str)], request: &str, headers: &[(&str, &str)]) -> Answer {
    let route = guarded_route("r", "/ip", plugins);
    let gateway = start(snapshot(Upstream::BuiltinEcho, vec![route]));
    let (method, target) = request.split_once(' ').unwrap();
    let mut sent = gateway.request(method, target);
    for (name, value) in headers {
        sent = sent.header(*name, *value);
    }
    gateway.send(sent.body(Full::default()).unwrap()).await
}

const PAGE: (&str, &str) = ("origin", "https://a.test");

#[tokio::test]
async fn a_browser_is_told_what_its_pages_may_read() {
    let two = r#"{"allow_origins": "https://a.test,https://b.test"}"#;
    let found = r#"{"allow_origins_by_regex": [".*\\.test$"]}"#;
    for (json, request, origin, status, allowed) in [
        // Who may not read is not told so: there is no such header.
        (two, "GET /ip", "https://c.test", 200, None),
        (two, "GET /ip", "https://a.test.evil", 200, None),
        (two, "OPTIONS /ip", "https://c.test", 200, None),
        (found, "GET /ip", "https://a.test.evil", 200, None),
        (two, "GET /ip", "https://b.test", 200, Some("https://b.test")),
        (two, "OPTIONS /ip", "https://b.test", 200, Some("https://b.test")),
        (found, "GET /ip", "https://x.a.test", 200, Some("https://x.a.test")),
        (r#"{}"#, "GET /ip", "https://c.test", 200, Some("*")),
        (r#"{}"#, "OPTIONS /ip", "https://c.test", 200, Some("*")),
        (r#"{"allow_origins": "**"}"#, "GET /ip", "https://c.test", 200, Some("https://c.test")),
        (r#"{}"#, "POST /ip", "https://c.test", 405, Some("*")),
    ] {
        let answer = through(&[(Cors, json)], request, &[("origin", origin)]).await;
        assert_eq!(answer.status, status, "{json} {request} {origin}");
        assert_eq!(answer.header("access-control-allow-origin"), allowed, "{json} {request} {origin}");
    }
}

#[tokio::test]
async fn a_preflight_is_answered_before_authentication_and_every_refusal_can_be_read() {
    let json = r#"{"allow_origins": "https://a.test", "allow_methods": "GET", "allow_headers": "**", "allow_credential": true, "max_age": 60}"#;
    let plugins = [(KeyAuth, "{}"), (Cors, json)];
    let asked = [PAGE, ("access-control-request-method", "GET"), ("access-control-request-headers", "apikey")];
    let answer = through(&plugins, "OPTIONS /ip", &asked).await;
    assert_eq!(answer.summary(), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", "https://a.test"),
        ("access-control-allow-methods", "GET"),
        ("access-control-allow-headers", "apikey"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "60"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    let refused = through(&plugins, "GET /ip", &[PAGE]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.header("access-control-allow-origin"), Some("https://a.test"));
    let passed = through(&plugins, "GET /ip", &[PAGE, ("apikey", "alice-key")]).await;
    assert_eq!((passed.status.as_u16(), passed.header("access-control-allow-origin")), (200, Some("https://a.test")));
}

#[tokio::test]
async fn response_rewrite_has_the_last_word() {
    let rewrite = r#"{"headers": {"Access-Control-Allow-Origin": "https://b.test"}}"#;
    let answer = through(&[(Cors, "{}"), (ResponseRewrite, rewrite)], "GET /ip", &[PAGE]).await;
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://b.test"));
}
