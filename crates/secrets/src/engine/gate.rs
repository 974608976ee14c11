//! The way to one provider: how many reads are under way at once, and who goes ahead while it is away.

use super::breaker::{Breaker, Probe};
use postern::resolve::Failure;
use postern::time::Millis;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

/// Reads of one provider under way at once, at most, besides those that someone waits for.
const READS_AT_ONCE: usize = 48;
/// Reads under way that someone waits for, at most: an operator does not wait for all other secrets.
const AWAITED_AT_ONCE: usize = 16;

pub(super) struct Gate {
    turns: Semaphore,
    awaited: Semaphore,
    breaker: Mutex<Breaker>,
    /// Why the provider is away, while it is.
    away: watch::Sender<Option<Failure>>,
    /// Whoever holds it begins the next probe; who waits for it goes next.
    line: tokio::sync::Mutex<()>,
    /// Rung when the next probe is wanted now.
    bell: Notify,
}

/// A read that may go ahead.
pub(super) struct Pass<'a> {
    _turn: Option<SemaphorePermit<'a>>,
    /// The provider's returns before it.
    began_after: u64,
}

impl Gate {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(READS_AT_ONCE),
            awaited: Semaphore::new(AWAITED_AT_ONCE),
            breaker: Mutex::default(),
            away: watch::Sender::new(None),
            line: tokio::sync::Mutex::default(),
            bell: Notify::new(),
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

    /// Waits for a turn for something less than a read, which says nothing of the provider.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        self.turns.acquire().await.ok()
    }

    /// How a read ended: with an outage, or with any answer at all.
    pub(super) fn report(&self, pass: &Pass<'_>, outage: Option<&Failure>, now: Millis) {
        let mut breaker = self.breaker();
        match outage {
            Some(_) => breaker.outage(pass.began_after, now, Instant::now(), fastrand::f64()),
            None => breaker.answered(),
        }
        // Under the breaker's lock, so that no two reports pass each other.
        let why = breaker.away_since().and(outage.cloned());
        self.away.send_if_modified(|away| {
            let changed = *away != why;
            *away = why;
            changed
        });
    }

    /// Since when the provider has been away.
    pub(super) fn away_since(&self) -> Option<Millis> {
        self.breaker().away_since()
    }

    pub(super) fn is_away(&self) -> bool {
        self.away_since().is_some()
    }

    /// Why the provider is away, while it is: ticks when it goes, when the reason changes, and when it is back.
    pub(super) fn away(&self) -> watch::Receiver<Option<Failure>> {
        self.away.subscribe()
    }

    /// Someone wants to know now whether the provider is back.
    pub(super) fn hurry(&self) {
        self.breaker().hurry(Instant::now());
        self.bell.notify_one();
    }

    /// True when it is this caller's time to probe, false when the provider is back.
    async fn probe_or_return(&self) -> bool {
        let mut away = self.away();
        tokio::select! {
            _ = away.wait_for(Option::is_none) => false,
            () = self.probe() => true,
        }
    }

    /// Waits for its place in the line, then for the time of the next probe.
    async fn probe(&self) {
        let _first = self.line.lock().await;
        loop {
            let probe = self.breaker().probe(Instant::now(), fastrand::f64());
            match probe {
                Probe::Now => return,
                Probe::At(next) => tokio::select! {
                    () = sleep_until(next) => {}
                    () = self.bell.notified() => {}
                },
                // The caller hears of it too, and drops this.
                Probe::Back => std::future::pending().await,
            }
        }
    }

    fn through<'a>(&self, turn: Option<SemaphorePermit<'a>>) -> Pass<'a> {
        Pass { _turn: turn, began_after: self.breaker().returns() }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const NOW: Millis = Millis(5);

    fn outage() -> Failure {
        Failure::Sealed { address: "http://v".to_owned() }
    }

    async fn lose(gate: &Gate) {
        while !gate.is_away() {
            let pass = gate.pass().await;
            gate.report(&pass, Some(&outage()), NOW);
        }
    }

    /// Two probes have no answer, the third has: after three reads all thousand go ahead.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_thousand_waiters_probe_like_one_and_go_ahead_together() {
        let gate = Arc::new(Gate::new());
        lose(&gate).await;
        let probes = Arc::new(AtomicUsize::new(0));
        let waiters = (0..1000).map(|_| {
            let (gate, probes) = (gate.clone(), probes.clone());
            tokio::spawn(async move {
                loop {
                    let pass = gate.pass().await;
                    let away = gate.is_away();
                    let unanswered = away && probes.fetch_add(1, Ordering::SeqCst) < 2;
                    gate.report(&pass, unanswered.then(outage).as_ref(), NOW);
                    if !unanswered {
                        return;
                    }
                }
            })
        });
        join_all(waiters).await;
        assert_eq!(probes.load(Ordering::SeqCst), 3);
        assert!(!gate.is_away());
    }

    #[tokio::test]
    async fn whoever_is_waited_for_does_not_wait() {
        let gate = Gate::new();
        lose(&gate).await;
        let pass = gate.pass_awaited().await;
        assert_eq!(*gate.away().borrow(), Some(outage()));
        gate.report(&pass, None, NOW);
        assert_eq!(*gate.away().borrow(), None);
        assert!(!gate.is_away());
    }

    #[tokio::test]
    async fn no_more_reads_at_once_than_allowed() {
        let gate = Gate::new();
        let passes = join_all((0..READS_AT_ONCE).map(|_| gate.pass())).await;
        let mut one_more = Box::pin(gate.pass());
        assert!((&mut one_more).now_or_never().is_none());
        drop(passes);
        assert!(one_more.now_or_never().is_some());
    }
}
