//! `$env://NAME` and `$env://NAME/key`: a value of the environment that Postern was started with.
//!
//! As in APISIX 3.18 (`apisix/core/env.lua`): the scheme is read in any case, the name with its case, the
//! first slash ends the name, and nothing behind it means the whole value. Unlike there, only names with a
//! prefix that the server's settings give can be read: who may edit the configuration must not thereby be able
//! to read the process's own keys.

use crate::resolve::{Explanation, StateName};
use crate::secret_ref::{MAX_LENGTH, RefError, RefProblem};
use crate::selection::{SelectionProblem, Selector, Written, suffix};
use std::fmt;
use std::str::FromStr;

/// How a reference to the environment begins, in any case.
pub const SCHEME: &str = "$env://";

/// What the names of variables begin with unless the server's settings say otherwise.
pub const PREFIX: &str = "POSTERN_SECRET_";

/// A reference to a variable of the environment, or to one key of the JSON in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvRef {
    name: String,
    selector: Selector,
}

impl EnvRef {
    /// The variable.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key, empty for the whole value, and what is done to what it holds.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Whether `text` begins like one.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME))
    }
}

impl fmt::Display for EnvRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", self.name)?;
        if !self.selector.key.is_empty() {
            write!(f, "/{}", self.selector.key)?;
        }
        f.write_str(&suffix(None, &self.selector))
    }
}

impl FromStr for EnvRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        let fail = |problem, at| Err(RefError { problem, at });
        if !Self::is_meant(text) {
            return fail(RefProblem::NotAReference, 0..text.len().min(SCHEME.len()));
        }
        if text.len() > MAX_LENGTH {
            return Err(RefError::too_long(text));
        }
        let written = Written::of(text);
        let rest = &written.plain[SCHEME.len()..];
        let (name, key) = rest.split_once('/').unwrap_or((rest, ""));
        let start = SCHEME.len();
        if name.is_empty() {
            return fail(RefProblem::MissingName, start..start);
        }
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            return fail(RefProblem::BadName { name: name.to_owned() }, start..start + name.len());
        }
        if let Some((offset, character)) = key.char_indices().find(|(_, c)| c.is_control()) {
            let at = start + name.len() + 1 + offset;
            return fail(RefProblem::ForbiddenCharacter { character }, at..at + character.len_utf8());
        }
        let no_version = |_: &str, _: &str| Err("The environment keeps no versions and has no stages.".to_owned());
        let extensions = written.extensions(no_version)?;
        let selector = Selector { key: key.to_owned(), decode: extensions.decode, pointer: extensions.pointer };
        Ok(Self { name: name.to_owned(), selector })
    }
}

/// Why a variable gave no value. Holds names; never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFailure {
    /// The variable.
    pub name: String,
    pub why: EnvProblem,
}

/// Why a variable gave no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvProblem {
    /// The server's settings do not let references read it.
    OutsidePrefix { prefix: String },
    /// There is no such variable.
    Unset,
    /// It is not UTF-8.
    NotUtf8,
    /// A key was asked for, and the value is no JSON object.
    NotJson { key: String },
    /// The JSON object has no such key.
    KeyMissing { key: String, present: Vec<String> },
    /// The key holds an object, a list or null.
    NotText { key: String, found: String },
    /// The empty text, which never arms anything.
    Empty,
    /// Control characters, or too long for a request.
    NotUsable,
    /// What the reference does to the value (`?decode=base64#/a`) gives none.
    Selection { steps: String, why: Box<SelectionProblem> },
}

impl EnvFailure {
    /// Its name among the states.
    #[must_use]
    pub fn name(&self) -> StateName {
        match &self.why {
            EnvProblem::OutsidePrefix { .. } => StateName::Denied,
            EnvProblem::Unset => StateName::NotFound,
            EnvProblem::KeyMissing { .. } => StateName::KeyMissing,
            EnvProblem::NotUtf8
            | EnvProblem::NotJson { .. }
            | EnvProblem::NotText { .. }
            | EnvProblem::Empty
            | EnvProblem::NotUsable
            | EnvProblem::Selection { .. } => StateName::Invalid,
        }
    }

    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        let name = &self.name;
        let place = format!("The environment variable {name}");
        let (what, fix) = match &self.why {
            EnvProblem::OutsidePrefix { prefix } => (
                format!("References may read environment variables that begin with {prefix} only, and {name} does not."),
                format!("Name the variable {prefix}… where Postern is started, or change --env-prefix."),
            ),
            EnvProblem::Unset => (
                format!("{place} is not set in the environment that Postern was started with."),
                "Set it where Postern is started (a service's unit, a container's definition: not your shell), and restart Postern.".to_owned(),
            ),
            EnvProblem::NotUtf8 => (format!("{place} holds bytes that are no text."), "Set it to a text (UTF-8).".to_owned()),
            EnvProblem::NotJson { key } => (
                format!("{place} is no JSON object, so it has no key '{key}'."),
                "Leave the key out of the reference to use the whole value, or set the variable to a JSON object; in JSON no name stands twice.".to_owned(),
            ),
            EnvProblem::KeyMissing { key, present } => {
                let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
                (format!("{place} has no key '{key}': {keys}."), "Correct the key at the end of the reference, or add the key to the variable and restart Postern.".to_owned())
            }
            EnvProblem::NotText { key, found } => {
                (format!("The key '{key}' of {name} holds {found}, not a text."), "Make the value a text.".to_owned())
            }
            EnvProblem::Empty => (
                format!("{place} gives an empty text, and an empty value never authenticates anyone."),
                "Set a value, and restart Postern.".to_owned(),
            ),
            EnvProblem::NotUsable => (
                format!("{place} gives a value that no request can carry: it has control characters or is longer than 8 KiB."),
                "Set a value without line breaks, and restart Postern.".to_owned(),
            ),
            EnvProblem::Selection { steps, why } => return why.explain(&place, steps),
        };
        Explanation::new(what, fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, &str, &str), &str>) {
        let got = text.parse::<EnvRef>();
        match (&got, expected) {
            (Ok(env), Ok(wanted)) => {
                let steps = env.selector.steps();
                assert_eq!((env.name(), env.selector.key.as_str(), steps.as_str()), wanted, "{text}");
                assert_eq!(env.to_string().parse::<EnvRef>().as_ref(), Ok(env));
            }
            (Err(error), Err(code)) => assert_eq!(error.problem.code(), code, "{text}: {error}"),
            _ => panic!("{text}: got {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn names_keys_and_extensions() {
        check("$env://A", Ok(("A", "", "")));
        check("$ENV://A/", Ok(("A", "", "")));
        check("$eNv://A_b-c.9/auth-key", Ok(("A_b-c.9", "auth-key", "")));
        check("$env://A/a/b", Ok(("A", "a/b", "")));
        check("$env://A/what?", Ok(("A", "what?", "")));
        check("$env://A?decode=base64#/x/y", Ok(("A", "", "?decode=base64#/x/y")));
        check("$env://A/k#/x", Ok(("A", "k", "#/x")));
        check("$env://", Err("ref.missing_path"));
        check("$env:///k", Err("ref.missing_path"));
        check("$env://A B", Err("ref.bad_name"));
        check("$env://A=1", Err("ref.bad_name"));
        check("$env://ü", Err("ref.bad_name"));
        check("$env://A/a\nb", Err("ref.forbidden_character"));
        check("$env://A?version=3", Err("ref.bad_extension"));
        check("$env://A/k?stage=AWSPREVIOUS", Err("ref.bad_extension"));
        check("$env:/A", Err("ref.not_a_reference"));
        check(&format!("$env://{}", "A".repeat(1024)), Err("ref.too_long"));
    }

    #[test]
    fn every_failure_says_what_happened_and_what_to_do() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        for (why, name, parts) in [
            (
                EnvProblem::OutsidePrefix { prefix: PREFIX.to_owned() },
                "denied",
                ["begin with POSTERN_SECRET_", "--env-prefix"],
            ),
            (EnvProblem::Unset, "not_found", ["is not set", "restart Postern"]),
            (EnvProblem::NotUtf8, "invalid", ["no text", "UTF-8"]),
            (EnvProblem::NotJson { key: "k".to_owned() }, "invalid", ["no key 'k'", "Leave the key out"]),
            (
                EnvProblem::KeyMissing { key: "k".to_owned(), present: names() },
                "key_missing",
                ["it has a, b", "Correct the key"],
            ),
            (
                EnvProblem::KeyMissing { key: "k".to_owned(), present: vec![] },
                "key_missing",
                ["it has no keys", "add the key"],
            ),
            (
                EnvProblem::NotText { key: "k".to_owned(), found: "a list".to_owned() },
                "invalid",
                ["holds a list", "text"],
            ),
            (EnvProblem::Empty, "invalid", ["never authenticates", "Set a value"]),
            (EnvProblem::NotUsable, "invalid", ["no request can carry", "line breaks"]),
            (
                EnvProblem::Selection { steps: "#/x".to_owned(), why: Box::new(SelectionProblem::NotJson) },
                "invalid",
                ["The environment variable X is no JSON", "Remove the pointer"],
            ),
        ] {
            let failure = EnvFailure { name: "X".to_owned(), why };
            assert_eq!(failure.name().slug(), name, "{failure:?}");
            let Explanation { what, fix, .. } = failure.explain();
            for part in parts {
                assert!(what.contains(part) || fix.contains(part), "{what} {fix} lacks {part:?}");
            }
        }
    }
}
