//! Plugins that belong to no route: those of consumers, of which only the ones that have any are here, and those
//! that run for every request.

use crate::plugin::Chain;
use crate::reject::Reject;
use postern::name::ConsumerName;
use postern::plugin::{PluginName, Plugins};
use postern::snapshot::LiveField;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What the snapshot has of them.
type Configured = Arc<BTreeMap<ConsumerName, Plugins<LiveField>>>;

/// The plugins of every consumer that has plugins.
pub(crate) struct ConsumerPlugins {
    made_of: Configured,
    /// Nothing where the configuration cannot be enforced.
    chains: HashMap<ConsumerName, Option<Chain>>,
    /// Those that any consumer has.
    plugins: BTreeSet<PluginName>,
}

impl ConsumerPlugins {
    pub(crate) fn compile(configured: &Configured, before: Option<&Arc<Self>>) -> Arc<Self> {
        match before {
            Some(same) if Arc::ptr_eq(&same.made_of, configured) => Arc::clone(same),
            _ => Arc::new(Self {
                made_of: Arc::clone(configured),
                chains: configured.iter().map(|(name, plugins)| (name.clone(), compile(name, plugins))).collect(),
                plugins: configured.values().flat_map(BTreeMap::keys).copied().collect(),
            }),
        }
    }

    /// Whether any consumer has the plugin.
    pub(crate) fn has(&self, plugin: PluginName) -> bool {
        self.plugins.contains(&plugin)
    }

    /// The plugins of a consumer, if it has any.
    ///
    /// # Errors
    /// They cannot be enforced: the consumer's requests do not pass.
    pub(crate) fn of(&self, consumer: &ConsumerName) -> Result<Option<&Chain>, Reject> {
        // Most gateways have none.
        if self.chains.is_empty() {
            return Ok(None);
        }
        match self.chains.get(consumer) {
            None => Ok(None),
            Some(Some(chain)) => Ok(Some(chain)),
            Some(None) => Err(Reject::NotEnforceable),
        }
    }
}

fn compile(name: &ConsumerName, plugins: &Plugins<LiveField>) -> Option<Chain> {
    // No service or route has such a name, so no counter of theirs is the consumer's.
    let owner = format!("consumer/{name}");
    let compiled = Chain::compile(plugins.values().map(|config| (owner.as_str(), config)));
    let logged = |why: &String| tracing::error!(consumer = %name, "Requests of consumer {name} do not pass: {why}");
    compiled.inspect_err(logged).ok()
}

/// The plugins that run for every request.
pub(crate) struct Global {
    made_of: Arc<Plugins<LiveField>>,
    /// Nothing where the configuration cannot be enforced.
    chain: Option<Chain>,
}

impl Global {
    pub(crate) fn compile(configured: &Arc<Plugins<LiveField>>, before: Option<&Arc<Self>>) -> Arc<Self> {
        if let Some(same) = before.filter(|before| Arc::ptr_eq(&before.made_of, configured)) {
            return Arc::clone(same);
        }
        let compiled = Chain::compile(configured.values().map(|config| ("global", config)));
        let logged = |why: &String| tracing::error!("No request passes, since the global plugins cannot be run: {why}");
        Arc::new(Self { made_of: Arc::clone(configured), chain: compiled.inspect_err(logged).ok() })
    }

    pub(crate) fn chain(&self) -> Result<&Chain, Reject> {
        self.chain.as_ref().ok_or(Reject::NotEnforceable)
    }
}
