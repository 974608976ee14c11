//! The policy `redis-sentinel`.

use super::*;
use backends::RedisSentinel;

fn config(watched: &RedisSentinel, changes: Value) -> Value {
    let sentinels: Vec<_> = watched.sentinels().iter().map(|port| json!({"host": "127.0.0.1", "port": port})).collect();
    with(
        json!({
            "count": 3, "time_window": 100_000, "rejected_code": 429, "policy": "redis-sentinel",
            "redis_sentinels": sentinels, "redis_master_name": RedisSentinel::MASTER_NAME, "redis_database": 1,
            "redis_username": "api7", "redis_password": "redis-api7",
            "sentinel_password": watched.sentinel_password(),
            "redis_connect_timeout": 10_000, "redis_read_timeout": 10_000,
        }),
        changes,
    )
}

#[tokio::test]
async fn two_gateways_with_the_same_sentinels_let_exactly_so_many_pass() {
    let watched = RedisSentinel::start();
    for window_type in ["fixed", "sliding"] {
        let changes = json!({"count": 137, "window_type": window_type, "redis_read_timeout": 60_000});
        exactly_so_many_pass(&config(&watched, changes), 137).await;
    }
}

#[tokio::test]
async fn after_a_failover_the_counters_go_on_at_the_new_master() {
    let mut watched = RedisSentinel::start();
    let gateway = gateway(&config(&watched, json!({"count": 4})));
    assert_eq!(statuses(&gateway, 2).await, [200, 200]);
    watched.until_replicated(2);
    watched.fail_over();
    // Sentinels name a new master before it has got used to being one.
    let answered = async {
        loop {
            let answer = gateway.get("/ip").await;
            match answer.status.as_u16() {
                500 => tokio::task::yield_now().await,
                _ => break answer,
            }
        }
    };
    let answer = answered.await;
    assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (200, Some("1")));
    watched.bring_back();
    assert_eq!(statuses(&gateway, 2).await, [200, 429]);
}

#[tokio::test]
async fn one_sentinel_that_is_down_does_no_harm() {
    let mut watched = RedisSentinel::start();
    watched.stop_sentinel(0);
    assert_eq!(statuses(&gateway(&config(&watched, json!({}))), 4).await, [200, 200, 200, 429]);
}

#[tokio::test]
async fn a_replica_counts_only_if_it_may_be_written_to() {
    let watched = RedisSentinel::start();
    let gateway = gateway(&config(&watched, json!({"redis_role": "slave"})));
    assert_eq!(statuses(&gateway, 1).await, [500]);
    watched.let_replica_count();
    assert_eq!(statuses(&gateway, 4).await, [200, 200, 200, 429]);
    assert_eq!(watched.replicated().as_deref(), Some("4"));
}

#[tokio::test]
async fn sentinels_have_a_username_and_a_password_of_their_own() {
    let watched = RedisSentinel::start();
    watched.set_sentinel_user("watcher", "watching");
    let changes = json!({"sentinel_username": "watcher", "sentinel_password": "watching"});
    assert_eq!(statuses(&gateway(&config(&watched, changes)), 4).await, [200, 200, 200, 429]);
}

#[tokio::test]
async fn after_a_rotation_either_password_is_read_again() {
    let watched = RedisSentinel::start();
    watched.set_user("api7", "first");
    let redis_rotated = rotating(&config(&watched, json!({"group": "r"})), "redis_password", "first");
    assert_eq!(statuses(&redis_rotated.0, 1).await, [200]);
    watched.set_user("api7", "second");
    assert_eq!(statuses(&redis_rotated.0, 3).await, [200, 200, 429]);

    let changes = json!({"redis_password": "second", "sentinel_username": "watcher", "group": "s"});
    watched.set_sentinel_user("watcher", "second");
    let sentinel_rotated = rotating(&config(&watched, changes), "sentinel_password", "first");
    assert_eq!(statuses(&sentinel_rotated.0, 4).await, [200, 200, 200, 429]);
    for (_, manager) in [&redis_rotated, &sentinel_rotated] {
        assert_eq!(manager.reads.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn what_is_down_is_one_thing_and_what_refuses_another() {
    let mut watched = RedisSentinel::start();
    // With one sentinel down its outage must not hide that the others refuse.
    watched.stop_sentinel(2);
    let refused = [
        json!({"redis_password": "wrong"}),
        json!({"redis_username": "nobody"}),
        json!({"sentinel_password": "wrong"}),
        json!({"sentinel_username": "nobody"}),
    ];
    for changes in refused {
        let changes = with(changes, json!({"allow_degradation": true}));
        let answer = gateway(&config(&watched, changes.clone())).get("/ip").await;
        assert_eq!(answer.summary(), (500, r#"{"error_msg":"failed to limit count"}"#), "{changes}");
    }
    let mut unnamed = config(&watched, json!({"allow_degradation": true}));
    unnamed.as_object_mut().unwrap().remove("sentinel_password");
    assert_eq!(statuses(&gateway(&unnamed), 1).await, [500], "without a password sentinels refuse");

    watched.stop_servers();
    for (changes, status) in [(json!({"allow_degradation": false}), 500), (json!({"allow_degradation": true}), 200)] {
        assert_eq!(gateway(&config(&watched, changes.clone())).get("/ip").await.status, status, "{changes}");
    }
}
