//! What the gateway runs: everything for one gateway group at one revision, immutable.

use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::name::{ConsumerName, ObjectId};
use crate::routing::{Route, Service};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The whole configuration of one gateway group. Holds no secret: keys are here as fingerprints.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Grows with every change of what the gateway does.
    pub revision: u64,
    /// Every service, by id.
    pub services: BTreeMap<ObjectId, Service>,
    /// Every route; its service is in `services`.
    pub routes: Vec<Route>,
    /// Every consumer, by name.
    pub consumers: BTreeMap<ConsumerName, SnapshotConsumer>,
    /// The key-auth credentials that have a value now. One whose reference is not resolved is absent,
    /// and so are two with the same key.
    pub keys: Vec<KeyCredential>,
    /// The credentials that a request names and then proves, under the same conditions.
    pub named: Vec<NamedCredential>,
    /// What the fingerprints were made with.
    pub fingerprint_key: FingerprintKey,
}

/// What the gateway needs of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotConsumer {
    /// The label `custom_id`, sent as `X-Consumer-Custom-ID`.
    pub custom_id: Option<String>,
}

/// A key that authenticates.
#[derive(Clone, Debug)]
pub struct KeyCredential {
    pub fingerprint: Fingerprint,
    pub consumer: ConsumerName,
    pub credential: ObjectId,
}

/// A credential that a request names, by a username for instance, and then proves.
#[derive(Clone, Debug)]
pub struct NamedCredential {
    /// Of its type and name: [`FingerprintKey::of_name`].
    pub fingerprint: Fingerprint,
    pub consumer: ConsumerName,
    pub credential: ObjectId,
    pub proof: Proof,
}

/// What a request that named a credential has to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Proof {
    /// The password with this fingerprint.
    Password(Fingerprint),
}

impl Snapshot {
    /// A gateway that knows no route yet.
    #[must_use]
    pub fn empty(fingerprint_key: FingerprintKey) -> Arc<Self> {
        Arc::new(Self {
            revision: 0,
            services: BTreeMap::new(),
            routes: Vec::new(),
            consumers: BTreeMap::new(),
            keys: Vec::new(),
            named: Vec::new(),
            fingerprint_key,
        })
    }
}
