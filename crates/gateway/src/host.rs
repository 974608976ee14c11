//! The host a request is for: found once, matched and forwarded as the same text.

use crate::reject::Reject;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderValue, Version};
use std::borrow::Cow;

/// The host of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    /// As it is sent upstream: `Example.com:9080`.
    pub(crate) header: HeaderValue,
    /// What routes are matched by: lower case, without port and final dot. Empty when there is none.
    pub(crate) name: String,
}

const NO_HOST: Reject = Reject::BadRequest("The request has no Host header. HTTP/1.1 requires one.");
const TWO_HOSTS: Reject = Reject::BadRequest("The request has more than one Host header. Send one.");
const BAD_HOST: Reject =
    Reject::BadRequest("The Host header is not a host name or address with an optional port. Send host or host:port.");

impl Host {
    /// The host of the request: the one in its target (an absolute URL, or HTTP/2's `:authority`) if there
    /// is one, whatever the Host header says (RFC 9112 §3.2.2), otherwise the Host header's.
    /// `None` for an HTTP/1.0 request that names none.
    ///
    /// # Errors
    /// No host where one is required, several, or something that is none.
    pub(crate) fn of(parts: &Parts) -> Result<Option<Self>, Reject> {
        let mut lines = parts.headers.get_all(HOST).iter();
        let line = lines.next();
        if lines.next().is_some() {
            return Err(TWO_HOSTS);
        }
        if line.is_none() && parts.version == Version::HTTP_11 {
            return Err(NO_HOST);
        }
        if let Some(authority) = parts.uri.authority() {
            let header = HeaderValue::from_str(authority.as_str()).map_err(|_| BAD_HOST)?;
            return Self::parse(header).map(Some);
        }
        match line {
            Some(line) if line.is_empty() => Err(BAD_HOST),
            Some(line) => Self::parse(line.clone()).map(Some),
            None if parts.version <= Version::HTTP_10 => Ok(None),
            // HTTP/2 without `:authority`.
            None => Err(NO_HOST),
        }
    }

    fn parse(header: HeaderValue) -> Result<Self, Reject> {
        let text = header.to_str().map_err(|_| BAD_HOST)?;
        let Some(name) = name_in(text) else { return Err(BAD_HOST) };
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        Ok(Self { header, name })
    }
}

/// `text` without its port, when it is well formed.
fn name_in(text: &str) -> Option<&str> {
    let (name, rest) = match text.strip_prefix('[') {
        Some(_) => text.split_at(text.find(']')? + 1),
        None => text.split_at(text.bytes().position(|byte| byte == b':').unwrap_or(text.len())),
    };
    let name_is_good = match name.strip_prefix('[').and_then(|n| n.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_')),
    };
    let port_is_good = match rest.strip_prefix(':') {
        Some(port) => port.len() <= 5 && port.bytes().all(|b| b.is_ascii_digit()),
        None => rest.is_empty(),
    };
    (name_is_good && port_is_good).then_some(name)
}

/// The endings of a host name, longest first: `.b.example.com`, `.example.com`, `.com` of `a.b.example.com`.
pub(crate) fn endings(name: &str) -> impl Iterator<Item = Cow<'_, str>> {
    name.match_indices('.').map(|(at, _)| Cow::Borrowed(&name[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn check(version: Version, target: &str, hosts: &[&str], expected: Result<Option<(&str, &str)>, Reject>) {
        let mut request = Request::builder().version(version).uri(target);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let got = Host::of(&parts);
        let got = got.as_ref().map(|host| host.as_ref().map(|h| (h.header.to_str().unwrap(), h.name.as_str())));
        assert_eq!(got, expected.as_ref().map(|e| *e), "{target} {hosts:?}");
    }

    #[test]
    fn a_request_has_one_host_in_one_spelling() {
        let http11 = Version::HTTP_11;
        check(http11, "/", &[], Err(NO_HOST));
        check(Version::HTTP_10, "/", &[], Ok(None));
        check(http11, "/", &["a.example", "a.example"], Err(TWO_HOSTS));
        check(http11, "/", &["a.example"], Ok(Some(("a.example", "a.example"))));
        check(http11, "/", &["A.Example.:9080"], Ok(Some(("A.Example.:9080", "a.example"))));
        check(http11, "/", &["[::1]:9080"], Ok(Some(("[::1]:9080", "[::1]"))));
        check(http11, "http://b.example/", &["a.example"], Ok(Some(("b.example", "b.example"))));
        for bad in ["", "a,b", "a b", "a/b", "user@a", "a:b", "a:123456", "[::1", "[x]", "[::1]x", ":80", "a\\b", "ä"]
        {
            check(http11, "/", &[bad], Err(BAD_HOST));
        }
        // RFC 9112 §3.2 wants the line whatever the target is; HTTP/2 need not have one.
        check(http11, "http://b.example/", &[], Err(NO_HOST));
        check(Version::HTTP_10, "http://b.example/", &[], Ok(Some(("b.example", "b.example"))));
        check(Version::HTTP_2, "http://b.example/", &[], Ok(Some(("b.example", "b.example"))));
        check(Version::HTTP_2, "/", &[], Err(NO_HOST));
        check(http11, "http://user@b.example/", &["a.example"], Err(BAD_HOST));
    }

    #[test]
    fn endings_come_longest_first() {
        assert_eq!(endings("a.b.example").collect::<Vec<_>>(), [".b.example", ".example"]);
        assert_eq!(endings("localhost").count(), 0);
    }
}
