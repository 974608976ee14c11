//! The commands that ask and change nothing: `resolve` and `providers`. They read the database and the master
//! key, ask the secret manager themselves, and need no running server; one may run meanwhile.
//!
//! What must never happen here: a value on the screen.

use crate::report;
use clap::ValueEnum;
use control::{InspectError, Inspector};
use postern::name::GroupName;
use secrets::{Ambient, Environment};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What was asked on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) database_url: String,
    pub(crate) master_key: PathBuf,
    pub(crate) ambient: BTreeMap<GroupName, Ambient>,
    pub(crate) env_prefix: String,
    pub(crate) question: Question,
    pub(crate) form: Form,
}

/// What is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Whether a reference gives a value; with every step when it is to be explained.
    Resolve { reference: String, explain: bool },
    /// Test Connection of a stored provider.
    Test { provider: String },
    /// The policy that the references in use take, and what the provider may do beyond it.
    Policy { provider: String },
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    Text,
    Json,
}

/// How the program ends. Part of its interface: docs/cli.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It works, perhaps with a warning.
    Works = 0,
    /// It does not; the answer says why.
    Fails = 1,
    /// The question cannot be understood: usage, a text that is no reference, an ID that no provider has.
    Usage = 2,
    /// What is stored cannot be read.
    Unreadable = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Answers on standard output; what prevents an answer goes to standard error.
pub(crate) fn answer(asked: &Asked) -> ExitCode {
    match asked_of_runtime(asked) {
        Ok((text, exit)) => {
            let written = writeln!(std::io::stdout(), "{}", text.trim_end());
            if written.is_err() { Exit::Unreadable.into() } else { exit.into() }
        }
        Err(error) => {
            let is_usage = matches!(error.downcast_ref(), Some(InspectError::Which(_)));
            // When not even standard error can be written to, the exit code still tells.
            let _written = writeln!(std::io::stderr(), "postern: {error:#}");
            if is_usage { Exit::Usage.into() } else { Exit::Unreadable.into() }
        }
    }
}

fn asked_of_runtime(asked: &Asked) -> anyhow::Result<(String, Exit)> {
    crate::run::install_crypto()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build()?;
    runtime.block_on(told(asked))
}

async fn told(asked: &Asked) -> anyhow::Result<(String, Exit)> {
    let environment = Environment::of(&asked.env_prefix, std::env::vars_os());
    let (url, key) = (&asked.database_url, &asked.master_key);
    let inspector = Inspector::open(url, key, &asked.ambient, environment).await?;
    match &asked.question {
        Question::Resolve { reference, explain } => {
            let diagnosis = inspector.explain(reference).await?;
            Ok((report::diagnosis(&diagnosis, *explain, asked.form)?, exit_of(&diagnosis)))
        }
        Question::Test { provider } => {
            let diagnosis = inspector.test(provider).await?;
            Ok((report::diagnosis(&diagnosis, true, asked.form)?, exit_of(&diagnosis)))
        }
        Question::Policy { provider } => {
            let review = inspector.review(provider).await?;
            let exit = if matches!(review, postern::access::Review::Done(_)) { Exit::Works } else { Exit::Fails };
            Ok((report::review(&review, asked.form)?, exit))
        }
    }
}

fn exit_of(diagnosis: &postern::diagnosis::Diagnosis) -> Exit {
    match diagnosis.reason() {
        None => Exit::Works,
        Some(reason) if reason.area() == "ref" => Exit::Usage,
        Some(_) => Exit::Fails,
    }
}
