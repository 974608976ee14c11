//! Reading everything, as a start does: row by row where SQLite has them in memory, on all cores.
//!
//! sqlx copies each column and hands each row from thread to thread, which takes longer than all that is made of a
//! row. This reads by rusqlite, over the same SQLite, and for reading only: whoever writes is sqlx.

use crate::objects::{Kind, Row, from_db, unknown_kind};
use crate::{Store, StoreError};
use postern::name::GroupName;
use postern::time::Millis;
use rusqlite::{Connection, OpenFlags, Statement};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How many rows a thread reads before it hands over what it made of them.
const PORTION: i64 = 2_048;

/// How many portions wait to be taken.
const WAITING: usize = 4;

/// One stored object, where SQLite has it in memory.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a> {
    pub id: &'a str,
    pub kind: Kind,
    pub parent: Option<&'a str>,
    pub name: &'a str,
    pub revision: u64,
    /// JSON.
    pub spec: &'a str,
    pub updated_at: Millis,
}

impl RowRef<'_> {
    /// A copy to keep.
    #[must_use]
    pub fn to_row(self) -> Row {
        Row {
            id: self.id.to_owned(),
            kind: self.kind,
            parent: self.parent.map(str::to_owned),
            name: self.name.to_owned(),
            revision: self.revision,
            spec: self.spec.to_owned(),
            updated_at: self.updated_at,
        }
    }
}

impl Store {
    /// Reads every object of a group. `understand` makes something of a portion of rows, on several threads at once, by
    /// putting it into what is there of the portion so far; `take` gets the portions one after the other, in no order.
    ///
    /// The threads do not see the database at one moment: nobody may write meanwhile. A store that was opened to read has
    /// one thread, for which that does not matter.
    ///
    /// # Errors
    /// What `understand` found wrong; `Database`, `Reading`, `Interrupted`.
    pub async fn scan<P, E>(
        &self,
        group: &GroupName,
        understand: impl Fn(RowRef<'_>, &mut P) -> Result<(), E> + Clone + Send + 'static,
        mut take: impl FnMut(P),
    ) -> Result<(), E>
    where
        P: Default + Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (first, last) = self.row_numbers().await?;
        let next = Arc::new(AtomicI64::new(first));
        let (portions, mut ready) = mpsc::channel(WAITING);
        let mut threads = JoinSet::new();
        for _ in 0..self.scanners {
            let (path, group, next) = (Arc::clone(&self.path), group.clone(), Arc::clone(&next));
            let (portions, understand) = (portions.clone(), understand.clone());
            let begin = move || (next.fetch_add(PORTION, Ordering::Relaxed)..=last).next();
            let hand_over = move |portion| portions.blocking_send(portion).is_ok();
            threads.spawn_blocking(move || scan(&path, &group, begin, understand, hand_over));
        }
        drop(portions);
        while let Some(portion) = ready.recv().await {
            take(portion);
        }
        // Only now is it sure that nothing is missing.
        while let Some(ended) = threads.join_next().await {
            ended.map_err(StoreError::from)??;
        }
        Ok(())
    }
}

impl Store {
    /// The numbers of the first and the last row.
    async fn row_numbers(&self) -> Result<(i64, i64), StoreError> {
        let numbers =
            "select coalesce((select min(rowid) from objects), 1), coalesce((select max(rowid) from objects), 0)";
        Ok(sqlx::query_as(numbers).fetch_one(&self.readers).await?)
    }
}

/// One thread's part: it begins portions, by the numbers of their first rows, for as long as there are any.
fn scan<P: Default, E: From<StoreError>>(
    path: &Path,
    group: &GroupName,
    begin: impl Fn() -> Option<i64>,
    understand: impl Fn(RowRef<'_>, &mut P) -> Result<(), E>,
    hand_over: impl Fn(P) -> bool,
) -> Result<(), E> {
    let connection = open(path).map_err(StoreError::from)?;
    // The plus keeps SQLite from going by the index of names, and from there to each row.
    let statement = connection.prepare(
        "select id, kind, parent, name, revision, spec, updated_at from objects \
         where rowid between $1 and $2 and +group_name = $3",
    );
    let mut statement = statement.map_err(StoreError::from)?;
    while let Some(first) = begin() {
        let mut portion = P::default();
        read(&mut statement, first, group, |row| understand(row, &mut portion))?;
        if !hand_over(portion) {
            break;
        }
    }
    Ok(())
}

/// The rows of a portion.
fn read<E: From<StoreError>>(
    statement: &mut Statement<'_>,
    first: i64,
    group: &GroupName,
    mut understand: impl FnMut(RowRef<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut rows =
        statement.query((first, first.saturating_add(PORTION - 1), group.as_str())).map_err(StoreError::from)?;
    while let Some(row) = rows.next().map_err(StoreError::from)? {
        understand(row_ref(row)?)?;
    }
    Ok(())
}

fn row_ref<'a>(row: &'a rusqlite::Row<'_>) -> Result<RowRef<'a>, StoreError> {
    let text = |column| Ok::<_, StoreError>(row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?);
    let kind = text(1)?;
    Ok(RowRef {
        id: text(0)?,
        kind: Kind::from_slug(kind).ok_or_else(unknown_kind)?,
        parent: row.get_ref(2)?.as_str_or_null().map_err(rusqlite::Error::from)?,
        name: text(3)?,
        revision: from_db(row.get(4)?),
        spec: text(5)?,
        updated_at: Millis(from_db(row.get(6)?)),
    })
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    // No lock inside: one thread has it.
    let connection =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // What is read here is seen in one state.
    connection.execute_batch("begin")?;
    Ok(connection)
}
