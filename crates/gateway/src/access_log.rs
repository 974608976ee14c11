//! The access log: one line for each request, written by a thread of its own.
//!
//! No line has a path, a query or a header other than the request id: any of them may hold a secret. The
//! route tells what the request was for.

use crate::record::Entry;
use postern::time::{Clock, Millis};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that may wait. More requests than this in one [`PAUSE`] lose theirs, and are counted.
const WAITING: usize = 16 * 1024;
/// How often the waiting lines are written. The thread never waits for the next one, so that no request
/// has to wake it.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the access log goes, and what a line looks like.
#[derive(Clone)]
pub struct AccessLogConfig {
    pub target: AccessLogTarget,
    pub format: AccessLogFormat,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for AccessLogConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessLogConfig").field("target", &self.target).field("format", &self.format).finish()
    }
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLogTarget {
    StandardOutput,
    /// Opened anew for each batch of lines, so that it can be moved away at any time.
    File(PathBuf),
}

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLogFormat {
    /// One JSON object a line.
    Json,
    /// `name=value` pairs.
    Text,
}

/// Where requests leave their lines.
pub(crate) struct AccessLog {
    entries: SyncSender<Entry>,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl AccessLog {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// The file cannot be written to, or there is no thread.
    pub(crate) fn start(config: AccessLogConfig) -> io::Result<(Self, JoinHandle<()>)> {
        if let AccessLogTarget::File(path) = &config.target {
            append(path, b"")?;
        }
        let (entries, waiting) = sync_channel(WAITING);
        let (lost, stop) = (Arc::default(), Arc::<AtomicBool>::default());
        let writer = Writer { config, waiting, lost: Arc::clone(&lost), stop: Arc::clone(&stop) };
        let thread = std::thread::Builder::new().name("gateway-log".to_owned()).spawn(|| writer.run())?;
        Ok((Self { entries, lost, stop }, thread))
    }

    /// Never waits: a line for which there is no room is lost.
    pub(crate) fn add(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lines that were lost, for lack of room or because they could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Lets the thread end when it has written what waits.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Writer {
    config: AccessLogConfig,
    waiting: Receiver<Entry>,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    fn run(self) {
        let mut failing = false;
        loop {
            let stopping = self.stop.load(Ordering::Relaxed);
            failing = self.write_waiting(failing);
            if stopping {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Writes what waits, and answers whether that failed.
    fn write_waiting(&self, failed_before: bool) -> bool {
        let now = self.config.clock.now();
        let (mut lines, mut count) = (String::new(), 0);
        while let Ok(entry) = self.waiting.try_recv() {
            let at = Millis(now.0.saturating_sub(entry.ended.elapsed().as_millis() as u64));
            match self.config.format {
                AccessLogFormat::Json => lines.push_str(&json(&entry, at)),
                AccessLogFormat::Text => lines.push_str(&text(&entry, at)),
            }
            lines.push('\n');
            count += 1;
        }
        if count == 0 {
            return failed_before;
        }
        let written = match &self.config.target {
            AccessLogTarget::StandardOutput => io::stdout().write_all(lines.as_bytes()),
            AccessLogTarget::File(path) => append(path, lines.as_bytes()),
        };
        let Err(error) = written else { return false };
        self.lost.fetch_add(count, Ordering::Relaxed);
        if !failed_before {
            tracing::error!(%error, "The access log cannot be written; its lines are lost until it can");
        }
        true
    }
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

/// What a line says: name, text, and whether it is a number or truth value.
fn facts(entry: &Entry, at: Millis) -> Vec<(&'static str, String, bool)> {
    let (route, identity) = (entry.route.as_ref(), entry.identity.as_ref());
    let header = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let facts = [
        ("time", Some(at.to_rfc3339()), false),
        ("request_id", Some(header(&entry.id)), false),
        ("client", Some(entry.client.to_string()), false),
        ("method", Some(entry.method.to_string()), false),
        ("status", Some(entry.status.to_string()), true),
        ("duration_ms", Some(format!("{:.3}", entry.took.as_secs_f64() * 1000.0)), true),
        ("bytes", Some(entry.bytes.to_string()), true),
        ("route", route.map(|route| route.id.to_string()), false),
        ("route_name", route.map(|route| route.name.to_string()), false),
        ("service", route.map(|route| route.service.to_string()), false),
        ("consumer", identity.map(|identity| identity.consumer.name.to_string()), false),
        ("credential", identity.and_then(|i| i.credential.as_ref()).map(ToString::to_string), false),
        ("upstream", entry.node.as_ref().map(|node| node.name().to_owned()), false),
        ("refused_by", entry.refused_by.map(|plugin| plugin.slug().to_owned()), false),
        ("reason", entry.reason.as_deref().map(str::to_owned), false),
        ("broke_off", entry.is_torn.then(|| "true".to_owned()), true),
    ];
    facts.into_iter().filter_map(|(name, text, raw)| Some((name, text?, raw))).collect()
}

fn json(entry: &Entry, at: Millis) -> String {
    let members = facts(entry, at).into_iter().map(|(name, text, raw)| {
        let value = if raw { text } else { serde_json::Value::String(text).to_string() };
        format!("\"{name}\":{value}")
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn text(entry: &Entry, at: Millis) -> String {
    let pairs = facts(entry, at).into_iter().map(|(name, text, _)| {
        let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic() && c != '"');
        if plain { format!("{name}={text}") } else { format!("{name}={}", serde_json::Value::String(text)) }
    });
    pairs.collect::<Vec<_>>().join(" ")
}
