//! From configuration and resolved values to the snapshot that the gateway runs: after each change, only what the
//! change touched is looked at again, and the rest is shared with the snapshot before.

use crate::armed::{Armed, Standing};
use crate::config::{Config, Object, Touched};
use crate::live::{self, Live};
use crate::proof::Found;
use crate::read::TypedIn;
use crate::{Inner, StartError};
use postern::credential::Credential;
use postern::fingerprint::Fingerprint;
use postern::name::{ConsumerName, ObjectId};
use postern::plugin::{PluginConfig, Plugins, SealedField};
use postern::resolve::{ReferenceState, StateName};
use postern::routing::{Route, Service};
use postern::sensitive::{Plain, Sealed, SecretField};
use postern::snapshot::{LiveField, Snapshot, SnapshotCertificate, SnapshotConsumer};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};

/// What was published last, and what it was made of.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) armed: Armed,
    pub(crate) services: Arc<BTreeMap<ObjectId, Service<LiveField>>>,
    pub(crate) routes: Arc<[Route<LiveField>]>,
    pub(crate) consumer_plugins: Arc<BTreeMap<ConsumerName, Plugins<LiveField>>>,
    pub(crate) global_plugins: Arc<Plugins<LiveField>>,
    pub(crate) plugin_metadata: Arc<Plugins<LiveField>>,
    /// The references in all plugins.
    pub(crate) live: Live,
    /// The consumers that plugins name.
    named: BTreeSet<ConsumerName>,
    consumers: Arc<BTreeMap<ConsumerName, SnapshotConsumer>>,
    certificates: Arc<[SnapshotCertificate]>,
    /// Those that cannot be shown, each with its incident.
    withheld: Arc<BTreeMap<ObjectId, String>>,
    /// Where the references of certificates stand.
    in_certificates: BTreeMap<StateName, u32>,
}

impl Published {
    /// How many references stand where.
    fn measure(&self) {
        for state in StateName::ALL {
            let in_certificates = self.in_certificates.get(&state).copied().unwrap_or_default();
            let count = self.armed.count_of(state) + in_certificates + live::count_of(&self.live, state);
            metrics::gauge!("postern_references", "state" => state.slug()).set(count);
        }
    }
}

impl Inner {
    pub(crate) fn published(&self) -> MutexGuard<'_, Published> {
        self.published.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what has become of the references, if that changed who authenticates.
    pub(crate) fn publish(&self) {
        let mut published = self.published();
        let config = self.config();
        let changed = self.changed_users(&mut published, &config);
        let armed = self.arm(&mut published, &config, changed);
        let shown = self.show(&mut published, &config);
        published.measure();
        if shown || armed {
            self.send(&published);
        }
    }

    /// Puts a changed configuration in force.
    pub(crate) fn publish_change(&self, config: Arc<Config>, touched: Touched) {
        let mut published = self.published();
        self.replace_config(&config);
        self.follow(&mut published, &config, &touched);
        let changed = self.changed_users(&mut published, &config);
        self.arm(&mut published, &config, &touched.credentials | &changed);
        self.arm_touched(&mut published.armed, &config, &touched);
        self.show(&mut published, &config);
        published.measure();
        self.send(&published);
    }

    /// Reads everything that is stored, and what the keys that were typed in arm.
    pub(crate) async fn read_all(&self) -> Result<(Config, Armed), StartError> {
        let (prover, mut armed) = (self.prover.clone(), Armed::default());
        let find = move |key: TypedIn<'_>| prover.found_by(key);
        let take = |id: ObjectId, consumer: &Arc<SnapshotConsumer>, by: Option<Fingerprint>| {
            let found = by.map(|by| Found { by, proof: None });
            armed.set(&id, Some(Standing { consumer: Arc::clone(consumer), found, state: None }));
        };
        let config = Config::read(&self.group, &self.store, find, take).await?;
        Ok((config, armed))
    }

    /// Puts a configuration in force of which nothing is known but what its typed in keys arm.
    pub(crate) fn publish_all(&self, config: Arc<Config>, armed: Armed) {
        let mut published = self.published();
        self.replace_config(&config);
        *published = self.made_of(&config, armed);
        published.measure();
        self.send(&published);
    }

    /// Everything made anew.
    pub(crate) fn made_of(&self, config: &Config, armed: Armed) -> Published {
        let mut published = Published { armed, ..Published::default() };
        self.follow(&mut published, config, &Touched { routing: true, ..Touched::default() });
        self.arm(&mut published, config, config.credentials.keys().chain(config.known_ids()).cloned().collect());
        self.show(&mut published, config);
        published
    }

    /// Arms the key that was typed in, and tells the credentials of a consumer what it is called now.
    fn arm_touched(&self, armed: &mut Armed, config: &Config, touched: &Touched) {
        if let Some(object) = &touched.typed_in {
            arm_typed_in(armed, config, &object.stored.object, self.prover.found_typed_in(object));
        }
        if let Some(consumer) = touched.consumer.as_ref().and_then(|name| config.consumers.get(name.as_str())) {
            for id in &touched.of_consumer {
                armed.set_consumer(id, consumer);
            }
        }
    }

    /// The credentials whose references have changed since this was last asked. Plugins see the change at once.
    fn changed_users(&self, published: &mut Published, config: &Config) -> BTreeSet<ObjectId> {
        let secrets = self.engine.take_changed();
        self.refresh_live(published, &secrets);
        let mut users: BTreeSet<ObjectId> =
            secrets.iter().flat_map(|secret| config.users_of(secret)).cloned().collect();
        let in_plugins = secrets.iter().filter_map(|secret| published.live.get(secret)).flatten();
        users.extend(in_plugins.flat_map(|((reference, _), _)| config.known_ids_of(reference)));
        users
    }

    /// Looks at `credentials` again. Answers whether that changed who authenticates.
    fn arm(&self, published: &mut Published, config: &Config, credentials: BTreeSet<ObjectId>) -> bool {
        let mut changed = false;
        for id in credentials {
            changed |= published.armed.set(&id, self.standing(config, &id));
        }
        changed
    }

    /// Looks at all certificates again: there are few. Answers whether that changed what can be shown.
    fn show(&self, published: &mut Published, config: &Config) -> bool {
        let (mut shown, mut withheld) = (Vec::new(), BTreeMap::new());
        for object in config.certificates.values() {
            match self.shown(object) {
                Ok(certificate) => shown.push(certificate),
                Err(_) => drop(withheld.insert(object.stored.object.id.clone(), self.withheld_incident(object))),
            }
        }
        let changed = *published.certificates != *shown || *published.withheld != withheld;
        tell_withheld(&published.withheld, &withheld);
        published.certificates = shown.into();
        published.withheld = Arc::new(withheld);
        published.in_certificates.clear();
        for view in self.certificate_references(config) {
            *published.in_certificates.entry(view.state.name).or_default() += 1;
        }
        changed
    }

    fn send(&self, published: &Published) {
        let snapshot = Snapshot {
            revision: self.snapshots.borrow().revision + 1,
            services: Arc::clone(&published.services),
            routes: Arc::clone(&published.routes),
            consumers: Arc::clone(&published.consumers),
            consumer_plugins: Arc::clone(&published.consumer_plugins),
            global_plugins: Arc::clone(&published.global_plugins),
            plugin_metadata: Arc::clone(&published.plugin_metadata),
            keys: published.armed.keys.clone(),
            certificates: Arc::clone(&published.certificates),
            withheld: Arc::clone(&published.withheld),
            fingerprint_key: self.fingerprints.clone(),
            session_key: Some(self.session_key.clone()),
        };
        let (revision, keys) = (snapshot.revision, snapshot.keys.len());
        tracing::info!(revision, keys, "published revision {revision}");
        self.snapshots.send_replace(Arc::new(snapshot));
    }

    /// How a credential stands now; nothing when it, or its consumer, is not there.
    fn standing(&self, config: &Config, id: &ObjectId) -> Option<Standing> {
        if let Some((consumer, plugin)) = config.known_by(id) {
            return self.standing_by(config, consumer, plugin);
        }
        let object = config.credentials.get(id)?;
        let consumer = config.consumers.get(object.stored.object.consumer.as_str())?;
        let (value, state) = self.value(object);
        Some(Standing {
            consumer: Arc::clone(consumer),
            found: value.and_then(|value| self.prover.found(&object.stored.object, &value)),
            state: state.map(|state| state.name()),
        })
    }

    /// The value of a credential now, `None` arms nothing; and where its reference stands.
    pub(crate) fn value(&self, object: &Object<Credential<Sealed>>) -> (Option<Plain>, Option<ReferenceState>) {
        let kind = &object.stored.object.kind;
        match kind.secret() {
            SecretField::Reference(reference) => {
                let (value, state) = self.current_of(&object.stored.object, reference);
                (value, Some(state))
            }
            SecretField::Literal(_) => (self.prover.typed_in(object), None),
        }
    }
}

impl Inner {
    /// Takes over services, routes and named consumers, as far as they were touched.
    fn follow(&self, published: &mut Published, config: &Config, touched: &Touched) {
        if touched.routing {
            self.enliven(published, config);
            published.named = named_in(config.plugins().map(|(_, plugins)| plugins));
        }
        if touched.routing || touched.consumer.as_ref().is_some_and(|name| published.named.contains(name)) {
            let named = published.named.iter().filter_map(|name| config.consumers.get(name.as_str()));
            let consumers = named.map(|consumer| (consumer.name.clone(), SnapshotConsumer::clone(consumer)));
            published.consumers = Arc::new(consumers.collect());
        }
    }
}

/// Logs the certificates that were not withheld before.
fn tell_withheld(before: &BTreeMap<ObjectId, String>, now: &BTreeMap<ObjectId, String>) {
    for (certificate, incident) in now.iter().filter(|(certificate, _)| !before.contains_key(*certificate)) {
        tracing::warn!(incident, %certificate,
            "Certificate {certificate} cannot be shown: requests that need it are refused, and name incident {incident}");
    }
}

/// The consumers that plugins name.
fn named_in<'a>(plugins: impl Iterator<Item = &'a Plugins<SealedField>>) -> BTreeSet<ConsumerName> {
    plugins.flat_map(BTreeMap::values).flat_map(PluginConfig::consumers).map(|(_, name)| name).collect()
}

/// Takes in what a key that was typed in can do.
fn arm_typed_in(armed: &mut Armed, config: &Config, credential: &Credential<Sealed>, found: Option<Found>) {
    let consumer = config.consumers.get(credential.consumer.as_str());
    let standing = consumer.map(|consumer| Standing { consumer: Arc::clone(consumer), found, state: None });
    armed.set(&credential.id, standing);
}

#[cfg(test)]
impl Published {
    /// All of it in an order that two of them can be compared by.
    pub(crate) fn in_order(&self) -> String {
        let Self {
            armed,
            services,
            routes,
            consumer_plugins,
            global_plugins,
            plugin_metadata,
            live,
            named,
            consumers,
            certificates,
            withheld,
            in_certificates,
        } = self;
        format!(
            "{:?}",
            (
                armed.in_order(),
                services,
                routes,
                consumer_plugins,
                global_plugins,
                plugin_metadata,
                live,
                named,
                consumers,
                certificates,
                withheld,
                in_certificates
            )
        )
    }
}
