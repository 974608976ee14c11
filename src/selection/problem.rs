//! Why there is nothing behind an extension.

use crate::resolve::Explanation;

/// Why there is nothing behind decoding and pointer. Holds names of what is there; never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
