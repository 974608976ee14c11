//! What a request is recognised by, and has to show: made of a credential and the value of its secret.

use crate::Inner;
use postern::credential::CredentialKind;
use postern::fingerprint::Fingerprint;
use postern::sensitive::{Plain, Sealed};
use postern::snapshot::Proof;
use std::sync::Arc;

/// A credential with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of the key, or of the name that requests give. No two credentials may have the same.
    pub(crate) by: Fingerprint,
    /// What goes with the name.
    pub(crate) proof: Option<Arc<Proof>>,
}

impl Inner {
    /// `None` when the value is none that anyone could show.
    pub(crate) fn found(&self, kind: &CredentialKind<Sealed>, value: &Plain) -> Option<Found> {
        if value.is_empty() {
            return None;
        }
        let named = |name: &str, proof| Found {
            by: self.fingerprints.of_name(kind.slug(), name.as_bytes()),
            proof: Some(Arc::new(proof)),
        };
        Some(match kind {
            CredentialKind::KeyAuth { .. } => Found { by: self.fingerprint(value), proof: None },
            CredentialKind::BasicAuth { username, .. } => {
                named(username.as_str(), Proof::Password(self.fingerprint(value)))
            }
        })
    }

    pub(crate) fn fingerprint(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of(value.expose().as_bytes())
    }
}
