//! What the gateway shows of itself over TLS: to clients the certificate for the host that they ask for.

use crate::host::endings;
use crate::worker::Shared;
use postern::routing::HostPattern;
use postern::sensitive::Plain;
use postern::snapshot::SnapshotCertificate;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

/// The certificates of one snapshot, found by host.
#[derive(Default)]
pub(crate) struct Certificates {
    made_of: Arc<[SnapshotCertificate]>,
    exact: HashMap<String, Arc<CertifiedKey>>,
    /// By ending, with the dot; for one label more, as clients read it (RFC 9525 §6.3).
    endings: HashMap<String, Arc<CertifiedKey>>,
    /// The only certificate there is, for clients that name no host.
    only: Option<Arc<CertifiedKey>>,
}

impl Certificates {
    /// One that cannot be read is left out, and its hosts are refused.
    pub(crate) fn compile(certificates: &Arc<[SnapshotCertificate]>, before: Option<&Arc<Self>>) -> Arc<Self> {
        if let Some(same) = before.filter(|before| before.made_of == *certificates) {
            return Arc::clone(same);
        }
        let mut compiled = Self { made_of: Arc::clone(certificates), ..Self::default() };
        // One without hosts is for upstream servers alone.
        let is_only = certificates.iter().filter(|certificate| !certificate.hosts.is_empty()).count() == 1;
        for certificate in certificates.iter().filter(|certificate| !certificate.hosts.is_empty()) {
            match certified(certificate) {
                Ok(key) => compiled.add(certificate, &Arc::new(key), is_only),
                Err(error) => {
                    let id = &certificate.id;
                    tracing::error!(certificate = %id, %error, "Certificate {id} cannot be shown; its hosts are refused");
                }
            }
        }
        Arc::new(compiled)
    }

    fn add(&mut self, certificate: &SnapshotCertificate, key: &Arc<CertifiedKey>, is_only: bool) {
        self.only = is_only.then(|| Arc::clone(key));
        for host in &certificate.hosts {
            let (hosts, host) = match host {
                HostPattern::Exact(host) => (&mut self.exact, host),
                HostPattern::Ending(ending) => (&mut self.endings, ending),
            };
            if hosts.insert(host.clone(), Arc::clone(key)).is_some() {
                tracing::warn!(certificate = %certificate.id, "Two certificates are for {host}; the later one is shown");
            }
        }
    }

    /// The certificate for a host in lower case.
    fn find(&self, host: Option<&str>) -> Option<&Arc<CertifiedKey>> {
        let Some(host) = host else { return self.only.as_ref() };
        let ending = || endings(host).next().and_then(|ending| self.endings.get(&*ending));
        self.exact.get(host).or_else(ending)
    }
}

#[expect(clippy::disallowed_methods, reason = "the certificate and its key become what rustls signs with")]
pub(crate) fn certified(certificate: &SnapshotCertificate) -> Result<CertifiedKey, String> {
    let text = |plain: &Arc<Plain>| plain.expose().as_bytes().to_vec();
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text(&certificate.chain)).collect();
    let chain = chain.map_err(|_| "the certificate is not readable")?;
    let key = zeroize::Zeroizing::new(text(&certificate.private_key));
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| "the private key is not readable")?;
    CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| error.to_string())
}

/// Looks into the configuration in force at each handshake, so that a new certificate needs no restart.
struct InForce(Weak<Shared>);

impl fmt::Debug for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InForce")
    }
}

impl ResolvesServerCert for InForce {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shared = self.0.upgrade()?;
        let table = shared.table.load();
        let host = hello.server_name();
        let found = table.certificates.find(host);
        if found.is_none() {
            let host = host.unwrap_or("no host");
            tracing::debug!(host, "There is no certificate for {host}; the client is refused");
        }
        found.cloned()
    }
}

/// TLS 1.2 and 1.3 with AWS-LC, HTTP/2 and HTTP/1.1.
///
/// # Errors
/// AWS-LC does not speak them, which would be a bug.
pub(crate) fn server_config(shared: &Arc<Shared>) -> Result<Arc<ServerConfig>, rustls::Error> {
    let config =
        ServerConfig::builder_with_provider(Arc::new(default_provider())).with_safe_default_protocol_versions()?;
    let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(InForce(Arc::downgrade(shared))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
