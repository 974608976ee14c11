//! ldap-auth: a request passes when a directory accepts its username and password, and a consumer has that user's
//! name as `user_dn` (`apisix/plugins/ldap-auth.lua`).
//!
//! Differences: username and password are sent as they came (APISIX removes their blanks), and a directory that does
//! not answer is 503 (APISIX says 401, and a browser asks for another password).

mod directory;

pub(crate) use directory::Directories;

use super::Access;
use super::auth::Otherwise;
use super::basic_auth::sent;
use crate::identity::Identity;
use crate::reject::Reject;
use directory::{Directory, Verdict};
use http::StatusCode;
use http::header::AUTHORIZATION;
use postern::plugin::PluginName;
use postern::plugin::ldap_auth::dn::{AttributeType, Dn};
use postern::plugin::ldap_auth::{ABOUT, LdapAuthPlugin};

const INVALID: &str = "Invalid user authorization";
const NO_CONSUMER: &str = "Missing related consumer";
const NO_DIRECTORY: &str = "The directory that knows the users cannot be asked now. Try again later.";

/// An ldap-auth configuration, ready to run.
pub(crate) struct LdapAuth {
    directory: Directory,
    base_dn: Dn,
    uid: AttributeType,
    hide_credentials: bool,
    otherwise: Otherwise,
}

/// Why a request does not pass.
enum Failure {
    Refused(&'static str),
    Unknown,
}

impl LdapAuth {
    pub(super) fn compile(config: &LdapAuthPlugin) -> Result<Self, String> {
        Ok(Self {
            directory: Directory::of(config).map_err(|why| format!("ldap-auth: {why}"))?,
            base_dn: config.base_dn.clone(),
            uid: config.uid.clone(),
            hide_credentials: config.hide_credentials,
            otherwise: Otherwise::compile("ldap-auth", "Basic", &config.realm, None)?,
        })
    }

    pub(super) async fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self.authenticate(access).await {
            Ok(identity) => access.identity = Some(identity),
            Err(Failure::Refused(message)) => self.otherwise.admit(access, message)?,
            Err(Failure::Unknown) => {
                return Err(Reject::Refused { status: StatusCode::SERVICE_UNAVAILABLE, message: NO_DIRECTORY.into() });
            }
        }
        if self.hide_credentials {
            access.headers.remove(AUTHORIZATION);
        }
        Ok(())
    }

    async fn authenticate(&self, access: &Access<'_>) -> Result<Identity, Failure> {
        let (username, password) = sent(access.headers).map_err(Failure::Refused)?;
        let (username, password) = texts(&username, &password).ok_or(Failure::Refused(INVALID))?;
        let user = self.base_dn.child(&self.uid, username);
        match access.scene.directories.check(&self.directory, &user, password).await {
            Verdict::Accepted => {}
            Verdict::Refused => return Err(Failure::Refused(INVALID)),
            Verdict::Unknown { why } => {
                tracing::warn!(route = access.scene.route, "ldap-auth: the directory does not say who it is: {why}");
                return Err(Failure::Unknown);
            }
        }
        if !access.table.has_consumer_with(PluginName::LdapAuth) {
            return Err(Failure::Refused(NO_CONSUMER));
        }
        access.table.known_as(ABOUT.slug, user.as_str().as_bytes()).ok_or(Failure::Refused(INVALID))
    }
}

/// Username and password as a directory can be asked. An empty password would bind as nobody, and a NUL ends a text
/// for some directories, so that what is before it would count.
fn texts<'t>(username: &'t [u8], password: &'t [u8]) -> Option<(&'t str, &'t str)> {
    let text =
        |bytes: &'t [u8]| std::str::from_utf8(bytes).ok().filter(|text| !text.is_empty() && !text.contains('\0'));
    let username = text(username).filter(|username| !username.contains(['\r', '\n']))?;
    Some((username, text(password)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_directory_should_be_asked_is_not() {
        for (username, password, is_asked) in [
            (&b"alice"[..], &b"password"[..], true),
            (b"alice", b" ", true),
            (b"a b", b"p\nq", true),
            (b"alice", b"", false),
            (b"", b"password", false),
            (b"alice", b"password\0x", false),
            (b"alice", b"\0", false),
            (b"alice\0", b"password", false),
            (b"alice\r\n", b"password", false),
            (b"\xff", b"password", false),
            (b"alice", b"\xff", false),
        ] {
            assert_eq!(texts(username, password).is_some(), is_asked, "{username:?} {password:?}");
        }
    }
}
