//! What a provider in use is doing: told on its page, beside its configuration.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What is going on between Postern and one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderActivity {
    /// Since when it has not answered, while it does not.
    pub away_since: Option<Millis>,
    pub versions: VersionCheck,
    /// How many values would survive a restart now.
    pub kept: usize,
    /// When the oldest of these was read.
    pub oldest_kept: Option<Millis>,
}

/// Whether new versions of secrets are looked for between two reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionCheck {
    /// It was not tried yet, or this manager has no such question.
    #[default]
    Untried,
    /// The manager answers.
    Works,
    /// The manager refuses, so it is no longer asked.
    Refused,
}
