//! Least privilege: the policy that the references in use need, and what a provider may do beyond it.

use crate::resolve::Told;
use serde::{Deserialize, Serialize};

/// What a provider's token or user needs, and what it has beyond that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What the policy is written in: `Vault policy (HCL)`.
    pub language: String,
    /// The policy that suffices, to copy.
    pub policy: String,
    pub excess: Excess,
}

/// What can be done beyond reading the secrets in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Excess {
    /// Nothing of what was asked about.
    Nothing,
    /// Too much: each a sentence.
    Found { what: Vec<String> },
    /// The manager would not say, and why.
    Unknown { why: String },
}

impl Excess {
    /// What was found, nothing when there is nothing to find.
    #[must_use]
    pub fn of(what: Vec<String>) -> Self {
        if what.is_empty() { Self::Nothing } else { Self::Found { what } }
    }

    /// The sentences.
    #[must_use]
    pub fn sentences(&self) -> &[String] {
        match self {
            Self::Found { what } => what,
            Self::Nothing | Self::Unknown { .. } => &[],
        }
    }
}

/// The answer to a review of a provider's permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Review {
    Done(Access),
    /// The manager could not be asked.
    Failed {
        failure: Told,
    },
    /// Not for providers of this kind.
    NotOffered,
}
