//! The part of an address that says where a server is: `host:port`.

/// Host and port, 443 or 80 when none is written; an IPv6 address without its brackets. `what` is the field's name.
///
/// # Errors
/// A sentence for the field.
pub(crate) fn host_and_port(authority: &str, https: bool, what: &str) -> Result<(String, u16), String> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, after)) = rest.split_once(']') else {
            return Err("The IPv6 address lacks its closing bracket.".to_owned());
        };
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Err("The text in brackets is not an IPv6 address.".to_owned());
        }
        let port = after.strip_prefix(':');
        if port.is_none() && !after.is_empty() {
            return Err("After the bracket of an IPv6 address only ':' and a port may follow.".to_owned());
        }
        (host, port)
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    let plain_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if host.is_empty() || !host.chars().all(plain_host) {
        return Err(format!("The {what} needs a host name or IP address after '://'."));
    }
    let port = match port {
        None => Some(if https { 443 } else { 80 }),
        Some(text) => text.parse().ok().filter(|port| *port != 0),
    };
    match port {
        Some(port) => Ok((host.to_ascii_lowercase(), port)),
        None => Err(format!("The port in the {what} is a number from 1 to 65535.")),
    }
}

/// Whether a host is this machine by name or address.
pub(crate) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}
