//! How fresh a provider's values must be, and how long an old one may stand in.

use crate::problem::Problems;
use serde::{Deserialize, Serialize};

/// How fresh values must be. What was stored before a field existed has that field's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Freshness {
    /// Seconds after which a value is read again at the latest; at least [`Freshness::MIN_TTL`].
    pub ttl_seconds: u32,
    /// Seconds for which the last good value is used while the manager cannot be reached, counted from
    /// when it was read.
    pub max_stale_seconds: u32,
    /// Seconds for which the last good value is used after the manager refused to give it, counted from
    /// the first refusal; never longer than `max_stale_seconds` from when it was read.
    pub denied_grace_seconds: u32,
    /// Seconds between two looks for a new version, where the manager can be asked that; 0 for none.
    pub version_check_seconds: u32,
    /// Whether last good values are kept, encrypted, over a restart.
    pub keep_over_restart: bool,
}

impl Freshness {
    /// The shortest refresh interval, in seconds.
    pub const MIN_TTL: u32 = 5;
    /// The longest refresh interval and the longest outage bridged, in seconds: 30 days.
    pub const MAX: u32 = 30 * 86_400;
    /// The longest grace after a refusal, in seconds: an hour. A revoked secret must not live on for days.
    pub const MAX_GRACE: u32 = 3600;
}

impl Default for Freshness {
    fn default() -> Self {
        Self {
            ttl_seconds: 300,
            max_stale_seconds: 86_400,
            denied_grace_seconds: 300,
            version_check_seconds: 30,
            keep_over_restart: true,
        }
    }
}

/// The dialog's fields, as typed. Empty means the default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FreshnessForm {
    pub ttl_seconds: String,
    pub max_stale_seconds: String,
    pub denied_grace_seconds: String,
    pub version_check_seconds: String,
    pub keep_over_restart: bool,
}

impl Default for FreshnessForm {
    fn default() -> Self {
        Self {
            ttl_seconds: String::new(),
            max_stale_seconds: String::new(),
            denied_grace_seconds: String::new(),
            version_check_seconds: String::new(),
            keep_over_restart: Freshness::default().keep_over_restart,
        }
    }
}

impl FreshnessForm {
    pub(super) fn parse(&self, problems: &mut Problems) -> Option<Freshness> {
        let default = Freshness::default();
        let mut seconds = |field, text, default, range| seconds(problems, field, text, default, range);
        let to_max = [0, Freshness::MAX];
        let ttl = seconds("ttl_seconds", &self.ttl_seconds, default.ttl_seconds, [Freshness::MIN_TTL, Freshness::MAX]);
        let stale = seconds("max_stale_seconds", &self.max_stale_seconds, default.max_stale_seconds, to_max);
        let (grace, to_max_grace) = (default.denied_grace_seconds, [0, Freshness::MAX_GRACE]);
        let grace = seconds("denied_grace_seconds", &self.denied_grace_seconds, grace, to_max_grace);
        let versions = default.version_check_seconds;
        let versions = seconds("version_check_seconds", &self.version_check_seconds, versions, to_max);
        Some(Freshness {
            ttl_seconds: ttl?,
            max_stale_seconds: stale?,
            denied_grace_seconds: grace?,
            version_check_seconds: versions?,
            keep_over_restart: self.keep_over_restart,
        })
    }

    /// The form that edits `freshness`.
    #[must_use]
    pub fn of(freshness: Freshness) -> Self {
        Self {
            ttl_seconds: freshness.ttl_seconds.to_string(),
            max_stale_seconds: freshness.max_stale_seconds.to_string(),
            denied_grace_seconds: freshness.denied_grace_seconds.to_string(),
            version_check_seconds: freshness.version_check_seconds.to_string(),
            keep_over_restart: freshness.keep_over_restart,
        }
    }
}

fn seconds(problems: &mut Problems, field: &str, text: &str, default: u32, [least, most]: [u32; 2]) -> Option<u32> {
    if text.trim().is_empty() {
        return Some(default);
    }
    match text.trim().parse::<u32>() {
        Ok(n) if (least..=most).contains(&n) => Some(n),
        _ => {
            problems.add(field, format!("Enter whole seconds from {least} to {most}."));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut FreshnessForm), expected: Result<Freshness, &str>) {
        let mut form = FreshnessForm::default();
        change(&mut form);
        let mut problems = Problems::default();
        let parsed = form.parse(&mut problems);
        match (problems.finish(parsed), expected) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted),
            (Err(got), Err(field)) => assert_eq!(got.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), [field]),
            (got, expected) => panic!("{form:?}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn fields_have_defaults_and_limits() {
        let default = Freshness::default();
        check(|_| {}, Ok(default));
        check(|form| form.ttl_seconds = " 5 ".to_owned(), Ok(Freshness { ttl_seconds: 5, ..default }));
        check(|form| form.ttl_seconds = "4".to_owned(), Err("ttl_seconds"));
        check(|form| form.max_stale_seconds = "0".to_owned(), Ok(Freshness { max_stale_seconds: 0, ..default }));
        check(|form| form.max_stale_seconds = "2592001".to_owned(), Err("max_stale_seconds"));
        check(|form| form.denied_grace_seconds = "0".to_owned(), Ok(Freshness { denied_grace_seconds: 0, ..default }));
        check(|form| form.denied_grace_seconds = "3601".to_owned(), Err("denied_grace_seconds"));
        check(|form| form.denied_grace_seconds = "a while".to_owned(), Err("denied_grace_seconds"));
    }

    #[test]
    fn the_form_of_a_stored_one_is_that_one() {
        let stored = Freshness {
            ttl_seconds: 7,
            max_stale_seconds: 0,
            denied_grace_seconds: 0,
            version_check_seconds: 0,
            keep_over_restart: false,
        };
        check(|form| *form = FreshnessForm::of(stored), Ok(stored));
    }

    #[test]
    fn what_was_stored_before_a_field_existed_has_its_default() {
        let old: Freshness = serde_json::from_str(r#"{"ttl_seconds":60,"max_stale_seconds":1}"#).unwrap();
        assert_eq!(old, Freshness { ttl_seconds: 60, max_stale_seconds: 1, ..Freshness::default() });
    }
}
