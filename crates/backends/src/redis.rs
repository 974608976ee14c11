//! Redis, as the tests need it.

use crate::{PATIENCE, free_port};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// One server without persistence, on a port of its own.
pub struct Redis {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    /// A server that answers.
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    #[must_use]
    pub fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Redis is needed: run dev/test, which installs it");
        let redis = Self { process, port, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "redis-server does not get ready");
            std::thread::yield_now();
        }
        redis
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends one command as its administrator; the first line of the answer.
    ///
    /// # Panics
    /// Redis answers with an error.
    pub fn tell(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        assert!(!line.starts_with('-'), "{command}: {line}");
        line.trim().to_owned()
    }

    /// From now on the user has this password, and may do what limit-count does, and no more. Whoever is
    /// connected as anyone is disconnected.
    pub fn set_user(&self, name: &str, password: &str) {
        let commands = "+select +eval +evalsha +pttl +set +incrby +time +hmget +hset +pexpire";
        self.tell(&format!("ACL SETUSER {name} reset on >{password} ~plugin-limit-count:* {commands}"));
        self.tell("CLIENT KILL TYPE normal SKIPME yes");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}
