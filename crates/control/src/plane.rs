//! The trait, method by method. Every operator may do everything until sign-in exists; `_operator` is who
//! the audit log will name.

use crate::Control;
use async_trait::async_trait;
use postern::access::Review;
use postern::consumer::Consumer;
use postern::control::*;
use postern::credential::Credential;
use postern::diagnosis::Diagnosis;
use postern::group::GatewayGroup;
use postern::instance::GatewayInstance;
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::plugin::{PluginConfig, PluginName};
use postern::provider::{ProviderKey, SecretProvider};
use postern::resolve::ReferenceCheck;
use postern::routing::{Route, Service};
use postern::sensitive::Entered;
use postern::time::Millis;

#[async_trait]
impl ControlPlane for Control {
    fn now(&self) -> Millis {
        self.0.now()
    }

    async fn groups(&self, _operator: &Operator) -> Answer<Vec<GatewayGroup>> {
        self.0.groups().await
    }

    async fn overview(&self, _operator: &Operator, group: &GroupName) -> Answer<Overview> {
        self.0.overview(group)
    }

    async fn instances(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<GatewayInstance>> {
        self.0.instances(group)
    }

    async fn references(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ReferenceView>> {
        self.0.references(group)
    }

    async fn providers(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ProviderView>> {
        self.0.providers(group)
    }

    async fn provider(&self, _operator: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<ProviderView> {
        self.0.provider(group, key)
    }

    async fn add_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView> {
        self.0.add_provider(group, provider).await
    }

    async fn save_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        provider: SecretProvider<Entered>,
    ) -> Answer<ProviderView> {
        self.0.save_provider(group, revision, provider).await
    }

    async fn delete_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
        force: bool,
    ) -> Answer<()> {
        self.0.delete_provider(group, key, force).await
    }

    async fn test_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        provider: SecretProvider<Entered>,
    ) -> Answer<Diagnosis> {
        self.0.test_provider(group, provider).await
    }

    async fn test_stored_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
    ) -> Answer<Diagnosis> {
        self.0.test_stored_provider(group, key).await
    }

    async fn refresh_provider(
        &self,
        _operator: &Operator,
        group: &GroupName,
        key: &ProviderKey,
    ) -> Answer<ProviderView> {
        self.0.refresh_provider(group, key).await
    }

    async fn review_provider(&self, _: &Operator, group: &GroupName, key: &ProviderKey) -> Answer<Review> {
        self.0.review_provider(group, key).await
    }

    async fn explain_reference(&self, _: &Operator, group: &GroupName, text: &str) -> Answer<Diagnosis> {
        self.0.explain_reference(group, text).await
    }

    async fn check_reference(&self, _operator: &Operator, group: &GroupName, text: &str) -> Answer<ReferenceCheck> {
        self.0.check_reference(group, text).await
    }

    async fn consumers(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ConsumerView>> {
        self.0.consumers(group)
    }

    async fn consumer(&self, _operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<ConsumerView> {
        self.0.consumer(group, name)
    }

    async fn add_consumer(&self, _operator: &Operator, group: &GroupName, consumer: Consumer) -> Answer<ConsumerView> {
        self.0.add_consumer(group, consumer).await
    }

    async fn save_consumer(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        consumer: Consumer,
    ) -> Answer<ConsumerView> {
        self.0.save_consumer(group, revision, consumer).await
    }

    async fn delete_consumer(&self, _operator: &Operator, group: &GroupName, name: &ConsumerName) -> Answer<()> {
        self.0.delete_consumer(group, name).await
    }

    async fn credentials(
        &self,
        _operator: &Operator,
        group: &GroupName,
        consumer: &ConsumerName,
    ) -> Answer<Vec<CredentialView>> {
        self.0.credentials(group, consumer)
    }

    async fn add_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView> {
        self.0.add_credential(group, credential).await
    }

    async fn save_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        credential: Credential<Entered>,
    ) -> Answer<CredentialView> {
        self.0.save_credential(group, revision, credential).await
    }

    async fn delete_credential(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.0.delete_credential(group, id).await
    }

    async fn refresh_credential(
        &self,
        _operator: &Operator,
        group: &GroupName,
        id: &ObjectId,
    ) -> Answer<CredentialView> {
        self.0.refresh_credential(group, id).await
    }

    async fn services(&self, _operator: &Operator, group: &GroupName) -> Answer<Vec<ServiceView>> {
        self.0.services(group)
    }

    async fn service(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<ServiceView> {
        self.0.service(group, id)
    }

    async fn add_service(&self, _operator: &Operator, group: &GroupName, service: Service) -> Answer<ServiceView> {
        self.0.add_service(group, service).await
    }

    async fn save_service(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        service: Service,
    ) -> Answer<ServiceView> {
        self.0.save_service(group, revision, service).await
    }

    async fn delete_service(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.0.delete_service(group, id).await
    }

    async fn routes(&self, _operator: &Operator, group: &GroupName, service: &ObjectId) -> Answer<Vec<Stored<Route>>> {
        self.0.routes(group, service)
    }

    async fn add_route(&self, _operator: &Operator, group: &GroupName, route: Route) -> Answer<Stored<Route>> {
        self.0.add_route(group, route).await
    }

    async fn save_route(
        &self,
        _operator: &Operator,
        group: &GroupName,
        revision: u64,
        route: Route,
    ) -> Answer<Stored<Route>> {
        self.0.save_route(group, revision, route).await
    }

    async fn delete_route(&self, _operator: &Operator, group: &GroupName, id: &ObjectId) -> Answer<()> {
        self.0.delete_route(group, id).await
    }

    async fn set_plugin(
        &self,
        _operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        revision: u64,
        plugin: PluginConfig,
    ) -> Answer<()> {
        self.0.set_plugin(group, owner, revision, plugin).await
    }

    async fn remove_plugin(
        &self,
        _operator: &Operator,
        group: &GroupName,
        owner: &PluginOwner,
        plugin: PluginName,
    ) -> Answer<()> {
        self.0.remove_plugin(group, owner, plugin).await
    }
}
