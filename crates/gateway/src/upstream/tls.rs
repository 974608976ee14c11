//! TLS to upstream servers: whom the gateway trusts. There is no way to switch verification off.

use postern::routing::{Nodes, PassHost, Scheme};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// How the servers of one upstream are spoken to.
#[derive(Clone)]
pub(crate) struct UpstreamTls {
    pub(super) connector: TlsConnector,
    /// The name their certificates must have; the node's own host when absent.
    pub(super) server_name: Option<ServerName<'static>>,
}

impl UpstreamTls {
    /// `None` for plain HTTP.
    ///
    /// # Errors
    /// Why nobody can be trusted, for the log.
    pub(super) fn of(nodes: &Nodes) -> Result<Option<Self>, String> {
        let Scheme::Https { ca_certificate } = &nodes.scheme else { return Ok(None) };
        let server_name = match &nodes.pass_host {
            PassHost::Pass | PassHost::Node => None,
            PassHost::Rewrite { upstream_host } => Some(server_name(upstream_host)?),
        };
        let config = match ca_certificate {
            Some(pem) => builder()?.with_root_certificates(authorities(pem)?).with_no_client_auth(),
            None => trusting_the_system()?,
        };
        Ok(Some(Self { connector: connector(config), server_name }))
    }

    /// Trusts whom the system trusts; each certificate must have the host's own name.
    ///
    /// # Errors
    /// Why nobody can be trusted, for the log.
    pub(crate) fn of_the_system() -> Result<Self, String> {
        Ok(Self { connector: connector(trusting_the_system()?), server_name: None })
    }
}

/// The host in `host` or `host:port`, as a name to verify.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, String> {
    let authority: Result<http::uri::Authority, _> = host.parse();
    let name = authority.as_ref().map_or(host, |authority| authority.host());
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(name.to_owned()).map_err(|_| format!("'{name}' is not a name that a certificate can have"))
}

fn trusting_the_system() -> Result<ClientConfig, String> {
    let builder = builder()?
        .with_platform_verifier()
        .map_err(|error| format!("the system's certificate authorities cannot be read: {error}"))?;
    Ok(builder.with_no_client_auth())
}

fn connector(mut config: ClientConfig) -> TlsConnector {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

/// TLS 1.2 and 1.3 with AWS-LC, whatever the process's default provider is.
fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, String> {
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
