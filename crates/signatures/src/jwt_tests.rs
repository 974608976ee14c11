use super::*;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding,
};

const MESSAGE: &[u8] = b"header.payload";

/// A public key in PEM, and its signature over [`MESSAGE`].
type Signed = (String, Vec<u8>);

fn to_pem(der: &[u8]) -> String {
    pem::encode(&pem::Pem::new("PUBLIC KEY", der))
}

fn der(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Vec<u8> {
    key.as_der().unwrap().as_ref().to_vec()
}

fn rsa(key: &RsaKeyPair, encoding: &'static dyn RsaEncoding) -> Signed {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
    (to_pem(&der(key.public_key())), signature)
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm) -> Signed {
    let key = EcdsaKeyPair::generate(algorithm).unwrap();
    let signature = key.sign(&SystemRandom::new(), MESSAGE).unwrap();
    (to_pem(&der(key.public_key())), signature.as_ref().to_vec())
}

/// A key of each algorithm that has a pair, and its signature.
fn pairs() -> Vec<(JwtAlgorithm, Signed)> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let edwards = Ed25519KeyPair::generate().unwrap();
    let edwards = (to_pem(&der(edwards.public_key())), edwards.sign(MESSAGE).as_ref().to_vec());
    vec![
        (JwtAlgorithm::Rs256, rsa(&key, &signature::RSA_PKCS1_SHA256)),
        (JwtAlgorithm::Rs384, rsa(&key, &signature::RSA_PKCS1_SHA384)),
        (JwtAlgorithm::Rs512, rsa(&key, &signature::RSA_PKCS1_SHA512)),
        (JwtAlgorithm::Ps256, rsa(&key, &signature::RSA_PSS_SHA256)),
        (JwtAlgorithm::Ps384, rsa(&key, &signature::RSA_PSS_SHA384)),
        (JwtAlgorithm::Ps512, rsa(&key, &signature::RSA_PSS_SHA512)),
        (JwtAlgorithm::Es256, ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING)),
        (JwtAlgorithm::Es384, ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING)),
        (JwtAlgorithm::Es512, ecdsa(&ECDSA_P521_SHA512_FIXED_SIGNING)),
        (JwtAlgorithm::EdDsa, edwards),
    ]
}

fn key(algorithm: JwtAlgorithm, text: &str) -> Result<Arc<dyn Verify>, String> {
    jwt_key(algorithm, false, &Plain::new(text.to_owned()))
}

#[test]
fn a_signature_is_good_for_its_message_and_by_its_algorithm_only() {
    let pairs = pairs();
    for (algorithm, (pem, signature)) in &pairs {
        let verify = key(*algorithm, pem).unwrap();
        assert!(verify.verify(MESSAGE, signature), "{algorithm}");
        assert!(!verify.verify(b"header.payloae", signature), "{algorithm}");
        assert!(!verify.verify(MESSAGE, b""), "{algorithm}");
        assert!(!verify.verify(MESSAGE, &signature[1..]), "{algorithm}");
        let mut other = signature.clone();
        other[7] ^= 1;
        assert!(!verify.verify(MESSAGE, &other), "{algorithm}");
        for (by, (_, foreign)) in pairs.iter().filter(|(by, _)| by != algorithm) {
            assert!(!verify.verify(MESSAGE, foreign), "{by} for {algorithm}");
        }
        // The text of a public key is no secret that anybody could sign with.
        let confused = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, pem.as_bytes()), MESSAGE);
        assert!(!verify.verify(MESSAGE, confused.as_ref()), "{algorithm}");
    }
}

#[test]
fn a_shared_secret_is_taken_as_it_is_or_as_base64() {
    for (algorithm, hash) in [
        (JwtAlgorithm::Hs256, hmac::HMAC_SHA256),
        (JwtAlgorithm::Hs384, hmac::HMAC_SHA384),
        (JwtAlgorithm::Hs512, hmac::HMAC_SHA512),
    ] {
        let signature = hmac::sign(&hmac::Key::new(hash, b"alice-secret"), MESSAGE);
        let plain = key(algorithm, "alice-secret").unwrap();
        let decoded = jwt_key(algorithm, true, &Plain::new(STANDARD.encode("alice-secret"))).unwrap();
        assert!(plain.verify(MESSAGE, signature.as_ref()) && decoded.verify(MESSAGE, signature.as_ref()));
        let undecoded = key(algorithm, &STANDARD.encode("alice-secret")).unwrap();
        assert!(!undecoded.verify(MESSAGE, signature.as_ref()));
    }
}

#[test]
fn what_is_no_key_of_the_algorithm_is_told_and_not_repeated() {
    let pairs = pairs();
    let of = |algorithm| &pairs.iter().find(|(other, _)| *other == algorithm).unwrap().1.0;
    let private = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----";
    let small = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let cut = to_pem(&der(small.public_key())[..100]);
    for (algorithm, text, part) in [
        (JwtAlgorithm::Rs256, "canary", "not in PEM"),
        (JwtAlgorithm::Rs256, "", "not in PEM"),
        (JwtAlgorithm::Rs256, private, "private key"),
        (JwtAlgorithm::Rs256, "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----", "not a public key"),
        (JwtAlgorithm::Rs256, "-----BEGIN PUBLIC KEY-----\nY2FuYXJ5\n-----END PUBLIC KEY-----", "not one for RS256"),
        (JwtAlgorithm::Rs256, &cut, "RSA key of at least 2048 bits"),
        (JwtAlgorithm::Rs256, of(JwtAlgorithm::Es256), "RSA key"),
        (JwtAlgorithm::Es256, of(JwtAlgorithm::Rs256), "P-256"),
        (JwtAlgorithm::Es256, of(JwtAlgorithm::Es384), "P-256"),
        (JwtAlgorithm::Es512, of(JwtAlgorithm::Es384), "P-521"),
        (JwtAlgorithm::EdDsa, of(JwtAlgorithm::Es256), "Ed25519"),
    ] {
        let why = key(algorithm, text).err().unwrap();
        assert!(why.contains(part) && !why.contains("canary"), "{algorithm}: {why}");
    }
    let bad = jwt_key(JwtAlgorithm::Hs256, true, &Plain::new("canary!".to_owned())).err().unwrap();
    assert!(bad.contains("Base64") && !bad.contains("canary"), "{bad}");
}
