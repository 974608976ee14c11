//! What reading a referenced secret ends in, in words an operator can act on.
//!
//! There is no third state between "there is a value" and "there is none, because …": a reference that
//! is not resolved is a [`Failure`], never a literal and never an empty text.

mod explain;
mod failure;
mod network;
mod refusal;
mod state;
#[cfg(test)]
mod tests;
mod told;

pub(crate) use explain::did_you_mean;
pub use failure::{
    DeletedVersion, DeniedBecause, Failure, FailureClass, InvalidBecause, LoginProblem, TlsProblem, TokenFileProblem,
    UnreachableBecause,
};
pub use state::{ReferenceState, Resolved, StateName};
pub use told::{Told, ToldState};

use crate::reason::Reason;
use crate::reference::Reference;
use crate::secret_ref::RefError;
use serde::{Deserialize, Serialize};

/// A text checked as a reference: what it reads as, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
pub enum ReferenceCheck {
    /// No reference, and why.
    Malformed { reason: Reason, problem: String },
    /// A reference; `request` is what is asked of the manager, for example
    /// `GET http://127.0.0.1:8200/v1/secret/data/api7/consumer/alice`.
    Checked { reference: Reference, request: Option<String>, state: Box<ToldState> },
}

impl From<&RefError> for ReferenceCheck {
    fn from(error: &RefError) -> Self {
        Self::Malformed { reason: error.problem.reason(), problem: error.to_string() }
    }
}

/// What happened, why, and what to do: each one sentence, without a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub what: String,
    pub fix: String,
    /// A command or policy to copy.
    pub snippet: Option<String>,
}

impl Explanation {
    /// An explanation without anything to copy.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), snippet: None }
    }

    /// With something to copy.
    #[must_use]
    pub fn with(mut self, snippet: impl Into<String>) -> Self {
        self.snippet = Some(snippet.into());
        self
    }
}
