//! Kubernetes Secrets: settings, and what a reference's path means.

mod failure;

pub use failure::{KubernetesFailure, UnusableBecause, read_rule};

use crate::pem;
use crate::problem::Problems;
use crate::provider::timeout::Timeout;
use crate::provider::vault::{FormSecret, VaultUrl};
use crate::sensitive::Entered;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where Kubernetes puts what a pod's service account is known by. Fixed, and used with the cluster's own
/// address only: who may edit providers must not thereby be able to have files of the server sent somewhere.
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The API server's name inside every cluster.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// How Postern reaches one cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesSettings<S> {
    pub access: KubernetesAccess<S>,
    #[serde(default)]
    pub timeout: Timeout,
}

/// Where the API server is, and who asks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum KubernetesAccess<S> {
    Token {
        server: ApiServerAddress,
        token: S,
        /// PEM. When set it replaces the system's certificate authorities.
        ca_certificate: Option<String>,
    },
    /// The cluster that Postern runs in, as the service account of its pod: address, authority and token are
    /// Kubernetes's own, and the token is read anew for each use.
    InCluster,
}

impl<S> KubernetesSettings<S> {
    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<KubernetesSettings<T>, E> {
        let access = match &self.access {
            KubernetesAccess::Token { server, token, ca_certificate } => KubernetesAccess::Token {
                server: server.clone(),
                token: f("service_account_token", token)?,
                ca_certificate: ca_certificate.clone(),
            },
            KubernetesAccess::InCluster => KubernetesAccess::InCluster,
        };
        Ok(KubernetesSettings { access, timeout: self.timeout })
    }

    /// Where the API server is.
    #[must_use]
    pub fn address(&self) -> String {
        self.server().map_or_else(|| IN_CLUSTER.to_owned(), ToString::to_string)
    }

    /// The address that the operator gave.
    #[must_use]
    pub fn server(&self) -> Option<&ApiServerAddress> {
        match &self.access {
            KubernetesAccess::Token { server, .. } => Some(server),
            KubernetesAccess::InCluster => None,
        }
    }

    /// The provider's own token.
    #[must_use]
    pub fn token(&self) -> Option<&S> {
        match &self.access {
            KubernetesAccess::Token { token, .. } => Some(token),
            KubernetesAccess::InCluster => None,
        }
    }

    /// Which way it is.
    #[must_use]
    pub fn method(&self) -> KubernetesMethod {
        match &self.access {
            KubernetesAccess::Token { .. } => KubernetesMethod::Token,
            KubernetesAccess::InCluster => KubernetesMethod::InCluster,
        }
    }

    /// Whether a stored token may serve both: it is sent to no other server than the one it was entered for.
    #[must_use]
    pub fn same_holder<T>(&self, other: &KubernetesSettings<T>) -> bool {
        match (self.server(), other.server()) {
            (Some(one), Some(other)) => one.0.same_server(&other.0),
            _ => false,
        }
    }
}

/// The choices of the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KubernetesMethod {
    Token,
    InCluster,
}

impl KubernetesMethod {
    /// Every choice, in the order the dialog offers them.
    pub const ALL: [Self; 2] = [Self::Token, Self::InCluster];

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::InCluster => "in_cluster",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Token => "Token",
            Self::InCluster => "In-cluster service account",
        }
    }

    /// The method of that slug; empty means a token.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        match slug {
            "" => Some(Self::Token),
            slug => Self::ALL.into_iter().find(|method| method.slug() == slug),
        }
    }
}

/// The address of an API server: scheme, host, optional port and base path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiServerAddress(VaultUrl);

/// Why a text is not an API Server Address: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ApiServerAddressError(String);

impl ApiServerAddress {
    /// Scheme, host, port and base path.
    #[must_use]
    pub fn url(&self) -> &VaultUrl {
        &self.0
    }
}

impl FromStr for ApiServerAddress {
    type Err = ApiServerAddressError;

    fn from_str(text: &str) -> Result<Self, ApiServerAddressError> {
        if text.trim().is_empty() {
            return Err(ApiServerAddressError(
                "The API Server Address is needed here, for example https://10.0.0.1:6443.".to_owned(),
            ));
        }
        // The same rules as for a Vault's address, in this field's words.
        let in_our_words = |words: String| words.replace("Vault Server URL", "API Server Address");
        text.parse()
            .map(Self)
            .map_err(|e: crate::provider::vault::UrlError| ApiServerAddressError(in_our_words(e.to_string())))
    }
}

impl fmt::Display for ApiServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_form!(ApiServerAddress);

/// Why a reference's path names no key of a Secret: a sentence.
///
/// # Errors
/// What a namespace, a Secret's name or a key cannot be (RFC 1123, and `[-._a-zA-Z0-9]+` for keys).
pub fn check_path(path: &[String], key: &str) -> Result<(), String> {
    let is_key = |text: &str| text.len() <= 253 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    match path {
        [_, _] if check_place(path).is_ok() && !is_key(key) => Err(format!("'{key}' cannot be a key of a Secret.")),
        [_, _] => check_place(path),
        _ => Err(NOT_THREE.to_owned()),
    }
}

const NOT_THREE: &str =
    "With Kubernetes a reference goes on with namespace, Secret and key: <namespace>/<secret>/<key>.";

/// Why there is no such place as these first segments of a path: a sentence.
///
/// # Errors
/// What a namespace or a Secret's name cannot be (RFC 1123), and whatever stands behind these.
pub fn check_place(path: &[String]) -> Result<(), String> {
    let is_name = |text: &str, most: usize| {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || (most > 63 && c == '.');
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        text.len() <= most && text.chars().all(fits) && ends(text.chars().next()) && ends(text.chars().last())
    };
    match path {
        [namespace, ..] if !is_name(namespace, 63) => {
            Err(format!("'{namespace}' cannot be a namespace of Kubernetes."))
        }
        [_, secret] if !is_name(secret, 253) => Err(format!("'{secret}' cannot be the name of a Secret.")),
        [] | [_] | [_, _] => Ok(()),
        _ => Err(NOT_THREE.to_owned()),
    }
}

/// The Kubernetes part of the provider dialog, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KubernetesForm {
    /// A [`KubernetesMethod`]'s slug; empty means a token.
    pub method: String,
    pub server: String,
    /// Empty keeps the stored one.
    pub token: FormSecret,
    pub ca_certificate: String,
    /// Seconds; empty means the default.
    pub timeout_seconds: String,
}

impl Default for KubernetesForm {
    fn default() -> Self {
        Self {
            method: KubernetesMethod::Token.slug().to_owned(),
            server: String::new(),
            token: FormSecret::default(),
            ca_certificate: String::new(),
            timeout_seconds: String::new(),
        }
    }
}

impl KubernetesForm {
    pub(super) fn of<S>(settings: &KubernetesSettings<S>) -> Self {
        let (server, ca_certificate) = match &settings.access {
            KubernetesAccess::Token { server, ca_certificate, .. } => {
                (server.to_string(), ca_certificate.clone().unwrap_or_default())
            }
            KubernetesAccess::InCluster => (String::new(), String::new()),
        };
        Self {
            method: settings.method().slug().to_owned(),
            server,
            token: FormSecret::default(),
            ca_certificate,
            timeout_seconds: settings.timeout.to_string(),
        }
    }

    /// Whether a token is needed and none is typed.
    #[must_use]
    pub fn lacks_secret(&self) -> bool {
        KubernetesMethod::from_slug(&self.method) == Some(KubernetesMethod::Token) && self.token.0.trim().is_empty()
    }

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<KubernetesSettings<Entered>> {
        let access = self.parse_access(problems);
        let timeout = problems.check("kubernetes_timeout_seconds", Timeout::from_field(&self.timeout_seconds));
        Some(KubernetesSettings { access: access?, timeout: timeout? })
    }

    fn parse_access(&self, problems: &mut Problems) -> Option<KubernetesAccess<Entered>> {
        match KubernetesMethod::from_slug(&self.method) {
            Some(KubernetesMethod::InCluster) => Some(KubernetesAccess::InCluster),
            Some(KubernetesMethod::Token) => {
                let server = problems.check("api_server", self.server.parse());
                let token = problems.check("service_account_token", check_token(&self.token.0));
                let ca_certificate =
                    problems.check("kubernetes_ca_certificate", pem::certificates(&self.ca_certificate));
                Some(KubernetesAccess::Token { server: server?, token: token?, ca_certificate: ca_certificate? })
            }
            None => {
                problems.add("kubernetes_method", "Choose one of the listed authentication methods.");
                None
            }
        }
    }
}

/// A bearer token is sent in a header, so it is visible ASCII.
fn check_token(text: &str) -> Result<Entered, &'static str> {
    let token = text.trim();
    match token.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(Entered::from_field(token)),
        false => Err("A token has no blanks or special characters: copy it again."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(change: impl FnOnce(&mut KubernetesForm)) -> KubernetesForm {
        let mut form = KubernetesForm {
            server: "https://10.0.0.1:6443".to_owned(),
            token: FormSecret("e30.e30.AA".to_owned()),
            ..KubernetesForm::default()
        };
        change(&mut form);
        form
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        for (form, field, word) in [
            (form(|f| f.server.clear()), "api_server", "https://10.0.0.1:6443"),
            (form(|f| f.server = "10.0.0.1:6443".to_owned()), "api_server", "Write the scheme too"),
            (form(|f| f.server = "https://u:p@h".to_owned()), "api_server", "out of the API Server Address"),
            (form(|f| f.token.0 = "a b".to_owned()), "service_account_token", "copy it again"),
            (form(|f| f.ca_certificate = "x".to_owned()), "kubernetes_ca_certificate", "PEM"),
            (form(|f| f.timeout_seconds = "0".to_owned()), "kubernetes_timeout_seconds", "from 1 to 60"),
            (form(|f| f.method = "oidc".to_owned()), "kubernetes_method", "listed"),
        ] {
            let mut problems = Problems::default();
            let settings = form.parse(&mut problems);
            let problems = problems.finish(settings).unwrap_err();
            assert!(problems.iter().any(|p| p.field == field && p.problem.contains(word)), "{field}: {problems:?}");
        }
    }

    #[test]
    fn a_form_comes_back_as_it_was_without_its_secret() {
        for form in [
            form(|f| f.method = "token".to_owned()),
            KubernetesForm { method: "in_cluster".to_owned(), ..KubernetesForm::default() },
        ] {
            let settings = form.parse(&mut Problems::default()).unwrap();
            let again = KubernetesForm::of(&settings);
            assert_eq!((&again.method, &again.server), (&form.method, &form.server));
            assert!(again.token.0.is_empty());
            assert_eq!(again.lacks_secret(), form.method == "token");
            let stored = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<KubernetesSettings<Entered>>(&stored).unwrap(), settings);
        }
    }

    #[test]
    fn a_stored_token_serves_its_own_server_only() {
        let at = |url: &str| form(|f| url.clone_into(&mut f.server)).parse(&mut Problems::default()).unwrap();
        let stored = at("https://a:6443");
        assert!(stored.same_holder(&at("https://A:6443/")));
        assert!(!stored.same_holder(&at("https://b:6443")));
        let in_cluster = form(|f| f.method = "in_cluster".to_owned()).parse(&mut Problems::default()).unwrap();
        assert!(!stored.same_holder(&in_cluster) && !in_cluster.same_holder(&stored));
    }

    #[test]
    fn paths_name_namespace_secret_and_key() {
        for (path, key, word) in [
            ("team-a/alice-credentials", "key", None),
            ("default/tls.example.com", "tls.crt", None),
            ("default", "key", Some("namespace, Secret and key")),
            ("a/b/c", "key", Some("namespace, Secret and key")),
            ("Team/b", "key", Some("namespace of Kubernetes")),
            ("a.b/c", "key", Some("namespace of Kubernetes")),
            ("a/-b", "key", Some("name of a Secret")),
            ("a/b", "k y", Some("key of a Secret")),
        ] {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            match (check_path(&path, key), word) {
                (Ok(()), None) => {}
                (Err(why), Some(word)) if why.contains(word) => {}
                (got, _) => panic!("{path:?} {key}: {got:?}"),
            }
        }
    }
}
