//! Why a text is no reference.

use super::{MAX_LENGTH, SCHEME};
use crate::provider::Manager;
use std::fmt;
use std::ops::Range;

/// Why a text is not a reference, and where in the text that shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefError {
    pub problem: RefProblem,
    /// Byte range of the part at fault, for a caret under it.
    pub at: Range<usize>,
}

/// The kinds of malformed reference. [`RefProblem::code`] gives the stable name of each.
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl RefError {
    /// Marks what is too much of it, from the beginning of a character.
    pub(crate) fn too_long(text: &str) -> Self {
        let at = text.floor_char_boundary(MAX_LENGTH)..text.len();
        Self { problem: RefProblem::TooLong { length: text.len() }, at }
    }
}

fn name_of(character: char) -> String {
    if character.is_control() {
        format!("the control character U+{:04X}", u32::from(character))
    } else {
        format!("'{character}'")
    }
}
