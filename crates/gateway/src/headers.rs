//! The headers of a request and an answer as they pass the gateway.

use crate::peer::Peer;
use crate::sealed_cookie::OURS;
use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, Entry, HOST, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue};
use smallvec::SmallVec;
use std::net::IpAddr;

/// Who the gateway says the caller is (`apisix/consumer.lua`).
pub(crate) static CONSUMER: HeaderName = HeaderName::from_static("x-consumer-username");
pub(crate) static CREDENTIAL: HeaderName = HeaderName::from_static("x-credential-identifier");
pub(crate) static CUSTOM_ID: HeaderName = HeaderName::from_static("x-consumer-custom-id");

static REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
pub(crate) static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");

/// What says who the caller is begins with one of these.
const IDENTITY: [&str; 3] = ["x-consumer-", "x-credential-", "x-userinfo"];
/// What says where the caller is, and the id of its request.
const ORIGIN: [&str; 6] =
    ["x-request-id", "x-real-ip", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

/// What a trusted proxy may say.
const PROXYS: [&str; 4] = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

/// Header lines that the gateway itself adds to a request.
const ADDED: usize = 10;

/// Names that most messages have no more of to be removed.
const FEW: usize = 4;

/// Removes from a request what is not for the upstream server, in one pass over its headers: what is meant for this hop
/// alone, and what only the gateway may say.
///
/// That goes in every spelling that an upstream server could take for it: many fold `X_Consumer_Username` and
/// `X-Consumer-Username` into one name (CVE-2026-39998). From a trusted proxy, `X-Forwarded-*` in their own spelling stay.
/// Trailers could carry a second `X-Consumer-Username` past the checks, so none are announced, and hyper sends none that
/// are not. It answers `Expect` itself. `Forwarded` would contradict what the gateway says in `X-Forwarded-*`.
pub(crate) fn clean_request(headers: &mut HeaderMap, peer: &Peer) {
    let own = |name: &str| matches!(name, "trailer" | "expect" | "forwarded") || is_claim(name);
    let stays = |name: &str| peer.is_trusted && PROXYS.contains(&name);
    remove(headers, |name| own(name) && !stays(name));
    headers.reserve(ADDED);
}

/// Removes from an answer what is meant for this hop alone.
///
/// # Errors
/// Its body is in an encoding other than `chunked`, which nobody asked for: the client could not know.
pub(crate) fn clean_answer(headers: &mut HeaderMap) -> Result<(), Encoded> {
    match remove(headers, |_| false) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"chunked") => Err(Encoded),
        _ => Ok(()),
    }
}

/// A body in a transfer encoding that the gateway does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoded;

/// Removes what `Connection` names, what is meant for this hop alone (RFC 9110 §7.6.1), and `more`. Gives the first
/// transfer encoding, if there is one.
fn remove(headers: &mut HeaderMap, more: impl Fn(&str) -> bool) -> Option<HeaderValue> {
    let goes = |name: &&HeaderName| is_of_this_hop(name.as_str()) || more(name.as_str());
    let mut names: SmallVec<[HeaderName; FEW]> = headers.keys().filter(goes).cloned().collect();
    if names.contains(&CONNECTION) {
        names.extend(named_by_connection(headers));
    }
    let mut encoding = None;
    for name in names {
        let is_encoding = name == TRANSFER_ENCODING;
        let removed = headers.remove(name);
        if is_encoding {
            encoding = removed;
        }
    }
    encoding
}

fn is_of_this_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}

fn is_claim(name: &str) -> bool {
    if !name.starts_with('x') {
        return false;
    }
    let folded = |b: u8| if b.is_ascii_alphanumeric() { b } else { b'-' };
    let begins =
        |with: &str| name.len() >= with.len() && name.bytes().map(folded).zip(with.bytes()).all(|(a, b)| a == b);
    IDENTITY.iter().any(|prefix| begins(prefix)) || ORIGIN.iter().any(|o| o.len() == name.len() && begins(o))
}

/// What `Connection` names, except what goes anyway.
fn named_by_connection(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> {
    let usual = |line: &&HeaderValue| !matches!(line.as_bytes(), b"keep-alive" | b"close");
    let lines = headers.get_all(CONNECTION).iter().filter(usual).filter_map(|line| line.to_str().ok());
    let words = lines.flat_map(|line| line.split(',')).map(str::trim);
    let words = words.filter(|word| !word.eq_ignore_ascii_case("keep-alive") && !word.eq_ignore_ascii_case("close"));
    let names = words.filter_map(|word| HeaderName::from_bytes(word.as_bytes()).ok());
    // These frame and address the message; no client can make them disappear.
    names.filter(|name| name != HOST && name != CONTENT_LENGTH)
}

/// Whether a list header has `word` in any case.
pub(crate) fn lists(headers: &HeaderMap, list: &HeaderName, word: &str) -> bool {
    let mut lines = headers.get_all(list).iter().filter_map(|line| line.to_str().ok());
    lines.any(|line| line.split(',').any(|w| w.trim().eq_ignore_ascii_case(word)))
}

/// Says where the request came from. What a trusted proxy or the configuration has said stays, and the other end's
/// address is added to the chain.
pub(crate) fn set_origin(headers: &mut HeaderMap, peer: &Peer, client: IpAddr, host: Option<&HeaderValue>) {
    headers
        .entry(&REAL_IP)
        .or_insert_with(|| if peer.is_trusted { address_text(client) } else { peer.ip_text.clone() });
    match headers.entry(&FORWARDED_FOR) {
        Entry::Vacant(none) => drop(none.insert(peer.ip_text.clone())),
        Entry::Occupied(mut chain) => drop(chain.insert(appended(chain.iter(), &peer.ip_text))),
    }
    headers.entry(&FORWARDED_PROTO).or_insert_with(|| peer.scheme.clone());
    headers.entry(&FORWARDED_PORT).or_insert_with(|| peer.port.clone());
    if let Some(host) = host {
        headers.entry(&FORWARDED_HOST).or_insert_with(|| host.clone());
    }
}

/// An address as a header's value.
pub(crate) fn address_text(ip: IpAddr) -> HeaderValue {
    HeaderValue::from_str(&ip.to_string()).unwrap_or(HeaderValue::from_static("unknown"))
}

/// All lines in one, and `address` behind them.
fn appended<'l>(lines: impl Iterator<Item = &'l HeaderValue>, address: &'l HeaderValue) -> HeaderValue {
    let lines: Vec<&[u8]> = lines.chain([address]).map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(&b", "[..])).unwrap_or_else(|_| address.clone())
}

/// Makes the cookies those for an upstream server.
pub(crate) fn clean_cookies(headers: &mut HeaderMap) {
    if headers.contains_key(COOKIE) {
        join_cookies(headers);
        remove_sessions(headers);
    }
}

/// HTTP/2 clients may send a cookie in pieces; HTTP/1.1 has one line (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if pieces.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// Removes the cookies that are the gateway's own, on every route: an upstream server that saw one could use it.
fn remove_sessions(headers: &mut HeaderMap) {
    let is_ours = |pair: &&[u8]| OURS.iter().any(|name| pair.trim_ascii().starts_with(name.as_bytes()));
    let Some(line) = headers.get(COOKIE) else { return };
    let pairs = || line.as_bytes().split(|byte| *byte == b';');
    if !pairs().any(|pair| is_ours(&pair)) {
        return;
    }
    let kept: Vec<&[u8]> = pairs().filter(|pair| !is_ours(pair)).map(<[u8]>::trim_ascii).collect();
    match HeaderValue::from_bytes(&kept.join(&b"; "[..])) {
        Ok(kept) if !kept.is_empty() => drop(headers.insert(COOKIE, kept)),
        _ => drop(headers.remove(COOKIE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_claim_is_one() {
        for (name, claim) in [
            ("x-consumer-username", true),
            ("x_consumer_username", true),
            ("x-consumer_username", true),
            ("x.consumer.username", true),
            ("x-consumer-custom-id", true),
            ("x-consumer-anything", true),
            ("x-credential-identifier", true),
            ("x_credential_identifier", true),
            ("x-userinfo", true),
            ("x_userinfo", true),
            ("x-real-ip", true),
            ("x-request-id", true),
            ("x_request_id", true),
            ("x_real_ip", true),
            ("x_forwarded_for", true),
            ("x-forwarded-proto", true),
            ("x-forwarded-for", true),
            ("x-real-ipx", false),
            ("x-consume", false),
            ("consumer", false),
            ("apikey", false),
        ] {
            assert_eq!(is_claim(name), claim, "{name}");
        }
    }

    #[test]
    fn the_gateways_own_cookies_go_and_the_others_stay_as_they_are() {
        for (line, expected) in [
            ("a=1; b=2", Some("a=1; b=2")),
            ("a=1;b = 2 ;; c", Some("a=1;b = 2 ;; c")),
            ("authz_casdoor_session_00=x", None),
            ("a=1; authz_casdoor_session_00=x; authz_casdoor_session_01=y;b=2", Some("a=1; b=2")),
            ("x_authz_casdoor_session_00=x", Some("x_authz_casdoor_session_00=x")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, HeaderValue::from_static(line));
            remove_sessions(&mut headers);
            assert_eq!(headers.get(COOKIE).map(|kept| kept.to_str().unwrap()), expected, "{line}");
        }
    }

    #[test]
    fn what_connection_names_goes_except_what_frames_the_message() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Mine,content-length"),
            ("connection", "host, keep-alive"),
            ("x-mine", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("proxy-authorization", "Basic x"),
            ("content-length", "3"),
            ("host", "a"),
            ("x-other", "1"),
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(clean_answer(&mut headers), Ok(()));
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["content-length", "host", "x-other"]);
    }
}
