//! Whom a connection trusts, and what a failed handshake means.

use postern::resolve::TlsProblem;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, LazyLock};

/// What a client shows of itself, in PEM.
#[derive(Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) certificate: &'a str,
    pub(crate) private_key: &'a str,
}

/// What a client trusts: the provider's own authorities if it names any, else the system's. Never
/// both, and never nothing: there is no way to switch verification off.
pub(crate) fn client_config(ca_pem: Option<&str>, identity: Option<Identity<'_>>) -> Result<ClientConfig, TlsProblem> {
    match (ca_pem, identity) {
        (Some(pem), Some(identity)) => showing(identity, builder().with_root_certificates(read_authorities(pem)?)),
        (Some(pem), None) => Ok(trusting(read_authorities(pem)?)),
        (None, Some(identity)) => match builder().with_platform_verifier() {
            Ok(builder) => showing(identity, builder),
            Err(_) => showing(identity, builder().with_root_certificates(RootCertStore::empty())),
        },
        (None, None) => Ok(SYSTEM.clone()),
    }
}

fn showing(
    identity: Identity<'_>,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, TlsProblem> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(identity.certificate.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(identity.private_key.as_bytes());
    let (Ok(chain), Ok(key)) = (chain, key) else { return Err(TlsProblem::IdentityUnreadable) };
    builder.with_client_auth_cert(chain, key).map_err(|_| TlsProblem::IdentityUnreadable)
}

/// Trusts nobody. For `http://`, and in place of a configuration that cannot be made.
pub(crate) fn trusting_nobody() -> ClientConfig {
    trusting(RootCertStore::empty())
}

/// The system's authorities, read once. Without any, nobody is trusted.
static SYSTEM: LazyLock<ClientConfig> = LazyLock::new(|| match builder().with_platform_verifier() {
    Ok(builder) => builder.with_no_client_auth(),
    Err(error) => {
        tracing::warn!(%error, "the system's certificate authorities cannot be read; give each provider its CA Certificate");
        trusting_nobody()
    }
});

fn trusting(authorities: RootCertStore) -> ClientConfig {
    builder().with_root_certificates(authorities).with_no_client_auth()
}

/// TLS 1.2 and 1.3 with AWS-LC, whatever the process's default provider is.
#[expect(
    clippy::expect_used,
    reason = "AWS-LC supports TLS 1.2 and 1.3; anything else is a bug found by the first test"
)]
fn builder() -> ConfigBuilder<ClientConfig, WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("AWS-LC speaks TLS 1.2 and 1.3")
}

/// Whether a certificate and a private key, both in PEM, belong together and can be shown to others.
#[must_use]
pub fn is_identity(certificate: &str, private_key: &str) -> bool {
    let trusting_nobody = builder().with_root_certificates(RootCertStore::empty());
    showing(Identity { certificate, private_key }, trusting_nobody).is_ok()
}

/// Whether a PEM text holds certificates that can be trusted as authorities.
#[must_use]
pub fn is_authority(pem: &str) -> bool {
    read_authorities(pem).is_ok()
}

fn read_authorities(pem: &str) -> Result<RootCertStore, TlsProblem> {
    let unreadable = TlsProblem::AuthorityUnreadable;
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let Ok(certificate) = certificate else { return Err(unreadable) };
        if authorities.add(certificate).is_err() {
            return Err(unreadable);
        }
    }
    if authorities.is_empty() { Err(unreadable) } else { Ok(authorities) }
}

/// What a TLS error means to an operator. `host` is the name that was asked for.
pub(crate) fn problem(error: &rustls::Error, host: &str) -> TlsProblem {
    match error {
        rustls::Error::InvalidCertificate(certificate) => certificate_problem(certificate, host),
        rustls::Error::InvalidMessage(_) => TlsProblem::NotTls,
        // Go's servers say bad_certificate under TLS 1.2 and certificate_required under 1.3.
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired | AlertDescription::BadCertificate) => {
            TlsProblem::ClientCertificateWanted
        }
        // Of our certificate: a server sends these to whom it has seen one from.
        rustls::Error::AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnsupportedCertificate,
        ) => TlsProblem::ClientCertificateRefused,
        _ => TlsProblem::Other,
    }
}

fn certificate_problem(error: &CertificateError, host: &str) -> TlsProblem {
    match error {
        // A bad signature is an authority of the same name with another key: one that was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsProblem::UnknownAuthority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsProblem::WrongName { host: host.to_owned() }
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsProblem::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsProblem::NotYetValid,
        _ => TlsProblem::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_authority_is_refused() {
        for pem in [
            "",
            "nonsense",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
        ] {
            let config = client_config(Some(pem), None).map(|_| ());
            assert_eq!(config, Err(TlsProblem::AuthorityUnreadable), "{pem:?}");
        }
    }

    #[test]
    fn a_certificate_needs_its_own_key() {
        let made = || rcgen::generate_simple_self_signed(vec!["postern".to_owned()]).unwrap();
        let (one, other) = (made(), made());
        let (certificate, key, other_key) =
            (one.cert.pem(), one.signing_key.serialize_pem(), other.signing_key.serialize_pem());
        for (certificate, private_key, good) in [
            (certificate.as_str(), key.as_str(), true),
            (&certificate, &other_key, false),
            (&certificate, "", false),
            (&certificate, &certificate, false),
            ("", &key, false),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", &key, false),
        ] {
            let config = client_config(Some(&certificate_of(&one)), Some(Identity { certificate, private_key }));
            assert_eq!(config.map(|_| ()), if good { Ok(()) } else { Err(TlsProblem::IdentityUnreadable) });
        }
    }

    fn certificate_of(made: &rcgen::CertifiedKey<rcgen::KeyPair>) -> String {
        made.cert.pem()
    }

    #[test]
    fn tls_errors_have_a_meaning() {
        use rustls::Error::{AlertReceived, InvalidCertificate};
        for (error, expected) in [
            (InvalidCertificate(CertificateError::UnknownIssuer), TlsProblem::UnknownAuthority),
            (InvalidCertificate(CertificateError::NotValidForName), TlsProblem::WrongName { host: "v".to_owned() }),
            (InvalidCertificate(CertificateError::Expired), TlsProblem::Expired),
            (InvalidCertificate(CertificateError::NotValidYet), TlsProblem::NotYetValid),
            (InvalidCertificate(CertificateError::BadSignature), TlsProblem::UnknownAuthority),
            (AlertReceived(AlertDescription::CertificateRequired), TlsProblem::ClientCertificateWanted),
            (AlertReceived(AlertDescription::UnknownCA), TlsProblem::ClientCertificateRefused),
            (AlertReceived(AlertDescription::CertificateExpired), TlsProblem::ClientCertificateRefused),
            (AlertReceived(AlertDescription::HandshakeFailure), TlsProblem::Other),
            (rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType), TlsProblem::NotTls),
        ] {
            assert_eq!(problem(&error, "v"), expected, "{error:?}");
        }
    }
}
