//! The other end of one connection, and for how long it may say nothing.

use crate::client;
use crate::headers::address_text;
use crate::worker::Shared;
use http::HeaderValue;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The other end of one connection.
pub(crate) struct Peer {
    pub(crate) ip: IpAddr,
    /// The same, as sent upstream.
    pub(crate) ip_text: HeaderValue,
    /// Whether it is a proxy that the operator trusts.
    pub(crate) is_trusted: bool,
    /// What it speaks, and the port it came to, as sent upstream.
    pub(crate) scheme: HeaderValue,
    pub(crate) port: HeaderValue,
    silence: Silence,
}

/// Since when a connection has been without a request.
///
/// It is what one timer for the whole connection looks at; a timer for each request costs more than all the rest that is
/// known of the connection.
struct Silence {
    connected: Instant,
    /// Requests that are being answered.
    in_flight: AtomicUsize,
    /// When the last of them ended, in nanoseconds since `connected`.
    since: AtomicU64,
    /// Whether a request has come over HTTP/2.
    is_http2: AtomicBool,
}

impl Peer {
    pub(crate) fn new(address: SocketAddr, is_tls: bool, shared: &Shared) -> Self {
        let (scheme, local) = match shared.tls_local {
            Some(local) if is_tls => ("https", local),
            _ => ("http", shared.local),
        };
        let ip = address.ip().to_canonical();
        let is_trusted = client::is_trusted(&shared.config.trusted_proxies, ip);
        Self::with(ip, is_trusted, scheme, local.port())
    }

    #[cfg(test)]
    pub(crate) fn of_test(ip: IpAddr, trusted: &[crate::IpNet]) -> Self {
        Self::with(ip, client::is_trusted(trusted, ip), "http", 80)
    }

    fn with(ip: IpAddr, is_trusted: bool, scheme: &'static str, port: u16) -> Self {
        let (scheme, port) = (HeaderValue::from_static(scheme), HeaderValue::from(port));
        Self { ip, ip_text: address_text(ip), is_trusted, scheme, port, silence: Silence::new() }
    }

    /// The head of a request has arrived.
    pub(crate) fn begun(&self, is_http2: bool) {
        self.silence.in_flight.fetch_add(1, Ordering::Relaxed);
        if is_http2 {
            self.silence.is_http2.store(true, Ordering::Relaxed);
        }
    }

    /// A request has been answered, or given up.
    pub(crate) fn ended(&self, now: Instant) {
        self.silence.since.store(nanoseconds(now.saturating_duration_since(self.silence.connected)), Ordering::Relaxed);
        self.silence.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.silence.is_http2.load(Ordering::Relaxed)
    }

    /// When to ask again whether it has been silent for `limit`; nothing when it has.
    pub(crate) fn patience(&self, limit: Duration) -> Option<Duration> {
        self.silence.patience(self.silence.connected.elapsed(), limit)
    }
}

impl Silence {
    fn new() -> Self {
        Self {
            connected: Instant::now(),
            in_flight: AtomicUsize::new(0),
            since: AtomicU64::new(0),
            is_http2: AtomicBool::new(false),
        }
    }

    /// `age` is that of the connection.
    fn patience(&self, age: Duration, limit: Duration) -> Option<Duration> {
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return Some(limit);
        }
        let silent = age.saturating_sub(Duration::from_nanos(self.since.load(Ordering::Relaxed)));
        limit.checked_sub(silent).filter(|left| !left.is_zero())
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_may_be_silent_for_a_time_after_each_request() {
        let seconds = Duration::from_secs;
        for (in_flight, since, age, expected) in [
            (0, 0, 0, Some(10)),
            (0, 0, 9, Some(1)),
            (0, 0, 10, None),
            (0, 0, 11, None),
            (0, 8, 11, Some(7)),
            (0, 8, 18, None),
            (1, 0, 99, Some(10)),
        ] {
            let silence = Silence::new();
            silence.in_flight.store(in_flight, Ordering::Relaxed);
            silence.since.store(nanoseconds(seconds(since)), Ordering::Relaxed);
            let got = silence.patience(seconds(age), seconds(10));
            assert_eq!(got, expected.map(seconds), "{in_flight} in flight, silent since {since}, at {age}");
        }
    }
}
