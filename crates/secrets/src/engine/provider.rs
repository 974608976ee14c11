//! A provider in use: its client, the way to it, and what tells it from another.

use super::ProviderConfig;
use super::gate::Gate;
use super::names::Lists;
use crate::{Environment, SecretManager, connect, source};
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::provider::{SecretProvider, VersionCheck};
use postern::sensitive::Plain;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

/// A provider in use.
pub(super) struct Provider {
    pub(super) config: ProviderConfig,
    /// The provider with its secrets hashed: tells whether a new one differs.
    pub(super) identity: SecretProvider<Fingerprint>,
    /// What it reads from: two providers of which this is the same read the same secrets.
    pub(super) source: String,
    pub(super) manager: Arc<dyn SecretManager>,
    versions: Mutex<VersionCheck>,
    pub(super) gate: Gate,
    pub(super) lists: Lists,
    /// Never the same for two providers: a read that began with another is not kept.
    pub(super) generation: u64,
}

impl Provider {
    pub(super) fn new(
        config: ProviderConfig,
        identity: SecretProvider<Fingerprint>,
        generation: u64,
        environment: &Environment,
    ) -> Self {
        let settings = &config.provider.settings;
        let manager = connect(settings, &config.ambient, environment);
        // What the environment says of who asks tells sources apart too.
        let source = source(environment.fill(settings).as_ref().unwrap_or(settings));
        let (versions, gate, lists) = (Mutex::default(), Gate::new(), Lists::default());
        Self { config, identity, source, manager, versions, gate, lists, generation }
    }

    /// Whether new versions are looked for between two reads.
    pub(super) fn versions(&self) -> VersionCheck {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_versions(&self, versions: VersionCheck) {
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }
}

/// A provider with its secrets hashed.
pub(super) fn identity(provider: &SecretProvider<Plain>, fingerprints: &FingerprintKey) -> SecretProvider<Fingerprint> {
    let Ok(identity) = provider.try_map(|_, secret| Ok::<_, Infallible>(hashed(secret, fingerprints)));
    identity
}

#[expect(clippy::disallowed_methods, reason = "hashed with a key, to tell whether it changed")]
pub(super) fn hashed(secret: &Plain, fingerprints: &FingerprintKey) -> Fingerprint {
    fingerprints.of(secret.expose().as_bytes())
}
