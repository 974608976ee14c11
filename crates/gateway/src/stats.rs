//! What the gateway counts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Requests since the gateway started, by what became of them. Read while requests run, so the sum of
/// the outcomes can lag behind `requests` by those in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Every request whose head was read.
    pub requests: u64,
    /// Answered by the upstream, whatever its status.
    pub passed: u64,
    /// Refused by an authentication plugin.
    pub unauthorized: u64,
    /// No route matched.
    pub no_route: u64,
    /// The upstream could not be reached, or gave no answer.
    pub upstream_failed: u64,
    /// Refused for any other reason: an ambiguous path, a method no gateway forwards, a body too large.
    pub refused: u64,
    /// Whether any request has been authenticated as a consumer, the anonymous one not counted.
    pub authenticated_seen: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Unauthorized,
    NoRoute,
    UpstreamFailed,
    Refused,
}

/// The counters behind [`Stats`], shared by every worker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    passed: AtomicU64,
    unauthorized: AtomicU64,
    no_route: AtomicU64,
    upstream_failed: AtomicU64,
    refused: AtomicU64,
    authenticated_seen: AtomicBool,
}

impl Counters {
    pub(crate) fn begun(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Passed => &self.passed,
            Outcome::Unauthorized => &self.unauthorized,
            Outcome::NoRoute => &self.no_route,
            Outcome::UpstreamFailed => &self.upstream_failed,
            Outcome::Refused => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn authenticated(&self) {
        // Read first: after the first time no core needs to own the cache line.
        if !self.authenticated_seen.load(Ordering::Relaxed) {
            self.authenticated_seen.store(true, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Stats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            requests: count(&self.requests),
            passed: count(&self.passed),
            unauthorized: count(&self.unauthorized),
            no_route: count(&self.no_route),
            upstream_failed: count(&self.upstream_failed),
            refused: count(&self.refused),
            authenticated_seen: self.authenticated_seen.load(Ordering::Relaxed),
        }
    }
}
