//! Which mount is behind the prefix, and what KV version it really is.

use super::Vault;
use super::client::Answer;
use crate::network::Body;
use postern::provider::vault::{Kv, Mount};
use postern::resolve::{Failure, UnreachableBecause};
use serde::Deserialize;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// After a failure that a changed mount may explain, what is known of the mount is asked anew when it is
/// older than this.
const DOUBTED_AFTER: Duration = Duration::from_secs(5);

/// What Vault says of the mount behind the prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The mount, and the kind of secrets engine it is (`kv`).
    Seen { mount: Mount, kind: String },
    /// Vault shows this token no mount there.
    Hidden,
}

/// What was last found. One question at a time; whoever asks meanwhile gets its answer too.
#[derive(Default)]
pub(super) struct Mounts {
    asking: tokio::sync::Mutex<()>,
    last: Mutex<Option<Look>>,
}

#[derive(Clone)]
struct Look {
    at: Instant,
    found: Result<Found, Failure>,
}

impl Mounts {
    fn last(&self) -> Option<Look> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, found: &Result<Found, Failure>) {
        let look = Look { at: Instant::now(), found: found.clone() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(look);
    }
}

impl Vault {
    /// The mount behind the prefix, from memory if it was ever found.
    pub(super) async fn found(&self) -> Result<Found, Failure> {
        match self.mounts.last() {
            Some(Look { found: Ok(found), .. }) => Ok(found),
            _ => self.look().await,
        }
    }

    /// The mount behind the prefix, asked anew unless that was done a moment ago.
    pub(super) async fn found_anew(&self) -> Result<Found, Failure> {
        match self.mounts.last() {
            Some(Look { found: Ok(found), at }) if at.elapsed() < DOUBTED_AFTER => Ok(found),
            _ => self.look().await,
        }
    }

    /// Asks Vault. Joins a question that ends after this call, so that a thousand secrets read at once
    /// ask once, and fail together when Vault is away.
    pub(super) async fn look(&self) -> Result<Found, Failure> {
        let called = Instant::now();
        let _turn = self.mounts.asking.lock().await;
        if let Some(look) = self.mounts.last().filter(|look| look.at > called) {
            return look.found;
        }
        let found = self.ask_for_mount().await;
        self.mounts.keep(&found);
        found
    }

    /// The mount that a request would use, as far as that is known without asking.
    pub(super) fn known_mount(&self) -> Option<Mount> {
        match self.mounts.last().map(|look| look.found) {
            Some(Ok(Found::Seen { mount, .. })) => Some(mount),
            _ => self.settings.kv_version.chosen().map(|version| self.assumed(version)),
        }
    }

    /// The mount to assume where Vault does not say: the prefix's first segment.
    pub(super) fn assumed(&self, version: Kv) -> Mount {
        Mount { path: vec![self.settings.prefix.first().to_owned()], version }
    }

    /// `sys/internal/ui/mounts/<path>` answers any token that may see something below the mount, and 403
    /// both without such a right and without such a mount.
    async fn ask_for_mount(&self) -> Result<Found, Failure> {
        let mut segments: Vec<String> = ["sys", "internal", "ui", "mounts"].map(str::to_owned).to_vec();
        segments.extend_from_slice(self.settings.prefix.segments());
        match self.client.get(&segments).await? {
            Answer::Found(body) => {
                parse(&body).ok_or_else(|| self.client.unreachable(UnreachableBecause::NotUnderstood))
            }
            Answer::Absent(_) | Answer::Refused => Ok(Found::Hidden),
        }
    }
}

#[derive(Deserialize)]
struct Answered {
    data: Described,
}

#[derive(Deserialize)]
struct Described {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    options: Option<Options>,
}

#[derive(Deserialize)]
struct Options {
    version: Option<String>,
}

/// A mount without options, or without a version among them, is version 1.
fn parse(body: &Body) -> Option<Found> {
    let Answered { data } = serde_json::from_slice(body).ok()?;
    let path: Vec<String> = data.path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
    let version = match data.options.and_then(|options| options.version).as_deref() {
        Some("2") => Kv::V2,
        _ => Kv::V1,
    };
    (!path.is_empty()).then_some(Found::Seen { mount: Mount { path, version }, kind: data.kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &str, expected: Option<(&str, Kv, &str)>) {
        let got = parse(&Body::new(body.as_bytes().to_vec()));
        let expected = expected.map(|(path, version, kind)| Found::Seen {
            mount: Mount { path: path.split('/').map(str::to_owned).collect(), version },
            kind: kind.to_owned(),
        });
        assert_eq!(got, expected, "{body}");
    }

    #[test]
    fn mounts_are_understood() {
        check(
            r#"{"data":{"path":"secret/","type":"kv","options":{"version":"2"},"more":1}}"#,
            Some(("secret", Kv::V2, "kv")),
        );
        check(r#"{"data":{"path":"team/kv/","type":"kv","options":{"version":"1"}}}"#, Some(("team/kv", Kv::V1, "kv")));
        check(r#"{"data":{"path":"kv/","type":"kv","options":null}}"#, Some(("kv", Kv::V1, "kv")));
        check(r#"{"data":{"path":"kv/","type":"kv","options":{}}}"#, Some(("kv", Kv::V1, "kv")));
        check(r#"{"data":{"path":"transit/","type":"transit"}}"#, Some(("transit", Kv::V1, "transit")));
        check(r#"{"data":{"path":"","type":"kv"}}"#, None);
        check(r#"{"data":null}"#, None);
        check("<html>", None);
    }
}
