//! The policy `redis-cluster`.

use super::*;
use backends::RedisCluster;

fn config(cluster: &RedisCluster, changes: Value) -> Value {
    with(
        json!({
            "count": 3, "time_window": 100_000, "rejected_code": 429, "policy": "redis-cluster",
            "redis_cluster_nodes": cluster.nodes(), "redis_cluster_name": "counters",
            "redis_username": "api7", "redis_password": "redis-api7", "redis_timeout": 10_000,
        }),
        changes,
    )
}

#[tokio::test]
async fn two_gateways_with_one_cluster_let_exactly_so_many_pass() {
    let cluster = RedisCluster::start();
    for window_type in ["fixed", "sliding"] {
        let changes = json!({"count": 137, "window_type": window_type, "redis_timeout": 60_000});
        exactly_so_many_pass(&config(&cluster, changes), 137).await;
    }
}

#[tokio::test]
async fn counters_are_spread_over_the_servers() {
    let cluster = RedisCluster::start();
    // One seed, and one that is not there, are enough to find all.
    let nodes = json!([RedisCluster::no_node(), cluster.nodes()[1]]);
    let gateway = gateway(&config(&cluster, json!({"key": "arg_user", "redis_cluster_nodes": nodes})));
    for user in 0..40 {
        assert_eq!(gateway.get(&format!("/ip?user={user}")).await.status, 200);
    }
    let sizes = cluster.sizes();
    assert!(sizes.iter().all(|size| size != ":0"), "{sizes:?}");
}

#[tokio::test]
async fn a_slot_that_moves_takes_its_counter_along() {
    let cluster = RedisCluster::start();
    let gateway = gateway(&config(&cluster, json!({})));
    assert_eq!(statuses(&gateway, 2).await, [200, 200]);
    cluster.move_the_only_key();
    assert_eq!(statuses(&gateway, 2).await, [200, 429]);
}

#[tokio::test]
async fn after_a_rotation_the_cluster_s_password_is_read_again() {
    let cluster = RedisCluster::start();
    cluster.set_user("api7", "first");
    let (gateway, manager) = rotating(&config(&cluster, json!({})), "redis_password", "first");
    assert_eq!(statuses(&gateway, 1).await, [200]);
    cluster.set_user("api7", "second");
    assert_eq!(statuses(&gateway, 3).await, [200, 200, 429]);
    assert_eq!(manager.reads.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_cluster_that_is_down_is_one_thing_and_one_that_refuses_another() {
    let mut cluster = RedisCluster::start();
    let gateways = |cluster: &RedisCluster, password: &str| {
        [false, true]
            .map(|allow| gateway(&config(cluster, json!({"redis_password": password, "allow_degradation": allow}))))
    };
    let (right, wrong) = (gateways(&cluster, "redis-api7"), gateways(&cluster, "wrong"));
    let check = async |gateways: &[Running; 2], expected: [u16; 2]| {
        for (gateway, status) in gateways.iter().zip(expected) {
            let answer = gateway.get("/ip").await;
            assert_eq!(answer.status, status, "{}", answer.text());
        }
    };
    check(&right, [200, 200]).await;
    check(&wrong, [500, 500]).await;
    cluster.stop();
    check(&right, [500, 200]).await;
}
