//! Versions of the key/value engine, and where a mount and a secret of it are.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A version of Vault's key/value engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kv {
    #[serde(rename = "1")]
    V1,
    #[serde(rename = "2")]
    V2,
}

impl Kv {
    /// `1` or `2`.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// The choice in the dialog that means this version.
    #[must_use]
    pub fn choice(self) -> KvVersion {
        match self {
            Self::V1 => KvVersion::V1,
            Self::V2 => KvVersion::V2,
        }
    }
}

/// The KV Version an operator chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum KvVersion {
    #[serde(rename = "1")]
    V1,
    #[serde(rename = "2")]
    V2,
    /// Whatever the mount behind the prefix is.
    #[default]
    #[serde(rename = "auto")]
    Auto,
}

impl KvVersion {
    /// Every choice, in the order the dialog offers them.
    pub const ALL: [Self; 3] = [Self::V1, Self::V2, Self::Auto];

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
            Self::Auto => "auto",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::V1 => "KV version 1",
            Self::V2 => "KV version 2",
            Self::Auto => "Auto-detect",
        }
    }

    /// The version chosen, unless it is to be detected.
    #[must_use]
    pub fn chosen(self) -> Option<Kv> {
        match self {
            Self::V1 => Some(Kv::V1),
            Self::V2 => Some(Kv::V2),
            Self::Auto => None,
        }
    }
}

/// A secrets engine's mount, as `sys/internal/ui/mounts` reports it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Its path's segments: `["team", "kv"]`.
    pub path: Vec<String>,
    pub version: Kv,
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.path.join("/"))
    }
}

/// The path of a read request below `/v1/`, and the KV version whose answer to expect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadPath {
    /// Segments, not yet percent-encoded.
    pub segments: Vec<String>,
    pub version: Kv,
}

impl fmt::Display for ReadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.segments.join("/"))
    }
}
