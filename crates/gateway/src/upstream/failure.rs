//! Why an upstream server gave no answer, and what the client may know of it.

use super::connect::ConnectError;
use super::node::Node;
use crate::reject::Reject;
use std::error::Error as _;
use std::time::Duration;

/// Why an attempt gave no answer.
pub(super) enum Failure {
    Connect(ConnectError),
    /// The connection ended before there was an answer; `was_kept`: it had been of use before.
    Broken {
        error: hyper::Error,
        was_kept: bool,
    },
    Silent(Duration),
    /// The client's part failed.
    Upload(Reject),
}

impl Failure {
    /// Whether a connection that had answered before was closed under this request.
    pub(super) fn is_stale_connection(&self) -> bool {
        matches!(self, Self::Broken { was_kept: true, .. })
    }

    /// Whether the server is to blame, not the client.
    pub(super) fn is_the_servers(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Broken { .. } | Self::Silent(_) => true,
            Self::Upload(_) => false,
        }
    }

    /// Logs the cause, and turns it into what the client may know.
    pub(super) fn report(self, node: &Node) -> Reject {
        let server = node.name();
        match self {
            Self::Upload(reject) => reject,
            Self::Silent(after) => {
                tracing::warn!(%server, "Upstream {server} did not begin to answer within {} s", after.as_secs());
                Reject::SlowUpstream
            }
            Self::Connect(ConnectError::Timeout { after }) => {
                tracing::warn!(%server, "Upstream {server} could not be connected to within {} s", after.as_secs());
                Reject::SlowUpstream
            }
            Self::Connect(error) => {
                tracing::warn!(%server, cause = ?error.source(), "Upstream {server}: {error}");
                Reject::Unreachable
            }
            Self::Broken { error, .. } => {
                tracing::warn!(%server, %error, cause = ?error.source(), "Upstream {server} broke off before it answered");
                Reject::BrokenUpstream
            }
        }
    }
}
