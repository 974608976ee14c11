//! jwt-auth: a request passes when it carries a token that a consumer signed (`apisix/plugins/jwt-auth.lua`,
//! RFC 7515, RFC 7519).
//!
//! The credential says by which algorithm its tokens are signed, and a token that says another is refused before
//! any signature is looked at: a public key is never taken for a secret, and nothing passes unsigned. Of the
//! token's header nothing but `alg` is used; `kid`, `jku`, `jwk` and `x5c` are the client's to write.
//!
//! One difference from APISIX: `exp` and `nbf` are checked whenever they are there, also when the other one alone
//! is required.

use super::Access;
use super::auth::{Denied, Otherwise, header_name, only};
use super::cookie;
use super::query::{find, without};
use crate::identity::Identity;
use crate::reject::Reject;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::COOKIE;
use http::{HeaderName, HeaderValue};
use postern::credential::CredentialType;
use postern::plugin::jwt_auth::{JwtAuthPlugin, TimeClaim};
use postern::snapshot::Proof;
use postern::time::Millis;
use serde_json::{Map, Value};
use std::borrow::Cow;

const MISSING: &str = "Missing JWT token in request";
const UNREADABLE: &str = "JWT token invalid";
const NO_KEY: &str = "missing user key in JWT token";
const UNKNOWN: &str = "Invalid user key in JWT token";
const UNVERIFIED: &str = "failed to verify jwt";

/// A jwt-auth configuration, ready to run.
pub(crate) struct JwtAuth {
    header: HeaderName,
    query: String,
    cookie: String,
    key_claim_name: String,
    claims_to_verify: Vec<TimeClaim>,
    hide_credentials: bool,
    otherwise: Otherwise,
}

/// Where a token was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Query,
    Cookie,
}

/// A token, and where it was found.
type Found<'a> = (Cow<'a, [u8]>, Place);

impl JwtAuth {
    pub(super) fn compile(config: &JwtAuthPlugin) -> Result<Self, String> {
        let header = header_name("jwt-auth", &config.header)?;
        let otherwise = Otherwise::compile("jwt-auth", "Bearer", &config.realm, config.anonymous_consumer.as_ref())?;
        let JwtAuthPlugin { query, cookie, key_claim_name, claims_to_verify, hide_credentials, .. } = config.clone();
        Ok(Self { header, query, cookie, key_claim_name, claims_to_verify, hide_credentials, otherwise })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self.authenticate(access) {
            Ok((identity, place)) => {
                access.identity = Some(identity);
                self.hide(access, &[place]);
            }
            Err(denied) => {
                self.otherwise.admit(access, denied)?;
                self.hide(access, &[Place::Header, Place::Query, Place::Cookie]);
            }
        }
        Ok(())
    }

    fn authenticate(&self, access: &Access<'_>) -> Result<(Identity, Place), Denied> {
        let (token, place) = self.find_token(access)?.ok_or(MISSING)?;
        let token = Token::parse(&token).ok_or(UNREADABLE)?;
        let key = match token.payload.get(&self.key_claim_name) {
            Some(Value::String(key)) if !key.is_empty() => key,
            _ => return Err(NO_KEY.into()),
        };
        let Some((identity, proof)) = access.table.named(CredentialType::JwtAuth, key.as_bytes()) else {
            return Err(Denied::because(UNKNOWN, "no armed credential has this key"));
        };
        match self.prove(&token, proof, access.clock.now()) {
            Ok(()) => Ok((identity, place)),
            Err(why) => Err(Denied::because(UNVERIFIED, why)),
        }
    }

    /// Header, then query, then cookie.
    fn find_token<'a>(&self, access: &'a Access<'_>) -> Result<Option<Found<'a>>, &'static str> {
        if let Some(value) = only(access.headers, &self.header).map_err(|_| UNREADABLE)? {
            let token = value.strip_prefix(b"Bearer ").or_else(|| value.strip_prefix(b"bearer ")).unwrap_or(value);
            return Ok(Some((token.into(), Place::Header)));
        }
        let query = access.query.as_deref().unwrap_or_default();
        if let Some(token) = find(query, &self.query).map_err(|_| UNREADABLE)? {
            return Ok(Some((token, Place::Query)));
        }
        let in_cookie = cookie::find(access.headers, &self.cookie).map_err(|_| UNREADABLE)?;
        Ok(in_cookie.map(|token| (token.into(), Place::Cookie)))
    }

    /// Whether the consumer signed it and it is of now; or why not, for the operator.
    fn prove(&self, token: &Token<'_>, proof: &Proof, now: Millis) -> Result<(), &'static str> {
        let Proof::Jwt { algorithm, grace_seconds, key } = proof else {
            return Err("the credential is none for tokens");
        };
        if token.algorithm != algorithm.as_str() {
            return Err("the token's alg is not the credential's algorithm");
        }
        if !key.keys.verify(token.signed, &token.signature) {
            return Err("the signature is not the credential's");
        }
        self.check(token, TimeClaim::Exp, *grace_seconds, now)?;
        self.check(token, TimeClaim::Nbf, *grace_seconds, now)
    }

    /// A claim that is not there is good unless it is asked for; one that is no number is not.
    fn check(&self, token: &Token<'_>, claim: TimeClaim, grace_seconds: u64, now: Millis) -> Result<(), &'static str> {
        let [missing, no_number, untimely] = match claim {
            TimeClaim::Exp => ["exp is missing", "exp is not a number", "it has expired (exp)"],
            TimeClaim::Nbf => ["nbf is missing", "nbf is not a number", "it is not valid yet (nbf)"],
        };
        let Some(value) = token.payload.get(claim.name()) else {
            return if self.claims_to_verify.contains(&claim) { Err(missing) } else { Ok(()) };
        };
        let moment = value.as_f64().ok_or(no_number)?;
        // Exact for the next 285,000 years.
        let (now, grace) = (now.0 as f64 / 1000.0, grace_seconds as f64);
        let is_timely = match claim {
            TimeClaim::Exp => moment > now - grace,
            TimeClaim::Nbf => moment < now + grace,
        };
        if is_timely { Ok(()) } else { Err(untimely) }
    }

    fn hide(&self, access: &mut Access<'_>, places: &[Place]) {
        if !self.hide_credentials {
            return;
        }
        for place in places {
            match place {
                Place::Header => drop(access.headers.remove(&self.header)),
                Place::Query => *access.query = access.query.take().and_then(|query| without(&query, &self.query)),
                Place::Cookie => {
                    let kept = cookie::without(access.headers, &self.cookie);
                    match kept.and_then(|kept| HeaderValue::from_bytes(&kept).ok()) {
                        Some(kept) => drop(access.headers.insert(COOKIE, kept)),
                        None => drop(access.headers.remove(COOKIE)),
                    }
                }
            }
        }
    }
}

/// A token, taken apart; nothing of it is proven yet.
struct Token<'t> {
    algorithm: String,
    payload: Map<String, Value>,
    /// Header and payload as they were sent.
    signed: &'t [u8],
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// `None` for what is no token, or demands what we do not know (`crit`, RFC 7515 §4.1.11).
    fn parse(text: &'t [u8]) -> Option<Self> {
        let mut parts = text.split(|byte| *byte == b'.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let signed = &text[..header.len() + 1 + payload.len()];
        let header = object(header)?;
        if header.contains_key("crit") {
            return None;
        }
        let algorithm = header.get("alg")?.as_str()?.to_owned();
        // What is no Base64 is no signature: like any other that is wrong.
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
        Some(Self { algorithm, payload: object(payload)?, signed, signature })
    }
}

fn object(part: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
