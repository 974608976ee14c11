//! From configuration and resolved values to the snapshot that the gateway runs.

use crate::Inner;
use crate::config::{Config, Object, credential_place};
use postern::credential::{Credential, CredentialKind};
use postern::fingerprint::Fingerprint;
use postern::name::ObjectId;
use postern::resolve::StateName;
use postern::sensitive::{Plain, Sealed, SecretField};
use postern::snapshot::{KeyCredential, NamedCredential, Proof, Snapshot, SnapshotConsumer};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

/// What was published last.
#[derive(Default)]
pub(crate) struct Published {
    /// The configuration it was made from, to tell whether only values changed.
    config: Option<Arc<Config>>,
    /// Every credential that authenticates.
    pub(crate) armed: BTreeMap<ObjectId, Armed>,
    /// Credentials that are found by the same as another one, and which.
    pub(crate) same_as: BTreeMap<ObjectId, ObjectId>,
}

impl Inner {
    /// Makes the snapshot of the present configuration and values, and sends it if anything changed.
    pub(crate) fn publish(&self) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let config = self.config();
        let (armed, same_as) = unique(self.armed(&config));
        self.count_states(&config);
        let same_config = published.config.as_ref().is_some_and(|last| Arc::ptr_eq(last, &config));
        if same_config && published.armed == armed && published.same_as == same_as {
            return;
        }
        for (one, other) in same_as.iter().filter(|(id, _)| !published.same_as.contains_key(*id)) {
            tracing::warn!(credential = %one, other = %other, "two credentials cannot be told apart; neither authenticates");
        }
        let snapshot = self.snapshot(&config, &armed);
        tracing::info!(
            revision = snapshot.revision,
            credentials = armed.len(),
            "published revision {}",
            snapshot.revision
        );
        *published = Published { config: Some(config), armed, same_as };
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    fn snapshot(&self, config: &Config, armed: &BTreeMap<ObjectId, Armed>) -> Snapshot {
        let (mut keys, mut named) = (Vec::new(), Vec::new());
        for (id, Armed { fingerprint, proof }) in armed {
            let Some(object) = config.credentials.get(id) else { continue };
            let (consumer, credential) = (object.stored.object.consumer.clone(), id.clone());
            let fingerprint = *fingerprint;
            match proof.clone() {
                None => keys.push(KeyCredential { fingerprint, consumer, credential }),
                Some(proof) => named.push(NamedCredential { fingerprint, consumer, credential, proof }),
            }
        }
        let consumers = config.consumers.iter().map(|(name, object)| {
            let custom_id = object.stored.object.labels.get("custom_id").cloned();
            (name.clone(), SnapshotConsumer { custom_id })
        });
        Snapshot {
            revision: self.snapshots.borrow().revision + 1,
            services: config.services.iter().map(|(id, s)| (id.clone(), s.stored.object.clone())).collect(),
            routes: config.routes.values().map(|r| r.stored.object.clone()).collect(),
            consumers: consumers.collect(),
            keys,
            named,
            fingerprint_key: self.fingerprints.clone(),
        }
    }

    /// Every credential that has a value now.
    fn armed(&self, config: &Config) -> Vec<(ObjectId, Armed)> {
        let arm = |object: &Object<Credential<Sealed>>| {
            let value = self.value(object).filter(|value| !value.is_empty())?;
            Some((object.stored.object.id.clone(), self.arm(&object.stored.object.kind, &value)))
        };
        config.credentials.values().filter_map(arm).collect()
    }

    /// What a request is recognised by, and has to show.
    fn arm(&self, kind: &CredentialKind<Sealed>, value: &Plain) -> Armed {
        let named = |name: &str| self.fingerprints.of_name(kind.slug(), name.as_bytes());
        match kind {
            CredentialKind::KeyAuth { .. } => Armed { fingerprint: self.fingerprint(value), proof: None },
            CredentialKind::BasicAuth { username, .. } => {
                Armed { fingerprint: named(username.as_str()), proof: Some(Proof::Password(self.fingerprint(value))) }
            }
        }
    }

    pub(crate) fn fingerprint(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of(value.expose().as_bytes())
    }

    /// The value of a credential's secret now: `None` arms nothing.
    fn value(&self, object: &Object<Credential<Sealed>>) -> Option<Plain> {
        let credential = &object.stored.object;
        match credential.kind.secret() {
            SecretField::Reference(reference) => self.engine.current(&self.group, reference).0,
            SecretField::Literal(sealed) => {
                let place = credential_place(&object.row, credential.kind.secret_field().name);
                let opened = self.sealer.open(place, sealed);
                opened
                    .inspect_err(|error| {
                        tracing::error!(credential = %credential.id, consumer = %credential.consumer, %error,
                            "the stored secret cannot be opened; the credential authenticates nobody");
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

/// A credential with a value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Armed {
    /// Of the key, or of the name that a request gives.
    pub(crate) fingerprint: Fingerprint,
    /// Nothing more than the key, or what goes with the name.
    pub(crate) proof: Option<Proof>,
}

/// Two credentials that are found by the same authenticate nobody: whose request it is could not be told.
fn unique(found: Vec<(ObjectId, Armed)>) -> (BTreeMap<ObjectId, Armed>, BTreeMap<ObjectId, ObjectId>) {
    let mut owners: HashMap<Fingerprint, Vec<(ObjectId, Armed)>> = HashMap::new();
    for (id, armed) in found {
        owners.entry(armed.fingerprint).or_default().push((id, armed));
    }
    let (mut armed, mut same_as) = (BTreeMap::new(), BTreeMap::new());
    for mut same in owners.into_values() {
        match same.as_slice() {
            [(first, _), (second, _), rest @ ..] => {
                same_as.insert(first.clone(), second.clone());
                let others = [second].into_iter().chain(rest.iter().map(|(id, _)| id));
                same_as.extend(others.map(|id| (id.clone(), first.clone())));
            }
            _ => armed.extend(same.drain(..)),
        }
    }
    (armed, same_as)
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    #[test]
    fn credentials_with_one_key_disarm_each_other() {
        let key = FingerprintKey::new([7; 32]);
        let id = |text: &str| text.parse::<ObjectId>().unwrap();
        let armed = |text: &[u8]| Armed { fingerprint: key.of(text), proof: None };
        let given = [("a", b"1"), ("b", b"2"), ("c", b"1"), ("d", b"1")];
        let (armed, same_as) = unique(given.map(|(name, text)| (id(name), armed(text))).into());
        assert_eq!(armed.keys().collect::<Vec<_>>(), [&id("b")]);
        let pairs: Vec<_> = same_as.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(pairs, [("a", "c"), ("c", "a"), ("d", "a")]);
    }
}
