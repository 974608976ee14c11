//! What a request is recognised by, and has to show: made of a credential and the value of its secret.

use crate::Inner;
use crate::config::{Object, credential_place};
use crate::read::TypedIn;
use postern::credential::{Credential, CredentialKind, KEY};
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::name::ObjectId;
use postern::reference::Reference;
use postern::resolve::{Failure, ReferenceState};
use postern::rule::Rule;
use postern::sensitive::{Plain, Sealed, SecretField};
use postern::snapshot::{Prepared, Proof};
use std::sync::Arc;
use store::{SealError, Sealer};

/// A credential with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Of the key, or of the name that requests give. No two credentials may have the same.
    pub(crate) by: Fingerprint,
    /// What goes with the name.
    pub(crate) proof: Option<Arc<Proof>>,
}

/// Makes of a credential and its value what authenticates. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Prover {
    pub(crate) sealer: Arc<Sealer>,
    pub(crate) fingerprints: FingerprintKey,
}

impl Prover {
    /// What a key that was typed in is found by, from its row. One that cannot be opened is logged, and found by nothing.
    pub(crate) fn found_by(&self, key: TypedIn<'_>) -> Option<Fingerprint> {
        let place = credential_place(key.row, KEY.name);
        let opened = self.sealer.open_text(place, key.ciphertext);
        let opened = opened.inspect_err(|error| tell_unopened(key.id, key.consumer, error));
        opened.ok().filter(|value| !value.is_empty()).map(|value| self.key(&value))
    }

    /// What authenticates by a key that was typed in.
    pub(crate) fn found_typed_in(&self, object: &Object<Credential<Sealed>>) -> Option<Found> {
        self.found(&object.stored.object, &self.typed_in(object)?)
    }

    /// The secret that was typed in. One that cannot be opened is logged, and arms nothing.
    pub(crate) fn typed_in(&self, object: &Object<Credential<Sealed>>) -> Option<Plain> {
        let credential = &object.stored.object;
        let SecretField::Literal(sealed) = credential.kind.secret() else { return None };
        let opened = self.sealer.open(credential_place(&object.row, credential.kind.secret_field().name), sealed);
        opened.inspect_err(|error| tell_unopened(&credential.id, credential.consumer.as_str(), error)).ok()
    }

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
            None => self.key(value),
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

    /// What a key is found by.
    pub(crate) fn key(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of_key(value.expose().as_bytes())
    }

    /// What a value is compared by.
    pub(crate) fn fingerprint(&self, value: &Plain) -> Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of(value.expose().as_bytes())
    }
}

impl Inner {
    /// The value of a credential's reference that may be used now, and where it stands.
    pub(crate) fn current_of(
        &self,
        credential: &Credential<Sealed>,
        reference: &Reference,
    ) -> (Option<Plain>, ReferenceState) {
        self.current_in(reference, |value| fits(&credential.kind, value))
    }
}

fn tell_unopened(credential: &ObjectId, consumer: &str, error: &SealError) {
    tracing::error!(%credential, consumer, %error,
        "the stored secret cannot be opened; the credential authenticates nobody");
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
