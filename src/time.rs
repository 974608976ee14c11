//! Time as a parameter: nobody but the server's `SystemClock` asks the machine what time it is.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

impl Millis {
    /// This moment plus `seconds`.
    #[must_use]
    pub fn plus_seconds(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Milliseconds from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `2026-11-22 09:30:00 UTC`.
    #[must_use]
    pub fn to_utc_text(self) -> String {
        let seconds = self.0 / 1000;
        let (year, month, day) = civil_from_days(seconds / 86_400);
        let in_day = seconds % 86_400;
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{:02} UTC", in_day / 3600, in_day / 60 % 60, in_day % 60)
    }

    /// `2026-11-22T09:30:00.123Z` (RFC 3339).
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let text = self.to_utc_text();
        let (date, time) = text.trim_end_matches(" UTC").split_once(' ').unwrap_or_default();
        format!("{date}T{time}.{:03}Z", self.0 % 1000)
    }
}

/// Whoever knows the time.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Millis;
}

/// A length of time as an operator reads it: `42 s`, `5 min`, `3 h`, `2 d`.
#[must_use]
pub fn duration_text(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Year, month and day of a day count since 1970-01-01, after Howard Hinnant's `civil_from_days`.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let era = z / 146_097;
    let day_of_era = z % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_utc() {
        for (millis, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00:00 UTC"),
            (1_735_689_599_999, "2024-12-31 23:59:59 UTC"),
            (1_795_339_800_000, "2026-11-22 09:30:00 UTC"),
        ] {
            assert_eq!(Millis(millis).to_utc_text(), text);
        }
        assert_eq!(Millis(1_735_689_599_987).to_rfc3339(), "2024-12-31T23:59:59.987Z");
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [(0, "0 s"), (119, "119 s"), (300, "5 min"), (86_400, "24 h"), (172_800, "2 d")] {
            assert_eq!(duration_text(seconds), text);
        }
    }
}
