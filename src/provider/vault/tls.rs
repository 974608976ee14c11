//! What may be particular about the TLS in front of a Vault: the name its certificate is for, and a client
//! certificate that its listener or load balancer demands.

use super::FormSecret;
use super::checks::{check_certificate, check_private_key};
use crate::problem::{FieldProblem, Problems};
use crate::sensitive::Entered;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The name that is asked for in the TLS handshake (SNI) and that the certificate must be for: a host name,
/// in small letters. An address is no name: SNI has none (RFC 6066).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);

/// Why a text is not a TLS Server Name: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ServerNameError(&'static str);

impl ServerName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(text: &str) -> Result<Self, ServerNameError> {
        let name = text.trim().to_ascii_lowercase();
        if name.parse::<IpAddr>().is_ok() {
            return Err(ServerNameError("The TLS Server Name is a host name, not an IP address."));
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len()) && label.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        // A last label that begins with a digit would be read as an address: `127.1`, `0x7f.1`.
        let ends_well = name.rsplit('.').next().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
        if name.len() > 253 || !name.split('.').all(is_label) || !ends_well {
            return Err(ServerNameError(
                "Write a host name, for example vault.example.com, without https:// and port.",
            ));
        }
        Ok(Self(name))
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(ServerName);

/// What Postern shows in the TLS handshake, whatever it logs in with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate<S> {
    /// PEM: the certificate, then what stands between it and its authority.
    pub certificate: String,
    /// PEM.
    pub private_key: S,
}

impl<S> ClientCertificate<S> {
    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<ClientCertificate<T>, E> {
        Ok(ClientCertificate {
            certificate: self.certificate.clone(),
            private_key: f("tls_private_key", &self.private_key)?,
        })
    }
}

/// The TLS fields of the dialog, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsForm {
    /// Empty: the name in the Vault Server URL.
    pub server_name: String,
    /// PEM. Empty: no client certificate.
    pub certificate: String,
    /// PEM. Empty keeps what is stored.
    pub private_key: FormSecret,
}

/// What the fields mean.
pub(super) struct ParsedTls {
    pub(super) server_name: Option<ServerName>,
    pub(super) client_certificate: Option<ClientCertificate<Entered>>,
}

impl TlsForm {
    /// The form that edits what is stored. The private key is empty, which keeps it.
    pub(super) fn of<S>(server_name: Option<&ServerName>, client: Option<&ClientCertificate<S>>) -> Self {
        Self {
            server_name: server_name.map(ToString::to_string).unwrap_or_default(),
            certificate: client.map(|client| client.certificate.clone()).unwrap_or_default(),
            private_key: FormSecret::default(),
        }
    }

    /// Whether a private key is needed and there is none: neither typed nor stored.
    pub(super) fn missing_key(&self, stored: bool) -> Option<FieldProblem> {
        let is_missing = !stored && !self.certificate.trim().is_empty() && self.private_key.0.trim().is_empty();
        is_missing
            .then(|| FieldProblem::new("tls_private_key", "The key of the TLS Client Certificate is needed here."))
    }

    /// `https`: what none of this is of use without. `logs_in_with_certificate`: then that one is shown.
    pub(super) fn parse(
        &self,
        https: bool,
        logs_in_with_certificate: bool,
        problems: &mut Problems,
    ) -> Option<ParsedTls> {
        // First, since forms show the first problem of each field: no other name would be of use either.
        if !https && !self.server_name.trim().is_empty() {
            problems.add("server_name", "A TLS Server Name is of use with https:// only.");
        }
        let server_name = match self.server_name.trim() {
            "" => Some(None),
            name => problems.check("server_name", name.parse()).map(Some),
        };
        // The dialog hides these fields then; what was typed before is not used.
        let client_certificate = match (self.certificate.trim(), self.private_key.0.trim()) {
            _ if logs_in_with_certificate => Some(None),
            ("", "") => Some(None),
            ("", _) => {
                problems.add("tls_certificate", "The certificate that belongs to the TLS Client Key is needed here.");
                None
            }
            (certificate, key) => {
                let certificate = problems.check("tls_certificate", check_certificate(certificate));
                let private_key = problems.check("tls_private_key", check_private_key(key));
                certificate
                    .zip(private_key)
                    .map(|(certificate, private_key)| Some(ClientCertificate { certificate, private_key }))
            }
        };
        if !https && matches!(client_certificate, Some(Some(_))) {
            problems.add("tls_certificate", "A TLS Client Certificate is shown over https:// only.");
        }
        Some(ParsedTls { server_name: server_name?, client_certificate: client_certificate? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_names_are_host_names() {
        for (text, expected) in [
            ("vault.example.com", Some("vault.example.com")),
            (" Vault.Internal ", Some("vault.internal")),
            ("vault", Some("vault")),
            ("my_vault-1.svc", Some("my_vault-1.svc")),
            ("", None),
            ("10.0.0.1", None),
            ("::1", None),
            ("127.1", None),
            ("0x7f.1", None),
            ("vault.0x7f", None),
            ("2130706433", None),
            ("https://vault", None),
            ("vault:8200", None),
            ("vault/x", None),
            ("va ult", None),
            ("vault..internal", None),
            ("vault.", None),
            ("*.example.com", None),
        ] {
            let got = text.parse::<ServerName>().ok();
            assert_eq!(got.as_ref().map(ServerName::as_str), expected, "{text:?}");
        }
        assert!("a.".repeat(127).trim_end_matches('.').parse::<ServerName>().is_ok());
        assert!("a.".repeat(128).trim_end_matches('.').parse::<ServerName>().is_err());
    }

    const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----";

    fn form(server_name: &str, certificate: &str, key: &str) -> TlsForm {
        TlsForm {
            server_name: server_name.to_owned(),
            certificate: certificate.to_owned(),
            private_key: FormSecret(key.to_owned()),
        }
    }

    #[test]
    fn the_field_at_fault_is_named() {
        for (form, https, faults) in [
            (form("", "", ""), false, &[][..]),
            (form("v.example", PEM, KEY), true, &[]),
            (form("v.example", PEM, ""), true, &[]),
            (form("1.2.3.4", "x", "y"), true, &["server_name", "tls_certificate", "tls_private_key"]),
            (form("", "", KEY), true, &["tls_certificate"]),
            (form("v.example", PEM, KEY), false, &["server_name", "tls_certificate"]),
        ] {
            let mut problems = Problems::default();
            let parsed = form.parse(https, false, &mut problems);
            let found = problems.finish(parsed).err().unwrap_or_default();
            let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, faults, "{form:?}");
        }
    }

    #[test]
    fn the_login_s_own_certificate_goes_before() {
        let parsed = form("", PEM, KEY).parse(true, true, &mut Problems::default()).unwrap();
        assert_eq!(parsed.client_certificate, None);
    }

    #[test]
    fn a_key_is_needed_unless_it_is_stored() {
        for (form, stored, missing) in [
            (form("", PEM, ""), false, true),
            (form("", PEM, ""), true, false),
            (form("", PEM, KEY), false, false),
            (form("", "", ""), false, false),
        ] {
            assert_eq!(form.missing_key(stored).is_some(), missing, "{form:?} {stored}");
        }
    }
}
