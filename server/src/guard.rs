//! What protects the dashboard before any handler runs: who may ask, and what every answer carries.

use crate::hooks;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, StatusCode};

/// Refuses requests for other hosts (DNS rebinding) and requests that another website made a browser send.
///
/// The rules for the second are those of Go 1.25's `http.CrossOriginProtection`: a browser always sends
/// `Sec-Fetch-Site` or, older ones, `Origin` with such requests; a request with neither is no browser's.
pub(crate) async fn check(request: Request, next: Next) -> Response {
    let Some(host) = host_of(&request) else {
        return refuse(StatusCode::BAD_REQUEST, "The request names no host.");
    };
    if !is_loopback_name(&host) {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            "The dashboard answers to localhost, 127.0.0.1 and [::1] only.",
        );
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    // Other programs call a webhook; its signature says more than where the call comes from.
    let is_webhook = request.uri().path().starts_with(hooks::PREFIX);
    if changes && !is_webhook && is_cross_origin(request.headers(), &host) {
        return refuse(StatusCode::FORBIDDEN, "A request from another website is not accepted.");
    }
    next.run(without_foreign_referer(request, &host)).await
}

fn refuse(status: StatusCode, why: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response()
}

fn host_of(request: &Request) -> Option<String> {
    let from_header = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let from_target = request.uri().authority().map(|authority| authority.as_str());
    from_target.or(from_header).map(str::to_ascii_lowercase)
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn is_cross_origin(headers: &HeaderMap, host: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    match headers.get(header::ORIGIN) {
        None => false,
        Some(origin) => origin.to_str().ok() != Some(&format!("http://{host}")),
    }
}

/// Server functions answer a plain form by redirecting to its `Referer`; one of another site must not
/// become the target of a redirect.
fn without_foreign_referer(mut request: Request, host: &str) -> Request {
    let own = format!("http://{host}/");
    let is_own = |referer: &HeaderValue| referer.to_str().is_ok_and(|text| text.starts_with(&own));
    if request.headers().get(header::REFERER).is_some_and(|referer| !is_own(referer)) {
        request.headers_mut().remove(header::REFERER);
        request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    }
    request
}

/// What an answer that is no page may do: nothing.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The policy of a page: our own files, and the scripts that carry this answer's nonce. The JSON editor makes its
/// style sheet in the browser, with the same nonce; no other style gets in.
pub(crate) fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
style-src 'self' 'nonce-{nonce}'; img-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; \
base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// The headers that every answer carries. A page has set its own policy by then.
pub(crate) async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(NOTHING));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn only_our_own_pages_may_ask_for_changes() {
        for (given, cross) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:7080")], true),
            (&[("origin", "http://127.0.0.1:7080")], false),
            (&[("origin", "http://127.0.0.1:7081")], true),
            (&[("origin", "https://127.0.0.1:7080")], true),
            (&[("origin", "http://evil.example")], true),
            (&[("origin", "null")], true),
        ] {
            assert_eq!(is_cross_origin(&headers(given), "127.0.0.1:7080"), cross, "{given:?}");
        }
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, ok) in [
            ("127.0.0.1:7080", true),
            ("localhost", true),
            ("[::1]:7080", true),
            ("evil.example:7080", false),
            ("127.0.0.1.evil.example", false),
            ("localhost.evil.example:80", false),
            ("", false),
        ] {
            assert_eq!(is_loopback_name(host), ok, "{host}");
        }
    }
}
