//! How Postern proves itself to Vault: one variant for each authentication method.
//!
//! What must never happen here: a field that lets an operator name any file of the server. A token file is named
//! below a folder that the server's own configuration gives.

mod form;
mod method;
mod mount;
#[cfg(test)]
mod tests;
mod token_file;

pub use form::AuthForm;
pub use method::{AuthMethod, SecretFieldName};
pub use mount::{AuthMount, MountError};
pub use token_file::{TokenFile, TokenFileError};

use serde::{Deserialize, Serialize};

/// How Postern proves itself to Vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum VaultAuth<S> {
    Token {
        token: S,
    },
    /// A token that something else writes, such as Vault Agent: the file is read anew whenever it changes.
    TokenFile {
        file: TokenFile,
    },
    #[serde(rename = "approle")]
    AppRole {
        role_id: String,
        secret_id: S,
        mount: AuthMount,
    },
    Userpass {
        username: String,
        password: S,
        mount: AuthMount,
    },
    /// With the token of the pod's service account, read anew from [`SERVICE_ACCOUNT_TOKEN`] at each login.
    Kubernetes {
        role: String,
        mount: AuthMount,
    },
    Jwt {
        role: String,
        jwt: S,
        mount: AuthMount,
    },
    Cert {
        /// PEM: the client's certificate, then what stands between it and the authority.
        certificate: String,
        /// PEM.
        private_key: S,
        /// Nothing: Vault tries every role of the mount.
        role: Option<String>,
        mount: AuthMount,
    },
}

/// Where Kubernetes puts the token of a pod's service account. Fixed: who may edit providers must not
/// thereby be able to have files of the server sent somewhere.
pub const SERVICE_ACCOUNT_TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

impl<S> VaultAuth<S> {
    /// Which method it is.
    #[must_use]
    pub fn method(&self) -> AuthMethod {
        match self {
            Self::Token { .. } => AuthMethod::Token,
            Self::TokenFile { .. } => AuthMethod::TokenFile,
            Self::AppRole { .. } => AuthMethod::AppRole,
            Self::Userpass { .. } => AuthMethod::Userpass,
            Self::Kubernetes { .. } => AuthMethod::Kubernetes,
            Self::Jwt { .. } => AuthMethod::Jwt,
            Self::Cert { .. } => AuthMethod::Cert,
        }
    }

    /// Its secret field, by name: what is sealed and never shown. A token file and Kubernetes have none.
    #[must_use]
    pub fn secret(&self) -> Option<(&'static str, &S)> {
        let secret = match self {
            Self::Token { token: secret }
            | Self::AppRole { secret_id: secret, .. }
            | Self::Userpass { password: secret, .. }
            | Self::Jwt { jwt: secret, .. }
            | Self::Cert { private_key: secret, .. } => Some(secret),
            Self::TokenFile { .. } | Self::Kubernetes { .. } => None,
        };
        Some((self.method().secret_field()?.name, secret?))
    }

    /// What is no secret of it, by label, without the certificate, which is long.
    #[must_use]
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let own = match self {
            Self::Token { .. } => None,
            Self::TokenFile { file } => return vec![("Token File", file.to_string())],
            Self::AppRole { role_id, .. } => Some(("Role ID", role_id)),
            Self::Userpass { username, .. } => Some(("Username", username)),
            Self::Kubernetes { role, .. } | Self::Jwt { role, .. } => Some(("Role", role)),
            Self::Cert { role, .. } => role.as_ref().map(|role| ("Role", role)),
        };
        let own = own.map(|(label, text)| (label, text.clone()));
        own.into_iter().chain(self.mount().map(|mount| ("Mount Path", mount.to_string()))).collect()
    }

    /// Where the method is mounted; a token needs no mount.
    #[must_use]
    pub fn mount(&self) -> Option<&AuthMount> {
        match self {
            Self::Token { .. } | Self::TokenFile { .. } => None,
            Self::AppRole { mount, .. }
            | Self::Userpass { mount, .. }
            | Self::Kubernetes { mount, .. }
            | Self::Jwt { mount, .. }
            | Self::Cert { mount, .. } => Some(mount),
        }
    }

    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<VaultAuth<T>, E> {
        Ok(match self {
            Self::Token { token } => VaultAuth::Token { token: f("token", token)? },
            Self::TokenFile { file } => VaultAuth::TokenFile { file: file.clone() },
            Self::AppRole { role_id, secret_id, mount } => VaultAuth::AppRole {
                role_id: role_id.clone(),
                secret_id: f("secret_id", secret_id)?,
                mount: mount.clone(),
            },
            Self::Userpass { username, password, mount } => VaultAuth::Userpass {
                username: username.clone(),
                password: f("password", password)?,
                mount: mount.clone(),
            },
            Self::Kubernetes { role, mount } => VaultAuth::Kubernetes { role: role.clone(), mount: mount.clone() },
            Self::Jwt { role, jwt, mount } => {
                VaultAuth::Jwt { role: role.clone(), jwt: f("jwt", jwt)?, mount: mount.clone() }
            }
            Self::Cert { certificate, private_key, role, mount } => VaultAuth::Cert {
                certificate: certificate.clone(),
                private_key: f("private_key", private_key)?,
                role: role.clone(),
                mount: mount.clone(),
            },
        })
    }
}
