//! Credentials: add, save, delete, refresh.

use crate::Inner;
use crate::config::{Change, Config, Deleted, Object, credential_place};
use crate::errors::{Described, internal, not_found};
use crate::row::sealed_row;
use crate::views::mask_credential;
use postern::control::{Answer, ControlError, CredentialView};
use postern::credential::{Credential, CredentialForm, CredentialKind, FieldName};
use postern::fingerprint::Fingerprint;
use postern::name::{ConsumerName, ObjectId};
use postern::reference::Reference;
use postern::secret_ref::SecretRef;
use postern::sensitive::{Entered, Plain, Sealed, SecretField};
use std::sync::Arc;
use std::time::Duration;
use store::{Kind, NewRow};

/// How long adding or saving waits for the first read of a reference, so that the answer shows its state.
pub(crate) const FIRST_READ_WAIT: Duration = Duration::from_secs(3);

/// Why an entered credential is not sealed.
enum Refused {
    Answer(ControlError),
    /// Another credential has what this field says already.
    Taken {
        field: &'static str,
        label: &'static str,
        by: ObjectId,
    },
}

impl From<ControlError> for Refused {
    fn from(error: ControlError) -> Self {
        Self::Answer(error)
    }
}

impl Inner {
    pub(crate) async fn credentials(&self, consumer: &ConsumerName) -> Answer<Vec<CredentialView>> {
        let consumer = self.stored_consumer(consumer).await?;
        let mut views = Vec::new();
        for row in self.store.children(&consumer.row, Kind::Credential).await.map_err(internal)? {
            views.push(self.credential_view(&*Object::decode(row).map_err(internal)?).await?);
        }
        views.sort_by(|a, b| a.stored.object.name.cmp(&b.stored.object.name));
        Ok(views)
    }

    pub(crate) async fn add_credential(&self, mut entered: Credential<Entered>) -> Answer<CredentialView> {
        let changing = self.changing.lock().await;
        entered.id = new_id()?;
        let consumer = self.stored_consumer(&entered.consumer).await?;
        let sealed = self.seal_unless_taken(&entered, None).await?;
        let new = new_row(&sealed, &consumer.row)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| sealed.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        drop(changing);
        self.first_read(&sealed).await;
        self.credential_by_id(&sealed.id).await
    }

    pub(crate) async fn save_credential(&self, revision: u64, entered: Credential<Entered>) -> Answer<CredentialView> {
        let changing = self.changing.lock().await;
        let object = self.stored_credential(&entered.id).await?;
        let consumer = self.stored_consumer(&entered.consumer).await?;
        let stored = &object.stored.object;
        if stored.consumer != entered.consumer || stored.kind.credential_type() != entered.kind.credential_type() {
            return Err(not_found("credential", &entered.id));
        }
        let sealed = self.seal_unless_taken(&entered, Some(&object)).await?;
        let saved = self.storing(self.store.update(&new_row(&sealed, &consumer.row)?, revision, self.now())).await;
        let row = self.answer_save(saved, &sealed, &object.row, revision).await?;
        self.changed(Change::Saved(row)).await?;
        drop(changing);
        self.first_read(&sealed).await;
        self.credential_by_id(&sealed.id).await
    }

    pub(crate) async fn delete_credential(&self, id: &ObjectId) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let object = self.stored_credential(id).await?;
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Credential(id.clone()))).await
    }

    pub(crate) async fn refresh_credential(&self, id: &ObjectId) -> Answer<CredentialView> {
        self.first_read(&self.stored_credential(id).await?.stored.object).await;
        self.credential_by_id(id).await
    }

    /// Reads the credential's reference now, and has the gateway enforce what came of it.
    async fn first_read(&self, credential: &Credential<Sealed>) {
        let Some(reference) = credential.kind.secret().reference().and_then(Reference::secret) else { return };
        // A manager that does not answer in time shows as a state; the engine goes on trying.
        let _in_time = tokio::time::timeout(FIRST_READ_WAIT, self.engine.check(&self.group, reference)).await;
        self.publish();
        self.enforced().await;
    }

    async fn credential_by_id(&self, id: &ObjectId) -> Answer<CredentialView> {
        self.credential_view(&*self.stored_credential(id).await?).await
    }

    /// A credential as it is stored now.
    async fn stored_credential(&self, id: &ObjectId) -> Answer<Arc<Object<Credential<Sealed>>>> {
        self.find_credential(id.as_str()).await?.ok_or_else(|| not_found("credential", id))
    }

    /// The same, if there is one of that id.
    pub(crate) async fn find_credential(&self, id: &str) -> Answer<Option<Arc<Object<Credential<Sealed>>>>> {
        let row = self.store.object(&self.group, Kind::Credential, id).await.map_err(internal)?;
        row.map(|row| Object::decode(row).map_err(internal)).transpose()
    }

    async fn seal_unless_taken(
        &self,
        entered: &Credential<Entered>,
        stored: Option<&Object<Credential<Sealed>>>,
    ) -> Answer<Credential<Sealed>> {
        match self.seal_credential(&self.config(), entered, stored) {
            Ok(sealed) => Ok(sealed),
            Err(Refused::Answer(error)) => Err(error),
            Err(Refused::Taken { field, label, by }) => {
                let other = self.stored_credential(&by).await?;
                Err(taken(field, label, &other.stored.object))
            }
        }
    }

    fn seal_credential(
        &self,
        config: &Config,
        entered: &Credential<Entered>,
        stored: Option<&Object<Credential<Sealed>>>,
    ) -> Result<Credential<Sealed>, Refused> {
        let secret_field = entered.kind.secret_field();
        if let Some(reference) = entered.kind.secret().reference().and_then(Reference::secret) {
            check_provider(config, secret_field.name, reference)?;
        }
        check_name_unused(config, entered)?;
        let provable = |plain: &Plain| match self.prover.proof(&entered.kind, plain) {
            Ok(_) => Ok(()),
            Err(why) => Err(ControlError::invalid(secret_field.name, why)),
        };
        entered.try_map(|field, secret| {
            let place = credential_place(entered.id.as_str(), field);
            match secret {
                Entered::Replace(typed) => {
                    let plain = typed.clone().into_plain();
                    if entered.kind.identifier().is_none() {
                        self.check_key_unused(&entered.id, self.prover.key(&plain))?;
                    }
                    provable(&plain)?;
                    Ok(self.sealer.seal(place, &plain, self.now()).map_err(internal)?)
                }
                Entered::Keep => {
                    let sealed = kept(secret_field, stored)?;
                    // What is around it may have changed: the algorithm, for instance.
                    if let Ok(plain) = self.sealer.open(place, &sealed) {
                        provable(&plain)?;
                    }
                    Ok(sealed)
                }
            }
        })
    }

    /// A key typed in must not be another credential's. (References are compared once they are resolved.)
    fn check_key_unused(&self, own: &ObjectId, key: Fingerprint) -> Result<(), Refused> {
        match self.published().armed.owner(key, own) {
            None => Ok(()),
            Some(other) => Err(Refused::Taken { field: "key", label: "key", by: other.clone() }),
        }
    }
}

/// The name that requests give must not be another credential's of the same type.
fn check_name_unused(config: &Config, entered: &Credential<Entered>) -> Result<(), Refused> {
    let kind = entered.kind.credential_type();
    let Some((name, field)) = entered.kind.identifier().zip(CredentialForm::identifier_field(kind)) else {
        return Ok(());
    };
    match config.of_name(kind, name).find(|other| other.id != entered.id) {
        None => Ok(()),
        Some(other) => Err(Refused::Taken { field: field.name, label: field.label, by: other.id.clone() }),
    }
}

fn taken(field: &str, label: &str, other: &Credential<Sealed>) -> ControlError {
    let (credential, consumer) = (&other.name, &other.consumer);
    ControlError::invalid(
        field,
        format!("The credential '{credential}' of consumer {consumer} has this {label} already."),
    )
}

/// A reference must name a provider of the group; whether it resolves is no condition, since the secret
/// may be written later.
pub(crate) fn check_provider(config: &Config, field: &str, reference: &SecretRef) -> Answer<()> {
    let of_manager = config.providers.keys().filter(|key| key.manager == reference.manager());
    let ids: Vec<&str> = of_manager.map(|key| key.id.as_str()).collect();
    if ids.contains(&reference.provider().as_str()) {
        return Ok(());
    }
    let manager = reference.manager().label();
    let known = match ids.as_slice() {
        [] => format!("This gateway group has no {manager} secret provider yet."),
        ids => format!("There are: {}.", ids.join(", ")),
    };
    let problem =
        format!("There is no {manager} secret provider '{}' in this gateway group. {known}", reference.provider());
    Err(ControlError::invalid(field, problem))
}

/// The stored secret, if it is one of that field.
fn kept(field: FieldName, stored: Option<&Object<Credential<Sealed>>>) -> Answer<Sealed> {
    let stored = stored.map(|object| &object.stored.object.kind).filter(|kind| kind.secret_field() == field);
    match stored.map(CredentialKind::secret) {
        Some(SecretField::Literal(sealed)) => Ok(sealed.clone()),
        _ => Err(ControlError::invalid(field.name, format!("The {} is needed here.", field.label))),
    }
}

/// A new random id.
pub(crate) fn new_id() -> Answer<ObjectId> {
    uuid::Uuid::new_v4().to_string().parse().map_err(internal)
}

fn new_row(credential: &Credential<Sealed>, parent: &str) -> Answer<NewRow> {
    let name = format!("{}/{}", credential.kind.slug(), credential.name);
    sealed_row(credential.id.as_str(), Kind::Credential, Some(parent), name, credential, &mask_credential(credential))
}
