//! Keys that client and gateway share.

use aws_lc_rs::hmac::{self, Algorithm, Key};
use postern::sensitive::Plain;
use postern::snapshot::{HttpSignatureKeys, Verify};
use std::sync::Arc;

/// A shared key, for one algorithm.
struct Shared(Key);

impl Verify for Shared {
    /// In constant time.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.0, message, signature).is_ok()
    }
}

pub(crate) fn shared(algorithm: Algorithm, secret: &[u8]) -> Arc<dyn Verify> {
    Arc::new(Shared(Key::new(algorithm, secret)))
}

/// The keys of the three algorithms of hmac-auth.
#[must_use]
pub fn http_signature_keys(secret: &Plain) -> HttpSignatureKeys {
    #[expect(clippy::disallowed_methods, reason = "turned into keys that only check signatures")]
    let secret = secret.expose().as_bytes();
    HttpSignatureKeys {
        sha1: shared(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
        sha256: shared(hmac::HMAC_SHA256, secret),
        sha512: shared(hmac::HMAC_SHA512, secret),
    }
}
