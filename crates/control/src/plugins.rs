//! Plugins, whosever they are: sealing what was typed, following what their references stand for.

use crate::Inner;
use crate::config::{Config, PluginPlace, plugin_place};
use crate::consumers::known_consumer;
use crate::credentials::{FIRST_READ_WAIT, check_provider};
use crate::errors::{internal, not_found};
use crate::services::{stored_route, stored_service};
use postern::control::{Answer, ControlError, PluginOwner, PluginUser, ReferenceUser, ReferenceView};
use postern::name::ObjectId;
use postern::plugin::limit_count::LimitCountPlugin;
use postern::plugin::{
    EnteredField, MaskedField, Placement, PluginConfig, PluginName, Plugins, SealedField, SecretAt, SecretPlace,
    ServerAt, try_map_all,
};
use postern::provider::ProviderKey;
use postern::reference::Reference;
use postern::secret_ref::SecretRef;
use postern::sensitive::{Entered, Masked, Sealed, SecretField};
use std::collections::BTreeSet;
use std::convert::Infallible;
use store::Kind;

impl Inner {
    pub(crate) async fn set_plugin(
        &self,
        owner: &PluginOwner,
        revision: u64,
        entered: PluginConfig<EnteredField>,
    ) -> Answer<()> {
        let changing = self.changing.lock().await;
        let config = self.config();
        self.check_plugin(&config, owner, &entered)?;
        let stored = plugins_of(&config, owner)?.and_then(|plugins| plugins.get(&entered.name()));
        let (kind, row) = self.plugin_row(&config, owner).await?;
        let sealed = self.seal_plugin(&config, (kind, &row), &entered, stored)?;
        let references: BTreeSet<SecretRef> =
            sealed.references().filter_map(|(_, reference)| reference.secret().cloned()).collect();
        self.change_plugins(owner, Some(revision), |plugins| {
            plugins.insert(sealed.name(), sealed);
            Ok(())
        })
        .await?;
        drop(changing);
        self.read_first(references).await;
        Ok(())
    }

    pub(crate) async fn remove_plugin(&self, owner: &PluginOwner, plugin: PluginName) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let remove = |plugins: &mut Plugins<SealedField>| match plugins.remove(&plugin) {
            Some(_) => Ok(()),
            None => Err(not_found("plugin", plugin.slug())),
        };
        self.change_plugins(owner, None, remove).await
    }

    /// The references in the plugins of a service and of its routes.
    pub(crate) fn plugin_references(&self, service: &ObjectId) -> Answer<Vec<ReferenceView>> {
        let config = self.config();
        stored_service(&config, service)?;
        Ok(self.plugin_views(&config).filter(|view| is_of(view, service)).collect())
    }

    /// The references in the plugins of one owner.
    pub(crate) fn views_of<'a>(
        &'a self,
        config: &'a Config,
        owner: &'a PluginOwner,
    ) -> impl Iterator<Item = ReferenceView> + 'a {
        let is_of =
            |view: &ReferenceView| matches!(&view.used_by, ReferenceUser::Plugin { user } if user.owner == *owner);
        self.plugin_views(config).filter(is_of)
    }

    /// All references in plugins.
    pub(crate) fn plugin_views<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = ReferenceView> + 'a {
        config.plugin_references().filter_map(|(owner, place, reference)| {
            let (plugin, at) = place;
            let field = SecretPlace { plugin: *plugin, placement: owner.placement(), at: at.clone() };
            Some(ReferenceView {
                reference: reference.clone(),
                state: self.current_in(reference, |value| field.check(value)).1.into(),
                used_by: ReferenceUser::Plugin { user: plugin_user(config, owner, place)? },
                incident: self.incident(reference),
            })
        })
    }

    /// The plugins that refer to a provider, as messages name them.
    pub(crate) fn plugin_users(&self, config: &Config, key: &ProviderKey) -> Vec<String> {
        let references = config.plugin_references();
        let of_provider =
            references.filter(|(_, _, reference)| reference.secret().is_some_and(|secret| secret.is_of(key)));
        let users = of_provider.filter_map(|(owner, place, _)| plugin_user(config, owner, place));
        users.map(|user| format!("{}, {} of {}", user.owner_name, user.field, user.plugin.slug())).collect()
    }

    /// What the gateway's answers name while a reference has no value.
    pub(crate) fn incident(&self, reference: &Reference) -> String {
        self.fingerprints.of(reference.to_string().as_bytes()).short()
    }

    /// Reads new references now, so that the answer shows their states.
    async fn read_first(&self, references: BTreeSet<SecretRef>) {
        if references.is_empty() {
            return;
        }
        let reads = references.iter().map(|reference| self.engine.check(&self.group, reference));
        // A manager that does not answer in time shows as a state; the engine goes on trying.
        let _in_time = tokio::time::timeout(FIRST_READ_WAIT, futures_util::future::join_all(reads)).await;
        self.publish();
        self.enforced().await;
    }

    /// What the secrets of an owner's plugins are bound to, whether it has plugins yet or not.
    async fn plugin_row(&self, config: &Config, owner: &PluginOwner) -> Answer<(Kind, Box<str>)> {
        Ok(match owner {
            PluginOwner::Consumer(name) => (Kind::Consumer, self.stored_consumer(name).await?.row.clone()),
            other => {
                let (kind, row) = config.plugin_row(other);
                (kind, row.into())
            }
        })
    }

    /// Seals what was typed; keeps what was not.
    fn seal_plugin(
        &self,
        config: &Config,
        row: (Kind, &str),
        entered: &PluginConfig<EnteredField>,
        stored: Option<&PluginConfig<SealedField>>,
    ) -> Answer<PluginConfig<SealedField>> {
        entered.try_map(|field, secret| match secret {
            SecretField::Reference(reference) => {
                if let Some(secret) = reference.secret() {
                    check_provider(config, &format!("/{field}"), secret)?;
                }
                Ok(SecretField::Reference(reference.clone()))
            }
            SecretField::Literal(Entered::Replace(typed)) => {
                let column = column(entered.name(), field.as_str());
                let place = plugin_place(row, &column);
                let sealed = self.sealer.seal(place, &typed.clone().into_plain(), self.now()).map_err(internal)?;
                Ok(SecretField::Literal(sealed))
            }
            SecretField::Literal(Entered::Keep) => kept(field, entered, stored).map(SecretField::Literal),
        })
    }

    /// What only the whole configuration can tell.
    fn check_plugin(&self, config: &Config, owner: &PluginOwner, plugin: &PluginConfig<EnteredField>) -> Answer<()> {
        if plugin.placement() != owner.placement() {
            return Err(ControlError::invalid("json", "These are the fields that the plugin has on another object."));
        }
        for (field, name) in plugin.consumers() {
            if !config.consumers.contains(name.as_str()) {
                return Err(ControlError::invalid(format!("/{field}"), format!("There is no consumer '{name}'.")));
            }
        }
        if plugin.placement() == Placement::Metadata {
            return Ok(());
        }
        if plugin.name() == PluginName::LimitCount {
            let limit = LimitCountPlugin::of(plugin).map_err(internal)?;
            check_group(config, owner, &limit)?;
        }
        self.check_servers(plugin)?;
        self.check_known(config, owner, plugin)
    }

    /// No plugin asks Postern itself. (Addresses that nobody may connect to are refused with the other fields.)
    fn check_servers(&self, plugin: &PluginConfig<EnteredField>) -> Answer<()> {
        let is_own = |server: &ServerAt| self.is_own_address(&server.host, server.port);
        match plugin.servers().into_iter().find(is_own) {
            None => Ok(()),
            Some(own) => {
                Err(ControlError::invalid(own.field, "This is Postern's own address: there is no such server."))
            }
        }
    }
}

/// All of a group count alike.
fn check_group(config: &Config, owner: &PluginOwner, limit: &LimitCountPlugin<EnteredField>) -> Answer<()> {
    let Some(group) = &limit.group else { return Ok(()) };
    for (other_owner, plugins) in config.plugins().filter(|(other, _)| *other != *owner) {
        let Some(other) = plugins.get(&PluginName::LimitCount) else { continue };
        let other = LimitCountPlugin::of(other).map_err(internal)?;
        if other.group.as_ref() == Some(group) && !other.counts_like(limit) {
            let problem = format!(
                "group conf mismatched: {} has the group '{group}' with other fields. All of a group must be the same.",
                owner_phrase(config, &other_owner)
            );
            return Err(ControlError::invalid("/group", problem));
        }
    }
    Ok(())
}

/// What `owner` is called on its page; nothing when it is not there.
fn owner_name(config: &Config, owner: &PluginOwner) -> Option<String> {
    Some(match owner {
        PluginOwner::Service(id) => config.services.get(id)?.stored.object.name.to_string(),
        PluginOwner::Route(id) => config.routes.get(id)?.stored.object.name.to_string(),
        PluginOwner::Consumer(name) => name.to_string(),
        PluginOwner::Global => "Global Plugins".to_owned(),
        PluginOwner::Metadata => "Plugin Metadata".to_owned(),
    })
}

/// What `owner` is called in a sentence.
fn owner_phrase(config: &Config, owner: &PluginOwner) -> String {
    let name = owner_name(config, owner).unwrap_or_default();
    match owner {
        PluginOwner::Service(_) => format!("the service {name}"),
        PluginOwner::Route(_) => format!("the route {name}"),
        PluginOwner::Consumer(_) => format!("the consumer {name}"),
        PluginOwner::Global => "the global plugin".to_owned(),
        PluginOwner::Metadata => "the plugin metadata".to_owned(),
    }
}

/// The plugin's column: `limit-count/redis_password`.
pub(crate) fn column(plugin: PluginName, field: &str) -> String {
    format!("{}/{field}", plugin.slug())
}

/// All plugins with their secrets masked.
pub(crate) fn mask_plugins(plugins: &Plugins<SealedField>) -> Plugins {
    let mask = |_: PluginName, _: &SecretAt, field: &SealedField| -> Result<MaskedField, Infallible> {
        field.try_map(|_, sealed| Ok(Masked::from(sealed)), "")
    };
    try_map_all(plugins, mask).unwrap_or_else(|never| match never {})
}

/// What is wrong with a reference is told where it stands.
fn plugin_user(config: &Config, owner: &PluginOwner, (plugin, field): &PluginPlace) -> Option<PluginUser> {
    let owner_name = owner_name(config, owner)?;
    let service = match owner {
        PluginOwner::Service(id) => Some(id.clone()),
        PluginOwner::Route(id) => Some(config.routes.get(id)?.stored.object.service.clone()),
        PluginOwner::Consumer(_) | PluginOwner::Global | PluginOwner::Metadata => None,
    };
    Some(PluginUser { owner: owner.clone(), owner_name, service, plugin: *plugin, field: field.to_string() })
}

fn is_of(view: &ReferenceView, service: &ObjectId) -> bool {
    matches!(&view.used_by, ReferenceUser::Plugin { user } if user.service.as_ref() == Some(service))
}

fn plugins_of<'a>(config: &'a Config, owner: &PluginOwner) -> Answer<Option<&'a Plugins<SealedField>>> {
    Ok(match owner {
        PluginOwner::Service(id) => Some(&stored_service(config, id)?.stored.object.plugins),
        PluginOwner::Route(id) => Some(&stored_route(config, id)?.stored.object.plugins),
        PluginOwner::Consumer(name) => {
            known_consumer(config, name)?;
            config.plugin_sets.get(owner).map(|set| &set.stored.object.plugins)
        }
        PluginOwner::Global | PluginOwner::Metadata => {
            config.plugin_sets.get(owner).map(|set| &set.stored.object.plugins)
        }
    })
}

/// The stored secret, if it is one of that field and of the same server.
fn kept(
    field: &SecretAt,
    entered: &PluginConfig<EnteredField>,
    stored: Option<&PluginConfig<SealedField>>,
) -> Answer<Sealed> {
    let refuse = |problem: &str| Err(ControlError::invalid(format!("/{field}"), problem));
    let Some(stored) = stored else { return refuse("Nothing is stored here yet: enter the secret, or a reference.") };
    let Some(SecretField::Literal(sealed)) = stored.secret(field) else {
        return refuse("Nothing is stored here yet: enter the secret, or a reference.");
    };
    if stored.server() != entered.server() {
        return refuse("The server changed: enter its secret again. A stored one is never sent to another server.");
    }
    Ok(sealed.clone())
}
