//! Services, routes and their plugins.

use super::Timed;
#[cfg(feature = "ssr")]
use super::{consumers::new_id, invalid, session, told};
use crate::codec::Json;
use crate::error::AppError;
use leptos::prelude::*;
use postern::control::{PluginOwner, PluginSetView, ReferenceView, ServiceView, Stored};
use postern::name::{GroupName, ObjectId};
use postern::plugin::PluginName;
#[cfg(feature = "ssr")]
use postern::plugin::{PluginConfig, Plugins};
use postern::routing::{Route, RouteForm, ServiceForm};
use serde::{Deserialize, Serialize};

/// A service with its routes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceData {
    pub service: ServiceView,
    pub routes: Vec<Stored<Route>>,
    /// Those in the plugins of the service and its routes.
    pub references: Vec<ReferenceView>,
}

/// Every service of the group.
#[server(endpoint = "services", input = Json, output = Json)]
pub async fn services(group: GroupName) -> Result<Timed<Vec<ServiceView>>, AppError> {
    let session = session()?;
    session.timed(session.control.services(&session.operator, &group).await)
}

/// One service with its routes.
#[server(endpoint = "service_page", input = Json, output = Json)]
pub async fn service_page(group: GroupName, id: ObjectId) -> Result<Timed<ServiceData>, AppError> {
    let session = session()?;
    let service = told(session.control.service(&session.operator, &group, &id).await)?;
    let routes = told(session.control.routes(&session.operator, &group, &id).await)?;
    let references = told(session.control.plugin_references(&session.operator, &group, &id).await)?;
    session.timed(Ok(ServiceData { service, routes, references }))
}

/// Adds a service.
#[server(endpoint = "add_service", input = Json, output = Json)]
pub async fn add_service(group: GroupName, form: ServiceForm) -> Result<ServiceView, AppError> {
    let session = session()?;
    let service = form.parse(new_id()?, Plugins::default()).map_err(invalid)?;
    told(session.control.add_service(&session.operator, &group, service).await)
}

/// Saves name and upstream of a service that was edited from `revision`.
#[server(endpoint = "save_service", input = Json, output = Json)]
pub async fn save_service(
    group: GroupName,
    id: ObjectId,
    revision: u64,
    form: ServiceForm,
) -> Result<ServiceView, AppError> {
    let session = session()?;
    let service = form.parse(id, Plugins::default()).map_err(invalid)?;
    told(session.control.save_service(&session.operator, &group, revision, service).await)
}

/// Deletes a service with its routes.
#[server(endpoint = "delete_service", input = Json, output = Json)]
pub async fn delete_service(group: GroupName, id: ObjectId) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_service(&session.operator, &group, &id).await)
}

/// Adds a route to a service.
#[server(endpoint = "add_route", input = Json, output = Json)]
pub async fn add_route(group: GroupName, service: ObjectId, form: RouteForm) -> Result<Stored<Route>, AppError> {
    let session = session()?;
    let route = form.parse(new_id()?, service, Plugins::default()).map_err(invalid)?;
    told(session.control.add_route(&session.operator, &group, route).await)
}

/// Saves a route that was edited from `revision`, all but its plugins.
#[server(endpoint = "save_route", input = Json, output = Json)]
pub async fn save_route(
    group: GroupName,
    service: ObjectId,
    id: ObjectId,
    revision: u64,
    form: RouteForm,
) -> Result<Stored<Route>, AppError> {
    let session = session()?;
    let route = form.parse(id, service, Plugins::default()).map_err(invalid)?;
    told(session.control.save_route(&session.operator, &group, revision, route).await)
}

/// Deletes a route.
#[server(endpoint = "delete_route", input = Json, output = Json)]
pub async fn delete_route(group: GroupName, id: ObjectId) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_route(&session.operator, &group, &id).await)
}

/// The plugins of a consumer, or those that run for every request.
#[server(endpoint = "plugin_set", input = Json, output = Json)]
pub async fn plugin_set(group: GroupName, owner: PluginOwner) -> Result<Timed<PluginSetView>, AppError> {
    let session = session()?;
    session.timed(session.control.plugin_set(&session.operator, &group, &owner).await)
}

/// Enables a plugin, or saves it when it is enabled, from the JSON editor's text.
#[server(endpoint = "set_plugin", input = Json, output = Json)]
pub async fn set_plugin(
    group: GroupName,
    owner: PluginOwner,
    revision: u64,
    plugin: PluginName,
    json: String,
) -> Result<(), AppError> {
    let session = session()?;
    let plugin = PluginConfig::parse_for(owner.placement(), plugin, &json).map_err(invalid)?;
    told(session.control.set_plugin(&session.operator, &group, &owner, revision, plugin).await)
}

/// Removes a plugin.
#[server(endpoint = "remove_plugin", input = Json, output = Json)]
pub async fn remove_plugin(group: GroupName, owner: PluginOwner, plugin: PluginName) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.remove_plugin(&session.operator, &group, &owner, plugin).await)
}
