use super::*;
use postern::live::{LiveSecret, SecretNow};
use postern::plugin::limit_count::LimitCountPlugin;
use postern::plugin::{PluginConfig, PluginName};
use postern::sensitive::{Entered, Plain, SecretField};
use serde_json::{Value, json};

/// What a configuration says of Redis. A reference in it has no value.
fn backend(config: &Value) -> Backend {
    let config = PluginConfig::parse(PluginName::LimitCount, &config.to_string()).unwrap();
    let live = config.try_map(|_, field| {
        Ok::<_, std::convert::Infallible>(LiveSecret::literal(match field {
            SecretField::Literal(Entered::Replace(typed)) => SecretNow::Value(typed.clone().into_plain()),
            _ => SecretNow::Unresolved { incident: "0badcafe".to_owned() },
        }))
    });
    Backend::of(&LimitCountPlugin::of(&live.unwrap()).unwrap().policy).unwrap()
}

fn changed(config: &Value, changes: &Value) -> Value {
    let mut config = config.clone();
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

/// A connection made for one configuration serves another one only if all that it was made with is the same.
fn apart(config: &Value, changes: &[Value]) {
    let (pools, fingerprints) = (Pools::default(), FingerprintKey::new([1; 32]));
    let pool = |config: &Value| {
        let backend = backend(config);
        let secrets = Secrets::now(&backend.policy).unwrap();
        pools.pool(&backend, &fingerprints, &secrets).unwrap()
    };
    let first = pool(config);
    assert!(Arc::ptr_eq(&first, &pool(config)));
    let elsewhere = changed(config, &json!({"count": 9, "rejected_code": 429, "allow_degradation": true}));
    assert!(Arc::ptr_eq(&first, &pool(&elsewhere)), "what is not about Redis makes no difference");
    let mut known = vec![first];
    for change in changes {
        let other = pool(&changed(config, change));
        assert!(known.iter().all(|pool| !Arc::ptr_eq(pool, &other)), "{change}");
        known.push(other);
    }
}

#[test]
fn connections_are_apart_by_server_database_and_credentials() {
    apart(
        &json!({"count": 1, "time_window": 1, "policy": "redis", "redis_host": "one"}),
        &[
            json!({"redis_host": "two"}),
            json!({"redis_port": 6380}),
            json!({"redis_database": 1}),
            json!({"redis_ssl": true}),
            json!({"redis_ssl": true, "redis_ssl_verify": true}),
            json!({"redis_timeout": 2000}),
            json!({"redis_password": "p"}),
            json!({"redis_password": "q"}),
            json!({"redis_username": "u", "redis_password": "p"}),
            json!({"redis_username": "p", "redis_password": "u"}),
            json!({"redis_username": "up", "redis_password": "p"}),
        ],
    );
    apart(
        &json!({
            "count": 1, "time_window": 1, "policy": "redis-cluster", "redis_cluster_nodes": ["one:1"],
            "redis_cluster_name": "c",
        }),
        &[
            json!({"redis_cluster_nodes": ["one:2"]}),
            json!({"redis_cluster_nodes": ["one:1", "two:1"]}),
            json!({"redis_cluster_name": "d"}),
            json!({"redis_cluster_ssl": true}),
            json!({"redis_cluster_ssl": true, "redis_cluster_ssl_verify": true}),
            json!({"redis_password": "p"}),
        ],
    );
    apart(
        &json!({
            "count": 1, "time_window": 1, "policy": "redis-sentinel", "redis_master_name": "m",
            "redis_sentinels": [{"host": "one", "port": 1}],
        }),
        &[
            json!({"redis_sentinels": [{"host": "two", "port": 1}]}),
            json!({"redis_master_name": "n"}),
            json!({"redis_role": "slave"}),
            json!({"redis_database": 1}),
            json!({"redis_password": "p"}),
            json!({"sentinel_password": "p"}),
            json!({"redis_password": "p", "sentinel_password": "p"}),
        ],
    );
}

#[test]
fn credentials_that_were_refused_a_moment_ago_are_not_tried() {
    let backend = backend(&json!({"count": 1, "time_window": 1, "policy": "redis", "redis_host": "one"}));
    let (pools, fingerprints, secrets) = (Pools::default(), FingerprintKey::new([1; 32]), Secrets::default());
    pools.pool(&backend, &fingerprints, &secrets).unwrap().refuse();
    assert_eq!(pools.pool(&backend, &fingerprints, &secrets).err(), Some(Uncounted::Refused));
}

#[test]
fn connections_that_nobody_uses_are_closed() {
    let config = json!({"count": 1, "time_window": 1, "policy": "redis", "redis_host": "one"});
    let (pools, fingerprints) = (Pools::default(), FingerprintKey::new([1; 32]));
    let (one, two) = (backend(&config), backend(&changed(&config, &json!({"redis_host": "two"}))));
    let unused = Arc::downgrade(&pools.pool(&one, &fingerprints, &Secrets::default()).unwrap());
    let long_ago = Instant::now().checked_sub(Duration::from_secs(11)).unwrap();
    *unused.upgrade().unwrap().used.lock().unwrap() = long_ago;
    pools.pool(&two, &fingerprints, &Secrets::default()).unwrap();
    assert!(unused.upgrade().is_none());
}

#[test]
fn a_secret_without_a_value_is_neither_sent_nor_left_out() {
    let reference = "$secret://vault/my-vault/redis/key";
    let sentinel = json!({
        "count": 1, "time_window": 1, "policy": "redis-sentinel", "redis_master_name": "m",
        "redis_sentinels": [{"host": "one", "port": 1}], "redis_username": "u", "redis_password": "p",
        "sentinel_username": "u", "sentinel_password": "p",
    });
    let cluster = json!({
        "count": 1, "time_window": 1, "policy": "redis-cluster", "redis_cluster_name": "c",
        "redis_cluster_nodes": ["one:1"], "redis_username": "u", "redis_password": "p",
    });
    let redis = json!({
        "count": 1, "time_window": 1, "policy": "redis", "redis_host": "one", "redis_username": "u",
        "redis_password": "p",
    });
    for (config, fields) in [
        (&redis, &["redis_username", "redis_password"][..]),
        (&cluster, &["redis_username", "redis_password"]),
        (&sentinel, &["redis_username", "redis_password", "sentinel_username", "sentinel_password"]),
    ] {
        for field in fields {
            let config = changed(config, &json!({*field: reference}));
            let unresolved = Uncounted::Unresolved { incident: "0badcafe".to_owned() };
            assert_eq!(backend(&config).check_secrets(), Err(unresolved), "{config}");
        }
        assert_eq!(backend(config).check_secrets(), Ok(()));
    }
}

#[test]
fn nothing_of_a_secret_is_printed() {
    let secrets = Secrets::now(
        &backend(&json!({
            "count": 1, "time_window": 1, "policy": "redis", "redis_host": "one", "redis_username": "canary",
            "redis_password": "canary",
        }))
        .policy,
    );
    assert!(!format!("{secrets:?}").contains("canary"));
    assert!(Plain::new(String::new()).is_empty());
}
