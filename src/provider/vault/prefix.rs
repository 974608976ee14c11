//! The Secret Prefix.

use super::Mount;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The mount and the path below it where a provider's secrets lie: `secret/api7`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretPrefix(Vec<String>);

/// Why a text is not a Secret Prefix: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PrefixError(String);

impl SecretPrefix {
    /// Its segments.
    #[must_use]
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// The mount to assume where Vault does not say: the first segment.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The part below `mount`; nothing when the prefix is not below it.
    #[must_use]
    pub fn below(&self, mount: &Mount) -> &[String] {
        self.0.strip_prefix(mount.path.as_slice()).unwrap_or_default()
    }

    /// The prefix without the `data` segment of a version 2 API path, when it has one behind the mount.
    #[must_use]
    pub fn without_data(&self, mount: &Mount) -> Option<Self> {
        let rest = self.below(mount).strip_prefix(&["data".to_owned()][..])?;
        Some(Self(mount.path.iter().chain(rest).cloned().collect()))
    }
}

impl FromStr for SecretPrefix {
    type Err = PrefixError;

    /// Slashes at either end and doubled ones are dropped, as APISIX does (`apisix/secret/vault.lua`).
    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let error = |why: String| Err(PrefixError(why));
        let segments: Vec<String> = text.trim().split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
        if segments.is_empty() {
            return error(
                "The Secret Prefix is needed here: the mount and the path below it, for example secret/api7."
                    .to_owned(),
            );
        }
        if let Some(segment) = segments.iter().find(|s| *s == "." || *s == "..") {
            return error(format!("The Secret Prefix cannot contain '{segment}' as a segment."));
        }
        if let Some(c) =
            segments.iter().flat_map(|s| s.chars()).find(|c| c.is_control() || matches!(c, '?' | '#' | '\\' | ';'))
        {
            return error(format!("The Secret Prefix cannot contain {c:?}."));
        }
        Ok(Self(segments))
    }
}

impl fmt::Display for SecretPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

text_form!(SecretPrefix);
