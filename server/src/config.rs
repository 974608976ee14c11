//! Settings: flags, then the environment, then a TOML file, then defaults. The only reader of all of them.

use crate::ask::{Asked, Form, Question};
use crate::client_limits::{ClientLimits, LimitArgs, LimitTexts};
use clap::{Args, Parser, Subcommand};
use gateway::{AccessLogFormat, AccessLogTarget};
use postern::name::GroupName;
use secrets::Ambient;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const DASHBOARD_ADDR: &str = "127.0.0.1:7080";
/// The master key's file, in the data folder.
pub(crate) const MASTER_KEY: &str = "master.key";
const GATEWAY_ADDR: &str = "127.0.0.1:9080";
const GATEWAY_TLS_ADDR: &str = "127.0.0.1:9443";

/// Postern: a dashboard and API gateway whose secrets stay in HashiCorp Vault, AWS Secrets Manager or Kubernetes.
///
/// Without a subcommand, `serve` runs. Open the dashboard's address in a browser; requests go to the
/// gateway's address.
#[derive(Parser)]
#[command(
    name = "postern",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "A setting is taken from its flag, else from its environment variable, else from the file \
given with --config, else its default. The file is TOML with the flags' long names, '_' for '-':\n\n    \
dashboard_addr = \"127.0.0.1:7080\"\n    gateway_addr = \"0.0.0.0:9080\"\n    data_dir = \"/var/lib/postern\"\n\n\
The data folder holds the database and the master key that seals the secrets in it. Keep a copy of both \
in a safe place: neither is of use without the other."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Run the dashboard and the gateway (the default).
    Serve(Box<ServeArgs>),
    /// Resolve a reference, with the stored secret providers. Never shows a value.
    #[command(after_help = EXIT_CODES)]
    Resolve {
        /// The reference, in single quotes: '$secret://vault/my-vault/consumer/alice/key'.
        reference: String,
        /// Show every step, with its outcome and its time.
        #[arg(long)]
        explain: bool,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Ask stored secret providers.
    #[command(subcommand)]
    Providers(ProvidersCommand),
}

#[derive(Subcommand)]
enum ProvidersCommand {
    /// Test Connection: every step to the secret manager, and the first that fails.
    #[command(after_help = EXIT_CODES)]
    Test {
        /// Its Secret Provider ID, or manager and ID: my-vault, vault/my-vault.
        id: String,
        #[command(flatten)]
        ask: AskArgs,
    },
    /// Least privilege: the policy that the references in use take.
    #[command(after_help = EXIT_CODES)]
    Policy {
        /// Its Secret Provider ID, or manager and ID: my-vault, vault/my-vault.
        id: String,
        #[command(flatten)]
        ask: AskArgs,
    },
}

/// The same for every command that asks.
const EXIT_CODES: &str = "It reads the data folder and asks the secret manager itself: a server may run, and need not. \
Nothing is changed, and no value is shown.\n\nExit codes: 0 it works; 1 it does not, and the answer says why; 2 the \
question is wrong (usage, not a reference, no such provider); 3 what is stored cannot be read. Reason codes: \
docs/reasons.md.";

#[derive(Args)]
struct AskArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Answer as JSON.
    #[arg(long)]
    json: bool,
}

/// Where the configuration is.
#[derive(Args, Default)]
struct PlaceArgs {
    /// A TOML file with settings.
    #[arg(long, value_name = "FILE", env = "POSTERN_CONFIG")]
    config: Option<PathBuf>,
    /// Where the database and the master key lie [default: the platform's data folder].
    #[arg(long, value_name = "DIR", env = "POSTERN_DATA_DIR")]
    data_dir: Option<String>,
    /// The database, sqlite:<file> [default: postern.db in the data folder].
    #[arg(long, value_name = "URL", env = "POSTERN_DATABASE_URL")]
    database_url: Option<String>,
    /// Gateway groups, with commas between them, whose secret providers may use this machine's own AWS
    /// credentials and assume roles [default: none].
    #[arg(long, value_name = "GROUPS", env = "POSTERN_AMBIENT_CREDENTIALS")]
    ambient_credentials: Option<String>,
    /// Folders below which files with tokens for Vault lie, one for each gateway group whose secret providers may
    /// use them, as in default=/run/vault-agent, with commas between them [default: none].
    #[arg(long, value_name = "GROUP=DIR", env = "POSTERN_TOKEN_FILES")]
    token_files: Option<String>,
    /// What the names of environment variables begin with that references ($env://NAME) may read
    /// [default: POSTERN_SECRET_].
    #[arg(long, value_name = "PREFIX", env = "POSTERN_ENV_PREFIX")]
    env_prefix: Option<String>,
}

#[derive(Args, Default)]
struct ServeArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// Where the dashboard listens; a loopback address until sign-in exists [default: 127.0.0.1:7080].
    #[arg(long, value_name = "IP:PORT", env = "POSTERN_DASHBOARD_ADDR")]
    dashboard_addr: Option<String>,
    /// Where the gateway listens [default: 127.0.0.1:9080].
    #[arg(long, value_name = "IP:PORT", env = "POSTERN_GATEWAY_ADDR")]
    gateway_addr: Option<String>,
    /// Where the gateway listens for TLS, or off; certificates are added in the dashboard
    /// [default: 127.0.0.1:9443].
    #[arg(long, value_name = "IP:PORT", env = "POSTERN_GATEWAY_TLS_ADDR")]
    gateway_tls_addr: Option<String>,
    /// Threads that answer gateway requests [default: one for each core].
    #[arg(long, value_name = "NUMBER", env = "POSTERN_GATEWAY_WORKERS")]
    gateway_workers: Option<String>,
    #[command(flatten)]
    limits: LimitArgs,
    /// PEM certificates of the authorities that Redis servers are checked by [default: the system's].
    #[arg(long, value_name = "FILE", env = "POSTERN_REDIS_CA_FILE")]
    redis_ca_file: Option<String>,
    /// A line for each request through the gateway, appended to this file; - for standard output
    /// [default: none].
    #[arg(long, value_name = "FILE", env = "POSTERN_ACCESS_LOG")]
    access_log: Option<String>,
    /// What a line of the access log looks like: json or text [default: json].
    #[arg(long, value_name = "FORMAT", env = "POSTERN_ACCESS_LOG_FORMAT")]
    access_log_format: Option<String>,
    /// What is logged: error, warn, info, debug, trace, or a tracing filter [default: info].
    #[arg(long, value_name = "LEVEL", env = "POSTERN_LOG")]
    log: Option<String>,
    /// Where the dashboard's files lie, for a program that was built without them.
    #[arg(long, value_name = "DIR", env = "POSTERN_SITE_ROOT", hide = true)]
    site_root: Option<String>,
}

/// The settings as text, from all sources.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    data_dir: Option<String>,
    dashboard_addr: Option<String>,
    gateway_addr: Option<String>,
    gateway_tls_addr: Option<String>,
    database_url: Option<String>,
    gateway_workers: Option<String>,
    gateway_header_timeout: Option<String>,
    gateway_max_head: Option<String>,
    gateway_max_headers: Option<String>,
    gateway_body_idle_timeout: Option<String>,
    gateway_body_timeout: Option<String>,
    gateway_max_body: Option<String>,
    gateway_trusted_proxies: Option<String>,
    gateway_messages: Option<String>,
    ambient_credentials: Option<String>,
    token_files: Option<String>,
    redis_ca_file: Option<String>,
    access_log: Option<String>,
    access_log_format: Option<String>,
    env_prefix: Option<String>,
    log: Option<String>,
    site_root: Option<String>,
}

/// All that the program is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) dashboard_addr: SocketAddr,
    pub(crate) gateway_addr: SocketAddr,
    pub(crate) gateway_tls_addr: Option<SocketAddr>,
    pub(crate) database_url: String,
    pub(crate) gateway_workers: usize,
    pub(crate) ambient: BTreeMap<GroupName, Ambient>,
    pub(crate) limits: ClientLimits,
    pub(crate) redis_ca_file: Option<PathBuf>,
    pub(crate) access_log: Option<AccessLogTarget>,
    pub(crate) access_log_format: AccessLogFormat,
    pub(crate) env_prefix: String,
    pub(crate) log: String,
    pub(crate) site_root: PathBuf,
}

/// What the program is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    Serve(Box<Settings>),
    Ask(Asked),
}

/// Why there are no settings to run with.
#[derive(Debug)]
pub(crate) enum ConfigProblem {
    /// clap has the words: wrong usage, or `--help` and `--version`, which are no problem at all.
    Usage(clap::Error),
    /// A value that cannot be accepted, and what was expected.
    Value(String),
}

impl ConfigProblem {
    /// Tells the operator and answers the exit code.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Usage(error) => {
                // When not even standard error can be written to, the exit code still tells.
                let _printed = error.print();
                if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS }
            }
            Self::Value(problem) => {
                use std::io::Write;
                let _printed = writeln!(std::io::stderr(), "postern: {problem}\n\nFor all settings: postern --help");
                ExitCode::from(2)
            }
        }
    }
}

/// Reads flags, environment and file.
///
/// # Errors
/// What is wrong and what was expected.
pub(crate) fn read() -> Result<Invocation, ConfigProblem> {
    from_args(std::env::args_os())
}

fn from_args(args: impl IntoIterator<Item = std::ffi::OsString>) -> Result<Invocation, ConfigProblem> {
    let cli = Cli::try_parse_from(args).map_err(ConfigProblem::Usage)?;
    let asked = |ask: AskArgs, question| asked(ask, question).map(Invocation::Ask);
    match cli.command {
        Some(Command::Serve(args)) => served(*args),
        None => served(cli.serve),
        Some(Command::Resolve { reference, explain, ask }) => asked(ask, Question::Resolve { reference, explain }),
        Some(Command::Providers(ProvidersCommand::Test { id, ask })) => asked(ask, Question::Test { provider: id }),
        Some(Command::Providers(ProvidersCommand::Policy { id, ask })) => asked(ask, Question::Policy { provider: id }),
    }
}

fn served(args: ServeArgs) -> Result<Invocation, ConfigProblem> {
    let settings = Settings::from_texts(texts(args)?, default_data_dir()).map_err(ConfigProblem::Value)?;
    Ok(Invocation::Serve(Box::new(settings)))
}

fn asked(ask: AskArgs, question: Question) -> Result<Asked, ConfigProblem> {
    let texts = texts(ServeArgs::only(ask.place))?;
    let settings = Settings::from_texts(texts, default_data_dir()).map_err(ConfigProblem::Value)?;
    let form = if ask.json { Form::Json } else { Form::Text };
    Ok(Asked {
        database_url: settings.database_url,
        master_key: settings.data_dir.join(MASTER_KEY),
        ambient: settings.ambient,
        env_prefix: settings.env_prefix,
        question,
        form,
    })
}

impl ServeArgs {
    /// Only where the configuration is.
    fn only(place: PlaceArgs) -> Self {
        Self { place, ..Self::default() }
    }
}

impl Settings {
    fn from_texts(texts: Texts, default_data_dir: Option<PathBuf>) -> Result<Self, String> {
        let data_dir = match texts.data_dir {
            Some(dir) if dir.is_empty() => return Err("--data-dir: expected a folder, got an empty text.".to_owned()),
            Some(dir) => PathBuf::from(dir),
            None => default_data_dir.ok_or("There is no data folder for this user: give one with --data-dir.")?,
        };
        let dashboard_addr = address("dashboard-addr", texts.dashboard_addr.as_deref().unwrap_or(DASHBOARD_ADDR))?;
        check_loopback(dashboard_addr)?;
        let gateway_addr = address("gateway-addr", texts.gateway_addr.as_deref().unwrap_or(GATEWAY_ADDR))?;
        if dashboard_addr == gateway_addr && gateway_addr.port() != 0 {
            return Err(format!(
                "--gateway-addr: the dashboard listens on {gateway_addr}; give the gateway another port."
            ));
        }
        let gateway_tls_addr = match texts.gateway_tls_addr.as_deref().unwrap_or(GATEWAY_TLS_ADDR).trim() {
            "off" => None,
            text => Some(address("gateway-tls-addr", text)?),
        };
        if let Some(tls) =
            gateway_tls_addr.filter(|tls| tls.port() != 0 && [dashboard_addr, gateway_addr].contains(tls))
        {
            return Err(format!("--gateway-tls-addr: another listener has {tls}; choose another port."));
        }
        let database_url = match texts.database_url {
            Some(url) => database_url(url)?,
            None => format!("sqlite:{}", data_dir.join("postern.db").display()),
        };
        Ok(Self {
            data_dir,
            dashboard_addr,
            gateway_addr,
            gateway_tls_addr,
            database_url,
            gateway_workers: workers(texts.gateway_workers.as_deref())?,
            ambient: crate::ambient::of_groups(texts.ambient_credentials.as_deref(), texts.token_files.as_deref())?,
            limits: ClientLimits::from_texts(&LimitTexts {
                gateway_header_timeout: texts.gateway_header_timeout,
                gateway_max_head: texts.gateway_max_head,
                gateway_max_headers: texts.gateway_max_headers,
                gateway_body_idle_timeout: texts.gateway_body_idle_timeout,
                gateway_body_timeout: texts.gateway_body_timeout,
                gateway_max_body: texts.gateway_max_body,
                gateway_trusted_proxies: texts.gateway_trusted_proxies,
                gateway_messages: texts.gateway_messages,
            })?,
            redis_ca_file: texts.redis_ca_file.map(PathBuf::from),
            access_log: access_log(texts.access_log)?,
            access_log_format: access_log_format(texts.access_log_format.as_deref())?,
            env_prefix: env_prefix(texts.env_prefix.unwrap_or_else(|| postern::env_ref::PREFIX.to_owned()))?,
            log: log_filter(texts.log.unwrap_or_else(|| "info".to_owned()))?,
            site_root: texts.site_root.map_or_else(|| PathBuf::from("target/site"), PathBuf::from),
        })
    }
}

/// The file's values, with those of flags and environment (which clap has already merged) over them.
fn texts(args: ServeArgs) -> Result<Texts, ConfigProblem> {
    let mut builder = config::Config::builder();
    if let Some(file) = &args.place.config {
        if !file.is_file() {
            return Err(ConfigProblem::Value(format!("--config: there is no file {}.", file.display())));
        }
        builder = builder.add_source(config::File::from(file.as_path()).format(config::FileFormat::Toml));
    }
    let given = [
        ("data_dir", args.place.data_dir),
        ("dashboard_addr", args.dashboard_addr),
        ("gateway_addr", args.gateway_addr),
        ("gateway_tls_addr", args.gateway_tls_addr),
        ("database_url", args.place.database_url),
        ("redis_ca_file", args.redis_ca_file),
        ("gateway_workers", args.gateway_workers),
        ("ambient_credentials", args.place.ambient_credentials),
        ("token_files", args.place.token_files),
        ("access_log", args.access_log),
        ("access_log_format", args.access_log_format),
        ("env_prefix", args.place.env_prefix),
        ("log", args.log),
        ("site_root", args.site_root),
    ];
    let file = args.place.config;
    let problem = |error: config::ConfigError| ConfigProblem::Value(file_problem(file.as_deref(), &error));
    for (name, value) in given.into_iter().chain(args.limits.given()) {
        builder = builder.set_override_option(name, value).map_err(problem)?;
    }
    builder.build().and_then(config::Config::try_deserialize).map_err(problem)
}

fn file_problem(file: Option<&Path>, error: &config::ConfigError) -> String {
    let file = file.map(|file| format!("{}: ", file.display())).unwrap_or_default();
    format!("{file}{error}")
}

fn default_data_dir() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "postern").map(|dirs| dirs.data_dir().to_owned())
}

fn address(flag: &str, text: &str) -> Result<SocketAddr, String> {
    let text = text.trim().replace("localhost:", "127.0.0.1:");
    text.parse().map_err(|_| format!("--{flag}: expected an IP address and port such as 127.0.0.1:7080, got '{text}'."))
}

fn check_loopback(address: SocketAddr) -> Result<(), String> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "--dashboard-addr: {address} can be reached from other machines, and the dashboard has no sign-in yet: \
whoever reaches it could use your secret providers. Use a loopback address such as {DASHBOARD_ADDR}, and reach it \
from elsewhere through an SSH tunnel."
    ))
}

fn database_url(url: String) -> Result<String, String> {
    match url.strip_prefix("sqlite:") {
        Some(file) if !file.is_empty() && !file.starts_with(":memory:") && !file.contains('?') => Ok(url),
        _ => Err(format!(
            "--database-url: expected sqlite:<file> such as sqlite:/var/lib/postern/postern.db, got '{}'.",
            scheme_only(&url)
        )),
    }
}

/// A database URL may hold a password: only its scheme is repeated.
fn scheme_only(url: &str) -> String {
    url.split_once(':').map_or_else(|| url.to_owned(), |(scheme, _)| format!("{scheme}:…"))
}

fn workers(text: Option<&str>) -> Result<usize, String> {
    match text {
        None => Ok(std::thread::available_parallelism().map_or(1, usize::from)),
        Some(text) => match text.trim().parse() {
            Ok(n @ 1..=1024) => Ok(n),
            _ => Err(format!("--gateway-workers: expected a number from 1 to 1024, got '{text}'.")),
        },
    }
}

fn access_log(text: Option<String>) -> Result<Option<AccessLogTarget>, String> {
    match text.as_deref() {
        None => Ok(None),
        Some("") => Err("--access-log: expected a file, or - for standard output, got an empty text.".to_owned()),
        Some("-") => Ok(Some(AccessLogTarget::StandardOutput)),
        Some(file) => Ok(Some(AccessLogTarget::File(PathBuf::from(file)))),
    }
}

fn access_log_format(text: Option<&str>) -> Result<AccessLogFormat, String> {
    match text {
        None | Some("json") => Ok(AccessLogFormat::Json),
        Some("text") => Ok(AccessLogFormat::Text),
        Some(text) => Err(format!("--access-log-format: expected json or text, got '{text}'.")),
    }
}

/// Never so short that references could read what Postern itself is configured with.
fn env_prefix(text: String) -> Result<String, String> {
    let command = <Cli as clap::CommandFactory>::command();
    let own = command.get_arguments().chain(command.get_subcommands().flat_map(clap::Command::get_arguments));
    let mut own = own.filter_map(|argument| argument.get_env()?.to_str());
    match own.find(|name| name.starts_with(&text)) {
        Some(name) => Err(format!(
            "--env-prefix: with '{text}', references could read settings of Postern's own ({name}). Give a longer one, such as {}.",
            postern::env_ref::PREFIX
        )),
        None => Ok(text),
    }
}

fn log_filter(text: String) -> Result<String, String> {
    let known =
        |word: &str| word.contains(['=', ':']) || ["off", "error", "warn", "info", "debug", "trace"].contains(&word);
    if text.split(',').all(known) && tracing_subscriber::EnvFilter::try_new(&text).is_ok() {
        Ok(text)
    } else {
        Err(format!(
            "--log: expected error, warn, info, debug, trace or a filter such as info,gateway=debug, got '{text}'."
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Settings, String> {
        let args = ["postern"].iter().chain(args).map(std::ffi::OsString::from).collect::<Vec<_>>();
        let invocation = from_args(args).map_err(|problem| match problem {
            ConfigProblem::Usage(error) => error.to_string(),
            ConfigProblem::Value(problem) => problem,
        })?;
        match invocation {
            Invocation::Serve(settings) => Ok(*settings),
            Invocation::Ask(asked) => panic!("{asked:?} is no server"),
        }
    }

    fn file(content: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("postern.toml");
        std::fs::write(&path, content).unwrap();
        let path = path.display().to_string();
        (folder, path)
    }

    #[test]
    fn bad_input_is_told_what_was_expected() {
        for (args, part) in [
            (&["--dashboard-addr", "7080"][..], "--dashboard-addr: expected an IP address and port"),
            (&["--dashboard-addr", "0.0.0.0:7080"], "no sign-in yet"),
            (&["--gateway-addr", "x:1"], "--gateway-addr: expected"),
            (&["--gateway-addr", "127.0.0.1:7080"], "another port"),
            (&["--gateway-tls-addr", "127.0.0.1:9080"], "another port"),
            (&["--gateway-tls-addr", "on"], "--gateway-tls-addr: expected"),
            (&["--database-url", "postgres://user:canary@host/db"], "expected sqlite:<file>"),
            (&["--database-url", "sqlite::memory:"], "expected sqlite:<file>"),
            (&["--gateway-workers", "0"], "1 to 1024"),
            (&["--gateway-header-timeout", "soon"], "--gateway-header-timeout: expected a whole number from 1"),
            (&["--gateway-max-head", "100"], "from 8192 to 1048576"),
            (&["--gateway-max-headers", "0"], "--gateway-max-headers: expected"),
            (&["--gateway-body-idle-timeout", "off"], "--gateway-body-idle-timeout: expected"),
            (&["--gateway-body-timeout", "0"], "--gateway-body-timeout: expected"),
            (&["--gateway-max-body", "1m"], "--gateway-max-body: expected"),
            (&["--gateway-trusted-proxies", "10.0.0.0/8, proxy"], "networks such as 10.0.0.0/8, got 'proxy'"),
            (&["--ambient-credentials", "default, a b"], "gateway groups such as default, got 'a b'"),
            (&["--token-files", "/run/vault-agent"], "such as default=/run/vault-agent, got '/run/vault-agent'"),
            (&["--token-files", "default=tokens"], "got 'default=tokens'"),
            (&["--token-files", "default=/a,default=/b"], "gives it another"),
            (&["--access-log", ""], "expected a file"),
            (&["--access-log-format", "xml"], "expected json or text"),
            (&["--log", "loud"], "--log: expected error"),
            (&["--env-prefix", ""], "settings of Postern's own"),
            (&["--env-prefix", "POSTERN_"], "settings of Postern's own"),
            (&["--data-dir", ""], "expected a folder"),
            (&["--config", "/nonexistent/postern.toml"], "there is no file"),
            (&["--colour"], "unexpected argument"),
            (&["launch"], "unrecognized subcommand"),
        ] {
            let problem = read(args).unwrap_err();
            assert!(problem.contains(part), "{args:?}: {problem}");
            assert!(!problem.contains("canary"), "{problem}");
        }
    }

    #[test]
    fn an_unknown_key_in_the_file_is_an_error_that_names_it() {
        let (_folder, path) = file("dashbord_addr = \"127.0.0.1:7080\"\n");
        let problem = read(&["--config", &path]).unwrap_err();
        assert!(problem.contains("dashbord_addr") && problem.contains(&path), "{problem}");
    }

    #[test]
    fn flags_stand_over_the_file_and_the_file_over_defaults() {
        let (_folder, path) = file("data_dir = \"/a\"\ngateway_addr = \"127.0.0.1:1111\"\ngateway_workers = 3\n");
        let settings = read(&["serve", "--config", &path, "--data-dir", "/b"]).unwrap();
        assert_eq!(settings.data_dir, PathBuf::from("/b"));
        assert_eq!(settings.database_url, "sqlite:/b/postern.db");
        assert_eq!(settings.gateway_addr.port(), 1111);
        assert_eq!(settings.dashboard_addr.to_string(), DASHBOARD_ADDR);
        assert_eq!(settings.gateway_workers, 3);
        assert!(settings.ambient.is_empty(), "nobody may, unless it is said");
        let given = ["--ambient-credentials", "default, team-a", "--token-files", "team-a=/run/a, team-b=/run/b"];
        let allowed: Vec<_> = read(&given).unwrap().ambient.into_iter().collect();
        let of = |group: &str, credentials, token_files: Option<&str>| {
            (group.parse().unwrap(), Ambient { credentials, token_files: token_files.map(PathBuf::from) })
        };
        let expected =
            [of("default", true, None), of("team-a", true, Some("/run/a")), of("team-b", false, Some("/run/b"))];
        assert_eq!(allowed, expected);
    }
}
