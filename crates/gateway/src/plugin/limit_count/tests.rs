use super::*;
use crate::plugin::Scene;
use crate::table::Table;
use http::HeaderMap;
use postern::fingerprint::FingerprintKey;
use postern::plugin::{PluginConfig, PluginName};
use postern::snapshot::Snapshot;

fn compile(json: &str, owner: &str) -> LimitCount {
    let config = PluginConfig::parse(PluginName::LimitCount, json).unwrap();
    let config = config.try_map(|_, _| Err::<LiveField, ()>(())).expect("no secret");
    LimitCount::compile(&LimitCountPlugin::of(&config).unwrap(), owner).unwrap()
}

struct Gateway {
    table: Table,
    scene: &'static Scene<'static>,
}

impl Gateway {
    fn new() -> Self {
        let table = Table::compile(&Snapshot::empty(FingerprintKey::new([1; 32])), None);
        Self { table, scene: Scene::of_test() }
    }

    /// One request with this query: status (200 when it passes) and `X-RateLimit-Remaining`.
    async fn ask(&self, plugin: &LimitCount, query: &str) -> (u16, String) {
        let mut headers = HeaderMap::new();
        let mut query = Some(query.to_owned());
        let mut access = Access { scene: self.scene, ..Access::untimed(&mut headers, &mut query, &self.table) };
        let outcome = plugin.access(&mut access).await;
        let status = outcome.err().map_or(200, |reject| reject.status().as_u16());
        let shown = access.answer.iter().filter(|(name, _)| name.as_str().ends_with("remaining"));
        let shown = shown.map(|(name, value)| format!("{name}={}", value.to_str().unwrap()));
        (status, shown.collect::<Vec<_>>().join(" "))
    }
}

/// Requests with these queries, and what becomes of each.
async fn check(json: &str, requests: &[(&str, u16, &str)]) {
    let gateway = Gateway::new();
    let plugin = compile(json, "owner");
    for (query, status, remaining) in requests {
        assert_eq!(gateway.ask(&plugin, query).await, (*status, (*remaining).to_owned()), "{json} {query}");
    }
}

#[tokio::test]
async fn so_many_pass_and_no_more() {
    let of = |n| match n {
        1 => "x-ratelimit-remaining=1",
        _ => "x-ratelimit-remaining=0",
    };
    for window_type in ["fixed", "sliding"] {
        let json = format!(r#"{{"count": 2, "time_window": 600, "window_type": "{window_type}"}}"#);
        check(&json, &[("", 200, of(1)), ("", 200, of(0)), ("", 503, of(0))]).await;
    }
    let hidden = r#"{"count": 1, "time_window": 60, "rejected_code": 429, "show_limit_quota_header": false}"#;
    check(hidden, &[("", 200, ""), ("", 429, "")]).await;
}

#[tokio::test]
async fn each_key_has_its_own_counter_and_no_key_counts_by_address() {
    let zero = "x-ratelimit-remaining=0";
    let by_user = r#"{"count": 1, "time_window": 60, "key": "arg_user"}"#;
    check(
        by_user,
        &[("user=a", 200, zero), ("user=b", 200, zero), ("user=a", 503, zero), ("", 200, zero), ("user=", 503, zero)],
    )
    .await;
    let by_both = r#"{"count": 1, "time_window": 60, "key_type": "var_combination", "key": "$arg_a $arg_b"}"#;
    check(by_both, &[("a=1&b=2", 200, zero), ("a=1&b=3", 200, zero), ("a=1&b=2", 503, zero)]).await;
    let all = r#"{"count": 1, "time_window": 60, "key_type": "constant", "key": "all"}"#;
    check(all, &[("user=a", 200, zero), ("user=b", 503, zero)]).await;
    let by_default = r#"{"count": 1, "time_window": 60}"#;
    check(by_default, &[("user=a", 200, zero), ("user=b", 503, zero)]).await;
    // Of a combination the parts that are there count; with none of them the address does.
    check(by_both, &[("a=1", 200, zero), ("b=1", 200, zero), ("a=1", 503, zero), ("", 200, zero), ("", 503, zero)])
        .await;
}

#[tokio::test]
async fn a_count_from_the_request_must_be_a_whole_number() {
    let json = r#"{"count": "$arg_limit", "time_window": 60, "allow_degradation": true}"#;
    for limit in ["", "limit=", "limit=0", "limit=-1", "limit=1.5", "limit=x", "limit=9007199254740992"] {
        check(json, &[(limit, 500, "")]).await;
    }
    check(json, &[("limit=2", 200, "x-ratelimit-remaining=1")]).await;
    let json = r#"{"count": 3, "time_window": "$arg_seconds"}"#;
    for seconds in ["", "seconds=0", "seconds=x", "seconds=9007199254740992"] {
        check(json, &[(seconds, 500, "")]).await;
    }
    check(json, &[("seconds=9007199254740991", 200, "x-ratelimit-remaining=2")]).await;
}

#[tokio::test]
async fn of_several_rules_each_counts_what_has_its_key() {
    let json = r#"{"rules": [
        {"count": 1, "time_window": 60, "key": "$arg_a"},
        {"count": 2, "time_window": 60, "key": "$arg_b", "header_prefix": "B"}
    ]}"#;
    let one = "x-1-ratelimit-remaining=0";
    check(
        json,
        &[
            ("a=1", 200, one),
            ("a=1", 503, one),
            ("b=1", 200, "x-b-ratelimit-remaining=1"),
            ("a=2&b=1", 200, "x-1-ratelimit-remaining=0 x-b-ratelimit-remaining=0"),
            ("", 500, ""),
        ],
    )
    .await;
    let lenient = json.replacen('{', r#"{"allow_degradation": true, "#, 1);
    check(&lenient, &[("", 200, ""), ("a=1", 200, one), ("a=1", 503, one)]).await;
    let named = json.replace("\"$arg_a\"}", "\"$arg_a $arg_c\"}");
    check(&named, &[("a=1", 200, one), ("c=1", 200, one), ("a=1", 503, one)]).await;
}

#[tokio::test]
async fn a_rule_whose_count_is_no_number_lets_nothing_pass() {
    let json = r#"{"allow_degradation": true, "rules": [{"count": "$arg_n", "time_window": 60, "key": "$arg_a"}]}"#;
    check(json, &[("a=1&n=x", 500, ""), ("a=1", 500, ""), ("a=1&n=1", 200, "x-1-ratelimit-remaining=0")]).await;
}

#[tokio::test]
async fn owners_share_a_counter_only_in_a_group() {
    for (group, second) in [("", 200), (r#", "group": "g""#, 503)] {
        let json = format!(r#"{{"count": 1, "time_window": 60{group}}}"#);
        let gateway = Gateway::new();
        assert_eq!(gateway.ask(&compile(&json, "one"), "").await.0, 200);
        assert_eq!(gateway.ask(&compile(&json, "other"), "").await.0, second, "{json}");
        assert_eq!(gateway.ask(&compile(&json, "one"), "").await.0, 503, "an unchanged configuration goes on");
    }
}

#[test]
fn the_reset_has_at_most_two_decimals_and_is_never_0() {
    for (ms, text) in [(60_000, "60"), (59_876, "59.87"), (1_500, "1.5"), (1_050, "1.05"), (1, "0.01"), (0, "0.01")] {
        assert_eq!(seconds_text(ms), text);
    }
}
