//! The life of one secret: read it, wait, read it again.

use super::Inner;
use super::address::Address;
use super::gate::Pass;
use super::held::Reading;
use super::pace::{self, Ended};
use super::provider::Provider;
use crate::document::Document;
use crate::{Newest, Unread};
use postern::provider::VersionCheck;
use postern::resolve::Failure;
use postern::selection::Selector;
use postern::time::Millis;
use std::collections::BTreeSet;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// One secret's life with one generation of its provider.
struct Life {
    inner: Arc<Inner>,
    address: Address,
    provider: Arc<Provider>,
    /// Rung when someone wants a round.
    bell: Arc<Notify>,
    /// The manager refused to tell the newest version.
    refused: AtomicBool,
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
        Some(Self { inner, address, provider, bell, refused: AtomicBool::new(false) })
    }

    /// One round of reading. Answers how it went; nothing when this life is over.
    async fn round(&self) -> Option<Ended> {
        let pass = self.pass().await?;
        let round = self.inner.board().entry_of(&self.address, self.provider.generation)?.0.begin_round();
        let read = self.read().await;
        let outage = read.document.as_ref().err().map(|unread| &unread.failure).filter(|f| f.is_transient());
        self.provider.gate.report(&pass, outage, self.inner.clock.now());
        self.keep(read);
        self.look_back().await;
        let ended = self.inner.board().entry_of(&self.address, self.provider.generation)?.0.end_round(round);
        if self.refused.swap(false, Ordering::Relaxed) && ended == Ended::Well {
            self.provider.set_versions(VersionCheck::Refused);
        }
        Some(ended)
    }

    /// Waits until the provider may be asked; nothing when the secret is no longer wanted. One that someone
    /// waits for does not queue with the others.
    async fn pass(&self) -> Option<Pass<'_>> {
        let pass = self.provider.gate.pass();
        tokio::pin!(pass);
        let mut away = self.provider.gate.away();
        loop {
            let why = away.borrow_and_update().clone();
            if let Some(failure) = why {
                self.miss(failure);
            }
            if self.inner.board().entry(&self.address)?.is_visited() {
                return tokio::select! {
                    pass = pass => Some(pass),
                    pass = self.provider.gate.pass_awaited() => Some(pass),
                };
            }
            tokio::select! {
                pass = &mut pass => return Some(pass),
                () = self.bell.notified() => {}
                _ = away.changed() => {}
            }
        }
    }

    /// The secret is due and the provider is away: that is this secret's outage too, though another was asked for.
    fn miss(&self, failure: Failure) {
        self.keep(Read { document: Err(failure.into()), read_at: self.inner.clock.now(), took_ms: 0 });
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
        let now = self.inner.clock.now();
        let mut board = self.inner.board();
        let fingerprints = board.fingerprints.clone();
        let Some((entry, provider)) = board.entry_of(&self.address, self.provider.generation) else { return };
        let Read { document, read_at, took_ms } = read;
        let keepable = entry.keepable();
        match document {
            Ok(document) => {
                let last_seen = entry.held.last_seen(document.version);
                let reading = Reading { document, read_at, took_ms, last_seen, restored: false };
                entry.held.succeed(reading, now, &fingerprints);
            }
            Err(Unread { failure, refused }) => {
                entry.held.refuse(refused, now, &fingerprints);
                entry.held.fail(failure, now);
            }
        }
        let stands_in = entry.held.next_expiry(provider.config.provider.freshness).is_some();
        entry.expiry = stands_in.then(|| self.expire());
        match entry.keepable() {
            0 if keepable == 0 => {}
            same if same == keepable => self.inner.keep_aged(),
            _ => self.inner.keep_changed(),
        }
        self.inner.tell(board, std::slice::from_ref(&self.address));
    }

    /// Forgets in time what stands in for a fresh value, and tells it.
    fn expire(&self) -> AbortOnDropHandle<()> {
        let (inner, address, generation) = (self.inner.clone(), self.address.clone(), self.provider.generation);
        let freshness = self.provider.config.provider.freshness;
        AbortOnDropHandle::new(self.inner.runtime.spawn(async move {
            loop {
                let next = inner.board().entry_of(&address, generation).and_then(|e| e.0.held.next_expiry(freshness));
                let Some(until) = next else { return };
                while let left @ 1.. = until.since(inner.clock.now()) {
                    sleep(Duration::from_millis(left)).await;
                }
                let mut board = inner.board();
                if let Some((entry, _)) = board.entry_of(&address, generation) {
                    entry.held.expire(inner.clock.now(), freshness);
                }
                inner.tell(board, std::slice::from_ref(&address));
            }
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

    /// Ends when the manager has another version than the one in use. Where it refuses to tell, a read says whether
    /// that is for want of a right to the metadata only.
    async fn until_newer(&self, ended: Ended) {
        let every = self.provider.config.provider.freshness.version_check_seconds;
        let version = self.inner.board().entry(&self.address).and_then(|entry| entry.held.version());
        let Address { path, pin, .. } = &self.address;
        let (Ended::Well, Some(version), None, 1..) = (ended, version, pin, every) else { return pending().await };
        loop {
            sleep(Duration::from_secs(every.into()).mul_f64(0.8 + 0.2 * fastrand::f64())).await;
            if self.provider.gate.is_away() || self.provider.versions() == VersionCheck::Refused {
                continue;
            }
            let turn = self.provider.gate.turn().await;
            let newest = self.provider.manager.newest(path).await;
            drop(turn);
            match newest {
                Newest::Version(newest) => {
                    self.provider.set_versions(VersionCheck::Works);
                    if newest != version {
                        return;
                    }
                }
                Newest::Gone => return,
                Newest::Refused => return self.refused.store(true, Ordering::Relaxed),
                Newest::NoAnswer => {}
                Newest::NotOffered => return pending().await,
            }
        }
    }

    /// Waits until the secret is due, or someone wants it sooner. Where the provider is away, the way to it
    /// says when to ask: what had no answer is due.
    async fn rest(&self, ended: Ended) {
        let is_outage = matches!(ended, Ended::Outage { .. });
        let mut away = self.provider.gate.away();
        if is_outage && away.borrow().is_some() {
            return;
        }
        let newer = self.until_newer(ended);
        tokio::pin!(newer);
        let due = sleep(pace::wait(ended, self.provider.config.provider.freshness, fastrand::f64()));
        tokio::pin!(due);
        loop {
            if self.inner.board().entry(&self.address).is_none_or(|entry| entry.is_round_wanted()) {
                return;
            }
            tokio::select! {
                () = &mut due => return,
                () = &mut newer => return,
                _ = away.changed(), if is_outage => return,
                () = self.bell.notified() => {}
            }
        }
    }
}
