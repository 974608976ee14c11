//! public-api: a route whose requests are for an endpoint of a plugin, not for an upstream server
//! (`apisix/plugins/public-api.lua`).

use super::about::{About, OnConsumer, Phase};
use super::schema::{Field, Form, Kind};
use serde::Deserialize;

/// What is told of it.
pub const ABOUT: About = About {
    slug: "public-api",
    label: "Public API",
    summary: "Answers with an endpoint of a plugin, such as the sign-in of Wolf RBAC, in place of the upstream server.",
    consequence_of_removal: "Requests go to the upstream server, and the endpoint is not reached here any more",
    priority: 501,
    phase: Phase::Access,
    fields: FIELDS,
    on_consumer: OnConsumer::Refused("What a route answers with is said at the route, not at who calls it."),
    ..About::BASE
};

/// Field names as in APISIX 3.18.
const FIELDS: &[Field] = &[Field::new(
    "uri",
    Kind::Form(&PATH),
    "The endpoint's own path, where the route has another: /apisix/plugin/wolf-rbac/login.",
)];

const PATH: Form = Form {
    pattern: "^/[!-~]{1,255}$",
    read: |text| {
        let is_path = text.starts_with('/') && text.len() <= 256 && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_path.then_some(()).ok_or_else(|| "This is a path, such as /apisix/plugin/wolf-rbac/login.".to_owned())
    },
};

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct PublicApiPlugin {
    pub uri: Option<String>,
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn its_path_is_one() {
        for (json, is_good) in
            [("{}", true), (r#"{"uri": "/a/b"}"#, true), (r#"{"uri": "a"}"#, false), (r#"{"uri": "/a b"}"#, false)]
        {
            assert_eq!(PluginConfig::parse(PluginName::PublicApi, json).is_ok(), is_good, "{json}");
        }
    }
}
