//! key-auth: a request passes when it carries the key of a consumer (`apisix/plugins/key-auth.lua`).
//!
//! The key is taken from the header; from the query only when there is no such header. Two different keys
//! are no key: whatever the gateway chose, an upstream server might choose the other.

use super::Access;
use super::auth::{Denied, Otherwise, header_name, only};
use super::query::{find, without};
use crate::identity::Identity;
use crate::reject::Reject;
use crate::table::Table;
use http::{HeaderMap, HeaderName};
use postern::plugin::key_auth::KeyAuthPlugin;
use std::borrow::Cow;

const MISSING: &str = "Missing API key in request";
/// Up to 3.9, and in the documents of API7.
const MISSING_OF_OLD: &str = "Missing API key found in request";
const INVALID: &str = "Invalid API key in request";
const UNKNOWN: Denied = Denied::because(INVALID, "no armed credential has this key");
const SEVERAL: Denied = Denied::because(INVALID, "it has several keys that differ");

/// What APISIX up to 3.9 said in place of `message`.
pub(crate) fn in_old_words(message: &'static str) -> &'static str {
    if message == MISSING { MISSING_OF_OLD } else { message }
}

/// A key-auth configuration, ready to run.
pub(crate) struct KeyAuth {
    header: HeaderName,
    query: String,
    hide_credentials: bool,
    otherwise: Otherwise,
}

/// Where a key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Header,
    Query,
}

impl KeyAuth {
    pub(super) fn compile(config: &KeyAuthPlugin) -> Result<Self, String> {
        let header = header_name("key-auth", &config.header)?;
        let otherwise = Otherwise::compile("key-auth", "apikey", &config.realm, config.anonymous_consumer.as_ref())?;
        let KeyAuthPlugin { query, hide_credentials, .. } = config.clone();
        Ok(Self { header, query, hide_credentials, otherwise })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self.authenticate(access.headers, access.query.as_deref(), access.table) {
            Ok((identity, place)) => {
                access.identity = Some(identity);
                self.hide(access, &[place]);
                Ok(())
            }
            Err(denied) => {
                self.otherwise.admit(access, denied)?;
                self.hide(access, &[Place::Header, Place::Query]);
                Ok(())
            }
        }
    }

    fn authenticate(
        &self,
        headers: &HeaderMap,
        query: Option<&str>,
        table: &Table,
    ) -> Result<(Identity, Place), Denied> {
        let in_header = only(headers, &self.header).map_err(|_| SEVERAL)?;
        let (key, place) = match in_header {
            Some(key) => (Cow::Borrowed(key), Place::Header),
            None => {
                let in_query = find(query.unwrap_or_default(), &self.query).map_err(|_| SEVERAL)?;
                (in_query.ok_or(MISSING)?, Place::Query)
            }
        };
        Ok((table.identity_of_key(&key).ok_or(UNKNOWN)?, place))
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

#[cfg(test)]
#[path = "key_auth_tests.rs"]
mod tests;
