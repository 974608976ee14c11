//! What may stand behind a reference: `?version=3`, `?stage=AWSPREVIOUS`, `?decode=base64`, `#/json/pointer`.
//!
//! A `?` or `#` is an ordinary character of a path or key, as in API7 and APISIX, unless it begins one of
//! these. `?` does when `version=`, `stage=` or `decode=` follows and no further slash does; `#` does when a
//! slash follows it. Nothing is percent-decoded.

mod problem;
#[cfg(test)]
mod tests;
mod written;

pub use problem::{SelectionProblem, There, VersionProblem};
pub(crate) use written::{Fault, Written};

use serde::{Deserialize, Serialize};
use std::fmt;

/// Which version of a secret is meant, in place of the current one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Pin {
    /// `?version=3`: of a KV version 2 mount, counted from 1.
    Version(u64),
    /// `?version=<id>`: AWS's `VersionId`.
    VersionId(String),
    /// `?stage=AWSPREVIOUS`: AWS's `VersionStage`.
    Stage(String),
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(f, "version={number}"),
            Self::VersionId(id) => write!(f, "version={id}"),
            Self::Stage(stage) => write!(f, "stage={stage}"),
        }
    }
}

impl Pin {
    /// A version of Vault's KV version 2: a whole number from 1.
    pub(crate) fn of_vault(name: &str, value: &str) -> Result<Self, String> {
        let number = value.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == value);
        match (name, number) {
            ("version", Some(number)) => Ok(Self::Version(number)),
            ("version", None) => Err("A version of Vault is a whole number from 1, as in ?version=3.".to_owned()),
            _ => Err("Vault has no stages: name a version, as in ?version=3.".to_owned()),
        }
    }

    /// Kubernetes keeps no earlier versions.
    pub(crate) fn of_kubernetes(_: &str, _: &str) -> Result<Self, String> {
        Err("A Secret of Kubernetes has no versions and no stages: remove this.".to_owned())
    }

    /// `VersionId` (32 to 64 characters) and `VersionStage` (1 to 256) as `GetSecretValue` has them.
    pub(crate) fn of_aws(name: &str, value: &str) -> Result<Self, String> {
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_stage = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
        match name {
            "version" if (32..=64).contains(&value.len()) && value.chars().all(is_id) => {
                Ok(Self::VersionId(value.to_owned()))
            }
            "version" => {
                Err("A version of AWS is its id of 32 to 64 characters; a staging label is written ?stage=AWSPREVIOUS."
                    .to_owned())
            }
            _ if (1..=256).contains(&value.len()) && value.chars().all(is_stage) => Ok(Self::Stage(value.to_owned())),
            _ => Err("A stage is a staging label such as AWSPREVIOUS.".to_owned()),
        }
    }
}

/// Which value of a secret is meant, and what is done to it: key, then decoding, then pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// Empty for a whole secret.
    pub key: String,
    pub decode: Option<Encoding>,
    pub pointer: Option<Pointer>,
}

impl Selector {
    /// The value of `key` as it is.
    #[must_use]
    pub fn plain(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// Whether the value is used as it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.decode.is_none() && self.pointer.is_none()
    }

    /// What is done to the value, as written: `?decode=base64#/a/b`, or nothing.
    #[must_use]
    pub fn steps(&self) -> String {
        suffix(None, self)
    }
}

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// RFC 4648, with `+/` or `-_`, with or without padding and line breaks.
    Base64,
}

impl Encoding {
    /// As a reference has it.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
        }
    }
}

/// A place in a JSON value (RFC 6901), never the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pointer(String);

impl Pointer {
    /// Its parts, with `~1` and `~0` turned into what they stand for.
    pub fn parts(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
    }

    /// The pointer to the first `count` parts; empty for the whole value.
    #[must_use]
    pub fn first(&self, count: usize) -> String {
        self.0.split('/').skip(1).take(count).map(|part| format!("/{part}")).collect()
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("A JSON pointer has no control characters.".to_owned());
        }
        match text.split('~').skip(1).any(|part| !part.starts_with(['0', '1'])) {
            true => Err("In a JSON pointer '~' is written ~0, and a slash in a name ~1.".to_owned()),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `?version=3&decode=base64#/a`, or nothing.
#[must_use]
pub fn suffix(pin: Option<&Pin>, selector: &Selector) -> String {
    let decode = selector.decode.map(|encoding| format!("decode={}", encoding.slug()));
    let items: Vec<String> = pin.map(Pin::to_string).into_iter().chain(decode).collect();
    let query = if items.is_empty() { String::new() } else { format!("?{}", items.join("&")) };
    let pointer = selector.pointer.as_ref().map(|pointer| format!("#{pointer}")).unwrap_or_default();
    query + &pointer
}
