//! The Vault Server URL.

use crate::authority::{host_and_port, is_loopback};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The address of a Vault: scheme, host, optional port, optional base path; no user info, query or fragment.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VaultUrl {
    https: bool,
    host: String,
    port: u16,
    base: Vec<String>,
    text: String,
}

/// Why a text is not a Vault Server URL: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlError(String);

impl VaultUrl {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
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

    /// Segments of the base path before `/v1`.
    #[must_use]
    pub fn base(&self) -> &[String] {
        &self.base
    }

    /// Whether the host is this machine by name or address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }

    /// Whether both are the same server: a stored token is never sent to another one.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        (self.https, &self.host, self.port) == (other.https, &other.host, other.port)
    }
}

impl FromStr for VaultUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let error = |why: &str| Err(UrlError(why.to_owned()));
        let text = text.trim().trim_end_matches('/');
        if text.is_empty() {
            return error("The Vault Server URL is needed here, for example http://127.0.0.1:8200.");
        }
        let (https, rest) = match text.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) => return error("The Vault Server URL begins with http:// or https://."),
            None => return Err(UrlError(format!("Write the scheme too: http://{text} or https://{text}."))),
        };
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return error("The Vault Server URL contains a blank or control character.");
        }
        if rest.contains(['?', '#', '\\']) {
            return error("The Vault Server URL has no '?', '#' or '\\'.");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return error("Leave user names and passwords out of the Vault Server URL.");
        }
        let (host, port) = host_and_port(authority, https, "Vault Server URL").map_err(UrlError)?;
        let base = base_path(path)?;
        Ok(Self { https, host, port, base, text: text.to_owned() })
    }
}

fn base_path(path: &str) -> Result<Vec<String>, UrlError> {
    let segments: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    match segments.first().map(String::as_str) {
        Some(first @ ("v1" | "ui")) => Err(UrlError(format!(
            "Leave /{first} and what follows out: the Vault Server URL is the server's address only."
        ))),
        _ if segments.iter().any(|s| s == "." || s == "..") => {
            Err(UrlError("The Vault Server URL cannot contain '.' or '..' as a path segment.".to_owned()))
        }
        _ => Ok(segments),
    }
}

impl fmt::Display for VaultUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(VaultUrl);
