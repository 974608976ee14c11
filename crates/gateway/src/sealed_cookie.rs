//! Sessions that browsers keep: what only the gateway can read and nobody can change stands in a cookie.
//!
//! AES-256-GCM-SIV (RFC 8452), which stays safe should a nonce repeat. Layout before base64url: version (1 byte),
//! nonce (12), ciphertext and tag. A cookie opens for the purpose it was sealed for, and for no other.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use postern::session_key::SessionKey;

/// What the cookie of every plugin that keeps sessions begins with. Cookies of such names are the gateway's alone:
/// no upstream server gets one, whatever route it is of, since it could show it to the gateway.
pub(crate) const OURS: &[&str] = &["authz_casdoor_session_"];

/// Browsers keep no cookie whose name, value and attributes are longer than 4096 bytes in all (RFC 6265bis §5.6).
pub(crate) const LONGEST_CONTENT: usize = 2800;

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;

/// Seals and opens the cookies of one gateway group.
pub(crate) struct Sessions(RandomizedNonceKey);

impl Sessions {
    /// Nothing when the cipher does not take the key, which is logged.
    pub(crate) fn new(key: &SessionKey) -> Option<Self> {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, key.bytes());
        key.map(Self)
            .inspect_err(|_| tracing::error!("The cipher refuses the key of sessions; nobody can sign in"))
            .ok()
    }

    /// A cookie's value for `purpose`: texts that tell what it is good for. Nothing when the cipher fails.
    pub(crate) fn seal(&self, purpose: &[&str], content: &[u8]) -> Option<String> {
        let mut text = content.to_vec();
        let nonce = self.0.seal_in_place_append_tag(aad(purpose), &mut text).ok()?;
        let value = [&[VERSION], nonce.as_ref().as_slice(), &text].concat();
        Some(BASE64.encode(value))
    }

    /// What was sealed for `purpose`; nothing when it was not, or was changed since.
    pub(crate) fn open(&self, purpose: &[&str], value: &[u8]) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(value).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (nonce, text) = rest.split_at_checked(NONCE_LENGTH)?;
        if *version != VERSION {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = text.to_vec();
        let length = self.0.open_in_place(nonce, aad(purpose), &mut text).ok()?.len();
        text.truncate(length);
        Some(text)
    }
}

/// Length before each part, so that no two purposes give the same bytes.
fn aad(purpose: &[&str]) -> Aad<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in ["postern session 1"].iter().chain(purpose) {
        bytes.extend((part.len() as u64).to_le_bytes());
        bytes.extend(part.as_bytes());
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(byte: u8) -> Sessions {
        Sessions::new(&SessionKey::new([byte; 32].into())).unwrap()
    }

    #[test]
    fn it_opens_for_its_own_purpose_and_key_alone() {
        let sealed = sessions(1).seal(&["plugin", "client"], b"content").unwrap();
        assert_eq!(sessions(1).open(&["plugin", "client"], sealed.as_bytes()).unwrap(), b"content");
        for (key, purpose) in [
            (1, &["plugin", "other"][..]),
            (1, &["plugi", "nclient"]),
            (1, &["plugin"]),
            (1, &["client", "plugin"]),
            (2, &["plugin", "client"]),
        ] {
            assert_eq!(sessions(key).open(purpose, sealed.as_bytes()), None, "{key} {purpose:?}");
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let sealed = sessions(1).seal(&["p"], b"content").unwrap();
        let bytes = BASE64.decode(&sealed).unwrap();
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            assert_eq!(sessions(1).open(&["p"], BASE64.encode(&changed).as_bytes()), None, "byte {position}");
            assert_eq!(sessions(1).open(&["p"], BASE64.encode(&bytes[..position]).as_bytes()), None, "cut {position}");
        }
        for nonsense in ["", "A", "no base64!", "AQ", "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(sessions(1).open(&["p"], nonsense.as_bytes()), None, "{nonsense:?}");
        }
    }

    #[test]
    fn the_same_content_is_never_sealed_to_the_same_text() {
        assert_ne!(sessions(1).seal(&["p"], b"content"), sessions(1).seal(&["p"], b"content"));
    }
}
