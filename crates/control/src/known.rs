//! Consumers whom requests find by a plugin of their own: as a user of a directory, as an application at Wolf.
//!
//! They stand beside the credentials in what authenticates ([`crate::armed`]): two of one name disarm each other.

use crate::Inner;
use crate::armed::Standing;
use crate::config::{Config, known_id, plugin_place};
use crate::plugins::column;
use crate::proof::Found;
use postern::control::{Answer, Attention, AttentionSubject, ControlError, PluginUser};
use postern::name::{ConsumerName, ObjectId};
use postern::plugin::{EnteredField, KnownBy, PluginConfig, PluginOwner, SealedField, SecretAt};
use postern::resolve::ReferenceState;
use postern::sensitive::{Entered, Plain, SecretField};
use std::sync::Arc;

impl Inner {
    /// How a consumer stands whom requests find by a plugin.
    pub(crate) fn standing_by(
        &self,
        config: &Config,
        consumer: &ConsumerName,
        plugin: &PluginConfig<SealedField>,
    ) -> Option<Standing> {
        let of = config.consumers.get(consumer.as_str())?;
        let (name, state) = self.name_by(config, consumer, plugin)?;
        let name = name.filter(|_| !plugin.meta().disable);
        let found = name.map(|name| Found { by: self.fingerprint_by(plugin, &name), proof: None });
        Some(Standing { consumer: Arc::clone(of), found, state: state.map(|state| state.name()) })
    }

    /// The name that a plugin gives its consumer now, if its field has a value; and where its reference stands.
    fn name_by(
        &self,
        config: &Config,
        consumer: &ConsumerName,
        plugin: &PluginConfig<SealedField>,
    ) -> Option<(Option<Plain>, Option<ReferenceState>)> {
        let known_by = plugin.known_by()?;
        let at = SecretAt::new(known_by.field);
        let (value, state) = match plugin.secret(&at) {
            Some(SecretField::Reference(reference)) => {
                let (value, state) = self.current_in(reference, |value| plugin.place(&at).check(value));
                (value, Some(state))
            }
            Some(SecretField::Literal(sealed)) => {
                let owner = PluginOwner::Consumer(consumer.clone());
                let column = column(plugin.name(), known_by.field);
                let opened = self.sealer.open(plugin_place(config.plugin_row(&owner), &column), sealed);
                let opened = opened.inspect_err(|error| {
                    tracing::error!(%consumer, field = known_by.field, %error,
                        "a stored secret cannot be opened; nobody is found as consumer {consumer}");
                });
                (opened.ok(), None)
            }
            None => (None, None),
        };
        let name = value.and_then(|value| {
            let warn = |why: &String| {
                tracing::warn!(%consumer, plugin = plugin.name().slug(), why, "nobody is found as consumer {consumer}: {why}");
            };
            read(known_by, &value).inspect_err(warn).ok()
        });
        Some((name, state))
    }

    fn fingerprint_by<F>(&self, plugin: &PluginConfig<F>, name: &Plain) -> postern::fingerprint::Fingerprint {
        #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
        self.fingerprints.of_name(plugin.name().slug(), name.expose().as_bytes())
    }

    /// A name typed in must not be another consumer's. (References are compared once they are resolved.)
    pub(crate) fn check_known(
        &self,
        config: &Config,
        owner: &PluginOwner,
        plugin: &PluginConfig<EnteredField>,
    ) -> Answer<()> {
        let Some(known_by) = plugin.known_by() else { return Ok(()) };
        let Some(SecretField::Literal(Entered::Replace(typed))) = plugin.secret(&SecretAt::new(known_by.field)) else {
            return Ok(());
        };
        let at = format!("/{}", known_by.field);
        let name = read(known_by, &typed.clone().into_plain()).map_err(|why| ControlError::invalid(&at, why))?;
        let published = self.published();
        let own = config.plugin_sets.get(owner).and_then(|set| known_id(&set.row, plugin.name()));
        let by = self.fingerprint_by(plugin, &name);
        let other = match &own {
            Some(own) => published.armed.owner(by, own),
            None => published.armed.first_owner(by),
        };
        match other.and_then(|other| config.known_by(other)) {
            None => Ok(()),
            Some((other, _)) => {
                let slug = plugin.name().slug();
                Err(ControlError::invalid(at, format!("duplicate key of plugin {slug} found with consumer: {other}")))
            }
        }
    }

    /// The consumers whom no request finds although their field has a value.
    pub(crate) fn known_attention(&self, config: &Config) -> Vec<Attention> {
        let ids: Vec<ObjectId> = config.known_ids().cloned().collect();
        ids.iter().filter_map(|id| self.attention_by(config, id)).collect()
    }

    fn attention_by(&self, config: &Config, id: &ObjectId) -> Option<Attention> {
        let (consumer, plugin) = config.known_by(id)?;
        let field = plugin.known_by()?.field;
        let other = self.published().armed.same_as(id).cloned()?;
        let (other, _) = config.known_by(&other)?;
        let what = format!("It has the same {field} as the consumer {other}: requests find neither of the two.");
        let user = PluginUser {
            owner: PluginOwner::Consumer(consumer.clone()),
            owner_name: consumer.to_string(),
            service: None,
            plugin: plugin.name(),
            field: field.to_owned(),
        };
        Some(Attention { subject: AttentionSubject::Plugin { user }, what })
    }
}

/// The name by which requests find a consumer, in its one spelling; or the rule that it breaks.
fn read(known_by: KnownBy, value: &Plain) -> Result<Plain, String> {
    #[expect(clippy::disallowed_methods, reason = "read into the one spelling of the name, which is as secret")]
    (known_by.read)(value.expose()).map(Plain::new)
}
