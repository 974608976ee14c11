//! Redis, as the tests need it: alone, as a cluster, watched by sentinels.

mod authority;
mod cluster;
mod process;
mod sentinel;

pub use cluster::RedisCluster;
pub use sentinel::{RedisSentinel, SentinelOf};

use authority::Authority;
use process::Server;

/// What limit-count does, and no more.
const LIMIT_COUNT: &str = "+select +eval +evalsha +pttl +set +incrby +time +hmget +hset +pexpire";

/// One server without persistence, on a port of its own.
pub struct Redis {
    server: Server,
}

/// One server that speaks TLS.
pub struct RedisTls {
    server: Server,
    authority: Authority,
}

impl Redis {
    /// A server that answers.
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    #[must_use]
    pub fn start() -> Self {
        Self { server: Server::start(&[]) }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Sends one command as its administrator; the first line of the answer.
    ///
    /// # Panics
    /// Redis answers with an error.
    pub fn tell(&self, command: &str) -> String {
        self.server.tell(command)
    }

    /// From now on the user has this password, and may do what limit-count does, and no more. Whoever is
    /// connected as anyone is disconnected.
    pub fn set_user(&self, name: &str, password: &str) {
        self.tell(&format!("ACL SETUSER {name} reset on >{password} ~plugin-limit-count:* {LIMIT_COUNT}"));
        self.tell("CLIENT KILL TYPE normal SKIPME yes");
    }

    /// The counters in database 1.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let keys = self.server.text(&["SELECT 1", "KEYS plugin-limit-count*"]).unwrap_or_default();
        keys.lines().filter(|line| line.starts_with("plugin-limit-count")).map(|key| key.trim().to_owned()).collect()
    }

    /// How long a counter in database 1 goes on, in ms; below 0 when it is not there, or has no end.
    ///
    /// # Panics
    /// Redis answers with an error.
    #[must_use]
    pub fn ms_left(&self, key: &str) -> i64 {
        let left = self.server.ask(&["SELECT 1", &format!("PTTL \"{key}\"")]).unwrap();
        left.trim_start_matches(':').parse().unwrap()
    }

    /// What the counters in database 1 have counted (those of fixed windows).
    #[must_use]
    pub fn counts(&self) -> Vec<u64> {
        let get = |key: &String| self.server.text(&["SELECT 1", &format!("GET \"{key}\"")]).unwrap_or_default();
        self.keys().iter().filter_map(|key| get(key).lines().nth(2)?.trim().parse().ok()).collect()
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// A new, empty server on the same port.
    ///
    /// # Panics
    /// As [`Redis::start`].
    pub fn restart(&mut self) {
        self.server.restart();
    }
}

impl RedisTls {
    /// A server with a certificate for `name`, and for no other.
    ///
    /// # Panics
    /// The program is not there, was built without TLS, or does not get ready.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let authority = Authority::new();
        Self { server: Server::start_with_tls(&authority, name, &[]), authority }
    }

    /// Where it speaks TLS.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.tls_port()
    }

    /// Who its certificate is from, PEM.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.pem()
    }
}
