//! Counters in the memory of this gateway, shared by its workers. They outlive a change of configuration.

use super::shards::{Full, Shards};
use super::window::{Decision, Window};
use postern::fingerprint::Fingerprint;
use postern::plugin::limit_count::WindowType;
use std::time::Instant;

/// All counters of one gateway.
pub(crate) struct Counters {
    began: Instant,
    shards: Shards<Counter>,
}

struct Counter {
    window: Window,
    /// The ms at which it says nothing any more.
    over_ms: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self { began: Instant::now(), shards: Shards::default() }
    }
}

impl Counters {
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
        let mut shard = self.shards.of_key(key);
        let new = || Counter { window: Window::default(), over_ms: 0 };
        let counter = shard.get_or_insert(key, now, |counter| counter.over_ms <= now_ms, new)?;
        counter.over_ms = now_ms.saturating_add(size_ms.saturating_mul(2));
        Ok(match window_type {
            WindowType::Fixed => counter.window.fixed(now_ms, limit, size_ms),
            WindowType::Sliding => counter.window.sliding(now_ms, limit, size_ms),
        })
    }
}
