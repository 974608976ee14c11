//! limit-count: at most so many requests in so much time (`apisix/plugins/limit-count.lua`).

mod fields;
pub mod metadata;
mod policy;
mod read;
mod read_policy;
mod sync_interval;
#[cfg(test)]
mod tests;

pub use fields::ABOUT;
pub use policy::{Policy, Redis, RedisCluster, RedisRole, RedisSentinel, Sentinel, ServerAddress};
pub use sync_interval::{SyncInterval, SyncIntervalError};

use super::variable::{Template, Variable};
use super::{PluginConfig, SecretAt, UnknownConfig};
use serde::{Deserialize, Serialize};

/// The largest count and time window: what every JSON reader can hold exactly, 2^53-1.
pub const MAX_AMOUNT: u64 = (1 << 53) - 1;

/// Configuration on a service or route; field names and defaults as in APISIX 3.18. `F` is how a secret is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitCountPlugin<F> {
    #[serde(flatten)]
    pub limits: Limits,
    pub window_type: WindowType,
    #[serde(flatten)]
    pub key: Key,
    /// Services and routes with the same group share one counter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    #[serde(flatten)]
    pub policy: Policy<F>,
    /// How often what was counted here is told to Redis; without it every request asks Redis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync_interval: Option<SyncInterval>,
    /// The status of a refused request, 200 to 599.
    pub rejected_code: u16,
    /// The `error_msg` of a refused request; without it the body is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_msg: Option<String>,
    /// Whether requests pass while the counters cannot be reached.
    pub allow_degradation: bool,
    /// Whether answers carry `X-RateLimit-*`.
    pub show_limit_quota_header: bool,
}

/// What is counted up to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Limits {
    Rules { rules: Vec<Rule> },
    One { count: Amount, time_window: Amount },
}

/// One of several limits that hold together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub count: Amount,
    pub time_window: Amount,
    pub key: Template,
    /// Stands before `RateLimit-` in the headers; without it the rule's number does, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_prefix: Option<String>,
}

/// A number, or a text with variables that has to become one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Amount {
    Fixed(u64),
    Variable(Template),
}

/// Whether windows follow each other, or slide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowType {
    Fixed,
    Sliding,
}

/// What has a counter of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "key_type", content = "key", rename_all = "snake_case")]
pub enum Key {
    Var(Variable),
    VarCombination(Template),
    Constant(String),
}

impl<F: Clone> LimitCountPlugin<F> {
    /// What a configuration of limit-count says.
    ///
    /// # Errors
    /// The configuration was stored by a version that knew others.
    pub fn of(config: &PluginConfig<F>) -> Result<Self, UnknownConfig> {
        let read = LimitCountPlugin::<SecretAt>::parse(&config.full());
        let read = read.map_err(|problems| config.unknown(format!("{problems:?}")))?;
        read.try_map(|_, at| config.held(at))
    }
}

impl<F> LimitCountPlugin<F> {
    /// Converts the holder of every secret in it.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<G, E>(&self, f: impl FnMut(&'static str, &F) -> Result<G, E>) -> Result<LimitCountPlugin<G>, E> {
        Ok(LimitCountPlugin {
            limits: self.limits.clone(),
            window_type: self.window_type,
            key: self.key.clone(),
            group: self.group.clone(),
            policy: self.policy.try_map(f)?,
            sync_interval: self.sync_interval,
            rejected_code: self.rejected_code,
            rejected_msg: self.rejected_msg.clone(),
            allow_degradation: self.allow_degradation,
            show_limit_quota_header: self.show_limit_quota_header,
        })
    }

    /// Whether all fields but the secrets are the same.
    #[must_use]
    pub fn counts_like<G>(&self, other: &LimitCountPlugin<G>) -> bool {
        self.without_secrets() == other.without_secrets()
    }

    fn without_secrets(&self) -> LimitCountPlugin<()> {
        let without = self.try_map(|_, _| Ok::<_, std::convert::Infallible>(()));
        without.unwrap_or_else(|never| match never {})
    }

    /// Whose counters these are: the group's, else those of this configuration of `owner`. An unchanged
    /// configuration keeps its counters, whatever its secrets stand for; a changed one starts anew.
    #[must_use]
    pub fn counters_of(&self, owner: &str) -> String {
        if let Some(group) = &self.group {
            return format!("group/{group}");
        }
        let text = serde_json::to_string(&self.without_secrets()).unwrap_or_default();
        let hash = blake3::hash(text.as_bytes()).to_hex();
        format!("{owner}/{}", &hash[..16])
    }
}
