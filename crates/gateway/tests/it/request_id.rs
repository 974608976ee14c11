//! request-id and prometheus over real sockets.

use crate::support::{Running, guarded_route, nodes, snapshot, start, until};
use crate::upstream::Upstream;
use postern::plugin::PluginName::{self, KeyAuth, Prometheus, RequestId};

async fn gateway(plugins: &[(PluginName, &str)]) -> (Upstream, Running) {
    let upstream = Upstream::start().await;
    let route = guarded_route("r", "/*", plugins);
    let running = start(snapshot(nodes(&[(upstream.address, 1)]), vec![route]));
    (upstream, running)
}

#[tokio::test]
async fn an_id_is_as_the_configuration_says_for_upstream_server_and_client() {
    let ranged = r#"{"algorithm": "range_id", "range_id": {"length": 9, "char_set": "abcdef"}}"#;
    for (json, header, sent, length) in [
        (r#"{}"#, "x-request-id", None, 36),
        (r#"{}"#, "x-request-id", Some("not an id"), 36),
        (r#"{"algorithm": "nanoid"}"#, "x-request-id", None, 21),
        (r#"{"algorithm": "ksuid"}"#, "x-request-id", None, 27),
        (ranged, "x-request-id", None, 9),
        (r#"{"header_name": "X-Trace"}"#, "x-trace", None, 36),
        (r#"{"header_name": "X-Trace"}"#, "x-trace", Some("not an id"), 36),
        (r#"{"header_name": "X-Trace", "algorithm": "nanoid"}"#, "x-trace", None, 21),
        (r#"{}"#, "x-request-id", Some("mine"), 4),
        (r#"{"header_name": "x-request-ID"}"#, "x-request-id", Some("mine"), 4),
        (r#"{"header_name": "X-Trace"}"#, "x-trace", Some("mine"), 4),
    ] {
        let (upstream, running) = gateway(&[(RequestId, json)]).await;
        let headers: Vec<(&str, &str)> = sent.iter().map(|sent| (header, *sent)).collect();
        let answer = running.get_with("/a", &headers).await;
        let seen = upstream.last();
        let id = answer.header(header).unwrap();
        assert_eq!((id.len(), seen.header(header)), (length, Some(id)), "{json} {sent:?}: {id}");
        assert!(sent.is_none_or(|sent| sent.contains(' ') || sent == id), "{json} {sent:?}: {id}");
        // Whatever else there is, the gateway's own is there too.
        assert_eq!(seen.header("x-request-id"), answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn the_answer_need_not_have_it() {
    for (json, header) in [
        (r#"{"include_in_response": false}"#, "x-request-id"),
        (r#"{"include_in_response": false, "header_name": "X-Trace"}"#, "x-trace"),
    ] {
        let (upstream, running) = gateway(&[(RequestId, json)]).await;
        let answer = running.get("/a").await;
        assert_eq!((answer.header(header), upstream.last().header(header).is_some()), (None, true), "{json}");
    }
}

#[tokio::test]
async fn a_refusal_has_an_id_of_the_same_kind() {
    let (_upstream, running) = gateway(&[(KeyAuth, "{}"), (RequestId, r#"{"algorithm": "ksuid"}"#)]).await;
    let refused = running.get("/a").await;
    assert_eq!((refused.status.as_u16(), refused.header("x-request-id").map(str::len)), (401, Some(27)));
}

#[tokio::test]
async fn a_route_is_in_the_metrics_unless_prometheus_is_disabled_for_it() {
    for (plugins, is_shown) in [
        (&[(Prometheus, r#"{"_meta": {"disable": true}}"#)][..], false),
        (&[(Prometheus, r#"{"prefer_name": true}"#)], true),
        (&[(Prometheus, "{}")], true),
        (&[], true),
    ] {
        let (_upstream, running) = gateway(plugins).await;
        running.get("/a").await;
        if is_shown {
            let line = r#"postern_gateway_requests_total{route="r",route_name="r",status="200"} 1"#;
            until("the request is counted", || running.gateway.metrics().contains(line)).await;
        } else {
            until("the request is logged", || running.gateway.stats().passed == 1).await;
            assert!(!running.gateway.metrics().contains(r#"route="r""#), "{}", running.gateway.metrics());
        }
    }
}
