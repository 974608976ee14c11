//! Who the gateway is to Redis and to its sentinels.

use super::Uncounted;
use postern::live::SecretNow;
use postern::plugin::limit_count::Policy;
use postern::sensitive::Plain;
use postern::snapshot::LiveField;
use redis::RedisConnectionInfo;

/// The secrets of one policy, as they are now.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets {
    pub(super) redis: Login,
    pub(super) sentinel: Login,
}

/// A username and a password.
#[derive(Clone, Debug, Default)]
pub(super) struct Login {
    username: Option<Plain>,
    password: Option<Plain>,
}

/// The fields of a policy: username and password of Redis, then those of its sentinels.
fn fields(policy: &Policy<LiveField>) -> [&Option<LiveField>; 4] {
    match policy {
        Policy::Local => [&None; 4],
        Policy::Redis(redis) => [&redis.username, &redis.password, &None, &None],
        Policy::RedisCluster(cluster) => [&cluster.username, &cluster.password, &None, &None],
        Policy::RedisSentinel(watched) => {
            [&watched.username, &watched.password, &watched.sentinel_username, &watched.sentinel_password]
        }
    }
}

impl Secrets {
    /// What they stand for now. Never waits.
    pub(super) fn now(policy: &Policy<LiveField>) -> Result<Self, Uncounted> {
        let value = |secret: &Option<LiveField>| match secret.as_ref().map(|secret| secret.now()).as_deref() {
            None => Ok(None),
            Some(SecretNow::Value(value)) => Ok(Some(value.clone())),
            Some(SecretNow::Unresolved { incident }) => Err(Uncounted::Unresolved { incident: incident.clone() }),
        };
        let [username, password, sentinel_username, sentinel_password] = fields(policy);
        Ok(Self {
            redis: Login { username: value(username)?, password: value(password)? },
            sentinel: Login { username: value(sentinel_username)?, password: value(sentinel_password)? },
        })
    }

    /// Reads them again where they come from.
    pub(super) async fn reread(policy: &Policy<LiveField>) {
        for secret in fields(policy).into_iter().flatten() {
            secret.reread().await;
        }
    }

    pub(super) fn same_as(&self, other: &Self) -> bool {
        self.redis.same_as(&other.redis) && self.sentinel.same_as(&other.sentinel)
    }

    /// `place` and the secrets: what no other server and user has.
    pub(super) fn identity(&self, place: &[u8]) -> Vec<u8> {
        let mut identity = place.to_vec();
        for login in [&self.redis, &self.sentinel] {
            for secret in [&login.username, &login.password] {
                // Told apart: no secret, and where the next one begins.
                let length = secret.as_ref().map_or(0, |secret| secret.length() + 1);
                identity.extend_from_slice(&length.to_le_bytes());
                if let Some(secret) = secret {
                    #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
                    identity.extend_from_slice(secret.expose().as_bytes());
                }
            }
        }
        identity
    }
}

impl Login {
    fn same_as(&self, other: &Self) -> bool {
        let same = |one: &Option<Plain>, other: &Option<Plain>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.same_as(other),
            _ => false,
        };
        same(&self.username, &other.username) && same(&self.password, &other.password)
    }

    /// The settings with username and password. A username alone is not sent, as in APISIX.
    pub(super) fn apply(&self, mut settings: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(password) = self.password.as_ref().filter(|password| !password.is_empty()) {
            #[expect(clippy::disallowed_methods, reason = "sent to the server it belongs to")]
            let password = password.expose();
            settings = settings.set_password(password);
            if let Some(username) = &self.username {
                #[expect(clippy::disallowed_methods, reason = "sent to the server it belongs to")]
                let username = username.expose();
                settings = settings.set_username(username);
            }
        }
        settings.set_skip_set_lib_name()
    }
}
