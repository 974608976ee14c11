//! Stored objects as the dashboard sees them: secrets masked, states attached.

use crate::Inner;
use crate::armed::Armed;
use crate::config::{Config, Object};
use crate::plugins::mask_plugins;
use postern::consumer::Consumer;
use postern::control::{Answer, ConsumerView, CredentialName, CredentialView, ProviderHealth, ProviderView, Stored};
use postern::credential::Credential;
use postern::name::ObjectId;
use postern::plugin::SealedField;
use postern::provider::{ProviderKey, SecretProvider};
use postern::resolve::{ReferenceState, StateName};
use postern::routing::{Route, Service};
use postern::sensitive::{Masked, Sealed};
use std::convert::Infallible;
use std::sync::PoisonError;

/// A provider with its secrets masked.
pub(crate) fn mask_provider(provider: &SecretProvider<Sealed>) -> SecretProvider<Masked> {
    let masked = provider.try_map(|_, sealed| Ok::<_, Infallible>(Masked::from(sealed)));
    masked.unwrap_or_else(|never| match never {})
}

/// A credential with its secret masked.
pub(crate) fn mask_credential(credential: &Credential<Sealed>) -> Credential<Masked> {
    let masked = credential.try_map(|_, sealed| Ok::<_, Infallible>(Masked::from(sealed)));
    masked.unwrap_or_else(|never| match never {})
}

/// A service with the secrets of its plugins masked.
pub(crate) fn mask_service(service: &Service<SealedField>) -> Service {
    service.with_plugins(mask_plugins(&service.plugins))
}

/// A route with the secrets of its plugins masked.
pub(crate) fn mask_route(route: &Route<SealedField>) -> Route {
    route.with_plugins(mask_plugins(&route.plugins))
}

/// The object as something else.
pub(crate) fn stored<T, U>(stored: &Stored<T>, convert: impl FnOnce(&T) -> U) -> Stored<U> {
    Stored { object: convert(&stored.object), revision: stored.revision, updated_at: stored.updated_at }
}

impl Inner {
    pub(crate) fn provider_view(&self, config: &Config, object: &Object<SecretProvider<Sealed>>) -> ProviderView {
        let key = object.stored.object.key();
        ProviderView {
            stored: stored(&object.stored, mask_provider),
            health: self.health(config, &key),
            activity: self.engine.activity(&self.group, &key),
            references: config.uses_of(&key).count(),
            excess: self.excess.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned().unwrap_or_default(),
            webhook: config.webhooks.get(&key).map(|object| object.stored.object.secret.set_at),
        }
    }

    /// From the states of its references, and from the last test where it has none.
    fn health(&self, config: &Config, key: &ProviderKey) -> ProviderHealth {
        let states: Vec<ReferenceState> =
            config.uses_of(key).map(|reference| self.engine.current(&self.group, reference).1).collect();
        if states.is_empty() || states.iter().all(|s| *s == ReferenceState::Pending) {
            return self.tested_health(key);
        }
        let checked_at = self.now();
        let healthy = states.iter().filter(|s| s.name() == StateName::Ok).count();
        if healthy == states.len() {
            return ProviderHealth::Healthy { checked_at };
        }
        let why = states.iter().find_map(ReferenceState::failure);
        let why = why.map_or_else(|| "References are being read.".to_owned(), |f| f.explain().what);
        // A secret or key that is not there says nothing of the provider itself.
        let provider_fails = |s: &ReferenceState| {
            !matches!(s.name(), StateName::Ok | StateName::Stale | StateName::NotFound | StateName::KeyMissing)
        };
        if states.iter().all(provider_fails) {
            ProviderHealth::Failing { checked_at, why }
        } else {
            ProviderHealth::Degraded { checked_at, why }
        }
    }

    fn tested_health(&self, key: &ProviderKey) -> ProviderHealth {
        let tests = self.tests.lock().unwrap_or_else(PoisonError::into_inner);
        match tests.get(key) {
            None => ProviderHealth::Untested,
            Some(test) => match &test.failure {
                None => ProviderHealth::Healthy { checked_at: test.at },
                Some(why) => ProviderHealth::Failing { checked_at: test.at, why: why.clone() },
            },
        }
    }

    pub(crate) async fn credential_view(&self, object: &Object<Credential<Sealed>>) -> Answer<CredentialView> {
        let credential = &object.stored.object;
        let reference = credential.kind.secret().reference();
        Ok(CredentialView {
            stored: stored(&object.stored, mask_credential),
            state: reference.map(|reference| self.current_of(credential, reference).1.into()),
            same_as: self.same_as(&credential.id).await?,
        })
    }

    pub(crate) async fn same_as(&self, id: &ObjectId) -> Answer<Option<CredentialName>> {
        let other = self.published().armed.same_as(id).cloned();
        let Some(other) = other else { return Ok(None) };
        let other = self.find_credential(other.as_str()).await?;
        Ok(other.map(|other| credential_name(&other.stored.object)))
    }
}

/// A consumer that has these credentials.
pub(crate) fn consumer_view(armed: &Armed, object: &Object<Consumer>, credentials: &[ObjectId]) -> ConsumerView {
    ConsumerView {
        stored: object.stored.clone(),
        credentials: credentials.len(),
        unarmed: credentials.iter().filter(|id| !armed.is_armed(id)).count(),
    }
}

/// How messages name a credential.
pub(crate) fn credential_name<S>(credential: &Credential<S>) -> CredentialName {
    let kind = credential.kind.credential_type();
    CredentialName { consumer: credential.consumer.clone(), kind, credential: credential.name.to_string() }
}
