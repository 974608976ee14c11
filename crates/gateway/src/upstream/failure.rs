//! Why an upstream server gave no answer, and what the client may know of it.

use super::connect::{ConnectError, Used};
use super::node::Node;
use crate::reject::Reject;
use hyper_util::client::legacy::Error;
use std::error::Error as _;
use std::time::Duration;

/// Why an attempt gave no answer.
pub(super) enum Failure {
    Client(Error),
    Silent(Duration),
    /// The client's part failed.
    Upload(Reject),
}

impl Failure {
    fn connect_error(&self) -> Option<&ConnectError> {
        let Self::Client(error) = self else { return None };
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<ConnectError>() {
                return Some(error);
            }
            source = error.source();
        }
        None
    }

    /// Whether nothing was sent.
    pub(super) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_connect())
    }

    /// Whether a connection that had answered before was closed under this request.
    pub(super) fn is_stale_connection(&self) -> bool {
        let Self::Client(error) = self else { return false };
        let mut extensions = http::Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut extensions);
        }
        extensions.get::<Used>().is_some_and(Used::is_marked)
    }

    /// Whether the server may have got the request, but gave no answer: it broke off, or was silent for too long.
    pub(super) fn is_unanswered(&self) -> bool {
        match self {
            Self::Client(error) => !error.is_connect(),
            Self::Silent(_) => true,
            Self::Upload(_) => false,
        }
    }

    /// Whether the server is to blame, not the client.
    pub(super) fn is_the_servers(&self) -> bool {
        match self {
            Self::Client(_) | Self::Silent(_) => true,
            Self::Upload(_) => false,
        }
    }

    /// Logs the cause, and turns it into what the client may know.
    pub(super) fn report(self, node: &Node) -> Reject {
        let server = node.name();
        match &self {
            Self::Upload(reject) => return reject.clone(),
            Self::Silent(after) => {
                tracing::warn!(%server, "Upstream {server} did not begin to answer within {} s", after.as_secs());
                return Reject::SlowUpstream;
            }
            Self::Client(_) => {}
        }
        match (self.connect_error(), &self) {
            (Some(ConnectError::Timeout { after }), _) => {
                tracing::warn!(%server, "Upstream {server} could not be connected to within {} s", after.as_secs());
                Reject::SlowUpstream
            }
            (Some(error), _) => {
                tracing::warn!(%server, cause = ?error.source(), "Upstream {server}: {error}");
                Reject::Unreachable
            }
            (None, Self::Client(error)) => {
                tracing::warn!(%server, %error, cause = ?error.source(), "Upstream {server} broke off before it answered");
                Reject::BrokenUpstream
            }
            (None, _) => Reject::BrokenUpstream,
        }
    }
}
