//! What may stand behind a reference: `?version=3`, `?stage=AWSPREVIOUS`, `?decode=base64`, `#/json/pointer`.
//!
//! A `?` or `#` is an ordinary character of a path or key, as in API7 and APISIX, unless it begins one of
//! these. `?` does when `version=`, `stage=` or `decode=` follows and no further slash does; `#` does when a
//! slash follows it. Nothing is percent-decoded.

use crate::resolve::Explanation;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// The names that may follow a `?`.
const NAMES: [&str; 3] = ["version", "stage", "decode"];

/// Which version of a secret is meant, in place of the current one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Pin {
    /// `?version=3`: of a KV version 2 mount, counted from 1.
    Version(u64),
    /// `?version=<id>`: AWS's `VersionId`.
    VersionId(String),
    /// `?stage=AWSPREVIOUS`: AWS's `VersionStage`.
    Stage(String),
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(number) => write!(f, "version={number}"),
            Self::VersionId(id) => write!(f, "version={id}"),
            Self::Stage(stage) => write!(f, "stage={stage}"),
        }
    }
}

impl Pin {
    /// A version of Vault's KV version 2: a whole number from 1.
    pub(crate) fn of_vault(name: &str, value: &str) -> Result<Self, String> {
        let number = value.parse::<u64>().ok().filter(|number| *number > 0 && number.to_string() == value);
        match (name, number) {
            ("version", Some(number)) => Ok(Self::Version(number)),
            ("version", None) => Err("A version of Vault is a whole number from 1, as in ?version=3.".to_owned()),
            _ => Err("Vault has no stages: name a version, as in ?version=3.".to_owned()),
        }
    }

    /// Kubernetes keeps no earlier versions.
    pub(crate) fn of_kubernetes(_: &str, _: &str) -> Result<Self, String> {
        Err("A Secret of Kubernetes has no versions and no stages: remove this.".to_owned())
    }

    /// `VersionId` (32 to 64 characters) and `VersionStage` (1 to 256) as `GetSecretValue` has them.
    pub(crate) fn of_aws(name: &str, value: &str) -> Result<Self, String> {
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-';
        let is_stage = |c: char| c.is_ascii_alphanumeric() || "_+=.@-".contains(c);
        match name {
            "version" if (32..=64).contains(&value.len()) && value.chars().all(is_id) => {
                Ok(Self::VersionId(value.to_owned()))
            }
            "version" => {
                Err("A version of AWS is its id of 32 to 64 characters; a staging label is written ?stage=AWSPREVIOUS."
                    .to_owned())
            }
            _ if (1..=256).contains(&value.len()) && value.chars().all(is_stage) => Ok(Self::Stage(value.to_owned())),
            _ => Err("A stage is a staging label such as AWSPREVIOUS.".to_owned()),
        }
    }
}

/// Which value of a secret is meant, and what is done to it: key, then decoding, then pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Selector {
    /// Empty for a whole secret.
    pub key: String,
    pub decode: Option<Encoding>,
    pub pointer: Option<Pointer>,
}

impl Selector {
    /// The value of `key` as it is.
    #[must_use]
    pub fn plain(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// Whether the value is used as it is.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.decode.is_none() && self.pointer.is_none()
    }

    /// What is done to the value, as written: `?decode=base64#/a/b`, or nothing.
    #[must_use]
    pub fn steps(&self) -> String {
        suffix(None, self)
    }
}

/// How a value is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// RFC 4648, with `+/` or `-_`, with or without padding and line breaks.
    Base64,
}

impl Encoding {
    /// As a reference has it.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
        }
    }
}

/// A place in a JSON value (RFC 6901), never the whole of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pointer(String);

impl Pointer {
    /// Its parts, with `~1` and `~0` turned into what they stand for.
    pub fn parts(&self) -> impl Iterator<Item = String> + '_ {
        self.0.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"))
    }

    /// The pointer to the first `count` parts; empty for the whole value.
    #[must_use]
    pub fn first(&self, count: usize) -> String {
        self.0.split('/').skip(1).take(count).map(|part| format!("/{part}")).collect()
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("A JSON pointer has no control characters.".to_owned());
        }
        match text.split('~').skip(1).any(|part| !part.starts_with(['0', '1'])) {
            true => Err("In a JSON pointer '~' is written ~0, and a slash in a name ~1.".to_owned()),
            false => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `?version=3&decode=base64#/a`, or nothing.
#[must_use]
pub fn suffix(pin: Option<&Pin>, selector: &Selector) -> String {
    let decode = selector.decode.map(|encoding| format!("decode={}", encoding.slug()));
    let items: Vec<String> = pin.map(Pin::to_string).into_iter().chain(decode).collect();
    let query = if items.is_empty() { String::new() } else { format!("?{}", items.join("&")) };
    let pointer = selector.pointer.as_ref().map(|pointer| format!("#{pointer}")).unwrap_or_default();
    query + &pointer
}

/// What is wrong with an extension, and where in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) why: String,
    pub(crate) at: Range<usize>,
}

/// A reference's text taken apart.
pub(crate) struct Written<'a> {
    /// What stands before the extensions.
    pub(crate) plain: &'a str,
    query: Option<&'a str>,
    pointer: Option<&'a str>,
}

/// The extensions of a reference.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    pub(crate) pin: Option<Pin>,
    pub(crate) decode: Option<Encoding>,
    pub(crate) pointer: Option<Pointer>,
}

impl<'a> Written<'a> {
    pub(crate) fn of(text: &'a str) -> Self {
        let (rest, pointer) = match text.find("#/") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None => (text, None),
        };
        match rest.rsplit_once('?').filter(|(_, query)| is_ours(query)) {
            Some((plain, query)) => Self { plain, query: Some(query), pointer },
            None => Self { plain: rest, query: None, pointer },
        }
    }

    /// Reads the extensions. `pin` knows what a version or stage is with the reference's manager.
    pub(crate) fn extensions(&self, pin: impl Fn(&str, &str) -> Result<Pin, String>) -> Result<Extensions, Fault> {
        let mut found = Extensions::default();
        let mut start = self.plain.len() + 1;
        for item in self.query.into_iter().flat_map(|query| query.split('&')) {
            let at = start..start + item.len();
            start = at.end + 1;
            found.take(item, &pin).map_err(|why| Fault { why, at })?;
        }
        if let Some(text) = self.pointer {
            let start = self.plain.len() + self.query.map_or(0, |query| query.len() + 1) + 1;
            let fault = |why| Fault { why, at: start..start + text.len() };
            found.pointer = Some(Pointer::parse(text).map_err(fault)?);
        }
        Ok(found)
    }
}

/// Whether what follows a `?` is meant for us.
fn is_ours(query: &str) -> bool {
    let is_name = |name: &str| query.strip_prefix(name).is_some_and(|rest| rest.starts_with('='));
    !query.contains('/') && NAMES.into_iter().any(is_name)
}

impl Extensions {
    fn take(&mut self, item: &str, pin: impl Fn(&str, &str) -> Result<Pin, String>) -> Result<(), String> {
        let (name, value) = item.split_once('=').unwrap_or((item, ""));
        let double = || Err(format!("'{name}' cannot stand here once more: a reference names one version."));
        match name {
            "decode" if self.decode.is_some() => return Err("'decode' is written twice.".to_owned()),
            "decode" if value == Encoding::Base64.slug() => self.decode = Some(Encoding::Base64),
            "decode" => return Err("Only ?decode=base64 is known.".to_owned()),
            "version" | "stage" if self.pin.is_some() => return double(),
            "version" | "stage" => self.pin = Some(pin(name, value)?),
            _ => return Err(format!("'{name}' is not known here: write {}.", NAMES.join("=…, ") + "=…")),
        }
        Ok(())
    }
}

/// Why there is nothing behind decoding and pointer. Holds names of what is there; never a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "selection", rename_all = "snake_case")]
pub enum SelectionProblem {
    NotBase64,
    /// It decodes to bytes that are no text.
    NotUtf8,
    /// A pointer stands in the reference, and the value is no JSON.
    NotJson,
    /// The pointer leads to nothing.
    Missing {
        /// How far it leads: a pointer; empty for the whole value.
        reached: String,
        /// What is there.
        there: There,
    },
    /// The pointer leads to an object, a list or null.
    NotText {
        found: String,
    },
    /// What comes out is the empty text, which never arms a credential.
    Empty,
    /// What comes out cannot be sent in a request: control characters, or too long.
    NotUsable,
}

/// What a pointer reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum There {
    /// An object with these names.
    Names(Vec<String>),
    /// A list of so many.
    Items(usize),
    /// Something that holds nothing further: a text, a number, true, false or null.
    Nothing,
}

impl SelectionProblem {
    /// In words. `place` is what the key names, as a sentence's subject; `steps` is what the reference does
    /// to it.
    #[must_use]
    pub fn explain(&self, place: &str, steps: &str) -> Explanation {
        let (what, fix) = match self {
            Self::NotBase64 => (
                format!("{place} is no base64, and the reference says ?decode=base64."),
                "Remove ?decode=base64 from the reference, or store the value in base64.".to_owned(),
            ),
            Self::NotUtf8 => (
                format!("{place} decodes to bytes that are no text."),
                "Store the base64 of a text (UTF-8).".to_owned(),
            ),
            Self::NotJson => (
                format!("{place} is no JSON, so {steps} leads nowhere in it."),
                "Remove the pointer (what begins with #/) from the reference, or store the value as JSON; in JSON no name stands twice.".to_owned(),
            ),
            Self::Missing { reached, there } => {
                let reached = if reached.is_empty() { "the value" } else { reached };
                (
                    format!("{place} has nothing at {steps}: {reached} {}.", there.describe()),
                    "Correct the pointer (what begins with #/) in the reference, or add what it names.".to_owned(),
                )
            }
            Self::NotText { found } => (
                format!("{place} has {found} at {steps}, not a text."),
                "Let the pointer lead to one value in it.".to_owned(),
            ),
            Self::Empty => (
                format!("{place} gives an empty text by {steps}, and an empty value never authenticates anyone."),
                "Store a value there.".to_owned(),
            ),
            Self::NotUsable => (
                format!("{place} gives by {steps} a value that no request can carry: it has control characters or is longer than 8 KiB."),
                "Store a value without line breaks. A line break at the end often comes from 'echo'; use 'printf'.".to_owned(),
            ),
        };
        Explanation::new(what, fix)
    }
}

impl There {
    fn describe(&self) -> String {
        match self {
            Self::Names(names) if names.is_empty() => "has no names".to_owned(),
            Self::Names(names) => format!("has {}", names.join(", ")),
            Self::Items(0) => "is an empty list".to_owned(),
            Self::Items(count) => format!("is a list of {count}, counted from 0"),
            Self::Nothing => "is no object and no list".to_owned(),
        }
    }
}

/// Why the version that a reference names cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "version_is", rename_all = "snake_case")]
pub enum VersionProblem {
    /// Deleted, and restorable; when, as Vault wrote it.
    Deleted { at: String },
    /// Destroyed for good.
    Destroyed,
    /// The secret has other versions; `current` is the newest.
    Never { current: u64 },
    /// The mount is KV version 1, which keeps one value only.
    NotKept,
}

impl VersionProblem {
    /// In words. `secret` is written as `vault kv` commands have it.
    #[must_use]
    pub fn explain(&self, secret: &str, version: u64) -> Explanation {
        let named = "Name a version that is there, or remove ?version= from the reference to use the current one.";
        match self {
            Self::Deleted { at } => {
                let at = if at.is_empty() { String::new() } else { format!(" at {at}") };
                Explanation::new(
                    format!("Version {version} of the secret {secret}, which the reference names, was deleted{at}."),
                    format!("Restore it. {named}"),
                )
                .with(format!("vault kv undelete -versions={version} {secret}"))
            }
            Self::Destroyed => Explanation::new(
                format!(
                    "Version {version} of the secret {secret}, which the reference names, was destroyed: nothing brings it back."
                ),
                named,
            )
            .with(format!("vault kv metadata get {secret}")),
            Self::Never { current } => Explanation::new(
                format!(
                    "The secret {secret} has no version {version}, which the reference names: the current one is {current}."
                ),
                format!("{named} A mount keeps a limited number of versions: older ones go."),
            )
            .with(format!("vault kv metadata get {secret}")),
            Self::NotKept => Explanation::new(
                format!(
                    "The reference names version {version} of {secret}, and the mount is KV version 1, which keeps no versions."
                ),
                format!("Remove ?version={version} from the reference, or keep the secret in a mount of KV version 2."),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_ref::SecretRef;

    /// A reference's key, version, and what is done to the value.
    fn check(text: &str, key: &str, pin: Option<&str>, steps: &str) {
        let reference: SecretRef = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(reference.key(), key, "{text}");
        assert_eq!(reference.pin().map(Pin::to_string).as_deref(), pin, "{text}");
        assert_eq!(reference.selector().steps(), steps, "{text}");
        assert_eq!(reference.to_string(), text);
        assert_eq!(reference.to_string().parse(), Ok(reference));
    }

    const ID: &str = "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111";

    #[test]
    fn extensions_are_taken_off_the_end() {
        check("$secret://vault/v/a/k?version=3", "k", Some("version=3"), "");
        check("$secret://vault/v/a/k?decode=base64", "k", None, "?decode=base64");
        check("$secret://vault/v/a/k#/db/password", "k", None, "#/db/password");
        check("$secret://vault/v/a/k#/", "k", None, "#/");
        check("$secret://vault/v/a/k?version=3&decode=base64#/a", "k", Some("version=3"), "?decode=base64#/a");
        check("$secret://aws/s/name/k?stage=AWSPREVIOUS", "k", Some("stage=AWSPREVIOUS"), "");
        check("$secret://aws/s/name?stage=AWSPREVIOUS#/k", "", Some("stage=AWSPREVIOUS"), "#/k");
        check(&format!("$secret://aws/s/name/k?version={ID}"), "k", Some(&format!("version={ID}")), "");
        check("$secret://vault/v/a/k#/a?version=3", "k", None, "#/a?version=3");
        check("$secret://vault/v/a/k#/a#/b", "k", None, "#/a#/b");
        check("$secret://vault/v/a/k##/b", "k#", None, "#/b");
        check("$secret://vault/v/a/k?x=1?version=3", "k?x=1", Some("version=3"), "");
    }

    /// Plain references of API7 and APISIX mean what they mean there.
    #[test]
    fn any_other_question_mark_or_hash_belongs_to_the_name() {
        for key in [
            "why?",
            "?",
            "a?b",
            "a?b=c",
            "a?versio=3",
            "a?Version=3",
            "a?VERSION=3",
            "a?version",
            "a?versions=3",
            "a? version=3",
            "#",
            "a#",
            "a#b",
            "#1",
            "a#b?c",
            "a%3Fversion=3",
            "a?decode",
            "a&decode=base64",
        ] {
            check(&format!("$secret://vault/v/path/{key}"), key, None, "");
        }
        for path in ["a?b", "what?version=3", "x?decode=base64", "n#1", "#1"] {
            let text = format!("$secret://vault/v/{path}/k");
            check(&text, "k", None, "");
            assert_eq!(text.parse::<SecretRef>().unwrap().path(), [path]);
        }
    }

    fn check_bad(text: &str, at: &str, part: &str) {
        let error = text.parse::<SecretRef>().unwrap_err();
        assert_eq!(error.problem.code(), "ref.bad_extension", "{text}: {error}");
        assert_eq!(&text[error.at.clone()], at, "{text}");
        assert!(error.to_string().contains(part), "{text}: {error}");
    }

    #[test]
    fn an_extension_that_is_not_well_formed_is_no_name() {
        for value in ["", "0", "-1", "+3", "03", "3.0", "latest", "18446744073709551616"] {
            check_bad(&format!("$secret://vault/v/a/k?version={value}"), &format!("version={value}"), "whole number");
        }
        check_bad("$secret://vault/v/a/k?stage=AWSPREVIOUS", "stage=AWSPREVIOUS", "no stages");
        check_bad("$secret://aws/s/a/k?version=3", "version=3", "its id");
        check_bad("$secret://aws/s/a/k?stage=", "stage=", "staging label");
        check_bad("$secret://aws/s/a/k?stage=a b", "stage=a b", "staging label");
        check_bad(&format!("$secret://aws/s/a/k?stage=A&version={ID}"), &format!("version={ID}"), "one version");
        check_bad("$secret://vault/v/a/k?version=3&version=4", "version=4", "one version");
        check_bad("$secret://vault/v/a/k?decode=base64&decode=base64", "decode=base64", "twice");
        check_bad("$secret://vault/v/a/k?decode=hex", "decode=hex", "decode=base64");
        check_bad("$secret://vault/v/a/k?version=3&x", "x", "not known");
        check_bad("$secret://vault/v/a/k?version=3&x=y", "x=y", "version=…, stage=…, decode=…");
        check_bad("$secret://vault/v/ä/k?version=3#/~", "/~", "~0");
        check_bad("$secret://vault/v/a/k#/a~2", "/a~2", "~1");
        check_bad("$secret://vault/v/a/k#/a\nb", "/a\nb", "control");
    }

    #[test]
    fn pointers_are_read_as_rfc_6901_has_them() {
        for (text, parts) in [
            ("/foo/0", vec!["foo", "0"]),
            ("/", vec![""]),
            ("/a~1b", vec!["a/b"]),
            ("/c%d", vec!["c%d"]),
            ("/m~0n", vec!["m~n"]),
            ("/~01", vec!["~1"]),
            ("/ ", vec![" "]),
        ] {
            let pointer = Pointer::parse(text).unwrap();
            assert_eq!(pointer.parts().collect::<Vec<_>>(), parts, "{text}");
            assert_eq!((pointer.first(0), pointer.first(9)), (String::new(), text.to_owned()));
        }
    }

    #[test]
    fn every_problem_says_what_is_there_and_what_to_do() {
        let missing = |reached: &str, there| SelectionProblem::Missing { reached: reached.to_owned(), there };
        let names = |names: &[&str]| There::Names(names.iter().map(|&name| name.to_owned()).collect());
        for (problem, parts) in [
            (SelectionProblem::NotBase64, ["is no base64", "Remove ?decode=base64"]),
            (SelectionProblem::NotUtf8, ["bytes that are no text", "UTF-8"]),
            (SelectionProblem::NotJson, ["is no JSON", "Remove the pointer"]),
            (missing("", names(&["db", "tls"])), ["nothing at #/x/y: the value has db, tls.", "Correct the pointer"]),
            (missing("/x", names(&[])), ["/x has no names.", "Correct the pointer"]),
            (missing("/x", There::Items(2)), ["/x is a list of 2, counted from 0.", "Correct the pointer"]),
            (missing("/x", There::Items(0)), ["/x is an empty list.", "Correct the pointer"]),
            (missing("/x", There::Nothing), ["/x is no object and no list.", "Correct the pointer"]),
            (SelectionProblem::NotText { found: "a list".to_owned() }, ["has a list at #/x/y", "one value"]),
            (SelectionProblem::Empty, ["an empty text by #/x/y", "Store a value"]),
            (SelectionProblem::NotUsable, ["no request can carry", "line breaks"]),
        ] {
            let explanation = problem.explain("The key 'k' of secret/a", "#/x/y");
            for part in parts {
                let text = format!("{} {}", explanation.what, explanation.fix);
                assert!(text.contains(part) && text.starts_with("The key 'k' of secret/a"), "{text:?} lacks {part:?}");
            }
        }
        for (problem, parts) in [
            (
                VersionProblem::Deleted { at: "2026-01-01T00:00:00Z".to_owned() },
                ["deleted at 2026", "undelete -versions=3"],
            ),
            (VersionProblem::Destroyed, ["was destroyed", "metadata get"]),
            (VersionProblem::Never { current: 7 }, ["the current one is 7", "metadata get"]),
            (VersionProblem::NotKept, ["KV version 1", "Remove ?version=3"]),
        ] {
            let explanation = problem.explain("secret/a", 3);
            let snippet = explanation.snippet.unwrap_or_default();
            let text = format!("{} {} {snippet}", explanation.what, explanation.fix);
            for part in parts {
                assert!(text.contains(part), "{text:?} lacks {part:?}");
            }
        }
    }
}
