//! A keyed fingerprint of a key: how the gateway finds a credential without keeping or comparing keys.
//!
//! The lookup table holds only these, so its memory has no list of keys, and looking one up takes the
//! same time whatever was sent. What things are found by, for each request, is SipHash-2-4
//! (Aumasson and Bernstein, 2012) with the 128 bits of its authors' own code; what is compared or shown is BLAKE3 in
//! keyed mode (BLAKE3 paper, §2.3), cut to 128 bits. Neither is stored.

use siphasher::sip128::{Hasher128, SipHasher24};
use std::fmt;
use std::hash::Hasher;
use subtle::ConstantTimeEq;

/// The key of the fingerprints: random, made at each start, never stored.
#[derive(Clone)]
pub struct FingerprintKey {
    random: [u8; 32],
    /// Begun with keys of their own, which are made of the random one: no key has the fingerprint of a name.
    keys: SipHasher24,
    names: SipHasher24,
}

/// The fingerprint of one key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl FingerprintKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        let begun = |what: &[u8]| {
            let mut key = [0; 16];
            key.copy_from_slice(&blake3::keyed_hash(&random, what).as_bytes()[..16]);
            SipHasher24::new_with_key(&key)
        };
        Self { random, keys: begun(b"what keys are found by"), names: begun(b"what names are found by") }
    }

    /// The fingerprint of `text`, to compare it with another's or to show a part of it.
    #[must_use]
    pub fn of(&self, text: &[u8]) -> Fingerprint {
        let mut half = [0; 16];
        half.copy_from_slice(&blake3::keyed_hash(&self.random, text).as_bytes()[..16]);
        Fingerprint(u128::from_le_bytes(half))
    }

    /// What `key` is found by: the key of a consumer among keys, the name of a counter among counters.
    #[must_use]
    pub fn of_key(&self, key: &[u8]) -> Fingerprint {
        Fingerprint(self.keys.hash(key).into())
    }

    /// What a credential of type `kind` (a slug) is found by, of which requests give the name. No key has it.
    #[must_use]
    pub fn of_name(&self, kind: &str, name: &[u8]) -> Fingerprint {
        let mut hasher = self.names;
        hasher.write(kind.as_bytes());
        hasher.write(b"\0");
        hasher.write(name);
        Fingerprint(hasher.finish128().into())
    }
}

/// The first half of the BLAKE3 hash of `text`, in hex: the same in every process, and no secret.
#[must_use]
pub fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

impl Fingerprint {
    /// Which of `count` parts it belongs to.
    #[must_use]
    pub fn part(self, count: usize) -> usize {
        usize::try_from(self.0 >> 96).map_or(0, |high| high % count.max(1))
    }

    /// Whether two fingerprints are equal, in a time that does not depend on where they differ.
    #[must_use]
    pub fn same_as(self, other: Self) -> bool {
        self.0.to_le_bytes().ct_eq(&other.0.to_le_bytes()).into()
    }

    /// The one that these bytes are all of.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }

    /// All of it, to make another one of or to keep in less room.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }

    /// The first `count` bits as a number: equally many fingerprints begin with each.
    pub(crate) fn first_bits(self, count: u32) -> usize {
        (self.0 >> (u128::BITS - count)) as usize
    }

    /// Eight hex digits that let an operator see whether two values are the same.
    #[must_use]
    pub fn short(self) -> String {
        format!("{:08x}", self.0 >> 96)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(redacted)")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", self.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_and_text_give_the_same_fingerprint_and_nothing_else_does() {
        let (one, two) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        assert_eq!(one.of(b"alice-key"), one.of(b"alice-key"));
        assert_ne!(one.of(b"alice-key"), one.of(b"alice-kez"));
        assert_ne!(one.of(b"alice-key"), two.of(b"alice-key"));
        assert_eq!(one.of(b"alice-key").short().len(), 8);
        assert!(one.of(b"alice-key").same_as(one.of(b"alice-key")));
        assert!(!one.of(b"alice-key").same_as(one.of(b"alice-kez")));
        assert_eq!(one.of_key(b"alice-key"), one.of_key(b"alice-key"));
        assert_ne!(one.of_key(b"alice-key"), one.of_key(b"alice-kez"));
        assert_ne!(one.of_key(b"alice-key"), two.of_key(b"alice-key"));
        assert_ne!(one.of_key(b"alice-key"), one.of(b"alice-key"));
        assert_eq!(one.of_name("basic-auth", b"alice"), one.of_name("basic-auth", b"alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), one.of_name("jwt-auth", b"alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), one.of_key(b"basic-auth\0alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), two.of_name("basic-auth", b"alice"));
    }

    #[test]
    fn what_keys_are_found_by_is_as_long_as_it_says_and_evenly_spread() {
        let key = FingerprintKey::new([9; 32]);
        let all: Vec<[u8; 16]> = (0..4_096_u32).map(|n| key.of_key(&n.to_le_bytes()).to_bytes()).collect();
        for bit in 0..128 {
            let ones = all.iter().filter(|bytes| bytes[bit / 8] >> (bit % 8) & 1 == 1).count();
            assert!((1_800..2_300).contains(&ones), "bit {bit}: {ones} of 4096");
        }
        let parts: std::collections::BTreeSet<usize> =
            all.iter().map(|bytes| Fingerprint::from_bytes(*bytes).first_bits(10)).collect();
        assert!(parts.len() > 950, "{} of 1024 parts", parts.len());
    }
}
