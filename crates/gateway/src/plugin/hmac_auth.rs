//! hmac-auth: a request passes when a consumer signed it (`apisix/plugins/hmac-auth.lua`, in the manner of
//! draft-cavage-http-signatures).
//!
//! What is signed is rebuilt from the request as it came. A header that is there twice with different values
//! cannot be signed: which of them the client meant could not be told.

use super::Access;
use super::auth::{Denied, Otherwise, authorization, only};
use crate::identity::Identity;
use crate::reject::Reject;
use crate::request_body::BodyCheck;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderName;
use http::header::{AUTHORIZATION, DATE, HOST};
use postern::credential::CredentialType;
use postern::plugin::hmac_auth::{HmacAlgorithm, HmacAuthPlugin};
use postern::snapshot::Proof;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const MISSING: &str = "client request can't be validated: missing Authorization header";
const NO_SIGNATURE: &str = "client request can't be validated: Authorization header does not start with 'Signature'";
const INVALID: &str = "client request can't be validated";

static DIGEST: HeaderName = HeaderName::from_static("digest");

/// A hmac-auth configuration, ready to run.
pub(crate) struct HmacAuth {
    allowed_algorithms: Vec<HmacAlgorithm>,
    clock_skew: Duration,
    signed_headers: Vec<String>,
    /// The longest body, where bodies are validated.
    body_limit: Option<usize>,
    hide_credentials: bool,
    otherwise: Arc<Otherwise>,
}

impl HmacAuth {
    pub(super) fn compile(config: &HmacAuthPlugin) -> Result<Self, String> {
        Ok(Self {
            allowed_algorithms: config.allowed_algorithms.clone(),
            clock_skew: Duration::from_secs(config.clock_skew),
            signed_headers: config.signed_headers.clone(),
            body_limit: config.validate_request_body.then_some(config.max_req_body_size),
            hide_credentials: config.hide_credentials,
            otherwise: Arc::new(Otherwise::compile(
                "hmac-auth",
                "hmac",
                &config.realm,
                config.anonymous_consumer.as_ref(),
            )?),
        })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self.authenticate(access).and_then(|identity| Ok((identity, self.body_check(access)?))) {
            Ok((identity, check)) => {
                access.identity = Some(identity);
                access.body_check = check;
            }
            Err(denied) => self.otherwise.admit(access, denied)?,
        }
        if self.hide_credentials {
            access.headers.remove(AUTHORIZATION);
        }
        Ok(())
    }

    fn authenticate(&self, access: &Access<'_>) -> Result<Identity, Denied> {
        let value = authorization(access.headers);
        let value = value.map_err(|_| invalid("it has several Authorization headers that differ"))?.ok_or(MISSING)?;
        let parameters = value.strip_prefix(b"Signature").ok_or(NO_SIGNATURE)?;
        self.verify(access, parameters).map_err(invalid)
    }

    /// The checks in the documented order; the client is not told which one failed, the operator is.
    fn verify(&self, access: &Access<'_>, parameters: &[u8]) -> Result<Identity, &'static str> {
        let parameters = std::str::from_utf8(parameters).ok().and_then(Parameters::parse);
        let parameters = parameters.ok_or("the parameters of Authorization cannot be read")?;
        let algorithm =
            parameters.algorithm.and_then(HmacAlgorithm::from_name).ok_or("algorithm is missing or unknown")?;
        let key_id = parameters.key_id.ok_or("keyId is missing")?;
        let Some((identity, Proof::HttpSignature(prepared))) =
            access.table.named(CredentialType::HmacAuth, key_id.as_bytes())
        else {
            return Err("no armed credential has this keyId");
        };
        if !self.allowed_algorithms.contains(&algorithm) {
            return Err("the plugin does not allow this algorithm");
        }
        self.check_date(access)?;
        let names: Vec<&str> = parameters.headers.unwrap_or_default().split(' ').filter(|n| !n.is_empty()).collect();
        let is_signed = |wanted: &String| names.iter().any(|name| name.eq_ignore_ascii_case(wanted));
        if !self.signed_headers.iter().all(is_signed) {
            return Err("not every one of the plugin's signed_headers is signed");
        }
        let signature = parameters.signature.ok_or("signature is missing")?;
        let signature = STANDARD.decode(signature).map_err(|_| "signature is not base64")?;
        let key = match algorithm {
            HmacAlgorithm::HmacSha1 => &prepared.keys.sha1,
            HmacAlgorithm::HmacSha256 => &prepared.keys.sha256,
            HmacAlgorithm::HmacSha512 => &prepared.keys.sha512,
        };
        let text = signed_text(access, key_id, &names).ok_or("a signed header is there twice, or is none")?;
        if key.verify(&text, &signature) { Ok(identity) } else { Err("the signature is not this request's") }
    }

    fn check_date(&self, access: &Access<'_>) -> Result<(), &'static str> {
        let date = only(access.headers, &DATE).map_err(|_| "it has several Date headers that differ")?;
        let date = date.ok_or("Date is missing")?;
        let date = std::str::from_utf8(date).ok().and_then(|date| httpdate::parse_http_date(date).ok());
        let date = date.ok_or("Date is not an HTTP date")?;
        let now = UNIX_EPOCH + Duration::from_millis(access.clock.now().0);
        let apart = now.duration_since(date).unwrap_or_else(|later| later.duration());
        if apart <= self.clock_skew { Ok(()) } else { Err("Date is further away than clock_skew allows") }
    }

    /// What the body must turn out to be.
    fn body_check(&self, access: &Access<'_>) -> Result<Option<BodyCheck>, Denied> {
        let Some(limit) = self.body_limit else { return Ok(None) };
        let digest = only(access.headers, &DIGEST).ok().flatten().and_then(|digest| digest.strip_prefix(b"SHA-256="));
        let sha256 = digest
            .and_then(|digest| STANDARD.decode(digest).ok())
            .ok_or(invalid("Digest is missing, or not SHA-256="))?;
        let denied = invalid("the body is not the one of Digest");
        Ok(Some(BodyCheck { sha256, limit, denied, otherwise: Arc::clone(&self.otherwise) }))
    }
}

fn invalid(why: &'static str) -> Denied {
    Denied::because(INVALID, why)
}

/// The parameters of `Authorization: Signature`. Every one stands there once at most.
#[derive(Default)]
struct Parameters<'p> {
    key_id: Option<&'p str>,
    algorithm: Option<&'p str>,
    headers: Option<&'p str>,
    signature: Option<&'p str>,
}

impl<'p> Parameters<'p> {
    fn parse(text: &'p str) -> Option<Self> {
        let mut parameters = Self::default();
        for pair in text.split(',') {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            let place = match name {
                "keyId" => &mut parameters.key_id,
                "algorithm" => &mut parameters.algorithm,
                "headers" => &mut parameters.headers,
                "signature" => &mut parameters.signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(parameters)
    }
}

/// The key's id, then a line for each name, as far as the request has it.
fn signed_text(access: &Access<'_>, key_id: &str, names: &[&str]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(key_id.as_bytes());
    text.push(b'\n');
    for name in names {
        if *name == "@request-target" {
            text.extend_from_slice(format!("{} {}\n", access.method, access.target).as_bytes());
            continue;
        }
        let header = HeaderName::from_bytes(name.as_bytes()).ok()?;
        // In HTTP/2 the host is no header.
        let host = access.host.filter(|_| header == HOST).map(http::HeaderValue::as_bytes);
        let Some(value) = host.or(only(access.headers, &header).ok()?) else { continue };
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    Some(text)
}
