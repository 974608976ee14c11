//! One connection in HTTP/1.1, and who moves its bytes.
//!
//! hyper leaves that to whoever polls a connection. A request without a body does it itself, in its own task: that
//! saves three turns of a task for the connection, and their wake-ups, for each small answer. What goes on beside an
//! answer, a body that is still being sent or a tunnel, needs a task.

use crate::body::Upload;
use crate::upstream::connect::UpstreamStream;
use futures_util::task::AtomicWaker;
use http::header::UPGRADE;
use http::{Request, Response};
use http_body::{Body, Frame};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{Connection, SendRequest};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

pub(super) struct Line {
    sender: SendRequest<Upload>,
    /// Absent once a task has it, or it has ended.
    idle: Option<Untended>,
}

/// A connection that moves only while a request polls it.
struct Untended {
    connection: Box<Connection<UpstreamStream, Upload>>,
    bell: Arc<Bell>,
    /// The bell, as what the connection wakes.
    waker: Waker,
}

/// Wakes the request that has the connection. Not while that request polls it: what the two do to each other then
/// calls for no further turn.
#[derive(Default)]
struct Bell {
    listener: AtomicWaker,
    state: AtomicU8,
}

/// The request polls the connection.
const BUSY: u8 = 1;
/// The connection has called meanwhile.
const RUNG: u8 = 2;

impl Line {
    pub(super) fn new(sender: SendRequest<Upload>, connection: Connection<UpstreamStream, Upload>) -> Self {
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(Arc::clone(&bell));
        Self { sender, idle: Some(Untended { connection: Box::new(connection), bell, waker }) }
    }

    /// Whether it takes a request, as far as is known.
    pub(super) fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Whether a task moves it, which goes on by itself.
    pub(super) fn has_task(&self) -> bool {
        self.idle.is_none()
    }

    /// Waits until it takes a request, or has ended.
    pub(super) async fn ready(&mut self) -> hyper::Result<()> {
        self.sender.ready().await
    }

    /// Lets it find out what has become of it: that its answer has been read, that the server has closed it.
    pub(super) fn look(&mut self) {
        let never = |_: &mut Context<'_>| Poll::<()>::Pending;
        let _pending = advance(&mut self.idle, &mut Context::from_waker(Waker::noop()), never);
    }

    /// Sends a request, and returns its answer as soon as it begins.
    ///
    /// # Errors
    /// With the request, when nothing of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        if !request.body().is_end_stream() || request.headers().contains_key(UPGRADE) {
            self.leave_to_a_task();
        }
        let mut answer = pin!(self.sender.try_send_request(request));
        let idle = &mut self.idle;
        poll_fn(|context| advance(idle, context, |context| answer.as_mut().poll(context))).await
    }

    /// The next piece of its answer's body.
    pub(super) fn poll_frame(
        &mut self,
        body: &mut Incoming,
        context: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        advance(&mut self.idle, context, |context| Pin::new(&mut *body).poll_frame(context))
    }

    fn leave_to_a_task(&mut self) {
        let Some(Untended { connection, .. }) = self.idle.take() else { return };
        tokio::spawn(async move { tell_end((*connection).with_upgrades().await) });
    }
}

/// Polls what is waited for, and the connection in between if nobody else does.
fn advance<T>(
    idle: &mut Option<Untended>,
    context: &mut Context<'_>,
    mut awaited: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    let Some(Untended { connection, bell, waker }) = idle else { return awaited(context) };
    bell.listener.register(context.waker());
    let mut inner = Context::from_waker(waker);
    bell.state.store(BUSY, Ordering::Release);
    let found = awaited(&mut inner);
    if found.is_ready() {
        bell.state.store(0, Ordering::Release);
        return found;
    }
    // What has rung so far was for the turn that comes now.
    bell.state.store(BUSY, Ordering::Release);
    if let Poll::Ready(ended) = Pin::new(connection.as_mut()).poll(&mut inner) {
        *idle = None;
        tell_end(ended);
        return awaited(context);
    }
    let found = awaited(&mut inner);
    let has_rung = bell.state.swap(0, Ordering::AcqRel) & RUNG != 0;
    if has_rung && found.is_pending() {
        context.waker().wake_by_ref();
    }
    found
}

/// Whoever waits for an answer is told the same.
fn tell_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection to an upstream server broke");
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.fetch_or(RUNG, Ordering::AcqRel) & BUSY == 0 {
            self.listener.wake();
        }
    }
}
