//! The address of a page or a server, as plugins have it: `https://host:port/path`.

use crate::authority::{host_and_port, is_loopback};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Scheme, host, optional port, optional path; no user info, query or fragment, and no '/' at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebAddress {
    text: String,
    is_https: bool,
    host: String,
    port: u16,
    /// Where the path begins in `text`.
    path_at: usize,
}

/// Why a text is no such address: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WebAddressError(String);

impl WebAddress {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// Host name or IP address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, 443 or 80 when none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The path with its '/' at the front; empty when there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text.get(self.path_at..).unwrap_or_default()
    }

    /// Whether the host is this machine by name or address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl FromStr for WebAddress {
    type Err = WebAddressError;

    fn from_str(text: &str) -> Result<Self, WebAddressError> {
        let error = |why: &str| Err(WebAddressError(why.to_owned()));
        let (is_https, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return error("This is an address that begins with https:// or http://."),
        };
        if text.len() > 2048 {
            return error("The address has at most 2048 characters.");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return error("The address has a blank, or a character that is not ASCII.");
        }
        if rest.contains(['?', '#', '\\', '"', '<', '>', '`', '{', '}', '|', '^']) {
            return error(
                "The address has no '?' or '#' and nothing after them, and no quotes, brackets or backslashes.",
            );
        }
        if text.ends_with('/') {
            return error("Leave the '/' at the end out.");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if authority.contains('@') {
            return error("Leave user names and passwords out of the address.");
        }
        let (host, port) = host_and_port(authority, is_https, "address").map_err(WebAddressError)?;
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return error("The address cannot have '.' or '..' as a path segment.");
        }
        Ok(Self { text: text.to_owned(), is_https, host, port, path_at: text.len() - path.len() })
    }
}

impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(WebAddress);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_parts_are_told_apart() {
        for (text, is_https, host, port, path) in [
            ("https://door.example.com", true, "door.example.com", 443, ""),
            ("http://localhost:8000", false, "localhost", 8000, ""),
            ("https://h/anything/callback", true, "h", 443, "/anything/callback"),
            ("https://[::1]:8443/cas/door", true, "::1", 8443, "/cas/door"),
        ] {
            let address: WebAddress = text.parse().unwrap();
            let parts = (address.is_https(), address.host(), address.port(), address.path());
            assert_eq!(parts, (is_https, host, port, path), "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_none_is_told_why() {
        for (text, why) in [
            ("", "begins with https://"),
            ("door.example.com", "begins with https://"),
            ("ftp://h", "begins with https://"),
            ("https://", "'/' at the end"),
            ("https://h/", "'/' at the end"),
            ("https://h/x/", "'/' at the end"),
            ("https://h/x?code=a", "no '?'"),
            ("https://h#x", "no '?'"),
            ("https://h\\x", "backslashes"),
            ("https://h/a b", "blank"),
            ("https://h/\u{e9}", "not ASCII"),
            ("https://u:p@h", "user names"),
            ("https://:80", "host name or IP address"),
            ("https://h:0", "1 to 65535"),
            ("https://h:99999", "1 to 65535"),
            ("https://h/a/../b", "'..'"),
        ] {
            let error = text.parse::<WebAddress>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("Vault"), "{text}: {error}");
        }
    }
}
