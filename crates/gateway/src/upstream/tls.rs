//! TLS to other servers: whom the gateway trusts. For upstream servers there is no way to switch verification off;
//! plugins have one where APISIX has it.

use crate::certificates::certified;
use postern::routing::{Nodes, PassHost};
use postern::snapshot::SnapshotCertificate;
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    AlertDescription, ClientConfig, ConfigBuilder, DigitallySignedStruct, RootCertStore, SignatureScheme, WantsVerifier,
};
use rustls_platform_verifier::BuilderVerifierExt;
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// HTTP/2, as handshakes name it (RFC 9113 §3.2).
pub(super) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// How the servers of one upstream are spoken to.
#[derive(Clone)]
pub(crate) struct UpstreamTls {
    pub(super) connector: TlsConnector,
    /// Nothing but HTTP/2 is spoken.
    pub(super) is_http2: bool,
    /// The name their certificates must have; the node's own host when absent.
    pub(super) server_name: Option<ServerName<'static>>,
}

/// Whose certificates are good.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trust<'a> {
    /// Of these authorities, PEM.
    Authorities(&'a str),
    /// Of those the system trusts.
    System,
    /// Any: whoever is in between can read along.
    Anyone,
}

/// TLS settings without a client certificate.
///
/// # Errors
/// Why nobody can be trusted, for the log.
pub(crate) fn client_config(trust: Trust<'_>) -> Result<ClientConfig, String> {
    Ok(trusting(trust)?.with_no_client_auth())
}

fn trusting(trust: Trust<'_>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    Ok(match trust {
        Trust::Authorities(pem) => builder()?.with_root_certificates(authorities(pem)?),
        Trust::System => builder()?
            .with_platform_verifier()
            .map_err(|error| format!("the system's certificate authorities cannot be read: {error}"))?,
        Trust::Anyone => {
            let verifier = Arc::new(Unchecked(rustls::crypto::aws_lc_rs::default_provider()));
            builder()?.dangerous().with_custom_certificate_verifier(verifier)
        }
    })
}

/// Takes every certificate, but insists that the server has its key.
#[derive(Debug)]
struct Unchecked(CryptoProvider);

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

impl UpstreamTls {
    /// `None` without TLS. `certificate` is shown to servers that ask for one.
    ///
    /// # Errors
    /// Why nobody can be trusted, or the certificate cannot be shown, for the log.
    pub(super) fn of(nodes: &Nodes, certificate: Option<&SnapshotCertificate>) -> Result<Option<Self>, String> {
        let Some(tls) = nodes.scheme.tls() else { return Ok(None) };
        let server_name = match &nodes.pass_host {
            PassHost::Pass | PassHost::Node => None,
            PassHost::Rewrite { upstream_host } => Some(server_name(upstream_host)?),
        };
        let trust = match &tls.ca_certificate {
            Some(pem) => Trust::Authorities(pem),
            None => Trust::System,
        };
        let shown =
            certificate.map(certified).transpose().map_err(|error| format!("its client certificate: {error}"))?;
        let is_http2 = nodes.scheme.is_http2();
        Ok(Some(Self { server_name, ..Self::speaking(trust, shown, is_http2)? }))
    }

    /// A certificate must have the host's own name, unless anyone is trusted.
    ///
    /// # Errors
    /// Why nobody can be trusted, for the log.
    pub(crate) fn trusting(trust: Trust<'_>) -> Result<Self, String> {
        Self::speaking(trust, None, false)
    }

    fn speaking(trust: Trust<'_>, shown: Option<CertifiedKey>, is_http2: bool) -> Result<Self, String> {
        let config = trusting(trust)?;
        let mut config = match shown {
            Some(key) => config.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key))),
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![if is_http2 { HTTP2 } else { HTTP1 }.to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), is_http2, server_name: None })
    }
}

/// What the server had to say against it, if that is why it broke.
pub(super) fn alert(error: &io::Error) -> Option<AlertDescription> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::AlertReceived(alert) => Some(*alert),
        _ => None,
    }
}

/// Whether the server complains about the client's certificate, or that there is none (RFC 8446 §6.2).
pub(super) fn refuses_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            // Its signature is not what the authority's key makes.
            | Alert::DecryptError
    )
}

/// The host in `host` or `host:port`, as a name to verify.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let authority: Result<http::uri::Authority, _> = host.parse();
    let name = authority.as_ref().map_or(host, |authority| authority.host());
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(name.to_owned()).map_err(|_| format!("'{name}' is not a name that a certificate can have"))
}

/// TLS 1.2 and 1.3 with AWS-LC, whatever the process's default provider is.
fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

fn authorities(pem: &str) -> Result<RootCertStore, String> {
    let unreadable = || "its CA Certificate cannot be read".to_owned();
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|_| unreadable())?;
        authorities.add(certificate).map_err(|_| unreadable())?;
    }
    if authorities.is_empty() { Err(unreadable()) } else { Ok(authorities) }
}
