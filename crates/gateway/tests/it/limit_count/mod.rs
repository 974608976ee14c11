//! limit-count over real sockets and real Redis servers.

mod cluster;
mod forbidden;
mod metadata;
mod sentinel;
mod sync;
mod tls;

use crate::support::{Running, guarded_route, live, route, snapshot, start};
use backends::Redis;
use futures_util::future::join_all;
use postern::live::{LiveSecret, Reread, SecretNow};
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{Route, Upstream};
use postern::secret_ref::SecretRef;
use postern::sensitive::{Entered, Plain, SecretField};
use postern::snapshot::LiveField;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn plain(text: &str) -> SecretNow {
    SecretNow::Value(Plain::new(text.to_owned()))
}

/// The tutorial's configuration but for the server, with `changes`.
fn tutorial(port: u16, changes: Value) -> Value {
    let config = json!({
        "count": 3, "time_window": 60, "key_type": "var", "rejected_code": 429,
        "rejected_msg": "Too many requests", "key": "remote_addr", "policy": "redis", "redis_host": "127.0.0.1",
        "redis_port": port, "redis_username": "api7", "redis_password": "redis-api7", "redis_database": 1,
        "redis_timeout": 1001, "allow_degradation": false, "show_limit_quota_header": true,
    });
    with(config, changes)
}

/// An object with some members replaced.
fn with(mut object: Value, changes: Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

fn limited(config: PluginConfig<LiveField>) -> Route<LiveField> {
    Route { plugins: Plugins::from([(PluginName::LimitCount, config)]), ..route("limited", "/*") }
}

fn gateway(config: &Value) -> Running {
    let config = live(&PluginConfig::parse(PluginName::LimitCount, &config.to_string()).unwrap());
    start(snapshot(Upstream::BuiltinEcho, vec![limited(config)]))
}

/// A gateway whose `field` is a reference: `first` as it starts, `second` when it is read again.
fn rotating(config: &Value, field: &'static str, first: &str) -> (Running, Arc<Rotated>) {
    let manager = Arc::new(Rotated { reads: AtomicUsize::new(0) });
    let mut config = config.clone();
    config[field] = "$secret://vault/my-vault/redis/password".into();
    let parsed = PluginConfig::parse(PluginName::LimitCount, &config.to_string()).unwrap();
    let live = parsed.try_map(|_, secret| {
        Ok::<_, ()>(match secret {
            SecretField::Reference(reference) => {
                LiveSecret::reference(reference.secret().unwrap().clone(), plain(first), manager.clone())
            }
            SecretField::Literal(Entered::Replace(typed)) => {
                LiveSecret::literal(SecretNow::Value(typed.clone().into_plain()))
            }
            SecretField::Literal(Entered::Keep) => panic!("nothing is stored"),
        })
    });
    (start(snapshot(Upstream::BuiltinEcho, vec![limited(live.unwrap())])), manager)
}

/// Of 1,000 requests at the same time over two gateways exactly `count` pass.
async fn exactly_so_many_pass(config: &Value, count: usize) {
    let gateways = [gateway(config), gateway(config)];
    let answers = join_all((0..1000).map(|n| gateways[n % 2].get("/ip"))).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(200), with(429)), (count, 1000 - count), "{config}");
}

async fn statuses(gateway: &Running, count: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        statuses.push(gateway.get("/ip").await.status.as_u16());
    }
    statuses
}

#[tokio::test]
async fn the_tutorials_limit_lets_three_pass_and_refuses_the_fourth() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let gateway = gateway(&tutorial(redis.port(), json!({})));
    for remaining in ["2", "1", "0"] {
        let answer = gateway.get("/ip").await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(remaining));
    }
    let answer = gateway.get("/ip").await;
    assert_eq!(answer.summary(), (429, r#"{"error_msg":"Too many requests"}"#));
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
    let reset: f64 = answer.header("x-ratelimit-reset").unwrap().parse().unwrap();
    assert!(reset > 0.0 && reset <= 60.0, "{reset}");
}

#[tokio::test]
async fn two_gateways_with_one_redis_let_exactly_so_many_pass() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    for window_type in ["fixed", "sliding"] {
        let changes =
            json!({"count": 137, "time_window": 100_000, "window_type": window_type, "redis_timeout": 60_000});
        exactly_so_many_pass(&tutorial(redis.port(), changes), 137).await;
    }
}

#[tokio::test]
async fn in_memory_all_workers_count_together() {
    let gateway = gateway(&json!({"count": 50, "time_window": 60, "rejected_code": 429}));
    let answers = join_all((0..200).map(|_| gateway.get("/ip"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 50);
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    assert_eq!(refused.text(), "", "without rejected_msg there is no body");
}

#[tokio::test]
async fn a_script_that_redis_has_forgotten_is_sent_again() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let gateway = gateway(&tutorial(redis.port(), json!({})));
    assert_eq!(statuses(&gateway, 1).await, [200]);
    redis.tell("SCRIPT FLUSH");
    redis.tell("CLIENT KILL TYPE normal SKIPME yes");
    assert_eq!(statuses(&gateway, 3).await, [200, 200, 429]);
}

#[tokio::test]
async fn degradation_is_for_a_redis_that_is_down_and_for_nothing_else() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let down = crate::support::closed_address().port();
    let reference = "$secret://vault/my-vault/redis/password";
    let failed = r#"{"error_msg":"failed to limit count"}"#;
    for (what, port, password, allow, status, body) in [
        ("down", down, "redis-api7", false, 500, Some(failed)),
        ("down", down, "redis-api7", true, 200, None),
        ("refused", redis.port(), "wrong", false, 500, Some(failed)),
        ("refused", redis.port(), "wrong", true, 500, Some(failed)),
        ("unresolved", redis.port(), reference, true, 503, None),
        ("unresolved", down, reference, true, 503, None),
    ] {
        let changes = json!({"redis_password": password, "allow_degradation": allow});
        let answer = gateway(&tutorial(port, changes)).get("/ip").await;
        assert_eq!(answer.status, status, "{what} {allow}: {}", answer.text());
        if let Some(body) = body {
            assert_eq!(answer.text(), body, "{what} {allow}");
        }
        if what == "unresolved" {
            assert_eq!(answer.json()["incident"], "0badcafe");
        }
    }
}

/// A secret manager that has the new password already.
struct Rotated {
    reads: AtomicUsize,
}

#[async_trait::async_trait]
impl Reread for Rotated {
    async fn reread(&self, _reference: &SecretRef) -> SecretNow {
        self.reads.fetch_add(1, Ordering::Relaxed);
        plain("second")
    }
}

#[tokio::test]
async fn after_a_rotation_the_password_is_read_again_and_the_request_passes() {
    let redis = Redis::start();
    redis.set_user("api7", "first");
    let (gateway, manager) = rotating(&tutorial(redis.port(), json!({})), "redis_password", "first");
    assert_eq!(statuses(&gateway, 1).await, [200]);
    assert_eq!(manager.reads.load(Ordering::Relaxed), 0);
    redis.set_user("api7", "second");
    assert_eq!(statuses(&gateway, 3).await, [200, 200, 429]);
    assert_eq!(manager.reads.load(Ordering::Relaxed), 1);
    // What is refused again and again is not asked for again and again.
    redis.set_user("api7", "third");
    assert_eq!(statuses(&gateway, 3).await, [500, 500, 500]);
    assert!(manager.reads.load(Ordering::Relaxed) <= 4);
}

#[tokio::test]
async fn the_counter_s_name_and_its_end_are_as_documented() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let gateway = gateway(&tutorial(redis.port(), json!({"group": "shared", "time_window": 100})));
    assert_eq!(statuses(&gateway, 1).await, [200]);
    assert_eq!(redis.keys(), ["plugin-limit-count:v1:group/shared:127.0.0.1"]);
    let left = redis.ms_left("plugin-limit-count:v1:group/shared:127.0.0.1");
    assert!((1..=100_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_key_that_a_client_makes_long_is_not_kept_as_it_is() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let gateway = gateway(&tutorial(redis.port(), json!({"group": "g", "key": "http_x_tenant"})));
    let long = "x".repeat(4000);
    let expected = [(long.as_str(), 200), (long.as_str(), 200), (long.as_str(), 200), (long.as_str(), 429), ("y", 200)];
    for (tenant, status) in expected {
        assert_eq!(gateway.get_with("/ip", &[("x-tenant", tenant)]).await.status, status);
    }
    let keys = redis.keys();
    assert!(keys.len() == 2 && keys.iter().all(|key| key.len() < 200), "{keys:?}");
}

#[tokio::test]
async fn routes_share_a_counter_only_in_a_group_and_databases_share_nothing() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    for (what, changes, other_changes, status) in [
        ("two routes", json!({"count": 1}), json!({"count": 1}), 200),
        ("a group", json!({"count": 1, "group": "g"}), json!({"count": 1, "group": "g"}), 429),
        ("a group, elsewhere", json!({"count": 1, "group": "h"}), json!({"redis_database": 2, "group": "h"}), 200),
    ] {
        let plugin = |changes: &Value| {
            let json = tutorial(redis.port(), changes.clone()).to_string();
            live(&PluginConfig::parse(PluginName::LimitCount, &json).unwrap())
        };
        let route = |name: &str, changes: &Value| Route {
            plugins: Plugins::from([(PluginName::LimitCount, plugin(changes))]),
            ..route(name, &format!("/anything/{name}"))
        };
        let gateway =
            start(snapshot(Upstream::BuiltinEcho, vec![route("one", &changes), route("other", &other_changes)]));
        assert_eq!(gateway.get("/anything/one").await.status, 200, "{what}");
        assert_eq!(gateway.get("/anything/other").await.status, status, "{what}");
    }
}

#[tokio::test]
async fn one_user_s_connection_does_not_serve_another() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let plugin = |password: &str| {
        let json = tutorial(redis.port(), json!({"redis_password": password})).to_string();
        live(&PluginConfig::parse(PluginName::LimitCount, &json).unwrap())
    };
    let with_password = |name: &str, password: &str| Route {
        plugins: Plugins::from([(PluginName::LimitCount, plugin(password))]),
        ..route(name, &format!("/anything/{name}"))
    };
    let routes = vec![with_password("right", "redis-api7"), with_password("wrong", "other")];
    let gateway = start(snapshot(Upstream::BuiltinEcho, routes));
    for (path, status) in [("/anything/right", 200), ("/anything/wrong", 500), ("/anything/right", 200)] {
        assert_eq!(gateway.get(path).await.status, status, "{path}");
    }
}

#[tokio::test]
async fn consumers_share_a_route_s_counter_unless_the_key_names_them() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    for (key, second) in [("remote_addr", 429), ("consumer_name", 200)] {
        let changes = json!({"count": 1, "key": key});
        let limit = tutorial(redis.port(), changes).to_string();
        let key_auth = r#"{"anonymous_consumer": "nobody"}"#;
        let plugins = [(PluginName::KeyAuth, key_auth), (PluginName::LimitCount, limit.as_str())];
        let gateway = start(snapshot(Upstream::BuiltinEcho, vec![guarded_route(key, "/*", &plugins)]));
        assert_eq!(gateway.get_with("/ip", &[("apikey", "alice-key")]).await.status, 200, "{key}");
        assert_eq!(gateway.get("/ip").await.status, second, "{key}");
        assert_eq!(gateway.get_with("/ip", &[("apikey", "alice-key")]).await.status, 429, "{key}");
    }
}

#[tokio::test]
async fn a_changed_configuration_starts_anew_and_an_unchanged_one_goes_on() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let plugin = |count: u64| {
        let json = tutorial(redis.port(), json!({"count": count})).to_string();
        live(&PluginConfig::parse(PluginName::LimitCount, &json).unwrap())
    };
    let gateway = start(snapshot(Upstream::BuiltinEcho, vec![limited(plugin(1))]));
    assert_eq!(statuses(&gateway, 2).await, [200, 429]);
    for (revision, count, status) in [(2, 1, 429), (3, 2, 200), (4, 1, 429)] {
        let next = snapshot(Upstream::BuiltinEcho, vec![limited(plugin(count))]);
        gateway.publish(postern::snapshot::Snapshot { revision, ..next }).await;
        assert_eq!(statuses(&gateway, 1).await, [status], "{revision}");
    }
}

#[tokio::test]
async fn who_waits_for_a_connection_that_fails_makes_no_other() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tried);
    let accepting = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(accepted) = silent.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            held.push(accepted);
        }
    });
    let gateway = gateway(&tutorial(port, json!({"redis_timeout": 2000})));
    let answers = join_all((0..100).map(|_| gateway.get("/ip"))).await;
    assert!(answers.iter().all(|answer| answer.status == 500));
    let tried = tried.load(Ordering::Relaxed);
    assert!(tried < 20, "{tried} connections for 100 requests");
    accepting.abort();
}
