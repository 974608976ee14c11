//! Certificates: add, save, delete, and whether the gateway can show them.

use crate::Inner;
use crate::config::{Change, Config, Deleted, Object, certificate_place};
use crate::credentials::{check_provider, new_id};
use crate::errors::{Described, internal, not_found};
use crate::row::sealed_row;
use postern::certificate::{Certificate, CertificateField};
use postern::control::{Answer, CertificateUser, CertificateView, ControlError, ReferenceUser, ReferenceView, Stored};
use postern::fingerprint::Fingerprint;
use postern::name::{DisplayName, ObjectId};
use postern::reference::Reference;
use postern::resolve::ReferenceState;
use postern::rule::Rule;
use postern::sensitive::{Entered, Masked, Plain, Sealed, SecretField};
use postern::snapshot::SnapshotCertificate;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use store::{Kind, NewRow};

/// How long adding or saving waits for the first read of references, so that the answer shows their state.
const FIRST_READ_WAIT: Duration = Duration::from_secs(3);

/// Why a certificate cannot be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotShown {
    /// A reference has no value, or a stored text cannot be opened.
    NoValue,
    /// What there is, is no certificate with its key.
    NoIdentity,
}

impl NotShown {
    fn sentence(self) -> &'static str {
        match self {
            Self::NoValue => {
                "Clients that ask for its hosts, and requests to services that show it to their nodes, are refused \
until certificate and key both have a value."
            }
            Self::NoIdentity => {
                "Clients that ask for its hosts, and requests to services that show it to their nodes, are refused: \
the values are no certificate and private key in PEM that belong together. Write both anew, at the secret manager or here."
            }
        }
    }
}

impl Inner {
    pub(crate) fn certificates(&self) -> Answer<Vec<CertificateView>> {
        let config = self.config();
        let mut views: Vec<CertificateView> =
            config.certificates.values().map(|o| self.certificate_view(&config, o)).collect();
        views.sort_by(|a, b| a.stored.object.name.cmp(&b.stored.object.name));
        Ok(views)
    }

    pub(crate) async fn add_certificate(&self, mut entered: Certificate<Entered>) -> Answer<CertificateView> {
        let changing = self.changing.lock().await;
        entered.id = new_id()?;
        let sealed = self.seal_certificate(&self.config(), &entered, None)?;
        let new = new_row(&sealed)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| sealed.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        drop(changing);
        self.read_certificate(&sealed).await;
        self.certificate_by_id(&sealed.id)
    }

    pub(crate) async fn save_certificate(
        &self,
        revision: u64,
        entered: Certificate<Entered>,
    ) -> Answer<CertificateView> {
        let changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_certificate(&config, &entered.id)?;
        let sealed = self.seal_certificate(&config, &entered, Some(object))?;
        let saved = self.storing(self.store.update(&new_row(&sealed)?, revision, self.now())).await;
        let row = self.answer_save(saved, &sealed, &object.row, revision).await?;
        self.changed(Change::Saved(row)).await?;
        drop(changing);
        self.read_certificate(&sealed).await;
        self.certificate_by_id(&sealed.id)
    }

    pub(crate) async fn delete_certificate(&self, id: &ObjectId) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_certificate(&config, id)?;
        let users = services_with(&config, id);
        if !users.is_empty() {
            return Err(ControlError::InUse { by: users.iter().map(|name| format!("service {name}")).collect() });
        }
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Certificate(id.clone()))).await
    }

    /// Reads the references now, and has the gateway enforce what came of it.
    async fn read_certificate(&self, certificate: &Certificate<Sealed>) {
        let reads = async {
            for reference in certificate.references() {
                self.engine.check(&self.group, reference).await;
            }
        };
        // A manager that does not answer in time shows as a state; the engine goes on trying.
        let _in_time = tokio::time::timeout(FIRST_READ_WAIT, reads).await;
        self.publish();
        self.enforced().await;
    }

    fn certificate_by_id(&self, id: &ObjectId) -> Answer<CertificateView> {
        let config = self.config();
        Ok(self.certificate_view(&config, stored_certificate(&config, id)?))
    }

    fn certificate_view(&self, config: &Config, object: &Object<Certificate<Sealed>>) -> CertificateView {
        let Stored { object: certificate, revision, updated_at } = &object.stored;
        let stored = Stored { object: masked(certificate), revision: *revision, updated_at: *updated_at };
        CertificateView {
            stored,
            certificate: self.state_of(object, CertificateField::Certificate).map(Into::into),
            private_key: self.state_of(object, CertificateField::PrivateKey).map(Into::into),
            problem: self.certificate_problem(object),
            services: services_with(config, &certificate.id),
        }
    }

    /// Why a certificate is shown to nobody, with the incident that answers name.
    pub(crate) fn certificate_problem(&self, object: &Object<Certificate<Sealed>>) -> Option<String> {
        let why = self.shown(object).err()?;
        Some(format!("{} Incident {}.", why.sentence(), self.withheld_incident(object)))
    }

    /// What answers name while a service needs this certificate and it cannot be shown: the incident of the reference
    /// that has no value that can be used, if that is why.
    pub(crate) fn withheld_incident(&self, object: &Object<Certificate<Sealed>>) -> String {
        let certificate = &object.stored.object;
        let without_value = certificate.fields().into_iter().find_map(|(field, text)| {
            let state = self.state_of(object, field)?;
            text.reference().filter(|_| state.resolved().is_none())
        });
        match without_value {
            Some(reference) => self.incident(reference),
            None => self.fingerprints.of(format!("certificate/{}", certificate.id).as_bytes()).short(),
        }
    }

    /// Where the reference in a field stands. Of a certificate and a key that do not belong together, each by itself
    /// in order, the key is the one that does not fit; the certificate is when the key is no reference.
    fn state_of(&self, object: &Object<Certificate<Sealed>>, field: CertificateField) -> Option<ReferenceState> {
        let certificate = &object.stored.object;
        let reference = certificate.field(field).reference()?;
        let state = self.current_in(reference, |value| field.check(value)).1;
        let is_to_blame = field == CertificateField::PrivateKey || certificate.private_key.reference().is_none();
        if is_to_blame && self.shown(object) == Err(NotShown::NoIdentity) {
            return Some(ReferenceState::Failed { failure: field.unfit(Rule::KeyOfCertificate) });
        }
        Some(state)
    }

    /// All references in certificates.
    pub(crate) fn certificate_references<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = ReferenceView> + 'a {
        config.certificates.values().flat_map(|object| {
            let certificate = &object.stored.object;
            certificate.fields().into_iter().filter_map(|(field, text)| {
                let reference = text.reference()?.clone();
                let user = CertificateUser { id: certificate.id.clone(), name: certificate.name.clone(), field };
                Some(ReferenceView {
                    state: self.state_of(object, field)?.into(),
                    used_by: ReferenceUser::Certificate { user },
                    incident: self.incident(&reference),
                    reference,
                })
            })
        })
    }

    /// What the gateway shows of a certificate now.
    pub(crate) fn shown(&self, object: &Object<Certificate<Sealed>>) -> Result<SnapshotCertificate, NotShown> {
        let certificate = &object.stored.object;
        let chain = self.text_of(object, CertificateField::Certificate).ok_or(NotShown::NoValue)?;
        let private_key = self.text_of(object, CertificateField::PrivateKey).ok_or(NotShown::NoValue)?;
        if !belong_together(&chain, &private_key) {
            return Err(NotShown::NoIdentity);
        }
        Ok(SnapshotCertificate {
            id: certificate.id.clone(),
            hosts: certificate.hosts.clone(),
            fingerprint: self.fingerprint_of_both(&chain, &private_key),
            chain: Arc::new(chain),
            private_key: Arc::new(private_key),
        })
    }

    fn text_of(&self, object: &Object<Certificate<Sealed>>, field: CertificateField) -> Option<Plain> {
        let name = field.slug();
        match object.stored.object.field(field) {
            SecretField::Reference(reference) => self.current_in(reference, |value| field.check(value)).0,
            SecretField::Literal(sealed) => {
                let opened = self.sealer.open(certificate_place(&object.row, name), sealed);
                opened
                    .inspect_err(|error| {
                        let certificate = &object.stored.object.id;
                        tracing::error!(%certificate, field = name, %error,
                            "a stored text of certificate {certificate} cannot be opened; it is not shown");
                    })
                    .ok()
            }
        }
    }

    #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
    fn fingerprint_of_both(&self, chain: &Plain, private_key: &Plain) -> Fingerprint {
        self.prover.fingerprint(&Plain::new([chain.expose(), private_key.expose()].join("\0")))
    }

    fn seal_certificate(
        &self,
        config: &Config,
        entered: &Certificate<Entered>,
        stored: Option<&Object<Certificate<Sealed>>>,
    ) -> Answer<Certificate<Sealed>> {
        for (name, field) in entered.fields() {
            if let Some(reference) = field.reference().and_then(Reference::secret) {
                check_provider(config, name.slug(), reference)?;
            }
        }
        check_typed(entered)?;
        entered.try_map(|field, text| match text {
            Entered::Replace(typed) => {
                let plain = typed.clone().into_plain();
                let place = certificate_place(entered.id.as_str(), field);
                self.sealer.seal(place, &plain, self.now()).map_err(internal)
            }
            Entered::Keep => kept(field, stored),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "read as a certificate and its key, and forgotten")]
fn belong_together(chain: &Plain, private_key: &Plain) -> bool {
    secrets::is_identity(chain.expose(), private_key.expose())
}

/// Texts typed in both must belong together; what references give is told when it is there.
fn check_typed(entered: &Certificate<Entered>) -> Answer<()> {
    let (SecretField::Literal(Entered::Replace(chain)), SecretField::Literal(Entered::Replace(key))) =
        (&entered.certificate, &entered.private_key)
    else {
        return Ok(());
    };
    if belong_together(&chain.clone().into_plain(), &key.clone().into_plain()) {
        return Ok(());
    }
    Err(ControlError::invalid("private_key", "Certificate and private key cannot be read, or do not belong together."))
}

fn kept(field: &'static str, stored: Option<&Object<Certificate<Sealed>>>) -> Answer<Sealed> {
    let fields = stored.map(|object| object.stored.object.fields()).into_iter().flatten();
    let found = fields.filter(|(name, _)| name.slug() == field).find_map(|(_, value)| match value {
        SecretField::Literal(sealed) => Some(sealed.clone()),
        SecretField::Reference(_) => None,
    });
    found.ok_or_else(|| ControlError::invalid(field, "A text in PEM, or a reference, is needed here."))
}

fn masked(certificate: &Certificate<Sealed>) -> Certificate<Masked> {
    let masked = certificate.try_map(|_, sealed| Ok::<_, Infallible>(Masked::from(sealed)));
    masked.unwrap_or_else(|never| match never {})
}

/// The services that show a certificate to their servers, in order.
fn services_with(config: &Config, certificate: &ObjectId) -> Vec<DisplayName> {
    let services = config.services.values().map(|object| &object.stored.object);
    let users = services.filter(|service| service.upstream.client_certificate() == Some(certificate));
    let mut names: Vec<DisplayName> = users.map(|service| service.name.clone()).collect();
    names.sort();
    names
}

fn stored_certificate<'a>(config: &'a Config, id: &ObjectId) -> Answer<&'a Object<Certificate<Sealed>>> {
    config.certificates.get(id).map(Arc::as_ref).ok_or_else(|| not_found("certificate", id))
}

fn new_row(certificate: &Certificate<Sealed>) -> Answer<NewRow> {
    let name = certificate.name.to_string();
    sealed_row(certificate.id.as_str(), Kind::Certificate, None, name, certificate, &masked(certificate))
}
