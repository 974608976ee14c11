//! Whom the certificates of test servers are from.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::Path;

/// An authority of its own.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        // OpenSSL takes a certificate that has its issuer's name for the issuer's own.
        parameters.distinguished_name.push(DnType::CommonName, "Authority of the tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = parameters.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// Its own certificate.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Writes `server.pem`, `server.key` and `ca.pem` of a server called `name`.
    pub(super) fn certify(&self, name: &str, folder: &Path) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        for (file, text) in
            [("server.pem", certificate.pem()), ("server.key", key.serialize_pem()), ("ca.pem", self.pem.clone())]
        {
            std::fs::write(folder.join(file), text).unwrap();
        }
    }
}
