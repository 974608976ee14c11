//! A file that holds a token for Vault.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The path of a token file below the folder that the server's configuration gives: `my-vault/token`. It cannot
/// climb out of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenFile(String);

/// Why a text is not the path of a token file: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TokenFileError(&'static str);

impl TokenFile {
    /// The path, with `/` between its parts.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenFile {
    type Err = TokenFileError;

    fn from_str(text: &str) -> Result<Self, TokenFileError> {
        let path = text.trim();
        if path.is_empty() {
            return Err(TokenFileError("The file's path below the folder of token files is needed here."));
        }
        if path.starts_with('/') {
            return Err(TokenFileError("Write the path below the folder of token files, without a slash in front."));
        }
        if path.chars().any(|c| c.is_control() || c == '\\') {
            return Err(TokenFileError("The path of a token file has no '\\' and no control characters."));
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(TokenFileError("The path of a token file has no part that is empty, '.' or '..'."));
        }
        Ok(Self(path.to_owned()))
    }
}

impl fmt::Display for TokenFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(TokenFile);
