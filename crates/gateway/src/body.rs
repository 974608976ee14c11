//! Bodies on their way through: never collected, never looked into.

use crate::client_body::BodyError;
use crate::record::Record;
use crate::reject::Reject;
use crate::request_body::RequestBody;
use crate::upstream::Hold;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The body of an answer: the gateway's own, or the upstream's as it comes.
pub(crate) struct ResponseBody {
    content: Content,
    /// Ends with the body, and so does the request.
    record: Option<Box<Record>>,
}

enum Content {
    Own(Full<Bytes>),
    Upstream { body: Incoming, _hold: Hold },
}

impl ResponseBody {
    pub(crate) fn own(text: String) -> Self {
        Self { content: Content::Own(Full::new(Bytes::from(text))), record: None }
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self { content: Content::Own(Full::new(bytes)), record: None }
    }

    pub(crate) fn empty() -> Self {
        Self { content: Content::Own(Full::default()), record: None }
    }

    pub(crate) fn upstream(body: Incoming, hold: Hold) -> Self {
        Self { content: Content::Upstream { body, _hold: hold }, record: None }
    }

    /// The request lasts as long as this body.
    pub(crate) fn recorded(self, record: Box<Record>) -> Self {
        Self { record: Some(record), ..self }
    }

    /// HTTP/2 would send what HTTP/1.1 leaves out of an answer to HEAD. An upstream server that was asked by HEAD
    /// sends nothing; one that was not is not listened to.
    pub(crate) fn without_content(self) -> Self {
        match &self.content {
            Content::Upstream { body, .. } if body.is_end_stream() => self,
            Content::Own(_) | Content::Upstream { .. } => Self { content: Content::Own(Full::default()), ..self },
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = match &mut self.content {
            Content::Own(body) => ready!(Pin::new(body).poll_frame(context).map_err(|never| match never {})),
            Content::Upstream { body, .. } => ready!(Pin::new(body).poll_frame(context)),
        };
        if let Some(Err(error)) = &frame {
            // The client sees its connection break, which is all that can be said in HTTP now.
            tracing::warn!(%error, "An upstream server broke off in the middle of its answer");
        }
        if let (Some(frame), Some(record)) = (&frame, &mut self.record) {
            record.sent(frame.as_ref().ok());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Own(body) => body.is_end_stream(),
            Content::Upstream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Own(body) => body.size_hint(),
            Content::Upstream { body, .. } => body.size_hint(),
        }
    }
}

/// The body of a request on its way to the upstream, if it has one.
pub(crate) struct Upload {
    body: Option<RequestBody>,
    progress: Option<Arc<Progress>>,
}

/// How far an upload has come, for the timeout that must not hit a long but lively one.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// Milliseconds from `started` to the last sign of life.
    last: AtomicU64,
    /// Whether the client has to send next.
    waiting_for_client: AtomicBool,
    /// Why the client's part failed, if it did.
    failure: OnceLock<Reject>,
}

impl Upload {
    /// With its progress when there is a body at all.
    pub(crate) fn new(body: RequestBody) -> (Self, Option<Arc<Progress>>) {
        if body.is_end_stream() {
            return (Self { body: None, progress: None }, None);
        }
        let progress = Arc::new(Progress {
            started: Instant::now(),
            last: AtomicU64::new(0),
            waiting_for_client: AtomicBool::new(false),
            failure: OnceLock::new(),
        });
        (Self { body: Some(body), progress: Some(Arc::clone(&progress)) }, Some(progress))
    }
}

impl Progress {
    /// Time since the last sign of life.
    pub(crate) fn silence(&self) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.started.elapsed().saturating_sub(last)
    }

    pub(crate) fn is_waiting_for_client(&self) -> bool {
        self.waiting_for_client.load(Ordering::Relaxed)
    }

    pub(crate) fn failure(&self) -> Option<&Reject> {
        self.failure.get()
    }

    fn moved(&self) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let (Some(body), Some(progress)) = (&mut this.body, &this.progress) else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        progress.waiting_for_client.store(frame.is_pending(), Ordering::Relaxed);
        let frame = ready!(frame);
        progress.moved();
        if let Some(Err(error)) = &frame {
            progress.failure.get_or_init(|| error.reject());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), RequestBody::size_hint)
    }
}
