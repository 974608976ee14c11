//! A master, a replica, and three sentinels that watch them as `mymaster`.

use super::process::{Server, until};

/// The password of the sentinels.
const SENTINEL_PASSWORD: &str = "sentinel-pass";

/// Two servers and their sentinels.
pub struct RedisSentinel {
    /// The master at first, and its replica.
    servers: [Server; 2],
    sentinels: Vec<Server>,
}

/// One sentinel that watches a master that is not there, and does not find that out.
pub struct SentinelOf {
    sentinel: Server,
}

impl SentinelOf {
    /// The name under which it knows the master.
    pub const MASTER_NAME: &str = RedisSentinel::MASTER_NAME;

    /// It answers that the master is there.
    ///
    /// # Panics
    /// The program is not there, or does not get ready.
    #[must_use]
    pub fn start(host: &str, port: u16) -> Self {
        let name = Self::MASTER_NAME;
        let watched = format!("sentinel monitor {name} {host} {port} 1");
        let patient = format!("sentinel down-after-milliseconds {name} 3600000");
        Self { sentinel: Server::start_sentinel(&format!("{watched}\n{patient}\n")) }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.sentinel.port()
    }
}

impl RedisSentinel {
    /// The name under which the sentinels know the master.
    pub const MASTER_NAME: &str = "mymaster";

    /// All of it, agreed on who is master.
    ///
    /// # Panics
    /// The program is not there, or they do not agree.
    #[must_use]
    pub fn start() -> Self {
        let master = Server::start(&[]);
        let replica = Server::start(&["--replicaof", &format!("127.0.0.1 {}", master.port())]);
        let configuration = format!(
            "sentinel monitor {name} 127.0.0.1 {} 2\nsentinel down-after-milliseconds {name} 1000\n\
             sentinel failover-timeout {name} 5000\nrequirepass {SENTINEL_PASSWORD}\n\
             sentinel sentinel-pass {SENTINEL_PASSWORD}\n",
            master.port(),
            name = Self::MASTER_NAME,
        );
        let sentinels = (0..3).map(|_| Server::start_sentinel(&configuration)).collect();
        let watched = Self { servers: [master, replica], sentinels };
        watched.set_user("api7", "redis-api7");
        until("the replica does not follow", || {
            watched.servers[1].text(&["INFO replication"]).is_ok_and(|info| info.contains("master_link_status:up"))
        });
        until("the sentinels do not agree", || watched.sentinels.iter().all(|one| watched.is_watching(one)));
        watched
    }

    fn is_watching(&self, sentinel: &Server) -> bool {
        let auth = format!("AUTH {SENTINEL_PASSWORD}");
        let quorum = sentinel.ask(&[&auth, &format!("SENTINEL CKQUORUM {}", Self::MASTER_NAME)]);
        let replicas = sentinel.text(&[&auth, &format!("SENTINEL REPLICAS {}", Self::MASTER_NAME)]);
        let replica = self.servers[1].port().to_string();
        quorum.is_ok_and(|answer| answer.starts_with("+OK 3")) && replicas.is_ok_and(|list| list.contains(&replica))
    }

    /// The ports of the sentinels.
    #[must_use]
    pub fn sentinels(&self) -> Vec<u16> {
        self.sentinels.iter().map(Server::port).collect()
    }

    /// What the sentinels let in.
    #[must_use]
    pub fn sentinel_password(&self) -> &'static str {
        SENTINEL_PASSWORD
    }

    /// From now on the sentinels let in nobody but this user.
    pub fn set_sentinel_user(&self, name: &str, password: &str) {
        let auth = format!("AUTH {SENTINEL_PASSWORD}");
        for sentinel in &self.sentinels {
            let commands = "+role +ping +sentinel|masters +sentinel|replicas +sentinel|slaves";
            let user = format!("ACL SETUSER {name} reset on >{password} allchannels {commands}");
            sentinel.ask(&[&auth, &user]).unwrap();
            sentinel.ask(&[&auth, "CLIENT KILL TYPE normal SKIPME yes"]).unwrap();
        }
    }

    /// From now on the user has this password at both servers, and whoever is connected is disconnected.
    pub fn set_user(&self, name: &str, password: &str) {
        let may = format!("{} +role", super::LIMIT_COUNT);
        for server in &self.servers {
            server.tell(&format!("ACL SETUSER {name} reset on >{password} ~plugin-limit-count:* {may}"));
            server.tell("CLIENT KILL TYPE normal SKIPME yes");
        }
    }

    /// Whether the replica may be written to.
    pub fn let_replica_count(&self) {
        self.servers[1].tell("CONFIG SET replica-read-only no");
    }

    /// How often the only counter of database 1 has counted, as the replica knows it.
    #[must_use]
    pub fn replicated(&self) -> Option<String> {
        let keys = self.servers[1].text(&["SELECT 1", "KEYS *"]).ok()?;
        let key = keys.lines().find(|line| line.starts_with("plugin-limit-count"))?.trim().to_owned();
        let value = self.servers[1].text(&["SELECT 1", &format!("GET \"{key}\"")]).ok()?;
        value.lines().nth(2).map(|value| value.trim().to_owned())
    }

    /// Waits until the replica has counted so often.
    ///
    /// # Panics
    /// It does not.
    pub fn until_replicated(&self, count: u64) {
        until("the replica does not follow", || self.replicated() == Some(count.to_string()));
    }

    /// Ends the master, as a crash would, and waits until the sentinels have made the replica the master.
    ///
    /// # Panics
    /// They do not.
    pub fn fail_over(&mut self) {
        self.servers[0].stop();
        let (auth, replica) = (format!("AUTH {SENTINEL_PASSWORD}"), self.servers[1].port().to_string());
        let who = format!("SENTINEL GET-MASTER-ADDR-BY-NAME {}", Self::MASTER_NAME);
        until("there is no new master", || {
            let agree = |one: &Server| one.text(&[&auth, &who]).is_ok_and(|answer| answer.contains(&replica));
            self.sentinels.iter().all(agree)
        });
    }

    /// Starts the old master again, and waits until it is the new one's replica.
    ///
    /// # Panics
    /// It is not.
    pub fn bring_back(&mut self) {
        self.servers[0].restart();
        until("the old master does not follow", || self.servers[0].tell("ROLE") == "*5");
    }

    /// Ends one sentinel, as a crash would.
    pub fn stop_sentinel(&mut self, number: usize) {
        self.sentinels[number].stop();
    }

    /// Ends both servers, as a crash would.
    pub fn stop_servers(&mut self) {
        for server in &mut self.servers {
            server.stop();
        }
    }
}
