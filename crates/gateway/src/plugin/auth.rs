//! What the authentication plugins share: the refusal, the anonymous consumer, and headers that must be one.

use super::Access;
use crate::reject::Reject;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern::name::ConsumerName;

/// The documented text for an anonymous consumer that does not exist.
pub(super) const NO_ANONYMOUS: &str = "Invalid user authorization";

/// Why a request proves nothing: what the client is told, and what the operator is besides. Neither has anything of the
/// request in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Denied {
    /// The documented text.
    pub(crate) message: &'static str,
    /// What it leaves open; empty when it says all.
    pub(crate) why: &'static str,
}

impl Denied {
    pub(super) const fn because(message: &'static str, why: &'static str) -> Self {
        Self { message, why }
    }
}

impl From<&'static str> for Denied {
    fn from(message: &'static str) -> Self {
        Self::because(message, "")
    }
}

/// What happens to a request that proves nothing.
pub(crate) struct Otherwise {
    challenge: HeaderValue,
    anonymous_consumer: Option<ConsumerName>,
}

impl Otherwise {
    /// `scheme` and `realm` stand in `WWW-Authenticate`.
    pub(super) fn compile(
        plugin: &str,
        scheme: &str,
        realm: &str,
        anonymous_consumer: Option<&ConsumerName>,
    ) -> Result<Self, String> {
        let challenge = HeaderValue::from_str(&format!("{scheme} realm=\"{realm}\""))
            .map_err(|_| format!("{plugin}: the realm has characters that no header may have"))?;
        Ok(Self { challenge, anonymous_consumer: anonymous_consumer.cloned() })
    }

    /// Lets the request pass as the anonymous consumer's, or refuses it.
    pub(crate) fn admit(&self, access: &mut Access<'_>, denied: impl Into<Denied>) -> Result<(), Reject> {
        let refuse = |denied| Err(Reject::Unauthorized { denied, challenge: Some(self.challenge.clone()) });
        let Some(name) = &self.anonymous_consumer else { return refuse(denied.into()) };
        let Some(identity) = access.table.anonymous(name) else {
            return refuse(Denied::because(NO_ANONYMOUS, "the anonymous consumer does not exist"));
        };
        access.identity = Some(identity);
        Ok(())
    }
}

/// The header that `plugin` was told to look at.
pub(super) fn header_name(plugin: &str, name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{plugin}: '{name}' is not a header name"))
}

/// More than one value where there must be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Several;

/// The one value of a header. Two different ones are none: whichever the gateway chose, an upstream server
/// might choose the other.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h [u8]>, Several> {
    let mut values = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) { Err(Several) } else { Ok(Some(first)) }
}

/// The one value of `Authorization`.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&[u8]>, Several> {
    only(headers, &AUTHORIZATION)
}
