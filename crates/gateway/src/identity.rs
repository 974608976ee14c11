//! Who requests come from: every credential as requests need it, found by the keyed fingerprint of what it shows.

use http::HeaderValue;
use postern::fingerprint::Fingerprint;
use postern::shards::{Shard, Shards, part_of};
use postern::snapshot::{Holder, KeyCredential, Proof, SnapshotConsumer};
use std::sync::Arc;

/// Who a request comes from, as sent upstream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) consumer: HeaderValue,
    /// Absent for the anonymous consumer, and for one known by a plugin of its own.
    pub(crate) credential: Option<HeaderValue>,
    pub(crate) custom_id: Option<HeaderValue>,
    /// What a request must show that named the credential; nothing for a key.
    pub(crate) proof: Option<Arc<Proof>>,
}

impl Identity {
    fn of(key: &KeyCredential) -> Option<Self> {
        let credential = match &key.holder {
            Holder::Credential(id) => Some(HeaderValue::from_str(id.as_str()).ok()?),
            Holder::Plugin(..) => None,
        };
        Some(Self { credential, proof: key.proof.clone(), ..Self::without_credential(&key.consumer)? })
    }

    /// Whether the request proved nothing.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.credential.is_none() && self.proof.is_none()
    }

    /// The identity of requests that show no credential and count as `consumer`'s.
    pub(crate) fn anonymous(consumer: &SnapshotConsumer) -> Option<Arc<Self>> {
        Self::without_credential(consumer).map(Arc::new)
    }

    fn without_credential(consumer: &SnapshotConsumer) -> Option<Self> {
        Some(Self {
            consumer: HeaderValue::from_str(consumer.name.as_str()).ok()?,
            credential: None,
            custom_id: consumer.custom_id.as_deref().and_then(|label| HeaderValue::from_str(label).ok()),
            proof: None,
        })
    }
}

/// The identities of all credentials of one kind, in the parts in which they came: a part that is still the same
/// is taken over from the table before.
pub(crate) struct Identities {
    made_of: Shards<KeyCredential>,
    parts: Vec<Arc<Shard<Arc<Identity>>>>,
}

impl Identities {
    pub(crate) fn compile(credentials: &Shards<KeyCredential>, before: Option<&Self>) -> Self {
        let part = |(index, part): (usize, &Arc<Shard<KeyCredential>>)| match before {
            Some(before) if Arc::ptr_eq(part, &before.made_of.parts()[index]) => Arc::clone(&before.parts[index]),
            _ => Arc::new(compile_part(part)),
        };
        Self { made_of: credentials.clone(), parts: credentials.parts().iter().enumerate().map(part).collect() }
    }

    pub(crate) fn get(&self, fingerprint: &Fingerprint) -> Option<&Arc<Identity>> {
        self.parts[part_of(fingerprint)].get(fingerprint)
    }
}

fn compile_part(part: &Shard<KeyCredential>) -> Shard<Arc<Identity>> {
    let identity = |(fingerprint, key): (&Fingerprint, &KeyCredential)| {
        let identity = Identity::of(key);
        if identity.is_none() {
            tracing::error!(holder = ?key.holder, "{:?} cannot be sent upstream", key.holder);
        }
        Some((*fingerprint, Arc::new(identity?)))
    };
    part.iter().filter_map(identity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    #[test]
    fn only_the_parts_that_changed_are_compiled_again() {
        let fingerprints = FingerprintKey::new([7; 32]);
        let fingerprint = |n: u32| fingerprints.of(&n.to_le_bytes());
        let consumer = |name: &str| Arc::new(SnapshotConsumer { name: name.parse().unwrap(), custom_id: None });
        let key =
            |name: &str| KeyCredential {
            consumer: consumer(name),
            holder: Holder::Credential("key".parse().unwrap()),
            proof: None,
        };
        let mut keys: Shards<KeyCredential> = (0..5_000).map(|n| (fingerprint(n), key("alice"))).collect();
        let first = Identities::compile(&keys, None);
        keys.insert(fingerprint(1), key("bob"));
        keys.remove(&fingerprint(2));
        let second = Identities::compile(&keys, Some(&first));
        let owner = |identities: &Identities, n| identities.get(&fingerprint(n)).map(|found| found.consumer.clone());
        let named = |name: &'static str| Some(HeaderValue::from_static(name));
        assert_eq!((owner(&first, 1), owner(&second, 1)), (named("alice"), named("bob")));
        assert_eq!((owner(&first, 2), owner(&second, 2)), (named("alice"), None));
        let anew = first.parts.iter().zip(&second.parts).filter(|(one, other)| !Arc::ptr_eq(one, other)).count();
        assert_eq!(anew, 2);
    }
}
