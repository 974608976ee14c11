//! Redis over TLS.

use super::*;
use crate::support::start_with;
use backends::{RedisCluster, RedisTls};
use gateway::GatewayConfig;

/// A gateway that trusts `authorities` alone.
fn trusting(config: &Value, authorities: Option<&str>) -> Running {
    let plugin = live(&PluginConfig::parse(PluginName::LimitCount, &config.to_string()).unwrap());
    let redis_authorities = authorities.map(Arc::from);
    let config = GatewayConfig { workers: 2, redis_authorities, ..GatewayConfig::default() };
    start_with(config, snapshot(Upstream::BuiltinEcho, vec![limited(plugin)]))
}

#[tokio::test]
async fn a_certificate_is_checked_when_it_is_to_be_and_a_bad_one_is_no_outage() {
    let (redis, other) = (RedisTls::start("localhost"), RedisTls::start("localhost"));
    let (ours, theirs) = (Some(redis.authority()), Some(other.authority()));
    for (host, ssl, verify, authorities, status) in [
        ("localhost", true, true, ours, 200),
        ("localhost", true, true, theirs, 500),
        ("localhost", true, true, None, 500),
        // Another name than the certificate's.
        ("127.0.0.1", true, true, ours, 500),
        ("127.0.0.1", true, false, None, 200),
        // Without TLS nobody answers there: an outage.
        ("localhost", false, false, None, 200),
    ] {
        let config = json!({
            "count": 3, "time_window": 60, "policy": "redis", "redis_host": host, "redis_port": redis.port(),
            "redis_ssl": ssl, "redis_ssl_verify": verify, "allow_degradation": true,
        });
        let answer = trusting(&config, authorities).get("/ip").await;
        assert_eq!(answer.status, status, "{config} {}", authorities.is_some());
        let is_counted = answer.header("x-ratelimit-remaining").is_some();
        assert_eq!(is_counted, ssl && status == 200, "{config}");
    }
}

#[tokio::test]
async fn every_server_of_a_cluster_is_checked() {
    let (cluster, other) = (RedisCluster::start_with_tls(), RedisTls::start("localhost"));
    let (ours, theirs) = (Some(cluster.authority()), Some(other.authority()));
    for (ssl, verify, authorities, status) in
        [(true, true, ours, 200), (true, true, theirs, 500), (true, true, None, 500), (true, false, None, 200)]
    {
        let config = json!({
            "count": 30, "time_window": 60, "policy": "redis-cluster", "redis_cluster_nodes": cluster.nodes(),
            "redis_cluster_name": "counters", "redis_username": "api7", "redis_password": "redis-api7",
            "redis_cluster_ssl": ssl, "redis_cluster_ssl_verify": verify, "redis_timeout": 10_000,
            "allow_degradation": true, "key": "arg_user",
        });
        let gateway = trusting(&config, authorities);
        // The counters of so many are at every server.
        for user in 0..20 {
            let answer = gateway.get(&format!("/ip?user={user}")).await;
            assert_eq!(answer.status, status, "{config} {}", authorities.is_some());
            assert_eq!(answer.header("x-ratelimit-remaining").is_some(), status == 200, "{config}");
        }
    }
}
