//! What plugins do to a request on its way in. The configuration of each is in `postern::plugin`.

mod auth;
mod basic_auth;
mod key_auth;
mod query;

use crate::identity::Identity;
use crate::reject::Reject;
use crate::table::Table;
use basic_auth::BasicAuth;
use http::HeaderMap;
use key_auth::KeyAuth;
use postern::plugin::PluginConfig;
use std::cmp::Reverse;
use std::sync::Arc;

/// A plugin of one route, ready to run.
pub(crate) enum Plugin {
    KeyAuth(KeyAuth),
    BasicAuth(BasicAuth),
}

/// What a plugin sees, and may change, of a request.
pub(crate) struct Access<'a> {
    pub(crate) headers: &'a mut HeaderMap,
    /// Without the `?`.
    pub(crate) query: &'a mut Option<String>,
    pub(crate) table: &'a Table,
    /// Who the request comes from, once a plugin has found out.
    pub(crate) identity: Option<Arc<Identity>>,
}

/// Prepares a plugin.
///
/// # Errors
/// Why the configuration cannot be enforced, for the log.
pub(crate) fn compile(config: &PluginConfig) -> Result<Plugin, String> {
    match config {
        PluginConfig::KeyAuth(config) => KeyAuth::compile(config).map(Plugin::KeyAuth),
        PluginConfig::BasicAuth(config) => BasicAuth::compile(config).map(Plugin::BasicAuth),
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
        }
    }

    /// Lets the request pass, changed or not, or refuses it.
    pub(crate) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self {
            Self::KeyAuth(plugin) => plugin.access(access),
            Self::BasicAuth(plugin) => plugin.access(access),
        }
    }
}
