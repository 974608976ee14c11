//! One secret as it was read: all its keys at one moment.

use postern::pem;
use postern::resolve::{Failure, InvalidBecause};
use postern::sensitive::Plain;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// The longest value that can be used, in bytes: what a request's header carries.
const MAX_VALUE: usize = 8 * 1024;
/// The longest certificate chain or key in PEM, in bytes.
const MAX_PEM: usize = 64 * 1024;

/// How many keys a failure names at most.
const MAX_NAMED: usize = 50;

/// A secret with its keys. Prints key names, never values.
#[derive(Debug)]
pub(crate) struct Document {
    /// As it was asked for: below `/v1/` with Vault.
    pub(crate) path: String,
    /// Where the manager has versions.
    pub(crate) version: Option<u64>,
    values: BTreeMap<String, Value>,
    /// Whether these are all the keys there are, so that another one is missing.
    complete: bool,
}

/// What one key holds.
#[derive(Debug)]
enum Value {
    /// A text; or a number, `true` or `false` as they were written.
    Text(Plain),
    /// Something that is no text, named as an operator would.
    NotText(&'static str),
    /// The manager said no to this key alone.
    Refused(Failure),
}

impl Document {
    /// Takes the keys of a JSON object that [`crate::json::is_sound`] has accepted.
    pub(crate) fn new(
        path: String,
        version: Option<u64>,
        object: BTreeMap<String, &RawValue>,
    ) -> serde_json::Result<Self> {
        let values = object.into_iter().map(|(key, raw)| Ok((key, Value::parse(raw)?)));
        Ok(Self { path, version, values: values.collect::<serde_json::Result<_>>()?, complete: true })
    }

    /// A secret without keys: its text is the value of the empty key.
    pub(crate) fn whole(path: String, text: Plain) -> Self {
        let values = BTreeMap::from([(String::new(), Value::Text(text))]);
        Self { path, version: None, values, complete: false }
    }

    /// What a manager answered for each key it was asked for.
    pub(crate) fn of_answers(path: String, answers: BTreeMap<String, Result<Plain, Failure>>) -> Self {
        let values = answers.into_iter().map(|(key, answer)| (key, answer.map_or_else(Value::Refused, Value::Text)));
        Self { path, version: None, values: values.collect(), complete: false }
    }

    /// Whether this says anything of `key`.
    pub(crate) fn answers(&self, key: &str) -> bool {
        self.complete || self.has(key)
    }

    /// The manager has since said no to `key`.
    pub(crate) fn refuse(&mut self, key: String, failure: Failure) {
        self.values.insert(key, Value::Refused(failure));
    }

    /// Whether the secret has `key`, whatever it holds.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// The value of `key`, if it can be used. `last_seen` is the last earlier version that had the key.
    pub(crate) fn value(&self, key: &str, last_seen: Option<u64>) -> Result<&Plain, Failure> {
        let invalid = |why| Failure::Invalid { path: self.path.clone(), why };
        let key = key.to_owned();
        match self.values.get(&key) {
            None => Err(Failure::KeyMissing {
                path: self.path.clone(),
                key,
                present: self.names(),
                version: self.version,
                last_seen,
            }),
            Some(Value::Refused(failure)) => Err(failure.clone()),
            Some(Value::NotText(found)) => Err(invalid(InvalidBecause::NotText { key, found: (*found).to_owned() })),
            Some(Value::Text(text)) if text.is_empty() => Err(invalid(InvalidBecause::Empty { key })),
            Some(Value::Text(text)) if !is_usable(text) => Err(invalid(InvalidBecause::NotUsable { key })),
            Some(Value::Text(text)) => Ok(text),
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.values.keys().take(MAX_NAMED).cloned().collect();
        if self.values.len() > MAX_NAMED {
            names.push(format!("{} more", self.values.len() - MAX_NAMED));
        }
        names
    }
}

impl Value {
    /// A number keeps the digits it was written with: it never goes through a floating-point type.
    fn parse(raw: &RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'"') => Self::Text(Plain::new(serde_json::from_str(text)?)),
            Some(b'{') => Self::NotText("an object"),
            Some(b'[') => Self::NotText("a list"),
            Some(b'n') | None => Self::NotText("null"),
            Some(_) => Self::Text(Plain::new(text.to_owned())),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "looked at for length and control characters, not kept")]
fn is_usable(value: &Plain) -> bool {
    let text = value.expose();
    (text.len() <= MAX_VALUE && !text.chars().any(char::is_control)) || (text.len() <= MAX_PEM && pem::is_pem(text))
}

#[cfg(test)]
pub(crate) fn document(version: u64, json: &str) -> Document {
    Document::new("secret/data/a".to_owned(), Some(version), serde_json::from_str(json).unwrap()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "the test looks at what was parsed")]
    fn check(json: &str, expected: Result<&str, &str>) {
        let document = document(3, &format!(r#"{{"key":{json},"other":"x"}}"#));
        let got = document.value("key", None).map(Plain::expose);
        match (&got, expected) {
            (Ok(text), Ok(wanted)) => assert_eq!(*text, wanted),
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
            document(4, r#"{"secret-key":"s","password":"p"}"#).value("key", Some(1))
        else {
            panic!("the key is missing");
        };
        assert_eq!(
            (present, version, last_seen),
            (vec!["password".to_owned(), "secret-key".to_owned()], Some(4), Some(1))
        );
    }

    #[test]
    fn a_secret_with_very_many_keys_is_not_listed_whole() {
        let many: Vec<String> = (0..60).map(|n| format!(r#""k{n:02}":1"#)).collect();
        let names = document(1, &format!("{{{}}}", many.join(","))).names();
        assert_eq!((names.len(), names.last().map(String::as_str)), (51, Some("10 more")));
    }

    #[test]
    fn printing_a_document_shows_no_value() {
        let printed = format!("{:?}", document(1, r#"{"key":"canary-4711","n":4711}"#));
        assert!(printed.contains("key") && !printed.contains("4711"), "{printed}");
    }
}
