//! The body of a request as its client sends it: no longer, and no slower, than the gateway allows.

use crate::GatewayConfig;
use crate::reject::Reject;
use http_body::{Body, Frame, SizeHint};
use hyper::body::{Bytes, Incoming};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// A body on its way in, and how much of what it may take is left.
#[derive(Debug)]
pub(crate) struct ClientBody {
    body: Incoming,
    /// Nothing for a request without a body.
    pace: Option<Box<Pace>>,
}

/// What a body may still take.
#[derive(Debug)]
struct Pace {
    /// Bytes.
    left: u64,
    idle: Duration,
    deadline: Option<Instant>,
    /// Set when the client is first waited for, and anew after each piece.
    alarm: Option<Pin<Box<Sleep>>>,
    has_moved: bool,
}

/// Why a body did not come whole.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("it broke off, or is not framed as HTTP requires")]
    Broken(#[source] hyper::Error),
    #[error("it did not arrive in time")]
    TooSlow,
    #[error("it is longer than the gateway takes")]
    TooLong,
}

impl BodyError {
    /// What the client is told.
    pub(crate) fn reject(&self) -> Reject {
        match self {
            Self::Broken(_) => Reject::BROKEN_BODY,
            Self::TooSlow => Reject::BodyTooSlow,
            Self::TooLong => Reject::BodyTooLong,
        }
    }
}

impl ClientBody {
    /// # Errors
    /// It says itself that it is longer than the gateway takes.
    pub(crate) fn new(body: Incoming, config: &GatewayConfig) -> Result<Self, Reject> {
        if body.is_end_stream() {
            return Ok(Self { body, pace: None });
        }
        let left = config.max_body_bytes.unwrap_or(u64::MAX);
        if body.size_hint().lower() > left {
            return Err(Reject::BodyTooLong);
        }
        let deadline = config.body_timeout.and_then(|whole| Instant::now().checked_add(whole));
        let pace = Pace { left, idle: config.body_idle_timeout, deadline, alarm: None, has_moved: false };
        Ok(Self { body, pace: Some(Box::new(pace)) })
    }
}

impl Pace {
    fn took(&mut self, frame: &Frame<Bytes>) -> Result<(), BodyError> {
        self.has_moved = true;
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.left = self.left.checked_sub(length).ok_or(BodyError::TooLong)?;
        Ok(())
    }

    /// Whether the client has been waited for too long. Wakes the task when it will be.
    fn is_over(&mut self, context: &mut Context<'_>) -> bool {
        let until = |pace: &Self| {
            let idle = Instant::now() + pace.idle;
            pace.deadline.map_or(idle, |deadline| deadline.min(idle))
        };
        if self.has_moved || self.alarm.is_none() {
            self.has_moved = false;
            let until = until(self);
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(until),
                None => self.alarm = Some(Box::pin(sleep_until(until))),
            }
        }
        self.alarm.as_mut().is_some_and(|alarm| alarm.as_mut().poll(context).is_ready())
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        let Some(pace) = &mut self.pace else { return frame.map_err(BodyError::Broken) };
        match frame {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(pace.took(&frame).map(|()| frame))),
            Poll::Ready(other) => Poll::Ready(other.map(|frame| frame.map_err(BodyError::Broken))),
            Poll::Pending if pace.is_over(context) => Poll::Ready(Some(Err(BodyError::TooSlow))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
