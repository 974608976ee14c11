//! From the editor's JSON to a [`LimitCountPlugin`], with every problem by its path.

use super::{Amount, Key, LimitCountPlugin, Limits, MAX_AMOUNT, Policy, Redis, Rule, WindowType};
use crate::plugin::SecretAt;
use crate::plugin::reader::{Reader, boolean, secret, text, whole};
use crate::plugin::variable::Template;
use crate::problem::FieldProblem;
use serde_json::{Map, Value};

type Held = SecretAt;

const REDIS_FIELDS: [&str; 10] = [
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

impl LimitCountPlugin<Held> {
    pub(in crate::plugin) fn parse(object: &Map<String, Value>) -> Result<Self, Vec<FieldProblem>> {
        let mut reader = Reader::new(String::new(), object);
        let limits = limits(&mut reader);
        let window_type = reader.or("window_type", WindowType::Fixed, |value| match value.as_str() {
            Some("fixed") => Ok(WindowType::Fixed),
            Some("sliding") => Ok(WindowType::Sliding),
            _ => Err("This is 'fixed' or 'sliding'.".to_owned()),
        });
        let key = key(&mut reader);
        let group = reader.optional("group", |value| text(value, 1));
        let policy = policy(&mut reader);
        let rejected_code = reader.or("rejected_code", 503, |value| whole(value, 200, 599));
        let rejected_msg = reader.optional("rejected_msg", |value| text(value, 1));
        let allow_degradation = reader.or("allow_degradation", false, boolean);
        let show_limit_quota_header = reader.or("show_limit_quota_header", true, boolean);
        reader.optional("sync_interval", sync_interval);
        let config = (|| {
            Some(Self {
                limits: limits?,
                window_type,
                key: key?,
                group,
                policy: policy?,
                rejected_code: u16::try_from(rejected_code).ok()?,
                rejected_msg,
                allow_degradation,
                show_limit_quota_header,
            })
        })();
        reader.finish(config)
    }
}

fn limits(reader: &mut Reader<'_>) -> Option<Limits> {
    if !reader.has("rules") {
        let needed = "It is needed: limit-count lets count requests pass in time_window seconds (or has rules).";
        let (count, time_window) =
            (reader.required("count", needed, amount), reader.required("time_window", needed, amount));
        return Some(Limits::One { count: count?, time_window: time_window? });
    }
    for name in ["count", "time_window"] {
        reader.forbid(name, "count/time_window and rules cannot be specified at the same time.");
    }
    if reader.has("group") {
        reader.refuse("group", "group and rules cannot be specified at the same time.");
    }
    let mut problems = Vec::new();
    let rules = reader.optional("rules", |value| {
        let items = value.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or("This is a list of at least one rule: {\"count\", \"time_window\", \"key\"}.")?;
        let read = |(index, item)| match rule(index, item) {
            Ok(rule) => Some(rule),
            Err(of_rule) => {
                problems.extend(of_rule);
                None
            }
        };
        Ok(items.iter().enumerate().map(read).collect::<Option<Vec<_>>>())
    });
    reader.add(problems);
    let rules = rules??;
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].iter().any(|other| other.key == rule.key) {
            reader.refuse(&format!("rules/{index}/key"), format!("duplicate key '{}' in rules", rule.key));
        }
    }
    Some(Limits::Rules { rules })
}

fn rule(index: usize, value: &Value) -> Result<Rule, Vec<FieldProblem>> {
    let path = format!("/rules/{index}");
    let Some(object) = value.as_object() else {
        return Err(vec![FieldProblem::new(path, "A rule is an object with count, time_window and key.")]);
    };
    let mut reader = Reader::new(path, object);
    let needed = "A rule has count, time_window and key.";
    let count = reader.required("count", needed, amount);
    let time_window = reader.required("time_window", needed, amount);
    let key = reader.required("key", needed, template);
    let header_prefix = reader.optional("header_prefix", header_prefix);
    let rule = (|| Some(Rule { count: count?, time_window: time_window?, key: key?, header_prefix }))();
    reader.finish(rule)
}

fn amount(value: &Value) -> Result<Amount, String> {
    match value {
        Value::String(_) => template(value).map(Amount::Variable),
        number => whole(number, 1, MAX_AMOUNT).map(Amount::Fixed).map_err(|_| {
            "This is a whole number above 0, or a text with variables such as \"$http_x_limit\".".to_owned()
        }),
    }
}

fn template(value: &Value) -> Result<Template, String> {
    text(value, 1)?.parse().map_err(|error: crate::plugin::variable::VariableError| error.to_string())
}

fn header_prefix(value: &Value) -> Result<String, String> {
    let prefix = text(value, 1)?;
    if prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && prefix.len() <= 64 {
        Ok(prefix)
    } else {
        Err("A part of a header name has letters, digits and '-', at most 64.".to_owned())
    }
}

fn key(reader: &mut Reader<'_>) -> Option<Key> {
    let key_type = reader.or("key_type", Some("var"), |value| match value.as_str() {
        Some("var") => Ok(Some("var")),
        Some("var_combination") => Ok(Some("var_combination")),
        Some("constant") => Ok(Some("constant")),
        _ => Err("This is 'var', 'var_combination' or 'constant'.".to_owned()),
    })?;
    let default = || Some("remote_addr".to_owned());
    let given = if reader.has("key") { reader.optional("key", |value| text(value, 1)) } else { default() }?;
    let key = match key_type {
        "var" => given.parse().map(Key::Var),
        "var_combination" => given.parse().map(Key::VarCombination),
        _ => Ok(Key::Constant(given)),
    };
    key.inspect_err(|error| reader.refuse("key", error.to_string())).ok()
}

fn policy(reader: &mut Reader<'_>) -> Option<Policy<Held>> {
    let given = reader.has("policy");
    let is_redis = reader.optional("policy", |value| match value.as_str() {
        Some("local") => Ok(false),
        Some("redis") => Ok(true),
        Some("redis-cluster" | "redis-sentinel") => {
            Err("This gateway does not support this policy yet: it has 'local' and 'redis'.".to_owned())
        }
        _ => Err("This is 'local' or 'redis'.".to_owned()),
    });
    match is_redis {
        Some(true) => redis(reader).map(Policy::Redis),
        // Of what the fields of an unknown policy should be nothing can be said.
        None if given => None,
        Some(false) | None => {
            for name in REDIS_FIELDS {
                reader.forbid(
                    name,
                    "It has no effect with the policy 'local': remove it, or choose \"policy\": \"redis\".",
                );
            }
            Some(Policy::Local)
        }
    }
}

fn redis(reader: &mut Reader<'_>) -> Option<Redis<Held>> {
    let host =
        reader.required("redis_host", "The policy 'redis' needs redis_host: the server's name or address.", host);
    let username = reader.optional("redis_username", secret);
    let password = reader.optional("redis_password", secret);
    if username.is_some() && !reader.has("redis_password") {
        reader.refuse("redis_username", "Redis is sent a username only with a password: add redis_password.");
    }
    let number = |value: &Value, least, most| whole(value, least, most);
    let port = reader.or("redis_port", 6379, |value| number(value, 1, 65535));
    let database = reader.or("redis_database", 0, |value| number(value, 0, 65535));
    let timeout = reader.or("redis_timeout", 1000, |value| number(value, 1, 60_000));
    let keepalive_timeout = reader.or("redis_keepalive_timeout", 10_000, |value| number(value, 1000, 3_600_000));
    let keepalive_pool = reader.or("redis_keepalive_pool", 100, |value| number(value, 1, 100_000));
    let ssl = reader.or("redis_ssl", false, boolean);
    let ssl_verify = reader.or("redis_ssl_verify", false, boolean);
    Some(Redis {
        host: host?,
        port: u16::try_from(port).ok()?,
        username,
        password,
        database: u32::try_from(database).ok()?,
        timeout: u32::try_from(timeout).ok()?,
        ssl,
        ssl_verify,
        keepalive_timeout: u32::try_from(keepalive_timeout).ok()?,
        keepalive_pool: u32::try_from(keepalive_pool).ok()?,
    })
}

/// A name or an address; a port has its own field.
fn host(value: &Value) -> Result<String, String> {
    let host = text(value, 2).map_err(|_| "Enter the name or address of the Redis server.".to_owned())?;
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if is_address || host.len() <= 253 && host.chars().all(allowed) {
        Ok(host)
    } else {
        Err("This is a name or an address alone, such as redis.example.com; the port stands in redis_port.".to_owned())
    }
}

fn sync_interval(value: &Value) -> Result<(), String> {
    match value.as_f64() {
        Some(-1.0) => Ok(()),
        Some(interval) if interval < 0.1 => Err("sync_interval should not be smaller than 0.1".to_owned()),
        Some(_) => {
            Err("This gateway does not support sync_interval yet: every request asks Redis. Remove it.".to_owned())
        }
        None => Err("This is a number of seconds, or -1.".to_owned()),
    }
}
