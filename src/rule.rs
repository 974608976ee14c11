//! The rules that a field has for its text, told once: the check of what is typed in and the check of what a
//! reference gives are the same, and only their words differ.
//!
//! What must never happen here: a part of the text, or its length, in the words.

use crate::reason::Reason;

/// A rule that a text breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// It has at least so many characters; with 1 it is not empty.
    AtLeast { characters: usize },
    /// It has at most so many characters.
    AtMost { characters: usize },
    /// It has at most so many bytes.
    AtMostBytes { bytes: usize },
    /// It has no control characters, line ends among them.
    OneLine,
    /// It has a form of its own; `says` is a whole sentence about that form.
    Form { says: String },
    /// It is a key for what the credential says; `says` is a whole sentence about that.
    Key { says: String },
    /// It is PEM of the right kind; `says` is a whole sentence about that.
    Pem { says: String },
    /// It is the private key of the certificate beside it.
    KeyOfCertificate,
}

impl Rule {
    /// What is expected, as a sentence for the field that the text is typed into.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::AtLeast { characters: 0 } => "This is a text.".to_owned(),
            Self::AtLeast { characters: 1 } => "This is a text that is not empty.".to_owned(),
            Self::AtLeast { characters } => format!("This is a text of at least {characters} characters."),
            Self::AtMost { characters } => format!("This is a text of at most {characters} characters."),
            Self::AtMostBytes { bytes } => format!("This is a text of at most {bytes} bytes."),
            Self::OneLine => "This is a text without control characters, such as line ends.".to_owned(),
            Self::Form { says } | Self::Key { says } | Self::Pem { says } => says.clone(),
            Self::KeyOfCertificate => {
                "Certificate and private key cannot be read, or do not belong together.".to_owned()
            }
        }
    }

    /// What is wrong with a value that is there, as a sentence.
    #[must_use]
    pub fn broken(&self) -> String {
        match self {
            Self::AtLeast { characters: 0 | 1 } => "It is empty.".to_owned(),
            Self::AtLeast { characters } => format!("It is shorter than {characters} characters."),
            Self::AtMost { characters } => format!("It is longer than {characters} characters."),
            Self::AtMostBytes { bytes } => format!("It is longer than {bytes} bytes."),
            Self::OneLine => "It has control characters, such as line ends.".to_owned(),
            Self::Form { says } | Self::Key { says } | Self::Pem { says } => says.clone(),
            Self::KeyOfCertificate => "It and the certificate cannot be read, or do not belong together.".to_owned(),
        }
    }

    /// Its stable code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::AtLeast { characters: 0 | 1 } => Reason::FieldEmpty,
            Self::AtLeast { .. } => Reason::FieldTooShort,
            Self::AtMost { .. } | Self::AtMostBytes { .. } => Reason::FieldTooLong,
            Self::OneLine => Reason::FieldControlCharacter,
            Self::Form { .. } => Reason::FieldWrongForm,
            Self::Key { .. } => Reason::FieldNoKey,
            Self::Pem { .. } => Reason::FieldNotPem,
            Self::KeyOfCertificate => Reason::FieldNotAPair,
        }
    }
}
