//! The plugins of consumers and those that run for every request: objects of their own, made with the first plugin.

use crate::Inner;
use crate::config::{Change, Config, Object};
use crate::consumers::known_consumer;
use crate::errors::Described;
use crate::plugins::mask_plugins;
use crate::row::sealed_row;
use postern::control::{Answer, ControlError, PluginSetView};
use postern::plugin::{PluginOwner, PluginSet, Plugins, SealedField};
use std::sync::Arc;
use store::{Kind, NewRow};

impl Inner {
    /// The plugins of a consumer, or those that run for every request. Revision 0 when there were never any.
    pub(crate) fn plugin_set(&self, owner: &PluginOwner) -> Answer<PluginSetView> {
        let config = self.config();
        if let PluginOwner::Consumer(name) = owner {
            known_consumer(&config, name)?;
        }
        let stored = config.plugin_sets.get(owner).map(|object| &object.stored);
        Ok(PluginSetView {
            revision: stored.map_or(0, |stored| stored.revision),
            plugins: stored.map(|stored| mask_plugins(&stored.object.plugins)).unwrap_or_default(),
            references: self.views_of(&config, owner).collect(),
        })
    }

    /// Changes the plugins of a consumer, or those that run for every request.
    pub(crate) async fn change_set(
        &self,
        config: &Config,
        owner: &PluginOwner,
        revision: Option<u64>,
        change: impl FnOnce(&mut Plugins<SealedField>) -> Answer<()>,
    ) -> Answer<()> {
        let parent = match owner {
            PluginOwner::Consumer(name) => Some(self.stored_consumer(name).await?.row.clone()),
            PluginOwner::Service(_) | PluginOwner::Route(_) | PluginOwner::Global | PluginOwner::Metadata => None,
        };
        match config.plugin_sets.get(owner) {
            Some(object) => self.write_set(object, parent.as_deref(), revision, change).await,
            None if revision.is_none_or(|revision| revision == 0) => {
                let mut set = PluginSet { owner: owner.clone(), plugins: Plugins::new() };
                change(&mut set.plugins)?;
                let new = set_row(&uuid::Uuid::new_v4().to_string(), parent.as_deref(), &set)?;
                let row = self
                    .storing(self.store.insert(&self.group, &new, self.now()))
                    .await
                    .map_err(|e| set.describe(e))?;
                self.changed(Change::Saved(row)).await
            }
            // There was one when the editor was opened, and its consumer was made anew since.
            None => Err(ControlError::Conflict { current: 0, changes: Vec::new() }),
        }
    }

    async fn write_set(
        &self,
        object: &Arc<Object<PluginSet<SealedField>>>,
        parent: Option<&str>,
        revision: Option<u64>,
        change: impl FnOnce(&mut Plugins<SealedField>) -> Answer<()>,
    ) -> Answer<()> {
        let mut set = object.stored.object.clone();
        change(&mut set.plugins)?;
        let revision = revision.unwrap_or(object.stored.revision);
        let saved = self.storing(self.store.update(&set_row(&object.row, parent, &set)?, revision, self.now())).await;
        let row = self.answer_save(saved, &set, &object.row, revision).await?;
        self.changed(Change::Saved(row)).await
    }
}

fn set_row(id: &str, parent: Option<&str>, set: &PluginSet<SealedField>) -> Answer<NewRow> {
    let masked = set.with_plugins(mask_plugins(&set.plugins));
    let name = match &set.owner {
        PluginOwner::Metadata => "metadata",
        PluginOwner::Service(_) | PluginOwner::Route(_) | PluginOwner::Consumer(_) | PluginOwner::Global => "plugins",
    };
    sealed_row(id, Kind::PluginSet, parent, name.to_owned(), set, &masked)
}

impl<F> Described for PluginSet<F> {
    const WHAT: &'static str = "set of plugins";
    const NAME_FIELD: &'static str = "json";
    fn name(&self) -> String {
        match &self.owner {
            PluginOwner::Consumer(name) => name.to_string(),
            PluginOwner::Service(id) | PluginOwner::Route(id) => id.to_string(),
            PluginOwner::Global => "every request".to_owned(),
            PluginOwner::Metadata => "plugin metadata".to_owned(),
        }
    }
}
