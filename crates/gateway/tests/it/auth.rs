//! key-auth from the outside. The table of every case is in `src/plugin/key_auth_tests.rs`.

use crate::support::{Running, locked_route, nodes, route, snapshot, start, start_with};
use crate::upstream::Upstream;
use gateway::{GatewayConfig, Messages};
use postern::routing::Upstream as Kind;
use postern::snapshot::Snapshot;

const MISSING: (u16, &str) = (401, r#"{"message":"Missing API key in request"}"#);
const INVALID: (u16, &str) = (401, r#"{"message":"Invalid API key in request"}"#);

fn locked(upstream: &Upstream) -> Snapshot {
    let routes = vec![
        locked_route("plain", "/plain", "{}"),
        locked_route("hides", "/hides", r#"{"hide_credentials": true, "realm": "hidden things"}"#),
        locked_route("anonymous", "/anonymous", r#"{"anonymous_consumer": "nobody"}"#),
        locked_route("ghost", "/ghost", r#"{"anonymous_consumer": "ghost"}"#),
        route("open", "/*"),
    ];
    snapshot(nodes(&[(upstream.address, 1)]), routes)
}

async fn check_refused(running: &Running, headers: &[(&str, &str)], target: &str, expected: (u16, &str)) {
    let answer = running.get_with(target, headers).await;
    assert_eq!(answer.summary(), expected, "{target} {headers:?}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("www-authenticate"), Some("apikey realm=\"key\""));
}

#[tokio::test]
async fn nothing_but_the_key_passes() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    for (headers, target, expected) in [
        (&[][..], "/plain", MISSING),
        (&[("apikey", "wrong")], "/plain", INVALID),
        (&[("apikey", "")], "/plain", INVALID),
        (&[("apikey", "alice-ke")], "/plain", INVALID),
        (&[("apikey", "alice-keyy")], "/plain", INVALID),
        (&[("apikey", "ALICE-KEY")], "/plain", INVALID),
        (&[("apikey", "$secret://vault/my-vault/consumer/alice/key")], "/plain", INVALID),
        (&[("apikey", "alice-key"), ("apikey", "wrong")], "/plain", INVALID),
        (&[("apikey", "wrong")], "/plain?apikey=alice-key", INVALID),
        (&[("authorization", "alice-key")], "/plain", MISSING),
        (&[("x-consumer-username", "alice")], "/plain", MISSING),
        // Named as meant for the gateway alone, it is gone before any plugin looks.
        (&[("apikey", "alice-key"), ("connection", "apikey")], "/plain", MISSING),
        (&[], "/plain?apikey=", INVALID),
        (&[], "/plain?apikey=wrong", INVALID),
        (&[], "/x/../plain", MISSING),
        (&[], "/%70lain", MISSING),
        (&[], "/ghost", (401, r#"{"message":"Invalid user authorization"}"#)),
    ] {
        check_refused(&running, headers, target, expected).await;
    }
    assert!(upstream.seen().is_empty());
    let stats = running.gateway.stats();
    assert_eq!((stats.requests, stats.unauthorized, stats.passed), (17, 17, 0));
    assert!(!stats.authenticated_seen);
}

#[tokio::test]
async fn the_realm_is_the_configured_one() {
    let upstream = Upstream::start().await;
    let answer = start(locked(&upstream)).get("/hides").await;
    assert_eq!(answer.header("www-authenticate"), Some("apikey realm=\"hidden things\""));
}

#[tokio::test]
async fn the_key_passes_and_says_who_the_caller_is() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    for (headers, target, arrives) in [
        (&[("apikey", "alice-key")][..], "/plain?a=%7e", "/plain?a=%7e"),
        (&[("apikey", "alice-key")], "/hides?apikey=other", "/hides?apikey=other"),
        (&[], "/plain?apikey=alice-key&a=1", "/plain?apikey=alice-key&a=1"),
        (&[], "/hides?b=%2f&apikey=alice%2dkey&a=1+2", "/hides?b=%2f&a=1+2"),
        (&[], "/hides?apikey=alice-key", "/hides"),
    ] {
        assert_eq!(running.get_with(target, headers).await.summary(), (200, "from upstream"), "{target}");
        let seen = upstream.last();
        assert_eq!(seen.target, arrives);
        let hidden = target.starts_with("/hides") || headers.is_empty();
        assert_eq!(seen.header("apikey"), if hidden { None } else { Some("alice-key") }, "{target}");
        assert_eq!(seen.header("x-consumer-username"), Some("alice"));
        assert_eq!(seen.header("x-credential-identifier"), Some("primary-key"));
        assert_eq!(seen.header("x-consumer-custom-id"), Some("42"));
    }
    assert!(running.gateway.stats().authenticated_seen);
}

#[tokio::test]
async fn the_anonymous_consumer_has_no_credential() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    for headers in [&[][..], &[("apikey", "wrong")]] {
        assert_eq!(running.get_with("/anonymous", headers).await.status, 200);
        let seen = upstream.last();
        assert_eq!(seen.header("x-consumer-username"), Some("nobody"));
        assert_eq!(seen.header("x-credential-identifier"), None);
        assert_eq!(seen.header("x-consumer-custom-id"), None);
    }
    assert!(!running.gateway.stats().authenticated_seen);
}

#[tokio::test]
async fn what_a_client_says_of_its_identity_never_arrives() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    let claims = [
        ("X-Consumer-Username", "admin"),
        ("x-consumer-username", "admin"),
        ("X_Consumer_Username", "admin"),
        ("X-CONSUMER_USERNAME", "admin"),
        ("X.Consumer.Username", "admin"),
        ("X-Consumer-Custom-ID", "1"),
        ("X_Consumer_Custom_ID", "1"),
        ("X-Consumer-Group", "admins"),
        ("X-Credential-Identifier", "root-key"),
        ("X_Credential_Identifier", "root-key"),
        ("X-Userinfo", "admin"),
        ("X_Userinfo", "admin"),
        ("Connection", "x-consumer-username, x-credential-identifier"),
    ];
    for (target, key, identity) in [
        ("/open", None, vec![]),
        ("/anonymous", None, vec!["nobody"]),
        ("/plain", Some("alice-key"), vec!["42", "alice", "primary-key"]),
    ] {
        let key = key.map(|key| ("apikey", key));
        let headers: Vec<_> = claims.iter().copied().chain(key).collect();
        assert_eq!(running.get_with(target, &headers).await.status, 200);
        let headers = upstream.last().headers;
        let suspicious =
            |name: &str| name.contains("consumer") || name.contains("credential") || name.contains("userinfo");
        let mut said: Vec<_> = headers
            .iter()
            .filter(|(name, _)| suspicious(name.as_str()))
            .map(|(_, v)| v.to_str().unwrap().to_owned())
            .collect();
        said.sort();
        assert_eq!(said, identity, "{target}");
    }
}

#[tokio::test]
async fn a_claim_in_the_trailers_does_not_arrive_either() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    let raw = "POST /plain HTTP/1.1\r\nHost: a\r\napikey: alice-key\r\nConnection: close\r\nTE: trailers\r\n\
               Trailer: X-Consumer-Username\r\nTransfer-Encoding: chunked\r\n\r\n\
               2\r\nhi\r\n0\r\nX-Consumer-Username: admin\r\n\r\n";
    assert!(running.raw(raw).await.starts_with("HTTP/1.1 200"));
    let seen = upstream.last();
    assert_eq!((seen.body_length, seen.trailers.len()), (2, 0));
    assert_eq!(seen.headers.get_all("x-consumer-username").iter().collect::<Vec<_>>(), ["alice"]);
}

#[tokio::test]
async fn a_missing_key_is_told_in_the_words_of_the_version_that_was_chosen() {
    let reworded = r#"{"_meta": {"error_response": "no"}}"#;
    for (messages, expected) in [
        (Messages::Apisix318, r#"{"message":"Missing API key in request"}"#),
        (Messages::Apisix39, r#"{"message":"Missing API key found in request"}"#),
    ] {
        let routes = vec![locked_route("plain", "/plain", "{}"), locked_route("reworded", "/reworded", reworded)];
        let config = GatewayConfig { messages, ..GatewayConfig::default() };
        let running = start_with(config, snapshot(Kind::BuiltinEcho, routes));
        assert_eq!(running.get("/plain").await.summary(), (401, expected));
        let invalid = running.get_with("/plain", &[("apikey", "x")]).await;
        assert_eq!(invalid.summary(), (401, r#"{"message":"Invalid API key in request"}"#));
        assert_eq!(running.get("/reworded").await.summary(), (401, "no"));
    }
}
