//! jwt-auth from the outside. Which key checks which signature is tested in `crates/signatures`.

use crate::support::{NOW, Running, give, guarded_route, nodes, snapshot, start};
use crate::upstream::Upstream;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use postern::credential::{CredentialType, JwtAlgorithm};
use postern::plugin::PluginName;
use postern::sensitive::Plain;
use postern::snapshot::{Prepared, Proof, Snapshot};
use serde_json::{Value, json};

const MISSING: &str = "Missing JWT token in request";
const UNREADABLE: &str = "JWT token invalid";
const NO_KEY: &str = "missing user key in JWT token";
const UNKNOWN: &str = "Invalid user key in JWT token";
const UNVERIFIED: &str = "failed to verify jwt";

/// The specification's tokens (key alice-key, secret alice-secret).
pub(crate) const GOOD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJrZXkiOiJhbGljZS1rZXkiLCJleHAiOjQxMDI0NDQ4MDB9.CJwa4B_3I1fpAdJwXFi5jKrSm8To0y7jFdjm9kyHrz8";
pub(crate) const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJrZXkiOiJhbGljZS1rZXkiLCJleHAiOjE3MDAwMDAwMDB9.5wIrO2L6v-RjIDoBry6iioHv2-5jv_l2whEapPF7TLs";
pub(crate) const HS512: &str = "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJrZXkiOiJhbGljZS1rZXkiLCJleHAiOjQxMDI0NDQ4MDB9.2g3ooBvslhL-Trk7lA0PoMVf1KfEsg6oGr8Jc1VGG9t3JUn4ovkvTthCmiV9hX7g2WLTa56v0vNb5QZulQ9hYg";
const NO_EXP: &str =
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJrZXkiOiJhbGljZS1rZXkifQ.BwEJlbSLSqlYQ5-qJUIZIUFj22h_92E7j5ToAtHrj14";

struct World {
    upstream: Upstream,
    running: Running,
    pair: EcdsaKeyPair,
    public_pem: String,
}

pub(crate) fn armed(
    snapshot: &mut Snapshot,
    consumer: &str,
    key: &str,
    algorithm: JwtAlgorithm,
    grace: u64,
    value: &str,
) {
    let keys = signatures::jwt_key(algorithm, false, &Plain::new(value.to_owned())).unwrap();
    let of = snapshot.fingerprint_key.of(value.as_bytes());
    let proof = Proof::Jwt { algorithm, grace_seconds: grace, key: Prepared { of, keys } };
    give(snapshot, consumer, CredentialType::JwtAuth, key, proof);
}

impl World {
    async fn new() -> Self {
        let upstream = Upstream::start().await;
        let guarded = |name: &str, json: &str| guarded_route(name, &format!("/{name}"), &[(PluginName::JwtAuth, json)]);
        let routes = vec![
            guarded("plain", "{}"),
            guarded("strict", r#"{"claims_to_verify": ["exp", "nbf"]}"#),
            guarded("only-nbf", r#"{"claims_to_verify": ["nbf"]}"#),
            guarded("other", r#"{"header": "x-token", "query": "t", "cookie": "c", "key_claim_name": "sub"}"#),
            guarded("hides", r#"{"hide_credentials": true}"#),
            guarded("anonymous", r#"{"anonymous_consumer": "nobody", "hide_credentials": true}"#),
        ];
        let mut snapshot = snapshot(nodes(&[(upstream.address, 1)]), routes);
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let der = pair.public_key().as_der().unwrap();
        let public_pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref()));
        armed(&mut snapshot, "alice", "alice-key", JwtAlgorithm::Hs256, 0, "alice-secret");
        armed(&mut snapshot, "bob", "bob-key", JwtAlgorithm::Es256, 0, &public_pem);
        armed(&mut snapshot, "carol", "carol-key", JwtAlgorithm::Hs256, 60, "carol-secret");
        Self { running: start(snapshot), upstream, pair, public_pem }
    }

    async fn refused(&self, target: &str, headers: &[(&str, &str)], message: &str) {
        let answer = self.running.get_with(target, headers).await;
        let body = format!("{{\"message\":\"{message}\"}}");
        assert_eq!(answer.summary(), (401, body.as_str()), "{target} {headers:?}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"jwt\""));
    }

    async fn passes(&self, target: &str, headers: &[(&str, &str)], consumer: &str) {
        let answer = self.running.get_with(target, headers).await;
        assert_eq!(answer.summary(), (200, "from upstream"), "{target} {headers:?}");
        assert_eq!(self.upstream.last().header("x-consumer-username"), Some(consumer));
    }
}

fn unsigned(header: &Value, payload: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload.to_string()))
}

fn with_signature(unsigned: &str, signature: &[u8]) -> String {
    format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn hs256(header: &Value, payload: &Value, secret: &[u8]) -> String {
    let text = unsigned(header, payload);
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
    with_signature(&text, signature.as_ref())
}

/// Alice's token with these claims besides her key.
pub(crate) fn alice(claims: Value) -> String {
    let mut payload = json!({ "key": "alice-key" });
    payload.as_object_mut().unwrap().append(&mut claims.as_object().unwrap().clone());
    hs256(&json!({ "alg": "HS256" }), &payload, b"alice-secret")
}

#[tokio::test]
async fn the_specifications_tokens() {
    let world = World::new().await;
    world.passes("/plain", &[("authorization", GOOD)], "alice").await;
    world.passes("/plain", &[("authorization", NO_EXP)], "alice").await;
    world.refused("/plain", &[("authorization", EXPIRED)], UNVERIFIED).await;
    world.refused("/plain", &[("authorization", HS512)], UNVERIFIED).await;
    world.refused("/strict", &[("authorization", NO_EXP)], UNVERIFIED).await;
}

#[tokio::test]
async fn the_token_is_looked_for_in_header_query_and_cookie() {
    let world = World::new().await;
    let bearer = format!("Bearer {GOOD}");
    let lower = format!("bearer {GOOD}");
    for value in [GOOD, &bearer, &lower] {
        world.passes("/plain?jwt=x", &[("authorization", value), ("cookie", "jwt=x")], "alice").await;
    }
    world.passes(&format!("/plain?jwt={GOOD}"), &[("cookie", "jwt=x")], "alice").await;
    world.passes("/plain", &[("cookie", &format!("a=1; jwt={GOOD}; b=2"))], "alice").await;
    world.refused("/plain", &[], MISSING).await;
    world.refused("/plain?token=x", &[("cookie", "jwtx=1; xjwt=2"), ("x-token", GOOD)], MISSING).await;
    let (query, cookie) = (format!("/plain?jwt={GOOD}"), format!("jwt={GOOD}"));
    // What comes first decides.
    world.refused(&query, &[("authorization", "x"), ("cookie", &cookie)], UNREADABLE).await;
    world.refused("/plain?jwt=x", &[("cookie", &cookie)], UNREADABLE).await;
    // Two different ones are none.
    world.refused("/plain", &[("authorization", GOOD), ("authorization", NO_EXP)], UNREADABLE).await;
    world.refused(&format!("{query}&jwt={NO_EXP}"), &[], UNREADABLE).await;
    world.refused("/plain", &[("cookie", &format!("{cookie}; jwt={NO_EXP}"))], UNREADABLE).await;
    let other = hs256(&json!({ "alg": "HS256" }), &json!({ "sub": "alice-key" }), b"alice-secret");
    world.passes("/other", &[("x-token", &other)], "alice").await;
    world.passes(&format!("/other?t={other}"), &[("authorization", "x")], "alice").await;
    world.passes("/other", &[("cookie", &format!("c={other}"))], "alice").await;
    world.refused("/other", &[("x-token", GOOD)], NO_KEY).await;
    world.refused("/other", &[("authorization", GOOD)], MISSING).await;
}

#[tokio::test]
async fn what_is_no_token_is_told_from_one_of_nobody() {
    let world = World::new().await;
    let (header, payload, signature) = {
        let mut parts = GOOD.split('.');
        (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap())
    };
    let crit = hs256(&json!({"alg": "HS256", "crit": ["exp"]}), &json!({"key": "alice-key"}), b"alice-secret");
    let no_alg = hs256(&json!({"typ": "JWT"}), &json!({"key": "alice-key"}), b"alice-secret");
    let list = URL_SAFE_NO_PAD.encode("[1]");
    let deep = URL_SAFE_NO_PAD.encode("[".repeat(5000));
    for token in [
        "",
        ".",
        "..",
        "...",
        "x",
        "x.y.z",
        "Bearer",
        "Basic YTpi",
        &crit,
        &no_alg,
        &format!("{header}.{payload}"),
        &format!("{header}.{payload}.{signature}.x"),
        &format!("{header}={payload}.{signature}"),
        &format!("{list}.{payload}.{signature}"),
        &format!("{header}.{list}.{signature}"),
        &format!("{deep}.{payload}.{signature}"),
        &format!("{header}.{deep}.{signature}"),
        &format!("{header}== .{payload}.{signature}"),
    ] {
        world.refused("/plain", &[("authorization", token)], UNREADABLE).await;
    }
    let signed = |payload: Value| hs256(&json!({ "alg": "HS256" }), &payload, b"alice-secret");
    for payload in [json!({}), json!({"key": 1}), json!({"key": null}), json!({"key": ""}), json!({"Key": "alice-key"})]
    {
        world.refused("/plain", &[("authorization", &signed(payload))], NO_KEY).await;
    }
    for key in ["alice", "ALICE-KEY", "alice-key ", "$secret://vault/my-vault/consumer/alice/key"] {
        world.refused("/plain", &[("authorization", &signed(json!({ "key": key })))], UNKNOWN).await;
    }
}

#[tokio::test]
async fn a_token_that_another_hand_made_is_refused() {
    let world = World::new().await;
    let payload = json!({ "key": "alice-key" });
    let bobs = json!({ "key": "bob-key" });
    let plain = json!({ "alg": "HS256" });
    let none = |alg: &str, payload: &Value| unsigned(&json!({ "alg": alg }), payload);
    let (header, rest) = GOOD.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let forged = URL_SAFE_NO_PAD.encode(json!({"key": "alice-key", "exp": 4_102_444_801u64}).to_string());
    let ecdsa = world.pair.sign(&SystemRandom::new(), unsigned(&plain, &payload).as_bytes()).unwrap();
    for token in [
        // Unsigned, in every spelling.
        format!("{}.", none("none", &payload)),
        format!("{}.", none("None", &payload)),
        format!("{}.", none("NONE", &payload)),
        format!("{}.", none("", &payload)),
        format!("{}.", none("HS256", &payload)),
        format!("{}.", none("ES256", &bobs)),
        format!("{}.{signature}", none("none", &payload)),
        // Another secret, the reference's text, the empty one.
        hs256(&plain, &payload, b"alice-secre"),
        hs256(&plain, &payload, b""),
        hs256(&plain, &payload, b"$secret://vault/my-vault/consumer/alice/secret"),
        hs256(&plain, &payload, b"carol-secret"),
        // The public key as a secret: RS/ES taken for HS (CVE-2015-9235).
        hs256(&plain, &bobs, world.public_pem.as_bytes()),
        hs256(&plain, &bobs, world.public_pem.trim().as_bytes()),
        hs256(&json!({ "alg": "ES256" }), &bobs, world.public_pem.as_bytes()),
        // A signature of another kind, or another algorithm's name over a good one.
        with_signature(&unsigned(&plain, &payload), ecdsa.as_ref()),
        hs256(&json!({ "alg": "HS512" }), &payload, b"alice-secret"),
        hs256(&json!({ "alg": "hs256" }), &payload, b"alice-secret"),
        // A key that the token brings along.
        hs256(&json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "YXR0YWNrZXI"}}), &payload, b"attacker"),
        hs256(&json!({"alg": "HS256", "jku": "http://127.0.0.1:1/keys", "kid": "../../dev/null"}), &payload, b""),
        hs256(&json!({"alg": "HS256", "kid": "' UNION SELECT 'attacker"}), &payload, b"attacker"),
        // Changed after it was signed.
        format!("{header}.{forged}.{signature}"),
        format!("{header}.{rest}A"),
        GOOD[..GOOD.len() - 2].to_owned(),
        format!("{}.!!!!", GOOD.rsplit_once('.').unwrap().0),
        // r and s that are zero (CVE-2022-21449), and a signature in DER.
        with_signature(&unsigned(&json!({ "alg": "ES256" }), &bobs), &[0; 64]),
        with_signature(&unsigned(&json!({ "alg": "ES256" }), &bobs), &[0x30, 6, 2, 1, 1, 2, 1, 1]),
    ] {
        world.refused("/plain", &[("authorization", &token)], UNVERIFIED).await;
    }
    assert!(world.upstream.seen().is_empty());
    let text = unsigned(&json!({"alg": "ES256", "kid": "ignored"}), &bobs);
    let good = world.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
    world.passes("/plain", &[("authorization", &with_signature(&text, good.as_ref()))], "bob").await;
}

#[tokio::test]
async fn times_are_checked_when_they_are_there() {
    let world = World::new().await;
    let now = NOW;
    for (target, claims, passes) in [
        ("/plain", json!({}), true),
        ("/plain", json!({ "exp": now + 1 }), true),
        ("/plain", json!({ "exp": now }), false),
        ("/plain", json!({ "exp": now - 1 }), false),
        ("/plain", json!({ "exp": 0 }), false),
        ("/plain", json!({ "exp": -1 }), false),
        ("/plain", json!({ "exp": "4102444800" }), false),
        ("/plain", json!({ "exp": null }), false),
        ("/plain", json!({ "exp": true }), false),
        ("/plain", json!({ "exp": [now + 1] }), false),
        ("/plain", json!({ "exp": 1e300 }), true),
        ("/plain", json!({ "exp": now as f64 + 0.5 }), true),
        ("/plain", json!({ "nbf": now - 1 }), true),
        ("/plain", json!({ "nbf": now }), false),
        ("/plain", json!({ "nbf": now + 1 }), false),
        ("/plain", json!({ "nbf": "0" }), false),
        ("/strict", json!({ "exp": now + 1, "nbf": now - 1 }), true),
        ("/strict", json!({ "exp": now + 1 }), false),
        ("/strict", json!({ "nbf": now - 1 }), false),
        ("/only-nbf", json!({ "nbf": now - 1 }), true),
        ("/only-nbf", json!({ "exp": now + 1 }), false),
        ("/only-nbf", json!({ "nbf": now - 1, "exp": now - 1 }), false),
    ] {
        let token = alice(claims.clone());
        let headers = [("authorization", token.as_str())];
        if passes {
            world.passes(target, &headers, "alice").await
        } else {
            world.refused(target, &headers, UNVERIFIED).await
        }
    }
    // Carol's clock may differ by a minute.
    for (claims, passes) in [
        (json!({ "key": "carol-key", "exp": now - 59 }), true),
        (json!({ "key": "carol-key", "exp": now - 60 }), false),
        (json!({ "key": "carol-key", "nbf": now + 59 }), true),
        (json!({ "key": "carol-key", "nbf": now + 60 }), false),
    ] {
        let token = hs256(&json!({ "alg": "HS256" }), &claims, b"carol-secret");
        let headers = [("authorization", token.as_str())];
        if passes {
            world.passes("/plain", &headers, "carol").await
        } else {
            world.refused("/plain", &headers, UNVERIFIED).await
        }
    }
}

#[tokio::test]
async fn the_token_is_hidden_where_it_was_read() {
    let world = World::new().await;
    let cookie = format!("a=1;jwt={GOOD} ; b=2");
    world.passes("/hides?jwt=x&a=1", &[("authorization", GOOD), ("cookie", "jwt=y; a=1")], "alice").await;
    let seen = world.upstream.last();
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (None, Some("jwt=y; a=1")));
    assert_eq!(seen.target, "/hides?jwt=x&a=1");
    world.passes(&format!("/hides?a=1&jwt={GOOD}"), &[("cookie", "jwt=y")], "alice").await;
    let seen = world.upstream.last();
    assert_eq!((seen.target.as_str(), seen.header("cookie")), ("/hides?a=1", Some("jwt=y")));
    world.passes("/hides", &[("cookie", &cookie)], "alice").await;
    assert_eq!(world.upstream.last().header("cookie"), Some("a=1; b=2"));
    world.passes("/hides", &[("cookie", &format!("jwt={GOOD}"))], "alice").await;
    assert_eq!(world.upstream.last().header("cookie"), None);

    world.passes("/anonymous", &[], "nobody").await;
    world.passes("/anonymous?jwt=x&b=1", &[("authorization", EXPIRED), ("cookie", "jwt=z; a=1")], "nobody").await;
    let seen = world.upstream.last();
    assert_eq!((seen.header("authorization"), seen.header("cookie")), (None, Some("a=1")));
    assert_eq!((seen.target.as_str(), seen.header("x-credential-identifier")), ("/anonymous?b=1", None));
    world.passes("/anonymous", &[("authorization", GOOD)], "alice").await;
}
