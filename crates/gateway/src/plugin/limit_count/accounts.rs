//! What this gateway has counted and not yet told Redis (`sync_interval`). No waiting here, and no network.
//!
//! An account is what Redis had left when it was last asked. Requests are taken off it here; how many they were is
//! told Redis later, all at once. So of several gateways each may let pass, between two syncs, what Redis had left.

use super::redis::Uncounted;
use super::shards::{Full, Shards};
use super::window::Decision;
use postern::fingerprint::Fingerprint;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// The accounts of one gateway, shared by its workers. They outlive a change of configuration.
#[derive(Default)]
pub(crate) struct Accounts {
    shards: Shards<Account>,
}

/// Held by whoever speaks with Redis about an account: an answer that comes late would undo a newer one. In it, why
/// the last sync failed, and when.
pub(super) type Turn = Mutex<Option<(Instant, Uncounted)>>;

struct Account {
    /// What Redis had left when it was last asked.
    left: u64,
    /// When the window that it told of ends. Later it says nothing.
    ends: Instant,
    /// Counted here, and not yet told.
    untold: u64,
    /// Being told at this moment.
    in_flight: u64,
    /// Whether a sync is due already.
    is_due: bool,
    turn: Arc<Turn>,
}

/// What an account says to a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was counted if it passes. With `sync`, a sync has to be set off.
    Counted { decision: Decision, sync: bool },
    /// Redis has to be asked first.
    Unknown,
}

impl Accounts {
    /// One request.
    pub(super) fn take(&self, key: Fingerprint, now: Instant) -> Taken {
        let mut shard = self.shards.of_key(key);
        let Some(account) = shard.get_mut(key).filter(|account| now < account.ends) else { return Taken::Unknown };
        let used = account.untold.saturating_add(account.in_flight);
        let room = account.left.saturating_sub(used);
        let passes = room > 0;
        if passes {
            account.untold += 1;
        }
        let sync = !std::mem::replace(&mut account.is_due, true);
        let reset_ms = u64::try_from((account.ends - now).as_millis()).unwrap_or(u64::MAX).max(1);
        let decision = Decision { passes, remaining: room.saturating_sub(1), reset_ms };
        Taken::Counted { decision, sync }
    }

    /// Whether Redis has to be asked before a request can be counted.
    pub(super) fn is_unknown(&self, key: Fingerprint, now: Instant) -> bool {
        self.shards.of_key(key).get_mut(key).is_none_or(|account| account.ends <= now)
    }

    /// The account's turn. An account that is not there yet is made, knowing nothing.
    pub(super) fn turn(&self, key: Fingerprint, now: Instant) -> Result<Arc<Turn>, Full> {
        let new = || Account { left: 0, ends: now, untold: 0, in_flight: 0, is_due: false, turn: Arc::default() };
        // One that is being asked about is held by whoever asks.
        let is_over = |account: &Account| {
            account.ends <= now
                && account.untold == 0
                && account.in_flight == 0
                && Arc::strong_count(&account.turn) == 1
        };
        let mut shard = self.shards.of_key(key);
        Ok(Arc::clone(&shard.get_or_insert(key, now, is_over, new)?.turn))
    }

    /// How many requests Redis is to be told of now.
    pub(super) fn begin_sync(&self, key: Fingerprint) -> u64 {
        let mut shard = self.shards.of_key(key);
        let Some(account) = shard.get_mut(key) else { return 0 };
        account.is_due = false;
        let told = std::mem::take(&mut account.untold);
        account.in_flight = account.in_flight.saturating_add(told);
        told
    }

    /// Redis was told of so many requests, and answered.
    pub(super) fn synced(&self, key: Fingerprint, told: u64, answer: Decision, now: Instant) {
        // A window may be longer than the clock can tell; it is asked again before that.
        const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);
        let mut shard = self.shards.of_key(key);
        let Some(account) = shard.get_mut(key) else { return };
        account.in_flight = account.in_flight.saturating_sub(told);
        account.left = answer.remaining;
        account.ends = now + Duration::from_millis(answer.reset_ms).min(LONGEST);
    }

    /// Redis was not told. What it knows is not known here any more: the next request asks.
    pub(super) fn not_synced(&self, key: Fingerprint, untold: u64, now: Instant) {
        let mut shard = self.shards.of_key(key);
        let Some(account) = shard.get_mut(key) else { return };
        account.in_flight = account.in_flight.saturating_sub(untold);
        account.untold = account.untold.saturating_add(untold);
        account.ends = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    const NOW_LEFT: fn(u64, u64) -> Decision = |remaining, reset_ms| Decision { passes: true, remaining, reset_ms };

    fn key() -> Fingerprint {
        FingerprintKey::new([1; 32]).of(b"a")
    }

    /// An account of which Redis has just said that so many are left, for a second.
    fn account_with(left: u64, now: Instant) -> Accounts {
        let accounts = Accounts::default();
        assert_eq!(accounts.take(key(), now), Taken::Unknown, "Redis is asked first");
        accounts.turn(key(), now).unwrap();
        assert!(accounts.is_unknown(key(), now));
        assert_eq!(accounts.begin_sync(key()), 0);
        accounts.synced(key(), 0, NOW_LEFT(left, 1000), now);
        accounts
    }

    fn counted(passes: bool, remaining: u64, reset_ms: u64, sync: bool) -> Taken {
        Taken::Counted { decision: Decision { passes, remaining, reset_ms }, sync }
    }

    #[test]
    fn requests_are_taken_off_what_redis_had_left() {
        let now = Instant::now();
        let accounts = account_with(2, now);
        assert_eq!(accounts.take(key(), now), counted(true, 1, 1000, true), "the first sets off a sync");
        let later = now + Duration::from_millis(400);
        assert_eq!(accounts.take(key(), later), counted(true, 0, 600, false));
        assert_eq!(accounts.take(key(), later), counted(false, 0, 600, false));
        assert_eq!(accounts.begin_sync(key()), 2, "what was refused was not counted");
    }

    #[test]
    fn what_is_being_told_is_not_forgotten_meanwhile() {
        let now = Instant::now();
        let accounts = account_with(3, now);
        accounts.take(key(), now);
        assert_eq!(accounts.begin_sync(key()), 1);
        assert_eq!(accounts.take(key(), now), counted(true, 1, 1000, true), "a new sync is due");
        // Another gateway has counted one as well.
        accounts.synced(key(), 1, NOW_LEFT(1, 900), now);
        assert_eq!(accounts.take(key(), now), counted(false, 0, 900, false));
        assert_eq!(accounts.begin_sync(key()), 1);
    }

    #[test]
    fn a_sync_that_fails_loses_nothing_and_lets_the_next_request_ask() {
        let now = Instant::now();
        let accounts = account_with(3, now);
        accounts.take(key(), now);
        let untold = accounts.begin_sync(key());
        accounts.not_synced(key(), untold, now);
        assert_eq!(accounts.take(key(), now), Taken::Unknown);
        assert_eq!(accounts.begin_sync(key()), 1);
    }

    #[test]
    fn at_the_end_of_the_window_redis_is_asked() {
        let now = Instant::now();
        let (accounts, end) = (account_with(3, now), now + Duration::from_secs(1));
        assert!(!accounts.is_unknown(key(), now));
        assert!(accounts.is_unknown(key(), end));
        assert_eq!(accounts.take(key(), end), Taken::Unknown);
    }
}
