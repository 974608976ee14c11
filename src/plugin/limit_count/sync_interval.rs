//! How often a gateway tells Redis what it has counted.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// At least 0.1 s; stored as a number of seconds, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct SyncInterval {
    ms: u64,
}

/// Why a number is no interval: a sentence for its field, the first as APISIX says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncIntervalError {
    #[error("sync_interval should not be smaller than 0.1")]
    TooSmall,
    #[error("sync_interval is a number of seconds up to a day (86400).")]
    TooLarge,
}

impl SyncInterval {
    /// Once a day.
    const MAX_SECONDS: f64 = 86_400.0;

    /// How long it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.ms)
    }

    /// Whether a window of so many seconds is longer. One that is not cannot be synced late.
    #[must_use]
    pub fn is_within(self, seconds: u64) -> bool {
        self.ms < seconds.saturating_mul(1000)
    }
}

impl TryFrom<f64> for SyncInterval {
    type Error = SyncIntervalError;

    fn try_from(seconds: f64) -> Result<Self, SyncIntervalError> {
        if seconds < 0.1 {
            return Err(SyncIntervalError::TooSmall);
        }
        if seconds.is_nan() || seconds > Self::MAX_SECONDS {
            return Err(SyncIntervalError::TooLarge);
        }
        let duration = Duration::from_secs_f64(seconds);
        Ok(Self { ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX) })
    }
}

impl From<SyncInterval> for f64 {
    fn from(interval: SyncInterval) -> Self {
        interval.duration().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_has_a_tenth_of_a_second_at_least() {
        for (seconds, ms) in [
            (0.1, Ok(100)),
            (0.25, Ok(250)),
            (1.0, Ok(1000)),
            (86_400.0, Ok(86_400_000)),
            (0.09, Err(SyncIntervalError::TooSmall)),
            (0.0, Err(SyncIntervalError::TooSmall)),
            (-2.0, Err(SyncIntervalError::TooSmall)),
            (86_401.0, Err(SyncIntervalError::TooLarge)),
            (f64::INFINITY, Err(SyncIntervalError::TooLarge)),
            (f64::NAN, Err(SyncIntervalError::TooLarge)),
        ] {
            let got = SyncInterval::try_from(seconds);
            assert_eq!(got.map(|interval| interval.ms), ms, "{seconds}");
            assert!(got.is_ok_and(|interval| f64::from(interval) == seconds) || ms.is_err(), "{seconds}");
        }
    }

    #[test]
    fn it_is_shorter_than_the_window() {
        let interval = SyncInterval::try_from(1.0).unwrap();
        assert!(!interval.is_within(1) && interval.is_within(2));
    }
}
