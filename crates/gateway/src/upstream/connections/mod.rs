//! Connections to upstream servers: kept, and used again.
//!
//! hyper drives each of them. What is here is who has which one, in HTTP/1.1 and in HTTP/2. hyper-util's pool does the
//! same for any host and protocol, and takes a fifth of all the instructions of a request for it (docs/decisions.md).
//!
//! No request waits for a lock here: all who take one run on the worker's thread, and hold it for a few instructions.

mod http1;
mod http2;

pub(super) use http2::is_of_other_protocol;

use super::connect::{ConnectError, Connector};
use super::node::Node;
use super::tls_stream::Refusal;
use crate::body::Upload;
use futures_util::future::{Either, FutureExt};
use http::{Request, Response};
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::time::sleep;

/// The longest head of an answer, in bytes.
const LONGEST_HEAD: u32 = 256 * 1024;

/// One worker's connections to the servers of one upstream.
pub(super) enum Connections {
    Http1(http1::Connections),
    Http2(http2::Connections),
}

/// A connection in use, or a stream of it. Whoever has it holds it until the answer has ended.
pub(crate) enum Lease {
    Http1 { _connection: http1::Lease },
    Http2 { _stream: http2::Lease },
}

/// What is kept for each server of an upstream.
struct PerServer<T>(Box<[Mutex<T>]>);

/// What is kept for one server.
trait Kept: Default + Send + 'static {
    /// Lets go of what nobody has used since this was last called.
    fn clear(&mut self);
}

/// An answer that has begun, and what it comes on; or the request was not answered.
type Asked = Result<(Response<Incoming>, Lease), Unanswered>;

/// A request that was not answered.
pub(super) struct Unanswered {
    pub(super) why: Broken,
    /// The request itself, when nothing of it was sent.
    pub(super) unsent: Option<Request<Upload>>,
}

/// Why.
pub(super) enum Broken {
    Connect(Arc<ConnectError>),
    Connection {
        error: Arc<hyper::Error>,
        /// The connection had been of use before, so the server may just have grown tired of it.
        was_kept: bool,
        /// The server has said that it did nothing with the request.
        is_unprocessed: bool,
    },
}

impl<T: Kept> PerServer<T> {
    /// Cleared after each `idle`, until its upstream is no longer configured.
    fn new(servers: usize, idle: Duration) -> Arc<Self> {
        let kept = Arc::new(Self((0..servers).map(|_| Mutex::default()).collect()));
        tokio::spawn(clear(Arc::downgrade(&kept), idle));
        kept
    }

    fn of(&self, server: usize) -> MutexGuard<'_, T> {
        self.0[server].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn clear<T: Kept>(kept: Weak<PerServer<T>>, idle: Duration) {
    loop {
        sleep(idle).await;
        let Some(kept) = kept.upgrade() else { return };
        (0..kept.0.len()).for_each(|server| kept.of(server).clear());
    }
}

impl Broken {
    /// A connection that the server ended because of the gateway's certificate was none.
    fn or_refused(self, refusal: Option<&Refusal>) -> Self {
        match refusal.and_then(|refusal| refusal.get()) {
            Some(alert) => Self::Connect(Arc::new(ConnectError::CertificateRefused(*alert))),
            None => self,
        }
    }
}

impl Connections {
    /// For so many servers. What nobody has used for `idle` is closed, after twice that at the latest.
    pub(super) fn new(connector: Connector, is_http2: bool, servers: usize, idle: Duration) -> Self {
        if is_http2 {
            return Self::Http2(http2::Connections::new(connector, servers, idle));
        }
        Self::Http1(http1::Connections::new(connector, servers, idle))
    }

    /// Sends a request to a server, and returns its answer as soon as it begins. `anew` does without kept connections.
    pub(super) fn ask<'a>(
        &'a self,
        server: usize,
        node: &'a Node,
        request: Request<Upload>,
        anew: bool,
    ) -> impl Future<Output = Asked> + 'a {
        match self {
            Self::Http1(connections) => Either::Left(connections.ask(server, node, request, anew)),
            // In a box, so that requests in HTTP/1.1 need no room for it.
            Self::Http2(connections) => Either::Right(connections.ask(server, node, request, anew).boxed()),
        }
    }

    /// The server was silent for too long: a connection that others share may be dead, so that no further request goes
    /// to it.
    pub(super) fn distrust(&self, server: usize) {
        match self {
            Self::Http1(_) => {}
            Self::Http2(connections) => connections.distrust(server),
        }
    }
}
