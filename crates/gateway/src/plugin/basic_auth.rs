//! basic-auth: a request passes when it carries a username and its password (`apisix/plugins/basic-auth.lua`).
//!
//! Two differences, both so that every password that can be stored also works: it is everything after the
//! first colon (APISIX stops at a second one), and it matches as it was sent as well as without its blanks
//! (APISIX removes them all).

use super::Access;
use super::auth::{Denied, Otherwise, authorization};
use crate::identity::Identity;
use crate::reject::Reject;
use crate::table::Table;
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use postern::credential::CredentialType;
use postern::plugin::basic_auth::BasicAuthPlugin;
use postern::snapshot::Proof;
use std::borrow::Cow;

const MISSING: &str = "Missing authorization in request";
const MALFORMED: &str = "Invalid authorization in request";
const INVALID: &str = "Invalid user authorization";

/// Padding may be left out, as with `ngx.decode_base64`.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A basic-auth configuration, ready to run.
pub(crate) struct BasicAuth {
    hide_credentials: bool,
    otherwise: Otherwise,
}

impl BasicAuth {
    pub(super) fn compile(config: &BasicAuthPlugin) -> Result<Self, String> {
        let otherwise = Otherwise::compile("basic-auth", "Basic", &config.realm, config.anonymous_consumer.as_ref())?;
        Ok(Self { hide_credentials: config.hide_credentials, otherwise })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match authenticate(access.headers, access.table) {
            Ok(identity) => access.identity = Some(identity),
            Err(denied) => self.otherwise.admit(access, denied)?,
        }
        if self.hide_credentials {
            access.headers.remove(AUTHORIZATION);
        }
        Ok(())
    }
}

fn authenticate(headers: &HeaderMap, table: &Table) -> Result<Identity, Denied> {
    let (username, password) = sent(headers)?;
    let found = table.named(CredentialType::BasicAuth, &without_blanks(&username));
    // As much work for a username that nobody has.
    let stripped = without_blanks(&password);
    let sent = [table.fingerprint(&password), table.fingerprint(&stripped)];
    match found {
        Some((identity, Proof::Password(expected))) if sent.map(|sent| sent.same_as(*expected)).contains(&true) => {
            Ok(identity)
        }
        Some(_) => Err(Denied::because(INVALID, "the password is not the one of this username")),
        None => Err(Denied::because(INVALID, "no armed credential has this username")),
    }
}

/// The username and password in `Authorization`, or what is said when they are not there.
pub(super) fn sent(headers: &HeaderMap) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let value = authorization(headers).map_err(|_| MALFORMED)?.ok_or(MISSING)?;
    decode(value).ok_or(MALFORMED)
}

/// Username and password: what follows the word `Basic`, which may stand anywhere in the value.
fn decode(value: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let scheme = value.windows(6).position(|w| w[..5].eq_ignore_ascii_case(b"basic") && w[5].is_ascii_whitespace())?;
    let mut username = BASE64.decode(&value[scheme + 6..]).ok()?;
    let colon = username.iter().position(|byte| *byte == b':')?;
    let password = username.split_off(colon + 1);
    username.pop();
    Some((username, password))
}

fn without_blanks(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_whitespace) {
        text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>().into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_read_as_documented() {
        for (value, expected) in [
            ("Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", Some(("alice", "alice-password"))),
            ("basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", Some(("alice", "alice-password"))),
            ("BASIC\tYWxpY2U6YWxpY2UtcGFzc3dvcmQ", Some(("alice", "alice-password"))),
            ("Bearer x, Basic YWxpY2U6YWxpY2UtcGFzc3dvcmQ=", Some(("alice", "alice-password"))),
            ("Basic YTpiOmM=", Some(("a", "b:c"))),
            ("Basic YTo=", Some(("a", ""))),
            ("Basic Og==", Some(("", ""))),
            ("Basic", None),
            ("Basic ", None),
            ("Basic  YTpi", None),
            ("BasicYTpi", None),
            ("Bearer YTpi", None),
            ("YTpi", None),
            ("Basic YWxpY2U=", None),
            ("Basic a:b", None),
            ("Basic ????", None),
        ] {
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            let got = decode(value.as_bytes()).map(|(user, password)| (text(user), text(password)));
            let got = got.as_ref().map(|(user, password)| (user.as_str(), password.as_str()));
            assert_eq!(got, expected, "{value}");
        }
    }
}
