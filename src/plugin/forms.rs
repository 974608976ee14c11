//! The forms of text that several plugins' fields have.

use super::schema::{Form, Kind};
use crate::name::{ConsumerName, NameError};
use crate::routing::HostPattern;

/// A header's name: `token` of RFC 9110 §5.6.2.
pub const HEADER_NAME: Kind = Kind::Form(&Form { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$", read: header_name });

/// 1 to 128 printable ASCII characters without `"` and `\`, as in APISIX 3.15.
pub const REALM: Kind = Kind::Form(&Form { pattern: "^[ !#-\\[\\]-~]{1,128}$", read: realm });

/// A consumer's name.
pub const CONSUMER: Kind = Kind::Form(&Form { pattern: "^[a-zA-Z0-9_-]{1,256}$", read: consumer });

/// A host, exact or as `*.example.com`.
pub const HOST: Kind = Kind::Form(&Form { pattern: "^(\\*\\.)?[A-Za-z0-9._-]{1,253}$", read: host });

pub(super) fn is_header_name(text: &str) -> bool {
    let is_tchar = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    (1..=256).contains(&text.len()) && text.chars().all(is_tchar)
}

fn header_name(text: &str) -> Result<(), String> {
    let why = || "This is a header name: letters, digits and '-', without blanks.".to_owned();
    is_header_name(text).then_some(()).ok_or_else(why)
}

fn realm(text: &str) -> Result<(), String> {
    let printable = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    let is_realm = (1..=128).contains(&text.len()) && text.chars().all(printable);
    let why = || "A realm has 1 to 128 printable characters, without quotes and backslashes.".to_owned();
    is_realm.then_some(()).ok_or_else(why)
}

fn consumer(text: &str) -> Result<(), String> {
    text.parse::<ConsumerName>().map(drop).map_err(|e: NameError| e.to_string())
}

fn host(text: &str) -> Result<(), String> {
    text.parse::<HostPattern>().map(drop).map_err(|error| error.to_string())
}
