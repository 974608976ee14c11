//! The authentication methods, by name.

use serde::{Deserialize, Serialize};

/// The authentication methods, as the dialog offers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    Token,
    TokenFile,
    #[serde(rename = "approle")]
    AppRole,
    Userpass,
    Kubernetes,
    Jwt,
    Cert,
}

/// A secret field of the dialog: its form name and its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretFieldName {
    pub name: &'static str,
    pub label: &'static str,
}

impl AuthMethod {
    /// Every method, in the order the dialog offers them.
    pub const ALL: [Self; 7] =
        [Self::Token, Self::TokenFile, Self::AppRole, Self::Userpass, Self::Kubernetes, Self::Jwt, Self::Cert];

    /// The form value, and where Vault mounts the method unless told otherwise.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::TokenFile => "token_file",
            Self::AppRole => "approle",
            Self::Userpass => "userpass",
            Self::Kubernetes => "kubernetes",
            Self::Jwt => "jwt",
            Self::Cert => "cert",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Token => "Token",
            Self::TokenFile => "Token file",
            Self::AppRole => "AppRole",
            Self::Userpass => "Username and password",
            Self::Kubernetes => "Kubernetes",
            Self::Jwt => "JWT",
            Self::Cert => "TLS certificate",
        }
    }

    /// The method of that slug.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.slug() == slug)
    }

    /// Whether a login turns it into a token.
    #[must_use]
    pub fn logs_in(self) -> bool {
        !matches!(self, Self::Token | Self::TokenFile)
    }

    /// Its secret field.
    #[must_use]
    pub fn secret_field(self) -> Option<SecretFieldName> {
        let (name, label) = match self {
            Self::Token => ("token", "Token"),
            Self::AppRole => ("secret_id", "Secret ID"),
            Self::Userpass => ("password", "Password"),
            Self::TokenFile | Self::Kubernetes => return None,
            Self::Jwt => ("jwt", "JWT"),
            Self::Cert => ("private_key", "Private Key"),
        };
        Some(SecretFieldName { name, label })
    }
}
