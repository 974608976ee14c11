//! Secret providers and references.

use super::Timed;
#[cfg(feature = "ssr")]
use super::{invalid, session, told};
use crate::codec::Json;
use crate::error::AppError;
use leptos::prelude::*;
use postern::access::Review;
use postern::control::{NewWebhook, ProviderView, ReferenceView};
use postern::diagnosis::{Diagnosis, Remedy};
use postern::listing::{Listing, Using};
use postern::name::GroupName;
use postern::provider::{ProviderForm, ProviderKey};
use postern::resolve::ReferenceCheck;
use serde::{Deserialize, Serialize};

/// A provider and everything that refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderData {
    pub provider: ProviderView,
    pub references: Vec<ReferenceView>,
}

/// Every provider of the group.
#[server(endpoint = "providers", input = Json, output = Json)]
pub async fn providers(group: GroupName) -> Result<Timed<Vec<ProviderView>>, AppError> {
    let session = session()?;
    session.timed(session.control.providers(&session.operator, &group).await)
}

/// One provider.
#[server(endpoint = "provider", input = Json, output = Json)]
pub async fn provider(group: GroupName, key: ProviderKey) -> Result<ProviderView, AppError> {
    let session = session()?;
    told(session.control.provider(&session.operator, &group, &key).await)
}

/// One provider with what refers to it.
#[server(endpoint = "provider_page", input = Json, output = Json)]
pub async fn provider_page(group: GroupName, key: ProviderKey) -> Result<Timed<ProviderData>, AppError> {
    let session = session()?;
    let provider = told(session.control.provider(&session.operator, &group, &key).await)?;
    let mut references = told(session.control.references(&session.operator, &group).await)?;
    references.retain(|view| view.reference.secret().is_some_and(|secret| secret.is_of(&key)));
    session.timed(Ok(ProviderData { provider, references }))
}

/// Adds a provider.
#[server(endpoint = "add_provider", input = Json, output = Json)]
pub async fn add_provider(group: GroupName, form: ProviderForm) -> Result<ProviderView, AppError> {
    let session = session()?;
    let provider = form.parse().map_err(invalid)?;
    told(session.control.add_provider(&session.operator, &group, provider).await)
}

/// Saves a provider that was edited from `revision`.
#[server(endpoint = "save_provider", input = Json, output = Json)]
pub async fn save_provider(group: GroupName, revision: u64, form: ProviderForm) -> Result<ProviderView, AppError> {
    let session = session()?;
    let provider = form.parse().map_err(invalid)?;
    told(session.control.save_provider(&session.operator, &group, revision, provider).await)
}

/// Saves a stored provider with the change that mends a failure.
#[server(endpoint = "mend_provider", input = Json, output = Json)]
pub async fn mend_provider(group: GroupName, key: ProviderKey, remedy: Remedy) -> Result<(), AppError> {
    let session = session()?;
    let stored = told(session.control.provider(&session.operator, &group, &key).await)?.stored;
    let mut form = ProviderForm::of(&stored.object);
    remedy.mend(&mut form);
    let provider = form.parse().map_err(invalid)?;
    told(session.control.save_provider(&session.operator, &group, stored.revision, provider).await).map(drop)
}

/// Deletes a provider; with `force` also while references exist.
#[server(endpoint = "delete_provider", input = Json, output = Json)]
pub async fn delete_provider(group: GroupName, key: ProviderKey, force: bool) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_provider(&session.operator, &group, &key, force).await)
}

/// Test Connection with what is in the dialog.
#[server(endpoint = "test_provider", input = Json, output = Json)]
pub async fn test_provider(group: GroupName, form: ProviderForm) -> Result<Diagnosis, AppError> {
    let session = session()?;
    let provider = form.parse().map_err(invalid)?;
    told(session.control.test_provider(&session.operator, &group, provider).await)
}

/// Test Connection of a stored provider.
#[server(endpoint = "test_stored_provider", input = Json, output = Json)]
pub async fn test_stored_provider(group: GroupName, key: ProviderKey) -> Result<Diagnosis, AppError> {
    let session = session()?;
    told(session.control.test_stored_provider(&session.operator, &group, &key).await)
}

/// Least privilege of a stored provider.
#[server(endpoint = "review_provider", input = Json, output = Json)]
pub async fn review_provider(group: GroupName, key: ProviderKey) -> Result<Review, AppError> {
    let session = session()?;
    told(session.control.review_provider(&session.operator, &group, &key).await)
}

/// Reads every secret of the provider again.
#[server(endpoint = "refresh_provider", input = Json, output = Json)]
pub async fn refresh_provider(group: GroupName, key: ProviderKey) -> Result<ProviderView, AppError> {
    let session = session()?;
    told(session.control.refresh_provider(&session.operator, &group, &key).await)
}

/// Goes through every step of reading a reference.
#[server(endpoint = "explain_reference", input = Json, output = Json)]
pub async fn explain_reference(group: GroupName, text: String) -> Result<Diagnosis, AppError> {
    let session = session()?;
    told(session.control.explain_reference(&session.operator, &group, &text).await)
}

/// What is in use that may follow a reference that is begun.
#[server(endpoint = "in_use", input = Json, output = Json)]
pub async fn in_use(group: GroupName, text: String) -> Result<Using, AppError> {
    let session = session()?;
    told(session.control.in_use(&session.operator, &group, &text).await)
}

/// The names that may follow a reference that is begun.
#[server(endpoint = "list_names", input = Json, output = Json)]
pub async fn list_names(group: GroupName, text: String) -> Result<Listing, AppError> {
    let session = session()?;
    told(session.control.list_names(&session.operator, &group, &text).await)
}

/// Makes a signing secret for the provider's webhook.
#[server(endpoint = "create_webhook", input = Json, output = Json)]
pub async fn create_webhook(group: GroupName, key: ProviderKey) -> Result<NewWebhook, AppError> {
    let session = session()?;
    told(session.control.create_webhook(&session.operator, &group, &key).await)
}

/// Refuses calls of the provider's webhook from now on.
#[server(endpoint = "delete_webhook", input = Json, output = Json)]
pub async fn delete_webhook(group: GroupName, key: ProviderKey) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_webhook(&session.operator, &group, &key).await)
}

/// Reads a text as a reference and resolves it.
#[server(endpoint = "check_reference", input = Json, output = Json)]
pub async fn check_reference(group: GroupName, text: String) -> Result<Timed<ReferenceCheck>, AppError> {
    let session = session()?;
    session.timed(session.control.check_reference(&session.operator, &group, &text).await)
}
