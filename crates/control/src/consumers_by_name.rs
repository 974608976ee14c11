//! The group's consumers, as the gateway needs them, by name. There may be a million: each costs a pointer here.

use postern::snapshot::SnapshotConsumer;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::Arc;

/// In how many parts they lie: a changed copy copies the consumers' pointers of one part. A power of two.
const PARTS: usize = 1024;

/// Cheap to clone: the parts are shared with the clone until one of them changes.
#[derive(Clone, Debug)]
pub(crate) struct Consumers {
    parts: Vec<Arc<HashSet<ByName, RandomState>>>,
    hasher: RandomState,
    count: usize,
}

/// The same as another one of that name.
#[derive(Clone, Debug)]
struct ByName(Arc<SnapshotConsumer>);

impl Borrow<str> for ByName {
    fn borrow(&self) -> &str {
        self.0.name.as_str()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_str().hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}

impl Default for Consumers {
    fn default() -> Self {
        let hasher = RandomState::new();
        let empty = Arc::new(HashSet::with_hasher(hasher.clone()));
        Self { parts: vec![empty; PARTS], hasher, count: 0 }
    }
}

/// Whether both have the same consumers.
impl PartialEq for Consumers {
    fn eq(&self, other: &Self) -> bool {
        let same = |consumer: &ByName| other.get(consumer.borrow()) == Some(&consumer.0);
        self.count == other.count && self.parts.iter().flat_map(|part| part.iter()).all(same)
    }
}

impl Consumers {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// The one of that name.
    pub(crate) fn get(&self, name: &str) -> Option<&Arc<SnapshotConsumer>> {
        self.parts[self.part_of(name)].get(name).map(|found| &found.0)
    }

    /// Whether there is one of that name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Puts one in place of the one that had its name, if there was one.
    pub(crate) fn insert(&mut self, consumer: Arc<SnapshotConsumer>) {
        let part = self.part_of(consumer.name.as_str());
        let before = Arc::make_mut(&mut self.parts[part]).replace(ByName(consumer));
        self.count += usize::from(before.is_none());
    }

    /// Takes out the one of that name.
    pub(crate) fn remove(&mut self, name: &str) {
        // Looked for first: a part is not copied for one that it does not have.
        if self.contains(name) {
            let part = self.part_of(name);
            Arc::make_mut(&mut self.parts[part]).remove(name);
            self.count -= 1;
        }
    }

    fn part_of(&self, name: &str) -> usize {
        // The middle: a part goes by both ends of the hash.
        (self.hasher.hash_one(name) >> 32) as usize % PARTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(name: &str, custom_id: Option<&str>) -> Arc<SnapshotConsumer> {
        Arc::new(SnapshotConsumer { name: name.parse().unwrap(), custom_id: custom_id.map(Into::into) })
    }

    #[test]
    fn it_holds_the_last_of_each_name_and_copies_do_not_disturb_each_other() {
        let mut first = Consumers::default();
        for n in 0..5_000 {
            first.insert(consumer(&format!("c{n}"), None));
        }
        let mut second = first.clone();
        assert_eq!((first == second, first.len()), (true, 5_000));
        second.insert(consumer("c7", Some("42")));
        assert_eq!((second.len(), second == first), (5_000, false));
        second.remove("c8");
        second.remove("nobody");
        assert_eq!((second.len(), second.contains("c8"), first.contains("c8")), (4_999, false, true));
        let label = |consumers: &Consumers| consumers.get("c7").and_then(|found| found.custom_id.clone());
        assert_eq!((label(&first).as_deref(), label(&second).as_deref()), (None, Some("42")));
        let shared = first.parts.iter().zip(&second.parts).filter(|(one, other)| Arc::ptr_eq(one, other));
        assert!(shared.count() >= PARTS - 2);
    }

    #[test]
    fn two_are_equal_whatever_their_places_were_chosen_by() {
        let of = |names: &[&str]| {
            let mut consumers = Consumers::default();
            names.iter().for_each(|name| consumers.insert(consumer(name, None)));
            consumers
        };
        for (one, other, equal) in [
            (vec!["a", "b", "c"], vec!["c", "b", "a"], true),
            (vec!["a"], vec!["a", "b"], false),
            (vec!["a", "c"], vec!["a", "b"], false),
            (vec![], vec![], true),
        ] {
            assert_eq!(of(&one) == of(&other), equal, "{one:?} {other:?}");
        }
    }
}
