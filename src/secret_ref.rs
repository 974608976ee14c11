//! The reference grammar: `$secret://<manager>/<provider id>/<path>/<key>`.
//!
//! What the path means is the manager's business. With Vault the last segment is the key. With AWS
//! Secrets Manager a name may contain slashes and the key may be left out, so only a read tells where
//! the name ends (`provider::aws::candidates`). With Kubernetes it is namespace, Secret and key.
//!
//! This is the only place that knows `$secret://`. A [`SecretRef`] cannot hold an invalid reference.
//! The grammar is that of Apache APISIX 3.18 (`apisix/secret.lua`) with stricter decisions: no segment
//! may be `.` or `..` (in APISIX such a reference leaves the provider's prefix), and `\` and `;`, which
//! servers read differently, are refused rather than guessed at. Nothing is percent-decoded. What may stand
//! behind a reference (`?version=3`, `#/json/pointer`, …) is in [`crate::selection`].

use crate::env_ref::EnvRef;
use crate::name::ProviderId;
use crate::provider::{Manager, ProviderKey, kubernetes};
use crate::selection::{Fault, Pin, Selector, Written, suffix};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// How every reference begins. Case-sensitive.
pub const SCHEME: &str = "$secret://";

/// The longest reference, in bytes.
pub const MAX_LENGTH: usize = 1024;

/// A reference to one key of one secret of one provider.
///
/// With Vault, empty segments are dropped (`a//b` is `a/b`, as in APISIX), so the text form is canonical:
/// `parse(r.to_string()) == r`. With AWS they are kept: they may be part of a secret's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretRef {
    manager: Manager,
    provider: ProviderId,
    path: Vec<String>,
    pin: Option<Pin>,
    selector: Selector,
}

impl SecretRef {
    /// The secret manager the reference names.
    #[must_use]
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// The Secret Provider ID the reference names.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The secret provider it refers to, in whatever group.
    #[must_use]
    pub fn provider_key(&self) -> ProviderKey {
        ProviderKey { manager: self.manager, id: self.provider.clone() }
    }

    /// Whether it refers to that secret provider.
    #[must_use]
    pub fn is_of(&self, provider: &ProviderKey) -> bool {
        self.manager == provider.manager && self.provider == provider.id
    }

    /// The segments between provider and key: which secret. Never empty. With AWS, where that is known
    /// only after a read, all but the last segment, or the only one.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The last segment: which key inside the secret. Empty for an AWS reference of one segment, which
    /// means the whole secret.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.selector.key
    }

    /// The version meant; none for the current one.
    #[must_use]
    pub fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// The key, and what is done to its value.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}", self.manager.slug(), self.provider, self.path.join("/"))?;
        if !self.selector.key.is_empty() {
            write!(f, "/{}", self.selector.key)?;
        }
        f.write_str(&suffix(self.pin.as_ref(), &self.selector))
    }
}

text_form!(SecretRef);

/// Why a text is not a reference, and where in the text that shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefError {
    pub problem: RefProblem,
    /// Byte range of the part at fault, for a caret under it.
    pub at: Range<usize>,
}

/// The kinds of malformed reference. [`RefProblem::code`] gives the stable name of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum RefProblem {
    /// The text does not begin with `$secret://`.
    NotAReference,
    MissingManager,
    UnknownManager {
        found: String,
        hint: Option<Manager>,
    },
    MissingProviderId {
        manager: String,
    },
    BadProviderId {
        found: String,
        why: String,
    },
    MissingPath,
    /// `$env://` without the name of a variable.
    MissingName,
    /// What stands after `$env://` cannot be the name of a variable.
    BadName {
        name: String,
    },
    /// A path but no key after it.
    MissingField {
        path: String,
    },
    /// `.` or `..`.
    BadSegment {
        segment: String,
    },
    ForbiddenCharacter {
        character: char,
    },
    /// A segment begins or ends with a blank.
    StrayBlank {
        segment: String,
    },
    /// The path is none that the manager has.
    BadPath {
        why: String,
    },
    /// What stands behind the reference is one of our extensions, but not well formed.
    BadExtension {
        why: String,
    },
    TooLong {
        length: usize,
    },
}

impl RefProblem {
    /// The stable name of this problem, the same in dashboard, logs and API.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.reason().code()
    }
}

impl fmt::Display for RefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FORM: &str = "A reference reads $secret://vault/<Secret Provider ID>/<path>/<key>, or $secret://aws/<Secret Provider ID>/<secret name>/<key>.";
        match &self.problem {
            RefProblem::NotAReference => write!(f, "This does not begin with $secret://. {FORM}"),
            RefProblem::MissingManager => {
                write!(f, "The secret manager is missing after $secret://. {FORM}")
            }
            RefProblem::UnknownManager { found, hint: Some(hint) } => {
                write!(f, "There is no secret manager '{found}'; write '{}' (case matters).", hint.slug())
            }
            RefProblem::UnknownManager { found, hint: None } => write!(
                f,
                "There is no secret manager '{found}'. Known: {}.",
                Manager::ALL.map(Manager::slug).join(", ")
            ),
            RefProblem::MissingProviderId { manager } => {
                write!(f, "Only a secret manager is given: add the Secret Provider ID after {SCHEME}{manager}/.")
            }
            RefProblem::BadProviderId { found, why } => {
                write!(f, "'{found}' cannot be a Secret Provider ID. {why}")
            }
            RefProblem::MissingPath => {
                write!(f, "The path is missing after the Secret Provider ID: add /<path>/<key>.")
            }
            RefProblem::MissingName => {
                f.write_str("The name of the environment variable is missing: $env://<NAME>, or $env://<NAME>/<key>.")
            }
            RefProblem::BadName { name } => write!(
                f,
                "'{name}' cannot be the name of an environment variable: it has letters, digits, '_', '-' and '.' only."
            ),
            RefProblem::MissingField { path } => {
                write!(f, "'{path}' names a secret but no key inside it: add /<key> at the end.")
            }
            RefProblem::BadSegment { segment } => {
                write!(f, "A reference cannot climb with '{segment}': name the secret by its full path.")
            }
            RefProblem::ForbiddenCharacter { character } => {
                write!(f, "A reference cannot contain {}.", name_of(*character))
            }
            RefProblem::StrayBlank { segment } => {
                write!(f, "Remove the blank at the start or end of '{}'.", segment.trim())
            }
            RefProblem::BadPath { why } | RefProblem::BadExtension { why } => f.write_str(why),
            RefProblem::TooLong { length } => {
                write!(f, "A reference has at most {MAX_LENGTH} bytes; this has {length}.")
            }
        }
    }
}

impl std::error::Error for RefError {}

fn name_of(character: char) -> String {
    if character.is_control() {
        format!("the control character U+{:04X}", u32::from(character))
    } else {
        format!("'{character}'")
    }
}

/// One part between slashes, with its place in the text.
struct Segment<'a> {
    text: &'a str,
    at: Range<usize>,
}

impl FromStr for SecretRef {
    type Err = RefError;

    fn from_str(text: &str) -> Result<Self, RefError> {
        if !text.starts_with(SCHEME) {
            return fail(RefProblem::NotAReference, 0..text.len().min(SCHEME.len()));
        }
        if text.len() > MAX_LENGTH {
            return fail(RefProblem::TooLong { length: text.len() }, MAX_LENGTH..text.len());
        }
        let written = Written::of(text);
        let end = written.plain.len();
        let mut segments = segments(&written.plain[SCHEME.len()..]).into_iter();
        let (manager, named) = parse_manager(segments.next(), end)?;
        let provider = parse_provider(segments.next(), &named, end)?;
        let (path, key) = match manager {
            Manager::Vault => parse_path(segments, end)?,
            Manager::Aws => parse_aws_path(segments, end)?,
            Manager::Kubernetes => parse_kubernetes_path(segments, end)?,
        };
        let pin = match manager {
            Manager::Vault => Pin::of_vault,
            Manager::Aws => Pin::of_aws,
            Manager::Kubernetes => Pin::of_kubernetes,
        };
        let extensions = written.extensions(pin)?;
        let selector = Selector { key, decode: extensions.decode, pointer: extensions.pointer };
        Ok(Self { manager, provider, path, pin: extensions.pin, selector })
    }
}

impl From<Fault> for RefError {
    fn from(Fault { why, at }: Fault) -> Self {
        Self { problem: RefProblem::BadExtension { why }, at }
    }
}

fn fail<T>(problem: RefProblem, at: Range<usize>) -> Result<T, RefError> {
    Err(RefError { problem, at })
}

fn segments(rest: &str) -> Vec<Segment<'_>> {
    let mut start = SCHEME.len();
    rest.split('/')
        .map(|text| {
            let at = start..start + text.len();
            start = at.end + 1;
            Segment { text, at }
        })
        .collect()
}

fn parse_manager(segment: Option<Segment<'_>>, end: usize) -> Result<(Manager, String), RefError> {
    let Some(segment) = segment.filter(|s| !s.text.is_empty()) else {
        return fail(RefProblem::MissingManager, SCHEME.len()..end);
    };
    match Manager::from_slug(segment.text) {
        Some(manager) => Ok((manager, segment.text.to_owned())),
        None => fail(
            RefProblem::UnknownManager {
                found: segment.text.to_owned(),
                hint: Manager::from_slug(&segment.text.to_ascii_lowercase()),
            },
            segment.at,
        ),
    }
}

fn parse_provider(segment: Option<Segment<'_>>, manager: &str, end: usize) -> Result<ProviderId, RefError> {
    let Some(segment) = segment.filter(|s| !s.text.is_empty()) else {
        let manager = manager.to_owned();
        return fail(RefProblem::MissingProviderId { manager }, end..end);
    };
    segment.text.parse().map_err(|why: crate::name::NameError| RefError {
        problem: RefProblem::BadProviderId { found: segment.text.to_owned(), why: why.to_string() },
        at: segment.at,
    })
}

/// Everything after the provider: the path to the secret, and the key after its last slash.
fn parse_path<'a>(segments: impl Iterator<Item = Segment<'a>>, end: usize) -> Result<(Vec<String>, String), RefError> {
    let mut kept: Vec<String> = Vec::new();
    let mut ends_with_slash = true;
    for segment in segments {
        ends_with_slash = segment.text.is_empty();
        if !ends_with_slash {
            check_segment(&segment)?;
            kept.push(segment.text.to_owned());
        }
    }
    if kept.is_empty() {
        return fail(RefProblem::MissingPath, end..end);
    }
    if ends_with_slash || kept.len() == 1 {
        return fail(RefProblem::MissingField { path: kept.join("/") }, end..end);
    }
    let key = kept.pop().unwrap_or_default();
    Ok((kept, key))
}

/// As [`parse_path`], but one segment is enough, and an empty one in between or in front is kept.
fn parse_aws_path<'a>(
    segments: impl Iterator<Item = Segment<'a>>,
    end: usize,
) -> Result<(Vec<String>, String), RefError> {
    let mut kept: Vec<String> = Vec::new();
    for segment in segments {
        check_segment(&segment)?;
        kept.push(segment.text.to_owned());
    }
    if kept.iter().all(String::is_empty) {
        return fail(RefProblem::MissingPath, end..end);
    }
    match kept.pop() {
        Some(last) if last.is_empty() => fail(RefProblem::MissingField { path: kept.join("/") }, end..end),
        Some(only) if kept.is_empty() => Ok((vec![only], String::new())),
        last => Ok((kept, last.unwrap_or_default())),
    }
}

/// Namespace, Secret and key: each once.
fn parse_kubernetes_path<'a>(
    segments: impl Iterator<Item = Segment<'a>>,
    end: usize,
) -> Result<(Vec<String>, String), RefError> {
    let (path, key) = parse_path(segments, end)?;
    match kubernetes::check_path(&path, &key) {
        Ok(()) => Ok((path, key)),
        Err(why) if path.len() == 1 => fail(RefProblem::BadPath { why }, end..end),
        Err(why) => fail(RefProblem::BadPath { why }, end.saturating_sub(key.len() + path.join("/").len() + 1)..end),
    }
}

fn check_segment(segment: &Segment<'_>) -> Result<(), RefError> {
    let text = segment.text;
    if text == "." || text == ".." {
        return fail(RefProblem::BadSegment { segment: text.to_owned() }, segment.at.clone());
    }
    if let Some((offset, character)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) {
        let start = segment.at.start + offset;
        return fail(RefProblem::ForbiddenCharacter { character }, start..start + character.len_utf8());
    }
    if text.trim() != text {
        return fail(RefProblem::StrayBlank { segment: text.to_owned() }, segment.at.clone());
    }
    Ok(())
}

/// `\` and `;` mean different things to different servers.
fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\\' | ';')
}

/// What an operator's text in a sensitive field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A well-formed reference to a secret of a provider.
    Reference(SecretRef),
    /// A well-formed reference to the environment.
    Env(EnvRef),
    /// Begins like a reference but is none.
    Malformed(RefError),
    /// Looks as if a reference was meant (`$Secret://`, `secret://`, text around it); the sentence says why it is none.
    NearMiss(&'static str),
    /// Ordinary text.
    Literal,
}

/// Tells a reference, a near miss and ordinary text apart.
#[must_use]
pub fn read(text: &str) -> Reading {
    if text.starts_with(SCHEME) {
        return match text.parse() {
            Ok(reference) => Reading::Reference(reference),
            Err(error) => Reading::Malformed(error),
        };
    }
    if EnvRef::is_meant(text) {
        return match text.parse() {
            Ok(reference) => Reading::Env(reference),
            Err(error) => Reading::Malformed(error),
        };
    }
    if text.to_ascii_lowercase().contains("$env:/") || text.starts_with("env://") {
        return Reading::NearMiss("This looks like a reference; write $env://<NAME>, and nothing else.");
    }
    if text.trim_start().starts_with(SCHEME) {
        return Reading::NearMiss("Remove the blank before $secret://: a reference is the whole value.");
    }
    if text.contains(SCHEME) {
        return Reading::NearMiss("A reference must be the whole value: nothing may stand before $secret://.");
    }
    if text.to_ascii_lowercase().contains("secret://") {
        return Reading::NearMiss(
            "This looks like a reference; write $secret:// with the dollar sign and in lower case.",
        );
    }
    Reading::Literal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<(&str, &str, &str), &str>) {
        let got: Result<SecretRef, RefError> = text.parse();
        let got = got.as_ref().map(|r| (r.provider().as_str(), r.path().join("/"), r.key()));
        match (got, expected) {
            (Ok((provider, path, key)), Ok(want)) => assert_eq!((provider, path.as_str(), key), want, "{text}"),
            (Err(error), Err(code)) => assert_eq!(error.problem.code(), code, "{text}: {error}"),
            (got, want) => panic!("{text}: got {got:?}, wanted {want:?}"),
        }
    }

    /// The parse vectors of the behaviour reference, by their ids.
    #[test]
    fn vectors() {
        for (_id, text, expected) in [
            ("P01", "$secret://vault/my-vault/consumer/alice/key", Ok(("my-vault", "consumer/alice", "key"))),
            ("P02", "$secret://", Err("ref.missing_manager")),
            ("P03", "$secret://vault", Err("ref.missing_provider_id")),
            ("P04", "$secret://vault/", Err("ref.missing_provider_id")),
            ("P06", "$secret://vault/my-vault/", Err("ref.missing_path")),
            ("P06b", "$secret://vault/my-vault", Err("ref.missing_path")),
            ("P07", "$secret:///my-vault/a/key", Err("ref.missing_manager")),
            ("P10", "$secret://foo/bar/a/key", Err("ref.unknown_manager")),
            ("P11", "$secret://Vault/my-vault/a/key", Err("ref.unknown_manager")),
            ("P12", "$SECRET://vault/my-vault/a/key", Err("ref.not_a_reference")),
            ("P14", "secret://vault/my-vault/a/key", Err("ref.not_a_reference")),
            ("P17", "Bearer $secret://vault/my-vault/a/key", Err("ref.not_a_reference")),
            ("V07", "$secret://vault/my-vault/key", Err("ref.missing_field")),
            ("V09", "$secret://vault/my-vault/consumer/alice/", Err("ref.missing_field")),
            ("V10", "$secret://vault/my-vault/a//b/key", Ok(("my-vault", "a/b", "key"))),
            ("V11", "$secret://vault/my-vault/../other/key", Err("ref.bad_segment")),
            ("V12", "$secret://vault/my-vault/../../sys/x/key", Err("ref.bad_segment")),
            ("V14", "$secret://vault/my-vault/a b/key", Ok(("my-vault", "a b", "key"))),
            ("V15", "$secret://vault/my-vault/a%2Fb/key", Ok(("my-vault", "a%2Fb", "key"))),
            ("V15b", "$secret://vault/my-vault/%2e%2e/key", Ok(("my-vault", "%2e%2e", "key"))),
            ("dot", "$secret://vault/my-vault/a/./key", Err("ref.bad_segment")),
            ("dot key", "$secret://vault/my-vault/a/..", Err("ref.bad_segment")),
            ("query", "$secret://vault/my-vault/a/key?version=1", Ok(("my-vault", "a", "key"))),
            ("semicolon", "$secret://vault/my-vault/a;b/key", Err("ref.forbidden_character")),
            ("backslash", "$secret://vault/my-vault/..\\x/key", Err("ref.forbidden_character")),
            ("newline", "$secret://vault/my-vault/a/key\n", Err("ref.forbidden_character")),
            ("blank", "$secret://vault/my-vault/a/key ", Err("ref.stray_blank")),
            ("id", "$secret://vault/my vault/a/key", Err("ref.bad_provider_id")),
            (
                "A01",
                "$secret://aws/my-secrets-manager/alice-credentials/alice-key-auth",
                Ok(("my-secrets-manager", "alice-credentials", "alice-key-auth")),
            ),
            (
                "A03",
                "$secret://aws/my-secrets-manager/alice-credentials",
                Ok(("my-secrets-manager", "alice-credentials", "")),
            ),
            ("A04", "$secret://aws/my-secrets-manager/alice-credentials/", Err("ref.missing_field")),
            ("A09", "$secret://aws/my-secrets-manager/plain", Ok(("my-secrets-manager", "plain", ""))),
            (
                "A12",
                "$secret://aws/my-secrets-manager/apisix/full/path",
                Ok(("my-secrets-manager", "apisix/full", "path")),
            ),
            (
                "A22",
                "$secret://aws/my-secrets-manager/arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x",
                Ok(("my-secrets-manager", "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC", "x")),
            ),
            ("aws slash", "$secret://aws/sm//prod/db", Ok(("sm", "/prod", "db"))),
            ("aws bare", "$secret://aws/sm", Err("ref.missing_path")),
            ("aws bare slash", "$secret://aws/sm/", Err("ref.missing_path")),
            ("aws slashes", "$secret://aws/sm//", Err("ref.missing_path")),
            ("aws climb", "$secret://aws/sm/a/../b", Err("ref.bad_segment")),
            ("aws query", "$secret://aws/sm/a/b?stage=AWSPREVIOUS", Ok(("sm", "a", "b"))),
            ("aws case", "$secret://AWS/sm/a/b", Err("ref.unknown_manager")),
        ] {
            check(text, expected);
        }
        check(&format!("$secret://vault/v/{}/k", "x".repeat(1024)), Err("ref.too_long"));
    }

    #[test]
    fn a_wrong_case_manager_is_told_the_right_one() {
        let error = "$secret://Vault/v/a/k".parse::<SecretRef>().unwrap_err();
        assert!(error.to_string().contains("write 'vault'"), "{error}");
        assert_eq!(&"$secret://Vault/v/a/k"[error.at], "Vault");
    }

    #[test]
    fn near_misses_are_told_from_ordinary_text() {
        for (text, near) in [
            ("$SECRET://vault/v/a/k", true),
            ("$Secret://vault/v/a/k", true),
            ("secret://vault/v/a/k", true),
            (" $secret://vault/v/a/k", true),
            ("Bearer $secret://vault/v/a/k", true),
            ("$env:/A", true),
            ("env://A", true),
            (" $env://A", true),
            ("Bearer $ENV://A", true),
            ("alice-primary-key", false),
            ("an env", false),
            ("", false),
        ] {
            assert_eq!(matches!(read(text), Reading::NearMiss(_)), near, "{text:?}");
            assert_eq!(matches!(read(text), Reading::Literal), !near, "{text:?}");
        }
    }

    fn segment() -> impl Strategy<Value = String> {
        "[^/\\\\?#;\\p{C}]{1,12}[?=&a-z]{0,3}".prop_filter("a segment", |s| s.trim() == s && s != "." && s != "..")
    }

    proptest! {
        #[test]
        fn a_reference_survives_writing_and_reading(
            provider in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}",
            path in prop::collection::vec(segment(), 1..6),
            key in segment(),
        ) {
            for manager in ["vault", "aws"] {
                let text = format!("$secret://{manager}/{provider}/{}/{key}", path.join("/"));
                let reference: SecretRef = text.parse().unwrap();
                prop_assert_eq!(reference.to_string(), text.clone());
                prop_assert_eq!(reference.path(), &path[..]);
                prop_assert_eq!(reference.key(), &key);
                let json = serde_json::to_string(&reference).unwrap();
                prop_assert_eq!(serde_json::from_str::<SecretRef>(&json).unwrap(), reference);
            }
            let whole: SecretRef = format!("$secret://aws/{provider}/{key}").parse().unwrap();
            prop_assert_eq!(whole.to_string().parse::<SecretRef>().unwrap(), whole);
        }

        #[test]
        fn no_text_makes_the_parser_fail_or_climb(text in "\\PC{0,60}", tail in "[./%a-z\\\\]{0,40}([?&](version|stage|decode)=[a-z0-9]{0,6}){0,2}(#/[a-z~0/]{0,6})?") {
            let after = |scheme: &str| format!("{scheme}{tail}");
            for text in [text.clone(), after("$secret://vault/v/"), after("$secret://aws/v/"), after("$secret://kubernetes/v/"), format!("$secret://{text}")] {
                if let Ok(reference) = text.parse::<SecretRef>() {
                    prop_assert!(reference.path().iter().all(|s| s != ".." && s != "."));
                    prop_assert!(reference.manager() == Manager::Aws || !reference.path().contains(&String::new()));
                    prop_assert_eq!(reference.to_string().parse::<SecretRef>().unwrap(), reference);
                }
            }
        }
    }
}
