//! HTTP/1.1: a worker's requests take a connection, and give it back with the last byte of the answer.

use super::{Asked, Broken, Kept, LONGEST_HEAD, PerServer, Unanswered};
use crate::body::Upload;
use crate::upstream::connect::Connector;
use crate::upstream::node::Node;
use crate::upstream::tls_stream::Refusal;
use http::Request;
use hyper::client::conn::http1;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Unused connections kept for each server, as in APISIX (`keepalive_pool`).
const MOST: usize = 320;

type Sender = http1::SendRequest<Upload>;

/// One worker's connections to the servers of one upstream.
pub(in crate::upstream) struct Connections {
    connector: Connector,
    shelves: Arc<Shelves>,
}

/// The unused connections, a shelf for each server.
type Shelves = PerServer<Shelf>;

#[derive(Default)]
struct Shelf {
    /// The one used last is on top, and taken first.
    unused: Vec<Sender>,
    /// How many at the bottom nobody has taken since the last look.
    untouched: usize,
}

/// A connection in use. Goes back to its shelf when it is dropped, as soon as its answer has been read to the end.
pub(crate) struct Lease {
    sender: Option<Sender>,
    shelves: Arc<Shelves>,
    server: usize,
}

impl Connections {
    pub(super) fn new(connector: Connector, servers: usize, idle: Duration) -> Self {
        Self { connector, shelves: PerServer::new(servers, idle) }
    }

    pub(super) async fn ask(&self, server: usize, node: &Node, mut request: Request<Upload>, anew: bool) -> Asked {
        while let Some(mut sender) = if anew { None } else { self.shelves.take(server) } {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok((response, self.lease(sender, server))),
                Err(mut error) => match error.take_message() {
                    // It was closed before anything was sent: as if it had not been there.
                    Some(unsent) => request = unsent,
                    None => return Err(unanswered(error, true)),
                },
            }
        }
        let (mut sender, refusal) = match self.open(node).await {
            Ok(opened) => opened,
            Err(why) => return Err(Unanswered { why, unsent: Some(request) }),
        };
        match sender.try_send_request(request).await {
            Ok(response) => Ok((response, self.lease(sender, server))),
            Err(error) => {
                let Unanswered { why, unsent } = unanswered(error, false);
                Err(Unanswered { why: why.or_refused(refusal.as_ref()), unsent })
            }
        }
    }

    fn lease(&self, sender: Sender, server: usize) -> super::Lease {
        let shelves = Arc::clone(&self.shelves);
        super::Lease::Http1 { _connection: Lease { sender: Some(sender), shelves, server } }
    }

    async fn open(&self, node: &Node) -> Result<(Sender, Option<Refusal>), Broken> {
        let stream = self.connector.connect(&node.authority).await.map_err(|error| Broken::Connect(Arc::new(error)))?;
        let refusal = stream.refusal();
        let opened = http1::Builder::new().max_buf_size(LONGEST_HEAD as usize).handshake(stream).await;
        let (sender, connection) = opened.map_err(|error| broken(error, false))?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told the same.
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "A connection to an upstream server broke");
            }
        });
        Ok((sender, refusal))
    }
}

fn unanswered(mut error: hyper::client::conn::TrySendError<Request<Upload>>, was_kept: bool) -> Unanswered {
    let unsent = error.take_message();
    Unanswered { why: broken(error.into_error(), was_kept), unsent }
}

fn broken(error: hyper::Error, was_kept: bool) -> Broken {
    Broken::Connection { error: Arc::new(error), was_kept, is_unprocessed: false }
}

impl Shelves {
    /// A connection that is open, as far as one can know.
    fn take(&self, server: usize) -> Option<Sender> {
        let mut shelf = self.of(server);
        let open = std::iter::from_fn(|| shelf.unused.pop()).find(Sender::is_ready);
        shelf.untouched = shelf.untouched.min(shelf.unused.len());
        open
    }

    fn put(&self, server: usize, sender: Sender) {
        let mut shelf = self.of(server);
        if shelf.unused.len() < MOST {
            shelf.unused.push(sender);
        }
    }
}

impl Kept for Shelf {
    /// Closes what nobody has taken.
    fn clear(&mut self) {
        self.unused.drain(..self.untouched);
        self.unused.retain(|sender| !sender.is_closed());
        self.untouched = self.unused.len();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(mut sender) = self.sender.take() else { return };
        if sender.is_closed() {
            return;
        }
        if sender.is_ready() {
            return self.shelves.put(self.server, sender);
        }
        // Most often the answer has been read and the connection is about to find out. One that was not read to its end
        // never becomes ready.
        let (shelves, server) = (Arc::clone(&self.shelves), self.server);
        let waiting = async move {
            if sender.ready().await.is_ok() {
                shelves.put(server, sender);
            }
        };
        // There is none when the gateway stops.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(waiting);
        }
    }
}
