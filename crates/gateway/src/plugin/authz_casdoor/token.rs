//! Changing a code for a token at Casdoor: `POST {endpoint_addr}/api/login/oauth/access_token` (RFC 6749 §4.1.3, as
//! `casdoor/casdoor` answers it).

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use postern::sensitive::Plain;
use postern::web_address::WebAddress;
use serde_json::Value;

/// Why Casdoor gave no token. The texts are for the log: none repeats what Casdoor sent, but for the codes that
/// RFC 6749 §5.2 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("Casdoor refuses client_id or client_secret")]
    InvalidClient,
    #[error("Casdoor answers {0}")]
    Error(&'static str),
    #[error("Casdoor answers with status {0}")]
    Status(StatusCode),
    #[error("Casdoor's answer is no JSON object with an access_token")]
    NoToken,
    #[error("Casdoor's answer says that the token is not good: expires_in is absent, or not above 0")]
    Expired,
}

const ERRORS: [&str; 5] =
    ["invalid_request", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope"];

/// The request; nothing when the address cannot be asked, which a stored one can.
pub(super) fn request(
    endpoint: &WebAddress,
    code: &str,
    client_id: &Plain,
    client_secret: &Plain,
) -> Option<Request<Full<Bytes>>> {
    #[expect(clippy::disallowed_methods, reason = "sent to the Casdoor that it belongs to")]
    let (client_id, client_secret) = (client_id.expose(), client_secret.expose());
    let form = form(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("client_id", client_id),
        ("client_secret", client_secret),
    ]);
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{endpoint}/api/login/oauth/access_token"))
        .body(Full::new(Bytes::from(form)))
        .ok()?;
    let headers = request.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    Some(request)
}

/// `a=b&c=d`, with everything encoded that could be mistaken.
pub(super) fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    pairs.collect::<Vec<_>>().join("&")
}

/// For how many seconds the token is good.
pub(super) fn lifetime(response: &Response<Bytes>) -> Result<u64, Refused> {
    let answer: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    match answer["error"].as_str() {
        Some("invalid_client") => return Err(Refused::InvalidClient),
        Some(code) => {
            let known = ERRORS.into_iter().find(|known| *known == code);
            return Err(known.map_or(Refused::Status(response.status()), Refused::Error));
        }
        None if !response.status().is_success() => return Err(Refused::Status(response.status())),
        None => {}
    }
    if answer["access_token"].as_str().is_none_or(str::is_empty) {
        return Err(Refused::NoToken);
    }
    let expires_in = &answer["expires_in"];
    // A number with a fraction is cut; one below 0 becomes 0.
    let seconds = expires_in.as_u64().or_else(|| expires_in.as_f64().map(|seconds| seconds as u64));
    seconds.filter(|seconds| *seconds > 0).ok_or(Refused::Expired)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn the_form_is_casdoors_and_its_values_cannot_break_out() {
        let plain = |text: &str| Plain::new(text.to_owned());
        let endpoint = "https://door.example.com/cas".parse().unwrap();
        let request = request(&endpoint, "c&d", &plain("7ceb"), &plain("a=b&grant_type=x +")).unwrap();
        assert_eq!(request.uri(), "https://door.example.com/cas/api/login/oauth/access_token");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            body,
            "grant_type=authorization%5Fcode&code=c%26d&client_id=7ceb&client_secret=a%3Db%26grant%5Ftype%3Dx%20%2B"
        );
    }

    #[test]
    fn a_token_that_is_good_has_a_lifetime_and_nothing_else_has() {
        for (status, body, expected) in [
            (200, r#"{"access_token":"t","expires_in":3600}"#, Ok(3600)),
            (200, r#"{"access_token":"t","expires_in":7.9,"scope":"read"}"#, Ok(7)),
            (200, r#"{"access_token":"t","expires_in":18446744073709551615}"#, Ok(u64::MAX)),
            (200, r#"{"access_token":"t","expires_in":0}"#, Err(Refused::Expired)),
            (200, r#"{"access_token":"t","expires_in":0.5}"#, Err(Refused::Expired)),
            (200, r#"{"access_token":"t","expires_in":-1}"#, Err(Refused::Expired)),
            (200, r#"{"access_token":"t","expires_in":"3600"}"#, Err(Refused::Expired)),
            (200, r#"{"access_token":"t"}"#, Err(Refused::Expired)),
            (200, r#"{"access_token":"","expires_in":3600}"#, Err(Refused::NoToken)),
            (200, r#"{"access_token":7,"expires_in":3600}"#, Err(Refused::NoToken)),
            (200, r#"{"expires_in":3600}"#, Err(Refused::NoToken)),
            (200, "[]", Err(Refused::NoToken)),
            (200, "", Err(Refused::NoToken)),
            (200, "<html>", Err(Refused::NoToken)),
            (401, r#"{"error":"invalid_client","error_description":"secret"}"#, Err(Refused::InvalidClient)),
            (400, r#"{"error":"invalid_grant"}"#, Err(Refused::Error("invalid_grant"))),
            (
                200,
                r#"{"error":"invalid_grant","access_token":"t","expires_in":9}"#,
                Err(Refused::Error("invalid_grant")),
            ),
            (400, r#"{"error":"<script>"}"#, Err(Refused::Status(StatusCode::BAD_REQUEST))),
            (500, r#"{"access_token":"t","expires_in":3600}"#, Err(Refused::Status(StatusCode::INTERNAL_SERVER_ERROR))),
            (302, "", Err(Refused::Status(StatusCode::FOUND))),
        ] {
            let response = Response::builder().status(status).body(Bytes::from(body)).unwrap();
            assert_eq!(lifetime(&response), expected, "{status} {body}");
        }
    }
}
