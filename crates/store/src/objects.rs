//! Objects: read, added, saved and deleted, each change in one transaction with its history.

use crate::{Store, StoreError};
use postern::group::GatewayGroup;
use postern::name::GroupName;
use postern::time::Millis;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

/// How many revisions of an object are kept to tell what changed.
const HISTORY: u64 = 50;

/// The query for the objects `where` so; [`row`] reads what it finds.
macro_rules! objects {
    ($where:literal) => {
        sqlx::query(concat!("select id, kind, parent, name, revision, spec, updated_at from objects where ", $where))
    };
}

/// How many objects one statement adds: far below the 32,766 values that SQLite takes.
const AT_ONCE: usize = 500;

/// The kinds of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    SecretProvider,
    Consumer,
    Credential,
    Service,
    Route,
    Certificate,
    Webhook,
    PluginSet,
}

impl Kind {
    /// As stored.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::SecretProvider => "secret_provider",
            Self::Consumer => "consumer",
            Self::Credential => "credential",
            Self::Service => "service",
            Self::Route => "route",
            Self::Certificate => "certificate",
            Self::Webhook => "webhook",
            Self::PluginSet => "plugin_set",
        }
    }

    /// The kind that is stored so.
    pub(crate) fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }

    const ALL: [Self; 8] = [
        Self::SecretProvider,
        Self::Consumer,
        Self::Credential,
        Self::Service,
        Self::Route,
        Self::Certificate,
        Self::Webhook,
        Self::PluginSet,
    ];
}

/// One stored object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub id: String,
    pub kind: Kind,
    pub parent: Option<String>,
    pub name: String,
    pub revision: u64,
    /// JSON.
    pub spec: String,
    pub updated_at: Millis,
}

/// What is stored of an object: its name, its JSON, and the same JSON with its secrets masked.
#[derive(Clone, Debug)]
pub struct NewRow {
    pub id: String,
    pub kind: Kind,
    pub parent: Option<String>,
    pub name: String,
    pub spec: String,
    pub masked: String,
}

impl Store {
    /// Every gateway group, by name.
    ///
    /// # Errors
    /// `Database`.
    pub async fn groups(&self) -> Result<Vec<GatewayGroup>, StoreError> {
        let rows = sqlx::query("select name, description from gateway_groups order by name").fetch_all(&self.readers);
        rows.await?.iter().map(group).collect()
    }

    /// Every object of a kind, by name.
    ///
    /// # Errors
    /// `Database`.
    pub async fn objects_of(&self, group: &GroupName, kind: Kind) -> Result<Vec<Row>, StoreError> {
        let rows = objects!("group_name = $1 and kind = $2 order by name");
        rows.bind(group.as_str()).bind(kind.slug()).fetch_all(&self.readers).await?.iter().map(row).collect()
    }

    /// The object of that kind with this id.
    ///
    /// # Errors
    /// `Database`.
    pub async fn object(&self, group: &GroupName, kind: Kind, id: &str) -> Result<Option<Row>, StoreError> {
        let found = objects!("group_name = $1 and kind = $2 and id = $3");
        let found = found.bind(group.as_str()).bind(kind.slug()).bind(id).fetch_optional(&self.readers);
        found.await?.as_ref().map(row).transpose()
    }

    /// The object of that kind with this name, which belongs to no other object.
    ///
    /// # Errors
    /// `Database`.
    pub async fn object_named(&self, group: &GroupName, kind: Kind, name: &str) -> Result<Option<Row>, StoreError> {
        let found = objects!("group_name = $1 and kind = $2 and scope = '' and name = $3");
        let found = found.bind(group.as_str()).bind(kind.slug()).bind(name).fetch_optional(&self.readers);
        found.await?.as_ref().map(row).transpose()
    }

    /// The objects of a kind that belong to `parent`, by name.
    ///
    /// # Errors
    /// `Database`.
    pub async fn children(&self, parent: &str, kind: Kind) -> Result<Vec<Row>, StoreError> {
        let rows = objects!("parent = $1 and kind = $2 order by name");
        rows.bind(parent).bind(kind.slug()).fetch_all(&self.readers).await?.iter().map(row).collect()
    }

    /// The ids of all objects of a kind that belong to others, each after the id of the one it belongs to.
    ///
    /// # Errors
    /// `Database`.
    pub async fn belonging(&self, group: &GroupName, kind: Kind) -> Result<Vec<(String, String)>, StoreError> {
        let pairs = "select parent, id from objects where group_name = $1 and kind = $2 and parent is not null";
        Ok(sqlx::query_as(pairs).bind(group.as_str()).bind(kind.slug()).fetch_all(&self.readers).await?)
    }

    /// Adds an object at revision 1.
    ///
    /// # Errors
    /// `NameTaken`, `Gone` when the parent is not there, `Database`.
    pub async fn insert(&self, group: &GroupName, new: &NewRow, now: Millis) -> Result<Row, StoreError> {
        self.insert_all(group, std::slice::from_ref(new), now).await?;
        Ok(saved(new, 1, now))
    }

    /// Adds objects at revision 1, parents before what belongs to them: all of them or none.
    ///
    /// # Errors
    /// As [`Store::insert`].
    pub async fn insert_all(&self, group: &GroupName, new: &[NewRow], now: Millis) -> Result<(), StoreError> {
        let mut transaction = self.writer.begin().await?;
        for some in new.chunks(AT_ONCE) {
            insert_some(&mut transaction, group, some, now).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Saves an object that is still at `revision`; it is then at the next one.
    ///
    /// # Errors
    /// `Stale` with the revision it is at, `Gone`, `NameTaken`, `Database`.
    pub async fn update(&self, new: &NewRow, revision: u64, now: Millis) -> Result<Row, StoreError> {
        let mut transaction = self.writer.begin().await?;
        let update = sqlx::query(
            "update objects set name = $1, spec = $2, revision = revision + 1, updated_at = $3 \
             where id = $4 and revision = $5",
        );
        let done = update
            .bind(&new.name)
            .bind(&new.spec)
            .bind(to_db(now.0))
            .bind(&new.id)
            .bind(to_db(revision))
            .execute(&mut *transaction)
            .await
            .map_err(constraint)?;
        if done.rows_affected() != 1 {
            return Err(why_not_updated(&mut transaction, &new.id).await?);
        }
        remember(&mut transaction, &new.id, revision + 1, &new.masked).await?;
        transaction.commit().await?;
        Ok(saved(new, revision + 1, now))
    }

    /// Deletes an object and what belongs to it.
    ///
    /// # Errors
    /// `Gone`, `Database`.
    pub async fn delete(&self, id: &str) -> Result<(), StoreError> {
        let done = sqlx::query("delete from objects where id = $1").bind(id).execute(&self.writer).await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Gone) }
    }

    /// The masked JSON an object had at a revision, if it is still remembered.
    ///
    /// # Errors
    /// `Database`.
    pub async fn masked_at(&self, id: &str, revision: u64) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select masked from history where object_id = $1 and revision = $2")
            .bind(id)
            .bind(to_db(revision))
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| Ok(row.try_get("masked")?)).transpose()
    }

    /// A fact about this database.
    ///
    /// # Errors
    /// `Database`.
    pub async fn fact(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("select value from facts where name = $1").bind(name).fetch_optional(&self.readers);
        row.await?.map(|row| Ok(row.try_get("value")?)).transpose()
    }

    /// Writes a fact about this database.
    ///
    /// # Errors
    /// `Database`.
    pub async fn set_fact(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let set =
            "insert into facts (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";
        sqlx::query(set).bind(name).bind(value).execute(&self.writer).await?;
        Ok(())
    }
}

/// Adds as many objects as one statement takes, with the first line of the history of each.
async fn insert_some(
    connection: &mut SqliteConnection,
    group: &GroupName,
    new: &[NewRow],
    now: Millis,
) -> Result<(), StoreError> {
    let columns = "insert into objects (id, group_name, kind, parent, scope, name, revision, spec, updated_at) ";
    let mut objects = QueryBuilder::<Sqlite>::new(columns);
    objects.push_values(new, |mut row, new| {
        row.push_bind(&new.id).push_bind(group.as_str()).push_bind(new.kind.slug()).push_bind(&new.parent);
        row.push_bind(new.parent.as_deref().unwrap_or_default()).push_bind(&new.name);
        row.push_bind(1_i64).push_bind(&new.spec).push_bind(to_db(now.0));
    });
    objects.build().execute(&mut *connection).await.map_err(constraint)?;
    let mut history = QueryBuilder::<Sqlite>::new("insert into history (object_id, revision, masked) ");
    history.push_values(new, |mut row, new| {
        row.push_bind(&new.id).push_bind(1_i64).push_bind(&new.masked);
    });
    history.build().execute(connection).await?;
    Ok(())
}

fn saved(new: &NewRow, revision: u64, now: Millis) -> Row {
    Row {
        id: new.id.clone(),
        kind: new.kind,
        parent: new.parent.clone(),
        name: new.name.clone(),
        revision,
        spec: new.spec.clone(),
        updated_at: now,
    }
}

async fn remember(connection: &mut SqliteConnection, id: &str, revision: u64, masked: &str) -> Result<(), StoreError> {
    sqlx::query("insert into history (object_id, revision, masked) values ($1, $2, $3)")
        .bind(id)
        .bind(to_db(revision))
        .bind(masked)
        .execute(&mut *connection)
        .await?;
    sqlx::query("delete from history where object_id = $1 and revision <= $2")
        .bind(id)
        .bind(to_db(revision.saturating_sub(HISTORY)))
        .execute(connection)
        .await?;
    Ok(())
}

async fn why_not_updated(connection: &mut SqliteConnection, id: &str) -> Result<StoreError, StoreError> {
    let row = sqlx::query("select revision from objects where id = $1").bind(id).fetch_optional(connection).await?;
    Ok(match row {
        Some(row) => StoreError::Stale { current: from_db(row.try_get("revision")?) },
        None => StoreError::Gone,
    })
}

fn group(row: &SqliteRow) -> Result<GatewayGroup, StoreError> {
    let name: String = row.try_get("name")?;
    let name = name.parse().map_err(decode)?;
    Ok(GatewayGroup { name, description: row.try_get("description")? })
}

/// Of one that [`objects!`] found.
fn row(row: &SqliteRow) -> Result<Row, StoreError> {
    Ok(Row {
        id: row.try_get(0)?,
        kind: Kind::from_slug(row.try_get(1)?).ok_or_else(unknown_kind)?,
        parent: row.try_get(2)?,
        name: row.try_get(3)?,
        revision: from_db(row.try_get(4)?),
        spec: row.try_get(5)?,
        updated_at: Millis(from_db(row.try_get(6)?)),
    })
}

pub(crate) fn unknown_kind() -> StoreError {
    decode("an object of a kind this version does not know")
}

fn decode(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Database(sqlx::Error::Decode(why.into()))
}

fn constraint(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(e) if e.is_unique_violation() => StoreError::NameTaken,
        Some(e) if e.is_foreign_key_violation() => StoreError::Gone,
        _ => StoreError::Database(error),
    }
}

fn to_db(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn from_db(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
