//! When a secret is read again.

use postern::provider::Freshness;
use std::time::Duration;

/// How the last read of a secret ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Every key in use has a value.
    Well,
    /// The manager said no, or a key in use has no usable value: read again soon, so that mending it in
    /// the manager is enough.
    No { times: u32 },
    /// No answer. While `bridged` an old value is in use, and the manager is asked more often.
    Outage { times: u32, bridged: bool },
}

const FIRST: f64 = 1.0;
const LONGEST_AFTER_NO: f64 = 10.0;
const LONGEST_WHILE_BRIDGED: f64 = 5.0;
const LONGEST_OUTAGE: f64 = 10.0;
const SHORTEST: f64 = 0.1;

/// How long to wait. `chance` is between 0 and 1 and spreads the reads of many secrets.
///
/// A good value is read again when 70 to 90 % of its time to live have passed, so that it is replaced
/// before it is too old. After an outage the wait is anything up to a limit that doubles ("full jitter").
pub(super) fn wait(ended: Ended, freshness: Freshness, chance: f64) -> Duration {
    let ahead = f64::from(freshness.ttl_seconds) * (0.7 + 0.2 * chance);
    let seconds = match ended {
        Ended::Well => ahead,
        Ended::No { times } => (limit(times, LONGEST_AFTER_NO) * (0.5 + 0.5 * chance)).min(ahead),
        Ended::Outage { times, bridged: true } => limit(times, LONGEST_WHILE_BRIDGED) * chance,
        Ended::Outage { times, bridged: false } => limit(times, LONGEST_OUTAGE) * chance,
    };
    Duration::from_secs_f64(seconds.max(SHORTEST))
}

/// 1, 2, 4, 8 … seconds, up to `longest`.
fn limit(times: u32, longest: f64) -> f64 {
    (FIRST * f64::from(2_u32.saturating_pow(times.saturating_sub(1)))).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ended: Ended, ttl_seconds: u32, earliest: f64, latest: f64) {
        let freshness = Freshness { ttl_seconds, ..Freshness::default() };
        let at = |chance| wait(ended, freshness, chance).as_secs_f64();
        let near = |got: f64, wanted: f64| assert!((got - wanted).abs() < 0.001, "{ended:?}: {got} is not {wanted}");
        near(at(0.0), earliest);
        near(at(1.0), latest);
    }

    #[test]
    fn waits() {
        check(Ended::Well, 300, 210.0, 270.0);
        check(Ended::Well, 5, 3.5, 4.5);
        check(Ended::Well, 0, 0.1, 0.1);
        check(Ended::No { times: 1 }, 300, 0.5, 1.0);
        check(Ended::No { times: 3 }, 300, 2.0, 4.0);
        check(Ended::No { times: 99 }, 300, 5.0, 10.0);
        check(Ended::No { times: 99 }, 5, 3.5, 4.5);
        check(Ended::Outage { times: 1, bridged: true }, 300, 0.1, 1.0);
        check(Ended::Outage { times: 99, bridged: true }, 300, 0.1, 5.0);
        check(Ended::Outage { times: 99, bridged: false }, 300, 0.1, 10.0);
    }
}
