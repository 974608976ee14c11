//! key-auth: a request passes when it carries the key of a consumer (`apisix/plugins/key-auth.lua`).
//!
//! The key is taken from the header; from the query only when there is no such header. Two different keys
//! are no key: whatever the gateway chose, an upstream server might choose the other.

use super::Access;
use crate::identity::Identity;
use crate::reject::Reject;
use crate::table::Table;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode;
use postern::name::ConsumerName;
use postern::plugin::key_auth::KeyAuthPlugin;
use std::borrow::Cow;
use std::sync::Arc;

const MISSING: &str = "Missing API key in request";
const INVALID: &str = "Invalid API key in request";
/// The documented text for an anonymous consumer that does not exist.
const NO_ANONYMOUS: &str = "Invalid user authorization";

/// A key-auth configuration, ready to run.
pub(crate) struct KeyAuth {
    header: HeaderName,
    query: String,
    hide_credentials: bool,
    challenge: HeaderValue,
    anonymous_consumer: Option<ConsumerName>,
}

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Query,
}

impl KeyAuth {
    pub(super) fn compile(config: &KeyAuthPlugin) -> Result<Self, String> {
        let header = HeaderName::from_bytes(config.header.as_bytes())
            .map_err(|_| format!("key-auth: '{}' is not a header name", config.header))?;
        let challenge = HeaderValue::from_str(&format!("apikey realm=\"{}\"", config.realm))
            .map_err(|_| "key-auth: the realm has characters that no header may have".to_owned())?;
        let KeyAuthPlugin { query, hide_credentials, anonymous_consumer, .. } = config.clone();
        Ok(Self { header, query, hide_credentials, challenge, anonymous_consumer })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self.authenticate(access.headers, access.query.as_deref(), access.table) {
            Ok((identity, place)) => {
                access.identity = Some(Arc::clone(identity));
                self.hide(access, &[place]);
                Ok(())
            }
            Err(message) => self.admit_anonymous(access, message),
        }
    }

    fn authenticate<'t>(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        table: &'t Table,
    ) -> Result<(&'t Arc<Identity>, Place), &'static str> {
        let (key, place) = match self.key_in_header(headers)? {
            Some(key) => (Cow::Borrowed(key), Place::Header),
            None => (key_in_query(query.unwrap_or_default(), &self.query)?.ok_or(MISSING)?, Place::Query),
        };
        Ok((table.identity_of_key(&key).ok_or(INVALID)?, place))
    }

    fn key_in_header<'h>(&self, headers: &'h HeaderMap) -> Result<Option<&'h [u8]>, &'static str> {
        let mut values = headers.get_all(&self.header).iter().map(HeaderValue::as_bytes);
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|other| other != first) { Err(INVALID) } else { Ok(Some(first)) }
    }

    fn admit_anonymous(&self, access: &mut Access<'_>, message: &'static str) -> Result<(), Reject> {
        let refuse = |message| Err(Reject::Unauthorized { message, challenge: self.challenge.clone() });
        let Some(name) = &self.anonymous_consumer else { return refuse(message) };
        let Some(identity) = access.table.anonymous(name) else { return refuse(NO_ANONYMOUS) };
        access.identity = Some(Arc::clone(identity));
        self.hide(access, &[Place::Header, Place::Query]);
        Ok(())
    }

    fn hide(&self, access: &mut Access<'_>, places: &[Place]) {
        if !self.hide_credentials {
            return;
        }
        for place in places {
            match place {
                Place::Header => drop(access.headers.remove(&self.header)),
                Place::Query => *access.query = access.query.take().and_then(|query| without(&query, &self.query)),
            }
        }
    }
}

/// The key in the argument `name`; two different ones are invalid.
fn key_in_query<'q>(query: &'q str, name: &str) -> Result<Option<Cow<'q, [u8]>>, &'static str> {
    let mut values = query.split('&').filter(|pair| is_named(pair, name)).map(value_of);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) { Err(INVALID) } else { Ok(Some(first)) }
}

/// The query without the argument `name`, otherwise as it was; `None` when nothing is left.
fn without(query: &str, name: &str) -> Option<String> {
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_named(pair, name)).collect();
    if kept.is_empty() { None } else { Some(kept.join("&")) }
}

fn is_named(pair: &str, name: &str) -> bool {
    let spelled = pair.split_once('=').map_or(pair, |(name, _)| name);
    *form_decoded(spelled) == *name.as_bytes()
}

fn value_of(pair: &str) -> Cow<'_, [u8]> {
    form_decoded(pair.split_once('=').map_or("", |(_, value)| value))
}

/// `+` is a blank, `%41` is `A` (HTML forms; nginx's `ngx.req.get_uri_args`).
fn form_decoded(text: &str) -> Cow<'_, [u8]> {
    if text.contains('+') {
        return percent_decode(text.replace('+', " ").as_bytes()).collect::<Vec<u8>>().into();
    }
    percent_decode(text.as_bytes()).into()
}

#[cfg(test)]
#[path = "key_auth_tests.rs"]
mod tests;
