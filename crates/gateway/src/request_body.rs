//! The body of a request: passed on as it comes, unless a plugin has to have seen it whole.

use crate::client_body::{BodyError, ClientBody};
use crate::plugin::{Access, Denied, Otherwise};
use crate::reject::Reject;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The body of a request.
#[derive(Debug)]
pub(crate) enum RequestBody {
    Streaming(ClientBody),
    Held(Full<Bytes>),
}

impl RequestBody {
    /// The same body once more, if that does not depend on the client.
    pub(crate) fn again(&self) -> Option<Self> {
        match self {
            Self::Streaming(body) => body.is_end_stream().then(|| Self::Held(Full::default())),
            Self::Held(body) => Some(Self::Held(body.clone())),
        }
    }

    /// The whole body, which must not be longer than `limit` bytes.
    ///
    /// # Errors
    /// `over` when it is, else why it did not come.
    pub(crate) async fn read(self, limit: usize, over: Reject) -> Result<Bytes, Reject> {
        if self.size_hint().lower() > limit as u64 {
            return Err(over);
        }
        let read = Limited::new(self, limit).collect().await;
        read.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                return over;
            }
            error.downcast_ref::<BodyError>().map_or(Reject::BROKEN_BODY, BodyError::reject)
        })
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
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
pub(crate) struct BodyCheck {
    pub(crate) sha256: Vec<u8>,
    /// The longest body that is read, in bytes.
    pub(crate) limit: usize,
    /// What is said of another body.
    pub(crate) denied: Denied,
    pub(crate) otherwise: Arc<Otherwise>,
}

impl BodyCheck {
    /// Reads the body, and looks whether it is the one.
    pub(crate) async fn run(&self, access: &mut Access<'_>, body: RequestBody) -> Result<RequestBody, Reject> {
        let body = body.read(self.limit, Reject::BodyOverLimit).await?;
        if verify_slices_are_equal(digest(&SHA256, &body).as_ref(), &self.sha256).is_err() {
            self.otherwise.admit(access, self.denied)?;
        }
        Ok(RequestBody::Held(Full::new(body)))
    }
}
