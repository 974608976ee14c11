//! Redis over TLS.

use super::*;
use crate::support::start_with;
use backends::RedisTls;
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
