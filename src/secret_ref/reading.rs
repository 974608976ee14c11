//! What an operator has typed.

use super::{RefError, SCHEME, SecretRef};
use crate::env_ref::EnvRef;

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
