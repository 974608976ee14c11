//! HashiCorp Vault, and OpenBao, which speaks the same API.
//!
//! What must never happen here: a token sent anywhere but to the configured address, an answer's body in
//! an error or a log, a path that leaves the prefix, a request that lists or writes.

mod client;
mod diagnose;
mod mount;
mod read;
mod token;

use crate::document::Document;
use crate::{SecretManager, Unread, tls};
use async_trait::async_trait;
use client::Client;
use mount::Mounts;
use postern::diagnosis::Diagnosis;
use postern::provider::vault::VaultSettings;
use postern::sensitive::Plain;
use std::collections::{BTreeMap, BTreeSet};

/// One Vault, reached with one provider's settings.
pub(crate) struct Vault {
    settings: VaultSettings<Plain>,
    client: Client,
    mounts: Mounts,
}

impl Vault {
    pub(crate) fn new(settings: VaultSettings<Plain>) -> Self {
        // A CA Certificate that cannot be read trusts nobody: every handshake fails, and Test Connection
        // says why.
        let trust = match settings.url.is_https() {
            true => tls::client_config(settings.ca_certificate.as_deref()).unwrap_or_else(|_| tls::trusting_nobody()),
            false => tls::trusting_nobody(),
        };
        Self { client: Client::new(&settings, trust), mounts: Mounts::default(), settings }
    }
}

#[async_trait]
impl SecretManager for Vault {
    async fn read(&self, path: &[String], _: &BTreeSet<String>) -> Result<Document, Unread> {
        Ok(self.read_document(path).await?)
    }

    async fn last_seen(&self, path: &[String], version: u64, keys: &BTreeSet<String>) -> BTreeMap<String, u64> {
        self.look_back(path, version, keys).await
    }

    fn request_line(&self, path: &[String], _: &str) -> Option<String> {
        let place = self.settings.locate(&self.known_mount()?, path);
        Some(format!("GET {}", self.client.url(&place.segments)?))
    }

    async fn diagnose(&self) -> Diagnosis {
        diagnose::diagnose(self).await
    }
}
