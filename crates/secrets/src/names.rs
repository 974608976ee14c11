//! What a secret manager lists at a place, to complete a reference. Names only: what a name's secret holds stays in
//! the answer it came in, which is wiped.

use postern::listing::{Listing, Name, NameKind};
use std::collections::BTreeSet;

/// What was found at one place.
#[derive(Debug, Default)]
pub(crate) struct Names {
    found: BTreeSet<Name>,
    /// The manager has more.
    pub(crate) is_cut: bool,
    /// The provider may not list there.
    pub(crate) is_denied: bool,
}

impl Names {
    pub(crate) fn add(&mut self, kind: NameKind, names: impl IntoIterator<Item = String>) {
        self.found.extend(names.into_iter().map(|text| Name::new(kind, text)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl From<Names> for Listing {
    /// A provider that may not list but may read knows the keys of a secret all the same.
    fn from(names: Names) -> Self {
        match names.is_denied && names.is_empty() {
            true => Self::Denied,
            false => Self::Names { names: names.found.into_iter().collect(), is_cut: names.is_cut },
        }
    }
}
