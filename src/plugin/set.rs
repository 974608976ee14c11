//! The plugins of objects that are stored without them: of consumers, most of which have none, those that run for
//! every request, and metadata.

use super::{MaskedField, Placement, Plugins};
use crate::name::{ConsumerName, ObjectId};
use serde::{Deserialize, Serialize};

/// Whose plugins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "on", content = "id", rename_all = "snake_case")]
pub enum PluginOwner {
    Service(ObjectId),
    Route(ObjectId),
    Consumer(ConsumerName),
    /// Nobody's: they run for every request.
    Global,
    /// The gateway group's: they run for none, and say what all plugins of their name have in common.
    Metadata,
}

impl PluginOwner {
    /// Which of a plugin's tables of fields is meant.
    #[must_use]
    pub fn placement(&self) -> Placement {
        match self {
            Self::Service(_) | Self::Route(_) | Self::Global => Placement::Route,
            Self::Consumer(_) => Placement::Consumer,
            Self::Metadata => Placement::Metadata,
        }
    }
}

/// The plugins of one owner, stored as an object of their own. `F` is how their secrets are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginSet<F = MaskedField> {
    /// A consumer, or none in particular.
    pub owner: PluginOwner,
    pub plugins: Plugins<F>,
}

impl<F> PluginSet<F> {
    /// The same owner's with these plugins.
    #[must_use]
    pub fn with_plugins<G>(&self, plugins: Plugins<G>) -> PluginSet<G> {
        PluginSet { owner: self.owner.clone(), plugins }
    }
}
