//! Where a request comes from: the other end of its connection, or what a trusted proxy says of it.

use crate::headers::FORWARDED_FOR;
use crate::peer::Peer;
use http::HeaderMap;
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

/// Whether the operator named this address as that of a proxy.
pub(crate) fn is_trusted(trusted: &[IpNet], ip: IpAddr) -> bool {
    trusted.iter().any(|net| net.contains(&ip))
}

/// The client's address. What stands in `X-Forwarded-For` counts only when a trusted proxy sent it, and then from the
/// right: each proxy adds whom it was asked by, so the first that is no trusted proxy is the client. Left of it anybody
/// may have written anything.
pub(crate) fn address(headers: &HeaderMap, peer: &Peer, trusted: &[IpNet]) -> IpAddr {
    if !peer.is_trusted {
        return peer.ip;
    }
    let lines: Vec<&str> = headers.get_all(&FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("")).collect();
    let mut client = peer.ip;
    for entry in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        let Some(ip) = parse(entry.trim()) else { break };
        client = ip;
        if !is_trusted(trusted, ip) {
            break;
        }
    }
    client
}

/// An address, with or without a port: `203.0.113.9`, `203.0.113.9:4711`, `[2001:db8::1]:4711`.
fn parse(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let ip = bare.parse().or_else(|_| entry.parse().map(|address: SocketAddr| address.ip())).ok()?;
    Some(IpAddr::to_canonical(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_first_from_the_right_that_is_no_trusted_proxy_is_the_client() {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        for (peer, lines, expected) in [
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6, 198.51.100.1,10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["6.6.6.6, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
            ("2001:db8::1", &["[2a00::7]:4711"], "2a00::7"),
            ("10.0.0.1", &["[2a00::7]"], "2a00::7"),
            ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(&FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let peer = Peer::of_test(peer.parse().unwrap(), &trusted);
            assert_eq!(address(&headers, &peer, &trusted).to_string(), expected, "{lines:?}");
        }
    }
}
