use super::LimitCountPlugin;
use crate::plugin::{PluginConfig, PluginName};

/// The Vault tutorial's configuration, in the braces it lacks.
const TUTORIAL: &str = r#"{
    "count": 3, "time_window": 60, "key_type": "var", "rejected_code": 429, "rejected_msg": "Too many requests",
    "key": "remote_addr", "policy": "redis", "redis_host": "127.0.0.1", "redis_port": 6379,
    "redis_username": "$secret://vault/my-vault/redis/username",
    "redis_password": "$secret://vault/my-vault/redis/password",
    "redis_database": 1, "redis_timeout": 1001, "allow_degradation": false, "show_limit_quota_header": true
}"#;

fn parse(json: &str) -> Result<PluginConfig<crate::plugin::EnteredField>, Vec<crate::problem::FieldProblem>> {
    PluginConfig::parse(PluginName::LimitCount, json)
}

/// The only problem is at `path`, and its words have `part`.
fn refused(json: &str, path: &str, part: &str) {
    let problems = parse(json).unwrap_err();
    assert_eq!(problems.len(), 1, "{json}: {problems:?}");
    assert_eq!(problems[0].field, path, "{json}: {problems:?}");
    assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
}

#[test]
fn the_tutorials_configuration_is_accepted_and_its_references_are_found() {
    let config = parse(TUTORIAL).unwrap();
    let references: Vec<String> =
        config.references().map(|(field, reference)| format!("{field} {reference}")).collect();
    assert_eq!(
        references,
        [
            "redis_password $secret://vault/my-vault/redis/password",
            "redis_username $secret://vault/my-vault/redis/username"
        ]
    );
}

#[test]
fn what_cannot_be_enforced_is_refused_at_its_field() {
    for (json, path, part) in [
        (r#"{"time_window": 60}"#, "/count", "needed"),
        (r#"{"count": 3}"#, "/time_window", "needed"),
        (r#"{"count": 0, "time_window": 60}"#, "/count", "above 0"),
        (r#"{"count": 1.5, "time_window": 60}"#, "/count", "above 0"),
        (r#"{"count": -1, "time_window": 60}"#, "/count", "above 0"),
        (r#"{"count": 9007199254740992, "time_window": 60}"#, "/count", "above 0"),
        (r#"{"count": "$nonsense", "time_window": 60}"#, "/count", "not a variable"),
        (r#"{"count": 3, "time_window": "x$"}"#, "/time_window", "not a variable"),
        (r#"{"count": 3, "time_window": 60, "window_type": "leaky"}"#, "/window_type", "'sliding'"),
        (r#"{"count": 3, "time_window": 60, "key": "nonsense"}"#, "/key", "not a variable"),
        (r#"{"count": 3, "time_window": 60, "key_type": "x"}"#, "/key_type", "'var'"),
        (r#"{"count": 3, "time_window": 60, "rejected_code": 199}"#, "/rejected_code", "200 to 599"),
        (r#"{"count": 3, "time_window": 60, "rejected_msg": ""}"#, "/rejected_msg", "not empty"),
        (r#"{"count": 3, "time_window": 60, "allow_degradation": 1}"#, "/allow_degradation", "true or false"),
        (r#"{"count": 3, "time_window": 60, "nonsense": 1}"#, "/nonsense", "no such field"),
        (r#"{"count": 3, "time_window": 60, "policy": "redis"}"#, "/redis_host", "needs redis_host"),
        (
            r#"{"count": 3, "time_window": 60, "policy": "redis", "redis_host": ""}"#,
            "/redis_host",
            "a name or an address",
        ),
        (
            r#"{"count": 3, "time_window": 60, "policy": "redis", "redis_host": "r:6379"}"#,
            "/redis_host",
            "field of its own",
        ),
        (r#"{"count": 3, "time_window": 60, "policy": "memcached"}"#, "/policy", "'redis-sentinel'"),
        (r#"{"count": 3, "time_window": 60, "redis_port": 1}"#, "/redis_port", "no effect"),
        (r#"{"count": 3, "time_window": 60, "sync_interval": 0.05}"#, "/sync_interval", "smaller than 0.1"),
        (r#"{"count": 3, "time_window": 60, "sync_interval": 0.5}"#, "/sync_interval", "no effect"),
        (r#"{"count": 3, "time_window": 60, "sync_interval": "1"}"#, "/sync_interval", "number"),
        (
            r#"{"count": 3, "time_window": 60, "policy": "redis", "redis_host": "rr", "redis_username": "u"}"#,
            "/redis_username",
            "only with a password",
        ),
        (r#"{"rules": [], "group": "g"}"#, "/group", "same time"),
        (r#"{"count": 3, "rules": [{"count": 1, "time_window": 1, "key": "a"}]}"#, "/count", "same time"),
        (r#"{"rules": [{"count": 1, "key": "a"}]}"#, "/rules/0/time_window", "A rule has"),
        (
            r#"{"rules": [{"count": 1, "time_window": 1, "key": "a"}, {"count": 2, "time_window": 1, "key": "a"}]}"#,
            "/rules/1/key",
            "duplicate key 'a' in rules",
        ),
    ] {
        if path == "/group" {
            let problems = parse(json).unwrap_err();
            assert!(problems.iter().any(|p| p.field == path && p.problem.contains(part)), "{problems:?}");
        } else {
            refused(json, path, part);
        }
    }
}

#[test]
fn a_reference_is_accepted_only_where_it_is_resolved() {
    let reference = "$secret://vault/my-vault/redis/host";
    for field in ["redis_host", "rejected_msg", "group", "count", "key", "policy"] {
        let mut json: serde_json::Value = serde_json::from_str(TUTORIAL).unwrap();
        json[field] = reference.into();
        refused(&json.to_string(), &format!("/{field}"), "not resolved in this field");
    }
    for (text, part) in [("$secret://vault/my-vault", "key"), ("$SECRET://vault/my-vault/a/b", "$secret")] {
        let mut json: serde_json::Value = serde_json::from_str(TUTORIAL).unwrap();
        json["redis_password"] = text.into();
        refused(&json.to_string(), "/redis_password", part);
    }
}

#[test]
fn a_stored_secret_is_neither_shown_nor_lost() {
    use crate::plugin::STORED;
    use crate::sensitive::{Entered, Masked, SecretField};
    use crate::time::Millis;
    let typed = TUTORIAL.replace("$secret://vault/my-vault/redis/password", "canary");
    let config = parse(&typed).unwrap();
    assert!(!format!("{config:?}").contains("canary"));
    let shown = config
        .try_map(|_, field| field.try_map(|_, _| Ok::<_, ()>(Masked { set_at: Millis(1) }), ""))
        .unwrap()
        .to_json();
    assert!(shown.contains(STORED) && !shown.contains("canary"), "{shown}");
    let mut kept = Vec::new();
    let again = parse(&shown).unwrap();
    again
        .try_map(|name, field| {
            kept.push((name.to_string(), matches!(field, SecretField::Literal(Entered::Keep))));
            Ok::<_, ()>(())
        })
        .unwrap();
    assert_eq!(kept, [("redis_password".to_owned(), true), ("redis_username".to_owned(), false)]);
}

#[test]
fn what_is_stored_can_be_read_again() {
    for json in [
        TUTORIAL,
        r#"{"count": "$http_x_limit", "time_window": 1, "key_type": "constant", "key": "all", "group": "g"}"#,
        r#"{"rules": [{"count": 1, "time_window": 2, "key": "$uri", "header_prefix": "X-A"}], "window_type": "sliding"}"#,
        &with_server("redis-cluster", &format!(r#"{CLUSTER}, "redis_password": "p", "sync_interval": 0.25"#)),
        &with_server("redis-sentinel", &format!(r#"{SENTINEL}, "sentinel_password": "p", "redis_role": "slave""#)),
    ] {
        let sealed = parse(json).unwrap().try_map(|_, field| Ok::<_, ()>(field.reference().cloned())).unwrap();
        let stored = serde_json::to_string(&sealed).unwrap();
        assert_eq!(serde_json::from_str::<PluginConfig<Option<crate::reference::Reference>>>(&stored).unwrap(), sealed);
    }
}

#[test]
fn counters_belong_to_a_group_or_to_one_configuration_of_one_owner() {
    let of = |json: &str, owner: &str| LimitCountPlugin::of(&parse(json).unwrap()).unwrap().counters_of(owner);
    let one = of(TUTORIAL, "a");
    assert_eq!(one, of(TUTORIAL, "a"));
    assert_eq!(one, of(&TUTORIAL.replace("redis/password", "redis/other"), "a"), "its secrets do not matter");
    assert_ne!(one, of(TUTORIAL, "b"));
    assert_ne!(one, of(&TUTORIAL.replace("\"count\": 3", "\"count\": 4"), "a"));
    let grouped = r#"{"count": 3, "time_window": 60, "group": "g"}"#;
    assert_eq!(of(grouped, "a"), of(grouped, "b"));
}

/// `count` and `time_window` with the server's fields.
fn with_server(policy: &str, fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { ", " };
    format!(r#"{{"count": 3, "time_window": 60, "policy": "{policy}"{comma}{fields}}}"#)
}

const CLUSTER: &str = r#""redis_cluster_nodes": ["127.0.0.1:7000"], "redis_cluster_name": "c""#;
const SENTINEL: &str = r#""redis_sentinels": [{"host": "127.0.0.1", "port": 26379}], "redis_master_name": "m""#;

#[test]
fn the_fields_of_a_redis_a_cluster_and_sentinels() {
    for (policy, fields) in [
        ("redis", r#""redis_host": "rr""#),
        ("redis", r#""redis_host": "::1", "redis_port": 65535, "redis_database": 15, "redis_timeout": 1"#),
        ("redis", r#""redis_host": "rr", "redis_ssl": true, "redis_ssl_verify": true"#),
        ("redis", r#""redis_host": "rr", "redis_keepalive_timeout": 1000, "redis_keepalive_pool": 1"#),
        ("redis", r#""redis_host": "rr", "sync_interval": -1"#),
        ("redis", r#""redis_host": "rr", "sync_interval": 0.1"#),
        ("redis", r#""redis_host": "rr", "sync_interval": 59.9"#),
        ("redis-cluster", CLUSTER),
        ("redis-cluster", r#""redis_cluster_nodes": ["a:1", "[::1]:2"], "redis_cluster_name": "c""#),
        (
            "redis-cluster",
            r#""redis_cluster_nodes": ["a:1"], "redis_cluster_name": "c", "redis_password": "p", "redis_timeout": 9,
               "redis_cluster_ssl": true, "redis_cluster_ssl_verify": true, "redis_keepalive_timeout": 1000,
               "redis_keepalive_pool": 5, "sync_interval": 1"#,
        ),
        ("redis-sentinel", SENTINEL),
        (
            "redis-sentinel",
            r#""redis_sentinels": [{"host": "s1", "port": 1}, {"host": "s2", "port": 2}], "redis_master_name": "m",
               "redis_role": "slave", "redis_connect_timeout": 1, "redis_read_timeout": 1,
               "redis_keepalive_timeout": 1, "redis_database": 2, "redis_username": "u", "redis_password": "p",
               "sentinel_username": "u", "sentinel_password": "p", "sync_interval": 1"#,
        ),
    ] {
        let json = with_server(policy, fields);
        assert!(parse(&json).is_ok(), "{json}: {:?}", parse(&json));
    }
}

#[test]
fn what_is_wrong_with_a_server_is_told_at_its_field() {
    let of_redis = |fields: &str| with_server("redis", &format!(r#""redis_host": "rr", {fields}"#));
    let of_cluster = |fields: &str| with_server("redis-cluster", &format!("{CLUSTER}, {fields}"));
    let of_sentinel = |fields: &str| with_server("redis-sentinel", &format!("{SENTINEL}, {fields}"));
    let only_nodes = r#""redis_cluster_nodes": ["a:1"]"#;
    for (json, path, part) in [
        (of_redis(r#""redis_port": 0"#), "/redis_port", "1 to 65535"),
        (of_redis(r#""redis_port": 65536"#), "/redis_port", "1 to 65535"),
        (of_redis(r#""redis_database": -1"#), "/redis_database", "0 to"),
        (of_redis(r#""redis_timeout": 0"#), "/redis_timeout", "1 to"),
        (of_redis(r#""redis_keepalive_timeout": 999"#), "/redis_keepalive_timeout", "1000 to"),
        (of_redis(r#""redis_keepalive_pool": 0"#), "/redis_keepalive_pool", "1 to"),
        (of_redis(r#""redis_ssl": "true""#), "/redis_ssl", "true or false"),
        (of_redis(r#""redis_username": "", "redis_password": "p""#), "/redis_username", "not empty"),
        (of_redis(r#""redis_username": "u""#), "/redis_username", "only with a password"),
        (of_redis(r#""redis_password": """#), "/redis_password", "not empty"),
        (of_redis(r#""redis_cluster_name": "c""#), "/redis_cluster_name", "no effect"),
        (of_redis(r#""sentinel_password": "p""#), "/sentinel_password", "no effect"),
        (of_redis(r#""sync_interval": 0.09"#), "/sync_interval", "should not be smaller than 0.1"),
        (of_redis(r#""sync_interval": 0"#), "/sync_interval", "should not be smaller than 0.1"),
        (of_redis(r#""sync_interval": -2"#), "/sync_interval", "should not be smaller than 0.1"),
        (of_redis(r#""sync_interval": 60"#), "/sync_interval", "should be smaller than time_window"),
        (of_redis(r#""sync_interval": true"#), "/sync_interval", "number"),
        (with_server("redis-cluster", only_nodes), "/redis_cluster_name", "needs redis_cluster_name"),
        (with_server("redis-cluster", r#""redis_cluster_name": "c""#), "/redis_cluster_nodes", "needs"),
        (
            with_server("redis-cluster", r#""redis_cluster_nodes": [], "redis_cluster_name": "c""#),
            "/redis_cluster_nodes",
            "at least one",
        ),
        (
            with_server("redis-cluster", r#""redis_cluster_nodes": ["a:1", "b"], "redis_cluster_name": "c""#),
            "/redis_cluster_nodes/1",
            "with a port",
        ),
        (of_cluster(r#""redis_database": 1"#), "/redis_database", "no effect"),
        (of_cluster(r#""redis_host": "rr""#), "/redis_host", "no effect"),
        (of_cluster(r#""redis_cluster_ssl": 1"#), "/redis_cluster_ssl", "true or false"),
        (of_cluster(r#""redis_username": "u""#), "/redis_username", "only with a password"),
        (of_cluster(r#""sync_interval": 61"#), "/sync_interval", "should be smaller than time_window"),
        (with_server("redis-sentinel", r#""redis_master_name": "m""#), "/redis_sentinels", "needs"),
        (
            with_server("redis-sentinel", r#""redis_sentinels": [{"host": "s1", "port": 1}]"#),
            "/redis_master_name",
            "needs redis_master_name",
        ),
        (
            with_server("redis-sentinel", r#""redis_sentinels": [{"host": "s1"}], "redis_master_name": "m""#),
            "/redis_sentinels/0/port",
            "host and port",
        ),
        (
            with_server(
                "redis-sentinel",
                r#""redis_sentinels": [{"host": "s1", "port": 1, "x": 1}], "redis_master_name": "m""#,
            ),
            "/redis_sentinels/0/x",
            "no such field",
        ),
        (of_sentinel(r#""redis_role": "replica""#), "/redis_role", "'slave'"),
        (of_sentinel(r#""redis_connect_timeout": 0"#), "/redis_connect_timeout", "1 to"),
        (of_sentinel(r#""redis_keepalive_timeout": 0"#), "/redis_keepalive_timeout", "1 to"),
        (of_sentinel(r#""redis_timeout": 1"#), "/redis_timeout", "no effect"),
        (of_sentinel(r#""redis_ssl": true"#), "/redis_ssl", "no effect"),
        (of_sentinel(r#""sentinel_username": "u""#), "/sentinel_username", "only with a password"),
        (of_sentinel(r#""sentinel_password": "$secret://vault/x""#), "/sentinel_password", "key"),
    ] {
        refused(&json, path, part);
    }
}

#[test]
fn an_interval_is_shorter_than_the_window_of_every_rule() {
    let rules = |seconds: &str| {
        format!(
            r#"{{"policy": "redis", "redis_host": "rr", "sync_interval": 2, "rules": [
                {{"count": 1, "time_window": 60, "key": "a"}}, {{"count": 1, "time_window": {seconds}, "key": "b"}}]}}"#
        )
    };
    assert!(parse(&rules("3")).is_ok() && parse(&rules(r#""$arg_window""#)).is_ok());
    refused(&rules("2"), "/sync_interval", "should be smaller than time_window");
}

#[test]
fn a_secret_is_shown_only_to_the_servers_it_was_entered_for() {
    let server = |json: &str| parse(json).unwrap().server();
    for (one, other) in [
        (with_server("redis-cluster", CLUSTER), with_server("redis-cluster", &CLUSTER.replace("7000", "7001"))),
        (with_server("redis-sentinel", SENTINEL), with_server("redis-sentinel", &SENTINEL.replace("26379", "26380"))),
        (with_server("redis-sentinel", SENTINEL), with_server("redis-sentinel", &SENTINEL.replace("\"m\"", "\"n\""))),
        (
            with_server("redis-cluster", &format!(r#"{CLUSTER}, "redis_cluster_ssl": true"#)),
            with_server("redis-cluster", CLUSTER),
        ),
    ] {
        assert_ne!(server(&one), server(&other), "{one} {other}");
        assert_eq!(server(&one), server(&one));
    }
}
