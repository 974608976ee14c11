//! How long a request to a secret manager may take.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Whole seconds from opening the connection to the end of the answer; [`Timeout::MIN`] to [`Timeout::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Timeout(u32);

/// Why a text is no timeout: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Enter whole seconds from {} to {}.", Timeout::MIN, Timeout::MAX)]
pub struct TimeoutError;

impl Timeout {
    /// The shortest, in seconds.
    pub const MIN: u32 = 1;
    /// The longest, in seconds: who waits for an answer in the dashboard waits this long.
    pub const MAX: u32 = 60;

    /// From a form's field; empty means the default.
    ///
    /// # Errors
    /// No whole number, or one that is out of bounds.
    pub fn from_field(text: &str) -> Result<Self, TimeoutError> {
        match text.trim() {
            "" => Ok(Self::default()),
            text => text.parse::<u32>().map_err(|_| TimeoutError)?.try_into(),
        }
    }

    /// For a whole request.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl Default for Timeout {
    /// Five seconds, as APISIX waits for Vault (`apisix/secret/vault.lua`).
    fn default() -> Self {
        Self(5)
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Timeout> for u32 {
    fn from(timeout: Timeout) -> u32 {
        timeout.0
    }
}

impl TryFrom<u32> for Timeout {
    type Error = TimeoutError;
    fn try_from(seconds: u32) -> Result<Self, TimeoutError> {
        (Self::MIN..=Self::MAX).contains(&seconds).then_some(Self(seconds)).ok_or(TimeoutError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_whole_seconds_within_bounds() {
        for (text, expected) in [
            ("", Some(5)),
            (" 30 ", Some(30)),
            ("1", Some(1)),
            ("60", Some(60)),
            ("0", None),
            ("61", None),
            ("-1", None),
            ("1.5", None),
            ("5s", None),
        ] {
            assert_eq!(Timeout::from_field(text).ok().map(u32::from), expected, "{text:?}");
        }
        assert_eq!(TimeoutError.to_string(), "Enter whole seconds from 1 to 60.");
    }
}
