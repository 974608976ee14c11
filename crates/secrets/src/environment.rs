//! The environment that Postern was started with, as far as references may read it.
//!
//! Taken once: a running process's environment does not change.

use crate::document::Document;
use crate::explain::Heard;
use crate::names::Names;
use crate::select::{Unusable, Value, names};
use crate::{SecretManager, Unread, json};
use async_trait::async_trait;
use postern::access::Access;
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::env_ref::{EnvFailure, EnvProblem, EnvRef};
use postern::provider::aws::{AccessKeyId, AwsCredentials, AwsFailure, CredentialProblem};
use postern::provider::{Manager, Settings};
use postern::resolve::Failure;
use postern::secret_ref::{Reading, SecretRef, read};
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

/// Variables whose names begin with the prefix; of others nothing is kept.
#[derive(Clone, Debug)]
pub struct Environment {
    prefix: String,
    /// Nothing for a value that is not UTF-8.
    variables: BTreeMap<String, Option<Plain>>,
}

impl Environment {
    /// Of these variables, those that references may read.
    #[must_use]
    pub fn of(prefix: &str, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let allowed = named.filter(|(name, _)| name.starts_with(prefix));
        let variables = allowed.map(|(name, value)| (name, value.into_string().ok().map(Plain::new))).collect();
        Self { prefix: prefix.to_owned(), variables }
    }

    /// Without any variable.
    #[must_use]
    pub fn none() -> Self {
        Self::of(postern::env_ref::PREFIX, [])
    }

    /// The value behind a reference, if a request can carry it.
    ///
    /// # Errors
    /// [`Failure::Env`].
    pub(crate) fn value(&self, reference: &EnvRef) -> Result<Plain, Failure> {
        let key = || reference.selector().key.clone();
        let usable = |value: Value| {
            value.usable().cloned().map_err(|why| match why {
                Unusable::NotText(found) => EnvProblem::NotText { key: key(), found: found.to_owned() },
                Unusable::Empty => EnvProblem::Empty,
                Unusable::NotUsable => EnvProblem::NotUsable,
            })
        };
        self.look_up(reference).and_then(usable).map_err(|why| failure(reference, why))
    }

    fn look_up(&self, reference: &EnvRef) -> Result<Value, EnvProblem> {
        let selector = reference.selector();
        if !reference.name().starts_with(&self.prefix) {
            return Err(EnvProblem::OutsidePrefix { prefix: self.prefix.clone() });
        }
        let text = self.variables.get(reference.name()).ok_or(EnvProblem::Unset)?;
        let text = text.as_ref().ok_or(EnvProblem::NotUtf8)?;
        let value = match selector.key.is_empty() {
            true => Value::Text(text.clone()),
            false => key_of(text, &selector.key)?,
        };
        match selector.is_plain() {
            true => Ok(value),
            false => {
                let why = |why| EnvProblem::Selection { steps: selector.steps(), why: Box::new(why) };
                value.select(selector).map(Value::Text).map_err(why)
            }
        }
    }

    /// The settings with what their fields refer to in the place of the references.
    ///
    /// # Errors
    /// [`Failure::Env`] of the first that has no value.
    pub(crate) fn fill(&self, settings: &Settings<Plain>) -> Result<Settings<Plain>, Failure> {
        let mut filled = settings.try_map(|_, secret| match reference(secret) {
            Some(reference) => self.field(&reference),
            None => Ok(secret.clone()),
        })?;
        if let Settings::Aws(aws) = &mut filled
            && let AwsCredentials::AccessKey(key) = &mut aws.credentials
            && let Some(reference) = key.access_key_id.env()
        {
            key.access_key_id = access_key_id(&self.field(&reference)?)?;
        }
        Ok(filled)
    }

    /// As [`Environment::value`], for what is no header's value: a private key has line breaks.
    fn field(&self, reference: &EnvRef) -> Result<Plain, Failure> {
        let value = self.look_up(reference).and_then(|value| match value {
            Value::Text(text) if text.is_empty() => Err(EnvProblem::Empty),
            Value::Text(text) => Ok(text),
            Value::NotText { found, .. } => {
                Err(EnvProblem::NotText { key: reference.selector().key.clone(), found: found.to_owned() })
            }
        });
        value.map_err(|why| failure(reference, why))
    }
}

/// A provider whose own secret has no value: nothing is asked of its manager.
pub(crate) struct Unfilled {
    manager: Manager,
    failure: Failure,
    heard: Heard,
}

impl Unfilled {
    pub(crate) fn new(manager: Manager, failure: Failure) -> Self {
        Self { manager, failure, heard: Heard::default() }
    }
}

#[async_trait]
impl SecretManager for Unfilled {
    async fn read(&self, _: &[String], _: Option<&Pin>, _: &BTreeSet<Selector>) -> Result<Document, Unread> {
        Err(self.failure.clone().into())
    }

    async fn last_seen(&self, _: &[String], _: u64, _: &BTreeSet<String>) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    fn request_line(&self, _: &[String], _: Option<&Pin>, _: &str) -> Option<String> {
        None
    }

    async fn names(&self, _: &[String], _: &str) -> Result<Names, Failure> {
        Err(self.failure.clone())
    }

    fn heard(&self) -> &Heard {
        &self.heard
    }

    async fn access(&self, _: &BTreeSet<SecretRef>) -> Result<Option<Access>, Failure> {
        Err(self.failure.clone())
    }

    async fn diagnose(&self, _: &[Stage]) -> Vec<StageResult> {
        let stage = match self.manager {
            Manager::Vault | Manager::Kubernetes => Stage::Token,
            Manager::Aws => Stage::AccessKey,
        };
        let outcome = Outcome::from(&self.failure);
        vec![StageResult { stage, outcome, took_ms: 0 }]
    }
}

fn failure(reference: &EnvRef, why: EnvProblem) -> Failure {
    Failure::Env(EnvFailure { name: reference.name().to_owned(), why })
}

#[expect(clippy::disallowed_methods, reason = "an identifier, parsed as such")]
fn access_key_id(value: &Plain) -> Result<AccessKeyId, Failure> {
    let unknown = Failure::Aws(AwsFailure::Credentials { why: CredentialProblem::Unknown });
    value.expose().parse().ok().filter(|id: &AccessKeyId| id.env().is_none()).ok_or(unknown)
}

/// The reference that stands in a provider's secret field, if one does.
#[expect(clippy::disallowed_methods, reason = "looked at for what it begins with")]
fn reference(secret: &Plain) -> Option<EnvRef> {
    match read(secret.expose()) {
        Reading::Env(reference) => Some(reference),
        Reading::Reference(_) | Reading::Malformed(_) | Reading::NearMiss(_) | Reading::Literal => None,
    }
}

#[expect(clippy::disallowed_methods, reason = "parsed into values that are wiped")]
fn key_of(text: &Plain, key: &str) -> Result<Value, EnvProblem> {
    let not_json = || EnvProblem::NotJson { key: key.to_owned() };
    if !json::is_sound(text.expose().as_bytes()) {
        return Err(not_json());
    }
    let object: BTreeMap<String, &RawValue> = serde_json::from_str(text.expose()).map_err(|_| not_json())?;
    match object.get(key) {
        Some(raw) => Value::parse(raw).map_err(|_| not_json()),
        None => Err(EnvProblem::KeyMissing { key: key.to_owned(), present: names(object.keys()) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::reference::Reference;
    use std::os::unix::ffi::OsStringExt;

    fn environment() -> Environment {
        let text = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        Environment::of(
            "POSTERN_SECRET_",
            [
                text("POSTERN_SECRET_KEY", "alice-key"),
                text("POSTERN_SECRET_JSON", r#"{"auth-key":"abc","n":7,"o":{"x":"deep"},"e":"","b":"YWJj"}"#),
                text("POSTERN_SECRET_EMPTY", ""),
                text("POSTERN_SECRET_LINES", "canary\nline"),
                (OsString::from("POSTERN_SECRET_BYTES"), OsString::from_vec(vec![0xff])),
                text("AWS_SECRET_ACCESS_KEY", "canary"),
                text("POSTERN_DATA_DIR", "canary"),
            ],
        )
    }

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was read")]
    fn check(text: &str, expected: Result<&str, &str>) {
        let Ok(Reference::Env(reference)) = text.parse() else { panic!("{text} is no reference to the environment") };
        let got = environment().value(&reference);
        match (&got, expected) {
            (Ok(value), Ok(wanted)) => assert_eq!(value.expose(), wanted, "{text}"),
            (Err(failure), Err(code)) => {
                assert_eq!(failure.reason().code(), code, "{text}: {failure:?}");
                assert!(!format!("{failure:?}{:?}", failure.explain()).contains("canary"), "{failure:?}");
            }
            _ => panic!("{text}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn values_are_read_or_the_reason_is_said() {
        check("$env://POSTERN_SECRET_KEY", Ok("alice-key"));
        check("$ENV://POSTERN_SECRET_KEY/", Ok("alice-key"));
        check("$env://POSTERN_SECRET_JSON/auth-key", Ok("abc"));
        check("$env://POSTERN_SECRET_JSON/n", Ok("7"));
        check("$env://POSTERN_SECRET_JSON#/o/x", Ok("deep"));
        check("$env://POSTERN_SECRET_JSON/b?decode=base64", Ok("abc"));
        check("$env://POSTERN_SECRET_NONE", Err("env.unset"));
        check("$env://POSTERN_SECRET_key", Err("env.unset"));
        check("$env://AWS_SECRET_ACCESS_KEY", Err("env.outside_prefix"));
        check("$env://POSTERN_DATA_DIR", Err("env.outside_prefix"));
        check("$env://HOME", Err("env.outside_prefix"));
        check("$env://POSTERN_SECRET_EMPTY", Err("secret.empty"));
        check("$env://POSTERN_SECRET_LINES", Err("secret.not_usable"));
        check("$env://POSTERN_SECRET_BYTES", Err("secret.not_text"));
        check("$env://POSTERN_SECRET_JSON/e", Err("secret.empty"));
        check("$env://POSTERN_SECRET_JSON/o", Err("secret.not_text"));
        check("$env://POSTERN_SECRET_JSON/none", Err("secret.key_missing"));
        check("$env://POSTERN_SECRET_KEY/k", Err("secret.not_json"));
        check("$env://POSTERN_SECRET_KEY?decode=base64", Err("secret.decoding_failed"));
        check("$env://POSTERN_SECRET_JSON#/none", Err("secret.pointer_missing"));
    }

    #[test]
    fn nothing_prints_a_value() {
        assert!(!format!("{:?}", environment()).contains("alice-key"));
    }
}
