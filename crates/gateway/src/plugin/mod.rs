//! What plugins do to a request on its way in. The configuration of each is in `postern::plugin`.

mod auth;
mod basic_auth;
mod key_auth;
pub(crate) mod limit_count;
mod query;
mod variables;

use crate::identity::Identity;
use crate::reject::Reject;
use crate::table::Table;
use basic_auth::BasicAuth;
use http::{HeaderMap, Method};
use key_auth::KeyAuth;
use limit_count::{Counters, LimitCount, Pools};
use postern::plugin::PluginConfig;
use postern::snapshot::LiveField;
use std::cmp::Reverse;
use std::net::IpAddr;
use std::sync::Arc;

/// A plugin of one route, ready to run.
pub(crate) enum Plugin {
    KeyAuth(KeyAuth),
    BasicAuth(BasicAuth),
    LimitCount(Box<LimitCount>),
}

/// What a plugin sees, and may change, of a request.
pub(crate) struct Access<'a> {
    pub(crate) headers: &'a mut HeaderMap,
    /// Without the `?`.
    pub(crate) query: &'a mut Option<String>,
    pub(crate) table: &'a Table,
    /// Who the request comes from, once a plugin has found out.
    pub(crate) identity: Option<Arc<Identity>>,
    /// Headers for the answer, whoever gives it.
    pub(crate) answer: &'a mut HeaderMap,
    pub(crate) scene: &'a Scene<'a>,
}

/// What no plugin changes of a request, and what the gateway has for all of them.
pub(crate) struct Scene<'a> {
    pub(crate) method: &'a Method,
    /// Decoded, as routes are matched by.
    pub(crate) path: &'a str,
    /// In lower case, without the port; empty when there is none.
    pub(crate) host: &'a str,
    pub(crate) client: IpAddr,
    pub(crate) route: &'a str,
    pub(crate) service: &'a str,
    pub(crate) counters: &'a Counters,
    /// This worker's.
    pub(crate) redis: &'a Pools,
}

#[cfg(test)]
impl Scene<'static> {
    /// `GET /` of host `h` from 127.0.0.1, at a gateway of its own.
    pub(crate) fn of_test() -> &'static Self {
        Box::leak(Box::new(Self {
            method: &Method::GET,
            path: "/",
            host: "h",
            client: [127, 0, 0, 1].into(),
            route: "r",
            service: "s",
            counters: Box::leak(Box::default()),
            redis: Box::leak(Box::default()),
        }))
    }
}

/// Prepares a plugin of `owner`: a service or route.
///
/// # Errors
/// Why the configuration cannot be enforced, for the log.
pub(crate) fn compile(owner: &str, config: &PluginConfig<LiveField>) -> Result<Plugin, String> {
    match config {
        PluginConfig::KeyAuth(config) => KeyAuth::compile(config).map(Plugin::KeyAuth),
        PluginConfig::BasicAuth(config) => BasicAuth::compile(config).map(Plugin::BasicAuth),
        PluginConfig::LimitCount(config) => {
            LimitCount::compile(config, owner).map(|plugin| Plugin::LimitCount(Box::new(plugin)))
        }
    }
}

/// Higher priorities run first.
pub(crate) fn in_order(mut plugins: Vec<Plugin>) -> Vec<Plugin> {
    plugins.sort_by_key(|plugin| Reverse(plugin.priority()));
    plugins
}

impl Plugin {
    /// As in APISIX 3.18 (`conf/config.yaml.example`).
    fn priority(&self) -> i32 {
        match self {
            Self::BasicAuth(_) => 2520,
            Self::KeyAuth(_) => 2500,
            Self::LimitCount(_) => 1002,
        }
    }

    /// Lets the request pass, changed or not, or refuses it.
    pub(crate) async fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self {
            Self::KeyAuth(plugin) => plugin.access(access),
            Self::BasicAuth(plugin) => plugin.access(access),
            Self::LimitCount(plugin) => plugin.access(access).await,
        }
    }
}
