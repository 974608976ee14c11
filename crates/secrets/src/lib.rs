#![doc = include_str!("../README.md")]

mod aws;
mod document;
mod engine;
mod environment;
mod explain;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod json;
mod kubernetes;
mod names;
mod network;
mod select;
mod stages;
mod tls;
mod vault;

pub use engine::{Address, Engine, Keeping, ProviderConfig, Reads};
pub use environment::Environment;
pub use explain::{Explained, explain, explain_variable};
pub use tls::{is_authority, is_identity};

use aws::Aws;
use document::Document;
use environment::Unfilled;
use explain::Heard;
use kubernetes::Kubernetes;
use names::Names;
use postern::access::{Access, Review};
use postern::diagnosis::{Diagnosis, Stage, StageResult, Subject};
use postern::provider::Settings;
use postern::resolve::Failure;
use postern::secret_ref::SecretRef;
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
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

    /// The newest version of the secret at `path`, asked more cheaply than by a read: no value is sent.
    async fn newest(&self, _path: &[String]) -> Newest {
        Newest::NotOffered
    }

    /// The request that reads `key` at `path`, as text, when that is known without asking the manager.
    fn request_line(&self, path: &[String], pin: Option<&Pin>, key: &str) -> Option<String>;

    /// Adds to a failure what only another question can tell. Asked when an operator waits for the
    /// answer, and never otherwise.
    async fn look_around(&self, failure: Failure) -> Failure {
        failure
    }

    /// The path of a secret with a name like that of one that is not there. Asked when an operator waits for an
    /// explanation, and never otherwise.
    async fn near(&self, _path: &[String], _failure: &Failure) -> Option<Vec<String>> {
        None
    }

    /// The names that may stand next in a reference that goes through `path`. `begun` is how they begin, for managers
    /// that can be asked for some only. Asked when an operator writes a reference, and never otherwise. No value leaves.
    async fn names(&self, path: &[String], begun: &str) -> Result<Names, Failure>;

    /// Where this manager notes what it asks for secrets, and what the answer's status is.
    fn heard(&self) -> &Heard;

    /// Goes through `stages` in order and stops at the first failure. Reads no secret and lists nothing.
    async fn diagnose(&self, stages: &[Stage]) -> Vec<StageResult>;

    /// The policy that reading these references takes, and what can be done beyond it. Nothing for
    /// managers where that is not known.
    async fn access(&self, _references: &BTreeSet<SecretRef>) -> Result<Option<Access>, Failure> {
        Ok(None)
    }

    /// Gives back what a login gave.
    async fn log_out(&self) {}
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

/// What the providers of a gateway group may use of the machine that Postern runs on: the server's configuration
/// says so, and no provider can. Nothing, unless it is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ambient {
    /// The machine's own AWS credentials, and assuming roles.
    pub credentials: bool,
    /// The folder below which files with tokens for Vault lie.
    pub token_files: Option<PathBuf>,
}

/// The one place that knows which managers there are. Settings that refer to the environment are filled first.
fn connect(settings: &Settings<Plain>, ambient: &Ambient, environment: &Environment) -> Arc<dyn SecretManager> {
    match environment.fill(settings) {
        Ok(Settings::Vault(settings)) => Arc::new(Vault::new(settings, ambient)),
        Ok(Settings::Aws(settings)) => Arc::new(Aws::new(settings, ambient)),
        Ok(Settings::Kubernetes(settings)) => Arc::new(Kubernetes::new(settings)),
        Err(failure) => Arc::new(Unfilled::new(settings.manager(), failure)),
    }
}

/// Test Connection with any settings, saved or not. Shares nothing with the providers in use.
pub async fn diagnose(settings: &Settings<Plain>, ambient: &Ambient, environment: &Environment) -> Diagnosis {
    let manager = connect(settings, ambient, environment);
    let stages = manager.diagnose(Stage::of(settings.manager())).await;
    manager.log_out().await;
    Diagnosis { subject: Subject::Provider, stages }
}

/// Least privilege: what reading these references through a provider takes, and what the provider may do
/// beyond that. References to other providers are not the caller's to pass.
pub async fn review(
    settings: &Settings<Plain>,
    references: &BTreeSet<SecretRef>,
    ambient: &Ambient,
    environment: &Environment,
) -> Review {
    let manager = connect(settings, ambient, environment);
    let answer = manager.access(references).await;
    manager.log_out().await;
    match answer {
        Ok(Some(access)) => Review::Done(access),
        Ok(None) => Review::NotOffered,
        Err(failure) => Review::Failed { failure: (&failure).into() },
    }
}

/// Where secrets are read from, as a text: of two providers for which it is the same, a value read with one may be
/// used with the other. How Postern proves itself, and what it trusts, may differ.
fn source<S>(settings: &Settings<S>) -> String {
    let parts = match settings {
        // Behind one address a load balancer may choose the Vault by the name in the TLS handshake.
        Settings::Vault(vault) => {
            json!(["vault", vault.url, vault.server_name, vault.prefix, vault.namespace, vault.kv_version])
        }
        // Another Access Key ID may be another account's, and so may another role.
        Settings::Aws(aws) => json!(["aws", aws.region, aws.endpoint_url, aws.credentials.holder(), aws.assume_role]),
        Settings::Kubernetes(kubernetes) => json!(["kubernetes", kubernetes.address()]),
    };
    parts.to_string()
}

/// What the manager says of a secret's newest version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Newest {
    Version(u64),
    /// There is none that could be read: a read will say why.
    Gone,
    /// The manager does not tell whoever asks.
    Refused,
    /// This manager, or this secret, has no such question.
    NotOffered,
    NoAnswer,
}
