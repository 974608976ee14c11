//! The Redis server that sentinels name (<https://redis.io/docs/latest/develop/reference/sentinel-clients/>).
//!
//! The crate's own client for sentinels connects to whatever address they name; here every connection goes through
//! the [`Guard`](super::guard::Guard).

use super::connect::Timing;
use super::failure::{is_refusal, is_untrusted};
use postern::plugin::limit_count::{RedisRole, RedisSentinel};
use postern::snapshot::LiveField;
use redis::aio::MultiplexedConnection;
use redis::{
    Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult, Role, cmd,
};
use std::collections::{BTreeSet, HashMap};

/// The sentinels, and what they are asked for.
pub(super) struct Sentinels {
    sentinels: Vec<Client>,
    master_name: String,
    role: RedisRole,
    /// For the server that they name.
    settings: RedisConnectionInfo,
}

/// A server as a sentinel describes it.
type Described = HashMap<String, String>;

impl Sentinels {
    pub(super) fn new(
        watched: &RedisSentinel<LiveField>,
        sentinels: Vec<Client>,
        settings: RedisConnectionInfo,
    ) -> Self {
        Self { sentinels, master_name: watched.master_name.clone(), role: watched.role, settings }
    }

    /// A connection to the server that the first sentinel names which knows one. That another one refuses who we are
    /// is no outage, and is told before one.
    pub(super) async fn connect(&self, timing: &Timing) -> RedisResult<MultiplexedConnection> {
        let mut failed: Option<RedisError> = None;
        let found = timing.within(async {
            for sentinel in &self.sentinels {
                match self.named_by(sentinel, timing).await {
                    Ok(connection) => return Ok(Some(connection)),
                    Err(error) if failed.as_ref().is_none_or(|known| !is_told_first(known)) => failed = Some(error),
                    Err(_) => {}
                }
            }
            Ok(None)
        });
        match (found.await, failed) {
            (Ok(Some(connection)), _) => Ok(connection),
            (Ok(None) | Err(_), Some(error)) => Err(error),
            (Err(error), None) => Err(error),
            (Ok(None), None) => Err(no_server()),
        }
    }

    async fn named_by(&self, sentinel: &Client, timing: &Timing) -> RedisResult<MultiplexedConnection> {
        let mut sentinel = timing.connect(sentinel).await?;
        let mut failed = no_server();
        for (host, port) in self.addresses(&mut sentinel).await? {
            match self.server(host, port, timing).await {
                Ok(Some(connection)) => return Ok(connection),
                // It is another's part now, and the sentinel does not know it yet.
                Ok(None) => {}
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Where the sentinel says that servers for the role are; in order, so that all gateways choose the same.
    async fn addresses(&self, sentinel: &mut MultiplexedConnection) -> RedisResult<BTreeSet<(String, u16)>> {
        let mut ask = cmd("SENTINEL");
        match self.role {
            RedisRole::Master => ask.arg("MASTERS"),
            RedisRole::Slave => ask.arg("REPLICAS").arg(&self.master_name),
        };
        let described: Vec<Described> = ask.query_async(sentinel).await?;
        Ok(described.iter().filter(|server| self.is_meant(server)).filter_map(address).collect())
    }

    fn is_meant(&self, server: &Described) -> bool {
        let flags = server.get("flags").map(String::as_str).unwrap_or_default();
        let is_up = !flags.contains("s_down") && !flags.contains("o_down");
        let has_role = match self.role {
            RedisRole::Master => server.get("name") == Some(&self.master_name) && flags.contains("master"),
            RedisRole::Slave => true,
        };
        is_up && has_role
    }

    /// A connection to the server; nothing when it has not the role.
    async fn server(&self, host: String, port: u16, timing: &Timing) -> RedisResult<Option<MultiplexedConnection>> {
        let info = ConnectionAddr::Tcp(host, port).into_connection_info()?.set_redis_settings(self.settings.clone());
        let mut connection = timing.connect(&Client::open(info)?).await?;
        let role: Role = cmd("ROLE").query_async(&mut connection).await?;
        let has_role = match self.role {
            RedisRole::Master => matches!(role, Role::Primary { .. }),
            RedisRole::Slave => matches!(role, Role::Replica { .. }),
        };
        Ok(has_role.then_some(connection))
    }
}

fn address(server: &Described) -> Option<(String, u16)> {
    Some((server.get("ip")?.clone(), server.get("port")?.parse().ok()?))
}

fn is_told_first(error: &RedisError) -> bool {
    is_refusal(error) || is_untrusted(error)
}

fn no_server() -> RedisError {
    (ErrorKind::MasterNameNotFoundBySentinel, "the sentinels know no such server").into()
}
