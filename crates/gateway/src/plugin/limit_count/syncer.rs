//! `sync_interval`: requests are counted here, and Redis is told every so often.
//!
//! What must never happen: a request passes by an account of which Redis could not be told. Then the next one asks
//! Redis itself, and gets what every request gets while Redis is down.

use super::accounts::{Accounts, Taken};
use super::redis::{Ask, Backend, Pools, Requests, Uncounted};
use super::window::Decision;
use futures_util::future::join_all;
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::plugin::limit_count::WindowType;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How many counters Redis is told of at the same time.
const AT_ONCE: usize = 64;

/// The syncs of one configuration.
pub(super) struct Syncer {
    backend: Arc<Backend>,
    interval: Duration,
    /// Nothing while no task waits for the interval to end.
    due: Mutex<Option<Vec<Due>>>,
}

/// A counter that Redis is to be told of.
#[derive(Clone)]
pub(super) struct Due {
    pub(super) name: String,
    pub(super) window_type: WindowType,
    pub(super) limit: u64,
    pub(super) seconds: u64,
}

/// What a sync needs of the gateway.
#[derive(Clone)]
pub(super) struct Means {
    pub(super) accounts: Arc<Accounts>,
    pub(super) pools: Arc<Pools>,
    pub(super) fingerprints: FingerprintKey,
}

impl Syncer {
    pub(super) fn new(backend: Arc<Backend>, interval: Duration) -> Arc<Self> {
        Arc::new(Self { backend, interval, due: Mutex::default() })
    }

    /// Counts one request here, if what Redis last said still holds; else asks Redis.
    pub(super) async fn count(self: &Arc<Self>, due: Due, means: &Means) -> Result<Decision, Uncounted> {
        // Without its secrets a gateway does not let anything pass, whatever it knows.
        self.backend.check_secrets()?;
        let account = due.account(&means.fingerprints);
        // Windows that end while Redis answers are asked for again, but not for ever.
        for _ in 0..3 {
            match means.accounts.take(account, Instant::now()) {
                Taken::Counted { decision, sync } => {
                    if sync {
                        self.set_off(due, means);
                    }
                    return Ok(decision);
                }
                Taken::Unknown => self.ask(&due, account, means).await?,
            }
        }
        Err(Uncounted::Down { why: "windows end sooner than Redis answers".to_owned() })
    }

    /// Tells Redis at the end of the interval, which begins now unless it has begun.
    fn set_off(self: &Arc<Self>, due: Due, means: &Means) {
        let mut waiting = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *waiting {
            Some(list) => list.push(due),
            None => {
                *waiting = Some(vec![due]);
                drop(tokio::spawn(Arc::clone(self).run(means.clone())));
            }
        }
    }

    async fn run(self: Arc<Self>, means: Means) {
        sleep(self.interval).await;
        let due = self.due.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default();
        let mut failures = Vec::new();
        for some in due.chunks(AT_ONCE) {
            let told = join_all(some.iter().map(|due| self.sync(due, &means))).await;
            failures.extend(told.into_iter().filter_map(Result::err));
        }
        if let Some(first) = failures.first() {
            let counters = failures.len();
            tracing::warn!(counters, why = ?first, "limit-count: Redis could not be told what was counted here");
        }
    }

    /// Tells Redis what was counted.
    async fn sync(&self, due: &Due, means: &Means) -> Result<(), Uncounted> {
        let account = due.account(&means.fingerprints);
        let turn = means.accounts.turn(account, Instant::now())?;
        let _ours = turn.lock().await;
        self.tell(due, account, means).await
    }

    /// Asks Redis for one request. Of those that wait only the first asks; what it hears goes for all of them.
    async fn ask(&self, due: &Due, account: Fingerprint, means: &Means) -> Result<(), Uncounted> {
        let asked = Instant::now();
        let turn = means.accounts.turn(account, asked)?;
        let mut failed = turn.lock().await;
        if !means.accounts.is_unknown(account, Instant::now()) {
            return Ok(());
        }
        if let Some((_, uncounted)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(uncounted.clone());
        }
        let told = self.tell(due, account, means).await;
        *failed = told.clone().err().map(|uncounted| (Instant::now(), uncounted));
        told
    }

    async fn tell(&self, due: &Due, account: Fingerprint, means: &Means) -> Result<(), Uncounted> {
        let requests = means.accounts.begin_sync(account);
        let Due { name, window_type, limit, seconds } = due;
        let (window_type, limit, seconds) = (*window_type, *limit, *seconds);
        let ask = Ask { key: name, window_type, limit, seconds, requests: Requests::Passed(requests) };
        let told = means.pools.count(&self.backend, &means.fingerprints, &ask).await;
        match told {
            Ok(answer) => means.accounts.synced(account, requests, answer, Instant::now()),
            Err(_) => means.accounts.not_synced(account, requests, Instant::now()),
        }
        told.map(drop)
    }
}

impl Due {
    /// A count or a time window from the request makes another account of the same counter.
    fn account(&self, fingerprints: &FingerprintKey) -> Fingerprint {
        fingerprints.of(format!("{}\0{}\0{}", self.limit, self.seconds, self.name).as_bytes())
    }
}
