//! Everything that any test here logs, at the finest level, as text.
//!
//! One subscriber for the whole process: with one for each thread, `tracing` may take a line that another
//! thread logs first for one that nobody wants.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// A word that the tests put into every token, value and answer that must not be shown, and nowhere else.
pub(crate) const CANARY: &str = "canary";

#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

static LOGS: LazyLock<Logs> = LazyLock::new(|| {
    let logs = Logs::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(logs.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    logs
});

impl Logs {
    /// Begins to listen, unless that was done before.
    pub(crate) fn listen() -> &'static Self {
        &LOGS
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logs {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Claims that nothing secret shows in `shown` or in any log so far.
pub(crate) fn claim_no_canary(shown: &str) {
    let logs = LOGS.text();
    for text in [shown, logs.as_str()] {
        let line = text.lines().find(|line| line.contains(CANARY));
        assert_eq!(line, None, "a secret shows");
    }
}
