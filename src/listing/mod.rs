//! What completes a reference that is begun: the names that a secret manager lists, and references in use.
//!
//! Names only; a value never. Where a provider may not list, that is no failure: what is in use still completes.

mod offers;

pub use offers::{Offer, Using, offers};

use serde::{Deserialize, Serialize};

/// Of more names than these, only the first are told.
pub const MOST_NAMES: usize = 200;

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameKind {
    /// A key of the secret at the place.
    Key,
    /// A secret, whose keys stand below.
    Secret,
    /// A path below which secrets stand.
    Path,
}

/// One name that stands at a place: one segment, without slashes at its ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Name {
    pub text: String,
    pub kind: NameKind,
}

impl Name {
    /// A name.
    pub fn new(kind: NameKind, text: impl Into<String>) -> Self {
        Self { text: text.into(), kind }
    }
}

/// What a provider answers when it is asked for the names at a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Listing {
    /// In order. `is_cut`: there are more.
    Names { names: Vec<Name>, is_cut: bool },
    /// The provider may not list there.
    Denied,
    /// There was no answer in time, or there is nobody to ask.
    Unknown,
}

impl Listing {
    /// Those that begin with `begun`, and no more than can be told.
    #[must_use]
    pub fn narrowed(&self, begun: &str) -> Self {
        let Self::Names { names, is_cut } = self else { return self.clone() };
        let mut fitting = names.iter().filter(|name| name.text.starts_with(begun)).cloned();
        let names = fitting.by_ref().take(MOST_NAMES).collect();
        Self::Names { names, is_cut: *is_cut || fitting.next().is_some() }
    }

    /// Whether more is to be had by asking for the names with a certain beginning.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        matches!(self, Self::Names { is_cut: true, .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_of_many_are_told_and_that_there_are_more() {
        let names: Vec<Name> = (0..500).map(|n| Name::new(NameKind::Secret, format!("s{n:03}"))).collect();
        let all = Listing::Names { names, is_cut: false };
        for (begun, count, expected_cut) in
            [("", MOST_NAMES, true), ("s0", 100, false), ("s00", 10, false), ("s007", 1, false), ("x", 0, false)]
        {
            let Listing::Names { names, is_cut } = all.narrowed(begun) else { panic!("{begun}") };
            assert_eq!((names.len(), is_cut), (count, expected_cut), "{begun}");
        }
        assert_eq!(Listing::Denied.narrowed("a"), Listing::Denied);
    }
}
