//! Test Connection: each stage asks the least that tells what the operator needs to know.
//!
//! Needs nothing but what Vault's `default` policy gives every token; never lists, never reads a secret.

use super::access::capabilities;
use super::client::Answer;
use super::mount::Found;
use super::token::{Token, TokenState};
use super::{Vault, trust};
use crate::network::Place;
use crate::stages::{self, Staged};
use async_trait::async_trait;
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::provider::vault::{AuthMethod, Kv, Mount, read_policy};
use postern::reason::Reason;
use postern::resolve::{DeniedBecause, Explanation, Failure, InvalidBecause, UnreachableBecause};
use postern::time::duration_text;
use reqwest::StatusCode;
use serde::Deserialize;
use std::net::SocketAddr;

/// A token that ends sooner is worth a warning, in seconds.
const SHORT_LIFE: u64 = 86_400;

/// Runs `stages` in order, and stops at the first that fails.
pub(super) async fn diagnose(vault: &Vault, stages: &[Stage]) -> Vec<StageResult> {
    let url = &vault.settings.url;
    let tls_name = vault.settings.server_name.as_ref().map_or_else(|| url.host(), |name| name.as_str()).to_owned();
    let place = Place { host: url.host().to_owned(), port: url.port(), tls_name, limits: vault.client.limits };
    let test = Test { vault, place, addresses: vec![], mount: None, policies: vec![] };
    stages::run(stages, test).await
}

/// What earlier stages found, for the later ones.
struct Test<'a> {
    vault: &'a Vault,
    place: Place,
    addresses: Vec<SocketAddr>,
    mount: Option<Mount>,
    policies: Vec<String>,
}

#[async_trait]
impl Staged for Test<'_> {
    async fn run(&mut self, stage: Stage) -> Result<Outcome, Failure> {
        match stage {
            Stage::Address => self.address().await,
            Stage::Connect => self.connect().await,
            Stage::Tls => self.tls().await,
            Stage::Health => self.health().await,
            Stage::Token => self.token().await,
            Stage::Mount => self.mount().await,
            Stage::Read => self.read().await,
            // Stages of other managers, and of Explain.
            Stage::AccessKey
            | Stage::Parse
            | Stage::Provider
            | Stage::Request
            | Stage::Answer
            | Stage::Key
            | Stage::Check
            | Stage::Field => Ok(Outcome::Skipped { why: "not a question for Vault".to_owned() }),
        }
    }
}

impl Test<'_> {
    fn unreachable(&self, why: UnreachableBecause) -> Failure {
        self.vault.client.unreachable(why)
    }

    async fn address(&mut self) -> Result<Outcome, Failure> {
        self.addresses = self.place.addresses().await.map_err(|why| self.unreachable(why))?;
        let found: Vec<String> = self.addresses.iter().map(|address| address.ip().to_string()).collect();
        Ok(Outcome::passed(found.join(", ")))
    }

    async fn connect(&self) -> Result<Outcome, Failure> {
        let connected = self.place.connect(&self.addresses).await;
        connected.map(|(_, address)| Outcome::passed(address.to_string())).map_err(|why| self.unreachable(why))
    }

    async fn tls(&self) -> Result<Outcome, Failure> {
        let settings = &self.vault.settings;
        if !settings.url.is_https() {
            return Ok(without_tls(&settings.url));
        }
        let version = self.place.shake_hands(&self.addresses, trust(settings)).await;
        let version = version.map_err(|why| self.unreachable(why))?;
        let trust = if settings.ca_certificate.is_some() { "the CA Certificate given here" } else { "this system" };
        let name = settings.server_name.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
        let shown = if settings.client_certificate.is_some() { "; the client certificate is ready" } else { "" };
        Ok(Outcome::passed(format!("{version}, certificate{name} trusted by {trust}{shown}")))
    }

    async fn health(&self) -> Result<Outcome, Failure> {
        let segments = ["sys", "health"].map(str::to_owned);
        let standby_counts = [("standbyok", "true"), ("perfstandbyok", "true")];
        let (status, body) = self.vault.client.get_openly(&segments, &standby_counts).await?;
        if status == StatusCode::BAD_REQUEST && body.starts_with(b"Client sent an HTTP request to an HTTPS server") {
            return Ok(Outcome::failed(
                Reason::TlsWanted,
                Explanation::new(
                    format!(
                        "{} listens with TLS, but the Vault Server URL begins with http://.",
                        self.vault.settings.url
                    ),
                    "Write https:// in the Vault Server URL.",
                ),
            ));
        }
        match (status.as_u16(), serde_json::from_slice::<Health>(&body)) {
            (_, Ok(Health { initialized: false, .. })) => Ok(Outcome::failed(
                Reason::VaultNotInitialised,
                Explanation::new(
                    format!("Vault at {} is not initialised.", self.vault.settings.url),
                    "Initialise and unseal it.",
                )
                .with("vault operator init"),
            )),
            (_, Ok(Health { sealed: true, .. })) | (503, _) => Err(self.vault.client.sealed()),
            // A secondary's answer (472, 473) is as good: it forwards what it cannot answer itself.
            (200 | 429 | 472 | 473, Ok(health)) => Ok(Outcome::passed(health.describe())),
            (200, Err(_)) => Err(self.unreachable(UnreachableBecause::NotUnderstood)),
            (status, _) => Err(self.unreachable(UnreachableBecause::Status { status })),
        }
    }

    async fn token(&mut self) -> Result<Outcome, Failure> {
        let method = self.vault.client.session.method();
        match self.vault.token().await? {
            TokenState::Good(token) => match self.vault.of_another_namespace(&token) {
                Some(why) => Err(Failure::Denied { path: "auth/token/lookup-self".to_owned(), why }),
                None => {
                    self.policies = token.all_policies();
                    Ok(judge(&token, method))
                }
            },
            TokenState::Shy => Ok(Outcome::Warned {
                reason: Reason::VaultTokenUnknown,
                found: if method.logs_in() {
                    format!("logged in with {}", method.label())
                } else {
                    "accepted".to_owned()
                },
                explanation: Explanation::new(
                    "The token may not look at itself, so its life and policies are unknown.",
                    "Attach the 'default' policy to the token to see them here.",
                ),
            }),
            TokenState::Bad => {
                let why = self.vault.client.refused_token().await;
                Err(Failure::Denied { path: "auth/token/lookup-self".to_owned(), why })
            }
        }
    }

    async fn mount(&mut self) -> Result<Outcome, Failure> {
        let settings = &self.vault.settings;
        let Found::Seen { mount, kind } = self.vault.look().await? else {
            let assumed = self.vault.assumed(settings.kv_version.chosen().unwrap_or(Kv::V2));
            return Ok(Outcome::failed(
                Reason::VaultMountHidden,
                Explanation::new(
                    format!("Vault shows this token no mount behind the prefix '{}'.", settings.prefix),
                    "Check the Secret Prefix: it begins with the mount's path ('vault secrets list' shows them). If it is right, add this to one of the token's policies:",
                )
                .with(read_policy(&assumed, &settings.prefix)),
            ));
        };
        if !matches!(kind.as_str(), "kv" | "generic") {
            return Ok(Outcome::failed(
                Reason::VaultMountNotKv,
                Explanation::new(
                    format!(
                        "The mount {mount} is a secrets engine of the kind '{kind}', which keeps no secrets to read."
                    ),
                    "Use the path of a key/value mount as the Secret Prefix.",
                ),
            ));
        }
        self.mount = Some(mount.clone());
        match settings.kv_version.chosen() {
            Some(chosen) if chosen != mount.version => Err(Failure::Invalid {
                path: settings.prefix.to_string(),
                why: InvalidBecause::WrongKvVersion { mount, chosen },
            }),
            _ => Ok(self.judge_prefix(&mount)),
        }
    }

    /// A prefix copied from a version 2 API path has `data` in it.
    fn judge_prefix(&self, mount: &Mount) -> Outcome {
        let found = format!("KV version {} at {mount}", mount.version.number());
        match self.vault.settings.prefix.without_data(mount) {
            Some(better) if mount.version == Kv::V2 => Outcome::Warned {
                reason: Reason::VaultPrefixHasData,
                found,
                explanation: Explanation::new(
                    format!(
                        "The Secret Prefix '{}' contains 'data', which belongs to Vault's API and not to the path; Postern leaves it out.",
                        self.vault.settings.prefix
                    ),
                    format!("Write '{better}' as the Secret Prefix."),
                ),
            },
            _ => Outcome::passed(found),
        }
    }

    /// Asks what the token may do with a secret below the prefix, without reading one.
    async fn read(&self) -> Result<Outcome, Failure> {
        let settings = &self.vault.settings;
        let Some(mount) = &self.mount else { return Err(Answer::denied(settings.prefix.segments())) };
        let probe = settings.locate(mount, &["postern-test".to_owned()]).to_string();
        let below = format!("{}/*", probe.strip_suffix("/postern-test").unwrap_or(&probe));
        let question = serde_json::json!({ "paths": [probe] });
        match self.vault.client.ask(&["sys", "capabilities-self"].map(str::to_owned), &question).await? {
            Answer::Found(body) if may_read(&body, &probe) => Ok(Outcome::passed(format!("may read {below}"))),
            Answer::Found(_) => Err(Failure::Denied {
                path: below,
                why: DeniedBecause::policy_missing(self.policies.clone(), mount, &settings.prefix),
            }),
            Answer::Absent(_) | Answer::Refused => Ok(Outcome::Warned {
                reason: Reason::VaultReadUnknown,
                found: "unknown".to_owned(),
                explanation: Explanation::new(
                    format!("The token may not ask what it may do, so it is not known whether it may read {below}."),
                    "Attach the 'default' policy to the token, or check a reference to see.",
                ),
            }),
        }
    }
}

fn without_tls(url: &postern::provider::vault::VaultUrl) -> Outcome {
    if url.is_loopback() {
        return Outcome::Skipped { why: "http:// has no TLS; the connection stays on this machine".to_owned() };
    }
    Outcome::Warned {
        reason: Reason::NetworkNotEncrypted,
        found: "not encrypted".to_owned(),
        explanation: Explanation::new(
            format!("The token and every secret travel to {} unencrypted.", url.host()),
            "Let Vault listen with TLS and write https:// in the Vault Server URL.",
        ),
    }
}

/// `sys/health`.
#[derive(Deserialize)]
struct Health {
    initialized: bool,
    sealed: bool,
    #[serde(default)]
    standby: bool,
    #[serde(default)]
    version: String,
}

impl Health {
    fn describe(&self) -> String {
        let role = if self.standby { "standby" } else { "active" };
        match self.version.as_str() {
            "" => format!("{role}, unsealed"),
            version => format!("version {version}, {role}, unsealed"),
        }
    }
}

/// What the operator should know of a good token.
fn judge(token: &Token, method: AuthMethod) -> Outcome {
    let life = match token.ttl {
        0 => "never expires".to_owned(),
        ttl if token.renewable => format!("expires in {}, renewable", duration_text(ttl)),
        ttl => format!("expires in {}, not renewable", duration_text(ttl)),
    };
    let policies = token.all_policies();
    let policies =
        if policies.is_empty() { "no policies".to_owned() } else { format!("policies {}", policies.join(", ")) };
    let found = match method {
        AuthMethod::Token => format!("{life}; {policies}"),
        AuthMethod::TokenFile => format!("read from the token file; {life}; {policies}"),
        AuthMethod::AppRole | AuthMethod::Userpass | AuthMethod::Kubernetes | AuthMethod::Jwt | AuthMethod::Cert => {
            format!("logged in with {}; token {life}; {policies}", method.label())
        }
    };
    match doubt(token, method) {
        Some((reason, explanation)) => Outcome::Warned { reason, found, explanation },
        None => Outcome::passed(found),
    }
}

fn doubt(token: &Token, method: AuthMethod) -> Option<(Reason, Explanation)> {
    if token.is_root() {
        return Some((
            Reason::VaultTokenRoot,
            Explanation::new(
                "This is a root token: it may do everything in Vault.",
                "Give Postern a token that may only read below the Secret Prefix.",
            ),
        ));
    }
    // What ends is replaced by the next login, or by what writes the file.
    if method != AuthMethod::Token {
        return None;
    }
    if token.num_uses > 0 {
        return Some((
            Reason::VaultTokenUses,
            Explanation::new(
                format!("The token can be used {} more times only, and every read is a use.", token.num_uses),
                "Create a token without a limit of uses.",
            ),
        ));
    }
    let ends = match token.renewable {
        // Postern renews it, up to this age.
        true => token.explicit_max_ttl,
        false => token.ttl,
    };
    if ends == 0 || ends >= SHORT_LIFE {
        return None;
    }
    Some((
        Reason::VaultTokenEnds,
        Explanation::new(
            match token.renewable {
                true => format!("The token cannot be renewed beyond an age of {}.", duration_text(ends)),
                false => format!("The token expires in {}; then no secret can be read.", duration_text(ends)),
            },
            "Create a token with a longer life and replace it here before that, or choose AppRole: Postern then gets tokens by itself.",
        ),
    ))
}

/// Whether `sys/capabilities-self` grants reading `path`.
fn may_read(body: &[u8], path: &str) -> bool {
    let Some(data) = capabilities(body) else { return false };
    data.get(path).is_some_and(|granted| granted.iter().any(|granted| granted == "read" || granted == "root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(json: &str) -> Token {
        serde_json::from_str(json).unwrap()
    }

    fn check(json: &str, warns: bool, parts: &[&str]) {
        check_of(AuthMethod::Token, json, warns, parts);
    }

    fn check_of(method: AuthMethod, json: &str, warns: bool, parts: &[&str]) {
        let outcome = judge(&token(json), method);
        assert_eq!(matches!(outcome, Outcome::Warned { .. }), warns, "{json}");
        let text = format!("{outcome:?}");
        for part in parts {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }

    #[test]
    fn tokens_are_judged() {
        check(
            r#"{"ttl":2764800,"renewable":true,"policies":["default","api7-policy"]}"#,
            false,
            &["expires in 32 d, renewable", "policies default, api7-policy"],
        );
        check(r#"{"ttl":86400,"policies":["p"]}"#, false, &["not renewable"]);
        check(r#"{"ttl":0,"policies":["root"]}"#, true, &["never expires", "root token"]);
        check(r#"{"ttl":3600,"policies":["p"]}"#, true, &["expires in 60 min", "longer life"]);
        check(r#"{"ttl":3600,"renewable":true,"policies":["p"]}"#, false, &["expires in 60 min, renewable"]);
        check(r#"{"ttl":60,"renewable":true,"explicit_max_ttl":3600}"#, true, &["beyond an age of 60 min", "AppRole"]);
        check(r#"{"ttl":90000,"policies":["p"],"num_uses":3}"#, true, &["3 more times"]);
        check(r#"{"ttl":90000}"#, false, &["no policies"]);
        let short = r#"{"ttl":5,"policies":["default"],"num_uses":3}"#;
        check_of(AuthMethod::AppRole, short, false, &["logged in with AppRole; token expires in 5 s, not renewable"]);
        check_of(AuthMethod::Jwt, r#"{"ttl":0,"policies":["root"]}"#, true, &["root token"]);
    }

    #[test]
    fn capabilities() {
        for (body, expected) in [
            (r#"{"data":{"a/b":["read"],"capabilities":["read"]},"capabilities":["read"]}"#, true),
            (r#"{"data":{"a/b":["list","read"]}}"#, true),
            (r#"{"data":{"a/b":["root"]}}"#, true),
            (r#"{"data":{"a/b":["deny"]}}"#, false),
            (r#"{"data":{"other":["read"]}}"#, false),
            ("<html>", false),
        ] {
            assert_eq!(may_read(body.as_bytes(), "a/b"), expected, "{body}");
        }
    }

    #[test]
    fn an_unencrypted_connection_is_a_warning_unless_it_stays_here() {
        for (url, warns) in [("http://127.0.0.1:8200", false), ("http://localhost", false), ("http://vault", true)] {
            let outcome = without_tls(&url.parse().unwrap());
            assert_eq!(matches!(outcome, Outcome::Warned { .. }), warns, "{url}");
        }
    }
}
