//! Where the counters are: in this gateway, in one Redis, in a cluster of them, or in the one that sentinels name.

use crate::plugin::about::ServerAt;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// Where the counters are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "policy", rename_all = "kebab-case")]
pub enum Policy<F> {
    /// In the memory of this gateway.
    Local,
    /// In one Redis, for all gateways that share it.
    Redis(Redis<F>),
    /// In a Redis Cluster.
    RedisCluster(RedisCluster<F>),
    /// In the Redis that sentinels name.
    RedisSentinel(RedisSentinel<F>),
}

/// A Redis server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redis<F> {
    #[serde(rename = "redis_host")]
    pub host: String,
    #[serde(rename = "redis_port")]
    pub port: u16,
    /// The ACL user; sent only with a password.
    #[serde(rename = "redis_username", default = "none", skip_serializing_if = "Option::is_none")]
    pub username: Option<F>,
    #[serde(rename = "redis_password", default = "none", skip_serializing_if = "Option::is_none")]
    pub password: Option<F>,
    #[serde(rename = "redis_database")]
    pub database: u32,
    /// For connecting and for each answer, in ms.
    #[serde(rename = "redis_timeout")]
    pub timeout: u32,
    #[serde(rename = "redis_ssl")]
    pub ssl: bool,
    #[serde(rename = "redis_ssl_verify")]
    pub ssl_verify: bool,
    /// How long an unused connection is kept, in ms.
    #[serde(rename = "redis_keepalive_timeout")]
    pub keepalive_timeout: u32,
    #[serde(rename = "redis_keepalive_pool")]
    pub keepalive_pool: u32,
}

/// A Redis Cluster. It has one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisCluster<F> {
    /// Some of its servers, which name the others.
    #[serde(rename = "redis_cluster_nodes")]
    pub nodes: Vec<ServerAddress>,
    /// Tells clusters with the same servers apart.
    #[serde(rename = "redis_cluster_name")]
    pub name: String,
    /// The ACL user; sent only with a password.
    #[serde(rename = "redis_username", default = "none", skip_serializing_if = "Option::is_none")]
    pub username: Option<F>,
    #[serde(rename = "redis_password", default = "none", skip_serializing_if = "Option::is_none")]
    pub password: Option<F>,
    /// For connecting to a server, and for each answer, in ms.
    #[serde(rename = "redis_timeout")]
    pub timeout: u32,
    #[serde(rename = "redis_cluster_ssl")]
    pub ssl: bool,
    #[serde(rename = "redis_cluster_ssl_verify")]
    pub ssl_verify: bool,
    /// How long unused connections are kept, in ms.
    #[serde(rename = "redis_keepalive_timeout")]
    pub keepalive_timeout: u32,
    #[serde(rename = "redis_keepalive_pool")]
    pub keepalive_pool: u32,
}

/// A Redis whose address sentinels know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedisSentinel<F> {
    #[serde(rename = "redis_sentinels")]
    pub sentinels: Vec<Sentinel>,
    /// The name under which the sentinels watch it.
    #[serde(rename = "redis_master_name")]
    pub master_name: String,
    #[serde(rename = "redis_role")]
    pub role: RedisRole,
    /// The ACL user; sent only with a password.
    #[serde(rename = "redis_username", default = "none", skip_serializing_if = "Option::is_none")]
    pub username: Option<F>,
    #[serde(rename = "redis_password", default = "none", skip_serializing_if = "Option::is_none")]
    pub password: Option<F>,
    /// The sentinels' own; sent only with a password.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub sentinel_username: Option<F>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub sentinel_password: Option<F>,
    #[serde(rename = "redis_database")]
    pub database: u32,
    /// For each connection, in ms.
    #[serde(rename = "redis_connect_timeout")]
    pub connect_timeout: u32,
    /// For each answer, in ms.
    #[serde(rename = "redis_read_timeout")]
    pub read_timeout: u32,
    /// How long an unused connection is kept, in ms.
    #[serde(rename = "redis_keepalive_timeout")]
    pub keepalive_timeout: u32,
}

/// Which of the servers that sentinels watch is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisRole {
    Master,
    /// A replica: it can count only if it may be written to (`replica-read-only no`).
    Slave,
}

/// One sentinel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentinel {
    pub host: String,
    pub port: u16,
}

/// `host:port`; an IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerAddress {
    /// Without brackets.
    pub host: String,
    pub port: u16,
}

/// Why a text is no [`ServerAddress`]: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("This is a name or an address with a port, such as redis-1.example.com:7000 or [::1]:7000.")]
pub struct ServerAddressError;

/// Without it serde would ask for a default of `F`.
fn none<F>() -> Option<F> {
    None
}

impl<F> Policy<F> {
    /// Converts the holder of every secret in it; `f` gets the field's name.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<G, E>(&self, mut f: impl FnMut(&'static str, &F) -> Result<G, E>) -> Result<Policy<G>, E> {
        let mut map = |name, secret: &Option<F>| secret.as_ref().map(|secret| f(name, secret)).transpose();
        Ok(match self {
            Self::Local => Policy::Local,
            Self::Redis(redis) => Policy::Redis(Redis {
                host: redis.host.clone(),
                port: redis.port,
                username: map("redis_username", &redis.username)?,
                password: map("redis_password", &redis.password)?,
                database: redis.database,
                timeout: redis.timeout,
                ssl: redis.ssl,
                ssl_verify: redis.ssl_verify,
                keepalive_timeout: redis.keepalive_timeout,
                keepalive_pool: redis.keepalive_pool,
            }),
            Self::RedisCluster(cluster) => Policy::RedisCluster(RedisCluster {
                nodes: cluster.nodes.clone(),
                name: cluster.name.clone(),
                username: map("redis_username", &cluster.username)?,
                password: map("redis_password", &cluster.password)?,
                timeout: cluster.timeout,
                ssl: cluster.ssl,
                ssl_verify: cluster.ssl_verify,
                keepalive_timeout: cluster.keepalive_timeout,
                keepalive_pool: cluster.keepalive_pool,
            }),
            Self::RedisSentinel(watched) => Policy::RedisSentinel(RedisSentinel {
                sentinels: watched.sentinels.clone(),
                master_name: watched.master_name.clone(),
                role: watched.role,
                username: map("redis_username", &watched.username)?,
                password: map("redis_password", &watched.password)?,
                sentinel_username: map("sentinel_username", &watched.sentinel_username)?,
                sentinel_password: map("sentinel_password", &watched.sentinel_password)?,
                database: watched.database,
                connect_timeout: watched.connect_timeout,
                read_timeout: watched.read_timeout,
                keepalive_timeout: watched.keepalive_timeout,
            }),
        })
    }

    /// All fields but the secrets.
    #[must_use]
    pub fn without_secrets(&self) -> Policy<()> {
        self.try_map(|_, _| Ok::<_, Infallible>(())).unwrap_or_else(|never| match never {})
    }

    /// The servers that are connected to first. A cluster and sentinels name others.
    #[must_use]
    pub(super) fn servers(&self) -> Vec<ServerAt> {
        match self {
            Self::Local => Vec::new(),
            Self::Redis(redis) => vec![ServerAt::new("/redis_host", &redis.host, redis.port)],
            Self::RedisCluster(cluster) => {
                let nodes = cluster.nodes.iter().enumerate();
                nodes
                    .map(|(n, node)| ServerAt::new(format!("/redis_cluster_nodes/{n}"), &node.host, node.port))
                    .collect()
            }
            Self::RedisSentinel(watched) => {
                let sentinels = watched.sentinels.iter().enumerate();
                sentinels
                    .map(|(n, one)| ServerAt::new(format!("/redis_sentinels/{n}/host"), &one.host, one.port))
                    .collect()
            }
        }
    }
}

impl FromStr for ServerAddress {
    type Err = ServerAddressError;

    fn from_str(text: &str) -> Result<Self, ServerAddressError> {
        let (host, port) = text.rsplit_once(':').ok_or(ServerAddressError)?;
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(ServerAddressError)?;
        let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_good = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => is_name_or_v4(host),
        };
        let host = bracketed.unwrap_or(host).to_owned();
        if is_good { Ok(Self { host, port }) } else { Err(ServerAddressError) }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

text_form!(ServerAddress);

/// Whether `text` is a host without a port: a name, or an address without brackets.
pub(super) fn is_host(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok() || is_name_or_v4(text)
}

fn is_name_or_v4(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=253).contains(&text.len()) && text.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_address_is_a_host_with_a_port() {
        for (text, parts) in [
            ("127.0.0.1:7000", Some(("127.0.0.1", 7000))),
            ("redis-1.example.com:65535", Some(("redis-1.example.com", 65535))),
            ("[::1]:7000", Some(("::1", 7000))),
            ("redis", None),
            ("redis:", None),
            ("redis:0", None),
            ("redis:65536", None),
            (":7000", None),
            ("::1:7000", None),
            ("[redis]:7000", None),
            ("redis://h:7000", None),
            ("h:1/0", None),
            ("user@h:1", None),
        ] {
            let got = text.parse::<ServerAddress>().ok();
            assert_eq!(got.as_ref().map(|address| (&*address.host, address.port)), parts, "{text}");
            assert!(got.is_none_or(|address| address.to_string() == text), "{text}");
        }
    }
}
