//! A map that workers share. Clients choose the keys, so there must be an end to it.

use postern::fingerprint::Fingerprint;
use postern::shards::Shard as Map;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SHARDS: usize = 64;
/// Entries in one shard: a million in all.
const MOST: usize = 16 * 1024;
/// How often a full shard is searched for entries that are over.
const SEARCH_PAUSE: Duration = Duration::from_secs(1);

/// A bounded map by fingerprint.
pub(super) struct Shards<T> {
    shards: Vec<Mutex<Shard<T>>>,
}

/// A part of it. Held for a look into a map, never while anything is waited for.
pub(super) struct Shard<T> {
    /// Entries there may be.
    most: usize,
    entries: Map<T>,
    searched: Option<Instant>,
}

/// There is no room for another entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<T> Default for Shards<T> {
    fn default() -> Self {
        Self::of(MOST)
    }
}

impl<T> Shards<T> {
    /// `most` in each shard.
    fn of(most: usize) -> Self {
        let shard = || Mutex::new(Shard { most, entries: Map::default(), searched: None });
        Self { shards: (0..SHARDS).map(|_| shard()).collect() }
    }

    pub(super) fn of_key(&self, key: Fingerprint) -> MutexGuard<'_, Shard<T>> {
        self.shards[key.part(SHARDS)].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Shard<T> {
    pub(super) fn get_mut(&mut self, key: Fingerprint) -> Option<&mut T> {
        self.entries.get_mut(&key)
    }

    /// The entry, made by `new` if need be. When there is no room, those that are over make some.
    pub(super) fn get_or_insert(
        &mut self,
        key: Fingerprint,
        now: Instant,
        is_over: impl Fn(&T) -> bool,
        new: impl FnOnce() -> T,
    ) -> Result<&mut T, Full> {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.make_room(now, is_over)?;
        }
        Ok(self.entries.entry(key).or_insert_with(new))
    }

    fn make_room(&mut self, now: Instant, is_over: impl Fn(&T) -> bool) -> Result<(), Full> {
        if self.searched.is_some_and(|searched| now.duration_since(searched) < SEARCH_PAUSE) {
            return Err(Full);
        }
        self.searched = Some(now);
        self.entries.retain(|_, entry| !is_over(entry));
        if self.entries.len() < self.most { Ok(()) } else { Err(Full) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::fingerprint::FingerprintKey;

    #[test]
    fn entries_are_bounded_and_those_that_are_over_make_room() {
        const FEW: usize = 8;
        let fingerprints = FingerprintKey::new([1; 32]);
        let key = |n: usize| fingerprints.of(&n.to_le_bytes());
        let (shards, began) = (Shards::of(FEW), Instant::now());
        let minute = Duration::from_secs(60);
        let insert = |n: usize, now: Instant| {
            let mut shard = shards.of_key(key(n));
            shard.get_or_insert(key(n), now, |ends| *ends <= now, || now + minute).map(|ends| *ends)
        };
        let full = (0..2 * SHARDS * FEW).filter(|n| insert(*n, began).is_err()).count();
        assert!(full >= SHARDS * FEW, "{full}");
        assert_eq!(insert(0, began), Ok(began + minute), "what is known is still found");
        assert!(insert(3 * SHARDS * FEW, began + minute).is_ok());
    }
}
