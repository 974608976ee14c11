//! An answer that a plugin gives in place of the upstream server, and bodies that configurations hold.

use crate::body::ResponseBody;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;

/// A body that is always the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnBody {
    content_type: HeaderValue,
    bytes: Bytes,
}

impl OwnBody {
    /// A text as it is, anything else as JSON.
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self {
                content_type: HeaderValue::from_static("text/plain; charset=utf-8"),
                bytes: Bytes::from(text.clone()),
            },
            json => Self { content_type: HeaderValue::from_static("application/json"), bytes: json.to_string().into() },
        }
    }

    /// Stands in for the body of a response.
    pub(crate) fn replace(&self, response: &mut Response<ResponseBody>) {
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.bytes.len()));
        *response.body_mut() = ResponseBody::whole(self.bytes.clone());
    }
}

/// What a plugin answers in place of the upstream server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnAnswer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl OwnAnswer {
    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A JSON body, which no cache keeps.
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        let mut answer = Self { body: Bytes::from(value.to_string()), ..Self::empty(status) };
        answer.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    /// To another address, this once (302).
    pub(crate) fn redirect(location: HeaderValue) -> Self {
        let mut answer = Self::empty(StatusCode::FOUND);
        answer.headers.insert(LOCATION, location);
        answer.headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        answer
    }

    pub(crate) fn into_response(self) -> Response<ResponseBody> {
        let length = HeaderValue::from(self.body.len());
        let mut response = Response::new(ResponseBody::whole(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        if self.status != StatusCode::NO_CONTENT {
            response.headers_mut().insert(CONTENT_LENGTH, length);
        }
        response
    }
}
