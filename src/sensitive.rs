//! How a secret is held. Every type with a secret in it is generic over one of these holders.
//!
//! | holder | lives | serialised? | printed |
//! |---|---|---|---|
//! | [`Entered`] | browser → server | yes | redacted |
//! | [`Plain`] | memory of the server | **never: there is no impl** | redacted |
//! | [`Sealed`] | database | yes | as ciphertext |
//! | [`Masked`] | server → browser, history | yes | – |
//!
//! Returning a `Plain` from a server function or logging it as JSON does not compile.

use crate::reference::Reference;
use crate::secret_ref::{Reading, read};
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// What the operator typed into a secret field: a new value, or nothing, which keeps the stored one.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", content = "with", rename_all = "snake_case")]
pub enum Entered {
    Keep,
    Replace(Typed),
}

/// The text of a secret on its way from the browser. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Typed(String);

impl Entered {
    /// An empty field keeps what is stored.
    #[must_use]
    pub fn from_field(text: &str) -> Self {
        if text.is_empty() { Self::Keep } else { Self::Replace(Typed(text.to_owned())) }
    }
}

impl Typed {
    /// What the text is: a secret itself, or a reference to one.
    #[must_use]
    pub fn reads_as(&self) -> Reading {
        read(&self.0)
    }

    /// The secret, to be sealed or used.
    #[must_use]
    pub fn into_plain(self) -> Plain {
        Plain::new(self.0.clone())
    }
}

impl Drop for Typed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Replace(_) => "Replace(redacted)",
        })
    }
}

impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed(redacted)")
    }
}

/// A raw secret in memory. Wiped when dropped, never serialised, never printed.
#[derive(Clone)]
pub struct Plain(Zeroizing<String>);

impl Plain {
    /// Takes the secret over.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself. Every call states its reason; see `clippy.toml`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the secret is the empty text, which never arms a credential.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Length in characters: what an operator may be shown.
    #[must_use]
    pub fn length(&self) -> usize {
        self.0.chars().count()
    }

    /// Whether two secrets are equal, in time that depends on their lengths only.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plain(redacted)")
    }
}

/// A secret at rest: AEAD ciphertext in base64 (key id inside), and when it was put there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    pub ciphertext: String,
    pub set_at: Millis,
}

/// All that leaves the server about a stored secret: that there is one, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masked {
    pub set_at: Millis,
}

impl From<&Sealed> for Masked {
    fn from(sealed: &Sealed) -> Self {
        Self { set_at: sealed.set_at }
    }
}

/// A field that holds either a secret itself or a reference to one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", content = "value", rename_all = "snake_case")]
pub enum SecretField<S> {
    /// Manually Input.
    Literal(S),
    /// Reference from Secret Provider, or to the environment.
    Reference(Reference),
}

impl<S> SecretField<S> {
    /// Converts the holder of a literal; a reference stays as it is.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<T, E>(
        &self,
        f: impl FnOnce(&'static str, &S) -> Result<T, E>,
        field: &'static str,
    ) -> Result<SecretField<T>, E> {
        Ok(match self {
            Self::Literal(secret) => SecretField::Literal(f(field, secret)?),
            Self::Reference(reference) => SecretField::Reference(reference.clone()),
        })
    }

    /// The reference, when it is one.
    #[must_use]
    pub fn reference(&self) -> Option<&Reference> {
        match self {
            Self::Reference(reference) => Some(reference),
            Self::Literal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_prints_a_secret() {
        let secret = "canary-4711";
        for printed in [
            format!("{:?}", Plain::new(secret.to_owned())),
            format!("{:?}", Entered::from_field(secret)),
            format!("{:?}", SecretField::Literal(Entered::from_field(secret))),
        ] {
            assert!(!printed.contains("canary"), "{printed}");
        }
    }

    #[test]
    fn an_empty_field_keeps_the_stored_secret() {
        assert_eq!(Entered::from_field(""), Entered::Keep);
        assert!(matches!(Entered::from_field("x"), Entered::Replace(_)));
    }
}
