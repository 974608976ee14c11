//! ldap-auth from the outside, with a real directory.

use crate::support::{Running, give_plugin, guarded_route, nodes, snapshot, start};
use crate::upstream::Upstream;
use backends::{Ldap, LdapMode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern::plugin::PluginName;
use postern::plugin::ldap_auth::found_by;
use postern::shards::Shards;
use postern::snapshot::Snapshot;
use serde_json::{Value, json};

const MISSING: &str = r#"{"message":"Missing authorization in request"}"#;
const MALFORMED: &str = r#"{"message":"Invalid authorization in request"}"#;
const INVALID: &str = r#"{"message":"Invalid user authorization"}"#;
const NO_CONSUMER: &str = r#"{"message":"Missing related consumer"}"#;

/// The configuration for a directory at this port of 127.0.0.1, with more fields.
fn config(port: u16, more: &Value) -> String {
    let mut config = json!({"base_dn": "ou=users,dc=example,dc=org", "ldap_uri": format!("127.0.0.1:{port}")});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config.to_string()
}

fn routes(upstream: &Upstream, routes: &[(&str, String)]) -> Snapshot {
    let route = |(name, config): &(&str, String)| {
        guarded_route(name, &format!("/{name}"), &[(PluginName::LdapAuth, config.as_str())])
    };
    snapshot(nodes(&[(upstream.address, 1)]), routes.iter().map(route).collect())
}

/// Alice is user01, and Ann is the user whose name has all that is special.
fn with_consumers(mut snapshot: Snapshot) -> Snapshot {
    for (consumer, user_dn) in [
        ("alice", "CN=user01, ou=users,dc=example,dc=org"),
        ("ann", r#"cn=\#O'Neil\, Ann \+ \"x\"\;\<\>\\ \=1,ou=users,dc=example,dc=org"#),
        ("root", "cn=root,ou=admins,ou=users,dc=example,dc=org"),
    ] {
        is_user(&mut snapshot, consumer, user_dn);
    }
    snapshot
}

fn is_user(snapshot: &mut Snapshot, consumer: &str, user_dn: &str) {
    let config = json!({"user_dn": user_dn}).to_string();
    give_plugin(snapshot, consumer, PluginName::LdapAuth, &config, &found_by(user_dn).unwrap());
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

async fn refused(running: &Running, target: &str, headers: &[(&str, &str)], body: &str) {
    let answer = running.get_with(target, headers).await;
    assert_eq!(answer.summary(), (401, body), "{target} {headers:?}");
    assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"ldap\""), "{headers:?}");
}

#[tokio::test]
async fn the_directorys_users_pass_as_the_consumers_they_are() {
    let (ldap, upstream) = (Ldap::start(LdapMode::Usual), Upstream::start().await);
    let (port, tls_port, ca) = (ldap.port(), ldap.tls_port(), ldap.ca());
    let running = start(with_consumers(routes(
        &upstream,
        &[
            ("plain", config(port, &json!({}))),
            ("start_tls", config(port, &json!({"start_tls": true, "tls_verify": true, "ca_certificate": ca}))),
            ("ldaps", config(tls_port, &json!({"use_tls": true, "tls_verify": true, "ca_certificate": ca}))),
            ("hides", config(port, &json!({"hide_credentials": true}))),
        ],
    )));
    for target in ["/plain", "/start_tls", "/ldaps", "/hides"] {
        for (user, password, consumer) in [("user01", "password1", "alice"), (Ldap::ODD_USER, "password3", "ann")] {
            let value = basic(&format!("{user}:{password}"));
            let answer = running.get_with(target, &[("authorization", &value), ("x-credential-identifier", "x")]).await;
            assert_eq!(answer.status, 200, "{target} {user}: {}", answer.text());
            let seen = upstream.last();
            assert_eq!(seen.header("x-consumer-username"), Some(consumer));
            assert_eq!(seen.header("x-consumer-custom-id"), Some("7"));
            assert_eq!(seen.header("x-credential-identifier"), None, "the consumer itself has the plugin");
            assert_eq!(seen.header("authorization"), if target == "/hides" { None } else { Some(value.as_str()) });
        }
    }
}

#[tokio::test]
async fn nobody_else_passes() {
    let (ldap, upstream) = (Ldap::start(LdapMode::Lax), Upstream::start().await);
    let running = start(with_consumers(routes(&upstream, &[("plain", config(ldap.port(), &json!({})))])));
    refused(&running, "/plain", &[], MISSING).await;
    refused(&running, "/plain", &[("proxy-authorization", &basic("user01:password1"))], MISSING).await;
    for value in ["", "Basic", "user01:password1", "Bearer dXNlcjAxOnBhc3N3b3JkMQ==", "Basic dXNlcjAx", "Basic ????"] {
        refused(&running, "/plain", &[("authorization", value)], MALFORMED).await;
    }
    let (good, bad) = (basic("user01:password1"), basic("user01:x"));
    refused(&running, "/plain", &[("authorization", &good), ("authorization", &bad)], MALFORMED).await;
    for text in [
        "user01:password2",
        "user01:PASSWORD1",
        "user01:password1 ",
        // This directory takes an empty password for a bind as nobody, and says yes.
        "user01:",
        ":",
        ":password1",
        "user01:\0",
        "user01:password1\0",
        "user01\0:password1",
        "user03:password1",
        // The directory takes them for user01, but they are no consumer's name.
        "USER01:password1",
        "user01 :password1",
        // In the directory, but no consumer's.
        "user02:pass word:2",
        // Escaped, this is one odd name below ou=users, and not the entry below ou=admins.
        "root,ou=admins:password-of-root",
        "user01,ou=users,dc=example,dc=org:password1",
        "user01+uid=first:password1",
        "*:password1",
        "user01)(cn=*:password1",
        "cn=user01:password1",
        "\\75ser01:password1",
        "$secret://vault/my-vault/a/b:password1",
    ] {
        refused(&running, "/plain", &[("authorization", &basic(text))], INVALID).await;
    }
    assert!(upstream.seen().is_empty());
    let metrics = running.gateway.metrics();
    let counted = r#"postern_gateway_auth_failures_total{reason="Invalid user authorization"}"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn a_password_is_sent_to_the_directory_as_it_came() {
    let (ldap, upstream) = (Ldap::start(LdapMode::Usual), Upstream::start().await);
    let mut snapshot = routes(&upstream, &[("plain", config(ldap.port(), &json!({"realm": "staff"})))]);
    is_user(&mut snapshot, "bob", "cn=user02,ou=users,dc=example,dc=org");
    let running = start(snapshot);
    for (text, status) in [("user02:pass word:2", 200), ("user02:password:2", 401), ("user02:pass word", 401)] {
        let answer = running.get_with("/plain", &[("authorization", &basic(text))]).await;
        assert_eq!(answer.status, status, "{text}");
        assert_eq!(answer.header("www-authenticate").is_some(), status == 401);
    }
    assert_eq!(running.get("/plain").await.header("www-authenticate"), Some("Basic realm=\"staff\""));
}

#[tokio::test]
async fn the_username_may_stand_in_another_attribute() {
    let (ldap, upstream) = (Ldap::start(LdapMode::Usual), Upstream::start().await);
    let base = json!({"base_dn": "dc=example,dc=org", "uid": "ou"});
    let running = start(with_consumers(routes(&upstream, &[("ou", config(ldap.port(), &base))])));
    // There is such an entry; it has no password, so nobody is it.
    refused(&running, "/ou", &[("authorization", &basic("users:x"))], INVALID).await;
}

#[tokio::test]
async fn without_any_such_consumer_it_says_so_after_the_password_was_right() {
    let (ldap, upstream) = (Ldap::start(LdapMode::Usual), Upstream::start().await);
    let mut snapshot = routes(&upstream, &[("plain", config(ldap.port(), &json!({})))]);
    let running = start(snapshot.clone());
    refused(&running, "/plain", &[("authorization", &basic("user01:password1"))], NO_CONSUMER).await;
    refused(&running, "/plain", &[("authorization", &basic("user01:x"))], INVALID).await;
    // A consumer whose reference has no value: it is nobody.
    snapshot.revision = 2;
    is_user(&mut snapshot, "alice", "cn=user01,ou=users,dc=example,dc=org");
    snapshot.keys = Shards::default();
    running.publish(snapshot).await;
    refused(&running, "/plain", &[("authorization", &basic("user01:password1"))], INVALID).await;
}

#[tokio::test]
async fn a_directory_that_does_not_answer_lets_nobody_pass_and_blames_nobody() {
    let (mut ldap, upstream) = (Ldap::start(LdapMode::Strict), Upstream::start().await);
    let wrong_ca = Ldap::start(LdapMode::Usual).ca().to_owned();
    let tls = json!({"use_tls": true, "tls_verify": true, "ca_certificate": wrong_ca});
    let running = start(with_consumers(routes(
        &upstream,
        &[
            ("strict", config(ldap.port(), &json!({}))),
            ("wrong_ca", config(ldap.tls_port(), &tls)),
            ("start_tls", config(ldap.port(), &json!({"start_tls": true}))),
        ],
    )));
    let good = basic("user01:password1");
    let unknown = |target: &'static str| {
        let (running, good) = (&running, &good);
        async move {
            let answer = running.get_with(target, &[("authorization", good)]).await;
            assert_eq!(answer.status, 503, "{target}");
            assert!(answer.json()["message"].as_str().unwrap().contains("directory"), "{target}");
            assert_eq!(answer.header("www-authenticate"), None, "another password would not help");
        }
    };
    unknown("/strict").await;
    unknown("/wrong_ca").await;
    assert_eq!(running.get_with("/start_tls", &[("authorization", &good)]).await.status, 200);
    ldap.stop();
    unknown("/start_tls").await;
    ldap.restart();
    assert_eq!(running.get_with("/start_tls", &[("authorization", &good)]).await.status, 200);
}
