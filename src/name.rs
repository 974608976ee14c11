//! The names operators give to things, each parsed once. A name is in many places at once (a consumer's in all
//! its credentials), so a clone shares the text.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text cannot be a name. The message is a sentence for the field it was typed into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(String);

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                let check: fn(&str) -> Result<(), NameError> = $check;
                check(text)?;
                Ok(Self(text.into()))
            }
        }
        text_form!($name);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// A gateway group: letters, digits, `.`, `_`, `-`; 1 to 64; begins with a letter or digit.
    GroupName,
    |text| identifier("A gateway group name", text)
);
name_type!(
    /// Secret Provider ID: letters, digits, `.`, `_`, `-`; 1 to 64; begins with a letter or digit.
    ProviderId,
    |text| identifier("A Secret Provider ID", text)
);
name_type!(
    /// The id of a credential, service or route: the grammar of APISIX ids
    /// (`apisix/schema_def.lua`: `[a-zA-Z0-9-_.]`, 1 to 64), beginning with a letter or digit.
    ObjectId,
    |text| identifier("An id", text)
);
name_type!(
    /// A consumer's name, case-sensitive: letters, digits, `_`, `-`; 1 to 256
    /// (`apisix/schema_def.lua`, `username`).
    ConsumerName,
    consumer_name
);
name_type!(
    /// The name of a credential, service or route: 1 to 256 characters of any script, without control
    /// characters and without blanks at either end.
    DisplayName,
    display_name
);
name_type!(
    /// The user of Basic Authentication: 1 to 256 characters, without blanks (the gateway removes them from
    /// what was sent), control characters, or the colon that ends it (RFC 7617 §2).
    Username,
    |text| {
        check_length("A username", text, 256)?;
        let bad = |c: char| c == ':' || c.is_whitespace() || c.is_control();
        if text.contains(bad) {
            return Err(NameError("A username has no blanks, colons or control characters.".to_owned()));
        }
        Ok(())
    }
);
name_type!(
    /// What a JWT names its credential by, in the claim `key`: 1 to 256 characters, no control characters, no
    /// blanks at either end.
    JwtKey,
    |text| plain_text("A key", text)
);
name_type!(
    /// The `keyId` of an HTTP signature: 1 to 256 characters, without blanks, control characters, quotes and
    /// commas, which its header could not carry.
    KeyId,
    |text| {
        check_length("A key ID", text, 256)?;
        let bad = |c: char| matches!(c, '"' | ',' | '\\') || c.is_whitespace() || c.is_control();
        if text.contains(bad) {
            return Err(NameError("A key ID has no blanks, quotes, commas, backslashes or control characters.".to_owned()));
        }
        Ok(())
    }
);

impl GroupName {
    /// The group that exists in every installation.
    #[must_use]
    pub fn default_group() -> Self {
        Self("default".into())
    }
}

fn identifier(what: &str, text: &str) -> Result<(), NameError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    check_length(what, text, 64)?;
    if !text.chars().all(allowed) {
        return Err(NameError(format!("{what} may have letters, digits, '.', '_' and '-' only.")));
    }
    if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(NameError(format!("{what} begins with a letter or a digit.")));
    }
    Ok(())
}

fn consumer_name(text: &str) -> Result<(), NameError> {
    check_length("A consumer's name", text, 256)?;
    if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
        Ok(())
    } else {
        Err(NameError("A consumer's name may have letters, digits, '_' and '-' only.".to_owned()))
    }
}

fn display_name(text: &str) -> Result<(), NameError> {
    plain_text("A name", text)
}

fn plain_text(what: &str, text: &str) -> Result<(), NameError> {
    check_length(what, text, 256)?;
    if text.chars().any(char::is_control) {
        return Err(NameError(format!("{what} has no control characters.")));
    }
    if text.trim() != text {
        return Err(NameError("Remove the blank at the start or end.".to_owned()));
    }
    Ok(())
}

fn check_length(what: &str, text: &str, most: usize) -> Result<(), NameError> {
    match text.chars().count() {
        0 => Err(NameError(format!("{what} is needed here."))),
        n if n > most => Err(NameError(format!("{what} has at most {most} characters; this has {n}."))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provider_ids() {
        for (text, ok) in [
            ("my-vault", true),
            ("a", true),
            ("9.b_c-d", true),
            ("", false),
            ("-a", false),
            ("a b", false),
            ("a/b", false),
            ("ü", false),
        ] {
            assert_eq!(text.parse::<ProviderId>().is_ok(), ok, "{text:?}");
        }
        assert!("x".repeat(64).parse::<ProviderId>().is_ok());
        assert!("x".repeat(65).parse::<ProviderId>().is_err());
    }

    #[test]
    fn consumer_names_are_case_sensitive() {
        for (text, ok) in [("Alice", true), ("a_b-9", true), ("", false), ("a.b", false), ("a b", false)] {
            assert_eq!(text.parse::<ConsumerName>().is_ok(), ok, "{text:?}");
        }
        assert_ne!("Alice".parse::<ConsumerName>(), "alice".parse::<ConsumerName>());
    }

    #[test]
    fn display_names() {
        for (text, ok) in
            [("primary-key", true), ("名前", true), ("a b", true), (" a", false), ("a\n", false), ("", false)]
        {
            assert_eq!(text.parse::<DisplayName>().is_ok(), ok, "{text:?}");
        }
    }
}
