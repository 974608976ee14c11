//! Why a request was refused, as the access log tells the operator what the client is not told.

use crate::hmac_auth::{self, DATE};
use crate::jwt_auth::{self, EXPIRED, GOOD, HS512};
use crate::support::{Running, closed_address, give, guarded_route, id, nodes, route, snapshot, start_with};
use crate::upstream::{receive, scripted};
use gateway::{AccessLogConfig, AccessLogFormat, AccessLogTarget, GatewayConfig};
use postern::credential::{CredentialType, JwtAlgorithm};
use postern::plugin::PluginName;
use postern::routing::{Route, Service, Upstream};
use postern::snapshot::{LiveField, Proof, Snapshot};
use postern::time::{Clock, Millis};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use PluginName::{BasicAuth, ConsumerRestriction, HmacAuth, IpRestriction, JwtAuth, KeyAuth, LimitCount, ProxyRewrite};

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Millis {
        Millis(1_795_348_800_000)
    }
}

/// A gateway whose access log is in a folder.
struct Logged {
    folder: tempfile::TempDir,
    running: Running,
}

impl Logged {
    fn start(snapshot: Snapshot) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let target = AccessLogTarget::File(Self::path(&folder));
        let log = AccessLogConfig { target, format: AccessLogFormat::Json, clock: Arc::new(Noon) };
        let config = GatewayConfig { workers: 1, access_log: Some(log), ..GatewayConfig::default() };
        Self { running: start_with(config, snapshot), folder }
    }

    fn path(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("access.log")
    }

    /// Each line's status, plugin and reason.
    async fn lines(self) -> Vec<Value> {
        self.running.gateway.shutdown(Duration::from_secs(20)).await;
        let text = std::fs::read_to_string(Self::path(&self.folder)).unwrap();
        for secret in ["canary", "alice-key", "alice-secret", "alice-password", "eyJ"] {
            assert!(!text.contains(secret), "{secret} is in\n{text}");
        }
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn guarded(name: &str, plugin: PluginName, json: &str) -> Route<LiveField> {
    guarded_route(name, &format!("/{name}"), &[(plugin, json)])
}

/// A request, and what the log has of it: status, plugin, reason.
type Case = (&'static str, Vec<(&'static str, String)>, (u16, Value, &'static str));

fn told(line: &Value) -> (u16, Value, String) {
    let status = u16::try_from(line["status"].as_u64().unwrap()).unwrap();
    (status, line["refused_by"].clone(), line["reason"].as_str().unwrap_or_default().to_owned())
}

async fn check(snapshot: Snapshot, cases: Vec<Case>) {
    let logged = Logged::start(snapshot);
    for (target, headers, _) in &cases {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        logged.running.get_with(target, &headers).await;
    }
    let lines = logged.lines().await;
    let got: Vec<_> = lines.iter().map(told).collect();
    let expected: Vec<_> = cases.into_iter().map(|(_, _, (status, by, why))| (status, by, why.to_owned())).collect();
    assert_eq!(got, expected);
}

#[tokio::test]
async fn the_log_names_the_plugin_and_what_it_did_not_tell_the_client() {
    let bearer = |token: &str| vec![("authorization", format!("Bearer {token}"))];
    let basic = |text: &'static str| vec![("authorization", text.to_owned())];
    let signed = |date: &str, value: String| vec![("date", date.to_owned()), ("authorization", value)];
    let good = hmac_auth::alice("@request-target date", &["GET /hmac", &format!("date: {DATE}")]);
    // A 404 without a reason is the upstream server's own.
    let mut cases: Vec<Case> = vec![
        ("/nowhere", vec![], (404, Value::Null, "404 Route Not Found")),
        ("/key", vec![], (401, json!("key-auth"), "Missing API key in request")),
        (
            "/key",
            vec![("apikey", "canary".to_owned())],
            (401, json!("key-auth"), "Invalid API key in request: no armed credential has this key"),
        ),
        (
            "/ghost",
            vec![],
            (401, json!("key-auth"), "Invalid user authorization: the anonymous consumer does not exist"),
        ),
        ("/basic", basic("Basic canary"), (401, json!("basic-auth"), "Invalid authorization in request")),
        (
            "/basic",
            basic("Basic Ym9iOng="),
            (401, json!("basic-auth"), "Invalid user authorization: no armed credential has this username"),
        ),
        (
            "/basic",
            basic("Basic YWxpY2U6eA=="),
            (401, json!("basic-auth"), "Invalid user authorization: the password is not the one of this username"),
        ),
        ("/open", vec![], (404, Value::Null, "")),
    ];
    for (token, why) in [
        (EXPIRED.to_owned(), "it has expired (exp)"),
        (HS512.to_owned(), "the token's alg is not the credential's algorithm"),
        (format!("{}A", &GOOD[..GOOD.len() - 2]), "the signature is not the credential's"),
        (jwt_auth::alice(json!({ "exp": "4102444800" })), "exp is not a number"),
        (jwt_auth::alice(json!({ "nbf": 4_102_444_800_u64, "exp": 4_102_444_800_u64 })), "it is not valid yet (nbf)"),
        (jwt_auth::alice(json!({})), "exp is missing"),
    ] {
        let reason = Box::leak(format!("failed to verify jwt: {why}").into_boxed_str());
        cases.push(("/jwt", bearer(&token), (401, json!("jwt-auth"), reason)));
    }
    for (date, value, why) in [
        ("Fri, 06 Sep 2024 06:41:30 GMT", good.clone(), "the signature is not this request's"),
        ("Fri, 06 Sep 2024 07:41:29 GMT", good.clone(), "Date is further away than clock_skew allows"),
        ("yesterday", good.clone(), "Date is not an HTTP date"),
        (DATE, good.replace("alice-keyid", "eve"), "no armed credential has this keyId"),
        (DATE, good.replace("hmac-sha256", "hmac-md5"), "algorithm is missing or unknown"),
        (
            DATE,
            hmac_auth::alice("@request-target", &["GET /hmac"]),
            "not every one of the plugin's signed_headers is signed",
        ),
        (DATE, "Signature canary".to_owned(), "the parameters of Authorization cannot be read"),
    ] {
        let reason = Box::leak(format!("client request can't be validated: {why}").into_boxed_str());
        cases.push(("/hmac", signed(date, value), (401, json!("hmac-auth"), reason)));
    }
    cases.extend([
        ("/address", vec![], (403, json!("ip-restriction"), "no entry")),
        (
            "/who",
            vec![],
            (
                401,
                json!("consumer-restriction"),
                "The request is rejected, please check the consumer_name for this request",
            ),
        ),
        ("/few", vec![], (404, Value::Null, "")),
        ("/few", vec![], (429, json!("limit-count"), "the limit is reached")),
        ("/secret", vec![], (503, json!("proxy-rewrite"), "a secret has no value; incident 0badcafe")),
    ]);
    let routes = vec![
        route("open", "/open"),
        guarded("key", KeyAuth, "{}"),
        guarded("ghost", KeyAuth, r#"{"anonymous_consumer": "ghost"}"#),
        guarded("basic", BasicAuth, "{}"),
        guarded("jwt", JwtAuth, r#"{"claims_to_verify": ["exp"]}"#),
        guarded("hmac", HmacAuth, "{}"),
        guarded("address", IpRestriction, r#"{"whitelist": ["192.0.2.1"], "message": "no entry"}"#),
        guarded("who", ConsumerRestriction, r#"{"whitelist": ["alice"]}"#),
        guarded(
            "few",
            LimitCount,
            r#"{"count": 1, "time_window": 3600, "rejected_code": 429, "_meta": {"error_response": "few"}}"#,
        ),
        guarded("secret", ProxyRewrite, r#"{"headers": {"set": {"x-token": "$secret://vault/v/p/k"}}}"#),
    ];
    let mut snapshot = snapshot(Upstream::BuiltinEcho, routes);
    let password = Proof::Password(snapshot.fingerprint_key.of(b"alice-password"));
    give(&mut snapshot, "alice", CredentialType::BasicAuth, "alice", password);
    jwt_auth::armed(&mut snapshot, "alice", "alice-key", JwtAlgorithm::Hs256, 0, "alice-secret");
    hmac_auth::arm(&mut snapshot, "alice", "alice-keyid", "alice-secret-key");
    check(snapshot, cases).await;
}

#[tokio::test]
async fn the_log_names_the_upstream_server_and_what_came_of_it() {
    let breaks_off = scripted(|_, mut stream| async move { drop(receive(&mut stream).await) }).await;
    let closed = closed_address();
    let mut snapshot = snapshot(nodes(&[(closed, 1)]), vec![route("closed", "/closed")]);
    let of = |name: &str| Route { service: id(name), ..route(name, &format!("/{name}")) };
    snapshot.routes = snapshot.routes.iter().cloned().chain([of("breaks")]).collect();
    let service =
        Service { id: id("breaks"), upstream: nodes(&[(breaks_off, 1)]), ..snapshot.services[&id("s")].clone() };
    snapshot.services =
        Arc::new(snapshot.services.values().cloned().chain([service]).map(|s| (s.id.clone(), s)).collect());
    let logged = Logged::start(snapshot);
    for target in ["/closed", "/breaks"] {
        assert_eq!(logged.running.get(target).await.status, 502);
    }
    let lines = logged.lines().await;
    for (line, server, why) in [
        (&lines[0], closed, "the connection was not accepted (Connection refused"),
        (&lines[1], breaks_off, "it broke off before it answered: "),
    ] {
        assert_eq!((&line["status"], &line["upstream"]), (&json!(502), &json!(server.to_string())));
        assert!(line["reason"].as_str().unwrap().starts_with(why), "{line}");
    }
}
