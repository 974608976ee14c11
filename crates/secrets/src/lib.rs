#![doc = include_str!("../README.md")]

mod aws;
mod document;
mod engine;
mod json;
mod kubernetes;
mod network;
mod select;
mod tls;
mod vault;

pub use engine::{Address, Engine, ProviderConfig, Reads};
pub use tls::is_authority;

use aws::Aws;
use document::Document;
use kubernetes::Kubernetes;
use postern::diagnosis::Diagnosis;
use postern::fingerprint::Fingerprint;
use postern::provider::Settings;
use postern::resolve::Failure;
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault::Vault;

/// One secret manager, reached with one provider's settings.
#[async_trait::async_trait]
trait SecretManager: Send + Sync {
    /// Reads the secret at `path` (segments below the provider's prefix), with all its keys: the version that
    /// `pin` names, or the current one. `wanted` are the values in use, for managers where a path may mean
    /// more than one secret: there the document answers these only.
    async fn read(&self, path: &[String], pin: Option<&Pin>, wanted: &BTreeSet<Selector>) -> Result<Document, Unread>;

    /// The last version before `version` that had each of `keys`, where the manager keeps versions and
    /// lets us look. A key that is not in the answer was not found.
    async fn last_seen(&self, path: &[String], version: u64, keys: &BTreeSet<String>) -> BTreeMap<String, u64>;

    /// The request that reads `key` at `path`, as text, when that is known without asking the manager.
    fn request_line(&self, path: &[String], pin: Option<&Pin>, key: &str) -> Option<String>;

    /// Adds to a failure what only another question can tell. Asked when an operator waits for the
    /// answer, and never otherwise.
    async fn look_around(&self, failure: Failure) -> Failure {
        failure
    }

    /// Goes through every stage and stops at the first failure. Reads no secret and lists nothing.
    async fn diagnose(&self) -> Diagnosis;
}

/// Why a secret, or several of one path, could not be read.
#[derive(Debug)]
struct Unread {
    failure: Failure,
    /// Values that had a failure of their own before that.
    refused: BTreeMap<Selector, Failure>,
}

impl From<Failure> for Unread {
    fn from(failure: Failure) -> Self {
        Self { failure, refused: BTreeMap::new() }
    }
}

/// Whether a gateway group may use the machine's own credentials, and assume roles: the server's
/// configuration says so, and no provider can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ambient {
    #[default]
    Forbidden,
    Allowed,
}

/// The one place that knows which managers there are.
fn connect(settings: &Settings<Plain>, ambient: Ambient) -> Arc<dyn SecretManager> {
    match settings {
        Settings::Vault(settings) => Arc::new(Vault::new(settings.clone())),
        Settings::Aws(settings) => Arc::new(Aws::new(settings.clone(), ambient)),
        Settings::Kubernetes(settings) => Arc::new(Kubernetes::new(settings.clone())),
    }
}

/// Whether both read the same secrets, so that a value read with one may be used with the other. How
/// Postern proves itself, and what it trusts, may differ.
fn same_secrets(one: &Settings<Fingerprint>, other: &Settings<Fingerprint>) -> bool {
    match (one, other) {
        (Settings::Vault(one), Settings::Vault(other)) => {
            // Behind one address a load balancer may choose the Vault by the name in the TLS handshake.
            (&one.url, &one.server_name, &one.prefix, &one.namespace, one.kv_version)
                == (&other.url, &other.server_name, &other.prefix, &other.namespace, other.kv_version)
        }
        // Another Access Key ID may be another account's, and so may another role.
        (Settings::Aws(one), Settings::Aws(other)) => {
            (&one.region, &one.endpoint_url, one.credentials.holder(), &one.assume_role)
                == (&other.region, &other.endpoint_url, other.credentials.holder(), &other.assume_role)
        }
        (Settings::Kubernetes(one), Settings::Kubernetes(other)) => one.address() == other.address(),
        (Settings::Vault(_) | Settings::Aws(_) | Settings::Kubernetes(_), _) => false,
    }
}
