//! Why an upstream server gave no answer, and what the client may know of it.

use super::connect::ConnectError;
use super::connections::is_of_other_protocol;
use super::node::Node;
use crate::reject::Reject;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// No upstream server gave an answer.
pub(crate) struct Failed {
    pub(crate) reject: Reject,
    /// Which one was asked last, and what came of it, for the operator.
    pub(crate) last: Option<(Arc<Node>, String)>,
}

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

    /// Logs the cause, and turns it into what the client and the operator may know.
    pub(super) fn report(self, node: &Arc<Node>) -> Failed {
        let server = node.name();
        let (reject, why) = match self {
            Self::Upload(reject) => return reject.into(),
            Self::Silent(after) => {
                (Reject::SlowUpstream, format!("it did not begin to answer within {} s", after.as_secs()))
            }
            Self::Connect(error) => (of_connecting(&error), with_cause(&*error)),
            Self::Broken { error, .. } if is_of_other_protocol(&error) => {
                let why = "it does not speak HTTP/2, or breaks its rules; HTTP/1.1 is the scheme HTTP or HTTPS";
                (Reject::BrokenUpstream, why.to_owned())
            }
            Self::Broken { error, .. } => {
                (Reject::BrokenUpstream, format!("it broke off before it answered: {}", with_cause(&*error)))
            }
        };
        tracing::warn!(%server, "Upstream {server}: {why}");
        Failed { reject, last: Some((Arc::clone(node), why)) }
    }
}

impl From<Reject> for Failed {
    fn from(reject: Reject) -> Self {
        Self { reject, last: None }
    }
}

fn of_connecting(error: &ConnectError) -> Reject {
    match error {
        ConnectError::Timeout { .. } => Reject::SlowUpstream,
        ConnectError::CertificateRefused(_) => Reject::CertificateRefused,
        _ => Reject::Unreachable,
    }
}

fn with_cause(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => format!("{error} ({cause})"),
        None => error.to_string(),
    }
}
