//! Explain: everything that reading one reference goes through, afresh, with the time and the outcome of
//! each step. Shares nothing with the providers in use; what it logs in to, it logs out of.
//!
//! What must never happen here: a value in a step's words. Lengths, versions and key names only.

use crate::document::Document;
use crate::network::millis;
use crate::{Ambient, Environment, SecretManager, connect};
use postern::diagnosis::{Outcome, Remedy, Stage, StageResult};
use postern::env_ref::EnvRef;
use postern::near::nearest;
use postern::provider::Settings;
use postern::provider::aws::AwsFailure;
use postern::provider::kubernetes::KubernetesFailure;
use postern::provider::vault::read_policy_of;
use postern::reason::Reason;
use postern::resolve::{DeniedBecause, Failure};
use postern::secret_ref::SecretRef;
use postern::selection::{Selector, suffix};
use postern::sensitive::Plain;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use tokio::time::Instant;

/// What was really asked of a manager and what it answered, noted only while someone listens.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Option<Vec<Exchange>>>);

/// One request for a secret: method and path or action and name, never a token; and the answer's status,
/// if there was an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exchange {
    pub(crate) request: String,
    pub(crate) status: Option<u16>,
}

impl Heard {
    fn begin(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    fn end(&self) -> Vec<Exchange> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Notes an exchange; `request` is made only if someone listens.
    pub(crate) fn note(&self, request: impl FnOnce() -> String, status: Option<u16>) {
        if let Some(exchanges) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            exchanges.push(Exchange { request: request(), status });
        }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Explained {
    /// The steps that ran. The first failure is the last of them.
    pub stages: Vec<StageResult>,
    /// The value, if no step failed: for the fields that it is to be used in.
    pub value: Option<Plain>,
}

/// Goes through every step of reading `reference` with its provider's `settings`, and stops at the first
/// that fails. The steps before, which need no provider, are the caller's.
pub async fn explain(
    settings: &Settings<Plain>,
    reference: &SecretRef,
    ambient: &Ambient,
    environment: &Environment,
) -> Explained {
    let manager = connect(settings, ambient, environment);
    let mut stages = manager.diagnose(Stage::before_reading(reference.manager())).await;
    let is_open = !stages.iter().any(|result| matches!(result.outcome, Outcome::Failed { .. }));
    let mut value = None;
    if is_open {
        let read = read(&*manager, reference).await;
        stages.extend(read.stages);
        value = read.value;
    }
    manager.log_out().await;
    Explained { stages, value }
}

/// The steps of reading a variable of the environment.
#[must_use]
pub fn explain_variable(environment: &Environment, reference: &EnvRef) -> Explained {
    let value = environment.value(reference);
    let failure = value.as_ref().err().map(|failure| (stage_of(failure), Outcome::from(failure)));
    let mut steps = Steps { failure, results: vec![], looking_ms: 0 };
    steps.push(Stage::Request, 0, Some(format!("the environment variable {}", reference.name())));
    steps.push(Stage::Answer, 0, Some("it is set".to_owned()));
    steps.push(Stage::Key, 0, Some(part(reference.selector())));
    steps.push(Stage::Check, 0, value.as_ref().ok().map(|value| usable(value.length())));
    Explained { stages: steps.results, value: value.ok() }
}

async fn read(manager: &dyn SecretManager, reference: &SecretRef) -> Explained {
    let (path, key, pin) = (reference.path(), reference.key(), reference.pin());
    manager.heard().begin();
    let begun = Instant::now();
    let read = manager.read(path, pin, &BTreeSet::from([reference.selector().clone()])).await;
    let took_ms = millis(begun.elapsed());
    let exchanges = manager.heard().end();
    let begun = Instant::now();
    let ended = match &read {
        Ok(document) => match document.value(reference.selector(), None) {
            Ok(value) => Ok(value),
            Err(failure) => Err(looked_at(manager, path, failure).await),
        },
        Err(unread) => Err(looked_at(manager, path, unread.failure.clone()).await),
    };
    let looking_ms = millis(begun.elapsed());
    let mut steps = Steps { failure: None, results: vec![], looking_ms };
    if let Err(failure) = ended.as_ref() {
        steps.failure = Some((stage_of(failure), failed(manager, reference, failure).await));
    }
    steps.push(Stage::Request, 0, requests(&exchanges).or_else(|| manager.request_line(path, pin, key)));
    steps.push(Stage::Answer, took_ms, read.as_ref().ok().map(|document| answer(document, &exchanges)));
    steps.push(Stage::Key, 0, Some(part(reference.selector())));
    steps.push(Stage::Check, 0, ended.as_ref().ok().map(|value| usable(value.length())));
    Explained { stages: steps.results, value: ended.ok() }
}

/// The steps of one read, up to the one that failed.
struct Steps {
    failure: Option<(Stage, Outcome)>,
    results: Vec<StageResult>,
    looking_ms: u64,
}

impl Steps {
    /// Adds a step, unless one before it failed.
    fn push(&mut self, stage: Stage, took_ms: u64, found: Option<String>) {
        let after_failure = self.results.iter().any(|result| matches!(result.outcome, Outcome::Failed { .. }));
        if after_failure {
            return;
        }
        let (outcome, took_ms) = match &self.failure {
            Some((failed, outcome)) if *failed == stage => (outcome.clone(), took_ms + self.looking_ms),
            _ => (Outcome::passed(found.unwrap_or_default()), took_ms),
        };
        self.results.push(StageResult { stage, outcome, took_ms });
    }
}

/// `GetSecretValue a/b, then GetSecretValue a`.
fn requests(exchanges: &[Exchange]) -> Option<String> {
    let lines: Vec<&str> = exchanges.iter().map(|exchange| exchange.request.as_str()).collect();
    (!lines.is_empty()).then(|| lines.join(", then "))
}

/// `200: version 3, keys key, secret-key`.
fn answer(document: &Document, exchanges: &[Exchange]) -> String {
    let status: Vec<String> = exchanges.iter().filter_map(|exchange| Some(exchange.status?.to_string())).collect();
    let version = document.version.map(|version| format!("version {version}"));
    let keys = document.all_names().map(|names| match names.is_empty() {
        true => "no keys".to_owned(),
        false => format!("keys {}", names.join(", ")),
    });
    let told: Vec<String> = version.into_iter().chain(keys).collect();
    let status = status.join(", then ");
    if told.is_empty() { status } else { format!("{status}: {}", told.join(", ")) }
}

/// `key`, or `key?decode=base64`.
fn part(selector: &Selector) -> String {
    let whole = if selector.key.is_empty() { "the whole value" } else { &selector.key };
    format!("{whole}{}", suffix(None, selector))
}

fn usable(length: usize) -> String {
    let s = if length == 1 { "" } else { "s" };
    format!("a text of {length} character{s} that can be used")
}

/// At which step a failure shows.
fn stage_of(failure: &Failure) -> Stage {
    use Reason::{SecretBinary, SecretDecodingFailed, SecretEmpty, SecretNotText, SecretNotUsable};
    use Reason::{SecretKeyMissing, SecretNotJson, SecretPointerMissing};
    let reason = failure.reason();
    if matches!(reason, SecretKeyMissing | SecretNotJson | SecretPointerMissing) {
        Stage::Key
    } else if matches!(reason, SecretNotText | SecretEmpty | SecretNotUsable | SecretBinary | SecretDecodingFailed) {
        Stage::Check
    } else {
        Stage::Answer
    }
}

/// The failure with what only more questions tell: earlier versions, similar names.
async fn looked_at(manager: &dyn SecretManager, path: &[String], failure: Failure) -> Failure {
    match failure {
        Failure::KeyMissing { path: full, key, present, version: Some(version), last_seen: None } => {
            let seen = manager.last_seen(path, version, &BTreeSet::from([key.clone()])).await;
            let last_seen = seen.get(&key).copied();
            Failure::KeyMissing { path: full, key, present, version: Some(version), last_seen }
        }
        other => narrowed(manager.look_around(other).await),
    }
}

/// The policy for this very secret, where the usual one is for all below the prefix.
fn narrowed(failure: Failure) -> Failure {
    match failure {
        Failure::Denied { path, why: DeniedBecause::PolicyMissing { policies, .. } } => {
            let policy = read_policy_of(&path);
            Failure::Denied { path, why: DeniedBecause::PolicyMissing { policies, policy } }
        }
        other => other,
    }
}

/// The failure in words, and what was found nearby.
async fn failed(manager: &dyn SecretManager, reference: &SecretRef, failure: &Failure) -> Outcome {
    let near = manager.near(reference.path(), failure).await;
    let mut outcome = Outcome::from(failure);
    if let Outcome::Failed { explanation, remedy, .. } = &mut outcome {
        if let Some(near) = &near {
            explanation.fix = format!("The secret {} exists: did you mean that? {}", near.join("/"), explanation.fix);
        }
        *remedy =
            remedy.take().or_else(|| meant(reference, failure, near).map(|to| Remedy::Respell { to: Box::new(to) }));
    }
    outcome
}

/// The reference that was probably meant. `near` is the path of a secret with a similar name.
fn meant(reference: &SecretRef, failure: &Failure, near: Option<Vec<String>>) -> Option<SecretRef> {
    let with_key =
        |key: &str, present: &[String]| reference.with_key(nearest(key, present.iter().map(String::as_str))?);
    match failure {
        Failure::NotFound { .. } => reference.with_path(near?),
        // What an earlier version had is to be put back, not respelled.
        Failure::KeyMissing { key, present, last_seen: None, .. } => with_key(key, present),
        Failure::Aws(AwsFailure::NotFound { similar: Some(similar), .. }) => {
            // Not where the last part too was taken for the secret's name.
            nearest(&reference.path().join("/"), [similar.as_str()])?;
            reference.with_path(similar.split('/').map(str::to_owned).collect())
        }
        Failure::Aws(AwsFailure::KeyMissing { key, present, .. }) => with_key(key, present),
        Failure::Kubernetes(KubernetesFailure::KeyMissing { key, present, .. }) => with_key(key, present),
        Failure::ProviderMissing { .. }
        | Failure::Version { .. }
        | Failure::KeyMissing { .. }
        | Failure::Denied { .. }
        | Failure::Unreachable { .. }
        | Failure::Sealed { .. }
        | Failure::Invalid { .. }
        | Failure::Aws(_)
        | Failure::Kubernetes(_)
        | Failure::Env(_)
        | Failure::Unfit { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, failure: Failure, near: Option<&str>, expected: Option<&str>) {
        let near = near.map(|near| near.split('/').map(str::to_owned).collect());
        let meant = meant(&text.parse().unwrap(), &failure, near);
        assert_eq!(meant.map(|reference| reference.to_string()).as_deref(), expected, "{failure:?}");
    }

    #[test]
    fn what_was_meant_is_written_out_whole() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let vault = "$secret://vault/v/consumer/Alice/secret_key?version=3#/a";
        let aws = "$secret://aws/s/alice-credentias/alice-key-auth";
        let absent = || Failure::NotFound { path: String::new(), deleted: None };
        let missing = |present: &[&str], last_seen| Failure::KeyMissing {
            path: String::new(),
            key: "secret_key".to_owned(),
            present: names(present),
            version: None,
            last_seen,
        };
        let aws_absent = |similar: &str| {
            Failure::Aws(AwsFailure::NotFound {
                region: "us-east-1".parse().unwrap(),
                tried: vec![],
                similar: Some(similar.to_owned()),
            })
        };
        let consumer = "$secret://vault/v/consumer/alice/secret_key?version=3#/a";
        let key = "$secret://vault/v/consumer/Alice/secret-key?version=3#/a";
        check(vault, absent(), Some("consumer/alice"), Some(consumer));
        check(vault, absent(), None, None);
        check(vault, absent(), Some("consumer/.."), None);
        check(vault, missing(&["secret-key", "password"], None), None, Some(key));
        check(vault, missing(&["secret-key"], Some(1)), None, None);
        check(vault, missing(&["password"], None), None, None);
        let right = "$secret://aws/s/alice-credentials/alice-key-auth";
        check(aws, aws_absent("alice-credentials"), None, Some(right));
        check(aws, aws_absent("alice-credentias/alice-key"), None, None);
        check(aws, Failure::Sealed { address: String::new() }, None, None);
    }
}
