//! The configuration of the group as typed objects, decoded once after each change.

use crate::StartError;
use postern::consumer::Consumer;
use postern::control::Stored;
use postern::credential::Credential;
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::provider::{ProviderKey, SecretProvider};
use postern::routing::{Route, Service};
use postern::secret_ref::SecretRef;
use postern::sensitive::{Plain, Sealed};
use secrets::ProviderConfig;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use store::{Kind, Place, Row, SealError, Sealer};

/// Everything of one gateway group.
#[derive(Debug, Default)]
pub(crate) struct Config {
    pub(crate) providers: BTreeMap<ProviderKey, Object<SecretProvider<Sealed>>>,
    pub(crate) consumers: BTreeMap<ConsumerName, Object<Consumer>>,
    pub(crate) credentials: BTreeMap<ObjectId, Object<Credential<Sealed>>>,
    pub(crate) services: BTreeMap<ObjectId, Object<Service>>,
    pub(crate) routes: BTreeMap<ObjectId, Object<Route>>,
}

/// An object and the row it lies in.
#[derive(Clone, Debug)]
pub(crate) struct Object<T> {
    pub(crate) row: String,
    pub(crate) stored: Stored<T>,
}

impl<T: DeserializeOwned> Object<T> {
    pub(crate) fn decode(row: Row) -> Result<Self, StartError> {
        let object = serde_json::from_str(&row.spec).map_err(|source| StartError::Unreadable {
            kind: row.kind.slug(),
            name: row.name,
            source,
        })?;
        Ok(Self { row: row.id, stored: Stored { object, revision: row.revision, updated_at: row.updated_at } })
    }
}

impl Config {
    pub(crate) fn decode(rows: Vec<Row>) -> Result<Self, StartError> {
        let mut config = Self::default();
        for row in rows {
            match row.kind {
                Kind::SecretProvider => {
                    let object = Object::<SecretProvider<Sealed>>::decode(row)?;
                    config.providers.insert(object.stored.object.key(), object);
                }
                Kind::Consumer => {
                    let object = Object::<Consumer>::decode(row)?;
                    config.consumers.insert(object.stored.object.name.clone(), object);
                }
                Kind::Credential => {
                    let object = Object::<Credential<Sealed>>::decode(row)?;
                    config.credentials.insert(object.stored.object.id.clone(), object);
                }
                Kind::Service => {
                    let object = Object::<Service>::decode(row)?;
                    config.services.insert(object.stored.object.id.clone(), object);
                }
                Kind::Route => {
                    let object = Object::<Route>::decode(row)?;
                    config.routes.insert(object.stored.object.id.clone(), object);
                }
            }
        }
        Ok(config)
    }

    /// Every provider with its secrets opened, for the engine.
    pub(crate) fn open_providers(&self, group: &GroupName, sealer: &Sealer) -> Result<Vec<ProviderConfig>, StartError> {
        let open = |object: &Object<SecretProvider<Sealed>>| {
            let provider = open_provider(object, sealer).map_err(|source| StartError::Sealed {
                what: format!("the secret provider {}", object.stored.object.key()),
                source,
            })?;
            Ok(ProviderConfig { group: group.clone(), provider, revision: object.stored.revision })
        };
        self.providers.values().map(open).collect()
    }

    /// Every reference in use.
    pub(crate) fn references(&self, group: &GroupName) -> BTreeSet<(GroupName, SecretRef)> {
        let references = self.credentials.values().filter_map(|c| c.stored.object.kind.secret().reference());
        references.map(|reference| (group.clone(), reference.clone())).collect()
    }

    /// The credentials that refer to a provider.
    pub(crate) fn users(&self, key: &ProviderKey) -> impl Iterator<Item = (&Credential<Sealed>, &SecretRef)> {
        self.credentials.values().filter_map(|c| {
            let reference = c.stored.object.kind.secret().reference()?;
            (reference.manager() == key.manager && *reference.provider() == key.id)
                .then_some((&c.stored.object, reference))
        })
    }

    /// Every reference to a provider.
    pub(crate) fn references_of(&self, key: &ProviderKey) -> BTreeSet<SecretRef> {
        self.users(key).map(|(_, reference)| reference.clone()).collect()
    }

    /// The credentials of a consumer.
    pub(crate) fn credentials_of(&self, consumer: &ConsumerName) -> impl Iterator<Item = &Object<Credential<Sealed>>> {
        self.credentials.values().filter(move |c| c.stored.object.consumer == *consumer)
    }

    /// The routes of a service.
    pub(crate) fn routes_of(&self, service: &ObjectId) -> impl Iterator<Item = &Object<Route>> {
        self.routes.values().filter(move |r| r.stored.object.service == *service)
    }
}

/// A provider with its secrets opened.
pub(crate) fn open_provider(
    object: &Object<SecretProvider<Sealed>>,
    sealer: &Sealer,
) -> Result<SecretProvider<Plain>, SealError> {
    object.stored.object.try_map(|field, sealed| sealer.open(provider_place(&object.row, field), sealed))
}

/// Where a provider's secret lies.
pub(crate) fn provider_place<'a>(row: &'a str, field: &'a str) -> Place<'a> {
    Place { table: Kind::SecretProvider.slug(), row, column: field }
}

/// Where a credential's secret lies.
pub(crate) fn credential_place<'a>(row: &'a str, field: &'a str) -> Place<'a> {
    Place { table: Kind::Credential.slug(), row, column: field }
}
