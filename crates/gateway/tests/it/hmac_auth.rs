//! hmac-auth from the outside.

use crate::support::{Answer, NOW, Running, give, guarded_route, nodes, snapshot, start_with};
use crate::upstream::{Upstream, receive, scripted};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::GatewayConfig;
use http_body_util::Full;
use hyper::body::Bytes;
use postern::credential::CredentialType;
use postern::plugin::PluginName;
use postern::sensitive::Plain;
use postern::snapshot::{Prepared, Proof, Snapshot};
use std::net::SocketAddr;
use std::process::Command;

pub(crate) const DATE: &str = "Fri, 06 Sep 2024 06:41:29 GMT";
const SHA1: &str = "xhOwPX5NOSuqLOF+3OGfioc0aZQ=";
const SHA_256: &str = "8wPZ5gUWtXoU0Ze9CxSUkQUDD1lLgJyMDmbptkzcsGg=";
const SHA512: &str = "gh2Kov4ckGseNcR0BEFmA71TtjpxPkr2sAUvaL6zq8QNjCuagYBOs1ofjUunn92beE4mZ1lL6As+okUtRMcSxg==";
const WITH_QUERY: &str = "rugDsK06gMX8K1dax1xS40EU2el26Cj3+g2iI79GhXI=";
const BODY: &str = r#"{"name":"world"}"#;
const BODY_DIGEST: &str = "SHA-256=wF89Qw4B4kyTYkPR4lJbgHfFZJhj66A4TKLYYJIrJOM=";

const MISSING: &str = "client request can't be validated: missing Authorization header";
const NO_SIGNATURE: &str = "client request can't be validated: Authorization header does not start with 'Signature'";
const INVALID: &str = "client request can't be validated";

struct World {
    upstream: Upstream,
    running: Running,
}

pub(crate) fn arm(snapshot: &mut Snapshot, consumer: &str, key_id: &str, secret: &str) {
    let keys = signatures::http_signature_keys(&Plain::new(secret.to_owned()));
    let of = snapshot.fingerprint_key.of(secret.as_bytes());
    let proof = Proof::HttpSignature(Prepared { of, keys: keys.into() });
    give(snapshot, consumer, CredentialType::HmacAuth, key_id, proof);
}

impl World {
    async fn new() -> Self {
        Self::with(GatewayConfig { workers: 2, ..GatewayConfig::default() }, |upstream| vec![(upstream, 1)]).await
    }

    /// `servers` says which servers there are, given one that records.
    async fn with(config: GatewayConfig, servers: impl FnOnce(SocketAddr) -> Vec<(SocketAddr, u32)>) -> Self {
        let upstream = Upstream::start().await;
        let guarded =
            |name: &str, json: &str| guarded_route(name, &format!("/{name}"), &[(PluginName::HmacAuth, json)]);
        let routes = vec![
            guarded("ip", "{}"),
            guarded("sha256", r#"{"allowed_algorithms": ["hmac-sha256"]}"#),
            guarded("skew", r#"{"clock_skew": 10}"#),
            guarded("strict", r#"{"signed_headers": ["@request-target", "date", "x-tenant"]}"#),
            guarded("nothing-signed", r#"{"signed_headers": []}"#),
            guarded("body", r#"{"validate_request_body": true, "max_req_body_size": 64}"#),
            guarded("body-or-nobody", r#"{"validate_request_body": true, "anonymous_consumer": "nobody"}"#),
            guarded_route(
                "limited",
                "/limited",
                &[
                    (PluginName::HmacAuth, r#"{"validate_request_body": true}"#),
                    (PluginName::LimitCount, r#"{"count": 1, "time_window": 3600, "key": "consumer_name"}"#),
                ],
            ),
            guarded("hides", r#"{"hide_credentials": true}"#),
            guarded("anonymous", r#"{"anonymous_consumer": "nobody", "hide_credentials": true}"#),
        ];
        let mut snapshot = snapshot(nodes(&servers(upstream.address)), routes);
        arm(&mut snapshot, "alice", "alice-keyid", "alice-secret-key");
        arm(&mut snapshot, "bob", "bob-keyid", "bob-secret-key");
        Self { running: start_with(config, snapshot), upstream }
    }

    async fn refused(&self, target: &str, headers: &[(&str, &str)], message: &str) {
        let answer = self.running.get_with(target, headers).await;
        let body = format!("{{\"message\":\"{message}\"}}");
        assert_eq!(answer.summary(), (401, body.as_str()), "{target} {headers:?}");
        assert_eq!(answer.header("www-authenticate"), Some("hmac realm=\"hmac\""));
    }

    async fn passes(&self, target: &str, headers: &[(&str, &str)], consumer: &str) {
        let answer = self.running.get_with(target, headers).await;
        assert_eq!(answer.summary(), (200, "from upstream"), "{target} {headers:?}");
        assert_eq!(self.upstream.last().header("x-consumer-username"), Some(consumer));
    }

    async fn post(&self, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let request =
            headers.iter().fold(self.running.request("POST", target), |r, (name, value)| r.header(*name, *value));
        self.running.send(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
    }
}

fn authorization(algorithm: &str, signature: &str) -> String {
    format!(
        "Signature keyId=\"alice-keyid\",algorithm=\"{algorithm}\",headers=\"@request-target date\",signature=\"{signature}\""
    )
}

/// Alice's signature by hmac-sha256 of these lines.
fn signed(key_id: &str, secret: &str, names: &str, lines: &[&str]) -> String {
    let text: String = [key_id].iter().chain(lines).map(|line| format!("{line}\n")).collect();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), text.as_bytes());
    let signature = STANDARD.encode(signature);
    format!("Signature keyId=\"{key_id}\",algorithm=\"hmac-sha256\",headers=\"{names}\",signature=\"{signature}\"")
}

pub(crate) fn alice(names: &str, lines: &[&str]) -> String {
    signed("alice-keyid", "alice-secret-key", names, lines)
}

/// A gateway that validates bodies, and the head of a request with a good signature for one, without its end.
pub(crate) async fn unsigned_body(config: GatewayConfig) -> (Running, String) {
    let world = World::with(config, |upstream| vec![(upstream, 1)]).await;
    let value = alice("date", &[&format!("date: {DATE}")]);
    let head = "POST /body-or-nobody HTTP/1.1\r\nHost: a\r\n";
    let head = format!("{head}Date: {DATE}\r\nDigest: {BODY_DIGEST}\r\nAuthorization: {value}\r\n");
    (world.running, head)
}

/// A body that had to be read before can be sent twice.
#[tokio::test]
async fn a_body_that_was_validated_goes_to_the_next_server() {
    let breaks = scripted(|_, mut stream| async move { drop(receive(&mut stream).await) }).await;
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    for (method, status) in [("PUT", 200), ("POST", 502)] {
        let world = World::with(config.clone(), |upstream| vec![(breaks, 1), (upstream, 1)]).await;
        let value = alice("date digest", &[&format!("date: {DATE}"), &format!("digest: {BODY_DIGEST}")]);
        let request = world.running.request(method, "/body").header("date", DATE).header("digest", BODY_DIGEST);
        let request = request.header("authorization", value).body(Full::new(Bytes::from_static(BODY.as_bytes())));
        assert_eq!(world.running.send(request.unwrap()).await.status, status, "{method}");
        assert!(world.upstream.seen().iter().all(|seen| seen.body_length == BODY.len()), "{method}");
    }
}

/// The documented lines, word for word but for the date and the port: OpenSSL signs, and curl sends.
#[tokio::test]
async fn openssl_and_curl_are_clients_as_documented() {
    let documented = include_str!("../../../../docs/credentials.md");
    let (_, rest) = documented.split_once("```sh\ndate=$(date -u '+%a, %d %b %Y %H:%M:%S GMT')\n").unwrap();
    let (lines, _) = rest.split_once("```").unwrap();
    let world = World::new().await;
    for (secret, status) in [("alice-secret-key", "200"), ("another-secret-key", "401")] {
        let lines = lines.replace("127.0.0.1:9080", &world.running.address.to_string());
        let lines =
            lines.replace("alice-secret-key", secret).replace("curl ", "curl -s -o /dev/null -w '%{http_code}' ");
        let script = format!("set -eu\ndate='{DATE}'\n{lines}");
        let said = tokio::task::spawn_blocking(|| Command::new("bash").arg("-c").arg(script).output().unwrap());
        let said = said.await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), status, "{}", String::from_utf8_lossy(&said.stderr));
    }
}

#[tokio::test]
async fn the_specifications_signatures() {
    let world = World::new().await;
    for (algorithm, signature) in [("hmac-sha1", SHA1), ("hmac-sha256", SHA_256), ("hmac-sha512", SHA512)] {
        let value = authorization(algorithm, signature);
        world.passes("/ip", &[("date", DATE), ("authorization", &value)], "alice").await;
    }
    let value = authorization("hmac-sha256", WITH_QUERY);
    world.passes("/ip?a=1", &[("date", DATE), ("authorization", &value)], "alice").await;
    assert_eq!(format!("SHA-256={}", STANDARD.encode(digest(&SHA256, BODY.as_bytes()))), BODY_DIGEST);
}

#[tokio::test]
async fn the_header_is_read_as_documented() {
    let world = World::new().await;
    let date = ("date", DATE);
    world.refused("/ip", &[date], MISSING).await;
    for value in ["", "Basic YTpi", "signature keyId=\"alice-keyid\"", "Bearer Signature", "keyId=\"alice-keyid\""] {
        world.refused("/ip", &[date, ("authorization", value)], NO_SIGNATURE).await;
    }
    let good = authorization("hmac-sha256", SHA_256);
    let shuffled = format!(
        "Signature signature=\"{SHA_256}\", headers=\"@request-target date\" , other=\"x\",algorithm=\"hmac-sha256\",keyId=\"alice-keyid\""
    );
    world.passes("/ip", &[date, ("authorization", &shuffled)], "alice").await;
    for value in [
        "Signature",
        "Signature ",
        "Signature keyId",
        "Signature keyId=alice-keyid",
        &good.replace("keyId=\"alice-keyid\",", ""),
        &good.replace("algorithm=\"hmac-sha256\",", ""),
        &good.replace("headers=\"@request-target date\",", ""),
        &good.replace(&format!(",signature=\"{SHA_256}\""), ""),
        &good.replace("alice-keyid", "nobody"),
        &good.replace("alice-keyid", ""),
        &good.replace("alice-keyid", "Alice-keyid"),
        &good.replace("alice-keyid", "bob-keyid"),
        &good.replace("hmac-sha256", "hmac-sha1"),
        &good.replace("hmac-sha256", "hmac-sha512"),
        &good.replace("hmac-sha256", "hmac-md5"),
        &good.replace("hmac-sha256", "none"),
        &good.replace("hmac-sha256", ""),
        &good.replace(SHA_256, ""),
        &good.replace(SHA_256, "!!!!"),
        &good.replace(SHA_256, &SHA_256.to_lowercase()),
        &good.replace(SHA_256, &SHA_256[..20]),
        &good.replace("@request-target date", "date"),
        &good.replace("@request-target date", "date @request-target"),
        &good.replace("@request-target date", "@request-target date host"),
        &good.replace("@request-target date", "@request-target Date"),
        // Said twice: which of them counts could be argued about.
        &format!("{good},keyId=\"bob-keyid\""),
        &format!("{good},signature=\"{SHA1}\""),
        &format!("{good},algorithm=\"hmac-sha1\""),
    ] {
        world.refused("/ip", &[date, ("authorization", value)], INVALID).await;
    }
    let other = authorization("hmac-sha256", SHA1);
    world.refused("/ip", &[date, ("authorization", &good), ("authorization", &other)], INVALID).await;
    assert_eq!(world.upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_signature_is_good_for_its_request_alone() {
    let world = World::new().await;
    let good = authorization("hmac-sha256", SHA_256);
    let sent = [("date", DATE), ("authorization", good.as_str())];
    world.passes("/ip", &sent, "alice").await;
    for target in ["/ip?", "/ip?a=1", "/ip?a=1&b", "/%69p", "/x/../ip", "//ip"] {
        let answer = world.running.get_with(target, &sent).await;
        assert_ne!(answer.status, 200, "{target}");
    }
    let answer = world.post("/ip", &sent, "").await;
    assert_eq!(answer.status, 401);
    // Replayed with another date, near enough to now to be looked at.
    world.refused("/ip", &[("date", "Fri, 06 Sep 2024 06:41:30 GMT"), sent[1]], INVALID).await;
    world.refused("/ip", &[sent[1]], INVALID).await;
    world.refused("/ip", &[("x-date", DATE), sent[1]], INVALID).await;
    world.refused("/ip", &[("date", DATE), ("date", "Fri, 06 Sep 2024 06:41:30 GMT"), sent[1]], INVALID).await;
    // Said to be for the gateway alone, the header is gone before it is looked at.
    world.refused("/ip", &[sent[0], sent[1], ("connection", "date")], INVALID).await;
}

#[tokio::test]
async fn the_date_must_be_near() {
    let world = World::new().await;
    assert_eq!(httpdate::parse_http_date(DATE).unwrap(), std::time::UNIX_EPOCH + std::time::Duration::from_secs(NOW));
    for (target, date, passes) in [
        ("/ip", "Fri, 06 Sep 2024 06:46:29 GMT", true),
        ("/ip", "Fri, 06 Sep 2024 06:36:29 GMT", true),
        ("/ip", "Fri, 06 Sep 2024 06:46:30 GMT", false),
        ("/ip", "Fri, 06 Sep 2024 06:36:28 GMT", false),
        ("/ip", "Fri, 06 Sep 2019 06:41:29 GMT", false),
        ("/ip", "Fri Sep  6 06:41:29 2024", true),
        ("/ip", "2024-09-06T06:41:29Z", false),
        ("/ip", "1725604889", false),
        ("/ip", "now", false),
        ("/ip", "", false),
        ("/skew", "Fri, 06 Sep 2024 06:41:39 GMT", true),
        ("/skew", "Fri, 06 Sep 2024 06:41:40 GMT", false),
        // Needed also where it need not be signed.
        ("/nothing-signed", "Fri, 06 Sep 2019 06:41:29 GMT", false),
        ("/nothing-signed", DATE, true),
    ] {
        let value = alice("date", &[&format!("date: {date}")]);
        let headers = [("date", date), ("authorization", value.as_str())];
        if passes {
            world.passes(target, &headers, "alice").await
        } else {
            world.refused(target, &headers, INVALID).await
        }
    }
    let unsigned = alice("", &[]);
    world.passes("/nothing-signed", &[("date", DATE), ("authorization", &unsigned)], "alice").await;
    world.refused("/nothing-signed", &[("authorization", &unsigned)], INVALID).await;
    world.refused("/ip", &[("date", DATE), ("authorization", &unsigned)], INVALID).await;
}

#[tokio::test]
async fn what_must_be_signed_is_signed_once() {
    let world = World::new().await;
    let date_line = format!("date: {DATE}");
    let lines = ["GET /strict", &date_line, "X-Tenant: a"];
    let value = alice("@request-target date X-Tenant", &lines);
    world.passes("/strict", &[("date", DATE), ("x-tenant", "a"), ("authorization", &value)], "alice").await;
    world.refused("/strict", &[("date", DATE), ("x-tenant", "b"), ("authorization", &value)], INVALID).await;
    world.refused("/strict", &[("date", DATE), ("authorization", &value)], INVALID).await;
    // A second value slipped in beside the signed one.
    let slipped = [("date", DATE), ("x-tenant", "a"), ("x-tenant", "admin"), ("authorization", value.as_str())];
    world.refused("/strict", &slipped, INVALID).await;
    let fewer = alice("@request-target date", &lines[..2]);
    world.refused("/strict", &[("date", DATE), ("x-tenant", "a"), ("authorization", &fewer)], INVALID).await;
    let sha1 = authorization("hmac-sha1", SHA1);
    world.refused("/sha256", &[("date", DATE), ("authorization", &sha1)], INVALID).await;
    // A client cannot have a line of its own making signed for another's header.
    let injected = alice("date", &[&format!("{date_line}\nx-consumer-username: admin")]);
    world.refused("/ip", &[("date", DATE), ("authorization", &injected)], INVALID).await;
    let bob =
        signed("bob-keyid", "bob-secret-key", "date host", &[&date_line, &format!("host: {}", world.running.address)]);
    world.passes("/ip", &[("date", DATE), ("authorization", &bob)], "bob").await;
    let stolen = signed("alice-keyid", "bob-secret-key", "date", &[&date_line]);
    world.refused("/ip", &[("date", DATE), ("authorization", &stolen)], INVALID).await;
}

#[tokio::test]
async fn the_body_must_be_the_one_of_the_digest() {
    let world = World::new().await;
    let date_line = format!("date: {DATE}");
    let value = alice("date digest", &[&date_line, &format!("digest: {BODY_DIGEST}")]);
    let sent = [("date", DATE), ("digest", BODY_DIGEST), ("authorization", value.as_str())];
    assert_eq!(world.post("/body", &sent, BODY).await.summary(), (200, "from upstream"));
    assert_eq!(world.upstream.last().body_length, BODY.len());
    let before = world.upstream.seen().len();
    for body in ["", r#"{"name":"World"}"#, "{\"name\":\"world\"}\n"] {
        assert_eq!(world.post("/body", &sent, body).await.status, 401, "{body}");
    }
    let plain = alice("date", &[&date_line]);
    for digest in ["", "SHA-256=", "SHA-512=abc", &BODY_DIGEST.to_lowercase(), &BODY_DIGEST[8..], "SHA-256=!!"] {
        let sent = [("date", DATE), ("digest", digest), ("authorization", plain.as_str())];
        assert_eq!(world.post("/body", &sent, BODY).await.status, 401, "{digest}");
    }
    assert_eq!(world.post("/body", &[("date", DATE), ("authorization", &plain)], BODY).await.status, 401);
    let long = "x".repeat(65);
    let answer = world.post("/body", &sent, &long).await;
    assert_eq!((answer.status.as_u16(), answer.json()["message"].is_string()), (413, true));
    assert_eq!(world.upstream.seen().len(), before, "nothing of them was passed on");

    assert_eq!(world.post("/body-or-nobody", &sent, BODY).await.status, 200);
    assert_eq!(world.upstream.last().header("x-consumer-username"), Some("alice"));
    assert_eq!(world.post("/body-or-nobody", &sent, "other").await.status, 200);
    assert_eq!(world.upstream.last().header("x-consumer-username"), Some("nobody"));
}

#[tokio::test]
async fn a_wrong_body_uses_up_nobodys_limit() {
    let world = World::new().await;
    let value = alice("date digest", &[&format!("date: {DATE}"), &format!("digest: {BODY_DIGEST}")]);
    let sent = [("date", DATE), ("digest", BODY_DIGEST), ("authorization", value.as_str())];
    for (body, status) in [("other", 401), ("other", 401), (BODY, 200), ("other", 401), (BODY, 503)] {
        assert_eq!(world.post("/limited", &sent, body).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn the_signature_is_hidden_if_wanted() {
    let world = World::new().await;
    let value = alice("date", &[&format!("date: {DATE}")]);
    let sent = [("date", DATE), ("authorization", value.as_str())];
    world.passes("/ip", &sent, "alice").await;
    assert_eq!(world.upstream.last().header("authorization"), Some(value.as_str()));
    world.passes("/hides", &sent, "alice").await;
    assert_eq!(world.upstream.last().header("authorization"), None);
    for headers in [&[][..], &[("date", DATE), ("authorization", "Signature x")]] {
        world.passes("/anonymous", headers, "nobody").await;
        assert_eq!(world.upstream.last().header("authorization"), None);
    }
}
