//! Counters in Redis: one script for each request, so that gateways which share a server count together.
//!
//! Each worker has one connection to each server and user, over which all its requests go. A password that Redis
//! refuses is read again and tried once more; one that was refused a moment ago is not tried at all.

mod connect;
mod failure;
mod guard;
mod script;
mod secrets;
mod sentinel;
#[cfg(test)]
mod tests;

pub(super) use script::{Ask, Requests};

use super::window::Decision;
use crate::upstream::Reach;
use connect::{Connection, Source};
use failure::{ends_connection, is_read_only, is_refusal, is_untrusted, words};
use guard::Guard;
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::plugin::limit_count::Policy;
use postern::snapshot::LiveField;
use redis::{ErrorKind, RedisError, RedisResult};
use secrets::Secrets;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long credentials that Redis refused, a certificate that is not trusted, and an address that may not be connected
/// to are not tried again.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// The connections of one worker.
pub(crate) struct Pools {
    reach: Reach,
    /// Whom certificates of Redis servers may be from, PEM; the system's without.
    authorities: Option<Arc<str>>,
    pools: Mutex<HashMap<Fingerprint, Arc<Pool>>>,
}

/// What a configuration says of Redis.
pub(super) struct Backend {
    policy: Policy<LiveField>,
    /// All of it but the secrets.
    place: Vec<u8>,
    keepalive: Duration,
}

/// One server and user.
struct Pool {
    source: Source,
    guard: Guard,
    keepalive: Duration,
    used: Mutex<Instant>,
    refusal: Mutex<Option<(Instant, Uncounted)>>,
    kept: tokio::sync::Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connection: Option<Connection>,
    /// How many there have been.
    number: u64,
    /// Why the last attempt to connect failed, and when. Whoever waited for that attempt does not make another.
    failed: Option<(Instant, RedisError)>,
}

/// Why a request could not be counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Uncounted {
    /// A secret has no value.
    Unresolved { incident: String },
    /// Redis refuses username or password, or lets that user not count.
    Refused,
    /// The server's certificate is not one to trust.
    Untrusted,
    /// A server is where the gateway never connects to: a mistake in the configuration, or what a server says that lies.
    Forbidden { what: String },
    /// Redis does not answer, or with an error.
    Down { why: String },
}

impl Backend {
    /// Nothing for counters in memory.
    pub(super) fn of(policy: &Policy<LiveField>) -> Option<Self> {
        let keepalive = match policy {
            Policy::Local => return None,
            Policy::Redis(redis) => redis.keepalive_timeout,
            Policy::RedisCluster(cluster) => cluster.keepalive_timeout,
            Policy::RedisSentinel(watched) => watched.keepalive_timeout,
        };
        let place = serde_json::to_vec(&policy.without_secrets()).unwrap_or_default();
        Some(Self { policy: policy.clone(), place, keepalive: Duration::from_millis(keepalive.into()) })
    }

    /// Whether every secret has a value.
    pub(super) fn check_secrets(&self) -> Result<(), Uncounted> {
        Secrets::now(&self.policy).map(drop)
    }
}

impl Pools {
    pub(crate) fn new(reach: Reach, authorities: Option<Arc<str>>) -> Self {
        Self { reach, authorities, pools: Mutex::default() }
    }

    /// Counts. Credentials that Redis refuses are read again, and tried once more.
    pub(super) async fn count(
        &self,
        backend: &Backend,
        fingerprints: &FingerprintKey,
        ask: &Ask<'_>,
    ) -> Result<Decision, Uncounted> {
        let first = Secrets::now(&backend.policy)?;
        match self.count_as(backend, fingerprints, &first, ask).await {
            Err(Uncounted::Refused) => {}
            answer => return answer,
        }
        Secrets::reread(&backend.policy).await;
        let second = Secrets::now(&backend.policy)?;
        if first.same_as(&second) {
            return Err(Uncounted::Refused);
        }
        tracing::info!("limit-count: Redis refused the credentials, and there are new ones");
        self.count_as(backend, fingerprints, &second, ask).await
    }

    async fn count_as(
        &self,
        backend: &Backend,
        fingerprints: &FingerprintKey,
        secrets: &Secrets,
        ask: &Ask<'_>,
    ) -> Result<Decision, Uncounted> {
        let pool = self.pool(backend, fingerprints, secrets)?;
        pool.count(ask).await.map_err(|error| {
            let uncounted = match (Uncounted::from(&error), pool.guard.refused()) {
                (Uncounted::Down { .. }, Some(what)) => Uncounted::Forbidden { what },
                (uncounted, _) => uncounted,
            };
            match &uncounted {
                Uncounted::Refused | Uncounted::Untrusted | Uncounted::Forbidden { .. } => {
                    pool.refuse(uncounted.clone());
                }
                Uncounted::Unresolved { .. } | Uncounted::Down { .. } => {}
            }
            uncounted
        })
    }

    /// The connection for a server and user; others that nobody uses any more are closed on the way.
    fn pool(
        &self,
        backend: &Backend,
        fingerprints: &FingerprintKey,
        secrets: &Secrets,
    ) -> Result<Arc<Pool>, Uncounted> {
        let key = fingerprints.of(&secrets.identity(&backend.place));
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&key) {
            *pool.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            return pool.refusal().map_or_else(|| Ok(Arc::clone(pool)), Err);
        }
        pools.retain(|_, pool| !pool.is_idle());
        let guard = Guard::new(self.reach.clone());
        let source = Source::new(&backend.policy, secrets, self.authorities.as_deref(), &guard);
        let source = source.map_err(|error| Uncounted::from(&error))?;
        let pool = Arc::new(Pool::new(source, guard, backend.keepalive));
        pools.insert(key, Arc::clone(&pool));
        Ok(pool)
    }
}

#[cfg(test)]
impl Default for Pools {
    fn default() -> Self {
        Self::new(Reach::of_plugins(&[]), None)
    }
}

impl Pool {
    fn new(source: Source, guard: Guard, keepalive: Duration) -> Self {
        let (used, refusal, kept) = (Mutex::new(Instant::now()), Mutex::default(), tokio::sync::Mutex::default());
        Self { source, guard, keepalive, used, refusal, kept }
    }

    /// A connection that was closed meanwhile, or leads to a server that is no master any more, is made anew, once.
    async fn count(&self, ask: &Ask<'_>) -> RedisResult<Decision> {
        let (connection, is_new) = self.connection().await?;
        match self.count_over(connection, ask).await {
            Err(error) if !is_new && self.is_worth_another(&error) => {
                let (connection, _) = self.connection().await?;
                self.count_over(connection, ask).await
            }
            answer => answer,
        }
    }

    async fn count_over(&self, (mut connection, number): (Connection, u64), ask: &Ask<'_>) -> RedisResult<Decision> {
        let answer = connection.run(ask).await;
        if answer.as_ref().err().is_some_and(ends_connection) {
            let mut kept = self.kept.lock().await;
            // Another request may have made a new one already.
            if kept.number == number {
                kept.connection = None;
            }
        }
        answer
    }

    /// With its number, and whether it was made for this request.
    async fn connection(&self) -> RedisResult<((Connection, u64), bool)> {
        let asked = Instant::now();
        // One connects; the others wait for it, for no longer than the timeout.
        let mut kept = self.kept.lock().await;
        if let Some(connection) = &kept.connection {
            return Ok(((connection.clone(), kept.number), false));
        }
        if let Some((_, error)) = kept.failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(error.clone());
        }
        match self.source.connect().await {
            Ok(connection) => {
                kept.number += 1;
                kept.connection = Some(connection.clone());
                Ok(((connection, kept.number), true))
            }
            Err(error) => {
                kept.failed = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    fn is_worth_another(&self, error: &RedisError) -> bool {
        // A cluster's connection hides why one of its own does not work; a new one tells.
        let may_hide = self.source.is_cluster() && error.kind() == ErrorKind::Io;
        let is_gone = error.is_unrecoverable_error() || error.is_connection_dropped();
        is_refusal(error) || is_read_only(error) || is_gone || may_hide
    }

    fn refuse(&self, why: Uncounted) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), why));
    }

    /// Why it is of no use at this moment.
    fn refusal(&self) -> Option<Uncounted> {
        let refusal = self.refusal.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, why) = refusal.as_ref().filter(|(at, _)| at.elapsed() < REFUSED_PAUSE)?;
        Some(why.clone())
    }

    fn is_idle(&self) -> bool {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > self.keepalive
    }
}

impl From<&RedisError> for Uncounted {
    fn from(error: &RedisError) -> Self {
        if is_refusal(error) {
            Self::Refused
        } else if is_untrusted(error) {
            Self::Untrusted
        } else {
            Self::Down { why: words(error) }
        }
    }
}
