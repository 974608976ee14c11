//! Every answer the gateway gives in place of the upstream: one enum, one table.
//!
//! The texts are for the client, so none names an address, a plugin's configuration or a cause; the cause
//! is in the log.

use crate::body::ResponseBody;
use crate::own_answer::{OwnAnswer, OwnBody};
use crate::plugin::{Denied, key_auth};
use crate::stats::Outcome;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use std::borrow::Cow;
use std::sync::Arc;

/// Why a request did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reject {
    /// No route has this host, path and method.
    NoRoute,
    /// An authentication plugin refused it. Some ask for no credentials in a way that a browser knows, and have no
    /// challenge.
    Unauthorized { denied: Denied, challenge: Option<HeaderValue> },
    /// It can be read in two ways, or breaks the protocol. The text says what to change.
    BadRequest(&'static str),
    /// The client paused while it sent its body, or took too long in all.
    BodyTooSlow,
    /// It is longer than the operator allows.
    BodyTooLong,
    /// CONNECT and TRACE.
    MethodRefused,
    /// The built-in echo reads at most 1 MiB.
    BodyTooLarge,
    /// It is longer than the plugin that validates it reads.
    BodyOverLimit,
    /// The route exists, but cannot be enforced as configured.
    NotEnforceable,
    /// The limit of limit-count is reached. The text is the operator's.
    Limited { status: StatusCode, message: Option<Arc<str>> },
    /// limit-count could not count it.
    NotCounted,
    /// A plugin refuses it, with this status and these words for the client.
    Refused { status: StatusCode, message: Cow<'static, str> },
    /// A plugin answers it in place of the upstream server.
    Answered(Box<OwnAnswer>),
    /// A refusal of a plugin whose configuration has another body for it.
    Reworded { reject: Box<Self>, body: OwnBody },
    /// A secret that a plugin or the upstream needs has no value now. The operator finds the incident.
    Unresolved { incident: String },
    /// The upstream server's answer cannot be changed as response-rewrite is configured to.
    NotFiltered,
    /// No upstream server could be connected to.
    Unreachable,
    /// It demands a client certificate, or does not accept the gateway's.
    CertificateRefused,
    /// It could be connected to, but broke off before it answered.
    BrokenUpstream,
    /// A WebSocket to a server that is spoken to in HTTP/2.
    NoTunnel,
    /// It did not begin its answer in time.
    SlowUpstream,
    /// A bug. The log has it.
    Internal,
}

/// What the refusals of a server that knows the users are counted as.
const REFUSED_ELSEWHERE: &str = "refused by the server that knows the users";

impl Reject {
    pub(crate) const BROKEN_BODY: Self =
        Self::BadRequest("The body of the request broke off, or is not framed as HTTP requires.");

    /// The same, as APISIX up to 3.9 said it.
    #[cold]
    pub(crate) fn in_old_words(&mut self) {
        match self {
            Self::Unauthorized { denied, .. } => denied.message = key_auth::in_old_words(denied.message),
            Self::Reworded { reject, .. } => reject.in_old_words(),
            _ => {}
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::MethodRefused => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLong | Self::BodyTooLarge | Self::BodyOverLimit => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Limited { status, .. } | Self::Refused { status, .. } => *status,
            Self::Answered(answer) => answer.status,
            Self::Reworded { reject, .. } => reject.status(),
            Self::NotCounted => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotEnforceable | Self::Unresolved { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Unreachable | Self::CertificateRefused | Self::BrokenUpstream | Self::NotFiltered => {
                StatusCode::BAD_GATEWAY
            }
            Self::NoTunnel => StatusCode::NOT_IMPLEMENTED,
            Self::SlowUpstream => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The name of the body's one member, and its text. Authentication plugins say `message`, the gateway
    /// itself says `error_msg` (spec: APISIX 3.18).
    fn text(&self) -> (&'static str, &str) {
        let text = match self {
            Self::Unauthorized { denied, .. } => return ("message", denied.message),
            Self::Refused { message, .. } => return ("message", message),
            Self::Reworded { reject, .. } => return reject.text(),
            // It has a body of its own.
            Self::Answered(_) => "",
            Self::BodyOverLimit => {
                return ("message", "The body of the request is longer than is read to validate it.");
            }
            Self::NoRoute => "404 Route Not Found",
            Self::BadRequest(text) => text,
            Self::BodyTooSlow => "The body of the request did not arrive in time.",
            Self::BodyTooLong => "The body of the request is longer than this gateway takes.",
            Self::MethodRefused => "The gateway does not forward this method.",
            Self::BodyTooLarge => "The body of the request is too large: the built-in echo takes at most 1 MiB.",
            Self::NotEnforceable => {
                "The configuration of this route cannot be enforced, so it lets nothing pass. The operator finds the reason in the gateway's log."
            }
            Self::Limited { message, .. } => message.as_deref().unwrap_or_default(),
            Self::NotCounted => "failed to limit count",
            Self::Unresolved { .. } => {
                "A secret that this route needs has no value, so it lets nothing pass. The operator finds the incident in the gateway's log and on the References page."
            }
            Self::NotFiltered => {
                "The upstream server's answer cannot be changed as this route requires. The operator finds the reason in the gateway's log."
            }
            Self::Unreachable => "The upstream server could not be reached.",
            Self::CertificateRefused => {
                "The upstream server demands a client certificate, or does not accept the gateway's. The operator finds the reason in the gateway's log."
            }
            Self::NoTunnel => {
                "This service's servers are spoken to in HTTP/2, over which the gateway carries no WebSocket."
            }
            Self::BrokenUpstream => "The upstream server broke off before it answered.",
            Self::SlowUpstream => "The upstream server did not answer in time.",
            Self::Internal => "The gateway failed to handle this request. The operator finds the reason in its log.",
        };
        ("error_msg", text)
    }

    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::NoRoute => Outcome::NoRoute,
            Self::Unauthorized { .. } => Outcome::Unauthorized,
            Self::Reworded { reject, .. } => reject.outcome(),
            Self::Answered(answer) if answer.status.as_u16() < 400 => Outcome::Passed,
            Self::Answered(answer) if answer.status == StatusCode::UNAUTHORIZED => Outcome::Unauthorized,
            Self::Answered(_) => Outcome::Refused,
            Self::Unreachable | Self::CertificateRefused | Self::BrokenUpstream | Self::SlowUpstream => {
                Outcome::UpstreamFailed
            }
            Self::BadRequest(_)
            | Self::BodyTooSlow
            | Self::BodyTooLong
            | Self::MethodRefused
            | Self::BodyTooLarge
            | Self::BodyOverLimit
            | Self::NotEnforceable
            | Self::Limited { .. }
            | Self::Refused { .. }
            | Self::NotCounted
            | Self::NotFiltered
            | Self::NoTunnel
            | Self::Unresolved { .. }
            | Self::Internal => Outcome::Refused,
        }
    }

    /// With another body, if it is the plugin's own refusal. Who has to look something up finds it in the body:
    /// a secret without a value, and a fault of the gateway, keep theirs.
    pub(crate) fn with_body(self, body: &OwnBody) -> Self {
        match self {
            Self::Unresolved { .. } | Self::NotEnforceable | Self::Internal => self,
            reject if reject.status().as_u16() < 400 => reject,
            reject => Self::Reworded { reject: Box::new(reject), body: body.clone() },
        }
    }

    /// What the client was told by an authentication plugin, if it was refused by one.
    pub(crate) fn unauthorized(&self) -> Option<&'static str> {
        match self {
            Self::Unauthorized { denied, .. } => Some(denied.message),
            // In the words of a server that the plugin asked: too many to count apart.
            Self::Answered(answer) if answer.status == StatusCode::UNAUTHORIZED => Some(REFUSED_ELSEWHERE),
            Self::Reworded { reject, .. } => reject.unauthorized(),
            _ => None,
        }
    }

    /// Why, for the operator: what the client is told, and what that leaves open. Nothing of the request is in it.
    pub(crate) fn reason(&self) -> Cow<'_, str> {
        match self {
            Self::Unauthorized { denied: Denied { message, why }, .. } if !why.is_empty() => {
                format!("{message}: {why}").into()
            }
            Self::Unresolved { incident } => format!("a secret has no value; incident {incident}").into(),
            Self::Limited { .. } => "the limit is reached".into(),
            Self::Answered(_) => "the plugin answered in place of the upstream server".into(),
            Self::Reworded { reject, .. } => reject.reason(),
            reject => reject.text().1.into(),
        }
    }

    pub(crate) fn into_response(self) -> Response<ResponseBody> {
        match self {
            Self::Answered(answer) => return answer.into_response(),
            Self::Reworded { reject, body } => {
                let mut response = reject.into_response();
                body.replace(&mut response);
                return response;
            }
            _ => {}
        }
        let (name, text) = self.text();
        let mut body = serde_json::json!({ name: text });
        if let Self::Unresolved { incident } = &self {
            body["incident"] = incident.as_str().into();
        }
        let mut response = match &self {
            Self::Limited { status, message: None } => empty(*status),
            _ => json(self.status(), &body),
        };
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized { challenge: Some(challenge), .. } => {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            // Whatever follows on this connection may not be what it seems.
            Self::BadRequest(_) | Self::BodyTooSlow | Self::BodyTooLong => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// An answer of the gateway's own without a body.
fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::own(String::new()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer of the gateway's own.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response<ResponseBody> {
    let text = value.to_string();
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(ResponseBody::own(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length);
    // A refusal must not outlive its reason in some cache.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
