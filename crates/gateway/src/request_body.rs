//! The body of a request: passed on as it comes, unless a plugin has to have seen it whole.

use crate::plugin::{Access, Otherwise};
use crate::reject::Reject;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Streaming(Incoming),
    Held(Full<Bytes>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Streaming(body) => Pin::new(body).poll_frame(context),
            Self::Held(body) => Pin::new(body).poll_frame(context).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Streaming(body) => body.is_end_stream(),
            Self::Held(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Streaming(body) => body.size_hint(),
            Self::Held(body) => body.size_hint(),
        }
    }
}

/// What a body must turn out to be before anything of it is passed on.
pub(crate) struct BodyCheck<'p> {
    pub(crate) sha256: Vec<u8>,
    /// The longest body that is read, in bytes.
    pub(crate) limit: usize,
    /// What is said of another body.
    pub(crate) message: &'static str,
    pub(crate) otherwise: &'p Otherwise,
}

impl BodyCheck<'_> {
    /// Reads the body, which has `patience` to arrive, and looks whether it is the one.
    pub(crate) async fn run(
        &self,
        access: &mut Access<'_>,
        body: Incoming,
        patience: Duration,
    ) -> Result<RequestBody, Reject> {
        if body.size_hint().lower() > self.limit as u64 {
            return Err(Reject::BodyOverLimit);
        }
        let read = Limited::new(body, self.limit).collect();
        let read = timeout(patience, read).await.map_err(|_| Reject::BodyTooSlow)?;
        let body = read.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() { Reject::BodyOverLimit } else { Reject::BROKEN_BODY }
        })?;
        if verify_slices_are_equal(digest(&SHA256, &body).as_ref(), &self.sha256).is_err() {
            self.otherwise.admit(access, self.message)?;
        }
        Ok(RequestBody::Held(Full::new(body)))
    }
}
