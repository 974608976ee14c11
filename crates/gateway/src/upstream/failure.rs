//! Why an upstream server gave no answer, and what the client may know of it.

use super::connect::ConnectError;
use super::connections::is_of_other_protocol;
use super::node::Node;
use crate::reject::Reject;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

/// Why an attempt gave no answer.
pub(super) enum Failure {
    Connect(Arc<ConnectError>),
    /// The connection, or the request's stream of it, ended before there was an answer.
    Broken {
        error: Arc<hyper::Error>,
        /// It had been of use before.
        was_kept: bool,
        /// The server has said that it did nothing with the request.
        is_unprocessed: bool,
    },
    Silent(Duration),
    /// The client's part failed.
    Upload(Reject),
}

impl Failure {
    /// Whether a connection that had answered before was closed under this request, or takes no more of them.
    pub(super) fn is_stale_connection(&self) -> bool {
        matches!(self, Self::Broken { was_kept: true, .. }) || self.is_unprocessed()
    }

    /// Whether the server has said that it did nothing with the request.
    pub(super) fn is_unprocessed(&self) -> bool {
        matches!(self, Self::Broken { is_unprocessed: true, .. })
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
            Self::Connect(error) => {
                tracing::warn!(%server, cause = ?error.source(), "Upstream {server}: {error}");
                match *error {
                    ConnectError::Timeout { .. } => Reject::SlowUpstream,
                    ConnectError::CertificateRefused(_) => Reject::CertificateRefused,
                    _ => Reject::Unreachable,
                }
            }
            Self::Broken { error, .. } if is_of_other_protocol(&error) => {
                let why = "it does not speak HTTP/2, or breaks its rules; HTTP/1.1 is the scheme HTTP or HTTPS";
                tracing::warn!(%server, cause = ?error.source(), "Upstream {server}: {why}");
                Reject::BrokenUpstream
            }
            Self::Broken { error, .. } => {
                tracing::warn!(%server, %error, cause = ?error.source(), "Upstream {server} broke off before it answered");
                Reject::BrokenUpstream
            }
        }
    }
}
