//! The Endpoint URL: a server that speaks Secrets Manager's API in place of AWS's own.

use crate::provider::address::forbidden;
use crate::provider::vault::VaultUrl;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Scheme, host and optional port; nothing behind them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl(VaultUrl);

/// Why a text is not an Endpoint URL: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EndpointError(String);

impl EndpointUrl {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.is_https()
    }

    /// Host name or IP address; an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.host()
    }

    /// The port, 443 or 80 when none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Whether the host is this machine by name or address.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.0.is_loopback()
    }

    /// Whether both are the same server.
    #[must_use]
    pub fn same_server(&self, other: &Self) -> bool {
        self.0.same_server(&other.0)
    }
}

impl FromStr for EndpointUrl {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        // The same rules as for a Vault's address, in this field's words.
        let in_our_words = |words: String| words.replace("Vault Server URL", "Endpoint URL");
        let url: VaultUrl = text.parse().map_err(|e| EndpointError(in_our_words(format!("{e}"))))?;
        if !url.base().is_empty() {
            return Err(EndpointError("The Endpoint URL has no path: the server's address only.".to_owned()));
        }
        if let Some(kind) = url.host().parse().ok().and_then(forbidden) {
            return Err(EndpointError(format!(
                "Requests are never sent to {}: it is {}.",
                url.host(),
                kind.describe()
            )));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

text_form!(EndpointUrl);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, u16), &str>) {
        let got = text.parse::<EndpointUrl>();
        match (&got, expected) {
            (Ok(url), Ok(wanted)) => assert_eq!((url.host(), url.port()), wanted, "{text}"),
            (Err(error), Err(word)) => {
                let error = error.to_string();
                assert!(error.contains(word) && !error.contains("Vault"), "{text}: {error}");
            }
            _ => panic!("{text}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn endpoints() {
        check("http://127.0.0.1:4566", Ok(("127.0.0.1", 4566)));
        check(
            "https://vpce-1.secretsmanager.us-east-1.vpce.amazonaws.com/",
            Ok(("vpce-1.secretsmanager.us-east-1.vpce.amazonaws.com", 443)),
        );
        check("", Err("The Endpoint URL is needed here"));
        check("ftp://x", Err("The Endpoint URL begins with"));
        check("http://u:p@x", Err("passwords out of the Endpoint URL"));
        check("http://x/path", Err("no path"));
        check("http://169.254.169.254", Err("never sent"));
        check("http://[fd00:ec2::254]", Err("never sent"));
        check("http://[::ffff:169.254.169.254]", Err("never sent"));
        check("http://0.0.0.0:80", Err("never sent"));
        check("http://100.100.100.200", Err("the machine's own credentials"));
        check("http://[64:ff9b::a9fe:a9fe]", Err("link-local"));
    }
}
