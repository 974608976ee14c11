//! Whom a connection trusts, and what a failed handshake means.

use postern::resolve::TlsProblem;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CertificateError, ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::{Arc, LazyLock};

/// The provider's CA Certificate holds no certificate that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnreadableCa;

/// What a client trusts: the provider's own authorities if it names any, else the system's. Never
/// both, and never nothing: there is no way to switch verification off.
pub(crate) fn client_config(ca_pem: Option<&str>) -> Result<ClientConfig, UnreadableCa> {
    match ca_pem {
        Some(pem) => Ok(trusting(read_authorities(pem)?)),
        None => Ok(SYSTEM.clone()),
    }
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

fn read_authorities(pem: &str) -> Result<RootCertStore, UnreadableCa> {
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        authorities.add(certificate.map_err(|_| UnreadableCa)?).map_err(|_| UnreadableCa)?;
    }
    if authorities.is_empty() { Err(UnreadableCa) } else { Ok(authorities) }
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
        _ => TlsProblem::Other,
    }
}

fn certificate_problem(error: &CertificateError, host: &str) -> TlsProblem {
    match error {
        CertificateError::UnknownIssuer => TlsProblem::UnknownAuthority,
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
            assert_eq!(client_config(Some(pem)).map(|_| ()), Err(UnreadableCa), "{pem:?}");
        }
    }

    #[test]
    fn tls_errors_have_a_meaning() {
        use rustls::Error::{AlertReceived, InvalidCertificate};
        for (error, expected) in [
            (InvalidCertificate(CertificateError::UnknownIssuer), TlsProblem::UnknownAuthority),
            (InvalidCertificate(CertificateError::NotValidForName), TlsProblem::WrongName { host: "v".to_owned() }),
            (InvalidCertificate(CertificateError::Expired), TlsProblem::Expired),
            (InvalidCertificate(CertificateError::NotValidYet), TlsProblem::NotYetValid),
            (InvalidCertificate(CertificateError::BadSignature), TlsProblem::Other),
            (AlertReceived(AlertDescription::CertificateRequired), TlsProblem::ClientCertificateWanted),
            (AlertReceived(AlertDescription::HandshakeFailure), TlsProblem::Other),
            (rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType), TlsProblem::NotTls),
        ] {
            assert_eq!(problem(&error, "v"), expected, "{error:?}");
        }
    }
}
