//! What the gateway runs: everything for one gateway group at one revision, immutable.
//!
//! Each part is shared with the snapshot before it while it stays the same, so that making a snapshot, and
//! compiling it, costs what the change costs and not what the configuration holds.

use crate::credential::JwtAlgorithm;
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::live::LiveSecret;
use crate::name::{ConsumerName, ObjectId};
use crate::plugin::Plugins;
use crate::routing::{HostPattern, Route, Service};
use crate::sensitive::Plain;
use crate::session_key::SessionKey;
use crate::shards::Shards;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A field of a plugin with a secret, as the gateway uses it.
pub type LiveField = Arc<LiveSecret>;

/// The whole configuration of one gateway group. Keys of consumers are here as fingerprints; the only secrets are
/// those that plugins have to show to other servers, and the private keys of certificates.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with every change of what the gateway does.
    pub revision: u64,
    /// Every service, by id.
    pub services: Arc<BTreeMap<ObjectId, Service<LiveField>>>,
    /// Every route; its service is in `services`.
    pub routes: Arc<[Route<LiveField>]>,
    /// The consumers that plugins name: requests without a credential may count as theirs.
    pub consumers: Arc<BTreeMap<ConsumerName, SnapshotConsumer>>,
    /// The plugins of those consumers that have any; they replace the ones of a route of the same name.
    pub consumer_plugins: Arc<BTreeMap<ConsumerName, Plugins<LiveField>>>,
    /// The plugins that run for every request, besides those of its route.
    pub global_plugins: Arc<Plugins<LiveField>>,
    /// What all plugins of a name have in common.
    pub plugin_metadata: Arc<Plugins<LiveField>>,
    /// The credentials that have a value now, by the fingerprint of their key, or of the name that requests give
    /// (`FingerprintKey::of_name`). One whose reference is not resolved is absent, and so are two with the same.
    pub keys: Shards<KeyCredential>,
    /// What the gateway shows of itself over TLS: those certificates that can be shown now.
    pub certificates: Arc<[SnapshotCertificate]>,
    /// The others, each with the incident that answers name while a service needs it.
    pub withheld: Arc<BTreeMap<ObjectId, String>>,
    /// What the fingerprints were made with.
    pub fingerprint_key: FingerprintKey,
    /// What the sessions of browsers are sealed with. Without one nobody can sign in.
    pub session_key: Option<SessionKey>,
}

/// What the gateway needs of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotConsumer {
    pub name: ConsumerName,
    /// The label `custom_id`, sent as `X-Consumer-Custom-ID`.
    pub custom_id: Option<Box<str>>,
}

/// A credential that authenticates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCredential {
    /// Whose it is. One for all credentials of the consumer.
    pub consumer: Arc<SnapshotConsumer>,
    pub credential: ObjectId,
    /// What a request must show that named the credential; nothing more when it showed the key.
    pub proof: Option<Arc<Proof>>,
}

/// What a request that named a credential has to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The password with this fingerprint.
    Password(Fingerprint),
    /// A JWT with this algorithm, signed by the key.
    Jwt {
        algorithm: JwtAlgorithm,
        /// By how many seconds clocks may differ.
        grace_seconds: u64,
        key: Prepared<dyn Verify>,
    },
    /// An HTTP signature by the key.
    HttpSignature(Prepared<HttpSignatureKeys>),
}

/// Checks signatures with a key that is inside, and stays there.
pub trait Verify: Send + Sync {
    /// Whether `signature` is the key's over `message`.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool;
}

/// One secret as a key for each algorithm of HTTP signatures.
pub struct HttpSignatureKeys {
    pub sha1: Arc<dyn Verify>,
    pub sha256: Arc<dyn Verify>,
    pub sha512: Arc<dyn Verify>,
}

/// Keys, made ready once. Two are the same when they were made of the same.
pub struct Prepared<T: ?Sized> {
    /// Of the value that the keys were made of, and of all that decided how.
    pub of: Fingerprint,
    pub keys: Arc<T>,
}

impl<T: ?Sized> Clone for Prepared<T> {
    fn clone(&self) -> Self {
        Self { of: self.of, keys: Arc::clone(&self.keys) }
    }
}

impl<T: ?Sized> PartialEq for Prepared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of
    }
}

impl<T: ?Sized> Eq for Prepared<T> {}

impl<T: ?Sized> fmt::Debug for Prepared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({})", self.of.short())
    }
}

/// A certificate and its private key, which belong together.
#[derive(Clone, Debug)]
pub struct SnapshotCertificate {
    pub id: ObjectId,
    pub hosts: Vec<HostPattern>,
    /// In PEM, the gateway's own first.
    pub chain: Arc<Plain>,
    /// In PEM.
    pub private_key: Arc<Plain>,
    /// Of both texts: another one when either changes.
    pub fingerprint: Fingerprint,
}

impl PartialEq for SnapshotCertificate {
    fn eq(&self, other: &Self) -> bool {
        (&self.id, &self.hosts, self.fingerprint) == (&other.id, &other.hosts, other.fingerprint)
    }
}

/// How a certificate stands that a service shows to its servers.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientCertificate {
    Ready(SnapshotCertificate),
    /// It cannot be shown now: requests that need it are refused, and name the incident.
    Withheld {
        incident: String,
    },
}

impl Snapshot {
    /// The certificate of that id; `None` when there is none.
    #[must_use]
    pub fn client_certificate(&self, id: &ObjectId) -> Option<ClientCertificate> {
        if let Some(incident) = self.withheld.get(id) {
            return Some(ClientCertificate::Withheld { incident: incident.clone() });
        }
        let found = self.certificates.iter().find(|certificate| certificate.id == *id);
        found.cloned().map(ClientCertificate::Ready)
    }

    /// A gateway that knows no route yet.
    #[must_use]
    pub fn empty(fingerprint_key: FingerprintKey) -> Arc<Self> {
        Arc::new(Self {
            revision: 0,
            services: Arc::default(),
            routes: Arc::default(),
            consumers: Arc::default(),
            consumer_plugins: Arc::default(),
            global_plugins: Arc::default(),
            plugin_metadata: Arc::default(),
            keys: Shards::default(),
            certificates: Arc::default(),
            withheld: Arc::default(),
            fingerprint_key,
            session_key: None,
        })
    }
}
