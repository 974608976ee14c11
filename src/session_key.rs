//! The key of sessions that browsers keep for the gateway: made of the master key, so that a session outlives a
//! restart, and is good with every worker and every instance that has the same data.

use crate::name::GroupName;
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// 32 bytes to seal sessions with. Wiped when the last holder drops it, never printed.
#[derive(Clone)]
pub struct SessionKey(Arc<Zeroizing<[u8; 32]>>);

impl SessionKey {
    /// Takes 32 bytes that are derived from the master key, and serve nothing else.
    #[must_use]
    pub fn new(derived: Zeroizing<[u8; 32]>) -> Self {
        Self(Arc::new(derived))
    }

    /// The key of one gateway group: no group opens another's sessions (BLAKE3 in keyed mode).
    #[must_use]
    pub fn of_group(&self, group: &GroupName) -> Self {
        let hash = blake3::keyed_hash(&self.0, format!("gateway group {group}").as_bytes());
        Self::new(Zeroizing::new(*hash.as_bytes()))
    }

    /// The key itself, for the cipher.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_has_one_key_of_its_own_and_nobody_prints_it() {
        let key = SessionKey::new(Zeroizing::new([7; 32]));
        let of = |name: &str| *key.of_group(&name.parse().unwrap()).bytes();
        assert_eq!(of("default"), of("default"));
        assert_ne!(of("default"), of("other"));
        assert_ne!(of("default"), *key.bytes());
        assert_eq!(format!("{key:?}"), "SessionKey(redacted)");
    }
}
