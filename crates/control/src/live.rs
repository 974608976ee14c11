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
use postern::plugin::{PluginName, Plugins, SealedField, SecretAt, try_map_all};
use postern::reference::Reference;
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

/// The references of plugins, each once, by the secret they are read from.
pub(crate) type Live = BTreeMap<Address, BTreeMap<SecretRef, LiveField>>;

/// Asks the engine.
struct Reader {
    engine: Engine,
    group: GroupName,
    fingerprints: FingerprintKey,
}

#[async_trait]
impl Reread for Reader {
    async fn reread(&self, reference: &SecretRef) -> SecretNow {
        // Without an answer in time it stands for what it stood for.
        let _in_time = tokio::time::timeout(REREAD_WAIT, self.engine.check(&self.group, reference)).await;
        self.now(reference)
    }
}

impl Reader {
    fn now(&self, reference: &SecretRef) -> SecretNow {
        secret_now(self.engine.current(&self.group, reference).0, reference, &self.fingerprints)
    }
}

fn secret_now(value: Option<Plain>, reference: &impl Display, fingerprints: &FingerprintKey) -> SecretNow {
    let Some(value) = value else {
        let incident = fingerprints.of(reference.to_string().as_bytes()).short();
        tracing::warn!(incident, %reference,
            "{reference} has no value: requests that need it are refused, and name incident {incident}");
        return SecretNow::Unresolved { incident };
    };
    SecretNow::Value(value)
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
        let mut handle = |owner: &PluginOwner, plugin, field: &SecretAt, secret: &SealedField| match secret {
            SecretField::Literal(_) => self.literal(config, owner, plugin, field.as_str(), secret),
            // The environment of a process does not change.
            SecretField::Reference(Reference::Env(variable)) => {
                LiveSecret::literal(secret_now(self.engine.variable(variable).0, variable, &self.fingerprints))
            }
            SecretField::Reference(Reference::Secret(reference)) => {
                let address = Address::of(&self.group, reference);
                let known = before.get(&address).and_then(|of_secret| of_secret.get(reference));
                let handles = live.entry(address).or_default();
                let made = || match known {
                    Some(known) => Arc::clone(known),
                    None => LiveSecret::reference(reference.clone(), reader.now(reference), reader.clone()),
                };
                Arc::clone(handles.entry(reference.clone()).or_insert_with(made))
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
    pub(crate) fn refresh_live(&self, published: &Published, changed: &[Address]) {
        let reader = self.reader();
        for (reference, handle) in changed.iter().filter_map(|secret| published.live.get(secret)).flatten() {
            handle.set(reader.now(reference));
        }
    }
}
