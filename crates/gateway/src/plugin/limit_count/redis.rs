//! Counters in Redis: one script for each request, so that gateways which share a server count together.
//!
//! Each worker has one connection to each server and user, over which all its requests go. A password that Redis
//! refuses is read again and tried once more; one that was refused a moment ago is not tried at all.

use super::window::Decision;
use postern::fingerprint::Fingerprint;
use postern::live::SecretNow;
use postern::plugin::limit_count::{Redis, WindowType};
use postern::sensitive::Plain;
use postern::snapshot::LiveField;
use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisConnectionInfo, RedisError,
    RedisResult, Script, ServerErrorKind, cmd,
};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long credentials that Redis refused are not tried again.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// KEYS: the counter. ARGV: limit, seconds. Answers count and ms left.
const FIXED: &str = "local left = redis.call('PTTL', KEYS[1])
if left <= 0 then
  redis.call('SET', KEYS[1], 1, 'EX', ARGV[2])
  return {1, tonumber(ARGV[2]) * 1000}
end
return {redis.call('INCRBY', KEYS[1], 1), left}";

/// The same of a sliding window, by Redis' clock. Answers whether it passes, what remains, and ms left.
const SLIDING: &str = "local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local limit, size = tonumber(ARGV[1]), tonumber(ARGV[2]) * 1000
local id = math.floor(now / size)
local held = redis.call('HMGET', KEYS[1], 'id', 'count', 'before')
local count, before = 0, 0
if held[1] then
  local age = id - tonumber(held[1])
  if age == 0 then
    count, before = tonumber(held[2]), tonumber(held[3])
  elseif age == 1 then
    before = tonumber(held[2])
  end
end
local left = size - now % size
local room = limit - count - math.min(before, limit) * left / size
if room < 1 then
  return {0, 0, left}
end
redis.call('HSET', KEYS[1], 'id', id, 'count', count + 1, 'before', before)
redis.call('PEXPIRE', KEYS[1], size * 2)
return {1, math.floor(room - 1), left}";

static HASHES: LazyLock<[Script; 2]> = LazyLock::new(|| [Script::new(FIXED), Script::new(SLIDING)]);

/// The connections of one worker.
#[derive(Default)]
pub(crate) struct Pools {
    pools: Mutex<HashMap<Fingerprint, Arc<Pool>>>,
}

/// One server and user.
struct Pool {
    client: Client,
    timing: AsyncConnectionConfig,
    keepalive: Duration,
    used: Mutex<Instant>,
    refused: Mutex<Option<Instant>>,
    connection: tokio::sync::Mutex<Option<MultiplexedConnection>>,
}

/// Who the gateway is to Redis.
#[derive(Clone, Debug, Default)]
pub(super) struct Credentials {
    username: Option<Plain>,
    password: Option<Plain>,
}

/// Why a request could not be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Uncounted {
    /// A secret has no value.
    Unresolved { incident: String },
    /// Redis refuses username or password.
    Refused,
    /// Redis does not answer, or with an error.
    Down { why: String },
}

/// One request, to be counted.
pub(super) struct Ask<'a> {
    pub(super) key: &'a str,
    pub(super) window_type: WindowType,
    pub(super) limit: u64,
    pub(super) seconds: u64,
}

impl Pools {
    /// Counts a request. Credentials that Redis refuses are read again, and tried once more.
    pub(super) async fn count(
        &self,
        server: &Redis<LiveField>,
        fingerprint: impl Fn(&[u8]) -> Fingerprint,
        ask: &Ask<'_>,
    ) -> Result<Decision, Uncounted> {
        let first = credentials(server)?;
        match self.count_as(server, &fingerprint, &first, ask).await {
            Err(Uncounted::Refused) => {}
            answer => return answer,
        }
        for secret in [&server.username, &server.password].into_iter().flatten() {
            secret.reread().await;
        }
        let second = credentials(server)?;
        if first.same_as(&second) {
            return Err(Uncounted::Refused);
        }
        tracing::info!(server = %server.host, "Redis refused the credentials, and there are new ones");
        self.count_as(server, &fingerprint, &second, ask).await
    }

    async fn count_as(
        &self,
        server: &Redis<LiveField>,
        fingerprint: &impl Fn(&[u8]) -> Fingerprint,
        credentials: &Credentials,
        ask: &Ask<'_>,
    ) -> Result<Decision, Uncounted> {
        let pool = self.pool(server, fingerprint, credentials)?;
        pool.count(ask).await.map_err(|error| {
            if is_refusal(&error) {
                pool.refuse();
                return Uncounted::Refused;
            }
            // The kind and Redis' code; the text of an error could repeat what was sent.
            Uncounted::Down { why: format!("{:?} {}", error.kind(), error.code().unwrap_or_default()) }
        })
    }

    /// The connection for a server and user; others that nobody uses any more are closed on the way.
    fn pool(
        &self,
        server: &Redis<LiveField>,
        fingerprint: &impl Fn(&[u8]) -> Fingerprint,
        credentials: &Credentials,
    ) -> Result<Arc<Pool>, Uncounted> {
        let key = fingerprint(&credentials.identity(server));
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key) {
            *pool.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            return if pool.is_refused() { Err(Uncounted::Refused) } else { Ok(Arc::clone(pool)) };
        }
        pools.retain(|_, pool| !pool.is_idle());
        let pool = Pool::new(server, credentials);
        let pool = Arc::new(pool.map_err(|error| Uncounted::Down { why: format!("{:?}", error.kind()) })?);
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }
}

impl Pool {
    fn new(server: &Redis<LiveField>, credentials: &Credentials) -> RedisResult<Self> {
        let address = match server.ssl {
            false => ConnectionAddr::Tcp(server.host.clone(), server.port),
            true => ConnectionAddr::TcpTls {
                host: server.host.clone(),
                port: server.port,
                insecure: !server.ssl_verify,
                tls_params: None,
            },
        };
        let settings = credentials.apply(RedisConnectionInfo::default().set_db(i64::from(server.database)));
        let timeout = Duration::from_millis(server.timeout.into());
        let timing =
            AsyncConnectionConfig::new().set_connection_timeout(Some(timeout)).set_response_timeout(Some(timeout));
        Ok(Self {
            client: Client::open(address.into_connection_info()?.set_redis_settings(settings))?,
            timing,
            keepalive: Duration::from_millis(server.keepalive_timeout.into()),
            used: Mutex::new(Instant::now()),
            refused: Mutex::default(),
            connection: tokio::sync::Mutex::default(),
        })
    }

    /// A connection that was closed meanwhile is made anew, once.
    async fn count(&self, ask: &Ask<'_>) -> RedisResult<Decision> {
        let (mut connection, is_new) = self.connection().await?;
        match run(&mut connection, ask).await {
            Err(error) if is_refusal(&error) || error.is_unrecoverable_error() || error.is_connection_dropped() => {
                self.connection.lock().await.take();
                if is_new {
                    return Err(error);
                }
                let (mut connection, _) = self.connection().await?;
                run(&mut connection, ask).await
            }
            answer => answer,
        }
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, bool)> {
        // One connects; the others wait for it, for no longer than the timeout.
        let mut kept = self.connection.lock().await;
        if let Some(connection) = &*kept {
            return Ok((connection.clone(), false));
        }
        let connection = self.client.get_multiplexed_async_connection_with_config(&self.timing).await?;
        *kept = Some(connection.clone());
        Ok((connection, true))
    }

    fn refuse(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_refused(&self) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|at| at.elapsed() < REFUSED_PAUSE)
    }

    fn is_idle(&self) -> bool {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > self.keepalive
    }
}

/// EVALSHA; EVAL when Redis does not have the script, which a user may do who may not load scripts.
async fn run(connection: &mut MultiplexedConnection, ask: &Ask<'_>) -> RedisResult<Decision> {
    let [fixed, sliding] = &*HASHES;
    let (script, source) = match ask.window_type {
        WindowType::Fixed => (fixed, FIXED),
        WindowType::Sliding => (sliding, SLIDING),
    };
    let mut known = cmd("EVALSHA");
    known.arg(script.get_hash()).arg(1).arg(ask.key).arg(ask.limit).arg(ask.seconds);
    let answer: RedisResult<Vec<u64>> = known.query_async(connection).await;
    let answer = match answer {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
            let mut whole = cmd("EVAL");
            whole.arg(source).arg(1).arg(ask.key).arg(ask.limit).arg(ask.seconds);
            whole.query_async(connection).await
        }
        answer => answer,
    };
    decision(ask, &answer?).ok_or_else(|| RedisError::from((ErrorKind::UnexpectedReturnType, "not a count")))
}

fn decision(ask: &Ask<'_>, answer: &[u64]) -> Option<Decision> {
    match (ask.window_type, answer) {
        (WindowType::Fixed, [count, left]) => Some(Decision::fixed(ask.limit, *count, *left)),
        (WindowType::Sliding, [passes, remaining, left]) => {
            Some(Decision { passes: *passes == 1, remaining: *remaining, reset_ms: (*left).max(1) })
        }
        _ => None,
    }
}

fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("WRONGPASS" | "NOAUTH"))
}

fn credentials(server: &Redis<LiveField>) -> Result<Credentials, Uncounted> {
    let value = |secret: &Option<LiveField>| match secret.as_ref().map(|secret| secret.now()).as_deref() {
        None => Ok(None),
        Some(SecretNow::Value(value)) => Ok(Some(value.clone())),
        Some(SecretNow::Unresolved { incident }) => Err(Uncounted::Unresolved { incident: incident.clone() }),
    };
    Ok(Credentials { username: value(&server.username)?, password: value(&server.password)? })
}

impl Credentials {
    fn same_as(&self, other: &Self) -> bool {
        let same = |one: &Option<Plain>, other: &Option<Plain>| match (one, other) {
            (None, None) => true,
            (Some(one), Some(other)) => one.same_as(other),
            _ => false,
        };
        same(&self.username, &other.username) && same(&self.password, &other.password)
    }

    /// What no other server and user has.
    fn identity(&self, server: &Redis<LiveField>) -> Vec<u8> {
        let Redis { host, port, database, ssl, ssl_verify, timeout, keepalive_timeout, .. } = server;
        let place = format!("{host}\0{port}\0{database}\0{ssl}\0{ssl_verify}\0{timeout}\0{keepalive_timeout}");
        let mut identity = place.into_bytes();
        for secret in [&self.username, &self.password] {
            identity.push(0);
            if let Some(secret) = secret {
                #[expect(clippy::disallowed_methods, reason = "turned into a keyed fingerprint")]
                identity.extend_from_slice(secret.expose().as_bytes());
            }
        }
        identity
    }

    fn apply(&self, mut settings: RedisConnectionInfo) -> RedisConnectionInfo {
        if let Some(password) = &self.password {
            #[expect(clippy::disallowed_methods, reason = "sent to the Redis server it belongs to")]
            let password = password.expose();
            settings = settings.set_password(password);
            if let Some(username) = &self.username {
                #[expect(clippy::disallowed_methods, reason = "sent to the Redis server it belongs to")]
                let username = username.expose();
                settings = settings.set_username(username);
            }
        }
        settings.set_skip_set_lib_name()
    }
}
