//! Where everything is: the only place that writes the dashboard's addresses.

use postern::control::{PluginOwner, PluginUser};
use postern::credential::CredentialType;
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::provider::ProviderKey;
use postern::reason::Reason;

/// The addresses within one gateway group. Names need no escaping: their grammars allow nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths(String);

impl Paths {
    /// The addresses of `group`.
    #[must_use]
    pub fn of(group: &GroupName) -> Self {
        Self(format!("/g/{group}"))
    }

    pub fn overview(&self) -> String {
        self.0.clone()
    }

    pub fn providers(&self) -> String {
        format!("{}/secret-providers", self.0)
    }

    pub fn provider(&self, key: &ProviderKey) -> String {
        format!("{}/{key}", self.providers())
    }

    pub fn consumers(&self) -> String {
        format!("{}/consumers", self.0)
    }

    /// A consumer's page: its Credentials tab, the first type.
    pub fn consumer_page(&self, name: &ConsumerName) -> String {
        self.consumer(name, CredentialType::default())
    }

    /// A consumer's Credentials tab, the credentials of one type.
    pub fn consumer(&self, name: &ConsumerName, kind: CredentialType) -> String {
        format!("{}/{name}/credentials/{}", self.consumers(), kind.slug())
    }

    /// A consumer's Plugins tab.
    pub fn consumer_plugins(&self, name: &ConsumerName) -> String {
        format!("{}/{name}/plugins", self.consumers())
    }

    pub fn global_plugins(&self) -> String {
        format!("{}/global-plugins", self.0)
    }

    pub fn services(&self) -> String {
        format!("{}/services", self.0)
    }

    pub fn service(&self, id: &ObjectId) -> String {
        format!("{}/{id}", self.services())
    }

    pub fn service_routes(&self, id: &ObjectId) -> String {
        format!("{}/routes", self.service(id))
    }

    pub fn service_plugins(&self, id: &ObjectId) -> String {
        format!("{}/plugins", self.service(id))
    }

    pub fn route(&self, service: &ObjectId, route: &ObjectId) -> String {
        format!("{}/{route}", self.service_routes(service))
    }

    pub fn plugin_metadata(&self) -> String {
        format!("{}/plugin-metadata", self.0)
    }

    /// Where the plugins of an owner are.
    pub fn plugins_of(&self, user: &PluginUser) -> String {
        match &user.owner {
            PluginOwner::Service(id) => self.service_plugins(id),
            PluginOwner::Route(id) => match &user.service {
                Some(service) => self.route(service, id),
                None => self.services(),
            },
            PluginOwner::Consumer(name) => self.consumer_plugins(name),
            PluginOwner::Global => self.global_plugins(),
            PluginOwner::Metadata => self.plugin_metadata(),
        }
    }

    pub fn certificates(&self) -> String {
        format!("{}/certificates", self.0)
    }

    pub fn references(&self) -> String {
        format!("{}/references", self.0)
    }

    pub fn reasons(&self) -> String {
        format!("{}/reasons", self.0)
    }

    /// A reason's place on the page of all reasons.
    pub fn reason(&self, reason: Reason) -> String {
        format!("{}#{}", self.reasons(), reason.code())
    }

    pub fn instances(&self) -> String {
        format!("{}/instances", self.0)
    }
}
