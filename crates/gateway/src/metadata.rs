//! What all plugins of a name have in common, ready to use.

use http::HeaderName;
use postern::plugin::limit_count::metadata::LimitCountMetadata;
use postern::plugin::{PluginName, Plugins};
use postern::snapshot::LiveField;
use std::sync::Arc;

/// The metadata of every plugin that has any.
pub(crate) struct Metadata {
    made_of: Arc<Plugins<LiveField>>,
    /// limit-count's limit, remaining and reset.
    pub(crate) limit_headers: [HeaderName; 3],
}

impl Metadata {
    pub(crate) fn compile(configured: &Arc<Plugins<LiveField>>, before: Option<&Arc<Self>>) -> Arc<Self> {
        if let Some(same) = before.filter(|before| Arc::ptr_eq(&before.made_of, configured)) {
            return Arc::clone(same);
        }
        let limit_headers = limit_headers(configured).unwrap_or_else(|why| {
            // They only tell: no request is let through or refused for the want of them.
            tracing::error!(
                "The metadata of limit-count cannot be used, and its headers have their usual names: {why}"
            );
            USUAL
        });
        Arc::new(Self { made_of: Arc::clone(configured), limit_headers })
    }
}

const USUAL: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

fn limit_headers(configured: &Plugins<LiveField>) -> Result<[HeaderName; 3], String> {
    let Some(config) = configured.get(&PluginName::LimitCount) else { return Ok(USUAL) };
    let LimitCountMetadata { limit_header, remaining_header, reset_header } = config.settings()?;
    let name = |text: &str| text.parse().map_err(|_| format!("'{text}' is not a header name"));
    Ok([name(&limit_header)?, name(&remaining_header)?, name(&reset_header)?])
}
