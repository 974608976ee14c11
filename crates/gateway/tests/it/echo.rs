//! The built-in upstream.

use crate::support::{locked_route, route, snapshot, start};
use http_body_util::Full;
use hyper::body::Bytes;
use postern::routing::Upstream;
use serde_json::json;

#[tokio::test]
async fn it_answers_in_httpbins_shapes() {
    let running = start(snapshot(Upstream::BuiltinEcho, vec![route("all", "/*")]));
    assert_eq!(running.get("/ip").await.summary(), (200, r#"{"origin":"127.0.0.1"}"#));
    let headers = running.get_with("/headers", &[("x-mine", "1")]).await.json();
    assert_eq!(headers["headers"]["X-Mine"], "1");
    assert_eq!(headers["headers"]["Host"], running.address.to_string());
    assert_eq!(headers["headers"]["X-Real-Ip"], "127.0.0.1");
    let request = running.request("PATCH", "/anything/below?a=1&a=2&b=%20").header("content-type", "application/json");
    let anything = running.send(request.body(Full::from(r#"{"x":[1]}"#)).unwrap()).await.json();
    for (member, expected) in [
        ("method", json!("PATCH")),
        ("args", json!({ "a": ["1", "2"], "b": " " })),
        ("data", json!(r#"{"x":[1]}"#)),
        ("json", json!({ "x": [1] })),
        ("origin", json!("127.0.0.1")),
        ("url", json!(format!("http://{}/anything/below?a=1&a=2&b=%20", running.address))),
    ] {
        assert_eq!(anything[member], expected, "{member}");
    }
    for (method, target, status) in
        [("GET", "/other", 404), ("GET", "/anythingelse", 404), ("POST", "/ip", 405), ("HEAD", "/ip", 200)]
    {
        let answer = running.send(running.request(method, target).body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn it_shows_the_key_only_when_the_key_is_not_hidden() {
    let routes = vec![
        locked_route("shows", "/anything/shows", "{}"),
        locked_route("hides", "/anything/hides", r#"{"hide_credentials": true}"#),
    ];
    let running = start(snapshot(Upstream::BuiltinEcho, routes));
    for (target, headers, shown) in [
        ("/anything/shows", &[("apikey", "alice-key")][..], true),
        ("/anything/shows?apikey=alice-key", &[], true),
        ("/anything/hides", &[("apikey", "alice-key")], false),
        ("/anything/hides?apikey=alice-key", &[], false),
    ] {
        let answer = running.get_with(target, headers).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["headers"]["X-Consumer-Username"], "alice");
        assert_eq!(answer.text().contains("alice-key"), shown, "{target}");
    }
}

#[tokio::test]
async fn it_reads_at_most_one_mebibyte() {
    let running = start(snapshot(Upstream::BuiltinEcho, vec![route("all", "/*")]));
    for (length, status) in [(1024 * 1024, 200), (1024 * 1024 + 1, 413)] {
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        let answer = running.send(running.request("POST", "/anything").body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{length}");
    }
}
