//! The life of one secret: read it, wait, read it again.

use super::Inner;
use super::board::{Address, Provider};
use super::held::Reading;
use super::pace::{self, Ended};
use crate::Unread;
use crate::document::Document;
use postern::selection::Selector;
use postern::time::Millis;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, SemaphorePermit};
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// One secret's life with one generation of its provider.
struct Life {
    inner: Arc<Inner>,
    address: Address,
    provider: Arc<Provider>,
    /// Rung when someone wants a round.
    bell: Arc<Notify>,
}

/// How one read ended, and when it was.
struct Read {
    document: Result<Document, Unread>,
    read_at: Millis,
    took_ms: u64,
}

/// Reads one secret until it is no longer wanted or its provider changes.
pub(super) async fn live(inner: Arc<Inner>, address: Address, generation: u64) {
    let Some(life) = Life::begin(inner, address, generation) else { return };
    while let Some(ended) = life.round().await {
        life.rest(ended).await;
    }
}

impl Life {
    fn begin(inner: Arc<Inner>, address: Address, generation: u64) -> Option<Self> {
        let (bell, provider) = {
            let mut board = inner.board();
            let (entry, provider) = board.entry_of(&address, generation)?;
            (entry.bell.clone(), provider)
        };
        Some(Self { inner, address, provider, bell })
    }

    /// One round of reading. Answers how it went; nothing when this life is over.
    async fn round(&self) -> Option<Ended> {
        let _turn = self.turn().await;
        let round = self.inner.board().entry_of(&self.address, self.provider.generation)?.0.begin_round();
        let read = self.read().await;
        self.keep(read);
        self.look_back().await;
        Some(self.inner.board().entry_of(&self.address, self.provider.generation)?.0.end_round(round))
    }

    /// Waits for one of the provider's turns. A secret that someone waits for takes none: with a great
    /// many secrets and a Vault that does not answer, the operator would wait for all of them.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = self.provider.turns.acquire();
        tokio::pin!(turn);
        loop {
            if self.inner.board().entry(&self.address).is_none_or(|entry| entry.is_visited()) {
                return None;
            }
            tokio::select! {
                turn = &mut turn => return turn.ok(),
                () = self.bell.notified() => {}
            }
        }
    }

    async fn read(&self) -> Read {
        let (read_at, begun) = (self.inner.clock.now(), Instant::now());
        let wanted: Option<BTreeSet<Selector>> =
            self.inner.board().entry(&self.address).map(|entry| entry.selectors().cloned().collect());
        let Address { path, pin, .. } = &self.address;
        let document = self.provider.manager.read(path, pin.as_ref(), &wanted.unwrap_or_default()).await;
        Read { document, read_at, took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX) }
    }

    /// Puts what was read in place, unless the provider changed meanwhile.
    fn keep(&self, read: Read) {
        let mut board = self.inner.board();
        let Some((entry, provider)) = board.entry_of(&self.address, self.provider.generation) else { return };
        let Read { document, read_at, took_ms } = read;
        match document {
            Ok(document) => {
                let last_seen = entry.held.last_seen(document.version);
                entry.held.succeed(Reading { document, read_at, took_ms, last_seen });
            }
            Err(Unread { failure, refused }) => {
                entry.held.refuse(refused);
                entry.held.fail(failure);
            }
        }
        match entry.held.bridged_until(provider.config.provider.freshness) {
            None => entry.expiry = None,
            Some(until) if entry.expiry.is_none() => entry.expiry = Some(self.expire_at(until)),
            Some(_) => {}
        }
        self.inner.tell(&mut board, &self.address);
    }

    /// At `until` the value that bridges an outage is forgotten, and that is told.
    fn expire_at(&self, until: Millis) -> AbortOnDropHandle<()> {
        let (inner, address, provider) = (self.inner.clone(), self.address.clone(), self.provider.clone());
        AbortOnDropHandle::new(self.inner.runtime.spawn(async move {
            while let left @ 1.. = until.since(inner.clock.now()) {
                sleep(Duration::from_millis(left)).await;
            }
            let mut board = inner.board();
            if let Some((entry, _)) = board.entry_of(&address, provider.generation) {
                entry.held.expire(inner.clock.now(), provider.config.provider.freshness);
            }
            inner.tell(&mut board, &address);
        }))
    }

    /// Looks for missing keys in earlier versions, which says a great deal to whoever has to mend it.
    async fn look_back(&self) {
        let missing =
            self.inner.board().entry(&self.address).and_then(|entry| entry.held.to_look_for(entry.selectors()));
        let Some((version, keys)) = missing else { return };
        let seen = self.provider.manager.last_seen(&self.address.path, version, &keys).await;
        if let Some((entry, _)) = self.inner.board().entry_of(&self.address, self.provider.generation) {
            entry.held.remember(keys, &seen);
        }
    }

    /// Waits until the secret is due, or someone wants it sooner.
    async fn rest(&self, ended: Ended) {
        let due = sleep(pace::wait(ended, self.provider.config.provider.freshness, fastrand::f64()));
        tokio::pin!(due);
        loop {
            if self.inner.board().entry(&self.address).is_none_or(|entry| entry.is_round_wanted()) {
                return;
            }
            tokio::select! {
                () = &mut due => return,
                () = self.bell.notified() => {}
            }
        }
    }
}
