//! Keys of JWTs (RFC 7518 §3; RFC 8037 §3.1 for EdDSA).

use crate::hmac::shared;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postern::credential::JwtAlgorithm;
use postern::sensitive::Plain;
use postern::snapshot::Verify;
use std::sync::Arc;

/// A public key, for one algorithm.
struct Public(ParsedPublicKey);

impl Verify for Public {
    /// ECDSA signatures are r and s of fixed length, one after the other, as JWTs have them.
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}

/// The key in a credential's value: a shared secret for HS algorithms, else a public key in PEM.
///
/// # Errors
/// Why the value is no key for the algorithm, for the operator; nothing of the value is in it.
pub fn jwt_key(algorithm: JwtAlgorithm, base64_secret: bool, value: &Plain) -> Result<Arc<dyn Verify>, String> {
    #[expect(clippy::disallowed_methods, reason = "turned into a key that only checks signatures")]
    let value = value.expose();
    match family(algorithm) {
        Family::Shared(hash) if base64_secret => {
            let secret =
                STANDARD.decode(value).map_err(|_| "The secret is not Base64, as the credential says it is.")?;
            if secret.is_empty() { Err("The secret is empty.".to_owned()) } else { Ok(shared(hash, &secret)) }
        }
        Family::Shared(hash) => Ok(shared(hash, value.as_bytes())),
        Family::Public { algorithm: verification, needs } => {
            let parsed = public_der(value)?;
            let parsed = ParsedPublicKey::new(verification, &parsed);
            let parsed =
                parsed.map_err(|_| format!("The public key is not one for {algorithm}, which needs {needs}."))?;
            Ok(Arc::new(Public(parsed)))
        }
    }
}

enum Family {
    Shared(hmac::Algorithm),
    Public { algorithm: &'static dyn VerificationAlgorithm, needs: &'static str },
}

fn family(algorithm: JwtAlgorithm) -> Family {
    const RSA: &str = "an RSA key of at least 2048 bits";
    let public = |algorithm, needs| Family::Public { algorithm, needs };
    match algorithm {
        JwtAlgorithm::Hs256 => Family::Shared(hmac::HMAC_SHA256),
        JwtAlgorithm::Hs384 => Family::Shared(hmac::HMAC_SHA384),
        JwtAlgorithm::Hs512 => Family::Shared(hmac::HMAC_SHA512),
        JwtAlgorithm::Rs256 => public(&signature::RSA_PKCS1_2048_8192_SHA256, RSA),
        JwtAlgorithm::Rs384 => public(&signature::RSA_PKCS1_2048_8192_SHA384, RSA),
        JwtAlgorithm::Rs512 => public(&signature::RSA_PKCS1_2048_8192_SHA512, RSA),
        JwtAlgorithm::Ps256 => public(&signature::RSA_PSS_2048_8192_SHA256, RSA),
        JwtAlgorithm::Ps384 => public(&signature::RSA_PSS_2048_8192_SHA384, RSA),
        JwtAlgorithm::Ps512 => public(&signature::RSA_PSS_2048_8192_SHA512, RSA),
        JwtAlgorithm::Es256 => public(&signature::ECDSA_P256_SHA256_FIXED, "a key of the curve P-256"),
        JwtAlgorithm::Es384 => public(&signature::ECDSA_P384_SHA384_FIXED, "a key of the curve P-384"),
        JwtAlgorithm::Es512 => public(&signature::ECDSA_P521_SHA512_FIXED, "a key of the curve P-521"),
        JwtAlgorithm::EdDsa => public(&signature::ED25519, "an Ed25519 key"),
    }
}

/// The content of the one PEM block, which must be a public key.
fn public_der(text: &str) -> Result<Vec<u8>, String> {
    let block = pem::parse(text.trim()).map_err(|_| {
        "The public key is not in PEM: it begins with -----BEGIN PUBLIC KEY----- and ends with -----END PUBLIC KEY-----."
    })?;
    match block.tag() {
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(block.into_contents()),
        tag if tag.contains("PRIVATE") => Err(
            "This is a private key. Postern needs the public key only; keep the private one where tokens are signed."
                .to_owned(),
        ),
        _ => Err("The PEM block is not a public key: it begins with -----BEGIN PUBLIC KEY-----.".to_owned()),
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
