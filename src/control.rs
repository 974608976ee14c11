//! Everything an operator can do. The dashboard calls it, `crates/control` implements it.

use crate::access::Review;
use crate::certificate::{Certificate, CertificateField};
use crate::consumer::Consumer;
use crate::credential::{Credential, CredentialType};
use crate::diagnosis::Diagnosis;
use crate::group::GatewayGroup;
use crate::instance::GatewayInstance;
use crate::listing::{Listing, Using};
use crate::name::{ConsumerName, DisplayName, GroupName, ObjectId};
use crate::page::{Page, PageQuery};
use crate::plugin::{EnteredField, PluginConfig, PluginName, Plugins};

pub use crate::plugin::PluginOwner;
use crate::problem::FieldProblem;
use crate::provider::vault::FormSecret;
use crate::provider::{ProviderActivity, ProviderKey, SecretProvider};
use crate::reference::Reference;
use crate::resolve::{ReferenceCheck, ToldState};
use crate::routing::{Route, Service};
use crate::sensitive::{Entered, Masked};
use crate::time::Millis;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Who asks. There is no sign-in yet: the dashboard listens on loopback only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    pub name: String,
}

/// An object as stored: the object, its revision, and when it changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<T> {
    pub object: T,
    /// 1 when added; one more with each save. A save names the revision it was made from.
    pub revision: u64,
    pub updated_at: Millis,
}

/// A secret provider and how it fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderView {
    pub stored: Stored<SecretProvider<Masked>>,
    pub health: ProviderHealth,
    pub activity: ProviderActivity,
    /// How many fields refer to it.
    pub references: usize,
    /// What its token may do beyond reading them, as far as it was reviewed: each a sentence.
    pub excess: Vec<String>,
    /// Since when its webhook has the present signing secret, if it has a webhook.
    pub webhook: Option<Millis>,
}

/// A signing secret that was just made: shown once, and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewWebhook {
    /// Below the dashboard's address: `/hooks/secrets/my-vault`.
    pub path: String,
    pub secret: FormSecret,
}

/// How a provider fares, from its last test and the last reads through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ProviderHealth {
    /// Neither tested nor read since the start.
    Untested,
    /// The last test or read went well.
    Healthy { checked_at: Millis },
    /// Some references resolve and some do not, or values are stale.
    Degraded { checked_at: Millis, why: String },
    /// Nothing can be read.
    Failing { checked_at: Millis, why: String },
}

impl ProviderHealth {
    /// In a word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Untested => "Untested",
            Self::Healthy { .. } => "Healthy",
            Self::Degraded { .. } => "Degraded",
            Self::Failing { .. } => "Failing",
        }
    }
}

/// A credential and where its reference stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    pub stored: Stored<Credential<Masked>>,
    /// `None` for a literal.
    pub state: Option<ToldState>,
    /// Another credential has the same key, or the same name that requests give: neither authenticates.
    pub same_as: Option<CredentialName>,
}

/// How a message names a credential: consumer and credential name, which is unique within its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialName {
    pub consumer: ConsumerName,
    pub kind: CredentialType,
    pub credential: String,
}

/// A consumer and how many credentials it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerView {
    pub stored: Stored<Consumer>,
    pub credentials: usize,
    /// Credentials whose reference gives no value, or whose key another credential has too.
    pub unarmed: usize,
}

/// A service and how many routes it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    pub stored: Stored<Service>,
    pub routes: usize,
    /// What its servers are shown that ask for a certificate.
    pub client_certificate: Option<ClientCertificateView>,
}

/// A certificate that a service shows to its servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificateView {
    pub name: DisplayName,
    /// Why requests of the service are refused, and what to do; `None` when they are not.
    pub problem: Option<String>,
}

/// A certificate and whether the gateway can show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateView {
    pub stored: Stored<Certificate<Masked>>,
    /// Where the reference of the certificate stands; `None` for a text typed in.
    pub certificate: Option<ToldState>,
    /// The same of the private key.
    pub private_key: Option<ToldState>,
    /// Why it is not shown to anyone, and what to do; `None` when it is.
    pub problem: Option<String>,
    /// The services that show it to their servers.
    pub services: Vec<DisplayName>,
}

/// One use of a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceView {
    pub reference: Reference,
    pub state: ToldState,
    pub used_by: ReferenceUser,
    /// What answers of the gateway name while a plugin needs this reference and it has no value.
    pub incident: String,
}

/// What holds a reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ReferenceUser {
    Credential { name: CredentialName, id: ObjectId },
    Plugin { user: PluginUser },
    Certificate { user: CertificateUser },
}

/// A field of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateUser {
    pub id: ObjectId,
    pub name: DisplayName,
    pub field: CertificateField,
}

/// A field of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginUser {
    pub owner: PluginOwner,
    /// The name of the service, route or consumer; for every request, what the dashboard calls that.
    pub owner_name: String,
    /// The service that it is, or that it belongs to, if it is a service or route.
    pub service: Option<ObjectId>,
    pub plugin: PluginName,
    /// `redis_password`
    pub field: String,
}

/// What the overview page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    pub providers: usize,
    pub providers_healthy: usize,
    pub references: usize,
    pub references_resolved: usize,
    pub consumers: usize,
    pub credentials: usize,
    pub services: usize,
    pub routes: usize,
    /// Services or routes with a plugin that authenticates.
    pub protected: usize,
    pub instances_online: usize,
    /// A request with a good key has passed through the gateway since it started.
    pub authenticated_request_seen: bool,
    /// Where the gateway answers, for the curl command shown.
    pub gateway_address: String,
    pub attention: Vec<Attention>,
}

/// Something that needs an operator: what it is about, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub subject: AttentionSubject,
    pub what: String,
}

/// What an [`Attention`] is about, so that the dashboard can link to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AttentionSubject {
    Provider { key: ProviderKey },
    Credential { name: CredentialName },
    Plugin { user: PluginUser },
    Certificate { user: CertificateUser },
}

/// The plugins of a consumer, or those that run for every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginSetView {
    /// 0 when there were never any.
    pub revision: u64,
    pub plugins: Plugins,
    /// Those in the plugins.
    pub references: Vec<ReferenceView>,
}

/// Why something an operator asked for was not done. Nothing is half done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum ControlError {
    /// One or more fields cannot be accepted.
    #[error("some fields cannot be accepted")]
    Invalid { problems: Vec<FieldProblem> },
    /// There is no such object (any more).
    #[error("there is no {what} '{name}'")]
    NotFound { what: String, name: String },
    /// Someone else saved the object meanwhile. `changes` are what they changed.
    #[error("someone else changed this meanwhile")]
    Conflict { current: u64, changes: Vec<FieldChange> },
    /// Other objects still need this one.
    #[error("still in use")]
    InUse { by: Vec<String> },
    /// A fault in Postern; the log has the details under this incident id.
    #[error("internal error, incident {incident}")]
    Internal { incident: String },
}

impl ControlError {
    /// One field at fault.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { problems: vec![FieldProblem::new(field, problem)] }
    }
}

/// One field that someone else changed. A secret shows as `replaced …`, never as its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// As it stands in the dialog: `Secret Prefix`.
    pub field: String,
    pub was: String,
    pub now: String,
}

/// The answer to anything an operator asks.
pub type Answer<T> = Result<T, ControlError>;

/// Everything an operator can do in one gateway group.
///
/// Every change is validated, sealed, stored in one transaction and published to the gateway before
/// the call returns. A save names the revision it was made from; if the object has another one by then,
/// the answer is [`ControlError::Conflict`].
#[async_trait]
pub trait ControlPlane: Send + Sync {
    /// The present moment, as the server sees it.
    fn now(&self) -> Millis;

    async fn groups(&self, operator: &Operator) -> Answer<Vec<GatewayGroup>>;
    async fn overview(&self, operator: &Operator, group: &GroupName) -> Answer<Overview>;
    async fn instances(&self, operator: &Operator, group: &GroupName) -> Answer<Vec<GatewayInstance>>;
    async fn references(&self, operator: &Operator, group: &GroupName) -> Answer<Vec<ReferenceView>>;

    async fn providers(&self, operator: &Operator, group: &GroupName) -> Answer<Vec<ProviderView>>;
    async fn provider(&self, operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<ProviderView>;
    /// A new provider's secrets must be entered: `Keep` is a problem of its field.
    async fn add_provider(
        &self,
        operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView>;
    /// Manager and id stay as they are. `Keep` keeps a secret, unless the server's address changed:
    /// a stored token is never sent to another server.
    async fn save_provider(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView>;
    /// Refused with [`ControlError::InUse`] while references exist, unless `force`.
    async fn delete_provider(
        &self,
        operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
        force: bool,
    ) -> Answer<()>;
    /// Test Connection, with what is in the dialog. `Keep` uses the stored secret of the provider of
    /// that id, if the server's address is the same.
    async fn test_provider(
        &self,
        operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<Diagnosis>;
    /// Test Connection of a stored provider.
    async fn test_stored_provider(
        &self,
        operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
    ) -> Answer<Diagnosis>;
    /// Least privilege: the policy that the references in use take, and what the provider may do beyond it.
    async fn review_provider(&self, operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<Review>;
    /// Reads every secret of the provider again, now.
    async fn refresh_provider(&self, operator: &Operator, group: &GroupName, key: &ProviderKey)
    -> Answer<ProviderView>;
    /// Makes a signing secret for the provider's webhook. An earlier one is good no longer.
    async fn create_webhook(&self, operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<NewWebhook>;
    /// Calls of the webhook are refused from now on.
    async fn delete_webhook(&self, operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<()>;
    /// Reads `text` as a reference and, when it is one, resolves it now.
    async fn check_reference(&self, operator: &Operator, group: &GroupName, text: &str) -> Answer<ReferenceCheck>;

    /// What is in use in the group that may follow `text`: providers while none is named yet, then references.
    async fn in_use(&self, operator: &Operator, group: &GroupName, text: &str) -> Answer<Using>;

    /// The names that may follow `text`, a reference that is begun, as far as its provider may list them. Never a value.
    async fn list_names(&self, operator: &Operator, group: &GroupName, text: &str) -> Answer<Listing>;

    /// Goes through every step of reading `text` as a reference, afresh, and says which one fails and why.
    async fn explain_reference(&self, operator: &Operator, group: &GroupName, text: &str) -> Answer<Diagnosis>;

    /// By name, without regard to case: some of all, or of those that were searched for in name, description and labels.
    async fn consumers(&self, operator: &Operator, group: &GroupName, query: &PageQuery) -> Answer<Page<ConsumerView>>;
    async fn consumer(&self, operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<ConsumerView>;
    async fn add_consumer(&self, operator: &Operator, group: &GroupName, consumer: Consumer) -> Answer<ConsumerView>;
    async fn save_consumer(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        consumer: Consumer,
    ) -> Answer<ConsumerView>;
    /// Deletes its credentials too.
    async fn delete_consumer(&self, operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<()>;

    async fn credentials(
        &self,
        operator: &Operator,
        group: &GroupName,
        consumer: &ConsumerName,
    ) -> Answer<Vec<CredentialView>>;
    /// The id is made by the control plane; the one given is ignored.
    async fn add_credential(
        &self,
        operator: &Operator,
        group: &GroupName,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView>;
    async fn save_credential(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView>;
    async fn delete_credential(&self, operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()>;
    /// Reads the credential's reference again, now.
    async fn refresh_credential(&self, operator: &Operator, group: &GroupName, id: &ObjectId)
    -> Answer<CredentialView>;

    async fn services(&self, operator: &Operator, group: &GroupName) -> Answer<Vec<ServiceView>>;
    async fn service(&self, operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<ServiceView>;
    /// The id is made by the control plane; the one given is ignored.
    async fn add_service(&self, operator: &Operator, group: &GroupName, service: Service) -> Answer<ServiceView>;
    /// Saves name and upstream; plugins have calls of their own.
    async fn save_service(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        service: Service,
    ) -> Answer<ServiceView>;
    /// Deletes its routes too.
    async fn delete_service(&self, operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()>;

    async fn routes(&self, operator: &Operator, group: &GroupName, service: &ObjectId) -> Answer<Vec<Stored<Route>>>;
    /// The id is made by the control plane; the one given is ignored.
    async fn add_route(&self, operator: &Operator, group: &GroupName, route: Route) -> Answer<Stored<Route>>;
    /// Saves name, paths, methods and hosts; plugins have calls of their own.
    async fn save_route(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        route: Route,
    ) -> Answer<Stored<Route>>;
    async fn delete_route(&self, operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()>;

    async fn certificates(&self, operator: &Operator, group: &GroupName) -> Answer<Vec<CertificateView>>;
    /// The id is made by the control plane; the one given is ignored.
    async fn add_certificate(
        &self,
        operator: &Operator,
        group: &GroupName,
        certificate: Certificate<Entered>,
    ) -> Answer<CertificateView>;
    /// `Keep` keeps a stored text.
    async fn save_certificate(
        &self,
        operator: &Operator,
        group: &GroupName,
        revision: u64,
        certificate: Certificate<Entered>,
    ) -> Answer<CertificateView>;
    /// Refused with [`ControlError::InUse`] while a service shows it to its servers.
    async fn delete_certificate(&self, operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()>;

    /// The references in the plugins of a service and of its routes, field by field.
    async fn plugin_references(
        &self,
        operator: &Operator,
        group: &GroupName,
        service: &ObjectId,
    ) -> Answer<Vec<ReferenceView>>;
    /// The plugins of a consumer, or those that run for every request.
    async fn plugin_set(&self, operator: &Operator, group: &GroupName, owner: &PluginOwner) -> Answer<PluginSetView>;
    /// Enables a plugin, or saves it when it is enabled. `revision` is the owner's, or that of its [`PluginSetView`]. `Keep` keeps a secret, unless
    /// the server's address changed: a stored password is never sent to another server.
    async fn set_plugin(
        &self,
        operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        revision: u64,
        plugin: PluginConfig<EnteredField>,
    ) -> Answer<()>;
    async fn remove_plugin(
        &self,
        operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        plugin: PluginName,
    ) -> Answer<()>;
}
