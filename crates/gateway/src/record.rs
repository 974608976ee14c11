//! What is known of one request while it lasts, and what is done with it when it has ended.

use crate::identity::Identity;
use crate::peer::Peer;
use crate::plugin::{Access, Installed, Kept};
use crate::reject::Reject;
use crate::request_id;
use crate::stats::Outcome;
use crate::table::Route;
use crate::upstream::{Failed, Node};
use crate::worker::Shared;
use http::{HeaderValue, Method, Request, Version};
use http_body::Frame;
use hyper::body::{Bytes, Incoming};
use postern::plugin::PluginName;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// nginx's status for a client that went away before it was answered. No client ever sees it.
const CLIENT_GONE: u16 = 499;

/// One request, from its head to the last byte of its answer. Dropped, it is counted and logged.
pub(crate) struct Record {
    shared: Arc<Shared>,
    peer: Arc<Peer>,
    started: Instant,
    /// Whom the request comes from.
    pub(crate) client: IpAddr,
    pub(crate) id: HeaderValue,
    /// Whether the client sent the id.
    pub(crate) has_clients_id: bool,
    pub(crate) method: Method,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) identity: Option<Identity>,
    pub(crate) node: Option<Arc<Node>>,
    /// The plugins that change its answer, in order.
    pub(crate) answering: Vec<Arc<Installed>>,
    /// What they need of the request.
    pub(crate) kept: Kept,
    /// The plugin that refused it.
    pub(crate) refused_by: Option<PluginName>,
    /// Why the upstream server gave no answer, or why it was refused.
    reason: Option<Box<str>>,
    /// Absent until there is an answer.
    status: Option<u16>,
    /// Of the body.
    bytes: u64,
    /// Whether the upstream server broke off in the middle of its answer.
    is_torn: bool,
}

/// The same, on its way to the access log.
pub(crate) struct Entry {
    pub(crate) ended: Instant,
    pub(crate) took: Duration,
    pub(crate) client: IpAddr,
    pub(crate) id: HeaderValue,
    pub(crate) method: Method,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) identity: Option<Identity>,
    pub(crate) node: Option<Arc<Node>>,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) is_torn: bool,
    pub(crate) refused_by: Option<PluginName>,
    pub(crate) reason: Option<Box<str>>,
}

impl Record {
    /// The head of a request has arrived.
    pub(crate) fn new(shared: &Arc<Shared>, peer: Arc<Peer>, request: &Request<Incoming>) -> Box<Self> {
        peer.begun(request.version() == Version::HTTP_2);
        let clients_id = request_id::of(request.headers());
        Box::new(Self {
            shared: Arc::clone(shared),
            started: Instant::now(),
            client: peer.ip,
            peer,
            has_clients_id: clients_id.is_some(),
            id: clients_id.cloned().unwrap_or_else(request_id::new),
            method: request.method().clone(),
            route: None,
            identity: None,
            node: None,
            answering: Vec::new(),
            kept: Kept::default(),
            refused_by: None,
            reason: None,
            status: None,
            bytes: 0,
            is_torn: false,
        })
    }

    /// These plugins change the answer, in this order.
    pub(crate) fn answered_by<'p>(&mut self, plugins: impl Iterator<Item = &'p Arc<Installed>>, access: &Access<'_>) {
        self.answering.clear();
        self.answering.extend(plugins.cloned());
        self.kept.take(&self.answering, access);
        if let Some(id) = &self.kept.id {
            self.id = id.clone();
        }
    }

    /// The upstream server that was asked last gave no answer.
    #[cold]
    pub(crate) fn failed(&mut self, failed: Failed) -> Reject {
        if let Some((node, why)) = failed.last {
            self.node = Some(node);
            self.reason = Some(why.into());
        }
        failed.reject
    }

    /// It is answered by the gateway itself.
    #[cold]
    pub(crate) fn refused(&mut self, reject: &Reject) {
        if let Some(message) = reject.unauthorized() {
            self.shared.auth_failures.add(message);
        }
        let reason = self.reason.get_or_insert_with(|| reject.reason().into());
        let (id, status) = (self.id.to_str().unwrap_or_default(), reject.status().as_u16());
        let plugin = self.refused_by.map_or("", PluginName::slug);
        tracing::debug!(id, status, plugin, "Request {id} is answered with {status}: {reason}");
    }

    /// There is an answer.
    pub(crate) fn answered(&mut self, status: u16, outcome: Outcome) {
        self.status = Some(status);
        self.shared.counters.ended(outcome);
    }

    /// The next piece of the answer is on its way; nothing when the upstream server broke off.
    pub(crate) fn sent(&mut self, frame: Option<&Frame<Bytes>>) {
        match frame {
            Some(frame) => self.bytes += frame.data_ref().map_or(0, Bytes::len) as u64,
            None => self.is_torn = true,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let ended = Instant::now();
        self.peer.ended(ended);
        let took = ended.saturating_duration_since(self.started);
        let status = self.status.unwrap_or(CLIENT_GONE);
        let counts = self.route.as_ref().map_or(&self.shared.no_route, |route| &route.counts);
        counts.add(status, took);
        let Some(log) = &self.shared.access_log else { return };
        log.add(Entry {
            ended,
            took,
            client: self.client,
            id: self.id.clone(),
            method: self.method.clone(),
            route: self.route.take(),
            identity: self.identity.take(),
            node: self.node.take(),
            status,
            bytes: self.bytes,
            is_torn: self.is_torn,
            refused_by: self.refused_by,
            reason: self.reason.take(),
        });
    }
}
