//! `_meta`: what every plugin's configuration may say about its own running (`apisix/schema_def.lua`, `plugin_injected_schema`).

use super::schema::{Field, Kind};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The field's name.
pub const META: &str = "_meta";

const FIELDS: &[Field] = &[
    Field::new("disable", Kind::Boolean, "Whether the plugin is not run. It still stands in for the same plugin of the service, which is not run either.").or("false"),
    Field::new("priority", Kind::Integer { min: -1_000_000, max: 1_000_000 }, "Its place among the plugins of this route, in place of its own: higher ones run first."),
    Field::new("error_response", Kind::Either(&[Kind::TEXT, Kind::map(&Kind::Any)]), "The body of the plugin's refusals, in place of its own: a text, or an object that is sent as JSON.")
        .expected("This is a text that is not empty, or an object."),
    Field::new("filter", Kind::Refused("This gateway runs a plugin on every request of its route: a condition here would have no effect. Make a route for the requests that are meant."), ""),
    Field::new("pre_function", Kind::Refused("This gateway runs no code from its configuration. Remove it."), ""),
];

/// `_meta` as a field of every plugin.
pub(super) const FIELD: Field =
    Field::new(META, Kind::Object(FIELDS), "How this plugin is run: disable, priority and error_response.");

/// What a configuration says about its own running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// The plugin is not run.
    pub disable: bool,
    /// Its place in the order, in place of the plugin's own.
    pub priority: Option<i32>,
    /// The body of its refusals: a text as it is, or any other JSON.
    pub error_response: Option<Value>,
}

impl Meta {
    /// Of a configuration that was checked.
    #[must_use]
    pub fn of(fields: &Map<String, Value>) -> Self {
        let meta = fields.get(META).cloned().unwrap_or_default();
        serde_json::from_value(meta).unwrap_or_default()
    }
}
