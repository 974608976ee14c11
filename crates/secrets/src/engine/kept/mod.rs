//! Last good values over a restart: what is kept, and when it is written.
//!
//! What must never happen here: a value used with a provider that reads from elsewhere than the one it was read
//! with; a value kept that the manager has since refused or no longer has; a value for longer than an outage may last.

mod file;

use super::Inner;
use super::address::Address;
use file::{Refused, SealedFile};
use postern::selection::Selector;
use postern::sensitive::Plain;
use postern::time::Millis;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// How often the file is written when nothing but the values' age has changed.
const AGES_EVERY: Duration = Duration::from_secs(60);

/// Where last good values are kept over a restart, and the key that seals them.
pub struct Keeping {
    pub path: PathBuf,
    /// Used for this and nothing else.
    pub key: Zeroizing<[u8; 32]>,
}

/// One secret as it was kept.
#[derive(Deserialize)]
pub(super) struct Kept {
    pub(super) address: Address,
    /// What the provider read from.
    pub(super) source: String,
    pub(super) read_at: Millis,
    pub(super) took_ms: u64,
    pub(super) version: Option<u64>,
    pub(super) values: Vec<(Selector, Opened)>,
}

/// One secret on its way to the file.
#[derive(Serialize)]
pub(super) struct Record<'a> {
    pub(super) address: &'a Address,
    pub(super) source: &'a str,
    pub(super) read_at: Millis,
    pub(super) took_ms: u64,
    pub(super) version: Option<u64>,
    pub(super) values: Vec<(&'a Selector, Opened)>,
}

/// A value that is about to be sealed, or has just been opened.
pub(super) struct Opened(pub(super) Plain);

impl Serialize for Opened {
    #[expect(clippy::disallowed_methods, reason = "sealed into the file of last good values")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Opened {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|value| Self(Plain::new(value)))
    }
}

/// What the file is to hold now.
pub(super) enum ToKeep {
    /// The references in use are not known yet, or no longer.
    Unknown,
    Nothing,
    Text(Zeroizing<Vec<u8>>),
}

/// Writes the file when what is to be kept has changed.
pub(super) struct Keeper {
    file: Arc<SealedFile>,
    changed: Notify,
    /// Values were read again and are the same.
    aged: AtomicBool,
}

impl Keeper {
    /// What the file holds, and who writes it from now on. A file that cannot be trusted is told of and left aside.
    pub(super) fn open(keeping: &Keeping) -> (Option<Self>, HashMap<Address, Kept>) {
        let file = match SealedFile::new(keeping.path.clone(), &keeping.key) {
            Ok(file) => file,
            Err(refused) => {
                tracing::error!(%refused, "last good values are not kept over a restart: {refused}");
                return (None, HashMap::new());
            }
        };
        let kept = load(&file).unwrap_or_else(|refused| {
            let path = file.path().display();
            tracing::error!(%path, %refused, "the last good values in {path} are not used: {refused}. \
                Postern starts without them, reads every secret anew, and replaces the file");
            HashMap::new()
        });
        (Some(Self { file: Arc::new(file), changed: Notify::new(), aged: AtomicBool::new(false) }), kept)
    }

    /// What is to be kept has changed: it is written at once.
    pub(super) fn changed(&self) {
        self.changed.notify_one();
    }

    /// Only the age of what is kept has changed: it is written within a minute.
    pub(super) fn aged(&self) {
        self.aged.store(true, Ordering::Relaxed);
    }

    /// Writes until `shutdown`, and once more then. A tenth of the time at most.
    pub(super) async fn run(&self, inner: &Inner, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            let begun = Instant::now();
            self.write(inner).await;
            let pause = async {
                sleep(begun.elapsed() * 10).await;
                while timeout(AGES_EVERY, self.changed.notified()).await.is_err() && !self.aged.load(Ordering::Relaxed)
                {
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = pause => {}
            }
        }
        self.write(inner).await;
    }

    async fn write(&self, inner: &Inner) {
        self.aged.store(false, Ordering::Relaxed);
        let to_keep = inner.board().to_keep();
        let file = self.file.clone();
        let written = tokio::task::spawn_blocking(move || match to_keep {
            ToKeep::Unknown => Ok(()),
            ToKeep::Nothing => file.remove(),
            ToKeep::Text(text) => file.write(text),
        });
        let path = self.file.path().display();
        match written.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%path, %error, "last good values cannot be kept in {path}: {error}"),
            Err(error) => tracing::error!(%path, %error, "last good values were not written to {path}"),
        }
    }
}

fn load(file: &SealedFile) -> Result<HashMap<Address, Kept>, Refused> {
    let Some(text) = file.read()? else { return Ok(HashMap::new()) };
    let kept: Vec<Kept> = serde_json::from_slice(&text).map_err(|_| Refused::NotOurs)?;
    Ok(kept.into_iter().map(|kept| (kept.address.clone(), kept)).collect())
}

/// The records as the file's text. Measured first: a vector that grows frees its old memory unwiped.
pub(super) fn encode(records: &[Record<'_>]) -> ToKeep {
    if records.is_empty() {
        return ToKeep::Nothing;
    }
    let mut length = Counter(0);
    let measured = serde_json::to_writer(&mut length, records);
    let mut text = Zeroizing::new(Vec::with_capacity(length.0));
    match measured.and_then(|()| serde_json::to_writer(&mut *text, records)) {
        Ok(()) => ToKeep::Text(text),
        // Texts and numbers can always be written as JSON.
        Err(_) => ToKeep::Unknown,
    }
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
