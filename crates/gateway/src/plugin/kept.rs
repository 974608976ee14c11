//! What is kept of a request for the plugins that change its answer: by then the request itself is upstream.

use super::{Access, Installed, Plugin, cors, variables};
use http::HeaderValue;
use postern::plugin::variable::Variable;
use std::collections::HashMap;
use std::sync::Arc;

/// What the plugins that change an answer need of its request. Most requests have no such plugin.
#[derive(Default)]
pub(crate) struct Kept {
    /// Before another plugin changed the request.
    asked: Option<cors::Asked>,
    variables: HashMap<Variable, String>,
    /// The request's id, where the configuration says what it is like and the client did not send one.
    pub(crate) id: Option<HeaderValue>,
}

impl Kept {
    /// Takes from the request what `plugins` will need.
    pub(crate) fn take(&mut self, plugins: &[Arc<Installed>], access: &Access<'_>) {
        for installed in plugins {
            if let Plugin::Cors(_) = &installed.plugin {
                self.asked.get_or_insert_with(|| cors::Asked::of(access.headers));
            }
            // Once: it may have been told to others.
            if let (Plugin::RequestId(plugin), None, true) = (&installed.plugin, &self.id, installed.is_for(access)) {
                self.id = plugin.id_of_gateway(access);
            }
            if let Plugin::ResponseRewrite(plugin) = &installed.plugin {
                self.take_variables(plugin.of_requests(), access);
            }
            self.take_variables(installed.filter_variables(), access);
        }
    }

    fn take_variables<'v>(&mut self, wanted: impl IntoIterator<Item = &'v Variable>, access: &Access<'_>) {
        for variable in wanted {
            if let Some(value) = variables::value(variable, access) {
                self.variables.insert(variable.clone(), value);
            }
        }
    }

    pub(super) fn asked(&self) -> Option<&cors::Asked> {
        self.asked.as_ref()
    }

    pub(super) fn get(&self, variable: &Variable) -> Option<&str> {
        self.variables.get(variable).map(String::as_str)
    }
}
