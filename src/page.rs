//! Pages of a long list: which rows are asked for, and what is known of the rest.
//!
//! A page is found by the row that it follows or precedes, never by how many rows lie before it. So it costs the same
//! everywhere in the list, and no row is skipped or shown twice because others came or went.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// The rows of a page.
pub const ROWS: usize = 20;

/// Of more rows than these, it is only said that there are more.
pub const COUNTED: usize = 1_000;

/// The search knows so many characters in a row, and nothing shorter.
const SHORTEST_CONTAINED: usize = 3;

/// Of a longer text the beginning is searched for.
const LONGEST_SEARCH: usize = 256;

/// Which rows of a list are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PageQuery {
    pub search: SearchText,
    pub at: At,
}

/// Where in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum At {
    #[default]
    Start,
    After(Mark),
    Before(Mark),
}

/// Names a row by what the list is ordered by. The row itself need not be there any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mark {
    /// `name:Alice`
    Name(String),
    /// `number:17`: the order in which rows were added.
    Number(u64),
}

/// The text is no [`Mark`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("A place in a list is written name:… or number:…")]
pub struct NoMark;

impl FromStr for Mark {
    type Err = NoMark;
    fn from_str(text: &str) -> Result<Self, NoMark> {
        match text.split_once(':') {
            Some(("name", name)) => Ok(Self::Name(name.to_owned())),
            Some(("number", number)) => number.parse().map(Self::Number).map_err(|_| NoMark),
            _ => Err(NoMark),
        }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "name:{name}"),
            Self::Number(number) => write!(f, "number:{number}"),
        }
    }
}

text_form!(Mark);

/// What is searched for: without blanks at its ends and control characters. Empty when nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct SearchText(String);

impl SearchText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether nothing is searched for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is looked for at the beginning of names only.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.chars().count() < SHORTEST_CONTAINED
    }
}

impl From<&str> for SearchText {
    fn from(typed: &str) -> Self {
        let visible = typed.trim().chars().filter(|c| !c.is_control()).take(LONGEST_SEARCH);
        Self(visible.collect::<String>().trim().to_owned())
    }
}

impl From<String> for SearchText {
    fn from(typed: String) -> Self {
        typed.as_str().into()
    }
}

impl From<SearchText> for String {
    fn from(text: SearchText) -> Self {
        text.0
    }
}

impl FromStr for SearchText {
    type Err = Infallible;
    fn from_str(typed: &str) -> Result<Self, Infallible> {
        Ok(typed.into())
    }
}

/// How many rows the whole list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Total {
    Exactly(usize),
    MoreThan(usize),
}

impl Total {
    /// Of so many that were counted, which was not done any further than one above [`COUNTED`].
    #[must_use]
    pub fn counted(rows: usize) -> Self {
        if rows > COUNTED { Self::MoreThan(COUNTED) } else { Self::Exactly(rows) }
    }
}

impl fmt::Display for Total {
    /// `1,000+`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(rows) => f.write_str(&in_thousands(*rows)),
            Self::MoreThan(rows) => write!(f, "{}+", in_thousands(*rows)),
        }
    }
}

/// `1,000,000`
#[must_use]
pub fn in_thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Some rows of a list, and how to go on from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// What these rows were searched for.
    pub search: SearchText,
    pub total: Total,
    /// The first row, when there are rows before it.
    pub previous: Option<Mark>,
    /// The last row, when more follow it.
    pub next: Option<Mark>,
}

impl<T> Page<T> {
    /// The whole list has no row.
    #[must_use]
    pub fn is_empty_list(&self) -> bool {
        self.rows.is_empty() && self.search.is_empty()
    }

    /// The same page of other rows.
    ///
    /// # Errors
    /// The first that `convert` gives.
    pub fn try_map<U, E>(self, convert: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        let rows = self.rows.into_iter().map(convert).collect::<Result<Vec<U>, E>>()?;
        Ok(Page { rows, search: self.search, total: self.total, previous: self.previous, next: self.next })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_searched_for_without_what_cannot_be_seen() {
        for (typed, expected) in [
            ("", ""),
            ("  ", ""),
            (" al\u{0}ice\n", "alice"),
            ("100%_'\" 🔑", "100%_'\" 🔑"),
            (&"é".repeat(300), &"é".repeat(256)),
        ] {
            assert_eq!(SearchText::from(typed).as_str(), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_place_in_a_list_is_written_and_read() {
        for (text, mark) in [
            ("name:Alice", Some(Mark::Name("Alice".to_owned()))),
            ("name:", Some(Mark::Name(String::new()))),
            ("name:a:b", Some(Mark::Name("a:b".to_owned()))),
            ("number:17", Some(Mark::Number(17))),
            ("number:-1", None),
            ("number:99999999999999999999", None),
            ("Alice", None),
            ("", None),
        ] {
            assert_eq!(text.parse().ok(), mark, "{text}");
            assert_eq!(mark.map_or(text.to_owned(), |mark| mark.to_string()), text);
        }
    }

    #[test]
    fn totals_are_written_in_thousands() {
        for (total, expected) in [
            (Total::Exactly(0), "0"),
            (Total::Exactly(999), "999"),
            (Total::counted(1_000), "1,000"),
            (Total::counted(1_001), "1,000+"),
            (Total::Exactly(1_234_567), "1,234,567"),
        ] {
            assert_eq!(total.to_string(), expected);
        }
    }
}
