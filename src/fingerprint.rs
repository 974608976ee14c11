//! A keyed fingerprint of a key: how the gateway finds a credential without keeping or comparing keys.
//!
//! The lookup table holds only these, so its memory has no list of keys, and looking one up takes the
//! same time whatever was sent. BLAKE3 in keyed mode (BLAKE3 paper, §2.3), cut to 128 bits.

use std::fmt;

/// The key of the fingerprints: random, made at each start, never stored.
#[derive(Clone)]
pub struct FingerprintKey([u8; 32]);

/// The fingerprint of one key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u128);

impl FingerprintKey {
    /// Takes 32 random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(random)
    }

    /// The fingerprint of `text`.
    #[must_use]
    pub fn of(&self, text: &[u8]) -> Fingerprint {
        let hash = blake3::keyed_hash(&self.0, text);
        let mut half = [0; 16];
        half.copy_from_slice(&hash.as_bytes()[..16]);
        Fingerprint(u128::from_le_bytes(half))
    }
}

impl Fingerprint {
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
    }
}
