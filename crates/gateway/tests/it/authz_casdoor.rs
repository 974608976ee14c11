//! authz-casdoor over real sockets, with a real OAuth 2 server at Casdoor's addresses.

use crate::support::{
    Running, closed_address, guarded_route, live, nodes, route, snapshot, start, start_at, start_with,
};
use crate::tls::{Authority, with_tls};
use crate::upstream::{Upstream as Server, receive, scripted};
use backends::{Browser, Casdoor, Page};
use gateway::GatewayConfig;
use postern::live::{LiveSecret, Reread, SecretNow};
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{Route, Upstream};
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use postern::session_key::SessionKey;
use postern::snapshot::{LiveField, Snapshot};
use postern::time::{Clock, Millis};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;

const COOKIE: &str = "authz_casdoor_session_";
const PAGE: &str = "/anything/d?param1=foo&param2=bar";

/// Every page of the gateway that `callback` is on needs a sign-in at `endpoint`.
fn config(endpoint: &str, callback: &str, changes: Value) -> Value {
    let mut config = json!({
        "endpoint_addr": endpoint, "callback_url": callback,
        "client_id": Casdoor::CLIENT_ID, "client_secret": Casdoor::CLIENT_SECRET,
    });
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn guarded(config: &Value) -> Route<LiveField> {
    guarded_route("guarded", "/anything/*", &[(PluginName::AuthzCasdoor, &config.to_string())])
}

fn with(revision: u64, route: Route<LiveField>) -> Snapshot {
    Snapshot { revision, ..snapshot(Upstream::BuiltinEcho, vec![route]) }
}

fn callback(gateway: &Running) -> String {
    format!("http://{}/anything/callback", gateway.address)
}

/// A gateway whose pages need a sign-in at a Casdoor of their own.
async fn world(seconds: u32) -> (Running, Casdoor) {
    let gateway = start(snapshot(Upstream::BuiltinEcho, Vec::new()));
    let casdoor = Casdoor::start(&callback(&gateway), seconds);
    gateway.publish(with(2, guarded(&config(&casdoor.url(), &callback(&gateway), json!({}))))).await;
    (gateway, casdoor)
}

async fn open(browser: &mut Browser, gateway: &Running, target: &str) -> Page {
    browser.get(&format!("http://{}{target}", gateway.address)).await
}

/// Opens the page, signs in, and is welcomed.
async fn sign_in(browser: &mut Browser, gateway: &Running) -> Page {
    let page = open(browser, gateway, PAGE).await;
    let back = browser.sign_in(page, &callback(gateway)).await;
    browser.get(back.as_str()).await
}

fn argument(page: &Page, name: &str) -> String {
    let location = page.location.as_ref().unwrap();
    location.query_pairs().find(|(known, _)| known == name).unwrap().1.into_owned()
}

#[tokio::test]
async fn a_user_signs_in_once_and_comes_back_to_the_page() {
    let (gateway, casdoor) = world(3600).await;
    let mut browser = Browser::default();
    let page = open(&mut browser, &gateway, PAGE).await;
    assert_eq!((page.status, page.text.as_str()), (302, ""));
    let location = page.location.clone().unwrap();
    assert!(location.as_str().starts_with(&format!("{}/login/oauth/authorize?", casdoor.url())), "{location}");
    for (name, expected) in [
        ("response_type", "code"),
        ("scope", "read"),
        ("client_id", Casdoor::CLIENT_ID),
        ("redirect_uri", &callback(&gateway)),
    ] {
        assert_eq!(argument(&page, name), expected, "{name}");
    }
    assert_eq!(argument(&page, "state").len(), 43);
    // printf casdoor-client | sha256sum
    let name = "authz_casdoor_session_180f1d3b6810198f9020d75b3ee0961e58f206a0253ed480fb0e74fec364f8bb";
    let [line] = page.set_cookies.as_slice() else { panic!("{page:?}") };
    assert_eq!(line.split('=').next(), Some(name));
    assert!(line.ends_with("; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax"), "{line}");

    let back = browser.sign_in(page, &callback(&gateway)).await;
    let welcome = browser.get(back.as_str()).await;
    assert_eq!(welcome.status, 302, "{}", welcome.text);
    assert_eq!(welcome.location.unwrap().as_str(), format!("http://{}{PAGE}", gateway.address));
    browser.set_cookie(&callback(&gateway), "theme", "dark");
    let page = open(&mut browser, &gateway, PAGE).await;
    assert_eq!(page.status, 200);
    let seen: Value = serde_json::from_str(&page.text).unwrap();
    assert_eq!(seen["headers"]["Cookie"], "theme=dark", "the upstream server gets all cookies but the session");
    assert!(!page.text.contains(COOKIE) && !page.text.contains(Casdoor::CLIENT_SECRET));
    assert_eq!(page.set_cookies.len(), 0);
}

#[tokio::test]
async fn each_attempt_has_a_state_of_its_own_and_two_pages_can_sign_in_side_by_side() {
    let (gateway, _casdoor) = world(3600).await;
    let mut browser = Browser::default();
    let one = open(&mut browser, &gateway, "/anything/one").await;
    let two = open(&mut browser, &gateway, "/anything/two").await;
    assert_ne!(argument(&one, "state"), argument(&two, "state"));
    for (page, target) in [(one, "/anything/one"), (two, "/anything/two")] {
        let back = browser.sign_in(page, &callback(&gateway)).await;
        let welcome = browser.get(back.as_str()).await;
        assert_eq!(welcome.location.unwrap().path(), target);
        // Neither code nor state is good again.
        assert_eq!(browser.get(back.as_str()).await.status, 400);
        assert_eq!(open(&mut browser, &gateway, "/anything/x").await.status, 200);
    }
}

#[tokio::test]
async fn whoever_comes_back_without_a_sign_in_of_their_own_is_refused() {
    let (gateway, _casdoor) = world(3600).await;
    let mut victim = Browser::default();
    let page = open(&mut victim, &gateway, PAGE).await;
    let state = argument(&page, "state");
    let (name, value) = victim.cookie(&callback(&gateway), COOKIE).unwrap();
    let mut changed = value.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    let middle = value.len() / 2;
    let swapped = format!(
        "{}{}{}",
        &value[..middle],
        if &value[middle..=middle] == "A" { "B" } else { "A" },
        &value[middle + 1..]
    );
    let no_session = "no session found: no sign-in is under way in this browser, or it took too long. Open the page \
                      you wanted again.";
    let good = format!("code=c&state={state}");
    for (cookie, query, status, message) in [
        (None, good.as_str(), 503, no_session),
        (Some(swapped.as_str()), &good, 503, no_session),
        (Some(&changed[..changed.len() - 2]), &good, 503, no_session),
        (Some(""), &good, 503, no_session),
        (Some(&value), "", 400, "Invalid code or state"),
        (Some(&value), "code=c", 400, "Invalid code or state"),
        (Some(&value), &format!("state={state}"), 400, "Invalid code or state"),
        (Some(&value), &format!("error=access_denied&state={state}"), 400, "Invalid code or state"),
        (Some(&value), "code=c&state=other", 400, "invalid state"),
    ] {
        let mut browser = Browser::default();
        cookie.inspect(|cookie| browser.set_cookie(&callback(&gateway), &name, cookie));
        let page = open(&mut browser, &gateway, &format!("/anything/callback?{query}")).await;
        let expected = json!({ "message": message }).to_string();
        assert_eq!((page.status, page.text), (status, expected), "{cookie:?} {query}");
        assert_eq!((page.location, page.set_cookies.len()), (None, 0));
    }
    // A code that Casdoor did not give, with everything else right.
    let page = open(&mut victim, &gateway, &format!("/anything/callback?{good}")).await;
    assert_eq!(page.status, 503, "{}", page.text);
    assert_eq!(open(&mut victim, &gateway, PAGE).await.status, 302, "nobody is signed in by any of this");
}

#[tokio::test]
async fn the_callback_is_one_path_and_every_spelling_of_it() {
    let (gateway, _casdoor) = world(3600).await;
    for (target, status) in [
        ("/anything/callback", 503),
        ("/anything/%63allback", 503),
        ("/anything/./callback?x=1", 503),
        ("/anything/callback/", 302),
        ("/anything/Callback", 302),
        ("/anything/callback2?code=c&state=s", 302),
    ] {
        assert_eq!(gateway.get(target).await.status, status, "{target}");
    }
}

#[tokio::test]
async fn nobody_is_led_to_another_host() {
    let (gateway, _casdoor) = world(3600).await;
    for target in ["//evil.example/anything/x", "/anything//evil.example", "/anything/x?next=//evil.example"] {
        let mut browser = Browser::default();
        let page = open(&mut browser, &gateway, target).await;
        if page.status != 302 {
            continue; // No route, or a path with two readings.
        }
        let back = browser.sign_in(page, &callback(&gateway)).await;
        let welcome = browser.get(back.as_str()).await;
        assert_eq!(welcome.location.unwrap().host_str(), Some("127.0.0.1"), "{target}");
    }
}

/// A clock that the test moves.
struct Moved(AtomicU64);

impl Clock for Moved {
    fn now(&self) -> Millis {
        Millis(self.0.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_a_sign_in_after_an_hour() {
    let clock = Arc::new(Moved(AtomicU64::new(1_700_000_000_000)));
    let gateway = start_at(clock.clone(), GatewayConfig::default(), snapshot(Upstream::BuiltinEcho, Vec::new()));
    let casdoor = Casdoor::start(&callback(&gateway), 120);
    gateway.publish(with(2, guarded(&config(&casdoor.url(), &callback(&gateway), json!({}))))).await;
    let pass = |seconds: u64| clock.0.fetch_add(seconds * 1000, Ordering::SeqCst);

    let mut browser = Browser::default();
    let welcome = sign_in(&mut browser, &gateway).await;
    assert!(welcome.set_cookies[0].contains("; Max-Age=120;"), "{:?}", welcome.set_cookies);
    pass(119);
    assert_eq!(open(&mut browser, &gateway, PAGE).await.status, 200);
    pass(1);
    let page = open(&mut browser, &gateway, PAGE).await;
    assert_eq!(page.status, 302);
    let back = browser.sign_in(page, &callback(&gateway)).await;
    pass(3600);
    assert_eq!(browser.get(back.as_str()).await.status, 503);
}

#[tokio::test]
async fn a_session_is_good_with_every_gateway_of_the_group_and_with_no_other() {
    let (gateway, casdoor) = world(3600).await;
    let mut browser = Browser::default();
    sign_in(&mut browser, &gateway).await;
    let (name, value) = browser.cookie(&callback(&gateway), COOKIE).unwrap();
    let opened = async |endpoint: &str, changes: Value, key: u8| {
        let config = config(endpoint, "http://127.0.0.1/anything/callback", changes);
        let session_key = Some(SessionKey::new([key; 32].into()));
        let other = start(Snapshot { session_key, ..with(1, guarded(&config)) });
        other.get_with("/anything/x", &[("cookie", &format!("{name}={value}"))]).await.status.as_u16()
    };
    let endpoint = casdoor.url();
    assert_eq!(opened(&endpoint, json!({}), 9).await, 200, "after a restart, and in another instance");
    assert_eq!(opened(&endpoint, json!({"client_secret": "rotated"}), 9).await, 200, "a rotation keeps it");
    assert_eq!(opened(&endpoint, json!({"client_id": "other"}), 9).await, 302, "another client");
    assert_eq!(opened("http://127.0.0.1:1", json!({}), 9).await, 302, "another Casdoor");
    assert_eq!(opened(&endpoint, json!({}), 8).await, 302, "another gateway group");
    // The cookie of one client under the name of another.
    let config = config(&endpoint, "http://127.0.0.1/anything/callback", json!({"client_id": "other"}));
    let other = start(with(1, guarded(&config)));
    let mut stranger = Browser::default();
    open(&mut stranger, &other, PAGE).await;
    let (name, _) = stranger.cookie(&callback(&other), COOKIE).unwrap();
    stranger.set_cookie(&callback(&other), &name, &value);
    assert_eq!(open(&mut stranger, &other, PAGE).await.status, 302);
}

#[tokio::test]
async fn no_upstream_server_gets_a_session_whatever_the_route() {
    let server = Server::start().await;
    let gateway = start(snapshot(nodes(&[(server.address, 1)]), vec![route("open", "/*")]));
    let cookie = format!("a=1; {COOKIE}00=sealed; b=2");
    gateway.get_with("/", &[("cookie", &cookie)]).await;
    assert_eq!(server.last().header("cookie"), Some("a=1; b=2"));
}

#[tokio::test]
async fn a_token_that_is_no_good_signs_nobody_in() {
    let (gateway, _casdoor) = world(0).await;
    let mut browser = Browser::default();
    let answer = sign_in(&mut browser, &gateway).await;
    assert_eq!((answer.status, answer.location), (503, None), "{}", answer.text);
    assert_eq!(open(&mut browser, &gateway, PAGE).await.status, 302);
}

/// What is said when Casdoor does not do its part.
const NO_TOKEN: &str =
    r#"{"message":"Signing in failed: Casdoor gave no token. The operator finds the reason in the gateway's log."}"#;

/// Comes back from a Casdoor at `endpoint` with a code.
async fn come_back(endpoint: &str) -> Page {
    let config = GatewayConfig { response_timeout: Duration::from_millis(500), ..GatewayConfig::default() };
    let callback = "http://127.0.0.1/anything/callback";
    let gateway = start_with(config, with(1, guarded(&self::config(endpoint, callback, json!({})))));
    let mut browser = Browser::default();
    let page = open(&mut browser, &gateway, PAGE).await;
    let state = argument(&page, "state");
    open(&mut browser, &gateway, &format!("/anything/callback?code=c&state={state}")).await
}

#[tokio::test]
async fn a_casdoor_that_does_not_do_its_part_is_503() {
    let page = come_back(&format!("http://{}", closed_address())).await;
    assert_eq!((page.status, page.text.as_str(), page.set_cookies.len()), (503, NO_TOKEN, 0));
    let elsewhere = Server::start().await;
    let token = r#"{"access_token":"t","expires_in":3600}"#;
    let long = "x".repeat(300 * 1024);
    for (what, answer) in [
        ("no HTTP", "nonsense\r\n\r\n".to_owned()),
        ("broken off", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_owned()),
        ("silence", String::new()),
        ("no JSON", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>".to_owned()),
        ("too long", format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{long}", long.len())),
        ("an error with a token", format!("HTTP/1.1 500 Oops\r\nContent-Length: {}\r\n\r\n{token}", token.len())),
        (
            "a redirect",
            format!("HTTP/1.1 307 Go\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n", elsewhere.address),
        ),
    ] {
        let address = scripted(move |_, mut stream| {
            let answer = answer.clone();
            async move {
                receive(&mut stream).await;
                // The gateway may have gone before it is all said.
                let _said = stream.write_all(answer.as_bytes()).await;
                if answer.is_empty() {
                    receive(&mut stream).await;
                }
            }
        });
        let page = come_back(&format!("http://{}", address.await)).await;
        assert_eq!((page.status, page.text.as_str(), page.set_cookies.len()), (503, NO_TOKEN, 0), "{what}");
    }
    assert_eq!(elsewhere.connections(), 0, "no redirect is followed");
}

#[tokio::test]
async fn a_casdoor_with_a_certificate_of_nobody_known_is_not_told_the_secret() {
    let authority = Authority::new();
    let certificates = vec![authority.certify("c", &["localhost"], 1)].into();
    let server = Server::start().await;
    let casdoor =
        with_tls(Snapshot { certificates, ..snapshot(nodes(&[(server.address, 1)]), vec![route("r", "/*")]) });
    let page = come_back(&format!("https://localhost:{}", casdoor.gateway.tls_addr().unwrap().port())).await;
    assert_eq!((page.status, page.text.as_str()), (503, NO_TOKEN));
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_reference_without_a_value_lets_nobody_pass_and_goes_nowhere() {
    let reference = "$secret://vault/my-vault/casdoor/client";
    for name in ["client_id", "client_secret"] {
        let gateway = start(snapshot(Upstream::BuiltinEcho, Vec::new()));
        let endpoint = format!("http://{}", closed_address());
        let config = config(&endpoint, &callback(&gateway), json!({ name: reference }));
        gateway.publish(with(2, guarded(&config))).await;
        for target in [PAGE, "/anything/callback?code=c&state=s"] {
            let answer = gateway.get(target).await;
            assert_eq!(answer.status, 503, "{name} {target}");
            assert_eq!(answer.json()["incident"], "0badcafe");
            assert_eq!((answer.header("location"), answer.header("set-cookie")), (None, None));
            assert!(!answer.text().contains("secret://"), "{}", answer.text());
        }
    }
}

/// A secret manager that has the new secret already.
struct Rotated(AtomicUsize);

#[async_trait::async_trait]
impl Reread for Rotated {
    async fn reread(&self, _reference: &SecretRef) -> SecretNow {
        self.0.fetch_add(1, Ordering::Relaxed);
        SecretNow::Value(Plain::new(Casdoor::CLIENT_SECRET.to_owned()))
    }
}

#[tokio::test]
async fn a_secret_that_casdoor_refuses_is_read_again_and_tried_once_more() {
    let gateway = start(snapshot(Upstream::BuiltinEcho, Vec::new()));
    let casdoor = Casdoor::start(&callback(&gateway), 3600);
    let manager = Arc::new(Rotated(AtomicUsize::new(0)));
    let plain = |text: &str| SecretNow::Value(Plain::new(text.to_owned()));
    let reference = json!({"client_secret": "$secret://vault/my-vault/casdoor/client_secret"});
    let config = config(&casdoor.url(), &callback(&gateway), reference).to_string();
    let config = PluginConfig::parse(PluginName::AuthzCasdoor, &config).unwrap().try_map(|_, field| {
        Ok::<_, ()>(match field.reference() {
            Some(reference) => {
                LiveSecret::reference(reference.secret().unwrap().clone(), plain("before"), manager.clone())
            }
            None => LiveSecret::literal(plain(Casdoor::CLIENT_ID)),
        })
    });
    let plugins = Plugins::from([(PluginName::AuthzCasdoor, config.unwrap())]);
    gateway.publish(with(2, Route { plugins, ..route("guarded", "/anything/*") })).await;
    let mut browser = Browser::default();
    assert_eq!(sign_in(&mut browser, &gateway).await.status, 302);
    assert_eq!(manager.0.load(Ordering::Relaxed), 1);
    assert_eq!(open(&mut browser, &gateway, PAGE).await.status, 200);
}

#[tokio::test]
async fn a_wrong_secret_signs_nobody_in_and_is_not_repeated() {
    let gateway = start(snapshot(Upstream::BuiltinEcho, Vec::new()));
    let casdoor = Casdoor::start(&callback(&gateway), 3600);
    let config = config(&casdoor.url(), &callback(&gateway), json!({"client_secret": "wrong-canary"}));
    gateway.publish(with(2, guarded(&config))).await;
    let mut browser = Browser::default();
    let answer = sign_in(&mut browser, &gateway).await;
    assert_eq!((answer.status, answer.text.as_str()), (503, NO_TOKEN));
}

#[tokio::test]
async fn over_https_the_cookie_is_for_https_alone() {
    let callback = "https://api.example.com/anything/callback";
    let config = config("https://door.example.com", callback, json!({}));
    let config = live(&PluginConfig::parse(PluginName::AuthzCasdoor, &config.to_string()).unwrap());
    let plugins = Plugins::from([(PluginName::AuthzCasdoor, config)]);
    let gateway = start(with(1, Route { plugins, ..route("guarded", "/anything/*") }));
    let answer = gateway.get("/anything/x").await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (302, Some("no-store")));
    assert!(answer.header("set-cookie").unwrap().ends_with("; HttpOnly; SameSite=Lax; Secure"));
}
