//! HashiCorp Vault (and OpenBao, which speaks the same API): settings, and where a reference is read.

mod auth;
mod checks;
mod form;
mod kv;
mod policy;
mod prefix;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use auth::{
    AuthForm, AuthMethod, AuthMount, MountError, SERVICE_ACCOUNT_TOKEN, SecretFieldName, TokenFile, TokenFileError,
    VaultAuth,
};
pub use form::{FormSecret, VaultForm};
pub use kv::{Kv, KvVersion, Mount, ReadPath};
pub use policy::{least_policy, read_policy, read_policy_of};
pub use prefix::{PrefixError, SecretPrefix};
pub use tls::{ClientCertificate, ServerName, ServerNameError, TlsForm};
pub use url::{UrlError, VaultUrl};

use crate::provider::timeout::Timeout;
use serde::{Deserialize, Serialize};

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
