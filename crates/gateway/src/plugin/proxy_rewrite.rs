//! proxy-rewrite: what goes upstream is another path, host, method or other headers
//! (`apisix/plugins/proxy-rewrite.lua`).

use super::Access;
use super::fill::OfRequest;
use super::header_ops::HeaderOps;
use super::rewritten_path::{PathChange, Sent};
use crate::reject::Reject;
use http::{HeaderValue, Method};
use postern::plugin::proxy_rewrite::ProxyRewritePlugin;
use postern::snapshot::LiveField;

/// A proxy-rewrite configuration, ready to run.
pub(crate) struct ProxyRewrite {
    path: Option<PathChange>,
    method: Option<Method>,
    host: Option<HeaderValue>,
    headers: HeaderOps,
}

impl ProxyRewrite {
    pub(super) fn compile(config: &ProxyRewritePlugin<LiveField>) -> Result<Self, String> {
        let method = config.method.as_ref().map(|method| Method::from_bytes(method.as_bytes())).transpose();
        let host = config.host.as_ref().map(|host| HeaderValue::from_str(host)).transpose();
        Ok(Self {
            path: PathChange::compile(config.uri.as_ref(), &config.regex_uri)?,
            method: method.map_err(|_| "proxy-rewrite: method is no method")?,
            host: host.map_err(|_| "proxy-rewrite: host is no host")?,
            headers: HeaderOps::compile("proxy-rewrite", &config.headers)?,
        })
    }

    pub(super) fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        let captures = self.path.as_ref().map(|change| change.captures(access.scene.path)).unwrap_or_default();
        let known = OfRequest { access, captures: &captures };
        let sent = self.path.as_ref().map(|change| change.of(access.scene.path, &known)).transpose()?.flatten();
        let headers = self.headers.work_out(&known)?;
        let changed = &mut access.changed;
        if let Some(Sent { path, query }) = sent {
            changed.path = Some(path);
            *access.query = joined(query, access.query.take());
        }
        changed.method = self.method.clone().or(changed.method.take());
        changed.host = self.host.clone().or(changed.host.take());
        headers.apply(access.headers);
        Ok(())
    }
}

/// The client's arguments come after the operator's.
fn joined(ours: Option<String>, theirs: Option<String>) -> Option<String> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if !theirs.is_empty() => Some(format!("{ours}&{theirs}")),
        (Some(ours), _) => Some(ours),
        (None, theirs) => theirs,
    }
}
