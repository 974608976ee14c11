//! What a request is recognised by, and has to show: made of a credential and the value of its secret.

use crate::Inner;
use postern::credential::{Credential, CredentialKind};
use postern::fingerprint::Fingerprint;
use postern::reference::Reference;
use postern::resolve::{Failure, ReferenceState};
use postern::rule::Rule;
use postern::sensitive::{Plain, Sealed};
use postern::snapshot::{Prepared, Proof};
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
    /// `None` when the value is none that anyone could show, which is logged where it has a reason.
    pub(crate) fn found(&self, credential: &Credential<Sealed>, value: &Plain) -> Option<Found> {
        if value.is_empty() {
            return None;
        }
        let kind = &credential.kind;
        let proof = self.proof(kind, value).inspect_err(|why| {
            tracing::warn!(credential = %credential.id, consumer = %credential.consumer, why,
                "credential {} authenticates nobody: {why}", credential.id);
        });
        let by = match kind.identifier() {
            None => self.fingerprint(value),
            Some(name) => self.fingerprints.of_name(kind.slug(), name.as_bytes()),
        };
        Some(Found { by, proof: proof.ok()?.map(Arc::new) })
    }

    /// What goes with the name that requests give.
    ///
    /// # Errors
    /// Why the value cannot prove anything, for the operator; nothing of the value is in it.
    pub(crate) fn proof<S>(&self, kind: &CredentialKind<S>, value: &Plain) -> Result<Option<Proof>, String> {
        Ok(match kind {
            CredentialKind::KeyAuth { .. } => None,
            CredentialKind::BasicAuth { .. } => Some(Proof::Password(self.fingerprint(value))),
            CredentialKind::JwtAuth { algorithm, base64_secret, lifetime_grace_period, .. } => {
                let keys = signatures::jwt_key(*algorithm, *base64_secret, value)?;
                let made_how = format!("{algorithm} {base64_secret}");
                let of = self.fingerprints.of_name(&made_how, &self.fingerprint(value).to_bytes());
                let key = Prepared { of, keys };
                Some(Proof::Jwt { algorithm: *algorithm, grace_seconds: *lifetime_grace_period, key })
            }
            CredentialKind::HmacAuth { .. } => {
                let keys = Arc::new(signatures::http_signature_keys(value));
                Some(Proof::HttpSignature(Prepared { of: self.fingerprint(value), keys }))
            }
        })
    }

    /// The value of a credential's reference that may be used now, and where it stands.
    pub(crate) fn current_of(
        &self,
        credential: &Credential<Sealed>,
        reference: &Reference,
    ) -> (Option<Plain>, ReferenceState) {
        self.current_in(reference, |value| fits(&credential.kind, value))
    }

    pub(crate) fn fingerprint(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of(value.expose().as_bytes())
    }
}

/// Whether a value proves anything.
pub(crate) fn fits<S>(kind: &CredentialKind<S>, value: &Plain) -> Result<(), Failure> {
    kind.check(value)?;
    match kind {
        CredentialKind::JwtAuth { algorithm, base64_secret, .. } => {
            let key = signatures::jwt_key(*algorithm, *base64_secret, value);
            key.map(drop).map_err(|says| kind.unfit(Rule::Key { says }))
        }
        // For these every text will do.
        CredentialKind::KeyAuth { .. } | CredentialKind::BasicAuth { .. } | CredentialKind::HmacAuth { .. } => Ok(()),
    }
}
