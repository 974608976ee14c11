//! A Redis Cluster of three masters.

use super::authority::Authority;
use super::process::{Server, free_port, until};

const SLOTS: u16 = 16_384;
const OPTIONS: [&str; 6] =
    ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-announce-ip", "127.0.0.1"];

/// Three servers that share the slots. Only the user `api7` with `redis-api7` is let in.
pub struct RedisCluster {
    servers: Vec<Server>,
    authority: Option<Authority>,
}

impl RedisCluster {
    /// A cluster that answers.
    ///
    /// # Panics
    /// The program is not there, or the cluster does not come about.
    #[must_use]
    pub fn start() -> Self {
        Self::of((0..3).map(|_| Server::start(&OPTIONS)).collect(), None)
    }

    /// The same, over TLS, with certificates for 127.0.0.1.
    ///
    /// # Panics
    /// As [`RedisCluster::start`].
    #[must_use]
    pub fn start_with_tls() -> Self {
        let authority = Authority::new();
        let options = [&OPTIONS[..], &["--tls-cluster", "yes"]].concat();
        let servers = (0..3).map(|_| Server::start_with_tls(&authority, "127.0.0.1", &options)).collect();
        Self::of(servers, Some(authority))
    }

    fn of(servers: Vec<Server>, authority: Option<Authority>) -> Self {
        let cluster = Self { servers, authority };
        cluster.join();
        cluster.set_user("api7", "redis-api7");
        cluster
    }

    /// Who its certificates are from, PEM.
    ///
    /// # Panics
    /// It was not started with TLS.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_ref().unwrap().pem()
    }

    /// Where clients and the other servers connect to.
    fn port(&self, server: &Server) -> u16 {
        if self.authority.is_some() { server.tls_port() } else { server.port() }
    }

    fn join(&self) {
        let share = SLOTS / 3;
        for (n, server) in (0..3).zip(&self.servers) {
            let last = if n == 2 { SLOTS - 1 } else { (n + 1) * share - 1 };
            server.tell(&format!("CLUSTER ADDSLOTSRANGE {} {last}", n * share));
            server.tell(&format!("CLUSTER SET-CONFIG-EPOCH {}", n + 1));
        }
        for server in &self.servers[1..] {
            server.tell(&format!("CLUSTER MEET 127.0.0.1 {}", self.port(&self.servers[0])));
        }
        until("the cluster does not come about", || {
            self.servers.iter().all(|server| {
                let info = server.text(&["CLUSTER INFO"]).unwrap_or_default();
                info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:3")
            })
        });
    }

    /// `host:port` of each.
    #[must_use]
    pub fn nodes(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("127.0.0.1:{}", self.port(server))).collect()
    }

    /// From now on the user has this password at every server, and whoever is connected is disconnected.
    pub fn set_user(&self, name: &str, password: &str) {
        let may = format!("{} +cluster|slots +ping +asking", super::LIMIT_COUNT);
        for server in &self.servers {
            server.tell(&format!("ACL SETUSER {name} reset on >{password} ~plugin-limit-count:* {may}"));
            server.tell("CLIENT KILL TYPE normal SKIPME yes");
        }
    }

    /// From now on the first server says that it is at this address, and so do the others of it. They wait for it long
    /// enough not to give it up.
    ///
    /// # Panics
    /// They do not.
    pub fn announce(&self, address: &str) {
        for server in &self.servers {
            server.tell("CONFIG SET cluster-node-timeout 600000");
        }
        self.servers[0].tell(&format!("CONFIG SET cluster-announce-ip {address}"));
        until("the other servers do not take the address over", || {
            let others = &self.servers[1..];
            others.iter().all(|one| one.text(&["CLUSTER SLOTS"]).is_ok_and(|slots| slots.contains(address)))
        });
    }

    /// How many keys each server has.
    #[must_use]
    pub fn sizes(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.tell("DBSIZE")).collect()
    }

    /// Moves the slot of the only key, and the key, to another server.
    ///
    /// # Panics
    /// There is not one key, or a server refuses.
    pub fn move_the_only_key(&self) {
        let from = self.servers.iter().position(|server| server.tell("DBSIZE") == ":1").unwrap();
        let to = (from + 1) % self.servers.len();
        let (from, to) = (&self.servers[from], &self.servers[to]);
        let key = from.text(&["KEYS *"]).unwrap();
        let key = key.lines().find(|line| line.starts_with("plugin-limit-count")).unwrap().trim().to_owned();
        let slot = from.tell(&format!("CLUSTER KEYSLOT \"{key}\""));
        let slot = slot.trim_start_matches(':');
        let id = |server: &Server| server.text(&["CLUSTER MYID"]).unwrap().lines().nth(1).unwrap().trim().to_owned();
        let (from_id, to_id) = (id(from), id(to));
        to.tell(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
        from.tell(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
        from.tell(&format!("MIGRATE 127.0.0.1 {} \"{key}\" 0 5000", to.port()));
        for server in [to, from] {
            server.tell(&format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
        }
    }

    /// Ends all of it, as a crash would.
    pub fn stop(&mut self) {
        for server in &mut self.servers {
            server.stop();
        }
    }

    /// An address of no server.
    #[must_use]
    pub fn no_node() -> String {
        format!("127.0.0.1:{}", free_port())
    }
}
