#![doc = include_str!("../README.md")]

mod document;
mod engine;
mod json;
mod tls;
mod vault;

pub use engine::{Engine, ProviderConfig};

use document::Document;
use postern::diagnosis::Diagnosis;
use postern::fingerprint::Fingerprint;
use postern::provider::Settings;
use postern::resolve::Failure;
use postern::sensitive::Plain;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault::Vault;

/// One secret manager, reached with one provider's settings.
#[async_trait::async_trait]
trait SecretManager: Send + Sync {
    /// Reads the secret at `path` (segments below the provider's prefix), with all its keys.
    async fn read(&self, path: &[String]) -> Result<Document, Failure>;

    /// The last version before `version` that had each of `keys`, where the manager keeps versions and
    /// lets us look. A key that is not in the answer was not found.
    async fn last_seen(&self, path: &[String], version: u64, keys: &BTreeSet<String>) -> BTreeMap<String, u64>;

    /// The request that reads `path`, as text, when that is known without asking the manager.
    fn request_line(&self, path: &[String]) -> Option<String>;

    /// Goes through every stage and stops at the first failure. Reads no secret and lists nothing.
    async fn diagnose(&self) -> Diagnosis;
}

/// The one place that knows which managers there are.
fn connect(settings: &Settings<Plain>) -> Arc<dyn SecretManager> {
    match settings {
        Settings::Vault(settings) => Arc::new(Vault::new(settings.clone())),
    }
}

/// Whether both read the same secrets, so that a value read with one may be used with the other. How
/// Postern proves itself, and what it trusts, may differ.
fn same_secrets(one: &Settings<Fingerprint>, other: &Settings<Fingerprint>) -> bool {
    match (one, other) {
        (Settings::Vault(one), Settings::Vault(other)) => {
            (&one.url, &one.prefix, &one.namespace, one.kv_version)
                == (&other.url, &other.prefix, &other.namespace, other.kv_version)
        }
    }
}
