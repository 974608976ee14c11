//! Bodies on their way through: never collected, never looked into.

use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The body of an answer: the gateway's own, or the upstream's as it comes.
pub(crate) enum ResponseBody {
    Own(Full<Bytes>),
    Upstream(Incoming),
}

impl ResponseBody {
    pub(crate) fn own(text: String) -> Self {
        Self::Own(Full::new(Bytes::from(text)))
    }

    pub(crate) fn empty() -> Self {
        Self::Own(Full::default())
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Own(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
            Self::Upstream(body) => {
                let frame = ready!(Pin::new(body).poll_frame(context));
                if let Some(Err(error)) = &frame {
                    // The client sees its connection break, which is all that can be said in HTTP now.
                    tracing::warn!(%error, "An upstream server broke off in the middle of its answer");
                }
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Upstream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Upstream(body) => body.size_hint(),
        }
    }
}

/// The body of a request on its way to the upstream, if it has one.
pub(crate) struct Upload(Option<(Incoming, Arc<Progress>)>);

/// How far an upload has come, for the timeout that must not hit a long but lively one.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    /// Milliseconds from `started` to the last sign of life.
    last: AtomicU64,
    /// Whether the client has to send next.
    waiting_for_client: AtomicBool,
    /// Whether the client broke off, or framed its body wrongly.
    failed: AtomicBool,
}

impl Upload {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    /// With its progress when there is a body at all.
    pub(crate) fn new(body: Incoming) -> (Self, Option<Arc<Progress>>) {
        if body.is_end_stream() {
            return (Self::none(), None);
        }
        let progress = Arc::new(Progress {
            started: Instant::now(),
            last: AtomicU64::new(0),
            waiting_for_client: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        (Self(Some((body, Arc::clone(&progress)))), Some(progress))
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

    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn moved(&self) {
        let millis = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(millis, Ordering::Relaxed);
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some((body, progress)) = &mut self.0 else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        progress.waiting_for_client.store(frame.is_pending(), Ordering::Relaxed);
        let frame = ready!(frame);
        progress.moved();
        progress.failed.store(matches!(frame, Some(Err(_))), Ordering::Relaxed);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |(body, _)| body.size_hint())
    }
}
