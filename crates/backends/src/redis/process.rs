//! One process of `redis-server`.

use super::authority::Authority;
use crate::PATIENCE;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running server, and what it takes to start it again.
pub(super) struct Server {
    process: Child,
    port: u16,
    tls_port: Option<u16>,
    arguments: Vec<String>,
    folder: TempDir,
}

/// A port that was free a moment ago, and whose cluster port (10000 higher) can be one.
pub(super) fn free_port() -> u16 {
    loop {
        let port = crate::free_port();
        if port < 55_000 && TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            return port;
        }
    }
}

/// Waits until `is_so`.
///
/// # Panics
/// It does not get so.
pub(super) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Server {
    /// Without persistence, on a port of its own, with more of its options.
    pub(super) fn start(options: &[&str]) -> Self {
        Self::start_in(TempDir::new().unwrap(), options.iter().map(|option| (*option).to_owned()).collect())
    }

    /// A sentinel with this configuration, which it rewrites.
    pub(super) fn start_sentinel(configuration: &str) -> Self {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let file = folder.path().join("sentinel.conf");
        let common = format!("bind 127.0.0.1\nport {port}\ndir {}\n", folder.path().display());
        std::fs::write(&file, common + configuration).unwrap();
        let arguments = vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()];
        Self::run(folder, port, arguments)
    }

    /// As [`Server::start`], and with TLS on another port.
    pub(super) fn start_with_tls(authority: &Authority, name: &str, options: &[&str]) -> Self {
        let (folder, tls_port) = (TempDir::new().unwrap(), free_port());
        authority.certify(name, folder.path());
        let mut all = vec!["--tls-auth-clients".to_owned(), "no".to_owned()];
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for (option, value) in [
            ("--tls-port", tls_port.to_string()),
            ("--tls-cert-file", path("server.pem")),
            ("--tls-key-file", path("server.key")),
            ("--tls-ca-cert-file", path("ca.pem")),
        ] {
            all.extend([option.to_owned(), value]);
        }
        all.extend(options.iter().map(|option| (*option).to_owned()));
        let mut server = Self::start_in(folder, all);
        server.tls_port = Some(tls_port);
        server
    }

    fn start_in(folder: TempDir, options: Vec<String>) -> Self {
        let port = free_port();
        let mut arguments = vec!["--port".to_owned(), port.to_string()];
        arguments.extend(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"].map(str::to_owned));
        arguments.extend(options);
        Self::run(folder, port, arguments)
    }

    fn run(folder: TempDir, port: u16, arguments: Vec<String>) -> Self {
        let process = spawn(folder.path(), &arguments);
        let server = Self { process, port, tls_port: None, arguments, folder };
        server.until_ready();
        server
    }

    fn until_ready(&self) {
        until("redis-server does not get ready", || TcpStream::connect(("127.0.0.1", self.port)).is_ok());
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Where it speaks TLS.
    pub(super) fn tls_port(&self) -> u16 {
        self.tls_port.unwrap()
    }

    pub(super) fn stop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }

    pub(super) fn restart(&mut self) {
        self.stop();
        self.process = spawn(self.folder.path(), &self.arguments);
        self.until_ready();
    }

    /// Sends commands over one connection; the first line of the last answer.
    ///
    /// # Panics
    /// The last answer is an error.
    pub(super) fn tell(&self, command: &str) -> String {
        self.ask(&[command]).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// The first line of the last answer; an error when it begins with `-`, or there is none.
    pub(super) fn ask(&self, commands: &[&str]) -> Result<String, String> {
        let broken = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(broken)?;
        let mut reader = BufReader::new(stream.try_clone().map_err(broken)?);
        let mut line = String::new();
        for command in commands {
            stream.write_all(format!("{command}\r\n").as_bytes()).map_err(broken)?;
            line.clear();
            reader.read_line(&mut line).map_err(broken)?;
        }
        if line.is_empty() || line.starts_with('-') { Err(line) } else { Ok(line.trim().to_owned()) }
    }

    /// The text that a command answers.
    pub(super) fn text(&self, commands: &[&str]) -> Result<String, String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(|error| error.to_string())?;
        let commands: String = commands.iter().map(|command| format!("{command}\r\n")).collect();
        stream.write_all(commands.as_bytes()).map_err(|error| error.to_string())?;
        // Then it answers, and closes.
        stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())?;
        let mut text = String::new();
        stream.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(folder: &Path, arguments: &[String]) -> Child {
    Command::new("redis-server")
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Redis is needed: run dev/test, which installs it")
}
