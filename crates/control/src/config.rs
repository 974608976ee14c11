//! The configuration of the group as typed objects: decoded once at the start, then patched by each stored change.
//!
//! Its maps share what did not change with the configuration before, so a patched copy costs what the change
//! costs, and whoever still reads the old one is not disturbed. The store stays the truth: [`Config::read`] and a
//! patched configuration are the same, which `patch_tests.rs` claims of random changes.
//!
//! Of consumers and credentials there may be a million, so here is only what must be found without the store: of a
//! consumer what the gateway needs, and of credentials those with a reference or a name. A key that was typed in is
//! told once, to be armed ([`crate::armed`]), and then forgotten.

use crate::StartError;
use crate::consumers_by_name::Consumers;
use imbl::{OrdMap, OrdSet};
use postern::certificate::Certificate;
use postern::consumer::Consumer;
use postern::control::{PluginOwner, Stored};
use postern::credential::{Credential, CredentialType};
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::plugin::{PluginConfig, PluginName, PluginSet, Plugins, SealedField, SecretAt};
use postern::provider::{ProviderKey, SecretProvider};
use postern::reference::Reference;
use postern::routing::{Route, Service};
use postern::secret_ref::SecretRef;
use postern::sensitive::{Plain, Sealed};
use postern::snapshot::SnapshotConsumer;
use postern::webhook::Webhook;
use secrets::{Address, Ambient, ProviderConfig};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{Kind, Place, Row, SealError, Sealer};

/// Everything of one gateway group. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    group: GroupName,
    pub(crate) providers: OrdMap<ProviderKey, Arc<Object<SecretProvider<Sealed>>>>,
    /// The gateway's own, not copies.
    pub(crate) consumers: Consumers,
    /// Without the keys that were typed in.
    pub(crate) credentials: OrdMap<ObjectId, Arc<Object<Credential<Sealed>>>>,
    pub(crate) services: OrdMap<ObjectId, Arc<Object<Service<SealedField>>>>,
    pub(crate) routes: OrdMap<ObjectId, Arc<Object<Route<SealedField>>>>,
    pub(crate) certificates: OrdMap<ObjectId, Arc<Object<Certificate<Sealed>>>>,
    pub(crate) webhooks: OrdMap<ProviderKey, Arc<Object<Webhook<Sealed>>>>,
    /// The plugins of consumers, and those that run for every request.
    pub(crate) plugin_sets: OrdMap<PluginOwner, Arc<Object<PluginSet<SealedField>>>>,
    /// The plugins of consumers by which requests find their consumer, under ids of their own.
    known_by: OrdMap<ObjectId, (ConsumerName, PluginName)>,
    by_name: Index<(CredentialType, Box<str>)>,
    by_secret: Index<Arc<Address>>,
    by_service: Index<ObjectId>,
    in_plugins: OrdMap<PluginOwner, Arc<[(PluginPlace, Reference)]>>,
    /// The owners of the plugins that hold a reference.
    plugins_with: OrdSet<(SecretRef, Option<PluginOwner>)>,
}

/// Where in the plugins of its owner a secret stands.
pub(crate) type PluginPlace = (PluginName, SecretAt);

/// Which objects belong to a `K`, in order. A pair without an object stands before all those of its `K`.
type Index<K> = OrdSet<(K, Option<ObjectId>)>;

/// The objects that belong to `key`.
fn belonging<'a, K: Ord + Clone>(index: &'a Index<K>, key: &K) -> impl Iterator<Item = &'a ObjectId> + use<'a, K> {
    let key = key.clone();
    let pairs = index.range((key.clone(), None)..).take_while(move |(other, _)| *other == key);
    pairs.filter_map(|(_, id)| id.as_ref())
}

/// An object and the row it lies in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Object<T> {
    pub(crate) row: Box<str>,
    /// The row of what it belongs to.
    pub(crate) parent: Option<Box<str>>,
    pub(crate) stored: Stored<T>,
}

/// A change that was stored.
#[derive(Debug)]
pub(crate) enum Change {
    Saved(Row),
    /// A consumer that had these credentials.
    SavedConsumer(Row, Vec<ObjectId>),
    Deleted(Deleted),
}

/// What was deleted, and with it what belongs to it.
#[derive(Debug)]
pub(crate) enum Deleted {
    Provider(ProviderKey),
    /// With these credentials.
    Consumer(ConsumerName, Vec<ObjectId>),
    Credential(ObjectId),
    Service(ObjectId),
    Route(ObjectId),
    Certificate(ObjectId),
    Webhook(ProviderKey),
}

/// What a change may have made different: what is looked at again, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) provider: Option<ProviderKey>,
    pub(crate) consumer: Option<ConsumerName>,
    /// Those that this consumer has, which are armed as before, and show what it is called now.
    pub(crate) of_consumer: Vec<ObjectId>,
    pub(crate) credentials: BTreeSet<ObjectId>,
    /// A credential with a key that was typed in.
    pub(crate) typed_in: Option<Arc<Object<Credential<Sealed>>>>,
    /// Those that the credentials, certificates, services and routes refer to, or did.
    pub(crate) references: BTreeSet<SecretRef>,
    /// Services or routes.
    pub(crate) routing: bool,
}

/// A row, understood.
pub(crate) enum Item {
    Provider(Arc<Object<SecretProvider<Sealed>>>),
    Consumer(Arc<Object<Consumer>>),
    Credential(Arc<Object<Credential<Sealed>>>),
    Service(Arc<Object<Service<SealedField>>>),
    Route(Arc<Object<Route<SealedField>>>),
    Certificate(Arc<Object<Certificate<Sealed>>>),
    Webhook(Arc<Object<Webhook<Sealed>>>),
    PluginSet(Arc<Object<PluginSet<SealedField>>>),
}

impl Item {
    pub(crate) fn decode(row: Row) -> Result<Self, StartError> {
        Ok(match row.kind {
            Kind::SecretProvider => Self::Provider(Object::decode(row)?),
            Kind::Consumer => Self::Consumer(Object::decode(row)?),
            Kind::Credential => Self::Credential(Object::decode(row)?),
            Kind::Service => Self::Service(Object::decode(row)?),
            Kind::Route => Self::Route(Object::decode(row)?),
            Kind::Certificate => Self::Certificate(Object::decode(row)?),
            Kind::Webhook => Self::Webhook(Object::decode(row)?),
            Kind::PluginSet => Self::PluginSet(Object::decode(row)?),
        })
    }
}

/// What the gateway needs of a consumer.
pub(crate) fn snapshot_consumer(consumer: &Consumer) -> Arc<SnapshotConsumer> {
    let custom_id = consumer.labels.get("custom_id").map(|id| id.as_str().into());
    Arc::new(SnapshotConsumer { name: consumer.name.clone(), custom_id })
}

impl<T: DeserializeOwned> Object<T> {
    pub(crate) fn decode(row: Row) -> Result<Arc<Self>, StartError> {
        let object = serde_json::from_str(&row.spec).map_err(|error| StartError::Unreadable {
            kind: row.kind.slug(),
            name: row.name,
            source: error.into(),
        })?;
        let stored = Stored { object, revision: row.revision, updated_at: row.updated_at };
        Ok(Arc::new(Self { row: row.id.into(), parent: row.parent.map(Into::into), stored }))
    }
}

impl Config {
    pub(crate) fn empty(group: GroupName) -> Self {
        Self {
            group,
            providers: OrdMap::new(),
            consumers: Consumers::default(),
            credentials: OrdMap::new(),
            services: OrdMap::new(),
            routes: OrdMap::new(),
            certificates: OrdMap::new(),
            webhooks: OrdMap::new(),
            plugin_sets: OrdMap::new(),
            known_by: OrdMap::new(),
            by_name: OrdSet::new(),
            by_secret: OrdSet::new(),
            by_service: OrdSet::new(),
            in_plugins: OrdMap::new(),
            plugins_with: OrdSet::new(),
        }
    }

    /// Makes the change here that was made in the store.
    pub(crate) fn apply(&mut self, change: Change) -> Result<Touched, StartError> {
        Ok(match change {
            Change::Saved(row) => self.save(Item::decode(row)?),
            Change::SavedConsumer(row, of_consumer) => Touched { of_consumer, ..self.save(Item::decode(row)?) },
            Change::Deleted(deleted) => self.delete(deleted),
        })
    }

    /// Puts what a row was understood as in its place.
    pub(crate) fn save(&mut self, item: Item) -> Touched {
        let mut touched = Touched::default();
        match item {
            Item::Provider(object) => {
                let key = object.stored.object.key();
                touched.provider = Some(key.clone());
                self.providers.insert(key, object);
            }
            Item::Consumer(object) => {
                let consumer = snapshot_consumer(&object.stored.object);
                let name = consumer.name.clone();
                touched.credentials.extend(self.known_ids_of_consumer(&name));
                touched.consumer = Some(name.clone());
                self.consumers.insert(consumer);
            }
            Item::Credential(object) => {
                self.drop_credential(&object.stored.object.id, &mut touched);
                self.add_credential(object, &mut touched);
            }
            Item::Service(object) => {
                let service = &object.stored.object;
                self.note_plugins(PluginOwner::Service(service.id.clone()), Some(&service.plugins), &mut touched);
                self.services.insert(object.stored.object.id.clone(), object);
                touched.routing = true;
            }
            Item::Route(object) => {
                self.drop_route(&object.stored.object.id, &mut touched);
                let Route { id, service, plugins, .. } = &object.stored.object;
                self.note_plugins(PluginOwner::Route(id.clone()), Some(plugins), &mut touched);
                self.by_service.insert((service.clone(), Some(id.clone())));
                self.routes.insert(id.clone(), object);
                touched.routing = true;
            }
            Item::Certificate(object) => {
                self.drop_certificate(&object.stored.object.id, &mut touched);
                touched.references.extend(object.stored.object.references().cloned());
                self.certificates.insert(object.stored.object.id.clone(), object);
            }
            Item::Webhook(object) => {
                self.webhooks.insert(object.stored.object.provider.clone(), object);
            }
            Item::PluginSet(object) => {
                let owner = object.stored.object.owner.clone();
                self.drop_plugin_set(&owner, &mut touched);
                self.add_plugin_set(owner, object, &mut touched);
            }
        }
        touched
    }

    fn delete(&mut self, deleted: Deleted) -> Touched {
        let mut touched = Touched::default();
        match deleted {
            Deleted::Provider(key) => {
                self.providers.remove(&key);
                self.webhooks.remove(&key);
                touched.provider = Some(key);
            }
            Deleted::Consumer(name, credentials) => {
                for id in credentials {
                    self.drop_credential(&id, &mut touched);
                }
                self.drop_plugin_set(&PluginOwner::Consumer(name.clone()), &mut touched);
                self.consumers.remove(name.as_str());
                touched.consumer = Some(name);
            }
            Deleted::Credential(id) => self.drop_credential(&id, &mut touched),
            Deleted::Service(id) => {
                let routes: Vec<ObjectId> = belonging(&self.by_service, &id).cloned().collect();
                for route in routes {
                    self.drop_route(&route, &mut touched);
                }
                self.services.remove(&id);
                self.note_plugins(PluginOwner::Service(id), None, &mut touched);
                touched.routing = true;
            }
            Deleted::Route(id) => {
                self.drop_route(&id, &mut touched);
                touched.routing = true;
            }
            Deleted::Certificate(id) => self.drop_certificate(&id, &mut touched),
            Deleted::Webhook(provider) => {
                self.webhooks.remove(&provider);
            }
        }
        touched
    }

    fn add_credential(&mut self, object: Arc<Object<Credential<Sealed>>>, touched: &mut Touched) {
        let credential = &object.stored.object;
        if is_typed_in(credential) {
            // As it was before it is looked at no more.
            touched.credentials.remove(&credential.id);
            touched.typed_in = Some(object);
            return;
        }
        for reference in references_in(credential) {
            let secret = self.shared(Address::of(&self.group, reference));
            self.by_secret.insert((secret, Some(credential.id.clone())));
            touched.references.insert(reference.clone());
        }
        if let Some(name) = name_of(credential) {
            self.by_name.insert((name, Some(credential.id.clone())));
        }
        touched.credentials.insert(credential.id.clone());
        self.credentials.insert(credential.id.clone(), object);
    }

    /// The same address as the others who refer to that secret have.
    fn shared(&self, secret: Address) -> Arc<Address> {
        let secret = Arc::new(secret);
        let first = self.by_secret.range((secret.clone(), None)..).next();
        first.map(|(known, _)| known).filter(|known| **known == secret).cloned().unwrap_or(secret)
    }

    fn drop_credential(&mut self, id: &ObjectId, touched: &mut Touched) {
        touched.credentials.insert(id.clone());
        let Some(object) = self.credentials.remove(id) else { return };
        let credential = &object.stored.object;
        for reference in references_in(credential) {
            let secret = Arc::new(Address::of(&self.group, reference));
            self.by_secret.remove(&(secret, Some(id.clone())));
            touched.references.insert(reference.clone());
        }
        if let Some(name) = name_of(credential) {
            self.by_name.remove(&(name, Some(id.clone())));
        }
    }

    fn drop_certificate(&mut self, id: &ObjectId, touched: &mut Touched) {
        let Some(object) = self.certificates.remove(id) else { return };
        touched.references.extend(object.stored.object.references().cloned());
    }

    fn drop_route(&mut self, id: &ObjectId, touched: &mut Touched) {
        self.note_plugins(PluginOwner::Route(id.clone()), None, touched);
        let Some(object) = self.routes.remove(id) else { return };
        self.by_service.remove(&(object.stored.object.service.clone(), Some(id.clone())));
    }

    fn add_plugin_set(
        &mut self,
        owner: PluginOwner,
        object: Arc<Object<PluginSet<SealedField>>>,
        touched: &mut Touched,
    ) {
        let plugins = &object.stored.object.plugins;
        self.note_plugins(owner.clone(), Some(plugins), touched);
        if let PluginOwner::Consumer(consumer) = &owner {
            for plugin in plugins.values().filter(|config| config.known_by().is_some()).map(PluginConfig::name) {
                if let Some(id) = known_id(&object.row, plugin) {
                    self.known_by.insert(id.clone(), (consumer.clone(), plugin));
                    touched.credentials.insert(id);
                }
            }
        }
        touched.routing = true;
        self.plugin_sets.insert(owner, object);
    }

    fn drop_plugin_set(&mut self, owner: &PluginOwner, touched: &mut Touched) {
        let Some(object) = self.plugin_sets.remove(owner) else { return };
        self.note_plugins(owner.clone(), None, touched);
        let ids = object.stored.object.plugins.keys().filter_map(|plugin| known_id(&object.row, *plugin));
        for id in ids {
            if self.known_by.remove(&id).is_some() {
                touched.credentials.insert(id);
            }
        }
        touched.routing = true;
    }

    /// The plugin of a consumer by which requests find it, under this id.
    pub(crate) fn known_by(&self, id: &ObjectId) -> Option<(&ConsumerName, &PluginConfig<SealedField>)> {
        let (consumer, plugin) = self.known_by.get(id)?;
        let set = self.plugin_sets.get(&PluginOwner::Consumer(consumer.clone()))?;
        Some((consumer, set.stored.object.plugins.get(plugin)?))
    }

    /// The ids under which the consumers stand whom requests find by a plugin.
    pub(crate) fn known_ids(&self) -> impl Iterator<Item = &ObjectId> {
        self.known_by.keys()
    }

    /// Those of one consumer.
    fn known_ids_of_consumer(&self, name: &ConsumerName) -> Vec<ObjectId> {
        let set = self.plugin_sets.get(&PluginOwner::Consumer(name.clone()));
        let ids = set
            .into_iter()
            .flat_map(|set| set.stored.object.plugins.keys().filter_map(|plugin| known_id(&set.row, *plugin)));
        ids.filter(|id| self.known_by.contains_key(id)).collect()
    }

    /// Those of them whose plugins hold a reference.
    pub(crate) fn known_ids_of(&self, reference: &SecretRef) -> impl Iterator<Item = ObjectId> {
        let sets = self.plugin_owners_of(reference).filter_map(|owner| self.plugin_sets.get(owner));
        let ids =
            sets.flat_map(|set| set.stored.object.plugins.keys().filter_map(|plugin| known_id(&set.row, *plugin)));
        ids.filter(|id| self.known_by.contains_key(id))
    }

    /// What the sealed secrets of an owner's plugins are bound to, once it has plugins.
    pub(crate) fn plugin_row<'a>(&'a self, owner: &'a PluginOwner) -> (Kind, &'a str) {
        match owner {
            PluginOwner::Service(id) => (Kind::Service, id.as_str()),
            PluginOwner::Route(id) => (Kind::Route, id.as_str()),
            PluginOwner::Consumer(name) => {
                let consumer = self.plugin_sets.get(owner).and_then(|set| set.parent.as_deref());
                (Kind::Consumer, consumer.unwrap_or(name.as_str()))
            }
            PluginOwner::Global | PluginOwner::Metadata => (Kind::PluginSet, self.group.as_str()),
        }
    }

    /// Remembers which references the plugins of `owner` have; nothing when it is no more.
    fn note_plugins(&mut self, owner: PluginOwner, plugins: Option<&Plugins<SealedField>>, touched: &mut Touched) {
        let before = self.in_plugins.remove(&owner);
        for reference in before.iter().flat_map(|places| places.iter()).filter_map(|(_, r)| r.secret()) {
            self.plugins_with.remove(&(reference.clone(), Some(owner.clone())));
            touched.references.insert(reference.clone());
        }
        let configs = plugins.into_iter().flatten();
        let places: Vec<(PluginPlace, Reference)> = configs
            .flat_map(|(name, config)| {
                config.references().map(|(at, reference)| ((*name, at.clone()), reference.clone()))
            })
            .collect();
        for reference in places.iter().filter_map(|(_, reference)| reference.secret()) {
            self.plugins_with.insert((reference.clone(), Some(owner.clone())));
            touched.references.insert(reference.clone());
        }
        if !places.is_empty() {
            self.in_plugins.insert(owner, places.into());
        }
    }

    /// Every reference in a plugin, and where it stands.
    pub(crate) fn plugin_references(&self) -> impl Iterator<Item = (&PluginOwner, &PluginPlace, &Reference)> {
        self.in_plugins
            .iter()
            .flat_map(|(owner, places)| places.iter().map(move |(place, reference)| (owner, place, reference)))
    }

    /// The owners of the plugins that hold a reference.
    fn plugin_owners_of(&self, reference: &SecretRef) -> impl Iterator<Item = &PluginOwner> {
        let reference = reference.clone();
        let pairs = self.plugins_with.range((reference.clone(), None)..);
        pairs.take_while(move |(other, _)| *other == reference).filter_map(|(_, owner)| owner.as_ref())
    }

    /// All plugins that run, by whose they are.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = (PluginOwner, &Plugins<SealedField>)> {
        let services = self.services.iter();
        let of_services = services.map(|(id, s)| (PluginOwner::Service(id.clone()), &s.stored.object.plugins));
        let of_routes = self.routes.iter().map(|(id, r)| (PluginOwner::Route(id.clone()), &r.stored.object.plugins));
        let others = self.plugin_sets.iter().filter(|(owner, _)| **owner != PluginOwner::Metadata);
        let others = others.map(|(owner, set)| (owner.clone(), &set.stored.object.plugins));
        of_services.chain(of_routes).chain(others)
    }

    /// Every provider with its secrets opened, for the engine.
    pub(crate) fn open_providers(&self, sealer: &Sealer, ambient: &Ambient) -> Result<Vec<ProviderConfig>, StartError> {
        self.providers.values().map(|object| self.open(object, sealer, ambient)).collect()
    }

    /// One provider with its secrets opened, for the engine; nothing when it is not there.
    pub(crate) fn open_provider(
        &self,
        key: &ProviderKey,
        sealer: &Sealer,
        ambient: &Ambient,
    ) -> Result<Option<ProviderConfig>, StartError> {
        self.providers.get(key).map(|object| self.open(object, sealer, ambient)).transpose()
    }

    fn open(
        &self,
        object: &Object<SecretProvider<Sealed>>,
        sealer: &Sealer,
        ambient: &Ambient,
    ) -> Result<ProviderConfig, StartError> {
        let provider = open_provider(object, sealer).map_err(|source| StartError::Sealed {
            what: format!("the secret provider {}", object.stored.object.key()),
            source,
        })?;
        Ok(ProviderConfig {
            group: self.group.clone(),
            provider,
            revision: object.stored.revision,
            ambient: ambient.clone(),
        })
    }

    /// Every reference in use.
    pub(crate) fn references(&self) -> BTreeSet<(GroupName, SecretRef)> {
        let references = self.credentials.values().flat_map(|c| references_in(&c.stored.object));
        let references = references.chain(self.certificates.values().flat_map(|c| c.stored.object.references()));
        let references = references.chain(self.plugin_references().filter_map(|(_, _, reference)| reference.secret()));
        references.map(|reference| (self.group.clone(), reference.clone())).collect()
    }

    /// Whether a credential, certificate or plugin has this reference.
    pub(crate) fn is_in_use(&self, reference: &SecretRef) -> bool {
        if self.plugin_owners_of(reference).next().is_some() {
            return true;
        }
        let secret = Address::of(&self.group, reference);
        let credentials = self.users_of(&secret).filter_map(|id| self.credentials.get(id));
        credentials.flat_map(|object| references_in(&object.stored.object)).any(|other| other == reference)
            || self.certificates.values().any(|c| c.stored.object.references().any(|other| other == reference))
    }

    /// The certificates that refer to a provider.
    pub(crate) fn certificates_of(&self, key: &ProviderKey) -> impl Iterator<Item = &Certificate<Sealed>> {
        let certificates = self.certificates.values().map(|object| &object.stored.object);
        certificates.filter(move |certificate| certificate.references().any(|reference| reference.is_of(key)))
    }

    /// The credentials that refer to a secret.
    pub(crate) fn users_of(&self, secret: &Address) -> impl Iterator<Item = &ObjectId> {
        belonging(&self.by_secret, &Arc::new(secret.clone()))
    }

    /// The credentials that refer to a provider.
    pub(crate) fn users(&self, key: &ProviderKey) -> impl Iterator<Item = (&Credential<Sealed>, &SecretRef)> {
        let first = (Arc::new(Address::first_of(&self.group, key)), None);
        let pairs = self.by_secret.range(first..).take_while(|(secret, _)| secret.is_of(&self.group, key));
        pairs.filter_map(|(secret, id)| {
            let credential = &self.credentials.get(id.as_ref()?)?.stored.object;
            let reference = references_in(credential).find(|r| Address::of(&self.group, r) == **secret)?;
            Some((credential, reference))
        })
    }

    /// The references to a provider: of credentials, certificates and plugins.
    pub(crate) fn uses_of<'a>(&'a self, key: &'a ProviderKey) -> impl Iterator<Item = &'a SecretRef> {
        let in_plugins = self.plugin_references().filter_map(|(_, _, reference)| reference.secret());
        let in_plugins = in_plugins.filter(|reference| reference.is_of(key));
        let certificates = self.certificates.values().flat_map(|object| object.stored.object.references());
        let in_certificates = certificates.filter(|reference| reference.is_of(key));
        self.users(key).map(|(_, reference)| reference).chain(in_certificates).chain(in_plugins)
    }

    /// Every reference to a provider.
    pub(crate) fn references_of(&self, key: &ProviderKey) -> BTreeSet<SecretRef> {
        self.uses_of(key).cloned().collect()
    }

    /// The credentials of that type which requests name so; there should be one at most.
    pub(crate) fn of_name(&self, kind: CredentialType, name: &str) -> impl Iterator<Item = &Credential<Sealed>> {
        let ids = belonging(&self.by_name, &(kind, name.into()));
        ids.filter_map(|id| self.credentials.get(id)).map(|object| &object.stored.object)
    }

    /// The routes of a service.
    pub(crate) fn routes_of(&self, service: &ObjectId) -> impl Iterator<Item = &Object<Route<SealedField>>> {
        belonging(&self.by_service, service).filter_map(|id| self.routes.get(id)).map(Arc::as_ref)
    }
}

/// The references of a credential to secrets of providers.
pub(crate) fn references_in<S>(credential: &Credential<S>) -> impl Iterator<Item = &SecretRef> {
    credential.kind.secret().reference().and_then(Reference::secret).into_iter()
}

/// Whether nothing of the credential is needed once its key is armed.
pub(crate) fn is_typed_in<S>(credential: &Credential<S>) -> bool {
    credential.kind.secret().reference().is_none() && credential.kind.identifier().is_none()
}

/// What requests name a credential by, if they do.
fn name_of(credential: &Credential<Sealed>) -> Option<(CredentialType, Box<str>)> {
    Some((credential.kind.credential_type(), credential.kind.identifier()?.into()))
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

/// Where a certificate's text lies.
pub(crate) fn certificate_place<'a>(row: &'a str, field: &'a str) -> Place<'a> {
    Place { table: Kind::Certificate.slug(), row, column: field }
}

/// Where a credential's secret lies.
pub(crate) fn credential_place<'a>(row: &'a str, field: &'a str) -> Place<'a> {
    Place { table: Kind::Credential.slug(), row, column: field }
}

/// Where a secret of a plugin lies.
pub(crate) fn plugin_place<'a>((kind, row): (Kind, &'a str), column: &'a str) -> Place<'a> {
    Place { table: kind.slug(), row, column }
}

/// The id under which a consumer stands whom requests find by a plugin. No credential has it.
pub(crate) fn known_id(row: &str, plugin: PluginName) -> Option<ObjectId> {
    format!("{row}.{}", plugin.slug()).parse().ok()
}
