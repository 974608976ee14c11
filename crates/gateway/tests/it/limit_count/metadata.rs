//! The names of limit-count's headers.

use crate::support::{live, route, snapshot, start};
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins};
use postern::routing::{Route, Upstream};
use postern::snapshot::Snapshot;
use serde_json::{Value, json};
use std::sync::Arc;

#[tokio::test]
async fn the_headers_have_the_names_that_the_metadata_gives_and_those_of_rules_a_prefix_inside() {
    let plain = json!({"count": 3, "time_window": 60});
    let rules = json!({"rules": [
        {"count": 5, "time_window": 60, "key": "all", "header_prefix": "Team"},
        {"count": 7, "time_window": 60, "key": "$remote_addr"},
    ]});
    let metadata = |json: &str| {
        let config = PluginConfig::parse_for(Placement::Metadata, PluginName::LimitCount, json).unwrap();
        Arc::new(Plugins::from([(PluginName::LimitCount, live(&config))]))
    };
    let config = |json: &Value| live(&PluginConfig::parse(PluginName::LimitCount, &json.to_string()).unwrap());
    let routes = [("plain", &plain), ("rules", &rules)].map(|(name, json)| Route {
        plugins: Plugins::from([(PluginName::LimitCount, config(json))]),
        ..route(name, &format!("/{name}"))
    });
    let first = snapshot(Upstream::BuiltinEcho, routes.into());
    let gateway = start(first.clone());
    for (revision, json, path, expected) in [
        (2, "{}", "/plain", &[("x-ratelimit-limit", "3"), ("x-ratelimit-remaining", "2")][..]),
        (
            3,
            r#"{"limit_header": "RateLimit-Limit", "remaining_header": "Left", "reset_header": "Again"}"#,
            "/plain",
            &[("ratelimit-limit", "3"), ("left", "1")],
        ),
        (4, r#"{"remaining_header": "Left"}"#, "/plain", &[("x-ratelimit-limit", "3"), ("left", "0")]),
        (5, "{}", "/rules", &[("x-team-ratelimit-limit", "5"), ("x-2-ratelimit-limit", "7")]),
        (
            6,
            r#"{"limit_header": "Our-RateLimit-Limit", "reset_header": "RateLimit-Again"}"#,
            "/rules",
            &[
                ("our-team-ratelimit-limit", "5"),
                ("our-2-ratelimit-limit", "7"),
                ("x-team-ratelimit-remaining", "3"),
                ("2-ratelimit-again", "60"),
            ],
        ),
        // There is nothing that a prefix could stand before: the last rule tells.
        (7, r#"{"limit_header": "Mine"}"#, "/rules", &[("mine", "7"), ("x-team-ratelimit-remaining", "2")]),
    ] {
        gateway.publish(Snapshot { revision, plugin_metadata: metadata(json), ..first.clone() }).await;
        let answer = gateway.get(path).await;
        for (name, value) in expected {
            let got = answer.header(name).map(|got| if name.ends_with("again") { "60" } else { got });
            assert_eq!(got, Some(*value), "{json}: {:?}", answer.headers);
        }
        let usual = answer.headers.keys().filter(|name| name.as_str().starts_with("x-ratelimit-")).count();
        assert_eq!(usual, [3, 0, 2, 0, 0, 0][usize::try_from(revision).unwrap() - 2], "{json}: {:?}", answer.headers);
    }
}
