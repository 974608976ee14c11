//! From configuration and resolved values to the snapshot that the gateway runs: after each change, only what the
//! change touched is looked at again, and the rest is shared with the snapshot before.

use crate::Inner;
use crate::armed::{Armed, Standing};
use crate::config::{Config, Object, Touched, credential_place};
use postern::consumer::Consumer;
use postern::credential::Credential;
use postern::name::{ConsumerName, ObjectId};
use postern::plugin::PluginConfig;
use postern::resolve::{ReferenceState, StateName};
use postern::routing::{Route, Service};
use postern::sensitive::{Plain, Sealed, SecretField};
use postern::snapshot::{Snapshot, SnapshotConsumer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};

/// What was published last, and what it was made of.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) armed: Armed,
    services: Arc<BTreeMap<ObjectId, Service>>,
    routes: Arc<[Route]>,
    /// The consumers that plugins name.
    named: BTreeSet<ConsumerName>,
    consumers: Arc<BTreeMap<ConsumerName, SnapshotConsumer>>,
}

impl Inner {
    pub(crate) fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what has become of the references, if that changed who authenticates.
    pub(crate) fn publish(&self) {
        let mut published = self.published();
        let config = self.config();
        if self.arm(&mut published, &config, self.changed_users(&config)) {
            self.send(&published);
        }
    }

    /// Puts a changed configuration in force.
    pub(crate) fn publish_change(&self, config: Arc<Config>, touched: Touched) {
        let mut published = self.published();
        self.replace_config(&config);
        published.follow(&config, &touched);
        self.arm(&mut published, &config, &touched.credentials | &self.changed_users(&config));
        self.send(&published);
    }

    /// Puts a configuration in force of which nothing is known.
    pub(crate) fn publish_all(&self, config: Arc<Config>) {
        let mut published = self.published();
        self.replace_config(&config);
        *published = self.made_of(&config);
        self.send(&published);
    }

    /// Everything made anew.
    pub(crate) fn made_of(&self, config: &Config) -> Published {
        let mut published = Published::default();
        published.follow(config, &Touched { routing: true, ..Touched::default() });
        self.arm(&mut published, config, config.credentials.keys().cloned().collect());
        published
    }

    /// The credentials whose references have changed since this was last asked.
    fn changed_users(&self, config: &Config) -> BTreeSet<ObjectId> {
        let secrets = self.engine.take_changed();
        secrets.iter().flat_map(|secret| config.users_of(secret)).cloned().collect()
    }

    /// Looks at `credentials` again. Answers whether that changed who authenticates.
    fn arm(&self, published: &mut Published, config: &Config, credentials: BTreeSet<ObjectId>) -> bool {
        let mut changed = false;
        for id in credentials {
            changed |= published.armed.set(&id, self.standing(config, &id));
        }
        for state in StateName::ALL {
            metrics::gauge!("postern_references", "state" => state.slug()).set(published.armed.count_of(state));
        }
        changed
    }

    fn send(&self, published: &Published) {
        let snapshot = Snapshot {
            revision: self.snapshots.borrow().revision + 1,
            services: Arc::clone(&published.services),
            routes: Arc::clone(&published.routes),
            consumers: Arc::clone(&published.consumers),
            keys: published.armed.keys.clone(),
            fingerprint_key: self.fingerprints.clone(),
        };
        let (revision, keys) = (snapshot.revision, snapshot.keys.len());
        tracing::info!(revision, keys, "published revision {revision}");
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// How a credential stands now; nothing when it, or its consumer, is not there.
    fn standing(&self, config: &Config, id: &ObjectId) -> Option<Standing> {
        let object = config.credentials.get(id)?;
        let consumer = config.consumers.get(&object.stored.object.consumer)?;
        let (value, state) = self.value(object);
        Some(Standing {
            consumer: snapshot_consumer(&consumer.stored.object),
            found: value.and_then(|value| self.found(&object.stored.object.kind, &value)),
            state: state.map(|state| state.name()),
        })
    }

    /// The value of a credential now, `None` arms nothing; and where its reference stands.
    fn value(&self, object: &Object<Credential<Sealed>>) -> (Option<Plain>, Option<ReferenceState>) {
        let kind = &object.stored.object.kind;
        match kind.secret() {
            SecretField::Reference(reference) => {
                let (value, state) = self.current(reference);
                (value, Some(state))
            }
            SecretField::Literal(sealed) => {
                let opened = self.sealer.open(credential_place(&object.row, kind.secret_field().name), sealed);
                let opened = opened.inspect_err(|error| {
                    let credential = &object.stored.object;
                    tracing::error!(credential = %credential.id, consumer = %credential.consumer, %error,
                        "the stored secret cannot be opened; the credential authenticates nobody");
                });
                (opened.ok(), None)
            }
        }
    }
}

impl Published {
    /// Takes over services, routes and named consumers, as far as they were touched.
    fn follow(&mut self, config: &Config, touched: &Touched) {
        if touched.routing {
            let services = config.services.iter().map(|(id, service)| (id.clone(), service.stored.object.clone()));
            self.services = Arc::new(services.collect());
            self.routes = config.routes.values().map(|route| route.stored.object.clone()).collect();
            self.named = named_in(&self.services, &self.routes);
        }
        if touched.routing || touched.consumer.as_ref().is_some_and(|name| self.named.contains(name)) {
            let named = self.named.iter().filter_map(|name| config.consumers.get(name));
            let consumers = named.map(|object| snapshot_consumer(&object.stored.object));
            self.consumers = Arc::new(consumers.map(|consumer| (consumer.name.clone(), consumer)).collect());
        }
    }
}

/// The consumers that plugins name.
fn named_in(services: &BTreeMap<ObjectId, Service>, routes: &[Route]) -> BTreeSet<ConsumerName> {
    let plugins = services.values().map(|service| &service.plugins).chain(routes.iter().map(|route| &route.plugins));
    plugins.flat_map(BTreeMap::values).filter_map(PluginConfig::anonymous_consumer).cloned().collect()
}

fn snapshot_consumer(consumer: &Consumer) -> SnapshotConsumer {
    SnapshotConsumer { name: consumer.name.clone(), custom_id: consumer.labels.get("custom_id").cloned() }
}

#[cfg(test)]
impl Published {
    /// All of it in an order that two of them can be compared by.
    pub(crate) fn in_order(&self) -> String {
        let Self { armed, services, routes, named, consumers } = self;
        format!("{:?}", (armed.in_order(), services, routes, named, consumers))
    }
}
