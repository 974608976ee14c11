//! Where an authentication method is mounted.

use super::AuthMethod;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where an authentication method is mounted: the segments between `auth/` and `/login`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AuthMount(Vec<String>);

/// Why a text is not a mount path: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MountError(String);

impl AuthMount {
    /// Where Vault mounts the method unless told otherwise.
    #[must_use]
    pub fn usual(method: AuthMethod) -> Self {
        Self(vec![method.slug().to_owned()])
    }

    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for AuthMount {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, MountError> {
        let error = |why: &str| Err(MountError(why.to_owned()));
        let segments: Vec<String> = text.trim().split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        match segments.first().map(String::as_str) {
            None => return error("The mount path is the method's path below auth/, for example approle."),
            Some("auth") => return error("Leave auth/ out: the mount path is what follows it."),
            Some(_) => {}
        }
        let is_odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '?' | '#' | '\\' | ';');
        if segments.iter().any(|segment| segment == "." || segment == ".." || segment.contains(is_odd)) {
            return error("A mount path has no blanks, no '?', '#', ';' or '\\', and no segment '.' or '..'.");
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for AuthMount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

text_form!(AuthMount);
