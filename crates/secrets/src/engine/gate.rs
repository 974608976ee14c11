//! The way to one provider: how many reads are under way at once, and who may ask while it does not answer.
//!
//! A circuit breaker for the provider, not for each secret: after a few outages in a row all reads wait,
//! and one of them at a time goes ahead as a probe. The pauses between probes double up to a few seconds and no
//! further, so a thousand secrets ask a Vault that is away as rarely as one does, and its return is noticed within
//! five seconds however long it was away. When a probe is answered, all go ahead at once, as many as may.

use postern::time::Millis;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

/// Reads of one provider under way at once, at most, besides those that someone waits for.
const READS_AT_ONCE: usize = 48;
/// Reads under way that someone waits for, at most: an operator does not wait for all other secrets.
const AWAITED_AT_ONCE: usize = 16;
/// Outages in a row, of whichever secrets, after which the provider is taken to be away.
const AWAY_AFTER: u32 = 3;
/// The pause before the first probe; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between two probes.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

pub(super) struct Gate {
    turns: Semaphore,
    awaited: Semaphore,
    state: Mutex<State>,
    /// Ticks when the provider is back.
    returns: watch::Sender<u64>,
    /// Whoever holds it begins the next probe; who waits for it goes next.
    line: tokio::sync::Mutex<()>,
    /// Rung when the next probe is wanted now.
    hurry: Notify,
}

enum State {
    /// The provider answers, or failed to so many times in a row.
    Answering { outages: u32 },
    /// It does not.
    Away { since: Millis, probes: u32, next: Instant },
}

/// A read that may go ahead.
pub(super) struct Pass<'a> {
    _turn: Option<SemaphorePermit<'a>>,
    /// How often the provider had been away and back: what began before says nothing of now.
    returns: u64,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(READS_AT_ONCE),
            awaited: Semaphore::new(AWAITED_AT_ONCE),
            state: Mutex::new(State::Answering { outages: 0 }),
            returns: watch::Sender::new(0),
            line: tokio::sync::Mutex::default(),
            hurry: Notify::new(),
        }
    }

    /// Waits for a turn, and while the provider is away for its return or the time of a probe.
    pub(super) async fn pass(&self) -> Pass<'_> {
        loop {
            if self.is_away() {
                if self.probe_or_return().await {
                    return self.through(None);
                }
                continue;
            }
            // The semaphore is never closed.
            let turn = self.turns.acquire().await.ok();
            if !self.is_away() {
                return self.through(turn);
            }
        }
    }

    /// Waits for a turn among those that someone waits for: they ask whether or not the provider is away.
    pub(super) async fn pass_awaited(&self) -> Pass<'_> {
        self.through(self.awaited.acquire().await.ok())
    }

    /// A turn that is free at once, while the provider answers.
    pub(super) fn try_pass(&self) -> Option<Pass<'_>> {
        let turn = self.turns.try_acquire().ok()?;
        (!self.is_away()).then(|| self.through(Some(turn)))
    }

    /// How a read ended. An outage counts only when the read began after the provider's last return.
    pub(super) fn report(&self, pass: &Pass<'_>, outage: bool, now: Millis) {
        let mut state = self.state();
        match &mut *state {
            State::Answering { outages } if !outage => *outages = 0,
            State::Away { .. } if !outage => {
                *state = State::Answering { outages: 0 };
                self.returns.send_modify(|returns| *returns += 1);
            }
            State::Answering { outages } if pass.returns == *self.returns.borrow() => {
                *outages += 1;
                if *outages >= AWAY_AFTER {
                    let next = Instant::now() + pause(0, fastrand::f64());
                    *state = State::Away { since: now, probes: 0, next };
                }
            }
            State::Answering { .. } | State::Away { .. } => {}
        }
    }

    /// Since when the provider has been away.
    pub(super) fn away_since(&self) -> Option<Millis> {
        match *self.state() {
            State::Answering { .. } => None,
            State::Away { since, .. } => Some(since),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away_since().is_some()
    }

    /// Ticks when the provider is back.
    pub(super) fn returns(&self) -> watch::Receiver<u64> {
        self.returns.subscribe()
    }

    /// Someone wants to know now whether the provider is back.
    pub(super) fn hurry(&self) {
        if let State::Away { next, .. } = &mut *self.state() {
            *next = Instant::now();
        }
        self.hurry.notify_one();
    }

    /// True when it is this caller's time to probe, false when the provider is back.
    async fn probe_or_return(&self) -> bool {
        let mut returns = self.returns();
        if !self.is_away() {
            return false;
        }
        tokio::select! {
            _ = returns.changed() => false,
            () = self.probe() => true,
        }
    }

    /// Waits for the time of the next probe. The one after that begins a pause later, answered or not: a probe
    /// that hangs does not hold up the others.
    async fn probe(&self) {
        let _first = self.line.lock().await;
        loop {
            let next = match &mut *self.state() {
                // Then it is known to be back, and this future is dropped.
                State::Answering { .. } => None,
                State::Away { next, probes, .. } if *next <= Instant::now() => {
                    *probes += 1;
                    *next = Instant::now() + pause(*probes, fastrand::f64());
                    return;
                }
                State::Away { next, .. } => Some(*next),
            };
            let Some(next) = next else { return std::future::pending().await };
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.hurry.notified() => {}
            }
        }
    }

    fn through<'a>(&self, turn: Option<SemaphorePermit<'a>>) -> Pass<'a> {
        Pass { _turn: turn, returns: *self.returns.borrow() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NOW: Millis = Millis(5);

    async fn lose(gate: &Gate) {
        for _ in 0..AWAY_AFTER {
            let pass = gate.pass().await;
            gate.report(&pass, true, NOW);
        }
    }

    #[test]
    fn pauses_double_up_to_a_few_seconds() {
        for (probes, shortest, longest) in [(0, 250, 500), (1, 500, 1000), (2, 1000, 2000), (3, 1500, 3000), (u32::MAX, 1500, 3000)] {
            let at = |chance| pause(probes, chance).as_millis();
            assert_eq!((at(0.0), at(1.0)), (shortest, longest), "{probes}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_outages_in_a_row_mean_away_and_one_answer_means_back() {
        let gate = Gate::new();
        for outage in [true, true, false, true, true] {
            let pass = gate.pass().await;
            gate.report(&pass, outage, NOW);
        }
        assert_eq!(gate.away_since(), None);
        let late = gate.pass().await;
        lose(&gate).await;
        assert_eq!(gate.away_since(), Some(NOW));
        let probe = gate.pass().await;
        gate.report(&probe, true, Millis(9));
        assert_eq!(gate.away_since(), Some(NOW), "it is still the same outage");
        let probe = gate.pass().await;
        gate.report(&probe, false, NOW);
        assert_eq!(gate.away_since(), None);
        for _ in 0..AWAY_AFTER {
            gate.report(&late, true, NOW);
        }
        assert_eq!(gate.away_since(), None, "a read that began before says nothing of now");
    }

    /// A thousand secrets wait for an hour: they probe as often as one would, and all go ahead when one is answered.
    #[tokio::test(start_paused = true)]
    async fn a_thousand_waiters_probe_like_one_and_go_ahead_together() {
        let gate = Arc::new(Gate::new());
        lose(&gate).await;
        let (probes, through) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let back = Instant::now() + Duration::from_secs(3600);
        let waiters = (0..1000).map(|_| {
            let (gate, probes, through) = (gate.clone(), probes.clone(), through.clone());
            tokio::spawn(async move {
                loop {
                    let pass = gate.pass().await;
                    let outage = Instant::now() < back;
                    gate.report(&pass, outage, NOW);
                    if !outage {
                        through.fetch_add(1, Ordering::SeqCst);
                        return Instant::now() - back;
                    }
                    probes.fetch_add(1, Ordering::SeqCst);
                }
            })
        });
        let late = join_all(waiters).await.into_iter().map(Result::unwrap).max().unwrap();
        assert!(late <= LONGEST_PAUSE, "the last went ahead {late:?} after the return");
        let probes = probes.load(Ordering::SeqCst);
        assert!((1200..=2410).contains(&probes), "{probes} probes in an hour");
        assert_eq!(through.load(Ordering::SeqCst), 1000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_hangs_does_not_hold_up_the_next() {
        let gate = Gate::new();
        lose(&gate).await;
        let begun = Instant::now();
        let hanging = gate.pass().await;
        let next = gate.pass().await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        gate.report(&next, false, NOW);
        drop(hanging);
        assert_eq!(gate.away_since(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_waited_for_does_not_wait() {
        let gate = Gate::new();
        lose(&gate).await;
        let begun = Instant::now();
        let pass = gate.pass_awaited().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert!(gate.try_pass().is_none());
        gate.report(&pass, false, NOW);
        assert!(gate.try_pass().is_some());
        lose(&gate).await;
        gate.hurry();
        let begun = Instant::now();
        gate.pass().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_reads_at_once_than_allowed() {
        let gate = Gate::new();
        let passes = join_all((0..READS_AT_ONCE).map(|_| gate.pass())).await;
        assert!(gate.try_pass().is_none());
        let one_more = tokio::time::timeout(Duration::from_secs(60), gate.pass()).await;
        assert!(one_more.is_err());
        drop(passes);
        assert!(gate.try_pass().is_some());
    }
}
