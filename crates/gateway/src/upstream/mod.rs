//! Upstream servers: which one is next, how they fare, and the connections to them.

mod alarm;
mod balance;
mod check;
mod connect;
mod connections;
mod failure;
mod node;
mod pool;
mod tls;
mod tls_stream;

pub(crate) use connect::{ConnectError, Connector, Reach};
pub(crate) use failure::Failed;
pub(crate) use node::Node;
pub(crate) use pool::{Answered, Hold, Outgoing, Pool};
pub(crate) use tls::{Trust, UpstreamTls, client_config};

use crate::GatewayConfig;
use balance::Balance;
use connections::Connections;
use http::HeaderValue;
use postern::routing::{self, Balancing, PassHost};
use postern::snapshot::SnapshotCertificate;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// The servers of one upstream, ready to be sent requests. Taken over by the next configuration when nothing
/// of it has changed: then turns, connections and checks go on.
pub(crate) struct Servers {
    /// What it was made of.
    source: routing::Nodes,
    /// What its servers are shown that ask for a certificate.
    certificate: Option<SnapshotCertificate>,
    /// They are spoken to in HTTP/2.
    pub(crate) is_http2: bool,
    balance: Balance,
    tls: Option<UpstreamTls>,
    /// The `Host` of every request, when it is always the same.
    rewritten_host: Option<HeaderValue>,
    /// Servers one request may be sent to, at least 1.
    attempts: usize,
    /// Each worker's connections, opened when it first needs them.
    connections: OnceLock<Box<[OnceLock<Connections>]>>,
    is_checked: AtomicBool,
}

impl Servers {
    /// Servers that were in `before` keep what is known of them, as long as it is found out in the same way.
    ///
    /// # Errors
    /// Why no request can be sent, for the log.
    pub(crate) fn new(
        source: &routing::Nodes,
        certificate: Option<&SnapshotCertificate>,
        before: Option<&Self>,
    ) -> Result<Self, String> {
        // Else a server would be left alone by a check that nobody makes any more.
        let same_checks = |other: &routing::Nodes| {
            (&other.active_check, &other.passive_check) == (&source.active_check, &source.passive_check)
        };
        let before = before.filter(|before| same_checks(&before.source));
        let weighty = source.nodes.iter().filter(|node| node.weight > 0);
        let nodes = weighty.map(|node| known(node, source, before)).collect::<Result<Vec<_>, _>>()?;
        let balance = Balance::new(nodes, source.balancing).ok_or("no node has a weight above 0")?;
        let rewritten_host = match &source.pass_host {
            PassHost::Pass | PassHost::Node => None,
            PassHost::Rewrite { upstream_host } => {
                Some(HeaderValue::from_str(upstream_host).map_err(|_| "its Upstream Host is no host name".to_owned())?)
            }
        };
        let retries = source.retries.map_or(usize::MAX, |retries| usize::try_from(retries).unwrap_or(usize::MAX));
        Ok(Self {
            source: source.clone(),
            certificate: certificate.cloned(),
            is_http2: source.scheme.is_http2(),
            attempts: retries.saturating_add(1),
            balance,
            tls: UpstreamTls::of(source, certificate)?,
            rewritten_host,
            connections: OnceLock::new(),
            is_checked: AtomicBool::new(false),
        })
    }

    pub(crate) fn is_for(&self, source: &routing::Nodes, certificate: Option<&SnapshotCertificate>) -> bool {
        self.source == *source && self.certificate.as_ref() == certificate
    }

    /// Every server that may get requests.
    pub(crate) fn nodes(&self) -> &[Arc<Node>] {
        &self.balance.nodes
    }

    /// Begins the active check, if there is one and it has not begun.
    pub(crate) fn check(self: &Arc<Self>, config: &GatewayConfig) {
        let Some(check) = &self.source.active_check else { return };
        if !self.is_checked.swap(true, Ordering::Relaxed) {
            let connector = self.connector(config);
            tokio::spawn(check::keep(Arc::downgrade(self), check.clone(), connector));
        }
    }

    fn node(&self, index: usize) -> &Arc<Node> {
        &self.balance.nodes[index]
    }

    fn next(&self, tried: &[usize]) -> Option<usize> {
        if tried.len() < self.attempts { self.balance.next(tried) } else { None }
    }

    fn connections(&self, pool: &Pool) -> &Connections {
        let all = self.connections.get_or_init(|| (0..pool.config.workers).map(|_| OnceLock::new()).collect());
        all[pool.worker].get_or_init(|| pool.open(self))
    }

    fn connector(&self, config: &GatewayConfig) -> Connector {
        let timeout = self.source.connect_timeout.map_or(config.connect_timeout, seconds);
        Connector::new(timeout, Reach::of_upstreams(&config.forbidden_upstreams), self.tls.clone())
    }

    fn read_timeout(&self, config: &GatewayConfig) -> Duration {
        self.source.read_timeout.map_or(config.response_timeout, seconds)
    }

    /// Until when a request that arrives now may be sent to another server; nothing for no limit.
    fn retries_until(&self) -> Option<Instant> {
        self.source.retry_timeout.map(|limit| Instant::now() + seconds(limit))
    }

    fn counts_requests(&self) -> bool {
        self.source.balancing == Balancing::LeastConnections
    }

    fn passes_host(&self) -> bool {
        self.source.pass_host == PassHost::Pass
    }

    /// The `Host` of a request that has none of its own.
    fn host_for(&self, node: &Node) -> HeaderValue {
        self.rewritten_host.as_ref().unwrap_or(&node.host).clone()
    }

    /// What a request found out about a server.
    fn learn(&self, node: &Node, is_well: bool) {
        let Some(check) = &self.source.passive_check else { return };
        if is_well {
            return node.succeeded();
        }
        let until_checked = self.source.active_check.is_some();
        if node.failed(check.unhealthy_after, seconds(check.rest), until_checked) {
            let server = node.name();
            tracing::warn!(%server, "Upstream {server} failed {} requests in a row and is left alone", check.unhealthy_after);
        }
    }
}

fn known(node: &routing::Node, source: &routing::Nodes, before: Option<&Servers>) -> Result<Arc<Node>, String> {
    let new = Node::new(node, &source.scheme).ok_or_else(|| format!("'{}' is no address", node.authority()))?;
    let old = before.and_then(|before| before.nodes().iter().find(|old| old.is(&new)));
    Ok(old.map_or_else(|| Arc::new(new), Arc::clone))
}

fn seconds(number: u32) -> Duration {
    Duration::from_secs(number.into())
}

#[cfg(test)]
mod tests;
