//! Where the directory is: `host` or `host:port`, as APISIX's `ldap_uri` has it.

use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The name or address of a directory server, and the port if one is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct LdapUri {
    host: String,
    port: Option<u16>,
}

/// Why a text is no address of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LdapUriError {
    #[error("Leave the scheme away: ldap_uri is host or host:port; \"use_tls\": true stands for ldaps.")]
    Scheme,
    #[error("This is the directory's name or address, with a port if it is not the usual one: ldap.example.com:389.")]
    NotHostPort,
}

impl LdapUri {
    /// Without brackets, even when it is an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port: 389 when none is given, 636 for ldaps.
    #[must_use]
    pub fn port(&self, is_ldaps: bool) -> u16 {
        self.port.unwrap_or(if is_ldaps { 636 } else { 389 })
    }

    /// Whether the host is an address that no certificate can be asked for by this gateway.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.host.parse::<Ipv6Addr>().is_ok()
    }
}

impl std::str::FromStr for LdapUri {
    type Err = LdapUriError;

    fn from_str(text: &str) -> Result<Self, LdapUriError> {
        if text.contains("://") {
            return Err(LdapUriError::Scheme);
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, "")) => (address, None),
            Some((address, rest)) => (address, Some(rest.strip_prefix(':').ok_or(LdapUriError::NotHostPort)?)),
            None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
        };
        let in_brackets = text.starts_with('[');
        let port = port.map(read_port).transpose()?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let is_host = match host.parse::<IpAddr>() {
            Ok(address) => address.is_ipv6() == in_brackets,
            Err(_) => !in_brackets && (1..=253).contains(&host.len()) && host.chars().all(allowed),
        };
        if !is_host {
            return Err(LdapUriError::NotHostPort);
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

fn read_port(text: &str) -> Result<u16, LdapUriError> {
    // A number may have a sign, a port may not.
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).filter(|port| *port > 0).ok_or(LdapUriError::NotHostPort)
}

impl fmt::Display for LdapUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.is_ipv6() {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl TryFrom<String> for LdapUri {
    type Error = LdapUriError;

    fn try_from(text: String) -> Result<Self, LdapUriError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_apisix_reads_it() {
        for (text, host, plain, tls) in [
            ("ldap.example.com", "ldap.example.com", 389, 636),
            ("LDAP.example.com:1389", "ldap.example.com", 1389, 1389),
            ("127.0.0.1:389", "127.0.0.1", 389, 389),
            ("[::1]", "::1", 389, 636),
            ("[2001:db8::1]:636", "2001:db8::1", 636, 636),
            ("openldap_1:1389", "openldap_1", 1389, 1389),
        ] {
            let uri: LdapUri = text.parse().unwrap();
            assert_eq!((uri.host(), uri.port(false), uri.port(true)), (host, plain, tls), "{text}");
            assert_eq!(uri.to_string().parse::<LdapUri>().unwrap(), uri);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (text, error) in [
            ("ldap://ldap.example.com", LdapUriError::Scheme),
            ("ldaps://ldap.example.com:636", LdapUriError::Scheme),
            ("", LdapUriError::NotHostPort),
            (":389", LdapUriError::NotHostPort),
            ("host:", LdapUriError::NotHostPort),
            ("host:0", LdapUriError::NotHostPort),
            ("host:+389", LdapUriError::NotHostPort),
            ("host:65536", LdapUriError::NotHostPort),
            ("host:389/x", LdapUriError::NotHostPort),
            ("user@host:389", LdapUriError::NotHostPort),
            ("::1", LdapUriError::NotHostPort),
            ("[127.0.0.1]:389", LdapUriError::NotHostPort),
            ("[host]:389", LdapUriError::NotHostPort),
            ("[::1]389", LdapUriError::NotHostPort),
            ("a b", LdapUriError::NotHostPort),
        ] {
            assert_eq!(text.parse::<LdapUri>(), Err(error), "{text:?}");
        }
    }
}
