#![doc = include_str!("../README.md")]

mod key;
mod objects;
mod scan;
mod seal;

pub use key::{KeyError, MasterKey};
pub use objects::{Kind, NewRow, Row};
pub use scan::RowRef;
pub use seal::{Place, SealError, Sealer};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// The database: many readers, one writer.
#[derive(Clone)]
pub struct Store {
    readers: SqlitePool,
    writer: SqlitePool,
    path: Arc<Path>,
    /// How many threads read everything.
    scanners: usize,
    /// The check of the file, until someone has asked for what it found.
    check: Arc<Mutex<Option<Check>>>,
}

/// The task that looks whether the file is damaged.
type Check = JoinHandle<Result<(), StoreError>>;

/// Why the database could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `--database-url` names something else than a SQLite file.
    #[error("the database URL must be sqlite:<file>, for example sqlite:postern.db")]
    UnknownScheme,
    #[error("the database {path} cannot be opened")]
    Open {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Its tables are not those of this program.
    #[error(
        "the database's tables are of another version of Postern; start this version's server once to update older ones"
    )]
    OtherVersion,
    /// SQLite's own check found the file damaged.
    #[error("the database is damaged: {found}. Restore it from a backup")]
    Damaged { found: String },
    /// The group has an object of that kind and name already.
    #[error("the name is taken")]
    NameTaken,
    /// The object's revision is another than the caller's.
    #[error("the object is at revision {current}")]
    Stale { current: u64 },
    /// There is no such object (any more).
    #[error("there is no such object")]
    Gone,
    #[error("the database answered with an error")]
    Database(#[from] sqlx::Error),
    #[error("the database cannot be read to its end")]
    Reading(#[from] rusqlite::Error),
    #[error("the database was not read to its end")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Store {
    /// Opens the database, makes it when it is not there, and brings its tables up to date. Whether the file is damaged
    /// is looked at meanwhile and afterwards: [`Store::sound`] tells.
    ///
    /// `url` is `sqlite:<path>`; the file and its folder are made readable for their owner only.
    ///
    /// # Errors
    /// `UnknownScheme`, `Open`; `Damaged` when there are tables to bring up to date.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let path = sqlite_path(url)?;
        let open_error = |source| StoreError::Open { path: path.clone(), source };
        make_private_file(&path).map_err(|e| open_error(Box::new(e)))?;
        let options = options(&path);
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await;
        let writer = writer.map_err(|e| open_error(Box::new(e)))?;
        if check_version(&writer).await.is_err() {
            // Nothing is written into a damaged file.
            check_integrity(&writer).await?;
        }
        sqlx::migrate!().run(&writer).await.map_err(|e| open_error(Box::new(e)))?;
        let readers = SqlitePoolOptions::new().max_connections(4).connect_with(options).await?;
        let checked = readers.clone();
        let check = tokio::spawn(async move { check_integrity(&checked).await });
        let check = Arc::new(Mutex::new(Some(check)));
        let scanners = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { readers, writer, path: path.into(), scanners, check })
    }

    /// Opens a database that is there, for reading only: it may be in use by another process. Nothing is made
    /// or brought up to date.
    ///
    /// # Errors
    /// `UnknownScheme`, `Open`, `OtherVersion`.
    pub async fn open_to_read(url: &str) -> Result<Self, StoreError> {
        let path = sqlite_path(url)?;
        let open_error = |source: sqlx::Error| StoreError::Open { path: path.clone(), source: Box::new(source) };
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(5))
            .pragma("trusted_schema", "OFF");
        let readers = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.map_err(open_error)?;
        check_version(&readers).await?;
        Ok(Self { writer: readers.clone(), readers, path: path.into(), scanners: 1, check: Arc::default() })
    }

    /// Returns once the file that was opened is known to be whole. Nothing that was read of it is to be used before.
    ///
    /// # Errors
    /// `Damaged`, `Database`, `Interrupted`.
    pub async fn sound(&self) -> Result<(), StoreError> {
        let check = self.check.lock().await.take();
        match check {
            Some(check) => check.await?,
            None => Ok(()),
        }
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// What it answered instead.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Returns once no write is under way, also none whose caller has gone away.
    ///
    /// # Errors
    /// `Database`.
    pub async fn settled(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.writer).await?;
        Ok(())
    }

    /// Closes all connections; the write-ahead log is folded into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether the tables are those of this program.
async fn check_version(pool: &SqlitePool) -> Result<(), StoreError> {
    let query = "select max(version) from _sqlx_migrations where success";
    let (found,): (Option<i64>,) = sqlx::query_as(query).fetch_one(pool).await?;
    let wanted = sqlx::migrate!().iter().map(|migration| migration.version).max();
    if found == wanted { Ok(()) } else { Err(StoreError::OtherVersion) }
}

fn sqlite_path(url: &str) -> Result<PathBuf, StoreError> {
    let path = url.strip_prefix("sqlite:").ok_or(StoreError::UnknownScheme)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(":memory:") || path.contains('?') {
        return Err(StoreError::UnknownScheme);
    }
    Ok(PathBuf::from(path))
}

/// Write-ahead log with a sync at every commit: what was acknowledged survives a power cut.
fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::from_str("sqlite:")
        .unwrap_or_default()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("secure_delete", "ON")
}

async fn check_integrity(pool: &SqlitePool) -> Result<(), StoreError> {
    let (found,): (String,) = sqlx::query_as("pragma quick_check(1)").fetch_one(pool).await?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged { found }) }
}

/// SQLite gives its side files the mode of the database file, so that is made first, for its owner only.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(|_| ())
}

#[cfg(test)]
mod tests;
