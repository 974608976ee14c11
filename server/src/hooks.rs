//! Webhooks: calls of other programs, which prove themselves by a signature and not by where they come from.

use axum::body::Bytes;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use control::Control;
use http::{HeaderMap, StatusCode, header};
use postern::webhook::{BODY_LIMIT, Call, Refusal, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use tower_http::limit::RequestBodyLimitLayer;

/// What every address of a webhook begins with.
pub(crate) const PREFIX: &str = "/hooks/";

/// Reads a provider's secrets again.
pub(crate) const ROUTE: &str = "/hooks/secrets/{provider}";

/// The webhook of every provider.
pub(crate) fn answered_by<S: Clone + Send + Sync + 'static>(control: &Control) -> MethodRouter<S> {
    let control = control.clone();
    let answer = move |Path(provider): Path<String>, headers: HeaderMap, body: Bytes| {
        let control = control.clone();
        async move { answer(&control, &provider, &headers, &body).await }
    };
    post(answer).layer(RequestBodyLimitLayer::new(BODY_LIMIT))
}

async fn answer(control: &Control, provider: &str, headers: &HeaderMap, body: &[u8]) -> Response {
    // A header that is there twice is none: which of the two was signed?
    let header = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let call = Call { provider, timestamp: header(TIMESTAMP_HEADER), signature: header(SIGNATURE_HEADER), body };
    response(control.webhook_called(call).await)
}

/// The answer to a call: how many secrets were read, or why none.
fn response(outcome: Result<usize, Refusal>) -> Response {
    let (status, json) = match outcome {
        Ok(secrets) => (StatusCode::OK, serde_json::json!({ "secrets": secrets })),
        Err(why) => (status(why), serde_json::json!({ "error": why.to_string() })),
    };
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], format!("{json}\n")).into_response();
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}

fn status(why: Refusal) -> StatusCode {
    match why {
        Refusal::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Refusal::BadBody => StatusCode::BAD_REQUEST,
        Refusal::NoTimestamp
        | Refusal::NoSignature
        | Refusal::OutsideWindow
        | Refusal::BadSignature
        | Refusal::Repeated => StatusCode::UNAUTHORIZED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_proven_call_is_told_more_than_401_and_a_flood_is_told_to_wait() {
        for (outcome, status, wait) in [
            (Ok(1), 200, None),
            (Err(Refusal::BadBody), 400, None),
            (Err(Refusal::NoTimestamp), 401, None),
            (Err(Refusal::NoSignature), 401, None),
            (Err(Refusal::OutsideWindow), 401, None),
            (Err(Refusal::BadSignature), 401, None),
            (Err(Refusal::Repeated), 401, None),
            (Err(Refusal::TooMany), 429, Some("1")),
        ] {
            let response = response(outcome);
            let retry = response.headers().get(header::RETRY_AFTER).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), retry), (status, wait), "{outcome:?}");
        }
    }
}
