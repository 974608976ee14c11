//! The fields that say where the counters are.

use super::{Policy, Redis, RedisCluster, RedisRole, RedisSentinel, Sentinel, ServerAddress};
use crate::plugin::SecretAt;
use crate::plugin::reader::{Reader, boolean, secret, text, whole};
use crate::problem::FieldProblem;
use serde_json::Value;

type Held = SecretAt;

const REDIS: &str = "redis";
const CLUSTER: &str = "redis-cluster";
const SENTINEL: &str = "redis-sentinel";

/// The fields that say where the counters are, and the policies that have them.
const FIELDS: &[(&str, &[&str])] = &[
    ("redis_host", &[REDIS]),
    ("redis_port", &[REDIS]),
    ("redis_username", &[REDIS, CLUSTER, SENTINEL]),
    ("redis_password", &[REDIS, CLUSTER, SENTINEL]),
    ("redis_database", &[REDIS, SENTINEL]),
    ("redis_timeout", &[REDIS, CLUSTER]),
    ("redis_ssl", &[REDIS]),
    ("redis_ssl_verify", &[REDIS]),
    ("redis_keepalive_timeout", &[REDIS, CLUSTER, SENTINEL]),
    ("redis_keepalive_pool", &[REDIS, CLUSTER]),
    ("redis_cluster_nodes", &[CLUSTER]),
    ("redis_cluster_name", &[CLUSTER]),
    ("redis_cluster_ssl", &[CLUSTER]),
    ("redis_cluster_ssl_verify", &[CLUSTER]),
    ("redis_sentinels", &[SENTINEL]),
    ("redis_master_name", &[SENTINEL]),
    ("redis_role", &[SENTINEL]),
    ("redis_connect_timeout", &[SENTINEL]),
    ("redis_read_timeout", &[SENTINEL]),
    ("sentinel_username", &[SENTINEL]),
    ("sentinel_password", &[SENTINEL]),
];

pub(super) fn policy(reader: &mut Reader<'_>) -> Option<Policy<Held>> {
    let name = reader.or("policy", "local".to_owned(), |value| text(value, 1));
    let policy = match name.as_str() {
        "local" => Some(Policy::Local),
        REDIS => redis(reader).map(Policy::Redis),
        CLUSTER => cluster(reader).map(Policy::RedisCluster),
        SENTINEL => sentinel(reader).map(Policy::RedisSentinel),
        // Of what the fields of an unknown policy should be nothing can be said.
        _ => return None,
    };
    for (field, policies) in FIELDS {
        if !policies.contains(&name.as_str()) {
            let policies = policies.join(", ");
            let why =
                format!("It has no effect with the policy '{name}': remove it, or choose another policy: {policies}.");
            reader.forbid(field, &why);
        }
    }
    policy
}

fn redis(reader: &mut Reader<'_>) -> Option<Redis<Held>> {
    let needed = "The policy 'redis' needs redis_host: the server's name or address.";
    let host = reader.required("redis_host", needed, checked);
    let (username, password) = login(reader, "redis_username", "redis_password");
    let port = reader.or("redis_port", 6379, |value| whole(value, 1, 65535));
    let database = database(reader);
    let timeout = timeout(reader, "redis_timeout");
    let keepalive_timeout = reader.or("redis_keepalive_timeout", 10_000, |value| whole(value, 1000, 3_600_000));
    let keepalive_pool = reader.or("redis_keepalive_pool", 100, |value| whole(value, 1, 100_000));
    let ssl = reader.or("redis_ssl", false, boolean);
    let ssl_verify = reader.or("redis_ssl_verify", false, boolean);
    Some(Redis {
        host: host?,
        port: u16::try_from(port).ok()?,
        username,
        password,
        database,
        timeout,
        ssl,
        ssl_verify,
        keepalive_timeout: u32::try_from(keepalive_timeout).ok()?,
        keepalive_pool: u32::try_from(keepalive_pool).ok()?,
    })
}

fn cluster(reader: &mut Reader<'_>) -> Option<RedisCluster<Held>> {
    let needed = "The policy 'redis-cluster' needs redis_cluster_nodes: some of its servers, as \"host:port\".";
    let nodes = required_list(reader, "redis_cluster_nodes", needed, |path, value| {
        let address = value.as_str().unwrap_or_default().parse::<ServerAddress>();
        address.map_err(|error| vec![FieldProblem::new(path, error.to_string())])
    });
    let needed = "The policy 'redis-cluster' needs redis_cluster_name.";
    let name = reader.required("redis_cluster_name", needed, |value| text(value, 1));
    let (username, password) = login(reader, "redis_username", "redis_password");
    let timeout = timeout(reader, "redis_timeout");
    let keepalive_timeout = reader.or("redis_keepalive_timeout", 10_000, |value| whole(value, 1000, 3_600_000));
    let keepalive_pool = reader.or("redis_keepalive_pool", 100, |value| whole(value, 1, 100_000));
    let ssl = reader.or("redis_cluster_ssl", false, boolean);
    let ssl_verify = reader.or("redis_cluster_ssl_verify", false, boolean);
    Some(RedisCluster {
        nodes: nodes?,
        name: name?,
        username,
        password,
        timeout,
        ssl,
        ssl_verify,
        keepalive_timeout: u32::try_from(keepalive_timeout).ok()?,
        keepalive_pool: u32::try_from(keepalive_pool).ok()?,
    })
}

fn sentinel(reader: &mut Reader<'_>) -> Option<RedisSentinel<Held>> {
    let needed = "The policy 'redis-sentinel' needs redis_sentinels: a list of {\"host\", \"port\"}.";
    let sentinels = required_list(reader, "redis_sentinels", needed, one_sentinel);
    let needed = "The policy 'redis-sentinel' needs redis_master_name: the name under which the sentinels watch it.";
    let master_name = reader.required("redis_master_name", needed, |value| text(value, 1));
    let role = reader.or("redis_role", RedisRole::Master, |value| match value.as_str() {
        Some("master") => Ok(RedisRole::Master),
        Some("slave") => Ok(RedisRole::Slave),
        _ => Err("This is 'master' or 'slave'.".to_owned()),
    });
    let (username, password) = login(reader, "redis_username", "redis_password");
    let (sentinel_username, sentinel_password) = login(reader, "sentinel_username", "sentinel_password");
    let database = database(reader);
    let connect_timeout = timeout(reader, "redis_connect_timeout");
    let read_timeout = timeout(reader, "redis_read_timeout");
    let keepalive_timeout = reader.or("redis_keepalive_timeout", 60_000, |value| whole(value, 1, 3_600_000));
    Some(RedisSentinel {
        sentinels: sentinels?,
        master_name: master_name?,
        role,
        username,
        password,
        sentinel_username,
        sentinel_password,
        database,
        connect_timeout,
        read_timeout,
        keepalive_timeout: u32::try_from(keepalive_timeout).ok()?,
    })
}

fn one_sentinel(path: String, value: &Value) -> Result<Sentinel, Vec<FieldProblem>> {
    let Some(object) = value.as_object() else {
        return Err(vec![FieldProblem::new(path, "A sentinel is an object with host and port.")]);
    };
    let mut reader = Reader::new(path, object);
    let host = reader.required("host", "A sentinel has host and port.", checked);
    let port = reader.required("port", "A sentinel has host and port.", |value| whole(value, 1, 65535));
    let sentinel = (|| Some(Sentinel { host: host?, port: u16::try_from(port?).ok()? }))();
    reader.finish(sentinel)
}

/// A list of at least one.
fn required_list<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    needed: &str,
    read: impl Fn(String, &Value) -> Result<T, Vec<FieldProblem>>,
) -> Option<Vec<T>> {
    let mut problems = Vec::new();
    let list = reader.required(name, needed, |value| {
        let items = value.as_array().filter(|items| !items.is_empty()).ok_or("This is a list of at least one.")?;
        let mut list = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match read(format!("/{name}/{index}"), item) {
                Ok(item) => list.push(item),
                Err(of_item) => problems.extend(of_item),
            }
        }
        Ok(list)
    });
    let is_whole = problems.is_empty();
    reader.add(problems);
    list.filter(|_| is_whole)
}

/// A username and a password.
fn login(reader: &mut Reader<'_>, username: &'static str, password: &'static str) -> (Option<Held>, Option<Held>) {
    let (name, given) = (reader.optional(username, secret), reader.optional(password, secret));
    if name.is_some() && !reader.has(password) {
        reader.refuse(username, format!("Redis is sent a username only with a password: add {password}."));
    }
    (name, given)
}

fn database(reader: &mut Reader<'_>) -> u32 {
    let database = reader.or("redis_database", 0, |value| whole(value, 0, 65535));
    u32::try_from(database).unwrap_or(0)
}

fn timeout(reader: &mut Reader<'_>, name: &'static str) -> u32 {
    let timeout = reader.or(name, 1000, |value| whole(value, 1, 60_000));
    u32::try_from(timeout).unwrap_or(1000)
}

/// A text of which the table says what is wrong with it.
fn checked(value: &Value) -> Result<String, String> {
    Ok(value.as_str().unwrap_or_default().to_owned())
}
