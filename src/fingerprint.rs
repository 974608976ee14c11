//! A keyed fingerprint of a key: how the gateway finds a credential without keeping or comparing keys.
//!
//! The lookup table holds only these, so its memory has no list of keys, and looking one up takes the
//! same time whatever was sent. BLAKE3 in keyed mode (BLAKE3 paper, §2.3), cut to 128 bits.

use std::fmt;
use subtle::ConstantTimeEq;

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
        Fingerprint::cut(&blake3::keyed_hash(&self.0, text).as_bytes()[..16])
    }

    /// The fingerprint of the name that requests give to a credential of type `kind` (a slug). From the other
    /// half of the hash: no key has it.
    #[must_use]
    pub fn of_name(&self, kind: &str, name: &[u8]) -> Fingerprint {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(kind.as_bytes()).update(b"\0").update(name);
        Fingerprint::cut(&hasher.finalize().as_bytes()[16..])
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

    /// Of half a hash.
    fn cut(hash: &[u8]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(hash);
        Self(u128::from_le_bytes(half))
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
        assert_eq!(one.of_name("basic-auth", b"alice"), one.of_name("basic-auth", b"alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), one.of_name("jwt-auth", b"alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), one.of(b"basic-auth\0alice"));
        assert_ne!(one.of_name("basic-auth", b"alice"), two.of_name("basic-auth", b"alice"));
    }
}
