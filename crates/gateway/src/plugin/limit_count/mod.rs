//! limit-count: at most so many requests in so much time, counted here or in Redis.
//!
//! What must never happen: a request passes that was not counted, unless the configuration allows it while the
//! counters cannot be reached. A secret without a value and a password that Redis refuses are no such outage.

mod accounts;
mod local;
mod redis;
mod shards;
mod syncer;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use accounts::Accounts;
pub(crate) use local::Counters;
pub(crate) use redis::Pools;

use super::{Access, variables};
use crate::reject::Reject;
use futures_util::FutureExt;
use http::{HeaderName, HeaderValue, StatusCode};
use hyper::body::Bytes;
use postern::plugin::limit_count::{Amount, Key, LimitCountPlugin, Limits, MAX_AMOUNT, SyncInterval, WindowType};
use postern::plugin::variable::Template;
use postern::snapshot::LiveField;
use redis::{Ask, Backend, Requests, Uncounted};
use shards::Full;
use smallvec::SmallVec;
use std::sync::Arc;
use std::time::Instant;
use syncer::{Due, Means, Syncer};
use window::Decision;

/// A limit-count configuration, ready to run.
pub(crate) struct LimitCount {
    rules: Vec<Rule>,
    window_type: WindowType,
    store: Store,
    status: StatusCode,
    message: Option<Arc<str>>,
    allow_degradation: bool,
    show_headers: bool,
}

/// Where the counters are, and how they are asked.
enum Store {
    Local,
    /// Every request asks Redis.
    Redis(Arc<Backend>),
    /// Requests are counted here, and Redis is told later.
    Delayed {
        backend: Arc<Backend>,
        interval: SyncInterval,
        syncer: Arc<Syncer>,
    },
}

/// One limit.
struct Rule {
    count: Amount,
    time_window: Amount,
    /// What its counters' names begin with.
    counters: String,
    /// The same for those in memory: short, so that a name is hashed in one piece.
    counters_here: String,
    /// The header that tells the count, where that is the same for all requests.
    told: Option<HeaderValue>,
    key: RuleKey,
    /// Of several rules: what stands in the names of its headers.
    prefix: Option<String>,
}

enum RuleKey {
    /// Of the whole configuration. Requests without a key count by their address.
    Always(Key),
    /// Of one of several rules, which is passed over by requests without it.
    Where(Template),
}

impl LimitCount {
    /// `owner` is the service or route that has the plugin.
    pub(super) fn compile(config: &LimitCountPlugin<LiveField>, owner: &str) -> Result<Self, String> {
        let counters = config.counters_of(owner);
        let rules = match &config.limits {
            Limits::One { count, time_window } => {
                vec![Rule::new(count, time_window, counters, RuleKey::Always(config.key.clone()), None)]
            }
            Limits::Rules { rules } => {
                let compiled = rules.iter().zip(1..).map(|(rule, number)| {
                    let prefix = rule.header_prefix.clone().unwrap_or_else(|| number.to_string());
                    let (counters, key) = (format!("{counters}/{number}"), RuleKey::Where(rule.key.clone()));
                    Ok(Rule::new(&rule.count, &rule.time_window, counters, key, Some(checked(prefix)?)))
                });
                compiled.collect::<Result<_, String>>()?
            }
        };
        Ok(Self {
            rules,
            window_type: config.window_type,
            store: Store::of(config),
            status: StatusCode::from_u16(config.rejected_code)
                .map_err(|_| format!("limit-count: {} is no status", config.rejected_code))?,
            message: config.rejected_msg.as_deref().map(Arc::from),
            allow_degradation: config.allow_degradation,
            show_headers: config.show_limit_quota_header,
        })
    }

    pub(super) async fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        let mut applied = false;
        for rule in &self.rules {
            let Some(key) = rule.key.of(access) else { continue };
            applied = true;
            self.apply(rule, &key, access).await?;
        }
        if applied || self.allow_degradation {
            return Ok(());
        }
        tracing::warn!(route = access.scene.route, "limit-count: no rule has a key in this request");
        Err(Reject::NotCounted)
    }

    async fn apply(&self, rule: &Rule, key: &str, access: &mut Access<'_>) -> Result<(), Reject> {
        let (Some(limit), Some(seconds)) = (amount(&rule.count, access), amount(&rule.time_window, access)) else {
            tracing::warn!(
                route = access.scene.route,
                "limit-count: count or time_window became no whole number above 0"
            );
            return Err(Reject::NotCounted);
        };
        let decision = match self.count(rule, key, limit, seconds, access).await {
            Ok(decision) => decision,
            Err(uncounted) => return self.otherwise(uncounted, access),
        };
        if self.show_headers {
            let remaining = if decision.passes { decision.remaining } else { 0 };
            let usual = &access.table.metadata.limit_headers;
            let own = rule.prefix.as_ref().map(|prefix| with_prefix(usual, prefix));
            let [limit_header, remaining_header, reset_header] = own.as_ref().unwrap_or(usual);
            let told = rule.told.clone().unwrap_or_else(|| HeaderValue::from(limit));
            access.answer.insert(limit_header, told);
            access.answer.insert(remaining_header, HeaderValue::from(remaining));
            if let Ok(reset) = HeaderValue::from_maybe_shared(Bytes::from(seconds_text(decision.reset_ms))) {
                access.answer.insert(reset_header, reset);
            }
        }
        if decision.passes {
            return Ok(());
        }
        Err(Reject::Limited { status: self.status, message: self.message.clone() })
    }

    async fn count(
        &self,
        rule: &Rule,
        key: &str,
        limit: u64,
        seconds: u64,
        access: &Access<'_>,
    ) -> Result<Decision, Uncounted> {
        let name = || counter_name(&rule.counters, key);
        let (scene, fingerprints, window_type) = (access.scene, access.table.fingerprint_key(), self.window_type);
        match &self.store {
            Store::Local => {
                let mut name = SmallVec::<[u8; 64]>::from_slice(rule.counters_here.as_bytes());
                name.extend_from_slice(key.as_bytes());
                let name = fingerprints.of_key(&name);
                Ok(scene.counters.count(name, window_type, limit, seconds, Instant::now())?)
            }
            Store::Delayed { interval, syncer, .. } if interval.is_within(seconds) => {
                let accounts = Arc::clone(scene.accounts);
                let means = Means { accounts, pools: Arc::clone(scene.redis), fingerprints: fingerprints.clone() };
                // Boxed, as below, so that what waits for Redis does not make every request larger.
                syncer.count(Due { name: name(), window_type, limit, seconds }, &means).boxed().await
            }
            Store::Redis(backend) | Store::Delayed { backend, .. } => {
                let ask = Ask { key: &name(), window_type, limit, seconds, requests: Requests::One };
                scene.redis.count(backend, fingerprints, &ask).boxed().await
            }
        }
    }

    fn otherwise(&self, uncounted: Uncounted, access: &Access<'_>) -> Result<(), Reject> {
        let route = access.scene.route;
        match uncounted {
            Uncounted::Unresolved { incident } => Err(Reject::Unresolved { incident }),
            Uncounted::Refused => {
                tracing::warn!(
                    route,
                    "limit-count: Redis or a sentinel refuses the username or password, or lets that user not count"
                );
                Err(Reject::NotCounted)
            }
            Uncounted::Untrusted => {
                tracing::warn!(route, "limit-count: the Redis server's certificate is not from a trusted authority");
                Err(Reject::NotCounted)
            }
            // No outage: what the configuration allows for one it does not allow for this.
            Uncounted::Forbidden { what } => {
                tracing::error!(route, what, "limit-count: the gateway does not connect to {what}");
                Err(Reject::NotCounted)
            }
            Uncounted::Down { why } if self.allow_degradation => {
                tracing::warn!(
                    route,
                    why,
                    "limit-count: a request passed uncounted, since the counters cannot be reached"
                );
                Ok(())
            }
            Uncounted::Down { why } => {
                tracing::warn!(route, why, "limit-count: the counters cannot be reached");
                Err(Reject::NotCounted)
            }
        }
    }
}

impl Rule {
    fn new(count: &Amount, time_window: &Amount, counters: String, key: RuleKey, prefix: Option<String>) -> Self {
        let told = match count {
            Amount::Fixed(count) => Some(HeaderValue::from(*count)),
            Amount::Variable(_) => None,
        };
        let counters_here = postern::fingerprint::digest(&counters);
        let (count, time_window) = (count.clone(), time_window.clone());
        Self { count, time_window, counters, counters_here, told, key, prefix }
    }
}

impl Store {
    fn of(config: &LimitCountPlugin<LiveField>) -> Self {
        let Some(backend) = Backend::of(&config.policy).map(Arc::new) else { return Self::Local };
        match config.sync_interval {
            None => Self::Redis(backend),
            Some(interval) => {
                let syncer = Syncer::new(Arc::clone(&backend), interval.duration());
                Self::Delayed { backend, interval, syncer }
            }
        }
    }
}

impl From<Full> for Uncounted {
    fn from(_: Full) -> Self {
        Self::Down { why: "a million counters are in use".to_owned() }
    }
}

impl RuleKey {
    fn of(&self, access: &Access<'_>) -> Option<String> {
        match self {
            Self::Where(template) => variables::render(template, access),
            Self::Always(key) => Some(match key {
                Key::Constant(text) => text.clone(),
                Key::Var(variable) => {
                    variables::value(variable, access).unwrap_or_else(|| access.scene.client.to_string())
                }
                Key::VarCombination(template) => {
                    variables::render(template, access).unwrap_or_else(|| access.scene.client.to_string())
                }
            }),
        }
    }
}

fn amount(amount: &Amount, access: &Access<'_>) -> Option<u64> {
    match amount {
        Amount::Fixed(number) => Some(*number),
        Amount::Variable(template) => {
            let number = variables::render(template, access)?.parse().ok()?;
            (1..=MAX_AMOUNT).contains(&number).then_some(number)
        }
    }
}

/// What the names of a rule's headers get can stand in one.
fn checked(prefix: String) -> Result<String, String> {
    match format!("X-{prefix}-RateLimit-Limit").parse::<HeaderName>() {
        Ok(_) => Ok(prefix),
        Err(_) => Err(format!("limit-count: '{prefix}' cannot stand in the name of a header")),
    }
}

/// The names with a rule's prefix before `RateLimit-`. A name without that stays as it is (APISIX 3.18).
fn with_prefix(names: &[HeaderName; 3], prefix: &str) -> [HeaderName; 3] {
    names.each_ref().map(|name| {
        let parts = name.as_str().split_once("ratelimit-");
        let prefixed = parts.and_then(|(before, after)| format!("{before}{prefix}-ratelimit-{after}").parse().ok());
        prefixed.unwrap_or_else(|| name.clone())
    })
}

/// The counter's name in Redis. A key that is long is a hash of it: clients choose some keys.
fn counter_name(counters: &str, key: &str) -> String {
    const LONGEST: usize = 128;
    if key.len() > LONGEST {
        return format!("plugin-limit-count:v1:{counters}:blake3:{}", postern::fingerprint::digest(key));
    }
    // Made for every request: not by `format!`, which takes as long as counting.
    ["plugin-limit-count:v1:", counters, ":", key].concat()
}

/// Seconds with at most two decimals, rounded down, but never 0: `59.87`, `60`.
fn seconds_text(ms: u64) -> String {
    let hundredths = (ms / 10).max(1);
    let (mut text, rest) = ((hundredths / 100).to_string(), hundredths % 100);
    let digit = |number: u64| char::from(b'0' + u8::try_from(number).unwrap_or_default());
    if rest > 0 {
        text.push('.');
        text.push(digit(rest / 10));
    }
    if rest % 10 > 0 {
        text.push(digit(rest % 10));
    }
    text
}
