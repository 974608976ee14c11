//! ip-restriction and consumer-restriction over real sockets.

use crate::support::{Answer, guarded_route, snapshot, start};
use http_body_util::Full;
use postern::plugin::PluginName::{self, ConsumerRestriction, IpRestriction, KeyAuth};
use postern::routing::Upstream;

async fn through(plugins: &[(PluginName, &str)], method: &str, headers: &[(&str, &str)]) -> Answer {
    let route = guarded_route("r", "/anything", plugins);
    let gateway = start(snapshot(Upstream::BuiltinEcho, vec![route]));
    let mut sent = gateway.request(method, "/anything");
    for (name, value) in headers {
        sent = sent.header(*name, *value);
    }
    gateway.send(sent.body(Full::default()).unwrap()).await
}

#[tokio::test]
async fn an_address_may_ask_or_not() {
    let message = r#"{"message":"Your IP address is not allowed"}"#;
    for (json, headers, status, body) in [
        (r#"{"whitelist": ["10.0.0.0/8"]}"#, &[][..], 403, message),
        (r#"{"blacklist": ["127.0.0.0/8"]}"#, &[], 403, message),
        (r#"{"blacklist": ["0.0.0.0/0"]}"#, &[], 403, message),
        (r#"{"whitelist": ["::1"]}"#, &[], 403, message),
        // What a client says of itself counts for nothing.
        (
            r#"{"whitelist": ["10.0.0.0/8"]}"#,
            &[("x-forwarded-for", "10.0.0.1"), ("x-real-ip", "10.0.0.1")],
            403,
            message,
        ),
        (r#"{"blacklist": ["127.0.0.1"]}"#, &[("x-forwarded-for", "10.0.0.1")], 403, message),
        (
            r#"{"blacklist": ["127.0.0.1"], "message": "Go away", "response_code": 404}"#,
            &[],
            404,
            r#"{"message":"Go away"}"#,
        ),
        (r#"{"whitelist": ["127.0.0.1"]}"#, &[], 200, ""),
        (r#"{"whitelist": ["10.0.0.0/8", "127.0.0.0/8"]}"#, &[], 200, ""),
        (r#"{"blacklist": ["10.0.0.0/8"]}"#, &[], 200, ""),
        (r#"{"blacklist": ["::/0"]}"#, &[], 200, ""),
    ] {
        let answer = through(&[(IpRestriction, json)], "GET", headers).await;
        assert_eq!(answer.status, status, "{json} {headers:?}");
        if status != 200 {
            assert_eq!(answer.text(), body, "{json}");
        }
    }
}

#[tokio::test]
async fn a_consumer_may_ask_or_not() {
    let alice = [("apikey", "alice-key")];
    let forbidden = r#"{"message":"The consumer_name is forbidden."}"#;
    for (json, method, status, body) in [
        (r#"{"blacklist": ["alice"]}"#, "GET", 403, forbidden),
        (r#"{"whitelist": ["bob"]}"#, "GET", 403, forbidden),
        (r#"{"whitelist": ["Alice"]}"#, "GET", 403, forbidden),
        (r#"{"whitelist": ["alice"], "blacklist": ["alice"]}"#, "GET", 403, forbidden),
        (r#"{"whitelist": ["bob"], "rejected_code": 404, "rejected_msg": "no"}"#, "GET", 404, r#"{"message":"no"}"#),
        (r#"{"allowed_by_methods": [{"user": "alice", "methods": ["POST"]}]}"#, "GET", 403, forbidden),
        (
            r#"{"type": "service_id", "whitelist": ["other"]}"#,
            "GET",
            403,
            r#"{"message":"The service_id is forbidden."}"#,
        ),
        (r#"{"type": "route_id", "blacklist": ["r"]}"#, "GET", 403, r#"{"message":"The route_id is forbidden."}"#),
        (r#"{"whitelist": ["alice"]}"#, "GET", 200, ""),
        (r#"{"blacklist": ["bob"]}"#, "GET", 200, ""),
        (r#"{"allowed_by_methods": [{"user": "alice", "methods": ["POST"]}]}"#, "POST", 200, ""),
        (r#"{"allowed_by_methods": [{"user": "bob", "methods": ["POST"]}]}"#, "GET", 200, ""),
        (r#"{"type": "service_id", "whitelist": ["s"]}"#, "GET", 200, ""),
        (r#"{"type": "route_id", "whitelist": ["r"]}"#, "GET", 200, ""),
    ] {
        let answer = through(&[(KeyAuth, "{}"), (ConsumerRestriction, json)], method, &alice).await;
        assert_eq!(answer.status, status, "{json} {method}: {}", answer.text());
        if status != 200 {
            assert_eq!(answer.text(), body, "{json}");
        }
    }
}

#[tokio::test]
async fn whoever_is_not_known_may_not_ask() {
    let unknown = r#"{"message":"The request is rejected, please check the consumer_name for this request"}"#;
    let anonymous = r#"{"anonymous_consumer": "nobody"}"#;
    for (plugins, status, body) in [
        (&[(ConsumerRestriction, r#"{"whitelist": ["alice"]}"#)][..], 401, Some(unknown)),
        (&[(ConsumerRestriction, r#"{"blacklist": ["alice"]}"#)], 401, Some(unknown)),
        (&[(ConsumerRestriction, r#"{"type": "route_id", "whitelist": ["r"]}"#)], 200, None),
        (&[(KeyAuth, anonymous), (ConsumerRestriction, r#"{"whitelist": ["alice"]}"#)], 403, None),
        (&[(KeyAuth, anonymous), (ConsumerRestriction, r#"{"whitelist": ["nobody"]}"#)], 200, None),
    ] {
        let answer = through(plugins, "GET", &[]).await;
        assert_eq!(answer.status, status, "{plugins:?}: {}", answer.text());
        if let Some(body) = body {
            assert_eq!(answer.text(), body, "{plugins:?}");
        }
    }
}
