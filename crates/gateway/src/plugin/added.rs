//! What plugins say of the answer while there is none yet.

use http::{HeaderMap, HeaderName, HeaderValue};
use postern::plugin::PluginName;
use smallvec::SmallVec;

/// Headers for an answer, whoever gives it, and who has refused the request. There are few headers: they are a list until
/// they are put into it.
#[derive(Default)]
pub(crate) struct Added {
    headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) refused_by: Option<PluginName>,
}

impl Added {
    /// In place of whatever the answer has under that name.
    pub(crate) fn insert(&mut self, name: &HeaderName, value: HeaderValue) {
        self.headers.retain(|(other, _)| other != name);
        self.append(name, value);
    }

    /// Beside what was added under that name before.
    pub(crate) fn append(&mut self, name: &HeaderName, value: HeaderValue) {
        self.headers.push((name.clone(), value));
    }

    /// What the answer itself has under these names is gone.
    pub(crate) fn put_into(self, headers: &mut HeaderMap) {
        let mut before: SmallVec<[HeaderName; 4]> = SmallVec::new();
        for (name, value) in self.headers {
            if before.contains(&name) {
                headers.append(name, value);
            } else {
                headers.insert(&name, value);
                before.push(name);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.headers.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_replaces_what_the_answer_had() {
        let [a, b, c, d] = ["a", "b", "c", "d"].map(HeaderName::from_static);
        let value = HeaderValue::from_static;
        let mut headers = HeaderMap::new();
        for (name, text) in [(&a, "own 1"), (&a, "own 2"), (&b, "own"), (&d, "own")] {
            headers.append(name, value(text));
        }
        let mut added = Added::default();
        added.append(&a, value("1"));
        added.insert(&b, value("1"));
        added.append(&a, value("2"));
        added.insert(&b, value("2"));
        added.append(&b, value("3"));
        added.insert(&c, value("1"));
        added.put_into(&mut headers);
        for (name, expected) in [(&a, &["1", "2"][..]), (&b, &["2", "3"]), (&c, &["1"]), (&d, &["own"])] {
            assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }
}
