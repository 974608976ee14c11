//! What an operator sees of requests: the id, the metrics, the access log.

use crate::support::{closed_address, id, locked_route, nodes, route, snapshot, start, start_with, until};
use crate::upstream::{Upstream, receive, scripted};
use gateway::{AccessLogConfig, AccessLogFormat, AccessLogTarget, GatewayConfig};
use http_body_util::{BodyExt, Full};
use postern::routing::{Route, Service};
use postern::time::{Clock, Millis};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Millis {
        Millis(1_795_348_800_000)
    }
}

#[tokio::test]
async fn a_request_has_one_id_for_client_upstream_and_log() {
    let upstream = Upstream::start().await;
    let running = start(snapshot(
        nodes(&[(upstream.address, 1)]),
        vec![route("open", "/open"), locked_route("locked", "/locked", "{}")],
    ));
    for (headers, kept) in [
        (&[][..], None),
        (&[("x-request-id", "mine-1")], Some("mine-1")),
        (&[("x-request-id", "not an id")], None),
        (&[("x-request-id", "a"), ("X_Request_Id", "b")], Some("a")),
    ] {
        let answer = running.get_with("/open", headers).await;
        let id = answer.header("x-request-id").unwrap();
        assert!(kept.is_none_or(|kept| kept == id) && !id.contains(' '), "{headers:?}: {id}");
        let seen = upstream.last();
        assert_eq!((seen.header("x-request-id"), seen.header("x_request_id")), (Some(id), None));
    }
    let refused = running.get_with("/locked", &[("x-request-id", "mine-2")]).await;
    assert_eq!((refused.status.as_u16(), refused.header("x-request-id")), (401, Some("mine-2")));
}

#[tokio::test]
async fn the_metrics_tell_routes_states_and_reasons_apart() {
    let upstream = Upstream::start().await;
    let routes = vec![route("open", "/open"), locked_route("locked", "/locked", "{}")];
    let running = start(snapshot(nodes(&[(upstream.address, 1), (closed_address(), 1)]), routes));
    for (target, headers) in [
        ("/open", &[][..]),
        ("/open", &[]),
        ("/locked", &[]),
        ("/locked", &[("apikey", "canary-wrong-key")]),
        ("/locked", &[("apikey", "alice-key")]),
        ("/nowhere?apikey=canary-wrong-key", &[]),
    ] {
        running.get_with(target, headers).await;
    }
    // The last request may still be ending on its thread.
    until("every request has ended", || {
        running.gateway.metrics().contains(r#"route="none",route_name="none",status="404"} 1"#)
    })
    .await;
    let metrics = running.gateway.metrics();
    for line in [
        r#"postern_gateway_requests_total{route="open",route_name="open",status="200"} 2"#,
        r#"postern_gateway_requests_total{route="locked",route_name="locked",status="200"} 1"#,
        r#"postern_gateway_requests_total{route="locked",route_name="locked",status="401"} 2"#,
        r#"postern_gateway_request_duration_seconds_count{route="open",route_name="open"} 2"#,
        r#"postern_gateway_auth_failures_total{reason="Missing API key in request"} 1"#,
        r#"postern_gateway_auth_failures_total{reason="Invalid API key in request"} 1"#,
        &format!(r#"postern_gateway_upstream_healthy{{service="s",server="{}"}} 1"#, upstream.address),
        "postern_gateway_revision 1",
    ] {
        assert!(metrics.lines().any(|l| l == line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("canary") && !metrics.contains("alice"), "{metrics}");
}

/// Runs `requests` with an access log, and returns its lines once the gateway has stopped.
async fn logged(format: AccessLogFormat) -> Vec<String> {
    let upstream = Upstream::start().await;
    let torn = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart").await.unwrap();
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let target = AccessLogTarget::File(path.clone());
    let log = AccessLogConfig { target, format, clock: Arc::new(Noon) };
    let config = GatewayConfig { workers: 1, access_log: Some(log), ..GatewayConfig::default() };
    let torn_route = Route { service: id("torn"), ..route("torn", "/torn") };
    let mut both = snapshot(nodes(&[(upstream.address, 1)]), vec![locked_route("locked", "/locked", "{}"), torn_route]);
    let second = Service { id: id("torn"), upstream: nodes(&[(torn, 1)]), ..both.services[&id("s")].clone() };
    both.services = Arc::new(both.services.values().cloned().chain([second]).map(|s| (s.id.clone(), s)).collect());
    let running = start_with(config, both);
    let key = ("apikey", "alice-key");
    assert_eq!(running.get_with("/locked?canary=query", &[key, ("x-request-id", "one")]).await.status, 200);
    assert_eq!(running.get_with("/locked", &[("apikey", "canary-key"), ("x-request-id", "two")]).await.status, 401);
    assert_eq!(running.get_with("/canary-path", &[("x-request-id", "three")]).await.status, 404);
    let request = running.request("GET", "/torn").header("x-request-id", "four").body(Full::default()).unwrap();
    assert!(running.begin(request).await.into_body().collect().await.is_err());
    running.gateway.shutdown(Duration::from_secs(20)).await;
    let text = std::fs::read_to_string(path).unwrap();
    assert!(!text.contains("canary") && !text.contains("alice-key"), "{text}");
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_access_log_has_one_object_for_each_request() {
    let lines: Vec<Value> =
        logged(AccessLogFormat::Json).await.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let told: Vec<_> = lines
        .iter()
        .map(|line| (text(&line["request_id"]), line["status"].as_u64(), text(&line["route"]), text(&line["consumer"])))
        .collect();
    let expected = [
        ("one", 200, "locked", "alice"),
        ("two", 401, "locked", "-"),
        ("three", 404, "-", "-"),
        ("four", 200, "torn", "-"),
    ];
    assert_eq!(
        told,
        expected.map(|(id, status, route, consumer)| (
            id.to_owned(),
            Some(status),
            route.to_owned(),
            consumer.to_owned()
        ))
    );
    for (member, expected) in
        [("method", "GET"), ("client", "127.0.0.1"), ("service", "s"), ("credential", "primary-key")]
    {
        assert_eq!(lines[0][member], expected, "{member}");
    }
    assert_eq!(lines[0]["bytes"], 13);
    assert!(lines[0]["duration_ms"].as_f64().is_some() && lines[0]["upstream"].is_string());
    assert!(
        lines[0]["time"]
            .as_str()
            .is_some_and(|time| time.starts_with("2026-11-22T11:59:") || time.starts_with("2026-11-22T12:00:")),
        "{lines:?}"
    );
    assert_eq!((&lines[3]["broke_off"], &lines[3]["bytes"]), (&Value::Bool(true), &Value::from(4)));
}

#[tokio::test]
async fn the_access_log_can_be_text() {
    let lines = logged(AccessLogFormat::Text).await;
    assert!(lines[1].contains("request_id=two client=127.0.0.1 method=GET status=401"), "{lines:?}");
    assert!(lines[1].contains("route=locked"), "{lines:?}");
}
