//! Which plugins run for a request, in which order, and what `_meta` says of it, from the outside.

use crate::support::{Answer, Running, give, guarded_route, live, snapshot, start};
use postern::credential::CredentialType;
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins, SealedField};
use postern::routing::Upstream;
use postern::snapshot::{LiveField, Proof, Snapshot};
use std::collections::BTreeMap;
use std::sync::Arc;

use PluginName::{BasicAuth, KeyAuth, LimitCount};

const ALICE: (&str, &str) = ("apikey", "alice-key");
/// bob:bob-password
const BOB: (&str, &str) = ("authorization", "Basic Ym9iOmJvYi1wYXNzd29yZA==");

/// limit-count that tells by its headers which one it is.
fn limit(count: u32, rest: &str) -> String {
    format!(r#"{{"count": {count}, "time_window": 3600{rest}}}"#)
}

fn of(placement: Placement, plugin: PluginName, json: &str) -> Plugins<LiveField> {
    Plugins::from([(plugin, live(&PluginConfig::parse_for(placement, plugin, json).unwrap()))])
}

/// As it is stored, also when nothing would have stored it.
fn stored(json: &str) -> Plugins<LiveField> {
    let config: PluginConfig<SealedField> = serde_json::from_str(json).unwrap();
    let config = config.try_map(|_, _| Err::<LiveField, ()>(())).unwrap();
    Plugins::from([(config.name(), config)])
}

#[derive(Default)]
struct Setup<'a> {
    service: Option<(PluginName, String)>,
    route: Vec<(PluginName, &'a str)>,
    alice: Plugins<LiveField>,
    global: Plugins<LiveField>,
}

impl Setup<'_> {
    fn start(self) -> Running {
        start(self.snapshot())
    }

    fn snapshot(self) -> Snapshot {
        let mut snapshot = snapshot(
            Upstream::BuiltinEcho,
            vec![guarded_route("r", "/ip", &self.route), guarded_route("h", "/headers", &self.route)],
        );
        if let Some((plugin, json)) = self.service {
            let services = Arc::make_mut(&mut snapshot.services);
            services.values_mut().for_each(|service| service.plugins = of(Placement::Route, plugin, &json));
        }
        let password = snapshot.fingerprint_key.of(b"bob-password");
        give(&mut snapshot, "bob", CredentialType::BasicAuth, "bob", Proof::Password(password));
        if !self.alice.is_empty() {
            snapshot.consumer_plugins = BTreeMap::from([("alice".parse().unwrap(), self.alice)]).into();
        }
        snapshot.global_plugins = self.global.into();
        snapshot
    }
}

fn limit_of(answer: &Answer) -> Option<&str> {
    answer.header("x-ratelimit-limit")
}

#[tokio::test]
async fn the_consumers_plugin_replaces_the_routes_and_that_the_services() {
    let (of_route, off) = (limit(20, ""), limit(20, r#", "_meta": {"disable": true}"#));
    let of_alice = |rest: &str| of(Placement::Consumer, LimitCount, &limit(30, rest));
    let none = Plugins::new;
    for (service, route, alice, expected) in [
        (true, None, none(), Some("10")),
        (true, Some(&of_route), none(), Some("20")),
        (true, Some(&of_route), of_alice(""), Some("30")),
        (false, None, of_alice(""), Some("30")),
        (true, Some(&off), none(), None),
        (true, Some(&off), of_alice(""), Some("30")),
        (true, Some(&of_route), of_alice(r#", "_meta": {"disable": true}"#), None),
        (false, None, none(), None),
    ] {
        let limits = route.map(|json| (LimitCount, json.as_str()));
        let setup = Setup {
            service: service.then(|| (LimitCount, limit(10, ""))),
            route: [(KeyAuth, "{}")].into_iter().chain(limits).collect(),
            alice,
            ..Setup::default()
        };
        let answer = setup.start().get_with("/ip", &[ALICE]).await;
        assert_eq!((answer.status.as_u16(), limit_of(&answer)), (200, expected), "{service} {route:?}");
    }
}

#[tokio::test]
async fn another_consumer_keeps_the_routes_plugin_and_each_has_its_own_counter() {
    let limits = limit(2, "");
    let gateway = Setup {
        route: vec![(KeyAuth, r#"{"anonymous_consumer": "nobody"}"#), (LimitCount, &limits)],
        alice: of(Placement::Consumer, LimitCount, &limit(1, "")),
        ..Setup::default()
    }
    .start();
    for (headers, statuses) in [(&[ALICE][..], [200, 503, 503]), (&[], [200, 200, 503])] {
        for expected in statuses {
            assert_eq!(gateway.get_with("/ip", headers).await.status, expected, "{headers:?}");
        }
    }
}

#[tokio::test]
async fn global_plugins_run_in_addition_and_where_there_is_no_route() {
    let counted = |count: u32| {
        let rule = format!(
            r#"{{"rules": [{{"count": {count}, "time_window": 3600, "key": "all", "header_prefix": "Global"}}], "rejected_code": 429}}"#
        );
        of(Placement::Route, LimitCount, &rule)
    };
    let limits = limit(20, "");
    let gateway = Setup { route: vec![(LimitCount, &limits)], global: counted(3), ..Setup::default() }.start();
    for (path, status, of_route) in [
        ("/ip", 200, Some("20")),
        ("/nowhere", 404, None),
        ("/ip", 200, Some("20")),
        ("/nowhere", 429, None),
        ("/ip", 429, None),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!((answer.status.as_u16(), limit_of(&answer)), (status, of_route), "{path}");
        assert_eq!(answer.header("x-global-ratelimit-limit"), Some("3"), "{path}");
    }
}

#[tokio::test]
async fn what_cannot_be_run_lets_nothing_pass() {
    let broken = r#"{"plugin": "limit-count", "config": {"count": -1, "time_window": 1}}"#;
    let keyed = vec![(KeyAuth, r#"{"anonymous_consumer": "nobody"}"#)];
    let gateway = Setup { route: keyed.clone(), alice: stored(broken), ..Setup::default() }.start();
    assert_eq!(gateway.get_with("/ip", &[ALICE]).await.status, 503, "the consumer's plugin is broken");
    assert_eq!(gateway.get("/ip").await.status, 200, "others are not touched by it");
    let gateway = Setup { route: keyed, global: stored(broken), ..Setup::default() }.start();
    for path in ["/ip", "/nowhere"] {
        assert_eq!(gateway.get(path).await.status, 503, "a plugin for every request is broken");
    }
    let no_filter =
        r#"{"plugin": "limit-count", "config": {"count": 1, "time_window": 1, "_meta": {"filter": [["a", "=", 1]]}}}"#;
    let gateway = Setup { global: stored(no_filter), ..Setup::default() }.start();
    assert_eq!(gateway.get("/ip").await.status, 503, "nobody knows for which requests it is");
}

#[tokio::test]
async fn a_consumers_secret_without_a_value_refuses_its_requests_with_an_incident() {
    let redis = r#", "policy": "redis", "redis_host": "127.0.0.1", "redis_password": "$secret://vault/v/redis/password", "allow_degradation": true"#;
    let gateway = Setup {
        route: vec![(KeyAuth, "{}")],
        alice: of(Placement::Consumer, LimitCount, &limit(5, redis)),
        ..Setup::default()
    }
    .start();
    let answer = gateway.get_with("/ip", &[ALICE]).await;
    assert_eq!((answer.status.as_u16(), answer.json()["incident"].as_str()), (503, Some("0badcafe")));
}

#[tokio::test]
async fn refusals_have_the_body_that_meta_gives_them() {
    for (meta, status, body, content_type) in [
        (r#""error_response": "go away""#, 401, "go away", "text/plain; charset=utf-8"),
        (r#""error_response": {"code": 7}"#, 401, r#"{"code":7}"#, "application/json"),
        (r#""priority": 1"#, 401, r#"{"message":"Missing API key in request"}"#, "application/json"),
    ] {
        let config = format!(r#"{{"_meta": {{{meta}}}}}"#);
        let gateway = Setup { route: vec![(KeyAuth, &config)], ..Setup::default() }.start();
        let answer = gateway.get("/ip").await;
        assert_eq!((answer.summary(), answer.header("content-type")), ((status, body), Some(content_type)), "{meta}");
        assert!(answer.header("www-authenticate").is_some_and(|challenge| challenge.starts_with("apikey")));
        assert_eq!(gateway.get_with("/ip", &[ALICE]).await.status, 200, "an answer that is no refusal stays");
    }
    // What the operator looks up by its body keeps it.
    let unresolved = limit(
        5,
        r#", "policy": "redis", "redis_host": "127.0.0.1", "redis_password": "$secret://vault/v/p/k", "_meta": {"error_response": "no"}"#,
    );
    let gateway = Setup { route: vec![(LimitCount, &unresolved)], ..Setup::default() }.start();
    assert_eq!(gateway.get("/ip").await.json()["incident"], "0badcafe");
}

#[tokio::test]
async fn a_priority_of_its_own_changes_which_plugin_refuses_first() {
    for (meta, message) in
        [("{}", "Missing authorization in request"), (r#"{"_meta": {"priority": 9000}}"#, "Missing API key in request")]
    {
        let gateway = Setup { route: vec![(KeyAuth, meta), (BasicAuth, "{}")], ..Setup::default() }.start();
        assert_eq!(gateway.get("/ip").await.json()["message"], message, "{meta}");
    }
}

#[tokio::test]
async fn of_several_authentication_plugins_all_must_pass_and_the_last_says_who_it_is() {
    let nobody = r#"{"anonymous_consumer": "nobody"}"#;
    for (key, basic, headers, expected) in [
        ("{}", "{}", &[][..], Err("Missing authorization in request")),
        ("{}", "{}", &[ALICE], Err("Missing authorization in request")),
        ("{}", "{}", &[BOB], Err("Missing API key in request")),
        ("{}", "{}", &[ALICE, BOB], Ok("alice")),
        ("{}", nobody, &[ALICE], Ok("alice")),
        ("{}", nobody, &[BOB], Err("Missing API key in request")),
        (nobody, "{}", &[BOB], Ok("nobody")),
        (nobody, nobody, &[], Ok("nobody")),
        (r#"{"anonymous_consumer": "nobody", "_meta": {"priority": 9000}}"#, "{}", &[BOB], Ok("bob")),
        (r#"{"_meta": {"disable": true}}"#, "{}", &[BOB], Ok("bob")),
    ] {
        let gateway = Setup { route: vec![(KeyAuth, key), (BasicAuth, basic)], ..Setup::default() }.start();
        let answer = gateway.get_with("/headers", headers).await;
        let got = match answer.status.as_u16() {
            200 => Ok(answer.json()["headers"]["X-Consumer-Username"].as_str().unwrap_or_default().to_owned()),
            _ => Err(answer.json()["message"].as_str().unwrap_or_default().to_owned()),
        };
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{key} {basic} {headers:?}");
    }
}

#[tokio::test]
async fn a_plugin_runs_for_the_requests_that_its_filter_is_for() {
    let key = |filter: &str| format!(r#"{{"_meta": {{"filter": {filter}}}}}"#);
    for (filter, request, passes) in [
        ("[]", ("/ip", &[][..]), false),
        (r#"[["http_x_inside", "!", "==", "yes"]]"#, ("/ip", &[]), false),
        (r#"[["http_x_inside", "~=", "yes"]]"#, ("/ip", &[("x-inside", "yes")]), true),
        (r#"[["http_x_inside", "~=", "yes"]]"#, ("/ip", &[("x-inside", "no")]), false),
        (r#"[["remote_addr", "ipmatch", ["127.0.0.0/8"]], ["request_method", "==", "GET"]]"#, ("/ip", &[]), false),
        (r#"[["remote_addr", "ipmatch", ["10.0.0.0/8"]]]"#, ("/ip", &[]), true),
        (r#"["OR", ["arg_a", "==", "1"], ["arg_b", "==", "1"]]"#, ("/ip?b=1", &[]), false),
        (r#"["OR", ["arg_a", "==", "1"], ["arg_b", "==", "1"]]"#, ("/ip?b=2", &[]), true),
    ] {
        let json = key(filter);
        let gateway = Setup { route: vec![(KeyAuth, &json)], ..Setup::default() }.start();
        let (target, headers) = request;
        let expected = if passes { 200 } else { 401 };
        assert_eq!(gateway.get_with(target, headers).await.status, expected, "{filter} {target} {headers:?}");
        assert_eq!(gateway.get_with(target, &[headers, &[ALICE]].concat()).await.status, 200, "{filter}");
    }
}

#[tokio::test]
async fn a_filter_knows_the_consumer_in_access_and_holds_for_answers_too() {
    let limits = limit(20, r#", "_meta": {"filter": [["consumer_name", "==", "alice"]]}"#);
    let rewrite = r#"{"headers": {"set": {"x-for": "$consumer_name"}}, "_meta": {"filter": [["consumer_name", "==", "alice"], ["arg_a", "==", "1"]]}}"#;
    let id = r#"{"algorithm": "nanoid", "_meta": {"filter": [["arg_a", "==", "1"]]}}"#;
    let gateway = Setup {
        route: vec![
            (KeyAuth, r#"{"anonymous_consumer": "nobody"}"#),
            (LimitCount, &limits),
            (PluginName::ResponseRewrite, rewrite),
            (PluginName::RequestId, id),
        ],
        ..Setup::default()
    }
    .start();
    for (target, headers, limit, marked, id_length) in [
        ("/ip?a=1", &[ALICE][..], Some("20"), Some("alice"), 21),
        ("/ip?a=2", &[ALICE], Some("20"), None, 32),
        ("/ip?a=1", &[], None, None, 21),
    ] {
        let answer = gateway.get_with(target, headers).await;
        let got = (answer.status.as_u16(), limit_of(&answer), answer.header("x-for"));
        assert_eq!(got, (200, limit, marked), "{target} {headers:?}");
        assert_eq!(answer.header("x-request-id").map(str::len), Some(id_length), "{target}");
    }
}

/// As one that is disabled: the consumer's stands in the route's place, whether it runs or not.
#[tokio::test]
async fn a_consumers_plugin_replaces_the_routes_for_every_request() {
    let of_route = limit(20, "");
    let of_alice = limit(30, r#", "_meta": {"filter": [["arg_a", "==", "1"]]}"#);
    let alice = of(Placement::Consumer, LimitCount, &of_alice);
    let gateway = Setup { route: vec![(KeyAuth, "{}"), (LimitCount, &of_route)], alice, ..Setup::default() }.start();
    for (target, expected) in [("/ip?a=1", Some("30")), ("/ip", None)] {
        assert_eq!(limit_of(&gateway.get_with(target, &[ALICE]).await), expected, "{target}");
    }
}
