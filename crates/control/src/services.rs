//! Services, routes and their plugins.

use crate::Inner;
use crate::config::{Change, Config, Deleted, Object};
use crate::credentials::new_id;
use crate::errors::{Described, not_found};
use crate::row::sealed_row;
use crate::views::{mask_route, mask_service, stored};
use postern::control::{Answer, ClientCertificateView, ControlError, PluginOwner, ServiceView, Stored};
use postern::name::ObjectId;
use postern::plugin::{Plugins, SealedField};
use postern::routing::{Route, Service, Upstream};
use std::sync::Arc;
use store::{Kind, NewRow};

impl Inner {
    pub(crate) fn services(&self) -> Answer<Vec<ServiceView>> {
        let config = self.config();
        let mut views: Vec<ServiceView> =
            config.services.values().map(|object| self.service_view(&config, object)).collect();
        views.sort_by(|a, b| a.stored.object.name.cmp(&b.stored.object.name));
        Ok(views)
    }

    pub(crate) fn service(&self, id: &ObjectId) -> Answer<ServiceView> {
        let config = self.config();
        Ok(self.service_view(&config, stored_service(&config, id)?))
    }

    pub(crate) async fn add_service(&self, mut service: Service) -> Answer<ServiceView> {
        let _changing = self.changing.lock().await;
        self.check_upstream(&service.upstream)?;
        service.id = new_id()?;
        let service = service.with_plugins(Plugins::new());
        let new = service_row(&service)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| service.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        self.service(&service.id)
    }

    pub(crate) async fn save_service(&self, revision: u64, service: Service) -> Answer<ServiceView> {
        let _changing = self.changing.lock().await;
        self.check_upstream(&service.upstream)?;
        let plugins = stored_service(&self.config(), &service.id)?.stored.object.plugins.clone();
        let service = service.with_plugins(plugins);
        self.write_service(revision, &service).await?;
        self.service(&service.id)
    }

    pub(crate) async fn delete_service(&self, id: &ObjectId) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_service(&config, id)?;
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Service(id.clone()))).await
    }

    pub(crate) fn routes(&self, service: &ObjectId) -> Answer<Vec<Stored<Route>>> {
        let config = self.config();
        stored_service(&config, service)?;
        let mut routes: Vec<Stored<Route>> =
            config.routes_of(service).map(|object| stored(&object.stored, mask_route)).collect();
        routes.sort_by(|a, b| a.object.name.cmp(&b.object.name));
        Ok(routes)
    }

    pub(crate) async fn add_route(&self, mut route: Route) -> Answer<Stored<Route>> {
        let _changing = self.changing.lock().await;
        stored_service(&self.config(), &route.service)?;
        route.id = new_id()?;
        let route = route.with_plugins(Plugins::new());
        let new = route_row(&route)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| route.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        self.route_by_id(&route.id)
    }

    pub(crate) async fn save_route(&self, revision: u64, mut route: Route) -> Answer<Stored<Route>> {
        let _changing = self.changing.lock().await;
        let stored = stored_route(&self.config(), &route.id)?.stored.object.clone();
        route.service = stored.service;
        let route = route.with_plugins(stored.plugins);
        self.write_route(revision, &route).await?;
        self.route_by_id(&route.id)
    }

    pub(crate) async fn delete_route(&self, id: &ObjectId) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_route(&config, id)?;
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.changed(Change::Deleted(Deleted::Route(id.clone()))).await
    }

    /// Changes the plugins of an owner. Without a `revision` the stored one is taken.
    pub(crate) async fn change_plugins(
        &self,
        owner: &PluginOwner,
        revision: Option<u64>,
        change: impl FnOnce(&mut Plugins<SealedField>) -> Answer<()>,
    ) -> Answer<()> {
        let config = self.config();
        match owner {
            PluginOwner::Service(id) => {
                let mut stored = stored_service(&config, id)?.stored.clone();
                change(&mut stored.object.plugins)?;
                self.write_service(revision.unwrap_or(stored.revision), &stored.object).await
            }
            PluginOwner::Route(id) => {
                let mut stored = stored_route(&config, id)?.stored.clone();
                change(&mut stored.object.plugins)?;
                self.write_route(revision.unwrap_or(stored.revision), &stored.object).await
            }
            PluginOwner::Consumer(_) | PluginOwner::Global | PluginOwner::Metadata => {
                self.change_set(&config, owner, revision, change).await
            }
        }
    }

    async fn write_service(&self, revision: u64, service: &Service<SealedField>) -> Answer<()> {
        let saved = self.storing(self.store.update(&service_row(service)?, revision, self.now())).await;
        let row = self.answer_save(saved, service, service.id.as_str(), revision).await?;
        self.changed(Change::Saved(row)).await
    }

    async fn write_route(&self, revision: u64, route: &Route<SealedField>) -> Answer<()> {
        let saved = self.storing(self.store.update(&route_row(route)?, revision, self.now())).await;
        let row = self.answer_save(saved, route, route.id.as_str(), revision).await?;
        self.changed(Change::Saved(row)).await
    }

    fn route_by_id(&self, id: &ObjectId) -> Answer<Stored<Route>> {
        Ok(stored(&stored_route(&self.config(), id)?.stored, mask_route))
    }

    /// The data plane must not reach the control plane: our own listeners are no upstream (CVE-2022-24112).
    fn check_upstream(&self, upstream: &Upstream) -> Answer<()> {
        let Upstream::Nodes(upstream) = upstream else { return Ok(()) };
        if let Some(node) = upstream.nodes.iter().find(|node| self.is_own_address(&node.host, node.port)) {
            return Err(ControlError::invalid(
                "nodes",
                format!("{} is Postern's own address: requests must not be sent back into it.", node.authority()),
            ));
        }
        let Some(tls) = upstream.scheme.tls() else { return Ok(()) };
        if tls.ca_certificate.as_deref().is_some_and(|pem| !secrets::is_authority(pem)) {
            return Err(ControlError::invalid(
                "ca_certificate",
                "The text has the form of a certificate, but cannot be read as one. Paste it again, whole.",
            ));
        }
        if tls.client_cert_id.as_ref().is_some_and(|id| !self.config().certificates.contains_key(id)) {
            return Err(ControlError::invalid(
                "client_cert_id",
                "This certificate is not there any more. Choose another one, or none.",
            ));
        }
        Ok(())
    }

    fn service_view(&self, config: &Config, object: &Object<Service<SealedField>>) -> ServiceView {
        let upstream = &object.stored.object.upstream;
        let certificate = upstream.client_certificate().and_then(|id| config.certificates.get(id));
        ServiceView {
            stored: stored(&object.stored, mask_service),
            routes: config.routes_of(&object.stored.object.id).count(),
            client_certificate: certificate.map(|certificate| ClientCertificateView {
                name: certificate.stored.object.name.clone(),
                problem: self.certificate_problem(certificate),
            }),
        }
    }
}

pub(crate) fn stored_service<'a>(config: &'a Config, id: &ObjectId) -> Answer<&'a Object<Service<SealedField>>> {
    config.services.get(id).map(Arc::as_ref).ok_or_else(|| not_found("service", id))
}

pub(crate) fn stored_route<'a>(config: &'a Config, id: &ObjectId) -> Answer<&'a Object<Route<SealedField>>> {
    config.routes.get(id).map(Arc::as_ref).ok_or_else(|| not_found("route", id))
}

fn service_row(service: &Service<SealedField>) -> Answer<NewRow> {
    let name = service.name.to_string();
    sealed_row(service.id.as_str(), Kind::Service, None, name, service, &mask_service(service))
}

fn route_row(route: &Route<SealedField>) -> Answer<NewRow> {
    let name = route.name.to_string();
    sealed_row(route.id.as_str(), Kind::Route, Some(route.service.as_str()), name, route, &mask_route(route))
}
