//! The Vault part of the provider dialog.

use super::checks::{check_namespace, check_pem};
use super::tls::ParsedTls;
use super::{AuthForm, AuthMethod, KvVersion, TlsForm, VaultSettings, VaultUrl};
use crate::problem::{FieldProblem, Problems};
use crate::provider::timeout::Timeout;
use crate::sensitive::Entered;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The Vault part of the provider dialog, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultForm {
    /// `1`, `2` or `auto`.
    pub kv_version: String,
    pub url: String,
    pub prefix: String,
    pub auth: AuthForm,
    pub namespace: String,
    pub ca_certificate: String,
    pub tls: TlsForm,
    /// Seconds; empty means the default.
    pub timeout_seconds: String,
}

/// A secret field of a form: text that is never printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FormSecret(pub String);

impl fmt::Debug for FormSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "FormSecret(empty)" } else { "FormSecret(redacted)" })
    }
}

impl Default for VaultForm {
    fn default() -> Self {
        Self {
            kv_version: KvVersion::default().slug().to_owned(),
            url: String::new(),
            prefix: String::new(),
            auth: AuthForm::default(),
            namespace: String::new(),
            ca_certificate: String::new(),
            tls: TlsForm::default(),
            timeout_seconds: String::new(),
        }
    }
}

impl VaultForm {
    pub(in crate::provider) fn of<S>(settings: &VaultSettings<S>) -> Self {
        Self {
            kv_version: settings.kv_version.slug().to_owned(),
            url: settings.url.to_string(),
            prefix: settings.prefix.to_string(),
            auth: AuthForm::of(&settings.auth),
            namespace: settings.namespace.clone().unwrap_or_default(),
            ca_certificate: settings.ca_certificate.clone().unwrap_or_default(),
            tls: TlsForm::of(settings.server_name.as_ref(), settings.client_certificate.as_ref()),
            timeout_seconds: settings.timeout.to_string(),
        }
    }

    /// The problems of empty secret fields of which nothing is stored. `stored` is the method whose secret
    /// is, if one is; `stored_key` whether the key of a TLS Client Certificate is.
    #[must_use]
    pub fn missing_secrets(&self, stored: Option<AuthMethod>, stored_key: bool) -> Vec<FieldProblem> {
        let key = match self.auth.method() {
            // It has its own certificate.
            Some(AuthMethod::Cert) => None,
            _ => self.tls.missing_key(stored_key),
        };
        self.auth.missing_secret(stored).into_iter().chain(key).collect()
    }

    pub(in crate::provider) fn parse(&self, problems: &mut Problems) -> Option<VaultSettings<Entered>> {
        let kv_version = KvVersion::ALL.into_iter().find(|v| v.slug() == self.kv_version);
        if kv_version.is_none() {
            problems.add("kv_version", "Choose one of the listed KV versions.");
        }
        let url = problems.check("url", self.url.parse::<VaultUrl>());
        let prefix = problems.check("prefix", self.prefix.parse());
        let auth = self.auth.parse(problems);
        let namespace = problems.check("namespace", check_namespace(&self.namespace));
        let ca_certificate = problems.check("ca_certificate", check_pem(&self.ca_certificate));
        let shows_certificate = self.auth.method() == Some(AuthMethod::Cert);
        if let Some(url) = url.as_ref().filter(|url| shows_certificate && !url.is_https()) {
            problems.add("url", format!("A TLS certificate is shown over https:// only, not to {url}."));
        }
        // Of an address that is at fault nothing more is said.
        let https = url.as_ref().is_none_or(VaultUrl::is_https);
        let tls = self.tls.parse(https, shows_certificate, problems);
        let timeout = problems.check("timeout_seconds", Timeout::from_field(&self.timeout_seconds));
        let ParsedTls { server_name, client_certificate } = tls?;
        Some(VaultSettings {
            kv_version: kv_version?,
            url: url?,
            prefix: prefix?,
            auth: auth?,
            namespace: namespace?,
            ca_certificate: ca_certificate?,
            server_name,
            client_certificate,
            timeout: timeout?,
        })
    }
}
