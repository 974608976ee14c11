//! The id by which one request is found again: in the upstream's log, in ours, and by the client.

use http::{HeaderMap, HeaderName, HeaderValue};
use postern::plugin::request_id::is_id_byte;

/// As APISIX's plugin request-id names it.
pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ones are no ids.
const LONGEST: usize = 128;

/// The client's id, when it sent one that can stand in a log line.
pub(crate) fn of(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut lines = headers.get_all(&REQUEST_ID).iter();
    match (lines.next(), lines.next()) {
        (Some(one), None) => Some(one).filter(|one| is_id(one.as_bytes())),
        _ => None,
    }
}

/// Whether a text can stand in a log line, and find its request again.
pub(crate) fn is_id(text: &[u8]) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.iter().copied().all(is_id_byte)
}

/// A new one. It is no secret, and need only be different from every other.
pub(crate) fn new() -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let number = fastrand::u128(..).to_be_bytes();
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(number) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_can_stand_in_a_log_line_is_kept_and_any_other_replaced() {
        for (sent, kept) in [
            (&["abc-123_4.5:6"][..], true),
            (&["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"], true),
            (&[], false),
            (&[""], false),
            (&["a b"], false),
            (&["a\"b"], false),
            (&["a", "a"], false),
            (&[&"x".repeat(128)], true),
            (&[&"x".repeat(129)], false),
        ] {
            let mut headers = HeaderMap::new();
            for line in sent {
                headers.append(&REQUEST_ID, HeaderValue::from_str(line).unwrap());
            }
            assert_eq!(of(&headers).is_some_and(|id| id == sent[0]), kept, "{sent:?}");
        }
        assert!(is_id(new().as_bytes()));
        assert_ne!(new(), new());
    }
}
