//! prometheus: whether a route is in the metrics (`apisix/plugins/prometheus.lua`).
//!
//! Every route is counted and shown, also without this plugin. It is enabled to be switched off, by
//! `"_meta": {"disable": true}` at a service or a route.

use super::about::{About, OnConsumer, Phase};
use super::schema::{Field, Kind};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "prometheus",
    label: "Prometheus",
    summary: "Shows the requests of a route in the metrics, which all routes do; disabled, it does not.",
    consequence_of_removal: "The route's requests are in the metrics, as those of every route",
    priority: 500,
    phase: Phase::Access,
    fields: FIELDS,
    example: "{\n  \"_meta\": {\n    \"disable\": true\n  }\n}",
    on_consumer: OnConsumer::Refused("Metrics are of routes: disable it at a service or a route."),
    ..About::BASE
};

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[Field::new(
    "prefer_name",
    Kind::Boolean,
    "Whether metrics name the route by its name. They always do, beside its id, so this changes nothing.",
)
.or("false")];
