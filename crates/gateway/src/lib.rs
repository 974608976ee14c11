#![doc = include_str!("../README.md")]

mod access_log;
mod body;
mod certificates;
mod client;
mod client_body;
mod client_stream;
mod consumers;
mod counts;
mod echo;
mod exposition;
mod headers;
mod host;
mod http_client;
mod identity;
mod metadata;
mod own_answer;
mod path;
mod peer;
mod plugin;
mod proxy;
mod record;
mod reject;
mod request_body;
mod request_id;
mod sealed_cookie;
mod stats;
mod table;
mod tunnel;
mod upstream;
mod worker;

pub use access_log::{AccessLogConfig, AccessLogFormat, AccessLogTarget};
pub use stats::Stats;

use access_log::AccessLog;
use exposition::{Exposition, RouteFacts};
pub use ipnet::IpNet;
use postern::name::ObjectId;
use postern::snapshot::Snapshot;
use postern::time::Clock;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use worker::{Listeners, Shared};

/// A running gateway: its listener, its worker threads, and the configuration they enforce.
///
/// Dropping it ends everything at once; [`Gateway::shutdown`] finishes the requests in flight first.
pub struct Gateway {
    shared: Arc<Shared>,
    applied: watch::Receiver<u64>,
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
    /// Closed when the last thread has ended.
    ended: tokio::sync::mpsc::Receiver<std::convert::Infallible>,
    /// Of the access log.
    writer: Option<JoinHandle<()>>,
}

/// How the gateway runs. `GatewayConfig::default()` is meant for production.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Threads that answer requests, at least 1. Default: one for each core.
    pub workers: usize,
    /// How long a client may take until the head of its next request is complete; also how long an idle
    /// connection is kept. Default: 60 s.
    pub header_timeout: Duration,
    /// The longest head of a request, in bytes; longer ones get 431. At least 8192. Default: 32 KiB.
    pub max_head_bytes: usize,
    /// The most header lines of a request; more get 431. Default: 100.
    pub max_headers: usize,
    /// How long a client may pause while it sends the body of a request; then 408. How long it may take nothing of an
    /// answer; then the connection ends. Default: 60 s.
    pub body_idle_timeout: Duration,
    /// How long the whole body may take, however lively; then 408. Default: an hour.
    pub body_timeout: Option<Duration>,
    /// The longest body of a request, in bytes; longer ones get 413. Default: any.
    pub max_body_bytes: Option<u64>,
    /// Proxies in front of the gateway: what they say of their clients in `X-Forwarded-*` is believed. Default: none.
    pub trusted_proxies: Vec<IpNet>,
    /// How long connecting to an upstream server may take, finding its address included. Default: 5 s.
    pub connect_timeout: Duration,
    /// How long an upstream server may be silent before its answer begins. Default: 60 s.
    pub response_timeout: Duration,
    /// How long an unused connection to an upstream server is kept. Default: 60 s.
    pub upstream_idle_timeout: Duration,
    /// Addresses the gateway never connects to: the dashboard's. Its own address is always one of them.
    pub forbidden_upstreams: Vec<SocketAddr>,
    /// Where it answers over TLS; port 0 lets the system choose. Default: nowhere.
    pub tls_addr: Option<SocketAddr>,
    /// The authorities that certificates of Redis servers are checked by, PEM. Default: the system's.
    pub redis_authorities: Option<Arc<str>>,
    /// Whose words clients get where versions of APISIX differ. Default: those of 3.18.
    pub messages: Messages,
    /// A line for each request. Default: none.
    pub access_log: Option<AccessLogConfig>,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            header_timeout: Duration::from_secs(60),
            max_head_bytes: 32 * 1024,
            max_headers: worker::MAX_HEADERS,
            body_idle_timeout: Duration::from_secs(60),
            body_timeout: Some(Duration::from_secs(3600)),
            max_body_bytes: None,
            trusted_proxies: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(60),
            upstream_idle_timeout: Duration::from_secs(60),
            forbidden_upstreams: Vec::new(),
            tls_addr: None,
            redis_authorities: None,
            messages: Messages::default(),
            access_log: None,
        }
    }
}

/// Whose words clients get where versions of APISIX differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Messages {
    #[default]
    Apisix318,
    /// Up to 3.9, and in API7's documents: `Missing API key found in request`.
    Apisix39,
}

/// How one upstream server fares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamState {
    pub service: ObjectId,
    /// `host:port`.
    pub server: String,
    /// False while its checks keep requests away from it.
    pub is_healthy: bool,
}

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The address is in use, not this machine's, or not allowed.
    #[error("the gateway cannot listen on {addr}")]
    Listen { addr: SocketAddr, source: std::io::Error },
    /// The machine gave no thread or no event queue.
    #[error("the gateway cannot start its threads")]
    Threads { source: std::io::Error },
    /// The access log's file cannot be written to.
    #[error("the gateway cannot write its access log")]
    AccessLog { source: std::io::Error },
}

/// The two steps of stopping.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Accept nothing new, finish what is in flight.
    pub(crate) drain: CancellationToken,
    /// Finish nothing more.
    pub(crate) abandon: CancellationToken,
}

fn bind(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), GatewayError> {
    let listener = worker::listen(addr).map_err(|source| GatewayError::Listen { addr, source })?;
    let local = listener.local_addr().map_err(|source| GatewayError::Listen { addr, source })?;
    Ok((listener, local))
}

impl Gateway {
    /// Binds `addr` (port 0 lets the system choose), and answers requests by the snapshot that `snapshots`
    /// holds at this moment, then by each later one. When the sender is gone the last snapshot stays.
    ///
    /// # Errors
    /// The address cannot be listened on, or the threads cannot be started.
    pub fn start(
        addr: SocketAddr,
        config: GatewayConfig,
        clock: Arc<dyn Clock>,
        snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> Result<Self, GatewayError> {
        let (listener, local) = bind(addr)?;
        let (tls_listener, tls_local) = config.tls_addr.map(bind).transpose()?.unzip();
        let stop = Stop::default();
        let log = config.access_log.clone().map(AccessLog::start).transpose();
        let (log, writer) = log.map_err(|source| GatewayError::AccessLog { source })?.unzip();
        let shared = Arc::new(Shared::new(local, tls_local, config, clock, &snapshots.borrow(), log));
        let started = worker::start(Listeners { plain: listener, tls: tls_listener }, &shared, snapshots, &stop);
        let started = started.map_err(|source| GatewayError::Threads { source })?;
        if let Some(address) = tls_local {
            tracing::info!(%address, "The gateway listens for TLS on {address}");
        }
        tracing::info!(address = %local, workers = shared.config.workers, "The gateway listens on {local}");
        let worker::Started { threads, applied, ended } = started;
        Ok(Self { shared, applied, stop, threads, ended, writer })
    }

    /// Where it listens; the real port when port 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.shared.local
    }

    /// Where it listens for TLS, if it does.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.shared.tls_local
    }

    /// The revision that every request is answered by from now on.
    #[must_use]
    pub fn applied_revision(&self) -> u64 {
        *self.applied.borrow()
    }

    /// The same as a channel, for whoever waits until a change is enforced.
    #[must_use]
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.clone()
    }

    /// What the gateway has done since it started.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }

    /// Every upstream server of the configuration in force, and whether it gets requests.
    #[must_use]
    pub fn upstream_states(&self) -> Vec<UpstreamState> {
        self.shared.table.load().upstream_states().collect()
    }

    /// The gateway's metrics, in Prometheus's text format 0.0.4.
    #[must_use]
    pub fn metrics(&self) -> String {
        let shared = &self.shared;
        let table = shared.table.load();
        let shown = table.routes().filter(|route| route.is_in_metrics());
        let mut routes: Vec<RouteFacts<'_>> = shown.map(|route| route.facts()).collect();
        routes.push(RouteFacts { id: "none", name: "none", counts: &shared.no_route });
        let mut exposition = Exposition::default();
        exposition.requests(&routes);
        exposition.auth_failures(&shared.auth_failures);
        exposition.upstreams(&table.upstream_states().collect::<Vec<_>>());
        let name = "postern_gateway_revision";
        exposition.number(name, "gauge", "The configuration revision that is enforced.", table.revision);
        if let Some(log) = &shared.access_log {
            let name = "postern_gateway_access_log_lost_total";
            exposition.number(name, "counter", "Lines of the access log that could not be written.", log.lost());
        }
        exposition.finish()
    }

    /// Stops accepting, finishes the requests in flight for at most `grace`, and ends the threads.
    /// Tunnels (WebSocket) are cut when the last request is done: they have no end of their own.
    pub async fn shutdown(mut self, grace: Duration) {
        self.stop.drain.cancel();
        if tokio::time::timeout(grace, self.ended.recv()).await.is_err() {
            tracing::warn!("Requests were still in flight after {} s; they are cut off", grace.as_secs());
        }
        self.stop.abandon.cancel();
        let (threads, writer) = (std::mem::take(&mut self.threads), self.writer.take());
        let shared = Arc::clone(&self.shared);
        let joined = tokio::task::spawn_blocking(move || {
            threads.into_iter().for_each(worker::join);
            // Last, so that it has the last line.
            shared.access_log.iter().for_each(AccessLog::stop);
            writer.into_iter().for_each(worker::join);
        });
        if let Err(error) = joined.await {
            tracing::error!(%error, "The gateway's threads did not end cleanly");
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.stop.drain.cancel();
        self.stop.abandon.cancel();
        self.shared.access_log.iter().for_each(AccessLog::stop);
    }
}
