//! Objects as rows of the store.

use crate::errors::internal;
use postern::control::Answer;
use serde::Serialize;
use store::{Kind, NewRow};

/// A row of an object that holds a secret: `masked` is what is remembered of it.
pub(crate) fn sealed_row(
    id: &str,
    kind: Kind,
    parent: Option<&str>,
    name: String,
    object: &impl Serialize,
    masked: &impl Serialize,
) -> Answer<NewRow> {
    let masked = serde_json::to_string(masked).map_err(internal)?;
    Ok(NewRow { masked, ..open_row(id, kind, parent, name, object)? })
}

/// A row of an object without a secret: what is remembered is what is stored.
pub(crate) fn open_row(
    id: &str,
    kind: Kind,
    parent: Option<&str>,
    name: String,
    object: &impl Serialize,
) -> Answer<NewRow> {
    let spec = serde_json::to_string(object).map_err(internal)?;
    let parent = parent.map(str::to_owned);
    Ok(NewRow { id: id.to_owned(), kind, parent, name, masked: spec.clone(), spec, search: None })
}
