//! Reading one secret, for both versions of the key/value engine.

use super::Vault;
use super::client::Answer;
use super::mount::Found;
use crate::document::Document;
use crate::json;
use crate::network::Body;
use postern::provider::vault::{Kv, Mount, ReadPath};
use postern::resolve::{DeletedVersion, Failure, InvalidBecause, UnreachableBecause};
use postern::selection::VersionProblem;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};

/// How many versions are looked at for a key that is gone.
const VERSIONS_BACK: u64 = 10;

impl Vault {
    /// Reads the secret at `path`, in the version `pinned` or the current one. A failure that a changed mount
    /// may explain is believed only after the mount was looked at again.
    pub(super) async fn read_document(&self, path: &[String], pinned: Option<u64>) -> Result<Document, Failure> {
        let found = self.found().await?;
        let read = self.read_with(&found, path, pinned).await;
        if !read.as_ref().is_err_and(may_be_the_mount) {
            return read;
        }
        match self.found_anew().await {
            Ok(anew) if anew != found => self.read_with(&anew, path, pinned).await,
            _ => read,
        }
    }

    /// The last version before `version` that had each of `keys`. Uses reads only, which the token may
    /// do anyway; stops at the first that is refused.
    pub(super) async fn look_back(
        &self,
        path: &[String],
        version: u64,
        keys: &BTreeSet<String>,
    ) -> BTreeMap<String, u64> {
        let mut seen = BTreeMap::new();
        let Some(place) = self.known_mount().map(|mount| self.settings.locate(&mount, path)) else { return seen };
        for earlier in (version.saturating_sub(VERSIONS_BACK).max(1)..version).rev() {
            if seen.len() == keys.len() {
                break;
            }
            let document = match self.client.get_version(&place.segments, earlier).await {
                Ok(Answer::Found(body)) => self.parse(&place, &body),
                Ok(Answer::Absent(_)) => continue,
                Ok(Answer::Refused) | Err(_) => break,
            };
            let Ok(document) = document else { break };
            for key in keys.iter().filter(|key| document.has(key)) {
                seen.entry(key.clone()).or_insert(earlier);
            }
        }
        seen
    }

    async fn read_with(&self, found: &Found, path: &[String], pinned: Option<u64>) -> Result<Document, Failure> {
        match (found, self.settings.kv_version.chosen()) {
            (Found::Seen { mount, .. }, Some(chosen)) if chosen != mount.version => Err(Failure::Invalid {
                path: self.settings.locate(mount, path).to_string(),
                why: InvalidBecause::WrongKvVersion { mount: mount.clone(), chosen },
            }),
            (Found::Seen { mount, .. }, _) => self.read_at(mount, path, pinned).await,
            (Found::Hidden, Some(chosen)) => self.read_at(&self.assumed(chosen), path, pinned).await,
            (Found::Hidden, None) => self.read_at_either(path, pinned).await,
        }
    }

    /// Auto-detect where Vault does not show the mount: version 2, and where that is refused, version 1.
    async fn read_at_either(&self, path: &[String], pinned: Option<u64>) -> Result<Document, Failure> {
        match self.read_at(&self.assumed(Kv::V2), path, pinned).await {
            Err(failure @ (Failure::NotFound { deleted: None, .. } | Failure::Denied { .. })) => {
                self.read_at(&self.assumed(Kv::V1), path, pinned).await.map_err(|_| failure)
            }
            read => read,
        }
    }

    async fn read_at(&self, mount: &Mount, path: &[String], pinned: Option<u64>) -> Result<Document, Failure> {
        let place = self.settings.locate(mount, path);
        match (pinned, place.version) {
            (None, _) => self.read_current(mount, &place).await,
            (Some(version), Kv::V2) => self.read_version(mount, &place, version).await,
            // It would answer with the only value it has, whatever the version asked for.
            (Some(version), Kv::V1) => {
                Err(Failure::Version { path: place.to_string(), version, why: VersionProblem::NotKept })
            }
        }
    }

    async fn read_version(&self, mount: &Mount, place: &ReadPath, version: u64) -> Result<Document, Failure> {
        let problem = |why| Failure::Version { path: place.to_string(), version, why };
        let answer = self.client.get_version(&place.segments, version).await;
        self.note(|| format!("{}?version={version}", self.line(place)), &answer);
        let read = match answer? {
            Answer::Found(body) => self.parse(place, &body),
            Answer::Absent(body) => Err(absent(place, mount, &body)),
            Answer::Refused => Err(self.denied(place.to_string(), mount).await),
        };
        match read {
            Err(Failure::NotFound { deleted: Some(deleted), .. }) if deleted.destroyed => {
                Err(problem(VersionProblem::Destroyed))
            }
            Err(Failure::NotFound { deleted: Some(deleted), .. }) => {
                Err(problem(VersionProblem::Deleted { at: deleted.deleted_at }))
            }
            // Vault says the same of a secret without this version as of no secret at all.
            Err(Failure::NotFound { path, deleted: None }) => {
                let current = self.current_version(place).await;
                Err(current.map_or(Failure::NotFound { path, deleted: None }, |current| {
                    problem(VersionProblem::Never { current })
                }))
            }
            read => read,
        }
    }

    /// The newest version of a secret, deleted or not.
    async fn current_version(&self, place: &ReadPath) -> Option<u64> {
        let (Answer::Found(body) | Answer::Absent(body)) = self.client.get(&place.segments).await.ok()? else {
            return None;
        };
        match parse(place, &body)? {
            Parsed::Document(document) => document.version,
            Parsed::Deleted(deleted) => Some(deleted.version),
        }
    }

    async fn read_current(&self, mount: &Mount, place: &ReadPath) -> Result<Document, Failure> {
        let answer = self.client.get(&place.segments).await;
        self.note(|| self.line(place), &answer);
        match answer? {
            Answer::Found(body) => self.parse(place, &body),
            Answer::Absent(body) => Err(absent(place, mount, &body)),
            Answer::Refused => Err(self.denied(place.to_string(), mount).await),
        }
    }

    fn note(&self, request: impl FnOnce() -> String, answer: &Result<Answer, Failure>) {
        self.heard.note(request, answer.as_ref().ok().map(|answer| answer.status().as_u16()));
    }

    /// The request that reads there: method and URL.
    pub(super) fn line(&self, place: &ReadPath) -> String {
        let url = self.client.url(&place.segments);
        format!("GET {}", url.map_or_else(|| place.to_string(), |url| url.to_string()))
    }

    fn parse(&self, place: &ReadPath, body: &Body) -> Result<Document, Failure> {
        match parse(place, body) {
            Some(Parsed::Document(document)) => Ok(document),
            Some(Parsed::Deleted(deleted)) => {
                Err(Failure::NotFound { path: place.to_string(), deleted: Some(deleted) })
            }
            None => Err(self.client.unreachable(UnreachableBecause::NotUnderstood)),
        }
    }
}

fn may_be_the_mount(failure: &Failure) -> bool {
    match failure {
        Failure::NotFound { deleted, .. } => deleted.is_none(),
        Failure::Version { why, .. } => matches!(why, VersionProblem::NotKept),
        Failure::Denied { .. } => true,
        Failure::Invalid { why, .. } => matches!(why, InvalidBecause::WrongKvVersion { .. }),
        Failure::ProviderMissing { .. }
        | Failure::KeyMissing { .. }
        | Failure::Unreachable { .. }
        | Failure::Sealed { .. }
        | Failure::Aws(_)
        | Failure::Kubernetes(_)
        | Failure::Env(_)
        | Failure::Unfit { .. } => false,
    }
}

/// What a good answer holds.
#[derive(Debug)]
enum Parsed {
    Document(Document),
    Deleted(DeletedVersion),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

/// The `data` of a version 2 answer. `data.data` is null when the version was deleted.
#[derive(Deserialize)]
struct Versioned<'a> {
    #[serde(borrow)]
    data: Option<BTreeMap<String, &'a RawValue>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    #[serde(default)]
    deletion_time: String,
    #[serde(default)]
    destroyed: bool,
}

impl From<Metadata> for DeletedVersion {
    fn from(metadata: Metadata) -> Self {
        Self { version: metadata.version, deleted_at: metadata.deletion_time, destroyed: metadata.destroyed }
    }
}

/// Nothing when the answer is not what Vault answers.
fn parse(place: &ReadPath, body: &[u8]) -> Option<Parsed> {
    if !json::is_sound(body) {
        return None;
    }
    let data = serde_json::from_slice::<Envelope<'_>>(body).ok()?.data?.get();
    match place.version {
        Kv::V1 => Document::new(place.to_string(), None, serde_json::from_str(data).ok()?).ok().map(Parsed::Document),
        Kv::V2 => {
            let Versioned { data, metadata } = serde_json::from_str(data).ok()?;
            match data {
                Some(keys) => Document::new(place.to_string(), Some(metadata.version), keys).ok().map(Parsed::Document),
                None => Some(Parsed::Deleted(metadata.into())),
            }
        }
    }
}

/// The names of the keys in a good answer. The values stay in it.
pub(super) fn key_names(place: &ReadPath, body: &[u8]) -> Vec<String> {
    let names = |object: BTreeMap<String, &RawValue>| object.into_keys().collect();
    let Some(data) = serde_json::from_slice::<Envelope<'_>>(body).ok().and_then(|envelope| envelope.data) else {
        return vec![];
    };
    match place.version {
        Kv::V1 => serde_json::from_str(data.get()).map(names).unwrap_or_default(),
        Kv::V2 => {
            serde_json::from_str::<Versioned<'_>>(data.get()).ok().and_then(|read| read.data).map_or(vec![], names)
        }
    }
}

/// What a 404 means: a deleted version, a version 1 request to a version 2 mount (of which Vault warns), or nothing there.
fn absent(place: &ReadPath, mount: &Mount, body: &[u8]) -> Failure {
    let path = place.to_string();
    if let (Kv::V2, Some(Parsed::Deleted(deleted))) = (place.version, parse(place, body)) {
        return Failure::NotFound { path, deleted: Some(deleted) };
    }
    if place.version == Kv::V1 && warns_of_versions(body) {
        let mount = Mount { path: mount.path.clone(), version: Kv::V2 };
        return Failure::Invalid { path, why: InvalidBecause::WrongKvVersion { mount, chosen: Kv::V1 } };
    }
    Failure::NotFound { path, deleted: None }
}

/// Vault's warning begins "Invalid path for a versioned K/V secrets engine".
fn warns_of_versions(body: &[u8]) -> bool {
    let warnings = serde_json::from_slice::<Envelope<'_>>(body).ok().and_then(|answer| answer.warnings);
    warnings.unwrap_or_default().iter().any(|warning| warning.contains("versioned K/V"))
}

/// What an answer with `body` gives; nothing when it is not what Vault answers.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_answer(
    version: Kv,
    body: &[u8],
    selector: &postern::selection::Selector,
) -> Option<Result<postern::sensitive::Plain, Failure>> {
    let place = ReadPath { segments: vec!["secret".to_owned(), "a".to_owned()], version };
    let mount = Mount { path: vec!["secret".to_owned()], version };
    let missing = absent(&place, &mount, body);
    assert!(!missing.explain().what.is_empty(), "{missing:?}");
    match parse(&place, body)? {
        Parsed::Document(document) => Some(document.value(selector, None)),
        Parsed::Deleted(deleted) => Some(Err(Failure::NotFound { path: place.to_string(), deleted: Some(deleted) })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::selection::Selector;

    fn place(version: Kv) -> ReadPath {
        ReadPath { segments: vec!["secret".to_owned(), "a".to_owned()], version }
    }

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was parsed")]
    fn check(version: Kv, body: &str, expected: Option<&str>) {
        let got = parse(&place(version), body.as_bytes()).map(|parsed| match parsed {
            Parsed::Document(document) => {
                let value = document.value(&Selector::plain("key"), None).map(|value| value.expose().to_owned());
                format!("{:?} {}", document.version, value.unwrap_or_else(|failure| failure.name().slug().to_owned()))
            }
            Parsed::Deleted(deleted) => format!("{deleted:?}"),
        });
        match (&got, expected) {
            (None, None) => {}
            (Some(got), Some(expected)) if got.contains(expected) => {}
            _ => panic!("{body}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn good_answers() {
        check(Kv::V1, r#"{"data":{"key":"v","b":1},"lease_duration":2764800}"#, Some("None v"));
        check(Kv::V2, r#"{"data":{"data":{"key":"v"},"metadata":{"version":3,"x":1}}}"#, Some("Some(3) v"));
        check(Kv::V2, r#"{"data":{"data":{},"metadata":{"version":3}}}"#, Some("key_missing"));
        check(
            Kv::V2,
            r#"{"data":{"data":null,"metadata":{"version":2,"deletion_time":"2026-01-01T00:00:00Z","destroyed":false}}}"#,
            Some(r#"version: 2, deleted_at: "2026-01-01T00:00:00Z", destroyed: false"#),
        );
        check(Kv::V2, r#"{"data":{"data":null,"metadata":{"version":1,"destroyed":true}}}"#, Some("destroyed: true"));
    }

    #[test]
    fn anything_else_is_not_understood() {
        for version in [Kv::V1, Kv::V2] {
            for body in [
                "",
                "<html>",
                "null",
                "[]",
                r#""text""#,
                "{}",
                r#"{"data":null}"#,
                r#"{"data":"text"}"#,
                r#"{"data":["key"]}"#,
                r#"{"data":{"data":{"key":"a","key":"b"},"metadata":{"version":1}}}"#,
                r#"{"data":{"key":"a"},"data":{"key":"b"}}"#,
                r#"{"data":{"data":{"key":"a"},"metadata":{"version":1}}"#,
            ] {
                check(version, body, None);
            }
        }
        check(Kv::V2, r#"{"data":{"key":"v"}}"#, None);
        check(Kv::V2, r#"{"data":{"data":{"key":"v"},"metadata":{"version":-1}}}"#, None);
    }

    #[test]
    fn a_404_says_what_is_not_there() {
        let mount = Mount { path: vec!["secret".to_owned()], version: Kv::V1 };
        let warning = r#"{"data":null,"warnings":["Invalid path for a versioned K/V secrets engine. See …"]}"#;
        let deleted = r#"{"data":{"data":null,"metadata":{"version":3,"deletion_time":"t"}}}"#;
        for (version, body, expected) in [
            (Kv::V1, r#"{"errors":[]}"#, "NotFound { path: \"secret/a\", deleted: None }"),
            (Kv::V2, r#"{"errors":[]}"#, "NotFound { path: \"secret/a\", deleted: None }"),
            (Kv::V2, "<html>", "NotFound"),
            (Kv::V2, deleted, "version: 3"),
            (Kv::V1, warning, "WrongKvVersion"),
        ] {
            let failure = format!("{:?}", absent(&place(version), &mount, body.as_bytes()));
            assert!(failure.contains(expected), "{body}: {failure}");
        }
    }
}
