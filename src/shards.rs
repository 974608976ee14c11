//! A map by [`Fingerprint`] that is cheap to copy and cheap to compare with an older copy of itself.
//!
//! It lies in [`COUNT`] parts, each shared between the copies until one of them changes it. So a copy costs the
//! same however many entries there are, a change copies the entries of one part, and whoever made something of
//! an older copy makes anew only the parts that are no longer the same ([`Shards::parts`], compared with
//! [`Arc::ptr_eq`]). A fingerprint is a keyed hash already: it is not hashed again.

use crate::fingerprint::Fingerprint;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// How many parts there are: with a million entries a change copies a thousand of them.
pub const COUNT: usize = 1024;

/// One part: the entries whose fingerprints begin alike.
pub type Shard<V> = HashMap<Fingerprint, V, BuildHasherDefault<AsItIs>>;

/// Entries by fingerprint.
#[derive(Clone, Debug)]
pub struct Shards<V> {
    parts: Vec<Arc<Shard<V>>>,
    entries: usize,
}

/// The part that holds `fingerprint`, counted from 0.
#[must_use]
pub fn part_of(fingerprint: &Fingerprint) -> usize {
    fingerprint.first_bits(COUNT.trailing_zeros())
}

impl<V> Default for Shards<V> {
    fn default() -> Self {
        Self { parts: vec![Arc::default(); COUNT], entries: 0 }
    }
}

impl<V> Shards<V> {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The entry of `fingerprint`.
    #[must_use]
    pub fn get(&self, fingerprint: &Fingerprint) -> Option<&V> {
        self.parts[part_of(fingerprint)].get(fingerprint)
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&Fingerprint, &V)> {
        self.parts.iter().flat_map(|part| part.iter())
    }

    /// The parts, [`COUNT`] of them.
    #[must_use]
    pub fn parts(&self) -> &[Arc<Shard<V>>] {
        &self.parts
    }
}

impl<V: Clone> Shards<V> {
    /// Puts an entry in place; answers the one it replaces.
    pub fn insert(&mut self, fingerprint: Fingerprint, value: V) -> Option<V> {
        let before = Arc::make_mut(&mut self.parts[part_of(&fingerprint)]).insert(fingerprint, value);
        self.entries += usize::from(before.is_none());
        before
    }

    /// Takes an entry out.
    pub fn remove(&mut self, fingerprint: &Fingerprint) -> Option<V> {
        // Looked for first: a part is not copied for an entry it does not have.
        self.get(fingerprint)?;
        let before = Arc::make_mut(&mut self.parts[part_of(fingerprint)]).remove(fingerprint);
        self.entries -= usize::from(before.is_some());
        before
    }
}

impl<V: Clone> FromIterator<(Fingerprint, V)> for Shards<V> {
    fn from_iter<I: IntoIterator<Item = (Fingerprint, V)>>(entries: I) -> Self {
        let mut shards = Self::default();
        for (fingerprint, value) in entries {
            shards.insert(fingerprint, value);
        }
        shards
    }
}

/// Takes the end of a fingerprint for its hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u128(&mut self, fingerprint: u128) {
        // The low half; the part is chosen by the high one.
        self.0 = (fingerprint & u128::from(u64::MAX)) as u64;
    }

    /// Fingerprints never get here; what does is spread badly, and found all the same.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::FingerprintKey;

    fn fingerprint(n: u32) -> Fingerprint {
        FingerprintKey::new([5; 32]).of(&n.to_le_bytes())
    }

    #[test]
    fn it_holds_what_a_map_holds() {
        let mut shards: Shards<u32> = (0..10_000).map(|n| (fingerprint(n), n)).collect();
        assert_eq!((shards.len(), shards.iter().count()), (10_000, 10_000));
        assert_eq!(shards.remove(&fingerprint(7)), Some(7));
        assert_eq!(shards.remove(&fingerprint(7)), None);
        assert_eq!(shards.insert(fingerprint(8), 80), Some(8));
        assert_eq!(shards.len(), 9_999);
        for n in 0..10_000 {
            let expected = match n {
                7 => None,
                8 => Some(80),
                n => Some(n),
            };
            assert_eq!(shards.get(&fingerprint(n)).copied(), expected, "{n}");
        }
    }

    #[test]
    fn a_change_of_a_copy_touches_one_part_and_not_the_original() {
        let original: Shards<u32> = (0..10_000).map(|n| (fingerprint(n), n)).collect();
        let mut copy = original.clone();
        copy.remove(&fingerprint(20_000));
        let changed = |copy: &Shards<u32>| {
            let pairs = original.parts().iter().zip(copy.parts());
            pairs.filter(|(one, other)| !Arc::ptr_eq(one, other)).count()
        };
        assert_eq!(changed(&copy), 0, "nothing was there to remove");
        copy.insert(fingerprint(3), 30);
        assert_eq!(changed(&copy), 1);
        assert_eq!((original.get(&fingerprint(3)), copy.get(&fingerprint(3))), (Some(&3), Some(&30)));
    }
}
