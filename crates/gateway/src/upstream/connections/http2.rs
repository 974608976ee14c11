//! HTTP/2: a connection carries many requests at a time, as many as its server allows; then there is another one.

use super::{Asked, Broken, Kept, LONGEST_HEAD, PerServer, Unanswered};
use crate::body::Upload;
use crate::upstream::connect::{ConnectError, Connector, UpstreamStream};
use crate::upstream::node::Node;
use crate::upstream::tls_stream::Refusal;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use h2::Reason;
use http::Request;
use http::uri::Authority;
use hyper::client::conn::http2;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Notify;

/// Requests at a time on a connection whose server has not yet said how many it allows: the least that RFC 9113 §6.5.2
/// advises servers to.
const USUAL_STREAMS: usize = 100;

/// One worker's connections to the servers of one upstream.
pub(in crate::upstream) struct Connections {
    connector: Connector,
    slots: Arc<Slots>,
}

/// A slot for each server.
type Slots = PerServer<Slot>;

struct Slot {
    /// How many requests at a time the server allowed on a connection when it was last looked.
    limit: Arc<AtomicUsize>,
    open: Vec<Arc<Connection>>,
    /// Whoever needs another connection meanwhile waits for this one.
    opening: Option<Opening>,
}

type Opening = Shared<BoxFuture<'static, Result<Arc<Connection>, Arc<ConnectError>>>>;

/// One connection.
struct Connection {
    sender: http2::SendRequest<Upload>,
    streams: AtomicUsize,
    /// Nobody has used it since the last look.
    is_untouched: AtomicBool,
    has_answered: AtomicBool,
    fate: Arc<Fate>,
}

/// What the task that drives a connection says of it.
struct Fate {
    /// That of its slot.
    limit: Arc<AtomicUsize>,
    look: Notify,
    /// Why it ended.
    ended: OnceLock<Arc<hyper::Error>>,
    refusal: Option<Refusal>,
}

/// A request's stream, until its answer has ended.
pub(crate) struct Lease(Arc<Connection>);

impl Connections {
    pub(super) fn new(connector: Connector, servers: usize, idle: Duration) -> Self {
        Self { connector, slots: PerServer::new(servers, idle) }
    }

    pub(super) async fn ask(&self, server: usize, node: &Node, mut request: Request<Upload>, anew: bool) -> Asked {
        let mut kept = if anew { None } else { self.slots.take(server) };
        loop {
            let is_new = kept.is_none();
            let lease = match kept {
                Some(lease) => lease,
                None => match self.open(server, node).await {
                    Ok(lease) => lease,
                    Err(why) => return Err(Unanswered { why: Broken::Connect(why), unsent: Some(request) }),
                },
            };
            let connection = &lease.0;
            let was_kept = connection.has_answered.load(Ordering::Relaxed);
            let mut failed = match connection.sender.clone().try_send_request(request).await {
                Ok(response) => {
                    connection.answered();
                    return Ok((response, super::Lease::Http2 { _stream: lease }));
                }
                Err(failed) => failed,
            };
            let unsent = failed.take_message();
            let error = connection.fate.ended.get().cloned().unwrap_or_else(|| Arc::new(failed.into_error()));
            let is_of_stream = is_reset(&error);
            if !is_of_stream {
                self.slots.forget(server, connection);
            }
            match unsent {
                // It was closed before anything was sent: as if it had not been there.
                Some(unsent) if !is_new => (request, kept) = (unsent, self.slots.take(server)),
                unsent => {
                    let is_unprocessed = is_unprocessed(&error);
                    let why = Broken::Connection { error, was_kept: was_kept && !is_of_stream, is_unprocessed };
                    let why = why.or_refused(connection.fate.refusal.as_ref());
                    return Err(Unanswered { why, unsent });
                }
            }
        }
    }

    pub(super) fn distrust(&self, server: usize) {
        self.slots.of(server).open.clear();
    }

    /// A new connection, which all share that need one now.
    async fn open(&self, server: usize, node: &Node) -> Result<Lease, Arc<ConnectError>> {
        loop {
            let begin = |limit| open(self.connector.clone(), node.authority.clone(), limit);
            let (opening, is_ours) = self.slots.opening(server, begin);
            let opened = opening.clone().await;
            self.slots.opened(server, &opening, opened.as_ref().ok());
            let connection = opened?;
            if is_ours || connection.has_room() {
                return Ok(Lease::new(connection));
            }
        }
    }
}

/// Opens a connection in a task of its own: a client that goes away must not keep others waiting.
fn open(connector: Connector, server: Authority, limit: Arc<AtomicUsize>) -> Opening {
    let opening = tokio::spawn(async move {
        let stream = connector.connect(&server).await?;
        let refusal = stream.refusal();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let opened = builder.max_header_list_size(LONGEST_HEAD).handshake(stream).await;
        let (sender, connection) = opened.map_err(ConnectError::Http2)?;
        let fate = Arc::new(Fate { limit, look: Notify::new(), ended: OnceLock::new(), refusal });
        tokio::spawn(drive(connection, Arc::clone(&fate)));
        Ok(Arc::new(Connection {
            sender,
            streams: AtomicUsize::new(0),
            is_untouched: AtomicBool::new(false),
            has_answered: AtomicBool::new(false),
            fate,
        }))
    });
    async { opening.await.unwrap_or(Err(ConnectError::Stopping)).map_err(Arc::new) }.boxed().shared()
}

/// Lets a connection do its work until it ends: by itself, or when nobody has a sender of it any more.
async fn drive(connection: http2::Connection<UpstreamStream, Upload, TokioExecutor>, fate: Arc<Fate>) {
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, cause = ?error.source(), "A connection to an upstream server broke");
                    // Whoever waits for an answer is told the same; and it is here before they are told.
                    fate.ended.get_or_init(|| Arc::new(error));
                }
                return;
            }
            () = fate.look.notified() => fate.limit.store(connection.current_max_send_streams(), Ordering::Relaxed),
        }
    }
}

impl Slots {
    /// A stream of the first connection that is open, as far as one can know, and has room.
    fn take(&self, server: usize) -> Option<Lease> {
        let slot = self.of(server);
        let found = slot.open.iter().find(|connection| !connection.sender.is_closed() && connection.has_room());
        found.map(|connection| Lease::new(Arc::clone(connection)))
    }

    /// The connection that is being opened, and whether it was not before.
    fn opening(&self, server: usize, open: impl FnOnce(Arc<AtomicUsize>) -> Opening) -> (Opening, bool) {
        let mut slot = self.of(server);
        let is_new = slot.opening.is_none();
        let limit = Arc::clone(&slot.limit);
        (slot.opening.get_or_insert_with(|| open(limit)).clone(), is_new)
    }

    /// Whoever comes first takes it in.
    fn opened(&self, server: usize, opening: &Opening, connection: Option<&Arc<Connection>>) {
        let mut slot = self.of(server);
        if slot.opening.as_ref().is_some_and(|known| known.ptr_eq(opening)) {
            slot.opening = None;
            slot.open.extend(connection.cloned());
        }
    }

    fn forget(&self, server: usize, connection: &Arc<Connection>) {
        self.of(server).open.retain(|known| !Arc::ptr_eq(known, connection));
    }
}

impl Default for Slot {
    fn default() -> Self {
        Self { limit: Arc::new(AtomicUsize::new(USUAL_STREAMS)), open: Vec::new(), opening: None }
    }
}

impl Kept for Slot {
    /// Lets go of what nobody has used. hyper closes it.
    fn clear(&mut self) {
        self.open.retain(|connection| {
            let is_used = connection.streams.load(Ordering::Relaxed) > 0;
            let was_untouched = connection.is_untouched.swap(true, Ordering::Relaxed);
            !connection.sender.is_closed() && (is_used || !was_untouched)
        });
    }
}

impl Connection {
    /// Whether the server allows another request. When not, the driver looks whether that is still so.
    fn has_room(&self) -> bool {
        let has_room = self.streams.load(Ordering::Relaxed) < self.fate.limit.load(Ordering::Relaxed);
        if !has_room {
            self.fate.look.notify_one();
        }
        has_room
    }

    /// With its first answer it is known what the server allows.
    fn answered(&self) {
        if !self.has_answered.swap(true, Ordering::Relaxed) {
            self.fate.look.notify_one();
        }
    }
}

impl Lease {
    fn new(connection: Arc<Connection>) -> Self {
        connection.streams.fetch_add(1, Ordering::Relaxed);
        connection.is_untouched.store(false, Ordering::Relaxed);
        Self(connection)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What HTTP/2 itself has to say.
fn of_protocol(error: &hyper::Error) -> Option<&h2::Error> {
    error.source()?.downcast_ref()
}

/// Whether one stream has ended, and the connection goes on.
fn is_reset(error: &hyper::Error) -> bool {
    of_protocol(error).is_some_and(h2::Error::is_reset)
}

/// Whether the server has said that it did nothing with the request (RFC 9113 §8.7).
fn is_unprocessed(error: &hyper::Error) -> bool {
    of_protocol(error).is_some_and(|error| {
        error.is_remote() && (error.is_go_away() || error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM))
    })
}

/// Whether what the server sent cannot be HTTP/2.
pub(in crate::upstream) fn is_of_other_protocol(error: &hyper::Error) -> bool {
    of_protocol(error).is_some_and(|error| error.is_library() && error.is_go_away())
}
