//! One secret that someone wants: what is held of it, who wants what, and the rounds of reading it.

use super::held::Held;
use super::pace::Ended;
use postern::fingerprint::Fingerprint;
use postern::resolve::StateName;
use postern::selection::Selector;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

/// One secret that someone wants.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) held: Held,
    /// The values references in use name, with what was last told of each.
    pub(super) watched: BTreeMap<Selector, Option<Told>>,
    /// The values someone waits for, watched or not.
    pub(super) visited: BTreeMap<Selector, usize>,
    pub(super) rounds: Rounds,
    /// Rung when a round is wanted.
    pub(super) bell: Arc<Notify>,
    /// Reads the secret again and again; none while the provider is missing.
    pub(super) life: Option<AbortOnDropHandle<()>>,
    /// Ends in time what stands in for a fresh value.
    pub(super) expiry: Option<AbortOnDropHandle<()>>,
}

/// Rounds of reading, counted from 1.
pub(super) struct Rounds {
    wanted: u64,
    begun: u64,
    ended: watch::Sender<u64>,
}

/// The round that someone waits for.
pub(super) struct Awaited {
    pub(super) round: u64,
    pub(super) ended: watch::Receiver<u64>,
    /// It had begun before the question: a failure that it ends in may be mended since.
    pub(super) is_joined: bool,
}

impl Default for Rounds {
    fn default() -> Self {
        Self { wanted: 1, begun: 0, ended: watch::Sender::new(0) }
    }
}

/// What was last told of a reference: a change of it is logged and published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) name: StateName,
    pub(super) value: Option<Fingerprint>,
}

impl Entry {
    pub(super) fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.watched.keys().chain(self.visited.keys())
    }

    /// A round that begins after this call. Answers its number and where its end shows.
    pub(super) fn want_round(&mut self) -> (u64, watch::Receiver<u64>) {
        let round = self.rounds.begun + 1;
        if self.rounds.wanted < round {
            self.rounds.wanted = round;
            self.bell.notify_one();
        }
        (round, self.rounds.ended.subscribe())
    }

    /// What whoever asks has to wait for: a round that begins after this call. While nothing is known yet, one
    /// under way may do, so that however many ask for a secret at first, it is read once.
    pub(super) fn want_answer(&mut self) -> Awaited {
        let under_way = self.rounds.begun > *self.rounds.ended.borrow();
        if under_way && self.held.is_cold() {
            return Awaited { round: self.rounds.begun, ended: self.rounds.ended.subscribe(), is_joined: true };
        }
        let (round, ended) = self.want_round();
        Awaited { round, ended, is_joined: false }
    }

    /// Begins a round; answers its number.
    pub(super) fn begin_round(&mut self) -> u64 {
        self.rounds.begun += 1;
        self.rounds.wanted = self.rounds.wanted.max(self.rounds.begun);
        self.rounds.begun
    }

    /// Ends a round; answers how it went for the keys in use.
    pub(super) fn end_round(&mut self, round: u64) -> Ended {
        let ended = self.held.end_round(self.watched.keys().chain(self.visited.keys()));
        self.rounds.ended.send_replace(round);
        ended
    }

    pub(super) fn is_round_wanted(&self) -> bool {
        self.rounds.wanted > self.rounds.begun
    }

    pub(super) fn is_visited(&self) -> bool {
        !self.visited.is_empty()
    }

    /// Reads with another provider from now on, or with none: then whoever waits is let go.
    pub(super) fn restart(&mut self, keep_values: bool, life: Option<AbortOnDropHandle<()>>) {
        if !keep_values {
            self.held = Held::default();
        }
        if life.is_none() {
            self.rounds = Rounds::default();
        }
        self.rounds.wanted = self.rounds.begun + 1;
        self.expiry = None;
        self.life = life;
    }

    /// How many values would survive a restart now.
    pub(super) fn keepable(&self) -> usize {
        self.held.keepable(self.watched.keys()).map_or(0, |(values, _)| values)
    }

    pub(super) fn is_wanted(&self) -> bool {
        !self.watched.is_empty() || !self.visited.is_empty()
    }
}
