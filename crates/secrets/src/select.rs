//! From what a key holds to the value that a reference means: decoding, then the pointer, then a check.
//!
//! Everything on the way is wiped. A failure names what is there, never a value.

use crate::json;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use postern::pem;
use postern::selection::{Encoding, Pointer, SelectionProblem, Selector, There};
use postern::sensitive::Plain;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The longest value that can be used, in bytes: what a request's header carries.
pub(crate) const MAX_VALUE: usize = 8 * 1024;
/// The longest certificate chain or key in PEM, in bytes.
const MAX_PEM: usize = 64 * 1024;

/// How many names a failure lists at most.
const MAX_NAMED: usize = 50;

/// What one key holds.
#[derive(Debug)]
pub(crate) enum Value {
    /// A text; or a number, `true` or `false` as they were written.
    Text(Plain),
    /// An object, a list or null, as it was written, and named as an operator would.
    NotText { json: Plain, found: &'static str },
}

/// Why a value cannot be used as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unusable {
    NotText(&'static str),
    Empty,
    NotUsable,
}

impl Value {
    /// A number keeps the digits it was written with: it never goes through a floating-point type.
    pub(crate) fn parse(raw: &RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        let not_text = |found| Self::NotText { json: Plain::new(text.to_owned()), found };
        Ok(match text.as_bytes().first() {
            Some(b'"') => Self::Text(Plain::new(serde_json::from_str(text)?)),
            Some(b'{') => not_text("an object"),
            Some(b'[') => not_text("a list"),
            Some(b'n') | None => not_text("null"),
            Some(_) => Self::Text(Plain::new(text.to_owned())),
        })
    }

    /// The value as it is, if a request can carry it.
    pub(crate) fn usable(&self) -> Result<&Plain, Unusable> {
        match self {
            Self::NotText { found, .. } => Err(Unusable::NotText(found)),
            Self::Text(text) if text.is_empty() => Err(Unusable::Empty),
            Self::Text(text) if !is_usable(text) => Err(Unusable::NotUsable),
            Self::Text(text) => Ok(text),
        }
    }

    /// What comes out of the value by what `selector` does to it.
    pub(crate) fn select(&self, selector: &Selector) -> Result<Plain, SelectionProblem> {
        let start = match (self, selector.pointer.is_some()) {
            (Self::Text(text), _) => text,
            // An object is JSON already, and a list: a pointer may lead into it.
            (Self::NotText { json, .. }, true) => json,
            (Self::NotText { found, .. }, false) => {
                return Err(SelectionProblem::NotText { found: (*found).to_owned() });
            }
        };
        let decoded = match selector.decode {
            Some(Encoding::Base64) => &decode(start)?,
            None => start,
        };
        let value = match &selector.pointer {
            Some(pointer) => follow(decoded, pointer)?,
            None => Self::Text(decoded.clone()),
        };
        value.usable().cloned().map_err(|why| match why {
            Unusable::NotText(found) => SelectionProblem::NotText { found: found.to_owned() },
            Unusable::Empty => SelectionProblem::Empty,
            Unusable::NotUsable => SelectionProblem::NotUsable,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "looked at for length and control characters, not kept")]
fn is_usable(value: &Plain) -> bool {
    let text = value.expose();
    (text.len() <= MAX_VALUE && !text.chars().any(char::is_control)) || (text.len() <= MAX_PEM && pem::is_pem(text))
}

#[expect(clippy::disallowed_methods, reason = "decoded into memory that is wiped")]
fn decode(text: &Plain) -> Result<Plain, SelectionProblem> {
    let packed: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.expose().bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let is_url_safe = packed.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let engine = GeneralPurpose::new(if is_url_safe { &URL_SAFE } else { &STANDARD }, config);
    let bytes = Zeroizing::new(engine.decode(&*packed).map_err(|_| SelectionProblem::NotBase64)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| SelectionProblem::NotUtf8)?;
    Ok(Plain::new(text.to_owned()))
}

/// What the JSON in `text` has at `pointer` (RFC 6901).
#[expect(clippy::disallowed_methods, reason = "parsed; what is found is copied into memory that is wiped")]
fn follow(text: &Plain, pointer: &Pointer) -> Result<Value, SelectionProblem> {
    let not_json = |_| SelectionProblem::NotJson;
    if !json::is_sound(text.expose().as_bytes()) {
        return Err(SelectionProblem::NotJson);
    }
    let mut here: &RawValue = serde_json::from_str(text.expose()).map_err(not_json)?;
    for (depth, part) in pointer.parts().enumerate() {
        let missing = |there| SelectionProblem::Missing { reached: pointer.first(depth), there };
        here = match here.get().as_bytes().first() {
            Some(b'{') => {
                let object: BTreeMap<String, &RawValue> = serde_json::from_str(here.get()).map_err(not_json)?;
                let found = object.get(&part).copied();
                found.ok_or_else(|| missing(There::Names(names(object.keys()))))?
            }
            Some(b'[') => {
                let list: Vec<&RawValue> = serde_json::from_str(here.get()).map_err(not_json)?;
                let found = index(&part).and_then(|index| list.get(index).copied());
                found.ok_or_else(|| missing(There::Items(list.len())))?
            }
            _ => return Err(missing(There::Nothing)),
        };
    }
    Value::parse(here).map_err(not_json)
}

/// A place in a list: digits without a leading zero.
fn index(part: &str) -> Option<usize> {
    part.parse().ok().filter(|index: &usize| index.to_string() == part)
}

/// The names as a failure lists them.
pub(crate) fn names<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> Vec<String> {
    let count = names.len();
    let mut listed: Vec<String> = names.take(MAX_NAMED).cloned().collect();
    if count > MAX_NAMED {
        listed.push(format!("{} more", count - MAX_NAMED));
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::secret_ref::SecretRef;

    /// What `steps` makes of a key's JSON.
    #[expect(clippy::disallowed_methods, reason = "the test looks at what comes out")]
    fn check(json: &str, steps: &str, expected: Result<&str, &str>) {
        let value = Value::parse(serde_json::from_str(json).unwrap()).unwrap();
        let reference: SecretRef = format!("$secret://vault/v/a/k{steps}").parse().unwrap();
        let got = value.select(reference.selector());
        match (&got, expected) {
            (Ok(text), Ok(wanted)) => assert_eq!(text.expose(), wanted, "{json} {steps}"),
            (Err(problem), Err(part)) => {
                let problem = format!("{problem:?}");
                assert!(problem.contains(part), "{json} {steps}: {problem}");
                assert!(!problem.contains("canary"), "{problem}");
            }
            _ => panic!("{json} {steps}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn base64_is_decoded() {
        check(r#""YWxpY2Uta2V5""#, "?decode=base64", Ok("alice-key"));
        check(r#""YWxpY2UtcHJpbWFyeS1rZXk=""#, "?decode=base64", Ok("alice-primary-key"));
        check(r#""YWxpY2UtcHJpbWFyeS1rZXk""#, "?decode=base64", Ok("alice-primary-key"));
        check(r#""YWxp\nY2Ut\r\na2V5\n""#, "?decode=base64", Ok("alice-key"));
        check(r#""w7_DvD8_""#, "?decode=base64", Ok("ÿü??"));
        check(r#""w7/DvD8/""#, "?decode=base64", Ok("ÿü??"));
        check("1234", "?decode=base64", Err("NotUtf8"));
        check(r#""w7_DvD8/""#, "?decode=base64", Err("NotBase64"));
        check(r#""canary key""#, "?decode=base64", Err("NotBase64"));
        check(r#""canary!""#, "?decode=base64", Err("NotBase64"));
        check(r#""YQ===""#, "?decode=base64", Err("NotBase64"));
        check(r#""YR==""#, "?decode=base64", Err("NotBase64"));
        check(r#""/w==""#, "?decode=base64", Err("NotUtf8"));
        check(r#""""#, "?decode=base64", Err("Empty"));
        check(r#""YQBi""#, "?decode=base64", Err("NotUsable"));
        check(r#""a2V5Cg==""#, "?decode=base64", Err("NotUsable"));
        check(r#"{"a":"canary"}"#, "?decode=base64", Err("an object"));
    }

    #[test]
    fn pointers_are_followed() {
        let value = r#"{"db":{"users":["alice","bob"],"port":5432.10,"tls":true,"none":null,"":"nameless"},"a/b":"slash","m~n":"tilde"}"#;
        let as_text = format!("{value:?}");
        for json in [value, &as_text] {
            check(json, "#/db/users/1", Ok("bob"));
            check(json, "#/db/port", Ok("5432.10"));
            check(json, "#/db/tls", Ok("true"));
            check(json, "#/db/", Ok("nameless"));
            check(json, "#/a~1b", Ok("slash"));
            check(json, "#/m~0n", Ok("tilde"));
            check(json, "#/db/users", Err("a list"));
            check(json, "#/db/none", Err("null"));
            check(json, "#/db", Err("an object"));
            check(json, "#/dB", Err(r#"reached: "", there: Names(["a/b", "db", "m~n"])"#));
            check(json, "#/db/users/2", Err(r#"reached: "/db/users", there: Items(2)"#));
            check(json, "#/db/users/01", Err("Items(2)"));
            check(json, "#/db/users/-", Err("Items(2)"));
            check(json, "#/db/users/+1", Err("Items(2)"));
            check(json, "#/db/port/x", Err(r#"reached: "/db/port", there: Nothing"#));
        }
        check(r#""canary""#, "#/a", Err("NotJson"));
        check(r#""\"canary\"""#, "#/a", Err("Nothing"));
        check("42", "#/a", Err("Nothing"));
        check(r#""{\"a\":\"canary\",\"a\":1}""#, "#/a", Err("NotJson"));
        check(r#""{\"a\":\"\"}""#, "#/a", Err("Empty"));
        check(r#""{\n\"a\": \"v\"}""#, "#/a", Ok("v"));
        check(r#"{"a":"canary\n"}"#, "#/a", Err("NotUsable"));
        check("null", "#/a", Err("Nothing"));
    }

    #[test]
    fn base64_comes_before_the_pointer() {
        // {"key":"v"}
        check(r#""eyJrZXkiOiJ2In0=""#, "?decode=base64#/key", Ok("v"));
        check(r#""eyJrZXkiOiJ2In0=""#, "#/key", Err("NotJson"));
        check(r#"{"key":"canary"}"#, "?decode=base64#/key", Err("NotBase64"));
    }

    #[test]
    fn very_many_names_are_not_listed_whole() {
        let many: Vec<String> = (0..60).map(|n| format!("k{n:02}")).collect();
        let listed = names(many.iter());
        assert_eq!((listed.len(), listed.last().map(String::as_str)), (51, Some("10 more")));
    }

    #[test]
    fn printing_a_value_shows_nothing_of_it() {
        for json in [r#""canary""#, r#"{"a":"canary"}"#] {
            let printed = format!("{:?}", Value::parse(serde_json::from_str(json).unwrap()));
            assert!(!printed.contains("canary"), "{printed}");
        }
    }
}
