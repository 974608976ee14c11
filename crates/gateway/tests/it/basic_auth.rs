//! basic-auth from the outside.

use crate::support::{Running, give, guarded_route, nodes, snapshot, start};
use crate::upstream::Upstream;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern::credential::CredentialType;
use postern::plugin::PluginName;
use postern::snapshot::{Proof, Snapshot};

const MISSING: &str = r#"{"message":"Missing authorization in request"}"#;
const MALFORMED: &str = r#"{"message":"Invalid authorization in request"}"#;
const INVALID: &str = r#"{"message":"Invalid user authorization"}"#;

fn locked(upstream: &Upstream) -> Snapshot {
    let guarded = |name: &str, json: &str| guarded_route(name, &format!("/{name}"), &[(PluginName::BasicAuth, json)]);
    let routes = vec![
        guarded("plain", "{}"),
        guarded("hides", r#"{"hide_credentials": true, "realm": "hidden things"}"#),
        guarded("anonymous", r#"{"anonymous_consumer": "nobody", "hide_credentials": true}"#),
        guarded("ghost", r#"{"anonymous_consumer": "ghost"}"#),
    ];
    let mut snapshot = snapshot(nodes(&[(upstream.address, 1)]), routes);
    for (consumer, username, password) in [
        ("alice", "alice", "alice-password"),
        ("bob", "bob", "a:b:c"),
        ("carol", "carol", "two words"),
        ("dora", "dörte", "pässwörd"),
    ] {
        let password = Proof::Password(snapshot.fingerprint_key.of(password.as_bytes()));
        give(&mut snapshot, consumer, CredentialType::BasicAuth, username, password);
    }
    snapshot
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

async fn refused(running: &Running, target: &str, headers: &[(&str, &str)], body: &str) {
    let answer = running.get_with(target, headers).await;
    assert_eq!(answer.summary(), (401, body), "{target} {headers:?}");
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"basic\""));
}

#[tokio::test]
async fn nothing_but_a_username_with_its_password_passes() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    refused(&running, "/plain", &[], MISSING).await;
    refused(&running, "/plain", &[("apikey", "alice-password")], MISSING).await;
    refused(&running, "/plain?authorization=Basic%20YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", &[], MISSING).await;
    refused(&running, "/plain", &[("proxy-authorization", &basic("alice:alice-password"))], MISSING).await;
    let (good, bad) = (basic("alice:alice-password"), basic("alice:x"));
    refused(&running, "/plain", &[("authorization", &good), ("authorization", &bad)], MALFORMED).await;
    refused(&running, "/plain", &[("authorization", &bad), ("authorization", &good)], MALFORMED).await;
    refused(&running, "/plain", &[("authorization", &good), ("connection", "authorization")], MISSING).await;
    refused(&running, "/ghost", &[("authorization", &bad)], INVALID).await;
    for (value, body) in [
        ("", MALFORMED),
        ("Basic", MALFORMED),
        ("alice:alice-password", MALFORMED),
        ("Basic alice:alice-password", MALFORMED),
        ("Bearer YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", MALFORMED),
        ("YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", MALFORMED),
        ("BasicYWxpY2U6YWxpY2UtcGFzc3dvcmQ=", MALFORMED),
        ("Basic YWxpY2U=", MALFORMED),
        ("Basic !!!!", MALFORMED),
        ("Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=, Basic YTpi", MALFORMED),
    ] {
        refused(&running, "/plain", &[("authorization", value)], body).await;
    }
    for text in [
        ":",
        "alice:",
        ":alice-password",
        "alice:alice-passwor",
        "alice:alice-passwordd",
        "alice:ALICE-PASSWORD",
        "Alice:alice-password",
        "bob:alice-password",
        "bob:a",
        "bob:a:b",
        "nobody:alice-password",
        "alice:alice-password\0",
        "alice\0:alice-password",
        "alice:$secret://vault/my-vault/consumer/alice/password",
        "carol:two-words",
        "dörte:passwort",
        "basic-auth\0alice:alice-password",
    ] {
        refused(&running, "/plain", &[("authorization", &basic(text))], INVALID).await;
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn the_password_passes_and_says_who_the_caller_is() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    for (value, consumer) in [
        ("Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=".to_owned(), "alice"),
        ("bAsIc YWxpY2U6YWxpY2UtcGFzc3dvcmQ".to_owned(), "alice"),
        (basic("al ice: alice-pass word\t"), "alice"),
        (basic("bob:a:b:c"), "bob"),
        (basic("carol:two words"), "carol"),
        (basic("dörte:pässwörd"), "dora"),
    ] {
        for (target, hidden) in [("/plain", false), ("/hides", true), ("/anonymous", true)] {
            let answer = running.get_with(target, &[("authorization", &value)]).await;
            assert_eq!(answer.status, 200, "{value}");
            let seen = upstream.last();
            assert_eq!(seen.header("x-consumer-username"), Some(consumer));
            assert_eq!(seen.header("x-credential-identifier"), Some(format!("{consumer}-basic-auth").as_str()));
            assert_eq!(seen.header("authorization"), if hidden { None } else { Some(value.as_str()) });
        }
    }
}

#[tokio::test]
async fn whoever_proves_nothing_may_be_the_anonymous_consumer() {
    let upstream = Upstream::start().await;
    let running = start(locked(&upstream));
    for headers in [&[][..], &[("authorization", "Basic YTpi")]] {
        assert_eq!(running.get_with("/anonymous", headers).await.status, 200);
        let seen = upstream.last();
        assert_eq!(seen.header("x-consumer-username"), Some("nobody"));
        assert_eq!(seen.header("x-credential-identifier"), None);
        assert_eq!(seen.header("authorization"), None);
    }
    let answer = running.get("/hides").await;
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"hidden things\""));
}
