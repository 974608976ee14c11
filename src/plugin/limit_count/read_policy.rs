//! The fields that say where the counters are.

use super::policy::is_host;
use super::{Policy, Redis, RedisCluster, RedisRole, RedisSentinel, Sentinel, ServerAddress};
use crate::plugin::fields::boolean;
use crate::plugin::reader::{Reader, secret, text, whole};
use crate::problem::FieldProblem;
use crate::sensitive::{Entered, SecretField};
use serde_json::Value;

type Held = SecretField<Entered>;

const REDIS: &[&str] = &[
    "redis_host",
    "redis_port",
    "redis_username",
    "redis_password",
    "redis_database",
    "redis_timeout",
    "redis_ssl",
    "redis_ssl_verify",
    "redis_keepalive_timeout",
    "redis_keepalive_pool",
];
const CLUSTER: &[&str] = &[
    "redis_cluster_nodes",
    "redis_cluster_name",
    "redis_username",
    "redis_password",
    "redis_timeout",
    "redis_cluster_ssl",
    "redis_cluster_ssl_verify",
    "redis_keepalive_timeout",
    "redis_keepalive_pool",
];
const SENTINEL: &[&str] = &[
    "redis_sentinels",
    "redis_master_name",
    "redis_role",
    "redis_username",
    "redis_password",
    "sentinel_username",
    "sentinel_password",
    "redis_database",
    "redis_connect_timeout",
    "redis_read_timeout",
    "redis_keepalive_timeout",
];

pub(super) fn policy(reader: &mut Reader<'_>) -> Option<Policy<Held>> {
    let name = match reader.optional("policy", |value| text(value, 1)) {
        Some(name) => name,
        None if reader.has("policy") => return unknown(reader),
        None => "local".to_owned(),
    };
    let (own, policy) = match name.as_str() {
        "local" => (&[][..], Some(Policy::Local)),
        "redis" => (REDIS, redis(reader).map(Policy::Redis)),
        "redis-cluster" => (CLUSTER, cluster(reader).map(Policy::RedisCluster)),
        "redis-sentinel" => (SENTINEL, sentinel(reader).map(Policy::RedisSentinel)),
        _ => {
            reader.refuse("policy", "This is 'local', 'redis', 'redis-cluster' or 'redis-sentinel'.");
            return unknown(reader);
        }
    };
    for field in [REDIS, CLUSTER, SENTINEL].concat() {
        if !own.contains(&field) {
            reader.forbid(
                field,
                &format!("It has no effect with the policy '{name}': remove it, or choose another policy."),
            );
        }
    }
    policy
}

/// Of what the fields of an unknown policy should be nothing can be said.
fn unknown(reader: &mut Reader<'_>) -> Option<Policy<Held>> {
    reader.pass_over(&[REDIS, CLUSTER, SENTINEL].concat());
    None
}

fn redis(reader: &mut Reader<'_>) -> Option<Redis<Held>> {
    let needed = "The policy 'redis' needs redis_host: the server's name or address.";
    let host = reader.required("redis_host", needed, host);
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
    let host = reader.required("host", "A sentinel has host and port.", host);
    let port = reader.required("port", "A sentinel has host and port.", |value| whole(value, 1, 65535));
    let sentinel = (|| Some(Sentinel { host: host?, port: u16::try_from(port?).ok()? }))();
    reader.finish("A sentinel", sentinel)
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

/// A username and a password. An empty password is none, as in APISIX.
fn login(reader: &mut Reader<'_>, username: &'static str, password: &'static str) -> (Option<Held>, Option<Held>) {
    let name = reader.optional(username, secret);
    let given = reader.optional(password, |value| match value.as_str() {
        Some("") => Ok(None),
        _ => secret(value).map(Some),
    });
    if name.is_some() && !matches!(given, Some(Some(_))) && (given.is_some() || !reader.has(password)) {
        reader.refuse(username, format!("Redis is sent a username only with a password: add {password}."));
    }
    (name, given.flatten())
}

fn database(reader: &mut Reader<'_>) -> u32 {
    let database = reader.or("redis_database", 0, |value| whole(value, 0, 65535));
    u32::try_from(database).unwrap_or(0)
}

fn timeout(reader: &mut Reader<'_>, name: &'static str) -> u32 {
    let timeout = reader.or(name, 1000, |value| whole(value, 1, 60_000));
    u32::try_from(timeout).unwrap_or(1000)
}

/// A name or an address; a port has its own field.
fn host(value: &Value) -> Result<String, String> {
    let host = text(value, 2).map_err(|_| "Enter the name or address of the server.".to_owned())?;
    if is_host(&host) {
        Ok(host)
    } else {
        Err("This is a name or an address alone, such as redis.example.com; the port stands in a field of its own."
            .to_owned())
    }
}
