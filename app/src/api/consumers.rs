//! Consumers and credentials.

use super::Timed;
#[cfg(feature = "ssr")]
use super::{invalid, session, told};
use crate::codec::Json;
use crate::error::AppError;
use leptos::prelude::*;
use postern::consumer::ConsumerForm;
use postern::control::{ConsumerView, CredentialView};
use postern::credential::CredentialForm;
use postern::name::{ConsumerName, GroupName, ObjectId};
use postern::page::{Page, PageQuery};
use serde::{Deserialize, Serialize};

/// A consumer with its credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsumerData {
    pub consumer: ConsumerView,
    pub credentials: Vec<CredentialView>,
}

/// The control plane makes the id of a new object itself; this stands in the field until then.
#[cfg(feature = "ssr")]
pub(super) fn new_id() -> Result<ObjectId, AppError> {
    "new".parse().map_err(|_| AppError::Transport("An id could not be made.".to_owned()))
}

/// Some of the consumers of the group.
#[server(endpoint = "consumers", input = Json, output = Json)]
pub async fn consumers(group: GroupName, query: PageQuery) -> Result<Timed<Page<ConsumerView>>, AppError> {
    let session = session()?;
    session.timed(session.control.consumers(&session.operator, &group, &query).await)
}

/// One consumer with its credentials.
#[server(endpoint = "consumer_page", input = Json, output = Json)]
pub async fn consumer_page(group: GroupName, name: ConsumerName) -> Result<Timed<ConsumerData>, AppError> {
    let session = session()?;
    let consumer = told(session.control.consumer(&session.operator, &group, &name).await)?;
    let credentials = told(session.control.credentials(&session.operator, &group, &name).await)?;
    session.timed(Ok(ConsumerData { consumer, credentials }))
}

/// Adds a consumer.
#[server(endpoint = "add_consumer", input = Json, output = Json)]
pub async fn add_consumer(group: GroupName, form: ConsumerForm) -> Result<ConsumerView, AppError> {
    let session = session()?;
    let consumer = form.parse().map_err(invalid)?;
    told(session.control.add_consumer(&session.operator, &group, consumer).await)
}

/// Saves a consumer that was edited from `revision`.
#[server(endpoint = "save_consumer", input = Json, output = Json)]
pub async fn save_consumer(group: GroupName, revision: u64, form: ConsumerForm) -> Result<ConsumerView, AppError> {
    let session = session()?;
    let consumer = form.parse().map_err(invalid)?;
    told(session.control.save_consumer(&session.operator, &group, revision, consumer).await)
}

/// Deletes a consumer with its credentials.
#[server(endpoint = "delete_consumer", input = Json, output = Json)]
pub async fn delete_consumer(group: GroupName, name: ConsumerName) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_consumer(&session.operator, &group, &name).await)
}

/// Adds a credential to a consumer.
#[server(endpoint = "add_credential", input = Json, output = Json)]
pub async fn add_credential(
    group: GroupName,
    consumer: ConsumerName,
    form: CredentialForm,
) -> Result<CredentialView, AppError> {
    let session = session()?;
    let credential = form.parse(new_id()?, consumer).map_err(invalid)?;
    told(session.control.add_credential(&session.operator, &group, credential).await)
}

/// Saves a credential that was edited from `revision`.
#[server(endpoint = "save_credential", input = Json, output = Json)]
pub async fn save_credential(
    group: GroupName,
    consumer: ConsumerName,
    id: ObjectId,
    revision: u64,
    form: CredentialForm,
) -> Result<CredentialView, AppError> {
    let session = session()?;
    let credential = form.parse(id, consumer).map_err(invalid)?;
    told(session.control.save_credential(&session.operator, &group, revision, credential).await)
}

/// Deletes a credential.
#[server(endpoint = "delete_credential", input = Json, output = Json)]
pub async fn delete_credential(group: GroupName, id: ObjectId) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_credential(&session.operator, &group, &id).await)
}

/// Reads the credential's reference again.
#[server(endpoint = "refresh_credential", input = Json, output = Json)]
pub async fn refresh_credential(group: GroupName, id: ObjectId) -> Result<CredentialView, AppError> {
    let session = session()?;
    told(session.control.refresh_credential(&session.operator, &group, &id).await)
}
