//! The trait, method by method. Every operator may do everything until sign-in exists; `_operator` is who
//! the audit log will name.

use crate::errors::not_found;
use crate::{Control, Inner};
use async_trait::async_trait;
use postern::access::Review;
use postern::certificate::Certificate;
use postern::consumer::Consumer;
use postern::control::*;
use postern::credential::Credential;
use postern::diagnosis::Diagnosis;
use postern::group::GatewayGroup;
use postern::instance::GatewayInstance;
use postern::listing::{Listing, Using};
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::page::{Page, PageQuery};
use postern::plugin::{EnteredField, PluginConfig, PluginName};
use postern::provider::{ProviderKey, SecretProvider};
use postern::resolve::ReferenceCheck;
use postern::routing::{Route, Service};
use postern::sensitive::Entered;
use postern::time::Millis;

impl Control {
    /// The use cases of a group. There is one.
    fn of(&self, group: &GroupName) -> Answer<&Inner> {
        if *group == self.0.group { Ok(&self.0) } else { Err(not_found("gateway group", group)) }
    }
}

#[async_trait]
impl ControlPlane for Control {
    fn now(&self) -> Millis {
        self.0.now()
    }

    async fn groups(&self, _operator: &Operator) -> Answer<Vec<GatewayGroup>> {
        self.0.groups().await
    }

    async fn overview(&self, _operator: &Operator, group: &GroupName) -> Answer<Overview> {
        self.of(group)?.overview().await
    }

    async fn instances(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<GatewayInstance>> {
        self.of(group)?.instances()
    }

    async fn references(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ReferenceView>> {
        self.of(group)?.references()
    }

    async fn providers(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ProviderView>> {
        self.of(group)?.providers()
    }

    async fn provider(&self, _operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<ProviderView> {
        self.of(group)?.provider(key)
    }

    async fn add_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView> {
        self.of(group)?.add_provider(provider).await
    }

    async fn save_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView> {
        self.of(group)?.save_provider(revision, provider).await
    }

    async fn delete_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
        force: bool,
    ) -> Answer<()> {
        self.of(group)?.delete_provider(key, force).await
    }

    async fn test_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<Diagnosis> {
        self.of(group)?.test_provider(provider).await
    }

    async fn test_stored_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
    ) -> Answer<Diagnosis> {
        self.of(group)?.test_stored_provider(key).await
    }

    async fn refresh_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
    ) -> Answer<ProviderView> {
        self.of(group)?.refresh_provider(key).await
    }

    async fn review_provider(&self, _: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<Review> {
        self.of(group)?.review_provider(key).await
    }

    async fn in_use(&self, _: &Operator, group: &GroupName, text: &str) -> Answer<Using> {
        self.of(group)?.in_use(text)
    }

    async fn list_names(&self, _: &Operator, group: &GroupName, text: &str) -> Answer<Listing> {
        Ok(self.of(group)?.list_names(text).await)
    }

    async fn explain_reference(&self, _: &Operator, group: &GroupName, text: &str) -> Answer<Diagnosis> {
        self.of(group)?.explain_reference(text).await
    }

    async fn create_webhook(&self, _operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<NewWebhook> {
        self.of(group)?.create_webhook(key).await
    }

    async fn delete_webhook(&self, _operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<()> {
        self.of(group)?.delete_webhook(key).await
    }

    async fn check_reference(&self, _operator: &Operator, group: &GroupName, text: &str) -> Answer<ReferenceCheck> {
        self.of(group)?.check_reference(text).await
    }

    async fn consumers(&self, _: &Operator, group: &GroupName, query: &PageQuery) -> Answer<Page<ConsumerView>> {
        self.of(group)?.consumers(query).await
    }

    async fn consumer(&self, _operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<ConsumerView> {
        self.of(group)?.consumer(name).await
    }

    async fn add_consumer(&self, _operator: &Operator, group: &GroupName, consumer: Consumer) -> Answer<ConsumerView> {
        self.of(group)?.add_consumer(consumer).await
    }

    async fn save_consumer(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        consumer: Consumer,
    ) -> Answer<ConsumerView> {
        self.of(group)?.save_consumer(revision, consumer).await
    }

    async fn delete_consumer(&self, _operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<()> {
        self.of(group)?.delete_consumer(name).await
    }

    async fn credentials(
        &self,
        _operator: &Operator,
        group: &GroupName,
        consumer: &ConsumerName,
    ) -> Answer<Vec<CredentialView>> {
        self.of(group)?.credentials(consumer).await
    }

    async fn add_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView> {
        self.of(group)?.add_credential(credential).await
    }

    async fn save_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView> {
        self.of(group)?.save_credential(revision, credential).await
    }

    async fn delete_credential(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.of(group)?.delete_credential(id).await
    }

    async fn refresh_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        id: &ObjectId,
    ) -> Answer<CredentialView> {
        self.of(group)?.refresh_credential(id).await
    }

    async fn services(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ServiceView>> {
        self.of(group)?.services()
    }

    async fn service(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<ServiceView> {
        self.of(group)?.service(id)
    }

    async fn add_service(&self, _operator: &Operator, group: &GroupName, service: Service) -> Answer<ServiceView> {
        self.of(group)?.add_service(service).await
    }

    async fn save_service(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        service: Service,
    ) -> Answer<ServiceView> {
        self.of(group)?.save_service(revision, service).await
    }

    async fn delete_service(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.of(group)?.delete_service(id).await
    }

    async fn routes(&self, _operator: &Operator, group: &GroupName, service: &ObjectId) -> Answer<Vec<Stored<Route>>> {
        self.of(group)?.routes(service)
    }

    async fn add_route(&self, _operator: &Operator, group: &GroupName, route: Route) -> Answer<Stored<Route>> {
        self.of(group)?.add_route(route).await
    }

    async fn save_route(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        route: Route,
    ) -> Answer<Stored<Route>> {
        self.of(group)?.save_route(revision, route).await
    }

    async fn delete_route(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.of(group)?.delete_route(id).await
    }

    async fn certificates(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<CertificateView>> {
        self.of(group)?.certificates()
    }

    async fn add_certificate(
        &self,
        _operator: &Operator,
        group: &GroupName,
        certificate: Certificate<Entered>,
    ) -> Answer<CertificateView> {
        self.of(group)?.add_certificate(certificate).await
    }

    async fn save_certificate(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        certificate: Certificate<Entered>,
    ) -> Answer<CertificateView> {
        self.of(group)?.save_certificate(revision, certificate).await
    }

    async fn delete_certificate(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.of(group)?.delete_certificate(id).await
    }

    async fn plugin_references(
        &self,
        _operator: &Operator,
        group: &GroupName,
        service: &ObjectId,
    ) -> Answer<Vec<ReferenceView>> {
        self.of(group)?.plugin_references(service)
    }

    async fn plugin_set(&self, _operator: &Operator, group: &GroupName, owner: &PluginOwner) -> Answer<PluginSetView> {
        self.of(group)?.plugin_set(owner)
    }

    async fn set_plugin(
        &self,
        _operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        revision: u64,
        plugin: PluginConfig<EnteredField>,
    ) -> Answer<()> {
        self.of(group)?.set_plugin(owner, revision, plugin).await
    }

    async fn remove_plugin(
        &self,
        _operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        plugin: PluginName,
    ) -> Answer<()> {
        self.of(group)?.remove_plugin(owner, plugin).await
    }
}
