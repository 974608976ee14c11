//! What is kept of a request for the plugins that change its answer: by then the request itself is upstream.

use super::{Access, Installed, Plugin, cors, variables};
use http::HeaderValue;
use postern::plugin::variable::Variable;
use std::collections::HashMap;
use std::sync::Arc;

/// What the plugins that change an answer need of its request. Most requests have no such plugin.
#[derive(Default)]
pub(crate) struct Kept {
    asked: cors::Asked,
    variables: HashMap<Variable, String>,
    /// The request's id, where the configuration says what it is like and the client did not send one.
    pub(crate) id: Option<HeaderValue>,
}

impl Kept {
    /// Takes from the request what `plugins` will need.
    pub(crate) fn take(&mut self, plugins: &[Arc<Installed>], access: &Access<'_>) {
        for installed in plugins {
            match &installed.plugin {
                Plugin::Cors(_) => self.asked = cors::Asked::of(access.headers),
                // Once: it may have been told to others.
                Plugin::RequestId(plugin) if self.id.is_none() => self.id = plugin.id_of_gateway(access),
                Plugin::ResponseRewrite(plugin) => {
                    for variable in plugin.of_requests() {
                        if let Some(value) = variables::value(variable, access) {
                            self.variables.insert(variable.clone(), value);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub(super) fn asked(&self) -> &cors::Asked {
        &self.asked
    }

    pub(super) fn get(&self, variable: &Variable) -> Option<&str> {
        self.variables.get(variable).map(String::as_str)
    }
}
