//! ldap-auth: a request passes when a directory accepts its username and password, and a consumer is that user
//! (`apisix/plugins/ldap-auth.lua`).

pub mod dn;
mod server;

pub use server::{LdapUri, LdapUriError};

use super::fields::{boolean, realm};
use super::reader::{Reader, text};
use crate::pem;
use crate::problem::FieldProblem;
use dn::{AttributeType, Dn};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Configuration on a service or route; field names and defaults as in APISIX 3.18. `start_tls` and
/// `ca_certificate` are Postern's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LdapAuthPlugin {
    /// The entry right above those of the users.
    pub base_dn: Dn,
    pub ldap_uri: LdapUri,
    /// Whether the connection is ldaps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub use_tls: bool,
    /// Whether the connection is encrypted by StartTLS (RFC 4511 §4.14).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub start_tls: bool,
    /// Whether the directory's certificate must be good, and the directory's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_verify: bool,
    /// Who may have signed it, PEM; without it, whoever the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// The attribute that has the username.
    #[serde(default = "cn", skip_serializing_if = "is_cn")]
    pub uid: AttributeType,
    /// Whether `Authorization` is removed before the request goes upstream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hide_credentials: bool,
    /// Named in `WWW-Authenticate`.
    #[serde(default = "ldap", skip_serializing_if = "is_ldap")]
    pub realm: String,
}

/// How a connection to the directory is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Not at all: passwords can be read on the way.
    None,
    StartTls,
    Ldaps,
}

fn cn() -> AttributeType {
    AttributeType::common_name()
}

fn is_cn(attribute: &AttributeType) -> bool {
    *attribute == cn()
}

fn ldap() -> String {
    "ldap".to_owned()
}

fn is_ldap(realm: &str) -> bool {
    realm == "ldap"
}

impl LdapAuthPlugin {
    /// How its connections are encrypted.
    #[must_use]
    pub fn encryption(&self) -> Encryption {
        match (self.use_tls, self.start_tls) {
            (true, _) => Encryption::Ldaps,
            (false, true) => Encryption::StartTls,
            (false, false) => Encryption::None,
        }
    }

    /// The port that it connects to.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.ldap_uri.port(self.use_tls)
    }

    pub(super) fn parse(object: &Map<String, Value>) -> Result<Self, Vec<FieldProblem>> {
        let mut reader = Reader::new(String::new(), object);
        let base_dn = reader.required(
            "base_dn",
            "ldap-auth needs base_dn: the entry above those of the users, such as ou=users,dc=example,dc=org.",
            read,
        );
        let ldap_uri: Option<LdapUri> = reader.required(
            "ldap_uri",
            "ldap-auth needs ldap_uri: the directory's host or host:port, such as ldap.example.com:389.",
            read,
        );
        let use_tls = reader.or("use_tls", false, boolean);
        let start_tls = reader.or("start_tls", false, boolean);
        let tls_verify = reader.or("tls_verify", false, boolean);
        let ca_certificate = reader.optional("ca_certificate", |value| pem::certificates(&text(value, 1)?)).flatten();
        let uid = reader.or("uid", cn(), read);
        let hide_credentials = reader.or("hide_credentials", false, boolean);
        let realm = reader.or("realm", ldap(), realm);
        if use_tls && start_tls {
            reader.refuse("start_tls", "use_tls already encrypts the connection: choose one of use_tls and start_tls.");
        }
        if tls_verify && !use_tls && !start_tls {
            reader.refuse("tls_verify", "There is no TLS to verify: add \"use_tls\": true or \"start_tls\": true.");
        }
        if ca_certificate.is_some() && !tls_verify {
            reader.refuse("ca_certificate", "It has no effect unless certificates are checked: add \"tls_verify\": true.");
        }
        if tls_verify && ldap_uri.as_ref().is_some_and(LdapUri::is_ipv6) {
            reader.refuse("ldap_uri", "With tls_verify this is a name or an IPv4 address, which the certificate has.");
        }
        let config = base_dn.zip(ldap_uri).map(|(base_dn, ldap_uri)| Self {
            base_dn,
            ldap_uri,
            use_tls,
            start_tls,
            tls_verify,
            ca_certificate,
            uid,
            hide_credentials,
            realm,
        });
        reader.finish("ldap-auth", config)
    }
}

/// A text with a grammar of its own.
fn read<T: std::str::FromStr>(value: &Value) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text(value, 1)?.parse().map_err(|error: T::Err| error.to_string())
}
