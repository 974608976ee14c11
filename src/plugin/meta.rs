//! `_meta`: what every plugin's configuration may say about its own running (`apisix/schema_def.lua`, `plugin_injected_schema`).

use super::condition::Condition;
use super::schema::{Field, Kind};
use super::{OnConsumer, Placement, PluginName};
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The field's name.
pub const META: &str = "_meta";

const FIELDS: &[Field] = &[
    Field::new("disable", Kind::Boolean, "Whether the plugin is not run. It still stands in for the same plugin of the service, which is not run either.").or("false"),
    Field::new("priority", Kind::Integer { min: -1_000_000, max: 1_000_000 }, "Its place among the plugins of this route, in place of its own: higher ones run first."),
    Field::new("error_response", Kind::Either(&[Kind::TEXT, Kind::map(&Kind::Any)]), "The body of the plugin's refusals, in place of its own: a text, or an object that is sent as JSON.")
        .expected("This is a text that is not empty, or an object."),
    Field::new("filter", Kind::list(&Kind::Any), "Conditions that a request must meet for the plugin to run: [[\"http_x_debug\", \"==\", \"on\"], [\"request_method\", \"~=\", \"GET\"]]."),
    Field::new("pre_function", Kind::Refused("This gateway runs no code from its configuration. Remove it."), ""),
];

/// `_meta` as a field of every plugin.
pub(super) const FIELD: Field =
    Field::new(META, Kind::Object(FIELDS), "How this plugin is run: disable, priority, error_response and filter.");

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
    /// Which requests it runs for, as a [`Condition`] reads it; absent for all. It is not read here, so that the browser,
    /// which asks whether there is one, need not bring what reads it along.
    pub filter: Option<Value>,
}

/// What is wrong with the filter of a configuration, if it has one.
pub(super) fn problem(plugin: PluginName, placement: Placement, fields: &Map<String, Value>) -> Option<FieldProblem> {
    let filter = fields.get(META)?.get("filter")?.clone();
    let refuse = |why: String| Some(FieldProblem::new(format!("/{META}/filter"), why));
    if plugin == PluginName::Prometheus {
        return refuse(
            "A route is in the metrics with all its requests or none, so a condition here would have no effect."
                .to_owned(),
        );
    }
    let does_not_run = matches!(plugin.about().on_consumer, OnConsumer::With { .. });
    if placement == Placement::Consumer && does_not_run {
        return refuse("The plugin runs on routes; a condition here would have no effect. Put it there.".to_owned());
    }
    match Condition::try_from(filter) {
        Err(why) => refuse(why),
        Ok(condition) => condition.rule().variable_of_answer().and_then(|variable| {
            refuse(format!("Whether a plugin runs is decided before there is an answer, so there is no {variable} yet. response-rewrite has vars for that."))
        }),
    }
}

impl Meta {
    /// Of a configuration that was checked.
    #[must_use]
    pub fn of(fields: &Map<String, Value>) -> Self {
        let meta = fields.get(META).cloned().unwrap_or_default();
        serde_json::from_value(meta).unwrap_or_default()
    }
}
