//! Credentials: how a consumer proves who it is.

use crate::name::{ConsumerName, DisplayName, ObjectId};
use crate::problem::{FieldProblem, Problems};
use crate::provider::vault::FormSecret;
use crate::secret_ref::{self, Reading};
use crate::sensitive::{Entered, SecretField};
use serde::{Deserialize, Serialize};

/// One credential of one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential<S> {
    /// Sent upstream as `X-Credential-Identifier`.
    pub id: ObjectId,
    pub consumer: ConsumerName,
    /// Unique among the consumer's credentials of the same kind.
    pub name: DisplayName,
    pub kind: CredentialKind<S>,
}

/// What kind of proof it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum CredentialKind<S> {
    /// A key in a header or query parameter (`apisix/plugins/key-auth.lua`).
    KeyAuth { key: SecretField<S> },
}

impl<S> CredentialKind<S> {
    /// The plugin that accepts it.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::KeyAuth { .. } => "key-auth",
        }
    }

    /// The field that proves it.
    #[must_use]
    pub fn secret(&self) -> &SecretField<S> {
        match self {
            Self::KeyAuth { key } => key,
        }
    }
}

impl<S> Credential<S> {
    /// Converts the holder of every secret in it.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<T, E>(&self, f: impl FnOnce(&'static str, &S) -> Result<T, E>) -> Result<Credential<T>, E> {
        Ok(Credential {
            id: self.id.clone(),
            consumer: self.consumer.clone(),
            name: self.name.clone(),
            kind: match &self.kind {
                CredentialKind::KeyAuth { key } => CredentialKind::KeyAuth { key: key.try_map(f, "key")? },
            },
        })
    }
}

/// A sensitive field as typed: which radio is chosen, and the text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFieldForm {
    pub source: Source,
    /// The secret when typed in (empty keeps a stored one), or the reference's text.
    pub text: FormSecret,
}

/// Where a sensitive field's value comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    #[default]
    ManuallyInput,
    Reference,
}

impl Source {
    /// Both, in the order the radios stand.
    pub const ALL: [Self; 2] = [Self::ManuallyInput, Self::Reference];

    /// As the radio shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::ManuallyInput => "Manually Input",
            Self::Reference => "Reference from Secret Provider",
        }
    }

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::ManuallyInput => "manually_input",
            Self::Reference => "reference",
        }
    }
}

/// The longest key typed in, in bytes.
pub const MAX_LITERAL: usize = 8 * 1024;

impl SecretFieldForm {
    /// Parses the field. A text that looks like a reference is never taken as a secret by accident:
    /// the sentence says how to choose.
    ///
    /// # Errors
    /// A sentence for the field.
    pub fn parse(&self) -> Result<SecretField<Entered>, String> {
        match (self.source, secret_ref::read(self.text.0.trim())) {
            (Source::Reference, Reading::Reference(reference)) => Ok(SecretField::Reference(reference)),
            (Source::Reference, Reading::Malformed(error)) => Err(error.to_string()),
            (Source::Reference, Reading::NearMiss(why)) => Err(why.to_owned()),
            (Source::Reference, Reading::Literal) => {
                Err("Enter a reference such as $secret://vault/my-vault/consumer/alice/key, or choose Manually Input."
                    .to_owned())
            }
            (Source::ManuallyInput, Reading::Literal) => self.literal(),
            (Source::ManuallyInput, _) => {
                Err("This looks like a reference: choose Reference from Secret Provider.".to_owned())
            }
        }
    }

    fn literal(&self) -> Result<SecretField<Entered>, String> {
        let text = &self.text.0;
        if text.len() > MAX_LITERAL {
            return Err(format!("A key has at most {MAX_LITERAL} bytes."));
        }
        if text.chars().any(char::is_control) {
            return Err("A key has no control characters.".to_owned());
        }
        if text.trim() != text {
            return Err("Remove the blank at the start or end of the key.".to_owned());
        }
        Ok(SecretField::Literal(Entered::from_field(text)))
    }
}

/// The Key Authentication dialog as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyAuthForm {
    pub name: String,
    pub key: SecretFieldForm,
}

impl KeyAuthForm {
    /// Checks every field. `id` and `consumer` come from the page, not from the form.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self, id: ObjectId, consumer: ConsumerName) -> Result<Credential<Entered>, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        let key = problems.check("key", self.key.parse());
        let credential =
            (|| Some(Credential { id, consumer, name: name?, kind: CredentialKind::KeyAuth { key: key? } }))();
        problems.finish(credential)
    }

    /// The form that edits `credential`. A stored literal shows as an empty field, which keeps it.
    #[must_use]
    pub fn of<S>(credential: &Credential<S>) -> Self {
        let CredentialKind::KeyAuth { key } = &credential.kind;
        Self {
            name: credential.name.to_string(),
            key: match key {
                SecretField::Literal(_) => SecretFieldForm::default(),
                SecretField::Reference(reference) => {
                    SecretFieldForm { source: Source::Reference, text: FormSecret(reference.to_string()) }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: Source, text: &str, expected: Result<bool, &str>) {
        let got = SecretFieldForm { source, text: FormSecret(text.to_owned()) }.parse();
        match (&got, expected) {
            (Ok(field), Ok(is_reference)) => assert_eq!(field.reference().is_some(), is_reference, "{text:?}"),
            (Err(why), Err(part)) => assert!(why.contains(part), "{text:?}: {why}"),
            _ => panic!("{text:?}: {got:?}, wanted {expected:?}"),
        }
    }

    #[test]
    fn a_reference_is_never_stored_as_a_key_and_a_key_never_as_a_reference() {
        let reference = "$secret://vault/my-vault/consumer/alice/key";
        for (source, text, expected) in [
            (Source::ManuallyInput, "alice-primary-key", Ok(false)),
            (Source::ManuallyInput, "", Ok(false)),
            (Source::ManuallyInput, reference, Err("choose Reference from Secret Provider")),
            (Source::ManuallyInput, "$Secret://vault/x", Err("choose Reference from Secret Provider")),
            (Source::ManuallyInput, " key", Err("blank")),
            (Source::ManuallyInput, "a\u{7}b", Err("control")),
            (Source::Reference, reference, Ok(true)),
            (Source::Reference, "alice-primary-key", Err("Enter a reference")),
            (Source::Reference, "", Err("Enter a reference")),
            (Source::Reference, "$secret://vault/my-vault/../x/key", Err("cannot climb")),
            (Source::Reference, "Bearer $secret://vault/v/a/k", Err("whole value")),
        ] {
            check(source, text, expected);
        }
        check(Source::ManuallyInput, &"x".repeat(MAX_LITERAL + 1), Err("at most"));
    }
}
