//! When a provider is taken to be away, and when it is asked whether it is back.
//!
//! A circuit breaker for the provider, not for each secret: after a few outages in a row all reads wait, and one of
//! them at a time goes ahead as a probe. The pauses between probes double up to a few seconds and no further, so a
//! thousand secrets ask a Vault that is away as rarely as one does, and its return is noticed within five seconds
//! however long it was away. Times and chance are parameters here; [`super::gate`] waits.

use postern::time::Millis;
use std::time::Duration;
use tokio::time::Instant;

/// Outages in a row, of whichever secrets, after which the provider is taken to be away.
const AWAY_AFTER: u32 = 3;
/// The pause before the first probe; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two probes.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(super) struct Breaker {
    state: State,
    /// How often the provider came back: what began before says nothing of now.
    returns: u64,
}

#[derive(Debug)]
enum State {
    /// The provider answers, or failed to so many times in a row.
    Answering { outages: u32 },
    /// It does not.
    Away { since: Millis, probes: u32, next: Instant },
}

impl Default for State {
    fn default() -> Self {
        Self::Answering { outages: 0 }
    }
}

/// What whoever is first in line is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probe {
    /// Ask now.
    Now,
    /// Not before this moment.
    At(Instant),
    /// The provider is back: no probe is needed.
    Back,
}

impl Breaker {
    /// How often the provider came back.
    pub(super) fn returns(&self) -> u64 {
        self.returns
    }

    /// Since when the provider has been away.
    pub(super) fn away_since(&self) -> Option<Millis> {
        match self.state {
            State::Answering { .. } => None,
            State::Away { since, .. } => Some(since),
        }
    }

    /// A read was answered, whatever the answer.
    pub(super) fn answered(&mut self) {
        self.returns += u64::from(self.away_since().is_some());
        self.state = State::default();
    }

    /// A read had no answer. It counts only when it began after the provider's last return.
    pub(super) fn outage(&mut self, began_after: u64, now: Millis, at: Instant, chance: f64) {
        match &mut self.state {
            State::Answering { outages } if began_after == self.returns => {
                *outages += 1;
                if *outages >= AWAY_AFTER {
                    self.state = State::Away { since: now, probes: 0, next: at + pause(0, chance) };
                }
            }
            State::Answering { .. } | State::Away { .. } => {}
        }
    }

    /// Someone is ready to probe. The one after that begins a pause later, answered or not: a probe that hangs does
    /// not hold up the next.
    pub(super) fn probe(&mut self, at: Instant, chance: f64) -> Probe {
        match &mut self.state {
            State::Answering { .. } => Probe::Back,
            State::Away { next, .. } if at < *next => Probe::At(*next),
            State::Away { next, probes, .. } => {
                *probes = probes.saturating_add(1);
                *next = at + pause(*probes, chance);
                Probe::Now
            }
        }
    }

    /// The next probe is wanted now.
    pub(super) fn hurry(&mut self, at: Instant) {
        if let State::Away { next, .. } = &mut self.state {
            *next = at;
        }
    }
}

/// Doubles with each probe up to the longest; between half of that and all of it.
fn pause(probes: u32, chance: f64) -> Duration {
    let whole = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(probes)).min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + 0.5 * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(5);

    fn lose(breaker: &mut Breaker, at: Instant) {
        for _ in 0..AWAY_AFTER {
            breaker.outage(breaker.returns(), NOW, at, 1.0);
        }
        assert_eq!(breaker.away_since(), Some(NOW));
    }

    #[test]
    fn pauses_double_up_to_a_few_seconds() {
        for (probes, shortest, longest) in
            [(0, 250, 500), (1, 500, 1000), (2, 1000, 2000), (3, 1500, 3000), (u32::MAX, 1500, 3000)]
        {
            let at = |chance| pause(probes, chance).as_millis();
            assert_eq!((at(0.0), at(1.0)), (shortest, longest), "{probes}");
        }
    }

    #[test]
    fn a_few_outages_in_a_row_mean_away_and_one_answer_means_back() {
        let (mut breaker, at) = (Breaker::default(), Instant::now());
        for _ in 0..10 {
            breaker.outage(0, NOW, at, 1.0);
            breaker.outage(0, NOW, at, 1.0);
            breaker.answered();
        }
        assert_eq!(breaker.returns(), 0);
        assert_eq!(breaker.probe(at, 1.0), Probe::Back);
        lose(&mut breaker, at);
        breaker.outage(0, Millis(9), at, 1.0);
        assert_eq!(breaker.away_since(), Some(NOW), "it is still the same outage");
        breaker.answered();
        assert_eq!((breaker.away_since(), breaker.returns()), (None, 1));
        lose(&mut breaker, at);
    }

    #[test]
    fn reads_that_began_before_a_return_do_not_undo_it() {
        let (mut breaker, at) = (Breaker::default(), Instant::now());
        lose(&mut breaker, at);
        breaker.answered();
        for _ in 0..100 {
            breaker.outage(0, NOW, at, 1.0);
        }
        assert_eq!(breaker.away_since(), None);
    }

    /// Whoever is in line asks as soon as told, for a day: never more often than every second or two, and never so
    /// rarely that a return were noticed after more than three seconds.
    #[test]
    fn a_long_outage_is_probed_steadily() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        lose(&mut breaker, start);
        let (mut at, mut last, mut probes) = (start, start, 0_u32);
        while at < start + Duration::from_secs(86_400) {
            match breaker.probe(at, f64::from(probes % 11) / 10.0) {
                Probe::Now => {
                    assert!(at - last <= LONGEST_PAUSE, "{:?}", at - last);
                    (last, probes) = (at, probes + 1);
                    breaker.outage(0, NOW, at, 0.5);
                }
                Probe::At(next) => at = next,
                Probe::Back => panic!("nothing was answered"),
            }
        }
        assert!((28_800..=57_603).contains(&probes), "{probes} probes in a day");
    }

    #[test]
    fn a_probe_is_wanted_now() {
        let (mut breaker, at) = (Breaker::default(), Instant::now());
        lose(&mut breaker, at);
        assert_eq!(breaker.probe(at, 1.0), Probe::At(at + FIRST_PAUSE));
        breaker.hurry(at);
        assert_eq!(breaker.probe(at, 1.0), Probe::Now);
        assert_eq!(breaker.probe(at, 1.0), Probe::At(at + 2 * FIRST_PAUSE), "one that hangs does not hold up the next");
    }
}
