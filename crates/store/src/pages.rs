//! Pages of the objects of one kind, in order of name, and of those among them that were searched for.
//!
//! What was searched for comes in two parts: first the objects whose name begins with it, by name, then the others that
//! contain it, in the order in which they were added. Each part is read from an index and from nowhere else: nothing is
//! sorted or counted that is not shown. While more than [`COUNTED`] names begin so, the second part is left out.

use crate::objects::{Kind, Row, row};
use crate::{Store, StoreError};
use postern::name::GroupName;
use postern::page::{At, COUNTED, Mark, Page, PageQuery, ROWS, SearchText, Total};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::cmp::Ordering;

/// Above every name: a character that stands for none.
const HIGHEST: &str = "\u{10FFFF}";

/// More than every number.
const LAST: i64 = i64::MAX;

/// [`row`] and then the number of each object in the list.
macro_rules! listed {
    ($($rest:literal)+) => {
        concat!(
            "select o.id, o.kind, o.parent, o.name, o.revision, o.spec, o.updated_at, o.number from ",
            $($rest,)+
            " limit $6"
        )
    };
}

/// The second part of the list, between two numbers.
macro_rules! contained {
    ($direction:literal) => {
        listed!(
            "object_words cross join objects o on o.number = object_words.rowid \
             where object_words match $3 and object_words.rowid > $4 and object_words.rowid < $5 \
             and o.group_name = $1 and o.kind = $2 order by object_words.rowid" $direction
        )
    };
}

/// The part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Names that begin with what is searched for; every name when nothing is.
    Beginning,
    /// Others that contain it.
    Containing,
}

/// Which way the list is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Forwards,
    Backwards,
}

/// One reading of the list.
struct Reading<'a> {
    group: &'a GroupName,
    kind: Kind,
    search: &'a SearchText,
    parts: &'a [Part],
    way: Way,
    from: Option<&'a Mark>,
}

/// A row and its place in the list.
struct Found {
    row: Row,
    mark: Mark,
}

impl Store {
    /// Some of the objects of a kind that are listed ([`crate::NewRow::search`]). `whole` is how many there are in all,
    /// if the caller knows: then they are counted only where they are searched.
    ///
    /// # Errors
    /// `Database`.
    pub async fn page(
        &self,
        group: &GroupName,
        kind: Kind,
        query: &PageQuery,
        whole: Option<usize>,
    ) -> Result<Page<Row>, StoreError> {
        let search = &query.search;
        let (total, has_others) = match whole.filter(|_| search.is_empty()) {
            Some(rows) => (Total::Exactly(rows), false),
            None => self.total(group, kind, search).await?,
        };
        let parts: &[Part] = if has_others { &[Part::Beginning, Part::Containing] } else { &[Part::Beginning] };
        let read = async |way, from| self.read(&Reading { group, kind, search, parts, way, from }).await;
        let (way, from) = match &query.at {
            At::Start => (Way::Forwards, None),
            At::After(mark) => (Way::Forwards, Some(mark)),
            At::Before(mark) => (Way::Backwards, Some(mark)),
        };
        let mut found = read(way, from).await?;
        let mut from = (way, from.is_some());
        // Where nothing follows any more, what is last; where too little comes before, what is first.
        if found.is_empty() && from == (Way::Forwards, true) {
            found = read(Way::Backwards, None).await?;
            from = (Way::Backwards, false);
        }
        if found.len() < ROWS && from.0 == Way::Backwards {
            found = read(Way::Forwards, None).await?;
            from = (Way::Forwards, false);
        }
        Ok(page_of(found, from, search, total))
    }

    /// How many there are, and whether the second part is to be read.
    async fn total(&self, group: &GroupName, kind: Kind, search: &SearchText) -> Result<(Total, bool), StoreError> {
        let beginning = sqlx::query_as(
            "select count(*) from (select 1 from objects where group_name = $1 and kind = $2 and search is not null \
             and name collate nocase >= $3 and name collate nocase < $4 limit $5)",
        );
        let (low, high) = range(search);
        let counted = beginning.bind(group.as_str()).bind(kind.slug()).bind(low).bind(high).bind(limit(COUNTED + 1));
        let (beginning,): (i64,) = counted.fetch_one(&self.readers).await?;
        let beginning = usize::try_from(beginning).unwrap_or_default();
        if beginning > COUNTED || search.is_short() {
            return Ok((Total::counted(beginning), false));
        }
        let others = sqlx::query_as(
            "select count(*) from (select 1 from object_words cross join objects o on o.number = object_words.rowid \
             where object_words match $1 and o.group_name = $2 and o.kind = $3 limit $4)",
        );
        let others = others.bind(containing(search)).bind(group.as_str()).bind(kind.slug());
        let (others,): (i64,) = others.bind(limit(COUNTED + 1 - beginning)).fetch_one(&self.readers).await?;
        Ok((Total::counted(beginning + usize::try_from(others).unwrap_or_default()), others > 0))
    }

    /// One more than a page has, so that it is known whether there are more; in the order in which they are read.
    async fn read(&self, reading: &Reading<'_>) -> Result<Vec<Found>, StoreError> {
        let at = reading.from.map(|mark| match mark {
            Mark::Name(_) => Part::Beginning,
            Mark::Number(_) => Part::Containing,
        });
        let mut parts = reading.parts.to_vec();
        if reading.way == Way::Backwards {
            parts.reverse();
        }
        if let Some(begun) = parts.iter().position(|part| Some(*part) == at) {
            parts.drain(..begun);
        } else if at.is_some() && reading.way == Way::Forwards {
            // In a part that is left out by now: it would have come last.
            parts.clear();
        }
        let mut found = Vec::new();
        for part in parts {
            let from = reading.from.filter(|_| Some(part) == at);
            let wanted = ROWS + 1 - found.len();
            if wanted == 0 {
                break;
            }
            found.extend(match part {
                Part::Beginning => self.read_beginning(reading, from, wanted).await?,
                Part::Containing => self.read_containing(reading, from, wanted).await?,
            });
        }
        Ok(found)
    }

    async fn read_beginning(
        &self,
        reading: &Reading<'_>,
        from: Option<&Mark>,
        wanted: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let (low, high) = range(reading.search);
        let mark = match from {
            Some(Mark::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        // Names that differ in case only are one in `nocase`; among these the name itself decides.
        let (query, low, high) = match reading.way {
            Way::Forwards => {
                let query = listed!(
                    "objects o where group_name = $1 and kind = $2 and search is not null \
                     and name collate nocase >= $3 and name collate nocase < $4 \
                     and (name collate nocase > $3 or name > $5) order by name collate nocase, name"
                );
                let mark = mark.filter(|mark| order(mark, &low) != Ordering::Less);
                (query, mark.unwrap_or(&low), high.as_str())
            }
            Way::Backwards => {
                let query = listed!(
                    "objects o where group_name = $1 and kind = $2 and search is not null \
                     and name collate nocase >= $3 and name collate nocase <= $4 \
                     and (name collate nocase < $4 or name < $5) order by name collate nocase desc, name desc"
                );
                let mark = mark.filter(|mark| order(mark, &high) == Ordering::Less);
                (query, low.as_str(), mark.unwrap_or(&high))
            }
        };
        let rows = sqlx::query(query).bind(reading.group.as_str()).bind(reading.kind.slug()).bind(low).bind(high);
        let rows = rows.bind(mark.unwrap_or_default()).bind(limit(wanted)).fetch_all(&self.readers).await?;
        rows.iter().map(|found| Ok(Found { mark: Mark::Name(found.try_get(3)?), row: row(found)? })).collect()
    }

    async fn read_containing(
        &self,
        reading: &Reading<'_>,
        from: Option<&Mark>,
        wanted: usize,
    ) -> Result<Vec<Found>, StoreError> {
        let mark = match from {
            Some(Mark::Number(number)) => Some(i64::try_from(*number).unwrap_or(LAST)),
            _ => None,
        };
        let (query, after, before) = match reading.way {
            Way::Forwards => (contained!(""), mark.unwrap_or_default(), LAST),
            Way::Backwards => (contained!(" desc"), 0, mark.unwrap_or(LAST)),
        };
        let rows = sqlx::query(query).bind(reading.group.as_str()).bind(reading.kind.slug());
        let rows = rows.bind(containing(reading.search)).bind(after).bind(before);
        let rows = rows.bind(limit(wanted)).fetch_all(&self.readers).await?;
        rows.iter().map(|found| Ok(Found { mark: numbered(found)?, row: row(found)? })).collect()
    }
}

fn numbered(row: &SqliteRow) -> Result<Mark, StoreError> {
    let number: i64 = row.try_get(7)?;
    Ok(Mark::Number(u64::try_from(number).unwrap_or_default()))
}

/// What was read, as it is shown. `from`: the way it was read, and whether a row was named from which.
fn page_of(mut found: Vec<Found>, (way, is_marked): (Way, bool), search: &SearchText, total: Total) -> Page<Row> {
    let goes_on = found.len() > ROWS;
    found.truncate(ROWS);
    if way == Way::Backwards {
        found.reverse();
    }
    let (has_previous, has_next) = match way {
        Way::Forwards => (is_marked, goes_on),
        Way::Backwards => (goes_on, is_marked),
    };
    let previous = found.first().filter(|_| has_previous).map(|first| first.mark.clone());
    let next = found.last().filter(|_| has_next).map(|last| last.mark.clone());
    let rows = found.into_iter().map(|found| found.row).collect();
    Page { rows, search: search.clone(), total, previous, next }
}

/// The names that begin with a text: from the first, up to below the second.
fn range(search: &SearchText) -> (String, String) {
    (search.as_str().to_owned(), format!("{}{HIGHEST}", search.as_str()))
}

/// As `nocase` orders.
fn order(one: &str, other: &str) -> Ordering {
    let folded = |text: &str| text.bytes().map(|byte| byte.to_ascii_lowercase()).collect::<Vec<_>>();
    folded(one).cmp(&folded(other))
}

/// In FTS5's own words: contains the text, while the name does not begin with it. Within quotes nothing has a meaning, and
/// a quote is written twice.
fn containing(search: &SearchText) -> String {
    let text = search.as_str().replace('"', "\"\"");
    format!("\"{text}\" NOT name : ^ \"{text}\"")
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(LAST)
}
