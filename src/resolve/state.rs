//! Where a reference stands, and what may be told of its value.

use super::Failure;
use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// Where a reference stands. Told to the dashboard as [`super::ToldState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceState {
    /// The first read is under way.
    Pending,
    /// There is a value, and it is fresh.
    Ok(Resolved),
    /// The value kept over a restart is used until it is read anew, and at the longest until `until`.
    Restored { resolved: Resolved, until: Millis },
    /// The last read failed, and the last good value is used until `until`.
    Stale { resolved: Resolved, failure: Failure, until: Millis },
    /// There is no value to use.
    Failed { failure: Failure },
}

/// All that is told of a value: never the value, never a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The secret's version, where the manager has versions.
    pub version: Option<u64>,
    /// Characters.
    pub length: usize,
    /// Eight hex digits of a keyed hash: equal for equal values.
    pub fingerprint: String,
    /// When it was read.
    pub read_at: Millis,
    /// How long the read took, in milliseconds.
    pub took_ms: u64,
}

/// The states a reference can be in, as the dashboard, the logs and the metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    Pending,
    Ok,
    Stale,
    NotFound,
    KeyMissing,
    Denied,
    Unreachable,
    Sealed,
    Invalid,
    /// There is a value, and it breaks the rules of the field that it is for.
    Unfit,
    ProviderMissing,
}

impl StateName {
    /// Every state.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Ok,
        Self::Stale,
        Self::NotFound,
        Self::KeyMissing,
        Self::Denied,
        Self::Unreachable,
        Self::Sealed,
        Self::Invalid,
        Self::Unfit,
        Self::ProviderMissing,
    ];

    /// For logs and metrics: `key_missing`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::NotFound => "not_found",
            Self::KeyMissing => "key_missing",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::Sealed => "sealed",
            Self::Invalid => "invalid",
            Self::Unfit => "unfit",
            Self::ProviderMissing => "provider_missing",
        }
    }

    /// For the dashboard: `Key missing`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Checking",
            Self::Ok => "Resolved",
            Self::Stale => "Stale",
            Self::NotFound => "Not found",
            Self::KeyMissing => "Key missing",
            Self::Denied => "Denied",
            Self::Unreachable => "Unreachable",
            Self::Sealed => "Sealed",
            Self::Invalid => "Invalid",
            Self::Unfit => "Does not fit",
            Self::ProviderMissing => "Provider missing",
        }
    }
}

impl ReferenceState {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::Pending => StateName::Pending,
            Self::Ok(_) => StateName::Ok,
            Self::Restored { .. } | Self::Stale { .. } => StateName::Stale,
            Self::Failed { failure } => failure.name(),
        }
    }

    /// What is known of the value in use.
    #[must_use]
    pub fn resolved(&self) -> Option<&Resolved> {
        match self {
            Self::Ok(resolved) | Self::Restored { resolved, .. } | Self::Stale { resolved, .. } => Some(resolved),
            Self::Pending | Self::Failed { .. } => None,
        }
    }

    /// Why the last read gave nothing.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stale { failure, .. } | Self::Failed { failure } => Some(failure),
            Self::Pending | Self::Ok(_) | Self::Restored { .. } => None,
        }
    }
}

impl Resolved {
    /// `17 characters, version 3, read in 4 ms`.
    #[must_use]
    pub fn summary(&self) -> String {
        let version = self.version.map(|v| format!("version {v}, ")).unwrap_or_default();
        let s = if self.length == 1 { "" } else { "s" };
        format!("{} character{s}, {version}read in {} ms", self.length, self.took_ms)
    }
}
