//! Cookies of a request (RFC 6265 §4.2).

use super::auth::Several;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// The value of the cookie `name`; two different ones are none.
pub(super) fn find<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, Several> {
    let mut values = pairs(headers).filter_map(|pair| value_of(pair, name));
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) { Err(Several) } else { Ok(Some(first)) }
}

/// The cookies without `name`, as one line; `None` when there is no other.
pub(super) fn without(headers: &HeaderMap, name: &str) -> Option<Vec<u8>> {
    let kept: Vec<&[u8]> = pairs(headers).filter(|pair| value_of(pair, name).is_none()).collect();
    (!kept.is_empty()).then(|| kept.join(&b"; "[..]))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';')).map(<[u8]>::trim_ascii);
    pairs.filter(|pair| !pair.is_empty())
}

fn value_of<'p>(pair: &'p [u8], name: &str) -> Option<&'p [u8]> {
    pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
}
