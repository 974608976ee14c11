//! From configuration and resolved values to the snapshot that the gateway runs.

use crate::Inner;
use crate::config::{Config, Object, credential_place};
use postern::consumer::Consumer;
use postern::credential::{Credential, CredentialKind};
use postern::fingerprint::Fingerprint;
use postern::name::ObjectId;
use postern::resolve::StateName;
use postern::sensitive::{Plain, Sealed, SecretField};
use postern::snapshot::{KeyCredential, Snapshot, SnapshotConsumer};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

/// What was published last.
#[derive(Default)]
pub(crate) struct Published {
    /// The configuration it was made from, to tell whether only values changed.
    config: Option<Arc<Config>>,
    /// Fingerprint and owner of every key that authenticates.
    pub(crate) armed: BTreeMap<ObjectId, Fingerprint>,
    /// Credentials whose key another credential has too, and which.
    pub(crate) same_as: BTreeMap<ObjectId, ObjectId>,
}

impl Inner {
    /// Makes the snapshot of the present configuration and values, and sends it if anything changed.
    pub(crate) fn publish(&self) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config();
        let (armed, same_as) = unique(self.fingerprints_of(&config));
        self.count_states(&config);
        let same_config = published.config.as_ref().is_some_and(|last| Arc::ptr_eq(last, &config));
        if same_config && published.armed == armed && published.same_as == same_as {
            return;
        }
        for (one, other) in same_as.iter().filter(|(id, _)| !published.same_as.contains_key(*id)) {
            tracing::warn!(credential = %one, other = %other, "two credentials have the same key; neither authenticates");
        }
        let snapshot = self.snapshot(&config, &armed);
        tracing::info!(revision = snapshot.revision, keys = armed.len(), "published revision {}", snapshot.revision);
        *published = Published { config: Some(config), armed, same_as };
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&self, config: &Config, armed: &BTreeMap<ObjectId, Fingerprint>) -> Snapshot {
        let keys = armed.iter().filter_map(|(id, fingerprint)| {
            let credential = &config.credentials.get(id)?.stored.object;
            let consumer = Arc::new(snapshot_consumer(&config.consumers.get(&credential.consumer)?.stored.object));
            Some((*fingerprint, KeyCredential { consumer, credential: id.clone() }))
        });
        let consumers = config.consumers.iter();
        let consumers = consumers.map(|(name, object)| (name.clone(), snapshot_consumer(&object.stored.object)));
        let services = config.services.iter().map(|(id, service)| (id.clone(), service.stored.object.clone()));
        Snapshot {
            revision: self.snapshots.borrow().revision + 1,
            services: Arc::new(services.collect()),
            routes: config.routes.values().map(|r| r.stored.object.clone()).collect(),
            consumers: Arc::new(consumers.collect()),
            keys: keys.collect(),
            fingerprint_key: self.fingerprints.clone(),
        }
    }

    /// The fingerprint of every credential that has a value now.
    fn fingerprints_of(&self, config: &Config) -> Vec<(ObjectId, Fingerprint)> {
        let fingerprint = |object: &Object<Credential<Sealed>>| {
            let value = self.value(object).filter(|value| !value.is_empty())?;
            Some((object.stored.object.id.clone(), self.fingerprint(&value)))
        };
        config.credentials.values().filter_map(fingerprint).collect()
    }

    pub(crate) fn fingerprint(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of(value.expose().as_bytes())
    }

    /// The value of a credential now: `None` arms nothing.
    fn value(&self, object: &Object<Credential<Sealed>>) -> Option<Plain> {
        let CredentialKind::KeyAuth { key } = &object.stored.object.kind;
        match key {
            SecretField::Reference(reference) => self.engine.current(&self.group, reference).0,
            SecretField::Literal(sealed) => {
                let opened = self.sealer.open(credential_place(&object.row, "key"), sealed);
                opened
                    .inspect_err(|error| {
                        let credential = &object.stored.object;
                        tracing::error!(credential = %credential.id, consumer = %credential.consumer, %error,
                            "the stored key cannot be opened; the credential authenticates nobody");
                    })
                    .ok()
            }
        }
    }

    fn count_states(&self, config: &Config) {
        let mut counts: BTreeMap<StateName, u32> = StateName::ALL.map(|state| (state, 0)).into();
        for (group, reference) in config.references(&self.group) {
            *counts.entry(self.engine.current(&group, &reference).1.name()).or_default() += 1;
        }
        for (state, count) in counts {
            metrics::gauge!("postern_references", "state" => state.slug()).set(count);
        }
    }
}

type Armed = BTreeMap<ObjectId, Fingerprint>;

/// Two credentials with one key authenticate nobody: whose request it is could not be told.
fn unique(fingerprints: Vec<(ObjectId, Fingerprint)>) -> (Armed, BTreeMap<ObjectId, ObjectId>) {
    let mut owners: HashMap<Fingerprint, Vec<ObjectId>> = HashMap::new();
    for (id, fingerprint) in fingerprints {
        owners.entry(fingerprint).or_default().push(id);
    }
    let (mut armed, mut same_as) = (BTreeMap::new(), BTreeMap::new());
    for (fingerprint, ids) in owners {
        match ids.as_slice() {
            [only] => {
                armed.insert(only.clone(), fingerprint);
            }
            [first, rest @ ..] => {
                same_as.insert(first.clone(), rest[0].clone());
                same_as.extend(rest.iter().map(|id| (id.clone(), first.clone())));
            }
            [] => {}
        }
    }
    (armed, same_as)
}

fn snapshot_consumer(consumer: &Consumer) -> SnapshotConsumer {
    SnapshotConsumer { name: consumer.name.clone(), custom_id: consumer.labels.get("custom_id").cloned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    #[test]
    fn credentials_with_one_key_disarm_each_other() {
        let key = FingerprintKey::new([7; 32]);
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        let given =
            vec![(id("a"), key.of(b"1")), (id("b"), key.of(b"2")), (id("c"), key.of(b"1")), (id("d"), key.of(b"1"))];
        let (armed, same_as) = unique(given);
        assert_eq!(armed.keys().collect::<Vec<_>>(), [&id("b")]);
        let pairs: Vec<_> = same_as.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("a", "c"), ("c", "a"), ("d", "a")]);
    }
}
