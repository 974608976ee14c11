//! Counters in the memory of this gateway, shared by its workers. They outlive a change of configuration.

use super::window::{Decision, Window};
use postern::fingerprint::Fingerprint;
use postern::plugin::limit_count::WindowType;
use postern::shards::AsItIs;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const SHARDS: usize = 64;
/// Counters in one shard: a million in all. Clients choose the keys, so there must be an end.
const MOST: usize = 16 * 1024;
/// How often a full shard is searched for counters that are over.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);

/// All counters of one gateway.
pub(crate) struct Counters {
    began: Instant,
    /// Counters in one shard.
    most: usize,
    shards: Vec<Mutex<Shard>>,
}

#[derive(Default)]
struct Shard {
    /// With the ms at which the counter says nothing any more.
    windows: HashMap<Fingerprint, (Window, u64), BuildHasherDefault<AsItIs>>,
    searched: Option<Instant>,
}

/// There is no room for another counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Default for Counters {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl Counters {
    fn of(most: usize) -> Self {
        Self { began: Instant::now(), most, shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// Counts one request.
    pub(super) fn count(
        &self,
        key: Fingerprint,
        window_type: WindowType,
        limit: u64,
        seconds: u64,
        now: Instant,
    ) -> Result<Decision, Full> {
        let size_ms = seconds.saturating_mul(1000);
        // From 1: a window that ends at 0 is over.
        let now_ms = u64::try_from(now.duration_since(self.began).as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let shard = &self.shards[key.part(SHARDS)];
        // Held for a look into a map, never while anything is waited for.
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.windows.len() >= self.most && !shard.windows.contains_key(&key) {
            shard.make_room(self.most, now, now_ms)?;
        }
        let (window, over_ms) = shard.windows.entry(key).or_default();
        *over_ms = now_ms.saturating_add(size_ms.saturating_mul(2));
        Ok(match window_type {
            WindowType::Fixed => window.fixed(now_ms, limit, size_ms),
            WindowType::Sliding => window.sliding(now_ms, limit, size_ms),
        })
    }
}

impl Shard {
    fn make_room(&mut self, most: usize, now: Instant, now_ms: u64) -> Result<(), Full> {
        if self.searched.is_some_and(|searched| now.duration_since(searched) < SEARCH_PAUSE) {
            return Err(Full);
        }
        self.searched = Some(now);
        self.windows.retain(|_, (_, over_ms)| *over_ms > now_ms);
        if self.windows.len() < most { Ok(()) } else { Err(Full) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    #[test]
    fn counters_are_bounded_and_those_that_are_over_make_room() {
        let fingerprints = FingerprintKey::new([1; 32]);
        let key = |n: usize| fingerprints.of(&n.to_le_bytes());
        const FEW: usize = 8;
        let counters = Counters::of(FEW);
        let count = |n: usize, now| counters.count(key(n), WindowType::Fixed, 1, 60, now);
        let full = (0..2 * SHARDS * FEW).filter(|n| count(*n, counters.began).is_err()).count();
        assert!(full >= SHARDS * FEW, "{full}");
        assert!(!count(0, counters.began).unwrap().passes, "what is known is still counted");
        let later = counters.began + Duration::from_secs(121);
        assert!(count(3 * SHARDS * FEW, later).unwrap().passes);
    }
}
