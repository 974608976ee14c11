//! What is told of a reference, in words: all that leaves the process towards the dashboard.
//!
//! A [`Failure`] is explained where it is known. It is never sent: the browser shows words, and its program carries
//! neither the kinds of failure nor their sentences.

use super::{Explanation, Failure, ReferenceState, Resolved, StateName};
use crate::reason::Reason;
use crate::time::{Millis, duration_text};
use serde::{Deserialize, Serialize};

/// A failure, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    pub reason: Reason,
    pub explanation: Explanation,
}

impl From<&Failure> for Told {
    fn from(failure: &Failure) -> Self {
        Self { reason: failure.reason(), explanation: failure.explain() }
    }
}

/// Where a reference stands, told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldState {
    pub name: StateName,
    /// What is known of the value in use; `None` when there is none.
    pub resolved: Option<Resolved>,
    /// Until when the value is used, when it is not fresh.
    pub until: Option<Millis>,
    /// Why the last read gave nothing.
    pub failure: Option<Told>,
}

impl From<&ReferenceState> for ToldState {
    fn from(state: &ReferenceState) -> Self {
        let until = match state {
            ReferenceState::Restored { until, .. } | ReferenceState::Stale { until, .. } => Some(*until),
            ReferenceState::Pending | ReferenceState::Ok(_) | ReferenceState::Failed { .. } => None,
        };
        Self {
            name: state.name(),
            resolved: state.resolved().cloned(),
            until,
            failure: state.failure().map(Told::from),
        }
    }
}

impl From<ReferenceState> for ToldState {
    fn from(state: ReferenceState) -> Self {
        Self::from(&state)
    }
}

impl ToldState {
    /// One sentence for a badge's side: what the state is, without the fix.
    #[must_use]
    pub fn summary(&self, now: Millis) -> String {
        let Self { resolved, until, failure, .. } = self;
        let what = failure.as_ref().map(|told| told.explanation.what.clone());
        match (resolved, until) {
            (Some(resolved), Some(until)) => format!(
                "{} The last good value ({}), read {} ago, is used for another {}.",
                what.as_deref().unwrap_or("Being read for the first time since the start."),
                resolved.summary(),
                duration_text(now.since(resolved.read_at) / 1000),
                duration_text(until.since(now) / 1000)
            ),
            (Some(resolved), None) => resolved.summary(),
            (None, _) => what.unwrap_or_else(|| "Being read for the first time.".to_owned()),
        }
    }
}
