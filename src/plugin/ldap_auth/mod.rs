//! ldap-auth: a request passes when a directory accepts its username and password, and a consumer is that user
//! (`apisix/plugins/ldap-auth.lua`).

pub mod dn;
mod server;

pub use server::{LdapUri, LdapUriError};

use super::about::{About, KnownBy, OnConsumer, Phase, ServerAt, nothing_more};
use super::forms::REALM;
use super::schema::{Field, Form, Kind};
use crate::pem;
use crate::problem::FieldProblem;
use dn::{AttributeType, Dn};
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "ldap-auth",
    label: "LDAP Auth",
    summary: "Lets only requests pass whose username and password a directory accepts, as the consumer with that user_dn.",
    consequence_of_removal: "Requests pass without a password",
    priority: 2540,
    phase: Phase::Rewrite,
    authenticates: true,
    fields: FIELDS,
    check,
    servers,
    example: EXAMPLE,
    on_consumer: OnConsumer::With {
        fields: CONSUMER_FIELDS,
        check: nothing_more,
        example: CONSUMER_EXAMPLE,
        known_by: Some(KnownBy { field: USER_DN, read: found_by }),
    },
    ..About::BASE
};

const EXAMPLE: &str = "{\n  \"base_dn\": \"ou=users,dc=example,dc=org\",\n  \"ldap_uri\": \"ldap.example.com:389\",\n  \"uid\": \"cn\"\n}";

const CONSUMER_EXAMPLE: &str = "{\n  \"user_dn\": \"cn=user01,ou=users,dc=example,dc=org\"\n}";

/// Field names and defaults as in APISIX 3.18; `start_tls` and `ca_certificate` are Postern's own.
const FIELDS: &[Field] = &[
    Field::new("base_dn", DN, "The entry right above those of the users.")
        .needed("ldap-auth needs base_dn: the entry above those of the users, such as ou=users,dc=example,dc=org."),
    Field::new("ldap_uri", SERVER, "The directory, as host or host:port. The port is 389, with use_tls 636.")
        .needed("ldap-auth needs ldap_uri: the directory's host or host:port, such as ldap.example.com:389."),
    Field::new("use_tls", Kind::Boolean, "Whether the connection is ldaps.").or("false"),
    Field::new("start_tls", Kind::Boolean, "Whether the connection is encrypted by StartTLS.").or("false"),
    Field::new("tls_verify", Kind::Boolean, "Whether the directory's certificate is checked.").or("false"),
    Field::new(
        "ca_certificate",
        Kind::Text { min: 1, max: 65_536 },
        "Who may have signed the directory's certificate, as PEM; without it, whoever the system trusts.",
    ),
    Field::new("uid", ATTRIBUTE, "The attribute that has the username.").or("\"cn\""),
    Field::new("hide_credentials", Kind::Boolean, "Whether Authorization is removed before the request goes upstream.")
        .or("false"),
    Field::new("realm", REALM, "The realm that WWW-Authenticate names.").or("\"ldap\""),
];

const CONSUMER_FIELDS: &[Field] =
    &[Field::new(USER_DN, DN, "The distinguished name of the user that this consumer is.")
        .secret()
        .needed("ldap-auth needs user_dn: which user of the directory this consumer is.")];

/// What requests of a consumer are found by.
pub const USER_DN: &str = "user_dn";

const DN: Kind = Kind::Form(&Form {
    pattern: "^ *[A-Za-z0-9][A-Za-z0-9.-]* *=.",
    read: |text| text.parse::<Dn>().map(drop).map_err(|error| error.to_string()),
});

const SERVER: Kind = Kind::Form(&Form {
    pattern: "^([A-Za-z0-9._-]{1,253}|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?$",
    read: |text| text.parse::<LdapUri>().map(drop).map_err(|error| error.to_string()),
});

const ATTRIBUTE: Kind = Kind::Form(&Form {
    pattern: "^([A-Za-z][A-Za-z0-9-]*|[0-9]+(\\.[0-9]+)+)$",
    read: |text| text.parse::<AttributeType>().map(drop).map_err(|error| error.to_string()),
});

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LdapAuthPlugin {
    pub base_dn: Dn,
    pub ldap_uri: LdapUri,
    pub use_tls: bool,
    /// RFC 4511 §4.14.
    pub start_tls: bool,
    pub tls_verify: bool,
    pub ca_certificate: Option<String>,
    pub uid: AttributeType,
    pub hide_credentials: bool,
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
}

/// The name that a consumer's `user_dn` is looked up by, however it is spelled.
///
/// # Errors
/// A sentence that names the rule it breaks, and nothing of the value.
pub fn found_by(user_dn: &str) -> Result<String, String> {
    user_dn.parse::<Dn>().map(String::from).map_err(|error| error.to_string())
}

/// On a service or route; the user of a consumer names no server.
fn read(full: &Map<String, Value>) -> Option<LdapAuthPlugin> {
    serde_json::from_value(Value::Object(full.clone())).ok()
}

fn servers(full: &Map<String, Value>) -> Vec<ServerAt> {
    let server = |config: LdapAuthPlugin| ServerAt::new("/ldap_uri", config.ldap_uri.host(), config.port());
    read(full).map(server).into_iter().collect()
}

fn check(full: &Map<String, Value>) -> Vec<FieldProblem> {
    let Some(config) = read(full) else { return Vec::new() };
    let mut problems = Vec::new();
    let mut refuse = |field: &str, why: &str| problems.push(FieldProblem::new(field, why));
    if config.use_tls && config.start_tls {
        refuse("/start_tls", "use_tls already encrypts the connection: choose one of use_tls and start_tls.");
    }
    if config.tls_verify && config.encryption() == Encryption::None {
        refuse("/tls_verify", "There is no TLS to verify: add \"use_tls\": true or \"start_tls\": true.");
    }
    if config.tls_verify && config.ldap_uri.is_ipv6() {
        refuse("/ldap_uri", "With tls_verify this is a name or an IPv4 address, which the certificate has.");
    }
    if let Some(pem) = &config.ca_certificate {
        match pem::certificates(pem) {
            Err(why) => refuse("/ca_certificate", &why),
            Ok(_) if !config.tls_verify => {
                refuse(
                    "/ca_certificate",
                    "It has no effect unless certificates are checked: add \"tls_verify\": true.",
                );
            }
            Ok(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Placement, PluginConfig, PluginName};
    use serde_json::json;

    /// The only problem is at `path`, and its words have `part`.
    fn refused(placement: Placement, config: &Value, path: &str, part: &str) {
        let problems = PluginConfig::parse_for(placement, PluginName::LdapAuth, &config.to_string()).unwrap_err();
        assert_eq!(problems.len(), 1, "{config}: {problems:?}");
        assert_eq!(problems[0].field, path, "{config}: {problems:?}");
        assert!(problems[0].problem.contains(part), "{config}: {problems:?}");
    }

    fn with(changes: &Value) -> Value {
        let mut config = json!({"base_dn": "ou=users,dc=example,dc=org", "ldap_uri": "ldap.example.com:1389"});
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        config
    }

    #[test]
    fn what_is_left_out_is_as_in_apisix() {
        let config = PluginConfig::parse(PluginName::LdapAuth, &with(&json!({})).to_string()).unwrap();
        let config: LdapAuthPlugin = config.settings().unwrap();
        assert_eq!((config.encryption(), config.port(), config.tls_verify), (Encryption::None, 1389, false));
        assert_eq!(
            (config.uid.to_string(), config.realm, config.hide_credentials),
            ("cn".into(), "ldap".into(), false)
        );
        for (changes, encryption, port) in [
            (json!({"ldap_uri": "ldap"}), Encryption::None, 389),
            (json!({"ldap_uri": "ldap", "start_tls": true}), Encryption::StartTls, 389),
            (json!({"ldap_uri": "ldap", "use_tls": true}), Encryption::Ldaps, 636),
        ] {
            let config = PluginConfig::parse(PluginName::LdapAuth, &with(&changes).to_string()).unwrap();
            let config: LdapAuthPlugin = config.settings().unwrap();
            assert_eq!((config.encryption(), config.port()), (encryption, port), "{changes}");
        }
    }

    #[test]
    fn what_cannot_be_enforced_is_refused_at_its_field() {
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        for (changes, path, part) in [
            (json!({"base_dn": ""}), "/base_dn", "looks like cn=alice"),
            (json!({"base_dn": "users"}), "/base_dn", "type=value"),
            (json!({"base_dn": "ou=users;dc=org"}), "/base_dn", "not escaped"),
            (json!({"ldap_uri": "ldap://ldap.example.com"}), "/ldap_uri", "Leave the scheme away"),
            (json!({"ldap_uri": "ldap.example.com:x"}), "/ldap_uri", "name or address"),
            (json!({"uid": "c n"}), "/uid", "attribute type"),
            (json!({"uid": "cn=x,cn"}), "/uid", "attribute type"),
            (json!({"use_tls": 1}), "/use_tls", "true or false"),
            (json!({"use_tls": true, "start_tls": true}), "/start_tls", "choose one"),
            (json!({"tls_verify": true}), "/tls_verify", "no TLS to verify"),
            (json!({"use_tls": true, "tls_verify": true, "ldap_uri": "[::1]:636"}), "/ldap_uri", "IPv4"),
            (json!({"use_tls": true, "ca_certificate": pem}), "/ca_certificate", "no effect"),
            (json!({"use_tls": true, "tls_verify": true, "ca_certificate": "x"}), "/ca_certificate", "PEM"),
            (json!({"realm": "\""}), "/realm", "realm"),
            (json!({"anonymous_consumer": "nobody"}), "/anonymous_consumer", "no such field"),
            (json!({"user_dn": "cn=a"}), "/user_dn", "no such field"),
            (json!({"base_dn": "$secret://vault/my-vault/ldap/base"}), "/base_dn", "not resolved in this field"),
        ] {
            refused(Placement::Route, &with(&changes), path, part);
        }
    }

    #[test]
    fn a_consumer_is_a_user_by_name_or_by_reference() {
        let parse = |config: Value| {
            PluginConfig::parse_for(Placement::Consumer, PluginName::LdapAuth, &config.to_string()).unwrap()
        };
        assert_eq!(parse(json!({"user_dn": "cn=user01,ou=users,dc=example,dc=org"})).references().count(), 0);
        let referring = parse(json!({"user_dn": "$secret://vault/my-vault/consumer/alice/user_dn"}));
        let reference = referring.references().map(|(at, reference)| format!("{at} {reference}")).next();
        assert_eq!(reference.as_deref(), Some("user_dn $secret://vault/my-vault/consumer/alice/user_dn"));
        for (config, path, part) in [
            (json!({}), "/user_dn", "needs user_dn"),
            (json!({"user_dn": "alice"}), "/user_dn", "type=value"),
            (json!({"user_dn": "$secret://vault/my-vault"}), "/user_dn", "key"),
            (json!({"user_dn": "cn=a", "base_dn": "dc=x"}), "/base_dn", "no such field"),
        ] {
            refused(Placement::Consumer, &config, path, part);
        }
    }

    #[test]
    fn a_user_dn_is_found_however_it_is_spelled() {
        assert_eq!(found_by("CN=user01, OU=users"), found_by("cn=user01,ou=users"));
        let error = found_by("canary").unwrap_err();
        assert!(error.contains("type=value") && !error.contains("canary"), "{error}");
    }
}
