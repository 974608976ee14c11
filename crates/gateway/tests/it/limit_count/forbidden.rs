//! Addresses where the gateway never connects to, whoever names them: no outage, which a configuration may let requests
//! pass for.

use super::*;
use backends::{RedisCluster, SentinelOf};

/// Where clouds hand out the machine's own credentials.
const METADATA: &str = "169.254.169.254";

/// What only a resolver takes for that address: the check at save sees a name.
const NAME: &str = "2852039166";

async fn refused(config: Value) {
    let config = with(config, json!({"allow_degradation": true}));
    let gateway = gateway(&config);
    for _ in 0..2 {
        let answer = gateway.get("/ip").await;
        assert_eq!(answer.summary(), (500, r#"{"error_msg":"failed to limit count"}"#), "{config}");
    }
}

#[tokio::test]
async fn no_name_leads_there() {
    for changes in [
        json!({"redis_host": NAME}),
        json!({"redis_host": NAME, "redis_ssl": true}),
        json!({"redis_host": NAME, "sync_interval": 0.5}),
    ] {
        let changes = with(changes, json!({"redis_password": "p"}));
        let config = json!({"count": 3, "time_window": 60, "policy": "redis", "redis_username": "u"});
        refused(with(config, changes)).await;
    }
    let nodes = json!([format!("{NAME}:6379"), format!("{NAME}:6380")]);
    refused(json!({
        "count": 3, "time_window": 60, "policy": "redis-cluster", "redis_cluster_nodes": nodes,
        "redis_cluster_name": "c",
    }))
    .await;
    refused(json!({
        "count": 3, "time_window": 60, "policy": "redis-sentinel", "redis_master_name": "m",
        "redis_sentinels": [{"host": NAME, "port": 26379}],
    }))
    .await;
}

#[tokio::test]
async fn no_sentinel_leads_there() {
    let sentinel = SentinelOf::start(METADATA, 6379);
    refused(json!({
        "count": 3, "time_window": 60, "policy": "redis-sentinel", "redis_master_name": SentinelOf::MASTER_NAME,
        "redis_sentinels": [{"host": "127.0.0.1", "port": sentinel.port()}],
    }))
    .await;
}

#[tokio::test]
async fn no_server_of_a_cluster_leads_there() {
    let cluster = RedisCluster::start();
    cluster.announce(METADATA);
    let gateway = gateway(&json!({
        "count": 3, "time_window": 100_000, "policy": "redis-cluster", "redis_cluster_nodes": [cluster.nodes()[1]],
        "redis_cluster_name": "c", "redis_username": "api7", "redis_password": "redis-api7",
        "key": "arg_user", "allow_degradation": true,
    }));
    let mut refused = 0;
    for user in 0..12 {
        let answer = gateway.get(&format!("/ip?user={user}")).await;
        // What other servers have is counted there. Nothing passes without being counted.
        let is_counted = answer.header("x-ratelimit-remaining") == Some("2");
        assert!(if answer.status == 200 { is_counted } else { answer.status == 500 }, "{}", answer.text());
        refused += usize::from(answer.status == 500);
    }
    assert!(refused > 0, "some are that server's");
}
