//! HashiCorp Vault, and OpenBao, which speaks the same API.
//!
//! What must never happen here: a token sent anywhere but to the configured address, an answer's body in
//! an error or a log, a path that leaves the prefix, a request that writes, or lists what nobody asked about.
//! Logging in, renewing and giving back its own token are the only writes; `names.rs` is all that lists.

mod access;
mod client;
mod diagnose;
mod login;
mod mount;
mod names;
mod read;
mod session;
mod token;
mod token_file;
mod versions;

use crate::document::Document;
use crate::explain::Heard;
use crate::names::Names;
use crate::{Ambient, Newest, SecretManager, Unread, tls};
use async_trait::async_trait;
use client::Client;
use mount::Mounts;
use postern::access::Access;
use postern::diagnosis::{Stage, StageResult};
use postern::provider::vault::{VaultAuth, VaultSettings};
use postern::resolve::{Failure, TlsProblem};
use postern::secret_ref::SecretRef;
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use rustls::ClientConfig;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One Vault, reached with one provider's settings.
pub(crate) struct Vault {
    settings: VaultSettings<Plain>,
    client: Arc<Client>,
    mounts: Mounts,
    heard: Heard,
}

impl Vault {
    pub(crate) fn new(settings: VaultSettings<Plain>, ambient: &Ambient) -> Self {
        Self {
            client: Arc::new(Client::new(&settings, trust(&settings), ambient)),
            mounts: Mounts::default(),
            heard: Heard::default(),
            settings,
        }
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) use client::fuzz_url;
#[cfg(feature = "fuzzing")]
pub(crate) use read::fuzz_answer;

/// Whom the provider's connections trust, and the certificate they show.
#[expect(clippy::disallowed_methods, reason = "read as the key of the client certificate")]
fn trust(settings: &VaultSettings<Plain>) -> Result<ClientConfig, TlsProblem> {
    if !settings.url.is_https() {
        return Ok(tls::trusting_nobody());
    }
    let identity = match &settings.auth {
        VaultAuth::Cert { certificate, private_key, .. } => {
            Some(tls::Identity { certificate, private_key: private_key.expose() })
        }
        VaultAuth::Token { .. }
        | VaultAuth::TokenFile { .. }
        | VaultAuth::AppRole { .. }
        | VaultAuth::Userpass { .. }
        | VaultAuth::Kubernetes { .. }
        | VaultAuth::Jwt { .. } => settings
            .client_certificate
            .as_ref()
            .map(|client| tls::Identity { certificate: &client.certificate, private_key: client.private_key.expose() }),
    };
    tls::client_config(settings.ca_certificate.as_deref(), identity)
}

/// The version that a reference to Vault names: the grammar lets it name nothing else.
fn number(pin: &Pin) -> Option<u64> {
    match pin {
        Pin::Version(number) => Some(*number),
        Pin::VersionId(_) | Pin::Stage(_) => None,
    }
}

#[async_trait]
impl SecretManager for Vault {
    async fn read(&self, path: &[String], pin: Option<&Pin>, _: &BTreeSet<Selector>) -> Result<Document, Unread> {
        self.client.keep_alive();
        Ok(self.read_document(path, pin.and_then(number)).await?)
    }

    async fn last_seen(&self, path: &[String], version: u64, keys: &BTreeSet<String>) -> BTreeMap<String, u64> {
        self.look_back(path, version, keys).await
    }

    async fn newest(&self, path: &[String]) -> Newest {
        self.newest_version(path).await
    }

    fn request_line(&self, path: &[String], pin: Option<&Pin>, _: &str) -> Option<String> {
        let version = pin.map(|pin| format!("?{pin}")).unwrap_or_default();
        Some(format!("{}{version}", self.line(&self.settings.locate(&self.known_mount()?, path))))
    }

    async fn near(&self, path: &[String], failure: &Failure) -> Option<Vec<String>> {
        let Failure::NotFound { deleted: None, .. } = failure else { return None };
        self.nearby(path).await
    }

    /// Vault lists all names of a place at once.
    async fn names(&self, path: &[String], _: &str) -> Result<Names, Failure> {
        self.names(path).await
    }

    fn heard(&self) -> &Heard {
        &self.heard
    }

    async fn diagnose(&self, stages: &[Stage]) -> Vec<StageResult> {
        diagnose::diagnose(self, stages).await
    }

    async fn access(&self, references: &BTreeSet<SecretRef>) -> Result<Option<Access>, Failure> {
        let paths = references.iter().map(|reference| reference.path().to_vec()).collect();
        self.permissions(&paths).await.map(Some)
    }

    async fn log_out(&self) {
        self.client.log_out().await;
    }
}
