//! Regular expressions in plugin configurations.
//!
//! APISIX has PCRE on bytes; here they run in time linear to the text, so no request can make one take long. The
//! price is that there is no looking around and no reference back to a group: such a pattern is refused when it is
//! saved.

use super::schema::{Form, Kind};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The longest pattern, in bytes; APISIX's limit of a `uri`.
const LONGEST: usize = 4096;

/// What one compiled pattern may take, in bytes: `(a{999}){999}` is short, and huge.
#[cfg(not(target_arch = "wasm32"))]
const LARGEST: usize = 1024 * 1024;

/// A regular expression that compiles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// How a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternOptions {
    /// `i`: letters match in either case (ASCII).
    pub is_case_insensitive: bool,
    /// `s`: `.` matches a line's end as well.
    pub dot_matches_line_end: bool,
    /// `m`: `^` and `$` match at lines.
    pub is_by_line: bool,
    /// `x`: blanks and comments in the pattern mean nothing.
    pub ignores_blanks: bool,
}

/// Why a text is no pattern: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl Pattern {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has a group of that number; 0 is all of it. In the browser, where no pattern is compiled, yes.
    #[must_use]
    pub fn has_group(&self, number: usize) -> bool {
        #[cfg(not(target_arch = "wasm32"))]
        return self.compile(PatternOptions::default()).is_ok_and(|compiled| number < compiled.captures_len());
        #[cfg(target_arch = "wasm32")]
        return number < usize::MAX;
    }

    /// The pattern, ready to match bytes.
    ///
    /// # Errors
    /// What it has that this gateway does not know.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn compile(&self, options: PatternOptions) -> Result<regex::bytes::Regex, PatternError> {
        regex::bytes::RegexBuilder::new(&self.0)
            .unicode(false)
            .case_insensitive(options.is_case_insensitive)
            .dot_matches_new_line(options.dot_matches_line_end)
            .multi_line(options.is_by_line)
            .ignore_whitespace(options.ignores_blanks)
            .size_limit(LARGEST)
            .build()
            .map_err(|error| PatternError(explained(&error)))
    }
}

/// The library's words are a drawing of the pattern, then the reason in its last line.
#[cfg(not(target_arch = "wasm32"))]
fn explained(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => "The pattern is too large once it is compiled. Repeat less.".to_owned(),
        other => {
            let text = other.to_string();
            let reason = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ");
            format!("This is not a regular expression that the gateway can use: {reason}.")
        }
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(PatternError(format!("A regular expression has 1 to {LONGEST} characters.")));
        }
        let pattern = Self(text.to_owned());
        // The browser does not bring the library along: there the server's answer says it.
        #[cfg(not(target_arch = "wasm32"))]
        pattern.compile(PatternOptions::default())?;
        Ok(pattern)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(Pattern);

/// A regular expression as a field.
pub(super) const PATTERN: Kind = Kind::Form(&Form { pattern: "^.{1,4096}$", read: is_pattern });

fn is_pattern(text: &str) -> Result<(), String> {
    text.parse::<Pattern>().map(drop).map_err(|error| error.to_string())
}

impl FromStr for PatternOptions {
    type Err = PatternError;

    /// The letters of nginx's Lua module. `j` and `o` say how it compiles, which is decided here.
    fn from_str(letters: &str) -> Result<Self, PatternError> {
        let mut options = Self::default();
        for letter in letters.chars() {
            match letter {
                'j' | 'o' => {}
                'i' => options.is_case_insensitive = true,
                's' => options.dot_matches_line_end = true,
                'm' => options.is_by_line = true,
                'x' => options.ignores_blanks = true,
                other => {
                    return Err(PatternError(format!(
                        "The gateway does not know the option '{other}'; it has j, o, i, s, m and x."
                    )));
                }
            }
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_run_in_linear_time_or_is_no_pattern_is_refused_with_its_reason() {
        for (text, part) in [
            ("", "1 to 4096"),
            ("(", "unclosed group"),
            ("a(?=b)", "look-around"),
            (r"(a)\1", "backreferences"),
            ("(a{999}){999}", "too large"),
            ("[z-a]", "invalid"),
        ] {
            let error = text.parse::<Pattern>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!("x".repeat(4097).parse::<Pattern>().is_err());
    }

    #[test]
    fn options_are_nginxs_letters() {
        let of = |letters: &str| letters.parse::<PatternOptions>();
        assert_eq!(of("jo").unwrap(), PatternOptions::default());
        assert!(of("joi").unwrap().is_case_insensitive);
        assert!(of("u").unwrap_err().to_string().contains("'u'"));
        let pattern: Pattern = "^b.".parse().unwrap();
        for (options, matches) in [("jo", false), ("m", true), ("mi", true)] {
            assert_eq!(pattern.compile(of(options).unwrap()).unwrap().is_match(b"a\nbc"), matches, "{options}");
        }
    }
}
