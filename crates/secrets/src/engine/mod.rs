//! The resolve engine.

use postern::diagnosis::Diagnosis;
use postern::fingerprint::FingerprintKey;
use postern::name::GroupName;
use postern::provider::{ProviderKey, SecretProvider, Settings};
use postern::resolve::ReferenceState;
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use postern::time::Clock;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Reads the secrets behind references and keeps them fresh. Cheap to clone.
#[derive(Clone)]
pub struct Engine;

/// One provider of one group, as stored, with its secrets opened.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    pub group: GroupName,
    pub provider: SecretProvider<Plain>,
    /// Of the stored object.
    pub revision: u64,
}

#[expect(unused_variables, clippy::todo, reason = "being built")]
impl Engine {
    pub fn start(clock: Arc<dyn Clock>, fingerprints: FingerprintKey, shutdown: CancellationToken) -> Engine {
        todo!()
    }
    pub fn set_providers(&self, providers: Vec<ProviderConfig>) {
        todo!()
    }
    pub fn watch(&self, references: BTreeSet<(GroupName, SecretRef)>) {
        todo!()
    }
    pub fn current(&self, group: &GroupName, reference: &SecretRef) -> (Option<Plain>, ReferenceState) {
        todo!()
    }
    pub fn changes(&self) -> watch::Receiver<u64> {
        todo!()
    }
    pub async fn check(&self, group: &GroupName, reference: &SecretRef) -> ReferenceState {
        todo!()
    }
    pub async fn refresh(&self, group: &GroupName, provider: &ProviderKey) {
        todo!()
    }
    pub fn request_line(&self, group: &GroupName, reference: &SecretRef) -> Option<String> {
        todo!()
    }
    pub async fn diagnose(&self, settings: &Settings<Plain>) -> Diagnosis {
        todo!()
    }
}
