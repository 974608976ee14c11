//! AWS Secrets Manager.
//!
//! Where a reference's name ends and its key begins is known only after a read: every split is tried,
//! longest name first, and the one that worked is remembered. References below one path share a round of
//! reading, and each secret is read once in it.
//!
//! What must never happen here: keys taken from anywhere but the provider, unless the server's configuration allows
//! it (no environment, no profile, no metadata service); an answer's text in an error or a log; a list of secrets
//! that nobody asked for: `names.rs` and what is similar to a name that is not there are all that lists.

mod access;
mod client;
mod diagnose;
mod identity;
mod names;
mod refusal;
mod transport;

use crate::document::Document;
use crate::explain::Heard;
use crate::names::Names;
use crate::select::{Unusable, Value, names};
use crate::{Ambient, SecretManager, Unread, json};
use async_trait::async_trait;
use client::{Client, Content, Refusal};
use postern::access::Access;
use postern::diagnosis::{Stage, StageResult};
use postern::near::nearest;
use postern::provider::aws::{AwsFailure, AwsSettings, Candidate, UnusableBecause, arn_region, candidates};
use postern::resolve::Failure;
use postern::secret_ref::SecretRef;
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

/// Secrets Manager in one region, reached with one provider's settings.
pub(crate) struct Aws {
    settings: AwsSettings<Plain>,
    client: Client,
    /// For each reference's segments, the split that worked.
    splits: Mutex<HashMap<Vec<String>, Candidate>>,
}

/// The secrets read in one round, all in the same version: each is asked for once.
struct Round<'a> {
    pin: Option<&'a Pin>,
    /// By name.
    read: BTreeMap<String, Result<Content, Refusal>>,
}

impl Aws {
    pub(crate) fn new(settings: AwsSettings<Plain>, ambient: &Ambient) -> Self {
        Self { client: Client::new(settings.clone(), ambient), settings, splits: Mutex::default() }
    }

    /// The value behind a reference's segments.
    async fn value(
        &self,
        segments: &[String],
        selector: &Selector,
        round: &mut Round<'_>,
    ) -> Result<Plain, AwsFailure> {
        // AWS would say that there is no such secret.
        if let Some(named) = arn_region(segments).filter(|named| *named != self.settings.region) {
            return Err(AwsFailure::OtherRegion { region: self.settings.region.clone(), named });
        }
        if let Some(known) = self.known(segments) {
            match self.read_once(&known.secret_id, round).await {
                Ok(content) => return choose(content, &known, selector),
                Err(Refusal::Final(failure)) => return Err(failure.clone()),
                Err(Refusal::Absent | Refusal::Denied) => self.forget(segments),
            }
        }
        let (mut absent, mut denied) = (Vec::new(), Vec::new());
        for candidate in candidates(segments) {
            match self.read_once(&candidate.secret_id, round).await {
                Ok(content) => {
                    let value = choose(content, &candidate, selector);
                    self.remember(segments, candidate);
                    return value;
                }
                Err(Refusal::Final(failure)) => return Err(failure.clone()),
                Err(Refusal::Absent) => absent.push(candidate.secret_id),
                // A policy for one name only refuses the longer ones, whether they are there or not.
                Err(Refusal::Denied) => denied.push(candidate.secret_id),
            }
        }
        let region = self.settings.region.clone();
        Err(match denied.is_empty() {
            true => AwsFailure::NotFound { region, tried: absent, similar: None },
            false => AwsFailure::Denied { region, denied, absent },
        })
    }

    async fn read_once<'a>(&self, secret_id: &str, round: &'a mut Round<'_>) -> &'a Result<Content, Refusal> {
        if !round.read.contains_key(secret_id) {
            let answer = self.client.get(secret_id, round.pin).await;
            round.read.insert(secret_id.to_owned(), answer);
        }
        &round.read[secret_id]
    }

    fn known(&self, segments: &[String]) -> Option<Candidate> {
        self.splits().get(segments).cloned()
    }

    fn remember(&self, segments: &[String], candidate: Candidate) {
        self.splits().insert(segments.to_vec(), candidate);
    }

    fn forget(&self, segments: &[String]) {
        self.splits().remove(segments);
    }

    fn splits(&self) -> std::sync::MutexGuard<'_, HashMap<Vec<String>, Candidate>> {
        self.splits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A secret that is there and whose name is like one of `tried`.
    async fn similar(&self, tried: &[String]) -> Option<String> {
        let names = self.client.names("").await.ok()?.names;
        tried.iter().find_map(|tried| nearest(tried, names.iter().map(String::as_str))).map(str::to_owned)
    }
}

/// The segments of a reference below `path`.
fn segments(path: &[String], key: &str) -> Vec<String> {
    // The key of a reference of one segment is empty.
    path.iter().map(String::as_str).chain((!key.is_empty()).then_some(key)).map(str::to_owned).collect()
}

/// The value that a split means, and what `selector` does to it.
fn choose(content: &Content, candidate: &Candidate, selector: &Selector) -> Result<Plain, AwsFailure> {
    let Candidate { secret_id, key } = candidate;
    let unusable = |why| AwsFailure::Unusable { secret: secret_id.clone(), key: key.clone(), why };
    let Content::Text(text) = content else { return Err(unusable(UnusableBecause::Binary)) };
    let value = match key {
        None => Value::Text(text.clone()),
        Some(key) => value_of(text, key)
            .ok_or_else(|| unusable(UnusableBecause::NotJson))?
            .map_err(|present| AwsFailure::KeyMissing { secret: secret_id.clone(), key: key.clone(), present })?,
    };
    if !selector.is_plain() {
        let why = |why| unusable(UnusableBecause::Selection { steps: selector.steps(), why: Box::new(why) });
        return value.select(selector).map_err(why);
    }
    value.usable().cloned().map_err(|why| match why {
        Unusable::NotText(found) => unusable(UnusableBecause::NotText { found: found.to_owned() }),
        Unusable::Empty => unusable(UnusableBecause::Empty),
        Unusable::NotUsable => unusable(UnusableBecause::NotUsable),
    })
}

/// What the JSON object in `text` has under `key`, or the names it has. Nothing when it is no JSON object.
#[expect(clippy::disallowed_methods, reason = "parsed into values that are wiped")]
fn value_of(text: &Plain, key: &str) -> Option<Result<Value, Vec<String>>> {
    let text = text.expose();
    if !json::is_sound(text.as_bytes()) {
        return None;
    }
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
    match object.get(key) {
        Some(raw) => Some(Ok(Value::parse(raw).ok()?)),
        None => Some(Err(names(object.keys()))),
    }
}

/// The keys of the JSON object in `text`; none when it is no JSON object. Its values stay in the text.
#[expect(clippy::disallowed_methods, reason = "looked through for the names of its keys")]
fn names_of(text: &Plain) -> Vec<String> {
    let object: Result<BTreeMap<String, &RawValue>, _> = serde_json::from_str(text.expose());
    object.map(|object| object.into_keys().collect()).unwrap_or_default()
}

#[async_trait]
impl SecretManager for Aws {
    /// A refusal of one reference is that reference's. An outage is everybody's, and so are a key that AWS
    /// does not accept and a role that it does not give.
    async fn read(&self, path: &[String], pin: Option<&Pin>, wanted: &BTreeSet<Selector>) -> Result<Document, Unread> {
        let (mut round, mut answers) = (Round { pin, read: BTreeMap::new() }, BTreeMap::new());
        for selector in wanted {
            let answer = self.value(&segments(path, &selector.key), selector, &mut round).await;
            match answer {
                Err(
                    failure @ (AwsFailure::Unreachable { .. }
                    | AwsFailure::Credentials { .. }
                    | AwsFailure::Role { .. }),
                ) => {
                    let refused =
                        answers.into_iter().filter_map(|(selector, answer)| Some((selector, Result::err(answer)?)));
                    return Err(Unread { failure: Failure::Aws(failure), refused: refused.collect() });
                }
                answer => answers.insert(selector.clone(), answer.map_err(Failure::Aws)),
            };
        }
        Ok(Document::of_answers(path.join("/"), answers))
    }

    /// Earlier versions would have to be asked for by their ids, which takes another permission.
    async fn last_seen(&self, _: &[String], _: u64, _: &BTreeSet<String>) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    fn request_line(&self, path: &[String], pin: Option<&Pin>, key: &str) -> Option<String> {
        let segments = segments(path, key);
        let only = |candidates: Vec<Candidate>| (candidates.len() == 1).then(|| candidates.into_iter().next())?;
        let Candidate { secret_id, key } = self.known(&segments).or_else(|| only(candidates(&segments)))?;
        let version = pin.map(|pin| format!(", {pin}")).unwrap_or_default();
        let key = key.map(|key| format!(", key {key}")).unwrap_or_default();
        Some(format!("GetSecretValue {secret_id}{version}{key}"))
    }

    async fn look_around(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Aws(AwsFailure::NotFound { region, tried, similar: None }) => {
                let similar = self.similar(&tried).await;
                Failure::Aws(AwsFailure::NotFound { region, tried, similar })
            }
            other => other,
        }
    }

    async fn access(&self, references: &BTreeSet<SecretRef>) -> Result<Option<Access>, Failure> {
        self.permissions(references).await.map(Some).map_err(Failure::Aws)
    }

    async fn names(&self, path: &[String], begun: &str) -> Result<Names, Failure> {
        self.below(path, begun).await.map_err(Failure::Aws)
    }

    fn heard(&self) -> &Heard {
        &self.client.heard
    }

    async fn diagnose(&self, stages: &[Stage]) -> Vec<StageResult> {
        diagnose::diagnose(self, stages).await
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) use client::fuzz_error;

/// What a secret with that text gives under `key`.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_answer(text: &str, key: Option<&str>, selector: &Selector) -> Result<Plain, AwsFailure> {
    let candidate = Candidate { secret_id: "name".to_owned(), key: key.map(str::to_owned) };
    choose(&Content::Text(Plain::new(text.to_owned())), &candidate, selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was chosen")]
    fn check(text: &str, key: Option<&str>, expected: Result<&str, &str>) {
        let content = Content::Text(Plain::new(text.to_owned()));
        let candidate = Candidate { secret_id: "name".to_owned(), key: key.map(str::to_owned) };
        let got = choose(&content, &candidate, &Selector::plain(key.unwrap_or_default()));
        match (&got, expected) {
            (Ok(value), Ok(wanted)) => assert_eq!(value.expose(), wanted),
            (Err(failure), Err(wanted)) => {
                let failure = format!("{failure:?}");
                assert!(failure.contains(wanted) && !failure.contains("canary"), "{failure}");
            }
            _ => panic!("{text}, {key:?}: got {got:?}, wanted {expected:?}"),
        }
    }

    /// The vectors of the behaviour reference whose back end gives a secret, by their ids.
    #[test]
    fn values_are_chosen_or_the_reason_is_said() {
        let alice = r#"{"alice-key-auth":"alice-key","n":7,"b":true,"o":{"x":"canary"},"e":"","a/b":"slash"}"#;
        for (_id, text, key, expected) in [
            ("A01", alice, Some("alice-key-auth"), Ok("alice-key")),
            ("A03", alice, None, Ok(alice)),
            ("A05", alice, Some("nope"), Err("KeyMissing")),
            ("A06", alice, Some("n"), Ok("7")),
            ("bool", alice, Some("b"), Ok("true")),
            ("A07", alice, Some("o"), Err("an object")),
            ("empty", alice, Some("e"), Err("Empty")),
            ("A09", "plain-secret", None, Ok("plain-secret")),
            ("A10", "canary-secret", Some("x"), Err("NotJson")),
            ("A18", "\"canary\"", Some("x"), Err("NotJson")),
            ("list", "[\"canary\"]", Some("x"), Err("NotJson")),
            ("double", r#"{"x":"canary","x":"b"}"#, Some("x"), Err("NotJson")),
            ("slash", alice, Some("a/b"), Ok("slash")),
            ("empty whole", "", None, Err("Empty")),
            ("pretty", "{\n\"canary\": 1}", None, Err("NotUsable")),
        ] {
            check(text, key, expected);
        }
        let candidate = Candidate { secret_id: "bin".to_owned(), key: None };
        assert!(format!("{:?}", choose(&Content::Binary, &candidate, &Selector::default())).contains("Binary"));
    }
}
