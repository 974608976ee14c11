//! One upstream server: its address, and how it fares.

use http::HeaderValue;
use http::uri::Authority;
use postern::routing::{self, Scheme};
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What moments are counted from.
static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// One upstream server. Shared by all workers; a new configuration takes it over with what is known of it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(super) authority: Authority,
    /// Its own `Host`: without the port when that is the scheme's.
    pub(super) host: HeaderValue,
    /// Above 0.
    pub(super) weight: u32,
    /// Requests whose answers have not ended. Counted for least connections only.
    in_flight: AtomicUsize,
    health: Health,
}

/// What is known of a server. Nothing but its checks changes it.
#[derive(Debug, Default)]
struct Health {
    /// The active check's verdict, or the passive one's where an active one will revoke it.
    down: AtomicBool,
    /// Failures in a row, as requests saw them.
    failures: AtomicU32,
    /// Milliseconds after [`START`] until which it is left alone.
    rests_until: AtomicU64,
}

/// A request that is in flight, until this is dropped.
pub(super) struct InFlight(Arc<Node>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Node {
    /// `None` when it has no valid address.
    pub(super) fn new(node: &routing::Node, scheme: &Scheme) -> Option<Self> {
        let authority: Authority = node.authority().parse().ok()?;
        let usual = match scheme {
            Scheme::Http | Scheme::Grpc => 80,
            Scheme::Https(_) | Scheme::Grpcs(_) => 443,
        };
        let name = if node.port == usual { authority.host() } else { authority.as_str() };
        let host = HeaderValue::from_str(name).ok()?;
        let (in_flight, health) = (AtomicUsize::new(0), Health::default());
        Some(Self { authority, host, weight: node.weight, in_flight, health })
    }

    /// `host:port`, for the log and the metrics.
    pub(crate) fn name(&self) -> &str {
        self.authority.as_str()
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.authority == other.authority && self.weight == other.weight && self.host == other.host
    }

    pub(super) fn enter(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(super) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed) as u64
    }

    /// Whether it may be sent requests.
    pub(crate) fn is_healthy(&self) -> bool {
        !self.health.down.load(Ordering::Relaxed) && !self.rests()
    }

    fn rests(&self) -> bool {
        let until = self.health.rests_until.load(Ordering::Relaxed);
        until != 0 && now() < until
    }

    /// A request found it well.
    pub(super) fn succeeded(&self) {
        // Read first: most of the time no core needs to own the cache line.
        if self.health.failures.load(Ordering::Relaxed) != 0 {
            self.health.failures.store(0, Ordering::Relaxed);
            self.health.rests_until.store(0, Ordering::Relaxed);
        }
    }

    /// A request failed. Whether the server is left alone from now on, and was not before.
    pub(super) fn failed(&self, after: u32, rest: Duration, until_checked: bool) -> bool {
        let failures = self.health.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures < after {
            return false;
        }
        if until_checked {
            return !self.health.down.swap(true, Ordering::Relaxed);
        }
        let rested = self.rests();
        let until = now().saturating_add(u64::try_from(rest.as_millis()).unwrap_or(u64::MAX));
        self.health.rests_until.store(until, Ordering::Relaxed);
        !rested
    }

    /// The active check's verdict. Whether it is another than before.
    pub(super) fn judge(&self, is_up: bool) -> bool {
        if is_up {
            self.health.failures.store(0, Ordering::Relaxed);
            self.health.rests_until.store(0, Ordering::Relaxed);
        }
        self.health.down.swap(!is_up, Ordering::Relaxed) == is_up
    }
}

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}
