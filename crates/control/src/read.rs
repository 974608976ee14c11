//! Reading the whole configuration: at the start, and when a change could not be followed.
//!
//! Nearly all of a large one are consumers and keys that were typed in. Of these only what is kept is taken out of their
//! rows, on several threads; everything else is decoded as a change of it would be ([`Item::decode`]).

use crate::config::{Config, Item, snapshot_consumer};
use crate::{NotUnderstood, StartError};
use postern::consumer::Consumer;
use postern::name::{DisplayName, GroupName, ObjectId};
use postern::snapshot::SnapshotConsumer;
use postern::time::Millis;
use serde::Deserialize;
use std::borrow::Cow;
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use store::{Kind, RowRef, Store};

/// A key that was typed in, as its row has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypedIn<'a> {
    pub(crate) row: &'a str,
    pub(crate) id: &'a ObjectId,
    pub(crate) consumer: &'a str,
    pub(crate) ciphertext: &'a str,
}

/// A stored credential that is such a key. Anything else does not fit.
#[derive(Deserialize)]
struct Stored<'a> {
    id: ObjectId,
    #[serde(borrow)]
    consumer: Cow<'a, str>,
    /// Not kept, but it has to be one.
    #[serde(rename = "name")]
    _name: DisplayName,
    #[serde(borrow)]
    kind: StoredKind<'a>,
}

#[derive(Deserialize)]
struct StoredKind<'a> {
    #[serde(rename = "type")]
    _type: KeyAuth,
    #[serde(borrow)]
    key: StoredKey<'a>,
}

#[derive(Deserialize)]
struct StoredKey<'a> {
    #[serde(rename = "source")]
    _source: Literal,
    #[serde(borrow)]
    value: StoredText<'a>,
}

#[derive(Deserialize)]
struct StoredText<'a> {
    #[serde(borrow)]
    ciphertext: Cow<'a, str>,
    #[serde(rename = "set_at")]
    _set_at: Millis,
}

#[derive(Deserialize)]
enum KeyAuth {
    #[serde(rename = "key-auth")]
    KeyAuth,
}

#[derive(Deserialize)]
enum Literal {
    #[serde(rename = "literal")]
    Literal,
}

/// What some rows were understood as.
struct Portion<P> {
    consumers: Vec<Arc<SnapshotConsumer>>,
    keys: Vec<Key<P>>,
    /// The names of the keys' consumers, one after the other: memory that is given back whole.
    names: String,
    others: Vec<Item>,
}

/// A key that was typed in, and what was made of it.
struct Key<P> {
    id: ObjectId,
    consumer: Range<usize>,
    made: P,
}

impl<P> Default for Portion<P> {
    fn default() -> Self {
        Self { consumers: Vec::new(), keys: Vec::new(), names: String::new(), others: Vec::new() }
    }
}

impl<P> Portion<P> {
    fn add(&mut self, row: RowRef<'_>, make: impl Fn(TypedIn<'_>) -> P) -> Result<(), StartError> {
        match row.kind {
            Kind::Consumer => {
                let consumer: Consumer = serde_json::from_str(row.spec).map_err(|error| unreadable(row, error))?;
                self.consumers.push(snapshot_consumer(&consumer));
            }
            Kind::Credential => match serde_json::from_str::<Stored<'_>>(row.spec) {
                Ok(key) => self.add_key(row, key, make),
                Err(_) => self.others.push(Item::decode(row.to_row())?),
            },
            _ => self.others.push(Item::decode(row.to_row())?),
        }
        Ok(())
    }

    fn add_key(&mut self, row: RowRef<'_>, key: Stored<'_>, make: impl Fn(TypedIn<'_>) -> P) {
        let Stored { id, consumer, kind, .. } = key;
        let ciphertext = &kind.key.value.ciphertext;
        let made = make(TypedIn { row: row.id, id: &id, consumer: &consumer, ciphertext });
        let begin = self.names.len();
        self.names.push_str(&consumer);
        self.keys.push(Key { id, consumer: begin..self.names.len(), made });
    }
}

impl Config {
    /// Everything that is stored. `make` makes something of each key that was typed in, on several threads; `take` gets
    /// it with the key's consumer, if that is there.
    pub(crate) async fn read<P: Send + 'static>(
        group: &GroupName,
        store: &Store,
        make: impl Fn(TypedIn<'_>) -> P + Clone + Send + 'static,
        mut take: impl FnMut(ObjectId, &Arc<SnapshotConsumer>, P),
    ) -> Result<Self, StartError> {
        let mut config = Self::empty(group.clone());
        // Keys that came before their consumers, which is rare: what belongs to something is stored after it.
        let mut early = Vec::new();
        let understand = move |row: RowRef<'_>, portion: &mut Portion<P>| portion.add(row, &make);
        let take_portion = |mut portion: Portion<P>| {
            portion.consumers.drain(..).for_each(|consumer| config.consumers.insert(consumer));
            for item in portion.others.drain(..) {
                config.save(item);
            }
            for Key { id, consumer, made } in mem::take(&mut portion.keys) {
                let name = &portion.names[consumer];
                match config.consumers.get(name) {
                    Some(consumer) => take(id, consumer, made),
                    None => early.push((id, name.to_owned(), made)),
                }
            }
        };
        store.scan(group, understand, take_portion).await?;
        for (id, name, made) in early {
            if let Some(consumer) = config.consumers.get(&name) {
                take(id, consumer, made);
            }
        }
        Ok(config)
    }
}

fn unreadable(row: RowRef<'_>, error: serde_json::Error) -> StartError {
    StartError::Unreadable { kind: row.kind.slug(), name: row.name.to_owned(), source: NotUnderstood::from(error) }
}
