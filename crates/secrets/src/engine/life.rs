//! The life of one secret: read it, wait, read it again.

use super::Inner;
use super::board::{Address, Provider};
use super::held::Reading;
use super::pace::{self, Ended};
use crate::document::Document;
use postern::resolve::Failure;
use postern::time::Millis;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// One round of reading.
struct Round {
    number: u64,
    provider: Arc<Provider>,
    bell: Arc<Notify>,
}

/// How one read ended, and when it was.
struct Read {
    document: Result<Document, Failure>,
    read_at: Millis,
    took_ms: u64,
}

/// Reads one secret until it is no longer wanted or its provider changes.
pub(super) async fn live(inner: Arc<Inner>, address: Address, generation: u64) {
    while let Some(round) = inner.begin(&address, generation) {
        let read = inner.read(&round.provider, &address).await;
        inner.keep(&address, generation, read);
        inner.look_back(&address, &round.provider).await;
        let Some(ended) = inner.end(&address, generation, round.number) else { return };
        inner.rest(&address, &round, ended).await;
    }
}

impl Inner {
    fn begin(&self, address: &Address, generation: u64) -> Option<Round> {
        let mut board = self.board();
        let (entry, provider) = board.entry_of(address, generation)?;
        Some(Round { number: entry.begin_round(), provider, bell: entry.bell.clone() })
    }

    async fn read(&self, provider: &Provider, address: &Address) -> Read {
        // The semaphore is never closed; without a turn the read is late, not lost.
        let _turn = provider.turns.acquire().await;
        let (read_at, begun) = (self.clock.now(), Instant::now());
        let document = provider.manager.read(&address.path).await;
        Read { document, read_at, took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    /// Puts what was read in place, unless the provider changed meanwhile.
    fn keep(self: &Arc<Self>, address: &Address, generation: u64, read: Read) {
        let mut board = self.board();
        let Some((entry, provider)) = board.entry_of(address, generation) else { return };
        let Read { document, read_at, took_ms } = read;
        match document {
            Ok(document) => {
                let last_seen = entry.held.last_seen(document.version);
                entry.held.succeed(Reading { document, read_at, took_ms, last_seen });
            }
            Err(failure) => entry.held.fail(failure),
        }
        let until = entry.held.bridged_until(provider.config.provider.freshness);
        match until {
            Some(until) if !entry.has_expiry() => entry.expire_with(Some(self.expire_at(address, until))),
            Some(_) => {}
            None => entry.expire_with(None),
        }
        self.tell(&mut board, address);
    }

    /// At `until` the value that bridges an outage is forgotten, and that is told.
    fn expire_at(self: &Arc<Self>, address: &Address, until: Millis) -> AbortOnDropHandle<()> {
        let (inner, address) = (self.clone(), address.clone());
        AbortOnDropHandle::new(self.runtime.spawn(async move {
            loop {
                let left = until.since(inner.clock.now());
                if left == 0 {
                    break;
                }
                sleep(Duration::from_millis(left)).await;
            }
            inner.expire(&address);
        }))
    }

    fn expire(&self, address: &Address) {
        let mut board = self.board();
        let Some(provider) = board.provider(&address.group, &address.provider) else { return };
        let freshness = provider.config.provider.freshness;
        if let Some(entry) = board.entry(address) {
            entry.held.expire(self.clock.now(), freshness);
        }
        self.tell(&mut board, address);
    }

    /// Looks for missing keys in earlier versions, which says a great deal to whoever has to mend it.
    async fn look_back(&self, address: &Address, provider: &Provider) {
        let wanted = self.board().entry(address).and_then(|entry| entry.held.to_look_for(entry.keys()));
        let Some((version, keys)) = wanted else { return };
        let seen = provider.manager.last_seen(&address.path, version, &keys).await;
        if let Some((entry, _)) = self.board().entry_of(address, provider.generation) {
            entry.held.remember(seen);
        }
    }

    /// Ends the round, which lets go whoever waits for it. Answers how it went.
    fn end(&self, address: &Address, generation: u64, round: u64) -> Option<Ended> {
        let mut board = self.board();
        let (entry, _) = board.entry_of(address, generation)?;
        Some(entry.end_round(round))
    }

    /// Waits until the secret is due, or someone wants it sooner.
    async fn rest(&self, address: &Address, round: &Round, ended: Ended) {
        let freshness = round.provider.config.provider.freshness;
        let due = sleep(pace::wait(ended, freshness, fastrand::f64()));
        tokio::pin!(due);
        loop {
            if self.board().entry(address).is_none_or(|entry| entry.is_round_wanted()) {
                return;
            }
            tokio::select! {
                () = &mut due => return,
                () = round.bell.notified() => {}
            }
        }
    }
}
