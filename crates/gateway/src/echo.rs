//! The built-in upstream: shows the request as an upstream server would see it, in httpbin's shapes, so
//! that a route can be tried without any server and without the internet.

use crate::body::ResponseBody;
use crate::reject::{Reject, json};
use crate::request_body::RequestBody;
use base64::Engine;
use http::header::{ALLOW, HOST};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use hyper::body::Bytes;
use percent_encoding::percent_decode;
use serde_json::{Map, Value, json as object};
use std::net::IpAddr;

/// The largest body it reads.
const BODY_LIMIT: usize = 1024 * 1024;

/// Answers like httpbin: `/ip`, `/headers`, `/anything` and whatever is below it.
pub(crate) async fn answer(
    head: &Parts,
    target: &PathAndQuery,
    client: IpAddr,
    body: RequestBody,
) -> Result<Response<ResponseBody>, Reject> {
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    match target.path() {
        "/ip" | "/headers" if !reads => Ok(method_not_allowed()),
        "/ip" => Ok(json(StatusCode::OK, &object!({ "origin": client.to_string() }))),
        "/headers" => Ok(json(StatusCode::OK, &object!({ "headers": headers(&head.headers) }))),
        path if path == "/anything" || path.starts_with("/anything/") => {
            let body = body.read(BODY_LIMIT, Reject::BodyTooLarge).await?;
            Ok(json(StatusCode::OK, &anything(head, target, client, &body)))
        }
        _ => Ok(json(
            StatusCode::NOT_FOUND,
            &object!({ "error_msg": "The built-in echo has /ip, /headers and /anything." }),
        )),
    }
}

fn method_not_allowed() -> Response<ResponseBody> {
    let text = "The built-in echo answers GET and HEAD here; /anything takes every method.";
    let mut response = json(StatusCode::METHOD_NOT_ALLOWED, &object!({ "error_msg": text }));
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

fn anything(head: &Parts, target: &PathAndQuery, client: IpAddr, body: &Bytes) -> Value {
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    object!({
        "args": arguments(target.query().unwrap_or_default()),
        "data": data(body),
        "headers": headers(&head.headers),
        "json": serde_json::from_slice::<Value>(body).unwrap_or(Value::Null),
        "method": head.method.as_str(),
        "origin": client.to_string(),
        "url": format!("http://{host}{target}"),
    })
}

/// The body as text; as a `data:` URL when it is none, as httpbin does.
fn data(body: &Bytes) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let encoded = base64::engine::general_purpose::STANDARD.encode(body);
            format!("data:application/octet-stream;base64,{encoded}")
        }
    }
}

/// The headers in alphabetical order, written `Like-This`; repeated ones joined with a comma.
fn headers(headers: &HeaderMap) -> Value {
    let mut names: Vec<_> = headers.keys().collect();
    names.sort_by_key(|name| name.as_str());
    let members = names.into_iter().map(|name| {
        let lines: Vec<_> = headers.get_all(name).iter().map(|v| String::from_utf8_lossy(v.as_bytes())).collect();
        (title_case(name.as_str()), Value::from(lines.join(",")))
    });
    Value::Object(members.collect::<Map<_, _>>())
}

fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(usize::from(!word.is_empty()));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

/// Query arguments: a text, or a list of texts for one that is repeated.
fn arguments(query: &str) -> Value {
    let mut arguments = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = Value::from(form_decoded(value));
        match arguments.get_mut(&form_decoded(name)) {
            None => drop(arguments.insert(form_decoded(name), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(arguments)
}

fn form_decoded(text: &str) -> String {
    percent_decode(text.replace('+', " ").as_bytes()).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_decoded_and_repeated_ones_become_a_list() {
        assert_eq!(arguments("a=1&b=x+y%21&a=2&c&a=3"), object!({ "a": ["1", "2", "3"], "b": "x y!", "c": "" }));
        assert_eq!(arguments(""), object!({}));
    }

    #[test]
    fn headers_are_written_as_httpbin_writes_them() {
        let mut map = HeaderMap::new();
        for (name, value) in [("x-b", "1"), ("accept", "*/*"), ("x-b", "2")] {
            map.append(http::HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(headers(&map).to_string(), r#"{"Accept":"*/*","X-B":"1,2"}"#);
    }

    #[test]
    fn data_that_is_no_text_is_a_data_url() {
        for (body, expected) in
            [(&b""[..], ""), (b"caf\xc3\xa9", "café"), (b"\xff\x00", "data:application/octet-stream;base64,/wA=")]
        {
            assert_eq!(data(&Bytes::from(body)), expected);
        }
    }
}
