//! Which credential authenticates with which key, kept up to date credential by credential.
//!
//! Two credentials with one key disarm each other: which of them a request meant cannot be told.

use crate::proof::Found;
use postern::fingerprint::Fingerprint;
use postern::name::ObjectId;
use postern::resolve::StateName;
use postern::shards::Shards;
use postern::snapshot::{KeyCredential, SnapshotConsumer};
#[cfg(test)]
use std::collections::BTreeSet;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What a credential can do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The same one for all credentials of the consumer.
    pub(crate) consumer: Arc<SnapshotConsumer>,
    /// What requests find it by; nothing when it has no value, and so authenticates nobody.
    pub(crate) found: Option<Found>,
    /// Where its reference stands, if it has one.
    pub(crate) state: Option<StateName>,
}

/// All credentials of the group. There may be a million: whose a credential is and what proves it is here once, with
/// its key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Armed {
    /// Those that authenticate.
    pub(crate) keys: Shards<KeyCredential>,
    standings: HashMap<ObjectId, Known>,
    /// Keys that several credentials have, and each of these as it would be with a key of its own.
    doubled: HashMap<Fingerprint, BTreeMap<ObjectId, KeyCredential>>,
    states: BTreeMap<StateName, u32>,
}

/// What was last heard of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    by: Option<[u8; 16]>,
    state: Option<StateName>,
}

impl Known {
    fn key(&self) -> Option<Fingerprint> {
        self.by.map(Fingerprint::from_bytes)
    }
}

impl Armed {
    /// How many credentials it has heard of, whether they authenticate or not.
    pub(crate) fn len(&self) -> usize {
        self.standings.len()
    }

    /// Takes in how a credential stands now; nothing when it is no more. Answers whether that changed who
    /// authenticates, or where a reference stands in a way the gateway must know.
    pub(crate) fn set(&mut self, id: &ObjectId, standing: Option<Standing>) -> bool {
        let state = standing.as_ref().and_then(|standing| standing.state);
        let now = standing.map(|Standing { consumer, found, .. }| {
            found.map(|Found { by, proof }| (by, KeyCredential { consumer, credential: id.clone(), proof }))
        });
        let before = self.standings.contains_key(id).then(|| self.found(id));
        if before == now.as_ref().map(|found| found.as_ref().map(|(key, credential)| (*key, credential))) {
            self.set_state(id, state);
            return false;
        }
        if before.is_some() {
            self.forget(id);
        }
        if let Some(found) = now {
            let by = found.as_ref().map(|(key, _)| key.to_bytes());
            self.standings.insert(id.clone(), Known { by, state });
            self.count(None, state);
            if let Some((key, credential)) = found {
                self.claim(key, credential);
            }
        }
        true
    }

    /// The credential is this consumer's, who is called otherwise now. Answers whether it authenticates.
    pub(crate) fn set_consumer(&mut self, id: &ObjectId, consumer: &Arc<SnapshotConsumer>) -> bool {
        let Some((key, credential)) = self.found(id) else { return false };
        let credential = KeyCredential { consumer: Arc::clone(consumer), ..credential.clone() };
        match self.doubled.get_mut(&key) {
            Some(owners) => drop(owners.insert(id.clone(), credential)),
            None => drop(self.keys.insert(key, credential)),
        }
        true
    }

    /// The credential, if it has a value, with its key.
    fn found(&self, id: &ObjectId) -> Option<(Fingerprint, &KeyCredential)> {
        let key = self.standings.get(id)?.key()?;
        let credential = match self.doubled.get(&key) {
            Some(owners) => owners.get(id),
            None => self.keys.get(&key),
        };
        Some((key, credential?))
    }

    fn set_state(&mut self, id: &ObjectId, state: Option<StateName>) {
        let Some(known) = self.standings.get_mut(id) else { return };
        let before = std::mem::replace(&mut known.state, state);
        self.count(before, state);
    }

    fn forget(&mut self, id: &ObjectId) {
        let Some(known) = self.standings.remove(id) else { return };
        self.count(known.state, None);
        if let Some(key) = known.key() {
            self.release(key, id);
        }
    }

    fn count(&mut self, before: Option<StateName>, now: Option<StateName>) {
        if let Some(count) = before.and_then(|before| self.states.get_mut(&before)) {
            *count -= 1;
        }
        if let Some(now) = now {
            *self.states.entry(now).or_default() += 1;
        }
    }

    /// The credential has this key from now on.
    fn claim(&mut self, key: Fingerprint, credential: KeyCredential) {
        let id = credential.credential.clone();
        if let Some(owners) = self.doubled.get_mut(&key) {
            owners.insert(id, credential);
        } else if let Some(other) = self.keys.remove(&key) {
            tracing::warn!(credential = %id, other = %other.credential,
                "two credentials cannot be told apart; neither authenticates");
            self.doubled.insert(key, BTreeMap::from([(other.credential.clone(), other), (id, credential)]));
        } else {
            self.keys.insert(key, credential);
        }
    }

    /// `id` has this key no longer; one other that had it too may be the only one now.
    fn release(&mut self, key: Fingerprint, id: &ObjectId) {
        let Some(owners) = self.doubled.get_mut(&key) else {
            self.keys.remove(&key);
            return;
        };
        owners.remove(id);
        if owners.len() > 1 {
            return;
        }
        for only in self.doubled.remove(&key).unwrap_or_default().into_values() {
            self.keys.insert(key, only);
        }
    }

    /// Whether the credential authenticates.
    pub(crate) fn is_armed(&self, id: &ObjectId) -> bool {
        self.key_of(id).is_some_and(|key| self.keys.get(&key).is_some())
    }

    /// Another credential with the same key.
    pub(crate) fn same_as(&self, id: &ObjectId) -> Option<&ObjectId> {
        self.doubled.get(&self.key_of(id)?)?.keys().find(|other| *other != id)
    }

    /// A credential other than `id` that has this key.
    pub(crate) fn owner(&self, key: Fingerprint, id: &ObjectId) -> Option<&ObjectId> {
        let doubled = self.doubled.get(&key).into_iter().flat_map(BTreeMap::keys);
        self.keys.get(&key).map(|armed| &armed.credential).into_iter().chain(doubled).find(|other| *other != id)
    }

    /// A credential that has this key.
    pub(crate) fn first_owner(&self, key: Fingerprint) -> Option<&ObjectId> {
        let doubled = self.doubled.get(&key).into_iter().flat_map(BTreeMap::keys);
        self.keys.get(&key).map(|armed| &armed.credential).into_iter().chain(doubled).next()
    }

    /// Every credential that shares its key with another.
    pub(crate) fn disarmed(&self) -> impl Iterator<Item = &ObjectId> {
        self.doubled.values().flat_map(BTreeMap::keys)
    }

    /// How many references stand where.
    pub(crate) fn count_of(&self, state: StateName) -> u32 {
        self.states.get(&state).copied().unwrap_or_default()
    }

    fn key_of(&self, id: &ObjectId) -> Option<Fingerprint> {
        self.standings.get(id)?.key()
    }
}

#[cfg(test)]
impl Armed {
    /// All of it in an order that two of them can be compared by.
    pub(crate) fn in_order(&self) -> String {
        let keys: BTreeSet<String> = self.keys.iter().map(|key| format!("{key:?}")).collect();
        let standings: BTreeMap<_, _> = self.standings.clone().into_iter().collect();
        let doubled: BTreeSet<_> = self.doubled.values().map(|owners| format!("{owners:?}")).collect();
        let states: BTreeMap<_, _> = self.states.iter().filter(|(_, count)| **count > 0).collect();
        format!("{:?}", (keys, standings, doubled, states))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    fn id(text: &str) -> ObjectId {
        text.parse().unwrap()
    }

    /// A credential with this key; an empty one is no value.
    fn with(key: &str) -> Option<Standing> {
        let consumer = Arc::new(SnapshotConsumer { name: "alice".parse().unwrap(), custom_id: None });
        let fingerprint = FingerprintKey::new([7; 32]).of_key(key.as_bytes());
        let state = if key.is_empty() { StateName::NotFound } else { StateName::Ok };
        Some(Standing {
            consumer,
            found: (!key.is_empty()).then_some(Found { by: fingerprint, proof: None }),
            state: Some(state),
        })
    }

    fn check(armed: &Armed, expected: &[(&str, bool, Option<&str>)]) {
        for (name, is_armed, same_as) in expected {
            let got = (armed.is_armed(&id(name)), armed.same_as(&id(name)).map(ObjectId::as_str));
            assert_eq!(got, (*is_armed, *same_as), "{name}: {armed:?}");
        }
    }

    #[test]
    fn credentials_with_one_key_disarm_each_other_until_only_one_has_it() {
        let mut armed = Armed::default();
        for (name, key) in [("a", "1"), ("b", "2"), ("c", "1"), ("d", "1"), ("e", "")] {
            armed.set(&id(name), with(key));
        }
        let doubled = |a, c, d| [("a", false, a), ("b", true, None), ("c", false, c), ("d", false, d)];
        check(&armed, &doubled(Some("c"), Some("a"), Some("a")));
        check(&armed, &[("e", false, None), ("f", false, None)]);
        assert_eq!((armed.count_of(StateName::Ok), armed.count_of(StateName::NotFound)), (4, 1));
        armed.set(&id("a"), with("3"));
        check(&armed, &[("a", true, None), ("c", false, Some("d")), ("d", false, Some("c"))]);
        armed.set(&id("d"), None);
        check(&armed, &[("c", true, None), ("d", false, None)]);
        armed.set(&id("b"), with(""));
        check(&armed, &[("b", false, None)]);
        assert_eq!((armed.keys.len(), armed.disarmed().count()), (2, 0));
        assert_eq!((armed.count_of(StateName::Ok), armed.count_of(StateName::NotFound)), (2, 2));
    }

    #[test]
    fn what_did_not_change_is_said_so() {
        let mut armed = Armed::default();
        assert!(!armed.set(&id("a"), None));
        assert!(armed.set(&id("a"), with("1")));
        assert!(!armed.set(&id("a"), with("1")));
        let renamed = SnapshotConsumer { name: "alice".parse().unwrap(), custom_id: Some("42".into()) };
        let renamed = |standing: Standing| Standing { consumer: Arc::new(renamed), ..standing };
        assert!(armed.set(&id("a"), with("1").map(renamed)));
        let (_, key) = armed.keys.iter().next().unwrap();
        assert_eq!(key.consumer.custom_id.as_deref(), Some("42"));
    }

    #[test]
    fn all_credentials_of_a_consumer_show_what_it_is_called_now() {
        let mut armed = Armed::default();
        for (name, key) in [("a", "1"), ("b", "2"), ("c", "2"), ("d", "")] {
            armed.set(&id(name), with(key));
        }
        let consumer = Arc::new(SnapshotConsumer { name: "alice".parse().unwrap(), custom_id: Some("42".into()) });
        let changed = ["a", "b", "c", "d", "e"].map(|name| armed.set_consumer(&id(name), &consumer));
        assert_eq!(changed, [true, true, true, false, false]);
        armed.set(&id("b"), None);
        check(&armed, &[("a", true, None), ("b", false, None), ("c", true, None), ("d", false, None)]);
        for (_, key) in armed.keys.iter() {
            assert!(Arc::ptr_eq(&key.consumer, &consumer), "{key:?}");
        }
    }
}
