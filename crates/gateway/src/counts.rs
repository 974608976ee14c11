//! What the metrics are made of: plain numbers that requests add to, without a lock and without making a
//! text. How many there are depends on the configuration, never on what clients send.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper ends of the latency buckets, in microseconds; a last one has no end.
pub(crate) const BUCKETS: [u64; 14] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// The requests of one route. A new configuration goes on with the same.
#[derive(Debug, Default)]
pub(crate) struct RouteCounts {
    /// By hundreds of the status, then by the rest; made when the first such answer is given.
    statuses: [OnceLock<Box<[AtomicU64; 100]>>; 5],
    /// One for each of [`BUCKETS`], and the rest.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl RouteCounts {
    /// One request has ended.
    pub(crate) fn add(&self, status: u16, took: Duration) {
        let (class, rest) = (usize::from(status / 100), usize::from(status % 100));
        // What is no status of HTTP's counts as the nearest class.
        let class = class.clamp(1, 5) - 1;
        let statuses = self.statuses[class].get_or_init(|| Box::new([const { AtomicU64::new(0) }; 100]));
        statuses[rest].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS.iter().position(|end| micros <= *end).unwrap_or(BUCKETS.len());
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Every status that was answered, and how often.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = (u16, u64)> {
        let classes = (1u16..).zip(&self.statuses).filter_map(|(class, counts)| Some((class, counts.get()?)));
        classes.flat_map(|(class, counts)| {
            let counts =
                (0u16..).zip(counts.iter()).map(move |(rest, n)| (class * 100 + rest, n.load(Ordering::Relaxed)));
            counts.filter(|(_, count)| *count > 0)
        })
    }

    /// How many took at most as long as each of [`BUCKETS`], and how many there were.
    pub(crate) fn cumulated(&self) -> [u64; BUCKETS.len() + 1] {
        let mut total = 0;
        std::array::from_fn(|index| {
            total += self.buckets[index].load(Ordering::Relaxed);
            total
        })
    }

    pub(crate) fn seconds(&self) -> f64 {
        Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64()
    }
}

/// Counts by a text of the program's own. A text beyond the last place is counted with the others there.
#[derive(Debug)]
pub(crate) struct ByReason([(OnceLock<&'static str>, AtomicU64); 64]);

impl Default for ByReason {
    fn default() -> Self {
        Self([const { (OnceLock::new(), AtomicU64::new(0)) }; 64])
    }
}

impl ByReason {
    pub(crate) fn add(&self, reason: &'static str) {
        let free_or_same = |(place, _): &&(OnceLock<&'static str>, AtomicU64)| *place.get_or_init(|| reason) == reason;
        let place = self.0.iter().find(free_or_same).or(self.0.last());
        if let Some((_, count)) = place {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map_while(|(reason, count)| Some((*reason.get()?, count.load(Ordering::Relaxed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_status_and_by_how_long_they_took() {
        let counts = RouteCounts::default();
        for (status, micros) in [(200, 100), (200, 500), (204, 501), (401, 9_999), (999, 99_999_999), (101, 1)] {
            counts.add(status, Duration::from_micros(micros));
        }
        assert_eq!(counts.statuses().collect::<Vec<_>>(), [(101, 1), (200, 2), (204, 1), (401, 1), (599, 1)]);
        let cumulated = counts.cumulated();
        assert_eq!((cumulated[0], cumulated[1], cumulated[4], cumulated[13], cumulated[14]), (3, 4, 5, 5, 6));
    }

    #[test]
    fn reasons_are_counted_apart() {
        let counts = ByReason::default();
        for reason in ["a", "b", "a"] {
            counts.add(reason);
        }
        assert_eq!(counts.read().collect::<Vec<_>>(), [("a", 2), ("b", 1)]);
    }
}
