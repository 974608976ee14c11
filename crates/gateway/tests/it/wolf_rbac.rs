//! wolf-rbac from the outside, with a stand-in for Wolf that answers as the real one does.

use crate::support::{Answer, Running, closed_address, give_plugin, guarded_route, nodes, snapshot, start};
use crate::upstream::Upstream;
use backends::Wolf;
use http_body_util::Full;
use postern::plugin::PluginName;
use postern::shards::Shards;
use postern::snapshot::Snapshot;
use serde_json::{Value, json};

const MISSING: &str = r#"{"message":"Missing rbac token in request"}"#;
const MALFORMED: &str = r#"{"message":"invalid rbac token: parse failed"}"#;
const UNKNOWN_APP: &str = r#"{"message":"Invalid appid in rbac token"}"#;
const NO_CONSUMER: &str = r#"{"message":"Missing related consumer"}"#;

/// The routes of an application, and the three endpoints.
fn routes(upstream: &Upstream) -> Snapshot {
    let locked = |path: &str| guarded_route(&path.replace('/', ""), path, &[(PluginName::WolfRbac, "{}")]);
    let api = |name: &str, path: &str, json: &str| guarded_route(name, path, &[(PluginName::PublicApi, json)]);
    snapshot(
        nodes(&[(upstream.address, 1)]),
        vec![
            locked("/ip"),
            locked("/open"),
            locked("/admin"),
            api("api", "/apisix/plugin/wolf-rbac/*", "{}"),
            api("sign-in", "/sign-in", r#"{"uri": "/apisix/plugin/wolf-rbac/login"}"#),
        ],
    )
}

/// `consumer` is the application `appid` at the Wolf server at `url`, with more fields.
fn is_application(snapshot: &mut Snapshot, consumer: &str, appid: &str, url: &str, more: &Value) {
    let mut config = json!({"appid": appid, "server": url});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    give_plugin(snapshot, consumer, PluginName::WolfRbac, &config.to_string(), appid);
}

/// The gateway in front of `wolf`, with both its applications.
fn gateway(upstream: &Upstream, wolf: &Wolf) -> Running {
    let mut snapshot = routes(upstream);
    is_application(&mut snapshot, "alpha", "myapp", &wolf.url(), &json!({}));
    is_application(&mut snapshot, "beta", "other", &wolf.url(), &json!({"header_prefix": "X-Wolf-"}));
    start(snapshot)
}

async fn token(wolf: &Wolf, username: &str, appid: &str) -> String {
    format!("V1#{appid}#{}", wolf.token(username, &format!("{username}-pw"), appid).await)
}

async fn sent(running: &Running, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = running.request(method, target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    running.send(request.body(Full::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn whom_wolf_lets_passes_and_both_sides_are_told_who_it_is() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let alice = token(&wolf, "alice", "myapp").await;
    let (in_query, in_cookie) =
        (format!("/ip?rbac_token={}&a=1", alice.replace('#', "%23")), format!("a=b; x-rbac-token={alice}"));
    for (target, header) in [
        ("/ip", Some(("authorization", alice.as_str()))),
        ("/ip", Some(("x-rbac-token", alice.as_str()))),
        ("/ip", Some(("cookie", in_cookie.as_str()))),
        (in_query.as_str(), None),
        // The query comes before the header.
        (in_query.as_str(), Some(("authorization", "V1#other#x"))),
    ] {
        let spoofed = [("x-userid", "1"), ("X-USERNAME", "root"), ("x_nickname", "Root"), ("x-nickname", "Root")];
        let headers: Vec<_> = spoofed.into_iter().chain(header).collect();
        let answer = running.get_with(target, &headers).await;
        assert_eq!(answer.status, 200, "{target} {header:?}: {}", answer.text());
        let seen = upstream.last();
        let told = ["x-userid", "x-username", "x-nickname", "x_nickname"].map(|name| seen.header(name));
        assert_eq!(told, [Some("3"), Some("alice"), Some("Alice%20A%C3%A9"), None]);
        assert_eq!(seen.header("x-consumer-username"), Some("alpha"));
        assert_eq!(seen.header("x-credential-identifier"), None);
        let answered = ["x-userid", "x-username", "x-nickname"].map(|name| answer.header(name));
        assert_eq!(answered, [Some("3"), Some("alice"), Some("Alice%20A%C3%A9")]);
    }
    let asked = wolf.calls().await.pop().unwrap();
    let arguments = json!({"appID": "myapp", "resName": "/ip", "action": "GET", "clientIP": "127.0.0.1"});
    assert_eq!(asked, json!(["GET", "/wolf/rbac/access_check", arguments]));
    let carol = token(&wolf, "carol", "other").await;
    assert_eq!(running.get_with("/open", &[("authorization", &carol)]).await.status, 200);
    assert_eq!(upstream.last().header("x-wolf-userid"), Some("5"));
    assert_eq!(upstream.last().header("x-consumer-username"), Some("beta"));
}

#[tokio::test]
async fn without_a_good_token_nobody_passes() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let alice = token(&wolf, "alice", "myapp").await;
    for (value, body) in [
        (None, MISSING),
        (Some(""), MALFORMED),
        (Some("x"), MALFORMED),
        (Some("V2#myapp#x"), MALFORMED),
        (Some("V1#myapp"), MALFORMED),
        (Some("V1#myapp#"), MALFORMED),
        (Some("V1#nonsense#x"), UNKNOWN_APP),
        (Some("V1#unset#x"), UNKNOWN_APP),
        (Some("V1#$secret://vault/my-vault/a/b#x"), UNKNOWN_APP),
    ] {
        let headers: Vec<_> = value.map(|value| ("authorization", value)).into_iter().collect();
        let answer = running.get_with("/ip", &headers).await;
        assert_eq!(answer.summary(), (401, body), "{value:?}");
    }
    let two = [("x-rbac-token", alice.as_str()), ("x-rbac-token", "V1#myapp#x")];
    assert_eq!(running.get_with("/ip", &two).await.summary(), (401, MALFORMED));
    // What Wolf itself refuses has its status and its words.
    let forged = running.get_with("/ip", &[("authorization", "V1#myapp#a.b.c")]).await;
    assert_eq!(forged.summary(), (401, r#"{"message":"ERR_TOKEN_INVALID"}"#));
    let bob = token(&wolf, "bob", "myapp").await;
    let refused = running.get_with("/ip", &[("authorization", &bob)]).await;
    let body = json!({"message": "resource '/ip' refused (P1)", "username": "bob", "nickname": "bob"});
    assert_eq!((refused.status.as_u16(), refused.json()), (403, body));
    assert_eq!(running.get_with("/admin", &[("authorization", &alice)]).await.status, 403);
    assert!(upstream.seen().is_empty());
    assert_eq!(running.get_with("/open", &[("authorization", &bob)]).await.status, 200);
    // Each 401 is counted by what the client was told, Wolf's own as one. A 403 is another matter.
    let metrics = running.gateway.metrics();
    for (reason, count) in [
        ("Missing rbac token in request", 1),
        ("invalid rbac token: parse failed", 6),
        ("Invalid appid in rbac token", 3),
        ("refused by the server that knows the users", 1),
    ] {
        let line = format!("postern_gateway_auth_failures_total{{reason=\"{reason}\"}} {count}");
        assert!(metrics.lines().any(|l| l == line), "{line} is not in\n{metrics}");
    }
    assert_eq!(running.gateway.stats().unauthorized, 11);
}

#[tokio::test]
async fn a_user_of_one_application_is_not_anothers_consumer() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let of_wolf = wolf.token("carol", "carol-pw", "other").await;
    // Wolf looks at its own token, and lets her.
    let claimed = format!("V1#myapp#{of_wolf}");
    let answer = running.get_with("/ip", &[("authorization", &claimed)]).await;
    assert_eq!(answer.summary(), (401, UNKNOWN_APP));
    assert_eq!(answer.header("x-username"), None);
    assert_eq!(wolf.calls().await.last().unwrap()[1], "/wolf/rbac/access_check");
    assert!(upstream.seen().is_empty());
    let target = "/apisix/plugin/wolf-rbac/user_info";
    assert_eq!(running.get_with(target, &[("authorization", &claimed)]).await.summary(), (401, UNKNOWN_APP));
    // Neither is one of whom Wolf does not say of what application they are.
    for user in
        [json!({}), json!({"appIDs": null}), json!({"appIDs": "myapp"}), json!({"appIDs": ["MYAPP", ""]}), Value::Null]
    {
        wolf.answer(200, &json!({"ok": true, "reason": "", "data": {"userInfo": user}}).to_string()).await;
        let answer = running.get_with("/ip", &[("authorization", &claimed)]).await;
        assert_eq!(answer.summary(), (401, UNKNOWN_APP), "{user}");
    }
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn what_wolf_says_of_a_user_cannot_become_another_header() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let user = json!({"id": "3\r\nX-Evil: 1", "username": "al\nice", "nickname": "A\r\nB", "appIDs": ["myapp"]});
    wolf.answer(200, &json!({"ok": true, "data": {"userInfo": user}}).to_string()).await;
    let answer = running.get_with("/ip", &[("authorization", "V1#myapp#x")]).await;
    assert_eq!(answer.status, 200);
    let seen = upstream.last();
    assert_eq!(seen.header("x-evil"), None);
    let told = ["x-userid", "x-username", "x-nickname"].map(|name| seen.header(name));
    assert_eq!(told, [Some("3%0D%0AX-Evil%3A%201"), Some("al%0Aice"), Some("A%0D%0AB")]);
}

#[tokio::test]
async fn a_wolf_that_does_not_answer_lets_nobody_pass() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let alice = token(&wolf, "alice", "myapp").await;
    for (times, status, asked) in [(1, 200, 2), (2, 200, 3), (3, 500, 3)] {
        let before = wolf.calls().await.len();
        wolf.fail(times, 503).await;
        let answer = running.get_with("/ip", &[("authorization", &alice)]).await;
        assert_eq!(answer.status, status, "after {times} faults");
        assert_eq!(wolf.calls().await.len() - before, asked);
        if status == 500 {
            assert_eq!(answer.text(), r#"{"message":"request to wolf-server failed, status:503"}"#);
        }
    }
    for (status, body, expected) in [
        (200, "", "err:unexpected answer"),
        (200, "{}", "err:unexpected answer"),
        (200, r#"{"ok": false, "reason": "x"}"#, "err:unexpected answer"),
        (302, "", "status:302"),
        (204, "", "status:204"),
    ] {
        wolf.answer(status, body).await;
        let answer = running.get_with("/ip", &[("authorization", &alice)]).await;
        let message = format!("request to wolf-server failed, {expected}");
        assert_eq!((answer.status.as_u16(), answer.json()["message"].as_str()), (500, Some(message.as_str())));
    }
    let passed = upstream.seen().len();
    let mut snapshot = routes(&upstream);
    is_application(&mut snapshot, "alpha", "myapp", &format!("http://{}", closed_address()), &json!({}));
    let answer = start(snapshot).get_with("/ip", &[("authorization", &alice)]).await;
    assert_eq!(answer.summary(), (500, r#"{"message":"request to wolf-server failed, err:no answer"}"#));
    assert_eq!(upstream.seen().len(), passed);
}

#[tokio::test]
async fn a_certificate_is_checked_where_that_is_said() {
    let (wolf, upstream) = (Wolf::start_with_tls(), Upstream::start().await);
    let alice = token(&wolf, "alice", "myapp").await;
    for (is_verified, status) in [(false, 200), (true, 500)] {
        let mut snapshot = routes(&upstream);
        is_application(&mut snapshot, "alpha", "myapp", &wolf.url(), &json!({"ssl_verify": is_verified}));
        let answer = start(snapshot).get_with("/ip", &[("authorization", &alice)]).await;
        assert_eq!(answer.status, status, "{is_verified}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_application_without_a_value_is_nobodys() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let alice = token(&wolf, "alice", "myapp").await;
    let mut snapshot = routes(&upstream);
    let running = start(snapshot.clone());
    let headers = [("authorization", alice.as_str())];
    assert_eq!(running.get_with("/ip", &headers).await.summary(), (401, NO_CONSUMER));
    snapshot.revision = 2;
    is_application(&mut snapshot, "alpha", "myapp", &wolf.url(), &json!({"appid": "$secret://vault/my-vault/a/b"}));
    snapshot.keys = Shards::default();
    running.publish(snapshot).await;
    assert_eq!(running.get_with("/ip", &headers).await.summary(), (401, UNKNOWN_APP));
}

#[tokio::test]
async fn signing_in_gives_a_token_that_passes() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let json_body = [("content-type", "application/json")];
    let login = |body: &'static str| sent(&running, "POST", "/apisix/plugin/wolf-rbac/login", &json_body, body);
    for (body, status, message) in [
        ("{}", 400, "appid is missing"),
        (r#"{"appid": ""}"#, 400, "appid is missing"),
        (r#"{"appid": 1}"#, 400, "appid is missing"),
        (r#"{"appid": "nonsense"}"#, 400, "appid not found"),
        ("[]", 400, "invalid request"),
        ("x", 400, "invalid request"),
        (r#"{"appid": "myapp", "username": "alice", "password": "x"}"#, 200, "request to wolf-server failed!"),
    ] {
        let answer = login(body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["message"].as_str()), (status, Some(message)), "{body}");
        assert_eq!(answer.json().get("rbac_token"), None);
    }
    let wrong = login(r#"{"appid": "myapp", "username": "alice", "password": "x"}"#).await;
    assert_eq!(wrong.json()["reason"], "ERR_PASSWORD_ERROR");
    let good = login(r#"{"appid": "myapp", "username": "alice", "password": "alice-pw"}"#).await;
    assert_eq!(good.header("cache-control"), Some("no-store"));
    assert_eq!(good.json()["user_info"], json!({"id": 3, "username": "alice", "nickname": "Alice Aé"}));
    let token = good.json()["rbac_token"].as_str().unwrap().to_owned();
    assert_eq!(running.get_with("/ip", &[("authorization", &token)]).await.status, 200);
    // As a form, and where the route has another path.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let answer = sent(&running, "POST", "/sign-in", &form, "appid=myapp&username=alice&password=alice%2Dpw").await;
    assert!(answer.json()["rbac_token"].is_string(), "{}", answer.text());
    wolf.fail(1, 500).await;
    let failed = login(r#"{"appid": "myapp", "username": "alice", "password": "alice-pw"}"#).await;
    assert_eq!(failed.summary(), (500, r#"{"message":"request to wolf-server failed!"}"#));
}

#[tokio::test]
async fn users_see_who_they_are_and_change_their_passwords() {
    let (wolf, upstream) = (Wolf::start(), Upstream::start().await);
    let running = gateway(&upstream, &wolf);
    let alice = token(&wolf, "alice", "myapp").await;
    let (user_info, change) = ("/apisix/plugin/wolf-rbac/user_info", "/apisix/plugin/wolf-rbac/change_pwd");
    assert_eq!(running.get(user_info).await.summary(), (401, MISSING));
    assert_eq!(running.get_with(user_info, &[("authorization", "V1#x")]).await.summary(), (401, MALFORMED));
    let unknown = running.get_with(user_info, &[("authorization", "V1#nonsense#x")]).await;
    assert_eq!(unknown.summary(), (400, r#"{"message":"appid not found"}"#));
    let seen = running.get_with(user_info, &[("authorization", &alice)]).await;
    assert_eq!((seen.status.as_u16(), seen.json()["user_info"]["appIDs"].clone()), (200, json!(["myapp"])));
    let headers = [("authorization", alice.as_str()), ("content-type", "application/json")];
    for (old, message) in [("x", "request to wolf-server failed!"), ("alice-pw", "success to change password")] {
        let body = json!({"oldPassword": old, "newPassword": "new"}).to_string();
        let answer = sent(&running, "PUT", change, &headers, &body).await;
        assert_eq!((answer.status.as_u16(), answer.json()["message"].as_str()), (200, Some(message)), "{old}");
    }
    assert!(!wolf.token("alice", "new", "myapp").await.is_empty());
    for (method, target) in [("GET", change), ("POST", user_info), ("GET", "/apisix/plugin/wolf-rbac/x")] {
        assert_eq!(sent(&running, method, target, &headers, "").await.status, 404, "{method} {target}");
    }
    assert!(upstream.seen().is_empty());
}
