//! Certificates.

use super::Timed;
#[cfg(feature = "ssr")]
use super::{consumers::new_id, invalid, session, told};
use crate::codec::Json;
use crate::error::AppError;
use leptos::prelude::*;
use postern::certificate::CertificateForm;
use postern::control::CertificateView;
use postern::name::{GroupName, ObjectId};

/// Every certificate of the group.
#[server(endpoint = "certificates", input = Json, output = Json)]
pub async fn certificates(group: GroupName) -> Result<Timed<Vec<CertificateView>>, AppError> {
    let session = session()?;
    session.timed(session.control.certificates(&session.operator, &group).await)
}

/// Adds a certificate.
#[server(endpoint = "add_certificate", input = Json, output = Json)]
pub async fn add_certificate(group: GroupName, form: CertificateForm) -> Result<CertificateView, AppError> {
    let session = session()?;
    let certificate = form.parse(new_id()?).map_err(invalid)?;
    told(session.control.add_certificate(&session.operator, &group, certificate).await)
}

/// Saves a certificate that was edited from `revision`.
#[server(endpoint = "save_certificate", input = Json, output = Json)]
pub async fn save_certificate(
    group: GroupName,
    id: ObjectId,
    revision: u64,
    form: CertificateForm,
) -> Result<CertificateView, AppError> {
    let session = session()?;
    let certificate = form.parse(id).map_err(invalid)?;
    told(session.control.save_certificate(&session.operator, &group, revision, certificate).await)
}

/// Deletes a certificate.
#[server(endpoint = "delete_certificate", input = Json, output = Json)]
pub async fn delete_certificate(group: GroupName, id: ObjectId) -> Result<(), AppError> {
    let session = session()?;
    told(session.control.delete_certificate(&session.operator, &group, &id).await)
}
