//! limit-count over real sockets and a real Redis.

use crate::support::{Running, live, route, snapshot, start};
use backends::Redis;
use futures_util::future::join_all;
use postern::live::{LiveSecret, Reread, SecretNow};
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins};
use postern::routing::{Route, Upstream};
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use postern::snapshot::{LiveField, Snapshot};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn plain(text: &str) -> SecretNow {
    SecretNow::Value(Plain::new(text.to_owned()))
}

/// The tutorial's configuration but for the server, with `changes`.
fn tutorial(port: u16, changes: Value) -> Value {
    let mut config = json!({
        "count": 3, "time_window": 60, "key_type": "var", "rejected_code": 429,
        "rejected_msg": "Too many requests", "key": "remote_addr", "policy": "redis", "redis_host": "127.0.0.1",
        "redis_port": port, "redis_username": "api7", "redis_password": "redis-api7", "redis_database": 1,
        "redis_timeout": 1001, "allow_degradation": false, "show_limit_quota_header": true,
    });
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn limited(config: PluginConfig<LiveField>) -> Route<LiveField> {
    Route { plugins: Plugins::from([(PluginName::LimitCount, config)]), ..route("limited", "/*") }
}

fn gateway(config: &Value) -> Running {
    let config = live(&PluginConfig::parse(PluginName::LimitCount, &config.to_string()).unwrap());
    start(snapshot(Upstream::BuiltinEcho, vec![limited(config)]))
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
        let config = tutorial(redis.port(), changes);
        let gateways = [gateway(&config), gateway(&config)];
        let requests = (0..1000).map(|n| gateways[n % 2].get("/ip"));
        let answers = join_all(requests).await;
        let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((count(200), count(429)), (137, 863), "{window_type}");
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
    let manager = Arc::new(Rotated { reads: AtomicUsize::new(0) });
    let changes = json!({"redis_password": "$secret://vault/my-vault/redis/password"});
    let config = PluginConfig::parse(PluginName::LimitCount, &tutorial(redis.port(), changes).to_string()).unwrap();
    let config = config.try_map(|_, field| {
        Ok::<_, ()>(match field.reference() {
            Some(reference) => {
                LiveSecret::reference(reference.secret().unwrap().clone(), plain("first"), manager.clone())
            }
            None => LiveSecret::literal(plain("api7")),
        })
    });
    let gateway = start(snapshot(Upstream::BuiltinEcho, vec![limited(config.unwrap())]));
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
async fn the_headers_have_the_names_that_the_metadata_gives_but_those_of_rules() {
    let plain = json!({"count": 3, "time_window": 60});
    let rules = json!({"rules": [
        {"count": 5, "time_window": 60, "key": "all", "header_prefix": "Team"},
        {"count": 7, "time_window": 60, "key": "$remote_addr"},
    ]});
    let metadata = |json: &str| {
        let config = PluginConfig::parse_for(Placement::Metadata, PluginName::LimitCount, json).unwrap();
        Arc::new(Plugins::from([(PluginName::LimitCount, live(&config))]))
    };
    let config = |json: &Value| live(&PluginConfig::parse(PluginName::LimitCount, &json.to_string()).unwrap());
    let routes = [("plain", &plain), ("rules", &rules)].map(|(name, json)| Route {
        plugins: Plugins::from([(PluginName::LimitCount, config(json))]),
        ..route(name, &format!("/{name}"))
    });
    let first = snapshot(Upstream::BuiltinEcho, routes.into());
    let gateway = start(first.clone());
    for (revision, json, path, expected) in [
        (2, "{}", "/plain", &[("x-ratelimit-limit", "3"), ("x-ratelimit-remaining", "2")][..]),
        (
            3,
            r#"{"limit_header": "RateLimit-Limit", "remaining_header": "Left", "reset_header": "Again"}"#,
            "/plain",
            &[("ratelimit-limit", "3"), ("left", "1")],
        ),
        (4, r#"{"remaining_header": "Left"}"#, "/plain", &[("x-ratelimit-limit", "3"), ("left", "0")]),
        (5, r#"{"limit_header": "Mine"}"#, "/rules", &[("x-team-ratelimit-limit", "5"), ("x-2-ratelimit-limit", "7")]),
    ] {
        gateway.publish(Snapshot { revision, plugin_metadata: metadata(json), ..first.clone() }).await;
        let answer = gateway.get(path).await;
        for (name, value) in expected {
            assert_eq!(answer.header(name), Some(*value), "{json}: {:?}", answer.headers);
        }
        let usual = answer.headers.keys().filter(|name| name.as_str().starts_with("x-ratelimit-")).count();
        assert_eq!(usual, [3, 0, 2, 0][usize::try_from(revision).unwrap() - 2], "{json}: {:?}", answer.headers);
    }
}
