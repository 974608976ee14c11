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
use super::auth::{Otherwise, header_name, only};
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
            Err(message) => {
                self.otherwise.admit(access, message)?;
                self.hide(access, &[Place::Header, Place::Query, Place::Cookie]);
            }
        }
        Ok(())
    }

    fn authenticate(&self, access: &Access<'_>) -> Result<(Identity, Place), &'static str> {
        let (token, place) = self.find_token(access)?.ok_or(MISSING)?;
        let token = Token::parse(&token).ok_or(UNREADABLE)?;
        let key = match token.payload.get(&self.key_claim_name) {
            Some(Value::String(key)) if !key.is_empty() => key,
            _ => return Err(NO_KEY),
        };
        let Some((identity, proof)) = access.table.named(CredentialType::JwtAuth, key.as_bytes()) else {
            return Err(UNKNOWN);
        };
        if self.is_proven(&token, proof, access.clock.now()) { Ok((identity, place)) } else { Err(UNVERIFIED) }
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

    fn is_proven(&self, token: &Token<'_>, proof: &Proof, now: Millis) -> bool {
        let Proof::Jwt { algorithm, grace_seconds, key } = proof else { return false };
        token.algorithm == algorithm.as_str()
            && key.keys.verify(token.signed, &token.signature)
            && [TimeClaim::Exp, TimeClaim::Nbf].iter().all(|claim| self.is_timely(token, *claim, *grace_seconds, now))
    }

    /// A claim that is not there is good unless it is asked for; one that is no number is not.
    fn is_timely(&self, token: &Token<'_>, claim: TimeClaim, grace_seconds: u64, now: Millis) -> bool {
        let Some(value) = token.payload.get(claim.name()) else { return !self.claims_to_verify.contains(&claim) };
        let Some(moment) = value.as_f64() else { return false };
        // Exact for the next 285,000 years.
        let (now, grace) = (now.0 as f64 / 1000.0, grace_seconds as f64);
        match claim {
            TimeClaim::Exp => moment > now - grace,
            TimeClaim::Nbf => moment < now + grace,
        }
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
