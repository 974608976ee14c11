//! The path of a request: normalised once, then matched and forwarded as the same string.
//!
//! A gateway that matches one spelling and forwards another lets a request past the plugins of the route
//! it was meant for (CVE-2021-43557, CVE-2021-27306). Every variant has one decision:
//!
//! | in the path | decision |
//! |---|---|
//! | `/./`, `/../`, and with `%2e` | resolved (RFC 3986 §5.2.4), never above `/` |
//! | an unreserved character encoded (`%61`) | decoded |
//! | another character encoded (`%40`, `%c3%a9`) | forwarded encoded, in upper-case hex; matched decoded |
//! | `/`, `\` or a control character encoded; `\` itself | 400: upstream servers disagree on what it means |
//! | `%` without two hex digits | 400 |
//! | bytes that are no UTF-8, encoded or not; other characters than ASCII not encoded | 400 |
//! | `//`, and path parameters (`;`) | forwarded as they are if the path matches the same route with and without them, otherwise 400 |
//! | `.` or `..` with a parameter (`/..;/`) | 400 |
//!
//! What stays encoded twice (`%252e`) is data: it is forwarded as it is, and an upstream server that
//! decodes twice is wrong by itself.

use crate::reject::Reject;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// The path of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestPath<'a> {
    /// What goes upstream.
    pub(crate) forwarded: Cow<'a, str>,
    /// The same, decoded: what routes are matched by.
    pub(crate) literal: Cow<'a, str>,
    /// How else an upstream server may read it. A request passes only if every reading has the same route.
    pub(crate) other_readings: Vec<String>,
}

const NOT_A_PATH: Reject = Reject::BadRequest("The request's target is not a path. A path begins with '/'.");
const BAD_ESCAPE: Reject =
    Reject::BadRequest("The path has a '%' without two hex digits after it. Send a percent sign as %25.");
const ENCODED_SEPARATOR: Reject = Reject::BadRequest(
    "The path has a slash or backslash in encoded form, or a backslash; servers disagree on what that means. Send a plain '/'.",
);
const ENCODED_CONTROL: Reject = Reject::BadRequest("The path has a control character in encoded form. Leave it out.");
const NOT_ASCII: Reject =
    Reject::BadRequest("The path has characters other than ASCII. Send them as UTF-8, percent-encoded.");
const NOT_UTF8: Reject = Reject::BadRequest("The path is not UTF-8 once it is decoded. Encode it as UTF-8.");
const DOT_PARAMETER: Reject =
    Reject::BadRequest("The path has a '.' or '..' segment with a parameter (';'). Leave the parameter out.");

/// For a path whose readings have different routes.
pub(crate) const AMBIGUOUS: Reject = Reject::BadRequest(
    "The path has '//' or ';' and can be read in two ways that belong to different routes. Send it without them.",
);

impl<'a> RequestPath<'a> {
    /// Normalises the path of a request's target.
    ///
    /// # Errors
    /// See the table above.
    pub(crate) fn parse(raw: &'a str) -> Result<Self, Reject> {
        if !raw.starts_with('/') {
            return Err(NOT_A_PATH);
        }
        if is_plain(raw) {
            return Ok(Self { forwarded: Cow::Borrowed(raw), literal: Cow::Borrowed(raw), other_readings: Vec::new() });
        }
        let forwarded = without_dot_segments(&normal_escapes(raw)?);
        let literal = percent_decode_str(&forwarded).decode_utf8().map_err(|_| NOT_UTF8)?.into_owned();
        if literal.split('/').any(is_dot_with_parameter) {
            return Err(DOT_PARAMETER);
        }
        let other_readings = other_readings(&literal);
        Ok(Self { forwarded: Cow::Owned(forwarded), literal: Cow::Owned(literal), other_readings })
    }
}

/// Whether nothing in the path can be read in a second way. Most paths are such.
fn is_plain(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'~' | b'.' | b'/' | b':' | b'@' | b',');
    path.bytes().all(plain) && !path.contains("//") && !path.contains("/.")
}

/// Decodes unreserved characters, writes every other escape in upper case, refuses what is ambiguous.
fn normal_escapes(raw: &str) -> Result<String, Reject> {
    let mut normal = String::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => push_escape(&mut normal, escaped_byte(&mut rest).ok_or(BAD_ESCAPE)?)?,
            b'\\' => return Err(ENCODED_SEPARATOR),
            byte if byte.is_ascii() => normal.push(char::from(byte)),
            _ => return Err(NOT_ASCII),
        }
    }
    Ok(normal)
}

fn escaped_byte(rest: &mut std::str::Bytes<'_>) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
    u8::try_from(high * 16 + low).ok()
}

fn push_escape(normal: &mut String, byte: u8) -> Result<(), Reject> {
    match byte {
        b'/' | b'\\' => return Err(ENCODED_SEPARATOR),
        0..=0x1f | 0x7f => return Err(ENCODED_CONTROL),
        // Unreserved (RFC 3986 §2.3): encoded or not, it is the same path.
        b'-' | b'.' | b'_' | b'~' => normal.push(char::from(byte)),
        byte if byte.is_ascii_alphanumeric() => normal.push(char::from(byte)),
        byte => normal.push_str(percent_encoding::percent_encode_byte(byte)),
    }
    Ok(())
}

/// RFC 3986 §5.2.4, for a path that begins with `/`.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path[1..].split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => {
                kept.push(segment);
                continue;
            }
        }
        if is_last {
            kept.push("");
        }
    }
    format!("/{}", kept.join("/"))
}

fn is_dot_with_parameter(segment: &str) -> bool {
    segment.split_once(';').is_some_and(|(name, _)| matches!(name, "." | ".."))
}

/// Without parameters, with slashes merged, and both.
fn other_readings(literal: &str) -> Vec<String> {
    let mut readings = Vec::new();
    let bare = without_parameters(literal);
    for reading in [merged_slashes(literal), merged_slashes(&bare), bare] {
        if reading != literal && !readings.contains(&reading) {
            readings.push(reading);
        }
    }
    readings
}

fn without_parameters(path: &str) -> String {
    let names = path.split('/').map(|segment| segment.split_once(';').map_or(segment, |(name, _)| name));
    names.collect::<Vec<_>>().join("/")
}

fn merged_slashes(path: &str) -> String {
    let mut merged = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !merged.ends_with('/') {
            merged.push(c);
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, expected: Result<(&str, &str, &[&str]), Reject>) {
        let got = RequestPath::parse(raw);
        let readings: Vec<&str> = got.iter().flat_map(|p| p.other_readings.iter().map(String::as_str)).collect();
        let got = got.as_ref().map(|p| (&*p.forwarded, &*p.literal, &readings[..]));
        assert_eq!(got, expected.as_ref().map(|e| *e), "{raw}");
    }

    #[test]
    fn every_spelling_has_one_decision() {
        let same: &[&str] = &[];
        for (raw, forwarded, literal, others) in [
            // As it is.
            ("/", "/", "/", same),
            ("/ip", "/ip", "/ip", same),
            ("/a.b/c-d_e~f/@g:h,i", "/a.b/c-d_e~f/@g:h,i", "/a.b/c-d_e~f/@g:h,i", same),
            ("/.well-known/x", "/.well-known/x", "/.well-known/x", same),
            ("/a/...", "/a/...", "/a/...", same),
            ("/a!$&'()*+=|^{}[]", "/a!$&'()*+=|^{}[]", "/a!$&'()*+=|^{}[]", same),
            // Dot segments.
            ("/a/./b", "/a/b", "/a/b", same),
            ("/a/../b", "/b", "/b", same),
            ("/a/..", "/", "/", same),
            ("/a/b/..", "/a/", "/a/", same),
            ("/a/.", "/a/", "/a/", same),
            ("/../../a", "/a", "/a", same),
            ("/a/%2e%2E/b", "/b", "/b", same),
            ("/a/.%2e/b", "/b", "/b", same),
            ("/%2e/b", "/b", "/b", same),
            // Escapes.
            ("/%69%70", "/ip", "/ip", same),
            ("/caf%c3%a9", "/caf%C3%A9", "/café", same),
            ("/a%40b%20c", "/a%40b%20c", "/a@b c", same),
            ("/a%3fb%23c", "/a%3Fb%23c", "/a?b#c", same),
            ("/%252e%252e/b", "/%252e%252e/b", "/%2e%2e/b", same),
            ("/%252f", "/%252f", "/%2f", same),
            // Two readings.
            ("//ip", "//ip", "//ip", &["/ip"]),
            ("/a//../b", "/a/b", "/a/b", same),
            ("/a;x=1/b", "/a;x=1/b", "/a;x=1/b", &["/a/b"]),
            ("/a%3bx", "/a%3Bx", "/a;x", &["/a"]),
            ("/;x//b", "/;x//b", "/;x//b", &["/;x/b", "/b", "///b"]),
        ] {
            check(raw, Ok((forwarded, literal, others)));
        }
        for (raw, reject) in [
            ("", NOT_A_PATH),
            ("*", NOT_A_PATH),
            ("ip", NOT_A_PATH),
            ("/a%2fb", ENCODED_SEPARATOR),
            ("/a%2Fb", ENCODED_SEPARATOR),
            ("/..%2fb", ENCODED_SEPARATOR),
            ("/a%5cb", ENCODED_SEPARATOR),
            ("/a\\b", ENCODED_SEPARATOR),
            ("/a%00", ENCODED_CONTROL),
            ("/a%0d%0ab", ENCODED_CONTROL),
            ("/a%7f", ENCODED_CONTROL),
            ("/a%", BAD_ESCAPE),
            ("/a%2", BAD_ESCAPE),
            ("/a%zz", BAD_ESCAPE),
            ("/a%u002f", BAD_ESCAPE),
            ("/a%+2", BAD_ESCAPE),
            ("/é", NOT_ASCII),
            ("/%c0%ae%c0%ae/b", NOT_UTF8),
            ("/%ff", NOT_UTF8),
            ("/a/..;/b", DOT_PARAMETER),
            ("/a/.;x=1/b", DOT_PARAMETER),
            ("/a/%2e%2e;/b", DOT_PARAMETER),
            ("/a/..%3b/b", DOT_PARAMETER),
        ] {
            check(raw, Err(reject));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for raw in ["/a/./b/../c", "/%61%2e/%c3%a9", "/a//b;c", "/a/%252e"] {
            let once = RequestPath::parse(raw).unwrap();
            let twice = RequestPath::parse(&once.forwarded).unwrap();
            assert_eq!(once, twice, "{raw}");
        }
    }
}
