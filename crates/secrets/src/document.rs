//! One secret as it was read: all its keys at one moment.

use crate::select::{Unusable, Value, names};
use postern::resolve::{Failure, InvalidBecause};
use postern::selection::Selector;
use postern::sensitive::Plain;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A secret with its keys. Prints key names, never values.
#[derive(Debug)]
pub(crate) struct Document {
    /// As it was asked for: below `/v1/` with Vault.
    pub(crate) path: String,
    /// Where the manager has versions.
    pub(crate) version: Option<u64>,
    values: Values,
    /// What the manager has since said no to.
    refused: BTreeMap<Selector, Failure>,
}

#[derive(Debug)]
enum Values {
    /// All the keys there are: another one is missing.
    Keys(BTreeMap<String, Value>),
    /// What was asked for, and what came of it: nothing is known of others.
    Answers(BTreeMap<Selector, Result<Plain, Failure>>),
}

impl Document {
    /// Takes the keys of a JSON object that [`crate::json::is_sound`] has accepted.
    pub(crate) fn new(
        path: String,
        version: Option<u64>,
        object: BTreeMap<String, &RawValue>,
    ) -> serde_json::Result<Self> {
        let values = object.into_iter().map(|(key, raw)| Ok((key, Value::parse(raw)?)));
        let values = Values::Keys(values.collect::<serde_json::Result<_>>()?);
        Ok(Self { path, version, values, refused: BTreeMap::new() })
    }

    /// What a manager answered for each value it was asked for.
    pub(crate) fn of_answers(path: String, answers: BTreeMap<Selector, Result<Plain, Failure>>) -> Self {
        Self { path, version: None, values: Values::Answers(answers), refused: BTreeMap::new() }
    }

    /// Whether this says anything of `selector`.
    pub(crate) fn answers(&self, selector: &Selector) -> bool {
        match &self.values {
            Values::Keys(_) => true,
            Values::Answers(answers) => answers.contains_key(selector) || self.refused.contains_key(selector),
        }
    }

    /// The manager has since said no to `selector`.
    pub(crate) fn refuse(&mut self, selector: Selector, failure: Failure) {
        self.refused.insert(selector, failure);
    }

    /// What the manager said no to.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = (&Selector, &Failure)> {
        let answers = match &self.values {
            Values::Answers(answers) => Some(answers),
            Values::Keys(_) => None,
        };
        let answered =
            answers.into_iter().flatten().filter_map(|(selector, answer)| Some((selector, answer.as_ref().err()?)));
        answered.chain(&self.refused)
    }

    /// Whether the secret has `key`, whatever it holds.
    pub(crate) fn has(&self, key: &str) -> bool {
        match &self.values {
            Values::Keys(values) => values.contains_key(key),
            Values::Answers(answers) => answers.keys().any(|selector| selector.key == key),
        }
    }

    /// The names of all its keys, where all are known.
    pub(crate) fn all_names(&self) -> Option<Vec<String>> {
        match &self.values {
            Values::Keys(values) => Some(names(values.keys())),
            Values::Answers(_) => None,
        }
    }

    /// The value that `selector` means, if it can be used. `last_seen` is the last earlier version that had
    /// its key.
    pub(crate) fn value(&self, selector: &Selector, last_seen: Option<u64>) -> Result<Plain, Failure> {
        if let Some(failure) = self.refused.get(selector) {
            return Err(failure.clone());
        }
        let missing = |present| {
            let (path, key) = (self.path.clone(), selector.key.clone());
            Failure::KeyMissing { path, key, present, version: self.version, last_seen }
        };
        match &self.values {
            Values::Answers(answers) => answers.get(selector).cloned().unwrap_or_else(|| Err(missing(vec![]))),
            // Of a secret with a hundred keys each is looked for: what there is besides is told only where one is missing.
            Values::Keys(values) => match values.get(&selector.key) {
                Some(value) => meant(value, selector).map_err(|why| Failure::Invalid { path: self.path.clone(), why }),
                None => Err(missing(names(values.keys()))),
            },
        }
    }

    /// Whether [`Document::value`] has one.
    pub(crate) fn gives(&self, selector: &Selector) -> bool {
        if let (Values::Keys(values), true) = (&self.values, selector.is_plain()) {
            let usable = values.get(&selector.key).is_some_and(|value| value.usable().is_ok());
            return usable && !self.refused.contains_key(selector);
        }
        self.value(selector, None).is_ok()
    }
}

/// What `selector` means of what its key holds.
fn meant(value: &Value, selector: &Selector) -> Result<Plain, InvalidBecause> {
    let key = || selector.key.clone();
    match selector.is_plain() {
        true => value.usable().cloned().map_err(|why| match why {
            Unusable::NotText(found) => InvalidBecause::NotText { key: key(), found: found.to_owned() },
            Unusable::Empty => InvalidBecause::Empty { key: key() },
            Unusable::NotUsable => InvalidBecause::NotUsable { key: key() },
        }),
        false => value.select(selector).map_err(|why| {
            let (steps, why) = (selector.steps(), Box::new(why));
            InvalidBecause::Selection { key: key(), steps, why }
        }),
    }
}

#[cfg(test)]
pub(crate) fn document(version: u64, json: &str) -> Document {
    Document::new("secret/data/a".to_owned(), Some(version), serde_json::from_str(json).unwrap()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::select::MAX_VALUE;

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was parsed")]
    fn check(json: &str, expected: Result<&str, &str>) {
        let document = document(3, &format!(r#"{{"key":{json},"other":"x"}}"#));
        let got = document.value(&Selector::plain("key"), None);
        match (&got, expected) {
            (Ok(text), Ok(wanted)) => assert_eq!(text.expose(), wanted),
            (Err(Failure::Invalid { why, .. }), Err(wanted)) => {
                assert!(format!("{why:?}").contains(wanted), "{json}: {why:?}");
            }
            _ => panic!("{json}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn values_become_text_or_say_why_not() {
        check(r#""alice-primary-key""#, Ok("alice-primary-key"));
        check(r#"" blanks stay ""#, Ok(" blanks stay "));
        check(r#""\u00fc\"\/""#, Ok("ü\"/"));
        check("42", Ok("42"));
        check("12345678901234567890.50", Ok("12345678901234567890.50"));
        check("-1e400", Ok("-1e400"));
        check("true", Ok("true"));
        check("false", Ok("false"));
        check("null", Err("null"));
        check(r#"{"x":1}"#, Err("an object"));
        check("[]", Err("a list"));
        check(r#""""#, Err("Empty"));
        check(r#""line\n""#, Err("NotUsable"));
        check(r#""nul\u0000""#, Err("NotUsable"));
        let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        check(&format!("{pem:?}"), Ok(pem));
        check(&format!("{:?}", "x".repeat(MAX_VALUE)), Ok(&"x".repeat(MAX_VALUE)));
        check(&format!("{:?}", "x".repeat(MAX_VALUE + 1)), Err("NotUsable"));
    }

    #[test]
    fn a_missing_key_names_the_keys_there_are() {
        let Err(Failure::KeyMissing { present, version, last_seen, .. }) =
            document(4, r#"{"secret-key":"s","password":"p"}"#).value(&Selector::plain("key"), Some(1))
        else {
            panic!("the key is missing");
        };
        assert_eq!(
            (present, version, last_seen),
            (vec!["password".to_owned(), "secret-key".to_owned()], Some(4), Some(1))
        );
    }

    #[test]
    fn printing_a_document_shows_no_value() {
        let printed = format!("{:?}", document(1, r#"{"key":"canary-4711","n":4711}"#));
        assert!(printed.contains("key") && !printed.contains("4711"), "{printed}");
    }
}
