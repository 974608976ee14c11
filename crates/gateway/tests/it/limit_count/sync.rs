//! `sync_interval`: counted here, told Redis later.

use super::*;

/// Waits until the only counter in Redis has counted so often.
async fn until_told(redis: &Redis, count: u64) {
    let told = async {
        loop {
            if redis.counts() == [count] {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    let told = tokio::time::timeout(std::time::Duration::from_secs(60), told).await;
    assert!(told.is_ok(), "Redis has {:?} instead of {count}", redis.counts());
}

#[tokio::test]
async fn requests_are_counted_here_and_redis_is_told_after_the_interval() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let changes = json!({"time_window": 100_000, "sync_interval": 0.2});
    let config = tutorial(redis.port(), changes);
    let gateways = [gateway(&config), gateway(&config)];
    for remaining in ["2", "1"] {
        let answer = gateways[0].get("/ip").await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-remaining")), (200, Some(remaining)));
    }
    until_told(&redis, 2).await;
    // The other gateway asks when it counts for the first time.
    assert_eq!(statuses(&gateways[1], 2).await, [200, 429]);
    until_told(&redis, 3).await;
}

#[tokio::test]
async fn one_gateway_lets_exactly_so_many_pass() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    for window_type in ["fixed", "sliding"] {
        let changes = json!({
            "count": 137, "time_window": 100_000, "window_type": window_type, "redis_timeout": 60_000,
            "sync_interval": 0.1,
        });
        let gateway = gateway(&tutorial(redis.port(), changes));
        let answers = join_all((0..1000).map(|_| gateway.get("/ip"))).await;
        let passed = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(passed, 137, "{window_type}");
    }
}

#[tokio::test]
async fn a_window_that_is_no_longer_than_the_interval_is_not_synced_late() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let changes = json!({"time_window": "$arg_window", "sync_interval": 3600});
    let gateway = gateway(&tutorial(redis.port(), changes));
    assert_eq!(gateway.get("/ip?window=3600").await.status, 200);
    assert_eq!(redis.counts(), [1]);
}

#[tokio::test]
async fn a_redis_that_cannot_be_told_is_down_from_then_on() {
    for (allow, expected) in [(false, 500), (true, 200)] {
        let mut redis = Redis::start();
        redis.set_user("api7", "redis-api7");
        let changes =
            json!({"count": 1_000_000, "time_window": 100_000, "sync_interval": 0.1, "allow_degradation": allow});
        let gateway = gateway(&tutorial(redis.port(), changes));
        assert_eq!(statuses(&gateway, 1).await, [200]);
        until_told(&redis, 1).await;
        redis.stop();
        let uncounted = async {
            loop {
                let answer = gateway.get("/ip").await;
                if answer.header("x-ratelimit-remaining").is_none() {
                    return answer.status.as_u16();
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let status = tokio::time::timeout(std::time::Duration::from_secs(60), uncounted).await;
        assert_eq!(status, Ok(expected), "{allow}");
        redis.restart();
        redis.set_user("api7", "redis-api7");
        assert_eq!(gateway.get("/ip").await.header("x-ratelimit-limit"), Some("1000000"));
    }
}

#[tokio::test]
async fn without_its_secret_nothing_passes_whatever_was_counted() {
    let redis = Redis::start();
    redis.set_user("api7", "redis-api7");
    let reference = "$secret://vault/my-vault/redis/password";
    let changes = json!({"redis_password": reference, "sync_interval": 0.5, "allow_degradation": true});
    assert_eq!(gateway(&tutorial(redis.port(), changes)).get("/ip").await.status, 503);
}
