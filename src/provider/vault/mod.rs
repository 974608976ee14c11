//! HashiCorp Vault (and OpenBao, which speaks the same API): settings, and where a reference is read.

mod auth;
mod tls;

pub use auth::{AuthForm, AuthMethod, AuthMount, MountError, SERVICE_ACCOUNT_TOKEN, SecretFieldName, VaultAuth};
pub use tls::{ClientCertificate, ServerName, ServerNameError, TlsForm};

use crate::problem::{FieldProblem, Problems};
use crate::provider::timeout::Timeout;
use crate::sensitive::Entered;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use tls::ParsedTls;

/// How Postern reaches one Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultSettings<S> {
    pub kv_version: KvVersion,
    pub url: VaultUrl,
    pub prefix: SecretPrefix,
    pub auth: VaultAuth<S>,
    /// Sent as `X-Vault-Namespace`.
    pub namespace: Option<String>,
    /// PEM. When set it replaces the system's certificate authorities.
    pub ca_certificate: Option<String>,
    /// The name that the certificate is for, where it is not the one in the address.
    pub server_name: Option<ServerName>,
    /// Shown in the TLS handshake. [`VaultAuth::Cert`] shows its own instead.
    pub client_certificate: Option<ClientCertificate<S>>,
    #[serde(default)]
    pub timeout: Timeout,
}

impl<S> VaultSettings<S> {
    /// Whether a stored secret may serve both: it is shown to no other server than the one it was entered
    /// for, by address and by the name that its certificate must have.
    #[must_use]
    pub fn same_holder<T>(&self, other: &VaultSettings<T>) -> bool {
        self.url.same_server(&other.url) && self.server_name == other.server_name
    }

    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<VaultSettings<T>, E> {
        Ok(VaultSettings {
            kv_version: self.kv_version,
            url: self.url.clone(),
            prefix: self.prefix.clone(),
            auth: self.auth.try_map(f)?,
            namespace: self.namespace.clone(),
            ca_certificate: self.ca_certificate.clone(),
            server_name: self.server_name.clone(),
            client_certificate: self.client_certificate.as_ref().map(|client| client.try_map(f)).transpose()?,
            timeout: self.timeout,
        })
    }

    /// The request that reads the secret at `path` below the prefix, given the mount behind the prefix.
    ///
    /// Where the operator chose a KV version it is used as chosen; the mount's own version decides
    /// for Auto-detect. A prefix that already holds the `data` of a version 2 API path is taken as
    /// the path without it.
    #[must_use]
    pub fn locate(&self, mount: &Mount, path: &[String]) -> ReadPath {
        let below = self.prefix.below(mount);
        let version = self.kv_version.chosen().unwrap_or(mount.version);
        let mut segments = mount.path.clone();
        let logical = match version {
            Kv::V1 => below,
            Kv::V2 => {
                segments.push("data".to_owned());
                below.strip_prefix(&["data".to_owned()][..]).unwrap_or(below)
            }
        };
        segments.extend(logical.iter().chain(path).cloned());
        ReadPath { segments, version }
    }
}

/// A version of Vault's key/value engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kv {
    #[serde(rename = "1")]
    V1,
    #[serde(rename = "2")]
    V2,
}

impl Kv {
    /// `1` or `2`.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The choice in the dialog that means this version.
    #[must_use]
    pub fn choice(self) -> KvVersion {
        match self {
            Self::V1 => KvVersion::V1,
            Self::V2 => KvVersion::V2,
        }
    }
}

/// The KV Version an operator chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvVersion {
    #[serde(rename = "1")]
    V1,
    #[serde(rename = "2")]
    V2,
    /// Whatever the mount behind the prefix is.
    #[default]
    #[serde(rename = "auto")]
    Auto,
}

impl KvVersion {
    /// Every choice, in the order the dialog offers them.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::Auto];

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
            Self::Auto => "auto",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::V1 => "KV version 1",
            Self::V2 => "KV version 2",
            Self::Auto => "Auto-detect",
        }
    }

    /// The version chosen, unless it is to be detected.
    #[must_use]
    pub fn chosen(self) -> Option<Kv> {
        match self {
            Self::V1 => Some(Kv::V1),
            Self::V2 => Some(Kv::V2),
            Self::Auto => None,
        }
    }
}

/// A secrets engine's mount, as `sys/internal/ui/mounts` reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Its path's segments: `["team", "kv"]`.
    pub path: Vec<String>,
    pub version: Kv,
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.path.join("/"))
    }
}

/// The path of a read request below `/v1/`, and the KV version whose answer to expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPath {
    /// Segments, not yet percent-encoded.
    pub segments: Vec<String>,
    pub version: Kv,
}

impl fmt::Display for ReadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("/"))
    }
}

/// The address of a Vault: scheme, host, optional port, optional base path; no user info, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultUrl {
    https: bool,
    host: String,
    port: u16,
    base: Vec<String>,
    text: String,
}

/// Why a text is not a Vault Server URL: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

impl VaultUrl {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Host name or IP address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 or 80 when none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Segments of the base path before `/v1`.
    #[must_use]
    pub fn base(&self) -> &[String] {
        &self.base
    }

    /// Whether the host is this machine by name or address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host == "::1" || self.host.starts_with("127.")
    }

    /// Whether both are the same server: a stored token is never sent to another one.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }
}

impl FromStr for VaultUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let error = |why: &str| Err(UrlError(why.to_owned()));
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() {
            return error("The Vault Server URL is needed here, for example http://127.0.0.1:8200.");
        }
        let (https, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return error("The Vault Server URL begins with http:// or https://."),
            None => return Err(UrlError(format!("Write the scheme too: http://{text} or https://{text}."))),
        };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return error("The Vault Server URL contains a blank or control character.");
        }
        if rest.contains(['?', '#', '\\']) {
            return error("The Vault Server URL has no '?', '#' or '\\'.");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return error("Leave user names and passwords out of the Vault Server URL.");
        }
        let (host, port) = host_and_port(authority, https)?;
        let base = base_path(path)?;
        Ok(Self { https, host, port, base, text: text.to_owned() })
    }
}

pub(crate) fn host_and_port(authority: &str, https: bool) -> Result<(String, u16), UrlError> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, after)) = rest.split_once(']') else {
            return Err(UrlError("The IPv6 address lacks its closing bracket.".to_owned()));
        };
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err(UrlError("The text in brackets is not an IPv6 address.".to_owned()));
        }
        let port = after.strip_prefix(':');
        if port.is_none() && !after.is_empty() {
            return Err(UrlError("After the bracket of an IPv6 address only ':' and a port may follow.".to_owned()));
        }
        (host, port)
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let plain_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plain_host) {
        return Err(UrlError("The Vault Server URL needs a host name or IP address after '://'.".to_owned()));
    }
    let port = match port {
        None => Some(if https { 443 } else { 80 }),
        Some(text) => text.parse().ok().filter(|port| *port != 0),
    };
    match port {
        Some(port) => Ok((host.to_ascii_lowercase(), port)),
        None => Err(UrlError("The port in the Vault Server URL is a number from 1 to 65535.".to_owned())),
    }
}

fn base_path(path: &str) -> Result<Vec<String>, UrlError> {
    let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    match segments.first().map(String::as_str) {
        Some(first @ ("v1" | "ui")) => Err(UrlError(format!(
            "Leave /{first} and what follows out: the Vault Server URL is the server's address only."
        ))),
        _ if segments.iter().any(|s| s == "." || s == "..") => {
            Err(UrlError("The Vault Server URL cannot contain '.' or '..' as a path segment.".to_owned()))
        }
        _ => Ok(segments),
    }
}

impl fmt::Display for VaultUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(VaultUrl);

/// The mount and the path below it where a provider's secrets lie: `secret/api7`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretPrefix(Vec<String>);

/// Why a text is not a Secret Prefix: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PrefixError(String);

impl SecretPrefix {
    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The mount to assume where Vault does not say: the first segment.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The part below `mount`; nothing when the prefix is not below it.
    #[must_use]
    pub fn below(&self, mount: &Mount) -> &[String] {
        self.0.strip_prefix(mount.path.as_slice()).unwrap_or_default()
    }

    /// The prefix without the `data` segment of a version 2 API path, when it has one behind the mount.
    #[must_use]
    pub fn without_data(&self, mount: &Mount) -> Option<Self> {
        let rest = self.below(mount).strip_prefix(&["data".to_owned()][..])?;
        Some(Self(mount.path.iter().chain(rest).cloned().collect()))
    }
}

impl FromStr for SecretPrefix {
    type Err = PrefixError;

    /// Slashes at either end and doubled ones are dropped, as APISIX does (`apisix/secret/vault.lua`).
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let error = |why: String| Err(PrefixError(why));
        let segments: Vec<String> = text.trim().split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        if segments.is_empty() {
            return error(
                "The Secret Prefix is needed here: the mount and the path below it, for example secret/api7."
                    .to_owned(),
            );
        }
        if let Some(segment) = segments.iter().find(|s| *s == "." || *s == "..") {
            return error(format!("The Secret Prefix cannot contain '{segment}' as a segment."));
        }
        if let Some(c) =
            segments.iter().flat_map(|s| s.chars()).find(|c| c.is_control() || matches!(c, '?' | '#' | '\\' | ';'))
        {
            return error(format!("The Secret Prefix cannot contain {c:?}."));
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for SecretPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

text_form!(SecretPrefix);

/// The policy text that lets a token read below `prefix`, complete with its closing brace.
#[must_use]
pub fn read_policy(mount: &Mount, prefix: &SecretPrefix) -> String {
    let mut segments = mount.path.clone();
    let below = prefix.below(mount);
    let below = match mount.version {
        Kv::V1 => below,
        Kv::V2 => {
            segments.push("data".to_owned());
            below.strip_prefix(&["data".to_owned()][..]).unwrap_or(below)
        }
    };
    segments.extend(below.iter().cloned());
    read_policy_of(&format!("{}/*", segments.join("/")))
}

/// The policy text that lets a token read `path` (below `/v1/`), complete with its closing brace.
#[must_use]
pub fn read_policy_of(path: &str) -> String {
    format!("path \"{}\" {{\n  capabilities = [\"read\"]\n}}", path.replace('"', "\\\""))
}

/// The policy text that reading exactly `places` takes. For KV version 2 it lets Postern look at their
/// metadata too, which holds no values.
#[must_use]
pub fn least_policy(mount: &Mount, places: &[ReadPath]) -> String {
    let read = places.iter().map(|place| read_policy_of(&place.to_string()));
    let metadata: Vec<String> = places.iter().filter_map(|place| metadata_path(mount, place)).collect();
    let mut text = read.collect::<Vec<_>>().join("\n\n");
    if !metadata.is_empty() {
        text.push_str("\n\n# Not needed to read: a new version is noticed before the next refresh.\n");
        let stanzas: Vec<String> = metadata.iter().map(|path| read_policy_of(path)).collect();
        text.push_str(&stanzas.join("\n\n"));
    }
    text
}

/// Where the metadata of a KV version 2 secret is.
fn metadata_path(mount: &Mount, place: &ReadPath) -> Option<String> {
    let mut segments = place.segments.clone();
    let data = segments.get_mut(mount.path.len()).filter(|_| place.version == Kv::V2)?;
    "metadata".clone_into(data);
    Some(segments.join("/"))
}

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
    pub(super) fn of<S>(settings: &VaultSettings<S>) -> Self {
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

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<VaultSettings<Entered>> {
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

fn check_namespace(text: &str) -> Result<Option<String>, String> {
    let namespace = text.trim().trim_matches('/');
    match namespace {
        "" => Ok(None),
        _ if namespace.chars().all(|c| c.is_ascii_graphic()) => Ok(Some(namespace.to_owned())),
        _ => Err("A namespace has no blanks or special characters.".to_owned()),
    }
}

fn check_pem(text: &str) -> Result<Option<String>, String> {
    let pem = text.trim();
    match pem {
        "" => Ok(None),
        _ if pem.starts_with("-----BEGIN CERTIFICATE-----") && pem.ends_with("-----END CERTIFICATE-----") => {
            Ok(Some(format!("{pem}\n")))
        }
        _ => {
            Err("Paste one or more certificates in PEM form: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----."
                .to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{FreshnessForm, ProviderForm};

    fn mount(path: &str, version: Kv) -> Mount {
        Mount { path: path.split('/').map(str::to_owned).collect(), version }
    }

    fn settings(kv_version: &str, prefix: &str) -> VaultSettings<Entered> {
        let mut problems = Problems::default();
        let form = VaultForm {
            kv_version: kv_version.to_owned(),
            url: "http://127.0.0.1:8200".to_owned(),
            prefix: prefix.to_owned(),
            ..VaultForm::default()
        };
        form.parse(&mut problems).unwrap()
    }

    #[test]
    fn references_are_located_for_both_kv_versions() {
        let path = ["consumer".to_owned(), "alice".to_owned()];
        for (chosen, prefix, mount, expected) in [
            ("1", "secret/api7", mount("secret", Kv::V1), "secret/api7/consumer/alice"),
            ("2", "secret/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
            ("auto", "secret/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
            ("auto", "kv/api7", mount("kv", Kv::V1), "kv/api7/consumer/alice"),
            ("auto", "team/kv/api7", mount("team/kv", Kv::V2), "team/kv/data/api7/consumer/alice"),
            ("auto", "/secret//api7/", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
            ("2", "secret/data/api7", mount("secret", Kv::V2), "secret/data/api7/consumer/alice"),
            ("1", "secret/data/api7", mount("secret", Kv::V1), "secret/data/api7/consumer/alice"),
            ("2", "secret", mount("secret", Kv::V2), "secret/data/consumer/alice"),
        ] {
            let read = settings(chosen, prefix).locate(&mount, &path);
            assert_eq!(read.to_string(), expected, "{chosen} {prefix}");
        }
    }

    /// What was stored before there were these fields.
    #[test]
    fn settings_without_the_newer_fields_are_read() {
        let stored = r#"{"kv_version":"2","url":"https://v.example","prefix":"secret/api7",
            "auth":{"method":"kubernetes","role":"r","mount":"kubernetes"},"namespace":null,"ca_certificate":null}"#;
        let settings: VaultSettings<Entered> = serde_json::from_str(stored).unwrap();
        assert_eq!((settings.timeout, settings.server_name.clone()), (Timeout::default(), None));
        let again = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<VaultSettings<Entered>>(&again).unwrap(), settings);
    }

    #[test]
    fn a_stored_secret_serves_one_server_by_address_and_name() {
        let with = |url: &str, name: &str| {
            let tls = TlsForm { server_name: name.to_owned(), ..TlsForm::default() };
            let form = VaultForm { url: url.to_owned(), prefix: "s".to_owned(), tls, ..VaultForm::default() };
            form.parse(&mut Problems::default()).unwrap()
        };
        let stored = with("https://v.example", "v.internal");
        assert!(stored.same_holder(&with("https://v.example/vault", "V.internal")));
        for other in [with("https://v.example", ""), with("https://v.example", "w"), with("https://w", "v.internal")] {
            assert!(!stored.same_holder(&other), "{other:?}");
        }
    }

    #[test]
    fn urls() {
        for (text, expected) in [
            ("http://127.0.0.1:8200", Some((false, "127.0.0.1", 8200, ""))),
            ("https://vault.example.com/", Some((true, "vault.example.com", 443, ""))),
            ("https://V.example/vault", Some((true, "v.example", 443, "vault"))),
            ("http://[::1]:8200", Some((false, "::1", 8200, ""))),
            ("127.0.0.1:8200", None),
            ("ftp://host", None),
            ("http://user:pw@host", None),
            ("http://", None),
            ("http://host:0", None),
            ("http://host:99999", None),
            ("http://[zz]:1", None),
            ("http://[::1]x:80", None),
            ("http://host/v1/secret", None),
            ("http://host/ui/vault", None),
            ("http://host?x=1", None),
            ("http://host/../x", None),
            ("http://ho st", None),
            ("http://host\\x", None),
            ("", None),
        ] {
            let got = text.parse::<VaultUrl>().ok();
            let got = got.as_ref().map(|u| (u.is_https(), u.host(), u.port(), u.base().join("/")));
            let expected = expected.map(|(https, host, port, base)| (https, host, port, base.to_owned()));
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn a_url_without_scheme_is_told_what_to_write() {
        let error = "127.0.0.1:8200".parse::<VaultUrl>().unwrap_err().to_string();
        assert!(error.contains("http://127.0.0.1:8200"), "{error}");
    }

    #[test]
    fn the_policy_offered_is_complete() {
        let prefix: SecretPrefix = "secret/api7".parse().unwrap();
        assert_eq!(
            read_policy(&mount("secret", Kv::V2), &prefix),
            "path \"secret/data/api7/*\" {\n  capabilities = [\"read\"]\n}"
        );
        assert_eq!(
            read_policy(&mount("secret", Kv::V1), &prefix),
            "path \"secret/api7/*\" {\n  capabilities = [\"read\"]\n}"
        );
    }

    #[test]
    fn a_form_names_every_field_at_fault() {
        let form = ProviderForm {
            id: "my vault".to_owned(),
            freshness: FreshnessForm { ttl_seconds: "2".to_owned(), ..FreshnessForm::default() },
            vault: VaultForm {
                kv_version: "3".to_owned(),
                url: "vault:8200".to_owned(),
                prefix: "secret/../x".to_owned(),
                ca_certificate: "nonsense".to_owned(),
                auth: AuthForm { token: FormSecret("has blank".to_owned()), ..AuthForm::default() },
                ..VaultForm::default()
            },
            ..ProviderForm::default()
        };
        let mut fields: Vec<_> = form.parse().unwrap_err().into_iter().map(|p| p.field).collect();
        fields.sort();
        assert_eq!(fields, ["ca_certificate", "id", "kv_version", "prefix", "token", "ttl_seconds", "url"]);
    }
}
