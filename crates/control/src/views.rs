//! Stored objects as the dashboard sees them: secrets masked, states attached.

use crate::Inner;
use crate::config::{Config, Object};
use crate::plugins::mask_plugins;
use postern::consumer::Consumer;
use postern::control::{ConsumerView, CredentialName, CredentialView, ProviderHealth, ProviderView, Stored};
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

    pub(crate) fn credential_view(&self, config: &Config, object: &Object<Credential<Sealed>>) -> CredentialView {
        let credential = &object.stored.object;
        let reference = credential.kind.secret().reference();
        CredentialView {
            stored: stored(&object.stored, mask_credential),
            state: reference.map(|reference| self.current(reference).1),
            unusable: self.unusable(object),
            same_as: self.same_as(config, &credential.id),
        }
    }

    pub(crate) fn same_as(&self, config: &Config, id: &ObjectId) -> Option<CredentialName> {
        let published = self.published();
        let other = config.credentials.get(published.armed.same_as(id)?)?;
        Some(credential_name(&other.stored.object))
    }

    fn is_armed(&self, id: &ObjectId) -> bool {
        self.published().armed.is_armed(id)
    }

    pub(crate) fn consumer_view(&self, config: &Config, object: &Object<Consumer>) -> ConsumerView {
        let credentials: Vec<_> = config.credentials_of(&object.stored.object.name).collect();
        ConsumerView {
            stored: object.stored.clone(),
            credentials: credentials.len(),
            unarmed: credentials.iter().filter(|c| !self.is_armed(&c.stored.object.id)).count(),
        }
    }
}

/// How messages name a credential.
pub(crate) fn credential_name<S>(credential: &Credential<S>) -> CredentialName {
    let kind = credential.kind.credential_type();
    CredentialName { consumer: credential.consumer.clone(), kind, credential: credential.name.to_string() }
}
