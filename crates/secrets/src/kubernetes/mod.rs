//! Kubernetes Secrets.
//!
//! What must never happen here: a token sent anywhere but to the provider's address, the pod's own token sent
//! anywhere but to the cluster's own address, anything listed that nobody asked for, an answer's text in an error or a log.
//! What is listed are the names of a namespace's Secrets, asked for without their values.

mod client;
mod diagnose;

use crate::document::Document;
use crate::explain::Heard;
use crate::names::Names;
use crate::select::{Unusable, Value, names};
use crate::{SecretManager, Unread};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use client::{Client, Secret};
use postern::diagnosis::{Stage, StageResult};
use postern::listing::NameKind;
use postern::near::nearest;
use postern::provider::kubernetes::{KubernetesFailure, KubernetesSettings, UnusableBecause};
use postern::resolve::Failure;
use postern::selection::{Pin, Selector};
use postern::sensitive::Plain;
use std::collections::{BTreeMap, BTreeSet};
use zeroize::Zeroizing;

/// One cluster, reached with one provider's settings.
pub(crate) struct Kubernetes {
    settings: KubernetesSettings<Plain>,
    client: Client,
}

/// Which Secret is read.
struct Place<'a> {
    namespace: &'a str,
    secret: &'a str,
}

impl Kubernetes {
    pub(crate) fn new(settings: KubernetesSettings<Plain>) -> Self {
        Self { client: Client::new(&settings), settings }
    }
}

impl<'a> Place<'a> {
    /// The grammar has seen to it that there are two segments.
    fn of(path: &'a [String]) -> Self {
        let part = |at: usize| path.get(at).map_or("", String::as_str);
        Self { namespace: part(0), secret: part(1) }
    }

    fn value(&self, held: &Secret, selector: &Selector) -> Result<Plain, KubernetesFailure> {
        let (namespace, secret, key) = (self.namespace.to_owned(), self.secret.to_owned(), selector.key.clone());
        let Some(encoded) = held.get(&key) else {
            let similar = nearest(&key, held.keys().map(String::as_str)).map(str::to_owned);
            let present = names(held.keys());
            return Err(KubernetesFailure::KeyMissing { namespace, secret, key, present, similar });
        };
        let unusable = |why| KubernetesFailure::Unusable { namespace, secret, key, why };
        let Some(text) = decode(encoded) else { return Err(unusable(UnusableBecause::Binary)) };
        let value = Value::Text(text);
        if !selector.is_plain() {
            let why = |why| UnusableBecause::Selection { steps: selector.steps(), why: Box::new(why) };
            return value.select(selector).map_err(|problem| unusable(why(problem)));
        }
        value.usable().cloned().map_err(|why| {
            unusable(match why {
                Unusable::Empty => UnusableBecause::Empty,
                // There is always a text here.
                Unusable::NotUsable | Unusable::NotText(_) => UnusableBecause::NotUsable,
            })
        })
    }
}

/// The text behind a value of `data`, which Kubernetes gives in base64; nothing when it is bytes.
#[expect(clippy::disallowed_methods, reason = "decoded into memory that is wiped")]
fn decode(encoded: &Plain) -> Option<Plain> {
    let bytes = Zeroizing::new(STANDARD.decode(encoded.expose()).ok()?);
    std::str::from_utf8(&bytes).ok().map(|text| Plain::new(text.to_owned()))
}

#[async_trait]
impl SecretManager for Kubernetes {
    async fn read(&self, path: &[String], _: Option<&Pin>, wanted: &BTreeSet<Selector>) -> Result<Document, Unread> {
        let place = Place::of(path);
        let held = self.client.read(&place).await.map_err(Failure::Kubernetes)?;
        let answer = |selector: &Selector| place.value(&held, selector).map_err(Failure::Kubernetes);
        let answers = wanted.iter().map(|selector| (selector.clone(), answer(selector))).collect();
        Ok(Document::of_answers(path.join("/"), answers))
    }

    /// Kubernetes keeps no earlier versions.
    async fn last_seen(&self, _: &[String], _: u64, _: &BTreeSet<String>) -> BTreeMap<String, u64> {
        BTreeMap::new()
    }

    fn request_line(&self, path: &[String], _: Option<&Pin>, _: &str) -> Option<String> {
        Some(format!("GET {}", self.client.url(&Place::of(path))?))
    }

    /// Namespaces are not listed: that would take a right over the whole cluster.
    async fn names(&self, path: &[String], _: &str) -> Result<Names, Failure> {
        let mut names = Names::default();
        match path {
            [namespace] => self.client.list(namespace, &mut names).await.map_err(Failure::Kubernetes)?,
            [namespace, secret] => match self.client.read(&Place { namespace, secret }).await {
                Ok(held) => names.add(NameKind::Key, held.into_keys()),
                Err(failure @ KubernetesFailure::Unreachable { .. }) => return Err(Failure::Kubernetes(failure)),
                Err(_) => {}
            },
            _ => {}
        }
        Ok(names)
    }

    fn heard(&self) -> &Heard {
        &self.client.heard
    }

    async fn diagnose(&self, stages: &[Stage]) -> Vec<StageResult> {
        diagnose::diagnose(self, stages).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was chosen")]
    fn check(key: &str, expected: Result<&str, &str>) {
        let held: Secret = [
            ("key", "YWxpY2U="),
            ("json", "eyJhIjoiYiJ9"),
            ("tls.crt", "Y3J0"),
            ("binary", "/wA="),
            ("broken", "canary!"),
            ("empty", ""),
            ("line", "YQo="),
        ]
        .map(|(key, text)| (key.to_owned(), Plain::new(text.to_owned())))
        .into();
        let got = Place { namespace: "n", secret: "s" }.value(&held, &Selector::plain(key));
        match (&got, expected) {
            (Ok(value), Ok(wanted)) => assert_eq!(value.expose(), wanted),
            (Err(failure), Err(wanted)) => {
                let failure = format!("{failure:?}");
                assert!(failure.contains(wanted) && !failure.contains("canary"), "{failure}");
            }
            _ => panic!("{key}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn values_are_decoded_or_the_reason_is_said() {
        check("key", Ok("alice"));
        check("json", Ok(r#"{"a":"b"}"#));
        check("tls.crt", Ok("crt"));
        check("binary", Err("Binary"));
        check("broken", Err("Binary"));
        check("empty", Err("Empty"));
        check("line", Err("NotUsable"));
        check("kye", Err("similar: Some(\"key\")"));
        check("password", Err("similar: None"));
    }
}
