//! A reference of either kind: to a secret of a provider, or to the environment.

use crate::env_ref::EnvRef;
use crate::secret_ref::{RefError, SecretRef};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What stands in a field in place of a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Reference {
    /// `$secret://…`
    Secret(SecretRef),
    /// `$env://…`
    Env(EnvRef),
}

impl Reference {
    /// The reference to a secret of a provider, when it is one.
    #[must_use]
    pub fn secret(&self) -> Option<&SecretRef> {
        match self {
            Self::Secret(secret) => Some(secret),
            Self::Env(_) => None,
        }
    }
}

impl From<SecretRef> for Reference {
    fn from(secret: SecretRef) -> Self {
        Self::Secret(secret)
    }
}

impl From<EnvRef> for Reference {
    fn from(env: EnvRef) -> Self {
        Self::Env(env)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => secret.fmt(f),
            Self::Env(env) => env.fmt(f),
        }
    }
}

impl FromStr for Reference {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        match EnvRef::is_meant(text) {
            true => text.parse().map(Self::Env),
            false => text.parse().map(Self::Secret),
        }
    }
}

text_form!(Reference);
