//! Sealing: a secret becomes ciphertext that opens in its own place only.
//!
//! AES-256-GCM-SIV (RFC 8452), which stays safe even if a nonce repeats after a machine was restored
//! from a snapshot. Layout before base64: version (1 byte), key id (4), nonce (12), ciphertext and tag.

use crate::key::{KeyId, MasterKey};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use postern::sensitive::{Plain, Sealed};
use postern::time::Millis;
use zeroize::{Zeroize, Zeroizing};

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;
const HEADER_LENGTH: usize = 5;

/// Seals and opens secrets with a key derived from the master key.
pub struct Sealer {
    key: RandomizedNonceKey,
    id: KeyId,
}

/// Where a sealed value belongs: table, row and column. Anywhere else it does not open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The kind of object: `secret_provider`.
    pub table: &'a str,
    /// The object's id.
    pub row: &'a str,
    /// The field: `token`.
    pub column: &'a str,
}

/// Why a sealed value does not open.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the sealed value is not one of Postern's, or it is cut off")]
    Malformed,
    #[error("the value is sealed with master key {needed}, which this is not")]
    OtherKey { needed: String },
    #[error("the sealed value was changed, or moved here from another place")]
    Tampered,
    #[error("the cipher failed")]
    Cipher,
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

impl MasterKey {
    /// A key for one purpose (HKDF-SHA256, RFC 5869): what is sealed for one purpose opens for no other.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"postern");
        let secret = salt.extract(&*self.bytes);
        let purpose = [purpose.as_bytes()];
        let expanded = secret.expand(&purpose, KeyLength).map_err(|_| SealError::Cipher)?;
        let mut bytes = Zeroizing::new([0; 32]);
        expanded.fill(&mut *bytes).map_err(|_| SealError::Cipher)?;
        Ok(bytes)
    }
}

impl Sealer {
    /// Derives the database's key from the master key.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn new(master: &MasterKey) -> Result<Self, SealError> {
        let bytes = master.derive("database 1")?;
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, &*bytes).map_err(|_| SealError::Cipher)?;
        Ok(Self { key, id: master.key_id() })
    }

    /// Seals `secret` for `place`.
    ///
    /// # Errors
    /// `Cipher`.
    pub fn seal(&self, place: Place<'_>, secret: &Plain, now: Millis) -> Result<Sealed, SealError> {
        #[expect(clippy::disallowed_methods, reason = "turned into ciphertext")]
        let mut text = secret.expose().as_bytes().to_vec();
        let aad = Aad::from(place.bytes(self.id));
        // Room for the tag, so that growing the buffer leaves no copy of the secret behind.
        text.reserve_exact(AES_256_GCM_SIV.tag_len());
        let sealed = self.key.seal_in_place_append_tag(aad, &mut text);
        let Ok(nonce) = sealed else {
            text.zeroize();
            return Err(SealError::Cipher);
        };
        let mut out = vec![VERSION];
        out.extend(self.id.0);
        out.extend(nonce.as_ref());
        out.extend(text);
        Ok(Sealed { ciphertext: BASE64.encode(out), set_at: now })
    }

    /// Opens what was sealed for `place`.
    ///
    /// # Errors
    /// `Malformed`, `OtherKey`, `Tampered`.
    pub fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Plain, SealError> {
        self.open_text(place, &sealed.ciphertext)
    }

    /// The same of the ciphertext alone, as it is stored.
    ///
    /// # Errors
    /// As [`Sealer::open`].
    pub fn open_text(&self, place: Place<'_>, ciphertext: &str) -> Result<Plain, SealError> {
        let mut bytes = Zeroizing::new(BASE64.decode(ciphertext).map_err(|_| SealError::Malformed)?);
        let (header, rest) = bytes.split_at_mut_checked(HEADER_LENGTH).ok_or(SealError::Malformed)?;
        if header[0] != VERSION {
            return Err(SealError::Malformed);
        }
        if header[1..] != self.id.0 {
            let mut needed = [0; 4];
            needed.copy_from_slice(&header[1..]);
            return Err(SealError::OtherKey { needed: KeyId(needed).to_string() });
        }
        let (nonce, text) = rest.split_at_mut_checked(NONCE_LENGTH).ok_or(SealError::Malformed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Malformed)?;
        let aad = Aad::from(place.bytes(self.id));
        let opened = self.key.open_in_place(nonce, aad, text).map_err(|_| SealError::Tampered)?;
        let text = std::str::from_utf8(opened).map_err(|_| SealError::Malformed)?;
        Ok(Plain::new(text.to_owned()))
    }
}

impl Place<'_> {
    /// Length before each part, so that no two places give the same bytes.
    fn bytes(self, key: KeyId) -> Vec<u8> {
        let parts: [&[u8]; 5] =
            [b"postern 1", self.table.as_bytes(), self.row.as_bytes(), self.column.as_bytes(), &key.0];
        let mut out = Vec::with_capacity(parts.iter().map(|part| size_of::<u64>() + part.len()).sum());
        for part in parts {
            out.extend((part.len() as u64).to_le_bytes());
            out.extend(part);
        }
        out
    }
}
