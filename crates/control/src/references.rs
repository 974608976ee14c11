//! References, the overview, and what needs an operator.

use crate::Inner;
use crate::config::Config;
use crate::errors::internal;
use crate::views::credential_name;
use postern::control::{
    Answer, Attention, AttentionSubject, Overview, ProviderHealth, ProviderView, ReferenceUser, ReferenceView,
};
use postern::group::GatewayGroup;
use postern::instance::GatewayInstance;
use postern::listing::{Listing, Using};
use postern::name::ObjectId;
use postern::plugin::{Plugins, SealedField};
use postern::reference::Reference;
use postern::resolve::{Failure, ReferenceCheck, ReferenceState};
use postern::secret_ref::{Opening, Reading, RefError, RefProblem, SCHEME, read};
use postern::sensitive::Plain;
use std::collections::BTreeSet;
use std::time::Duration;

/// The longest wait for a reference that an operator asked to be resolved.
const CHECK_WAIT: Duration = Duration::from_secs(8);

impl Inner {
    pub(crate) async fn groups(&self) -> Answer<Vec<GatewayGroup>> {
        self.store.groups().await.map_err(internal)
    }

    pub(crate) fn instances(&self) -> Answer<Vec<GatewayInstance>> {
        Ok(self.gateway_instance().into_iter().collect())
    }

    pub(crate) fn references(&self) -> Answer<Vec<ReferenceView>> {
        Ok(self.reference_views(&self.config()))
    }

    fn reference_views(&self, config: &Config) -> Vec<ReferenceView> {
        let view = |credential: &postern::credential::Credential<_>| {
            let reference = credential.kind.secret().reference()?.clone();
            let state = self.current_of(credential, &reference).1.into();
            let used_by = ReferenceUser::Credential { name: credential_name(credential), id: credential.id.clone() };
            Some(ReferenceView { incident: self.incident(&reference), reference, state, used_by })
        };
        let of_credentials = config.credentials.values().filter_map(|c| view(&c.stored.object));
        let others = self.plugin_views(config).chain(self.certificate_references(config));
        let mut views: Vec<_> = of_credentials.chain(others).collect();
        views.sort_by(|a, b| a.reference.cmp(&b.reference));
        views
    }

    /// The value of a reference that may be used now, and where it stands.
    pub(crate) fn current(&self, reference: &Reference) -> (Option<Plain>, ReferenceState) {
        match reference {
            Reference::Secret(reference) => self.engine.current(&self.group, reference),
            Reference::Env(reference) => self.engine.variable(reference),
        }
    }

    /// The same for one field that holds it: a value that breaks the field's own rule, as `check` tells it, is none.
    pub(crate) fn current_in(
        &self,
        reference: &Reference,
        check: impl FnOnce(&Plain) -> Result<(), Failure>,
    ) -> (Option<Plain>, ReferenceState) {
        let (value, state) = self.current(reference);
        match value.as_ref().map(check) {
            Some(Err(failure)) => (None, ReferenceState::Failed { failure }),
            Some(Ok(())) | None => (value, state),
        }
    }

    pub(crate) async fn check_reference(&self, text: &str) -> Answer<ReferenceCheck> {
        let text = text.trim();
        let reference = match read(text) {
            Reading::Reference(reference) => reference,
            Reading::Env(reference) => {
                let state = Box::new(self.engine.variable(&reference).1.into());
                return Ok(ReferenceCheck::Checked { reference: reference.into(), request: None, state });
            }
            Reading::Malformed(error) => return Ok((&error).into()),
            Reading::NearMiss(_) | Reading::Literal => {
                let error = RefError { problem: RefProblem::NotAReference, at: 0..text.len() };
                return Ok((&error).into());
            }
        };
        let state = tokio::time::timeout(CHECK_WAIT, self.engine.check(&self.group, &reference)).await;
        let state = state.unwrap_or_else(|_| self.engine.current(&self.group, &reference).1);
        let request = self.engine.request_line(&self.group, &reference);
        Ok(ReferenceCheck::Checked { reference: reference.into(), request, state: Box::new(state.into()) })
    }

    /// The providers, with how they fare, and references to the environment; behind a provider, the references to it.
    pub(crate) fn in_use(&self, text: &str) -> Answer<Using> {
        let config = self.config();
        let (providers, references) = match Opening::of(text) {
            Some(opening) => {
                let references = config.uses_of(opening.provider()).map(ToString::to_string);
                (vec![], references.filter(|reference| reference.starts_with(text)).collect())
            }
            None => {
                let provider = |view: ProviderView| {
                    let key = view.stored.object.key();
                    (format!("{SCHEME}{}/{}/", key.manager.slug(), key.id), view.health.word().to_owned())
                };
                let credentials = config.credentials.values().filter_map(|c| c.stored.object.kind.secret().reference());
                let references = credentials.chain(config.plugin_references().map(|(_, _, reference)| reference));
                let of_environment = references.filter(|reference| reference.secret().is_none());
                let providers = self.providers()?.into_iter().map(provider).collect();
                (providers, of_environment.map(ToString::to_string).collect())
            }
        };
        Ok(Using { providers, references }.cut())
    }

    /// Nothing is asked for a text that names no provider yet, or a place that no reference can have.
    pub(crate) async fn list_names(&self, text: &str) -> Listing {
        match Opening::of(text) {
            Some(opening) => self.engine.names(&self.group, &opening).await,
            None => Listing::Unknown,
        }
    }

    pub(crate) async fn overview(&self) -> Answer<Overview> {
        let config = self.config();
        let references = self.reference_views(&config);
        let providers = self.providers()?;
        let healthy = |health: &ProviderHealth| matches!(health, ProviderHealth::Healthy { .. });
        let protects = |plugins: &Plugins<SealedField>| {
            plugins.values().any(|plugin| plugin.name().authenticates() && !plugin.meta().disable)
        };
        let protected_services = config.services.values().filter(|s| protects(&s.stored.object.plugins)).count();
        let protected_routes = config.routes.values().filter(|r| protects(&r.stored.object.plugins)).count();
        let now = self.now();
        let attention = self.attention(&config, &references).await?;
        let credentials = self.published().armed.len() - config.known_ids().count();
        Ok(Overview {
            providers: providers.len(),
            providers_healthy: providers.iter().filter(|p| healthy(&p.health)).count(),
            references: references.len(),
            references_resolved: references.iter().filter(|r| r.state.resolved.is_some()).count(),
            consumers: config.consumers.len(),
            credentials,
            services: config.services.len(),
            routes: config.routes.len(),
            protected: protected_services + protected_routes,
            instances_online: self.gateway_instance().iter().filter(|i| i.is_online(now)).count(),
            authenticated_request_seen: self.gateway.get().is_some_and(|g| g.authenticated_seen()),
            gateway_address: self.gateway.get().map(|g| g.address().to_string()).unwrap_or_default(),
            attention,
        })
    }

    async fn attention(&self, config: &Config, references: &[ReferenceView]) -> Answer<Vec<Attention>> {
        let failing = config.providers.values().filter_map(|object| {
            let view = self.provider_view(config, object);
            match view.health {
                ProviderHealth::Failing { why, .. } => Some(Attention {
                    subject: AttentionSubject::Provider { key: object.stored.object.key() },
                    what: why,
                }),
                _ => None,
            }
        });
        let unresolved = references.iter().filter_map(|r| {
            let told = r.state.failure.as_ref()?;
            let subject = match &r.used_by {
                ReferenceUser::Credential { name, .. } => AttentionSubject::Credential { name: name.clone() },
                ReferenceUser::Plugin { user } => AttentionSubject::Plugin { user: user.clone() },
                ReferenceUser::Certificate { user } => AttentionSubject::Certificate { user: user.clone() },
            };
            Some(Attention { subject, what: told.explanation.what.clone() })
        });
        let mut attention: Vec<Attention> = failing.chain(unresolved).collect();
        attention.extend(self.doubled_attention().await?);
        attention.extend(self.known_attention(config));
        Ok(attention)
    }

    /// The credentials that requests cannot tell from others.
    async fn doubled_attention(&self) -> Answer<Vec<Attention>> {
        let disarmed: BTreeSet<ObjectId> = self.published().armed.disarmed().cloned().collect();
        let mut attention = Vec::new();
        for id in disarmed {
            let Some(object) = self.find_credential(id.as_str()).await? else { continue };
            let Some(other) = self.same_as(&id).await? else { continue };
            attention.push(Attention {
                subject: AttentionSubject::Credential { name: credential_name(&object.stored.object) },
                what: format!(
                    "It has the same {} as the credential '{}' of consumer {}: neither of the two authenticates anyone.",
                    object.stored.object.kind.credential_type().found_by(),
                    other.credential,
                    other.consumer
                ),
            });
        }
        Ok(attention)
    }
}
