//! The secrets of plugins as the gateway uses them: handles whose value follows the engine.

use crate::Inner;
use crate::config::{Config, plugin_place};
use crate::plugins::column;
use crate::publish::Published;
use async_trait::async_trait;
use postern::control::PluginOwner;
use postern::fingerprint::FingerprintKey;
use postern::live::{LiveSecret, Reread, SecretNow};
use postern::name::GroupName;
use postern::plugin::{PluginName, Plugins, SealedField, SecretAt, SecretPlace, try_map_all};
use postern::reference::Reference;
use postern::resolve::{ReferenceState, StateName};
use postern::secret_ref::SecretRef;
use postern::sensitive::{Plain, SecretField};
use postern::snapshot::LiveField;
use secrets::{Address, Engine};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

/// How long a request whose secret was refused waits for a new read.
const REREAD_WAIT: Duration = Duration::from_secs(3);

/// The references of plugins, each once for each place where it stands, by the secret they are read from: what a
/// value may be depends on the place.
pub(crate) type Live = BTreeMap<Address, BTreeMap<(SecretRef, SecretPlace), LiveUse>>;

/// A reference at one place.
#[derive(Clone, Debug)]
pub(crate) struct LiveUse {
    handle: LiveField,
    /// Where it stood when it was last looked at.
    state: StateName,
}

/// How many references of plugins stand there. Those by which requests find a consumer are counted with the
/// credentials.
pub(crate) fn count_of(live: &Live, state: StateName) -> u32 {
    let uses = live.values().flatten().filter(|((_, place), one)| one.state == state && !place.is_known_by());
    u32::try_from(uses.count()).unwrap_or(u32::MAX)
}

/// Asks the engine.
struct Reader {
    engine: Engine,
    group: GroupName,
    fingerprints: FingerprintKey,
}

/// Asks it for one place.
struct ReaderAt {
    reader: Arc<Reader>,
    place: SecretPlace,
}

#[async_trait]
impl Reread for ReaderAt {
    async fn reread(&self, reference: &SecretRef) -> SecretNow {
        let Reader { engine, group, .. } = &*self.reader;
        // Without an answer in time it stands for what it stood for.
        let _in_time = tokio::time::timeout(REREAD_WAIT, engine.check(group, reference)).await;
        self.reader.now(reference, &self.place).0
    }
}

impl Reader {
    fn now(&self, reference: &SecretRef, place: &SecretPlace) -> (SecretNow, StateName) {
        secret_now(self.engine.current(&self.group, reference), reference, place, &self.fingerprints)
    }
}

/// What a reference stands for at a place: nothing when its value breaks the rules there.
fn secret_now(
    (value, state): (Option<Plain>, ReferenceState),
    reference: &impl Display,
    place: &SecretPlace,
    fingerprints: &FingerprintKey,
) -> (SecretNow, StateName) {
    let checked = value.map(|value| place.check(&value).map(|()| value));
    if let Some(Ok(value)) = checked {
        return (SecretNow::Value(value), state.name());
    }
    let incident = fingerprints.of(reference.to_string().as_bytes()).short();
    let state = match checked.and_then(Result::err) {
        None => {
            tracing::warn!(incident, %reference,
                "{reference} has no value: requests that need it are refused, and name incident {incident}");
            state.name()
        }
        Some(failure) => {
            let (plugin, why) = (place.plugin.slug(), failure.explain().what);
            tracing::warn!(incident, %reference, reason = %failure.reason(), plugin,
                "{reference} gives {plugin} nothing that it can use: {why} Requests that need it are refused, and name incident {incident}");
            failure.name()
        }
    };
    (SecretNow::Unresolved { incident }, state)
}

impl Inner {
    fn reader(&self) -> Arc<Reader> {
        let (engine, group) = (self.engine.clone(), self.group.clone());
        Arc::new(Reader { engine, group, fingerprints: self.fingerprints.clone() })
    }

    /// All plugins with handles for their secrets. A reference that was in use keeps
    /// its handle.
    pub(crate) fn enliven(&self, published: &mut Published, config: &Config) {
        let before = std::mem::take(&mut published.live);
        let mut live = Live::new();
        let reader = self.reader();
        let mut handle = |owner: &PluginOwner, plugin, field: &SecretAt, secret: &SealedField| {
            let place = SecretPlace { plugin, placement: owner.placement(), at: field.clone() };
            match secret {
                SecretField::Literal(_) => self.literal(config, owner, plugin, field.as_str(), secret),
                // The environment of a process does not change.
                SecretField::Reference(Reference::Env(variable)) => {
                    let current = self.engine.variable(variable);
                    LiveSecret::literal(secret_now(current, variable, &place, &self.fingerprints).0)
                }
                SecretField::Reference(Reference::Secret(reference)) => {
                    let address = Address::of(&self.group, reference);
                    let key = (reference.clone(), place);
                    let known = before.get(&address).and_then(|of_secret| of_secret.get(&key));
                    let handles = live.entry(address).or_default();
                    let made = |(reference, place): &(SecretRef, SecretPlace)| match known {
                        Some(known) => known.clone(),
                        None => {
                            let (now, state) = reader.now(reference, place);
                            let at = ReaderAt { reader: Arc::clone(&reader), place: place.clone() };
                            let handle = LiveSecret::reference(reference.clone(), now, Arc::new(at));
                            LiveUse { handle, state }
                        }
                    };
                    Arc::clone(&handles.entry(key).or_insert_with_key(made).handle)
                }
            }
        };
        let mut plugins = |owner: PluginOwner, plugins: &Plugins<SealedField>| {
            let converted = try_map_all(plugins, |plugin, field, secret| {
                Ok::<_, Infallible>(handle(&owner, plugin, field, secret))
            });
            converted.unwrap_or_else(|never| match never {})
        };
        let services = config.services.values().map(|object| {
            let service = &object.stored.object;
            (
                service.id.clone(),
                service.with_plugins(plugins(PluginOwner::Service(service.id.clone()), &service.plugins)),
            )
        });
        published.services = Arc::new(services.collect());
        let routes = config.routes.values().map(|object| {
            let route = &object.stored.object;
            route.with_plugins(plugins(PluginOwner::Route(route.id.clone()), &route.plugins))
        });
        published.routes = routes.collect();
        let (mut of_consumers, mut global, mut metadata) = (BTreeMap::new(), Plugins::new(), Plugins::new());
        for (owner, set) in config.plugin_sets.iter().filter(|(_, set)| !set.stored.object.plugins.is_empty()) {
            let live = plugins(owner.clone(), &set.stored.object.plugins);
            match owner {
                PluginOwner::Consumer(name) => drop(of_consumers.insert(name.clone(), live)),
                PluginOwner::Global => global = live,
                PluginOwner::Metadata => metadata = live,
                // These have their plugins with them.
                PluginOwner::Service(_) | PluginOwner::Route(_) => {}
            }
        }
        published.consumer_plugins = Arc::new(of_consumers);
        published.global_plugins = Arc::new(global);
        published.plugin_metadata = Arc::new(metadata);
        published.live = live;
    }

    fn literal(
        &self,
        config: &Config,
        owner: &PluginOwner,
        plugin: PluginName,
        field: &str,
        secret: &SealedField,
    ) -> LiveField {
        let SecretField::Literal(sealed) = secret else {
            return LiveSecret::literal(SecretNow::Unresolved { incident: String::new() });
        };
        let column = column(plugin, field);
        LiveSecret::literal(match self.sealer.open(plugin_place(config.plugin_row(owner), &column), sealed) {
            Ok(value) => SecretNow::Value(value),
            Err(error) => {
                let incident = self.fingerprints.of(format!("{owner:?}/{column}").as_bytes()).short();
                tracing::error!(incident, ?owner, field, %error,
                    "a stored secret cannot be opened: requests that need it are refused, and name incident {incident}");
                SecretNow::Unresolved { incident }
            }
        })
    }

    /// Takes in what the references of these secrets stand for now.
    pub(crate) fn refresh_live(&self, published: &mut Published, changed: &[Address]) {
        let reader = self.reader();
        for secret in changed {
            for ((reference, place), one) in published.live.get_mut(secret).into_iter().flatten() {
                let (now, state) = reader.now(reference, place);
                one.handle.set(now);
                one.state = state;
            }
        }
    }
}
