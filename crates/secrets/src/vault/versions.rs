//! Which version of a secret is the newest, asked without its value: the metadata of the key/value engine, version 2.
//!
//! `GET /v1/<mount>/metadata/<path>` needs a policy of its own, `read` on `<mount>/metadata/…`, which the tutorial's
//! token does not have.

use super::Vault;
use super::client::Answer;
use crate::Newest;
use postern::provider::vault::Kv;
use serde::Deserialize;
use std::collections::BTreeMap;

impl Vault {
    pub(super) async fn newest_version(&self, path: &[String]) -> Newest {
        let Some(mount) = self.known_mount() else { return Newest::NotOffered };
        let mut place = self.settings.locate(&mount, path);
        let data = place.segments.get_mut(mount.path.len());
        let (Kv::V2, Some(data)) = (place.version, data) else { return Newest::NotOffered };
        "metadata".clone_into(data);
        match self.client.get(&place.segments).await {
            Ok(Answer::Found(body)) => parse(&body),
            Ok(Answer::Absent(_)) => Newest::Gone,
            Ok(Answer::Refused) => Newest::Refused,
            Err(_) => Newest::NoAnswer,
        }
    }
}

#[derive(Deserialize)]
struct Answered {
    data: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    current_version: u64,
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

/// A version with a time of deletion may still be readable, when that is to come: a read will tell.
fn parse(body: &[u8]) -> Newest {
    let Ok(Answered { data }) = serde_json::from_slice(body) else { return Newest::NoAnswer };
    match data.versions.get(&data.current_version.to_string()) {
        Some(version) if version.destroyed || !version.deletion_time.is_empty() => Newest::Gone,
        _ => Newest::Version(data.current_version),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_says_which_version_is_the_newest() {
        for (body, expected) in [
            (
                r#"{"data":{"current_version":3,"versions":{"3":{"deletion_time":"","destroyed":false}},"x":1}}"#,
                Newest::Version(3),
            ),
            (r#"{"data":{"current_version":3,"versions":{"2":{"destroyed":true}}}}"#, Newest::Version(3)),
            (
                r#"{"data":{"current_version":3,"versions":{"3":{"deletion_time":"2026-01-01T00:00:00Z"}}}}"#,
                Newest::Gone,
            ),
            (r#"{"data":{"current_version":3,"versions":{"3":{"destroyed":true}}}}"#, Newest::Gone),
            (r#"{"data":{"current_version":0}}"#, Newest::Version(0)),
            (r#"{"data":{"current_version":-1}}"#, Newest::NoAnswer),
            (r#"{"data":null}"#, Newest::NoAnswer),
            ("<html>", Newest::NoAnswer),
        ] {
            assert_eq!(parse(body.as_bytes()), expected, "{body}");
        }
    }
}
