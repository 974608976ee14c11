use super::*;
use futures_util::FutureExt;
use postern::fingerprint::Fingerprint;
use postern::plugin::{PluginConfig, PluginName, Plugins, SealedField};
use postern::routing::{Node, Service};
use postern::snapshot::{KeyCredential, SnapshotConsumer};

/// key-auth as it is stored, also when nothing would have stored it.
fn key_auth(config: &str) -> Plugins<LiveField> {
    let stored = format!("{{\"plugin\": \"key-auth\", \"config\": {config}}}");
    let stored: PluginConfig<SealedField> = serde_json::from_str(&stored).unwrap();
    let config = stored.try_map(|_, _| Err::<LiveField, ()>(())).unwrap();
    Plugins::from([(PluginName::KeyAuth, config)])
}

fn snapshot() -> Snapshot {
    let services = BTreeMap::from([(id("s"), service(routing::Upstream::BuiltinEcho))]);
    Snapshot { services: services.into(), ..Snapshot::clone(&Snapshot::empty(FingerprintKey::new([7; 32]))) }
}

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

fn service(upstream: routing::Upstream) -> Service<LiveField> {
    Service { id: id("s"), name: "s".parse().unwrap(), upstream, plugins: Plugins::new() }
}

fn nodes_of(node: Node) -> routing::Upstream {
    routing::Upstream::Nodes(routing::Nodes { nodes: vec![node], ..routing::Nodes::default() })
}

/// `id: METHOD,METHOD host,host /path /path*`; `-` for every method or every host.
fn route(text: &str) -> routing::Route<LiveField> {
    let mut words = text.split_whitespace();
    let name = words.next().unwrap().trim_end_matches(':');
    let list = |word: &str| word.split(',').filter(|w| *w != "-").map(str::to_owned).collect::<Vec<_>>();
    let methods = list(words.next().unwrap()).iter().map(|m| routing::Method::from_name(m).unwrap()).collect();
    let hosts = list(words.next().unwrap()).iter().map(|h| h.parse().unwrap()).collect();
    routing::Route {
        id: id(name),
        service: id("s"),
        name: name.parse().unwrap(),
        paths: words.map(|path| path.parse().unwrap()).collect(),
        methods,
        hosts,
        plugins: Plugins::new(),
    }
}

fn table(routes: &[&str]) -> Table {
    Table::compile(&Snapshot { routes: routes.iter().map(|r| route(r)).collect(), ..snapshot() }, None)
}

/// The id of the route, or what the client is told.
fn matched(table: &Table, method: &str, host: &str, path: &str) -> String {
    let found = RequestPath::parse(path)
        .and_then(|path| table.route(host, &method.parse().unwrap(), &path).map(|route| route.id.to_string()));
    found.unwrap_or_else(|reject| reject.status().as_u16().to_string())
}

#[test]
fn the_most_exact_host_then_path_then_method_wins() {
    let table = table(&[
        "ip: - - /ip",
        "api: - - /api/*",
        "api-v2: - - /api/v2/*",
        "api-v2-get: GET - /api/v2/*",
        "one: POST,PUT - /one",
        "rest: GET - /*",
        "host: - a.example.com /ip",
        "ending: - *.example.com /ip /only-ending",
        "long-ending: - *.b.example.com /ip",
        "accent: - - /caf%C3%A9/*",
        "odd: - - /%7Eme",
    ]);
    for (method, host, path, expected) in [
        ("GET", "", "/ip", "ip"),
        ("GET", "other.org", "/ip", "ip"),
        ("GET", "a.example.com", "/ip", "host"),
        ("GET", "x.example.com", "/ip", "ending"),
        ("GET", "x.b.example.com", "/ip", "long-ending"),
        ("GET", "b.example.com", "/ip", "ending"),
        ("GET", "example.com", "/ip", "ip"),
        ("GET", "badexample.com", "/ip", "ip"),
        // Falls back to the next host, path, method.
        ("GET", "a.example.com", "/only-ending", "ending"),
        ("GET", "a.example.com", "/api/x", "api"),
        ("GET", "", "/api/v2/x", "api-v2-get"),
        ("POST", "", "/api/v2/x", "api-v2"),
        ("GET", "", "/api/", "api"),
        ("GET", "", "/api", "rest"),
        ("POST", "", "/api", "404"),
        ("POST", "", "/one", "one"),
        ("GET", "", "/one", "rest"),
        ("HEAD", "", "/one", "404"),
        ("BREW", "", "/ip", "ip"),
        ("get", "", "/one", "404"),
        ("GET", "", "/IP", "rest"),
        // Patterns are normalised like paths.
        ("POST", "", "/caf%c3%a9/x", "accent"),
        ("POST", "", "/~me", "odd"),
    ] {
        assert_eq!(matched(&table, method, host, path), expected, "{method} {host} {path}");
    }
}

#[test]
fn no_spelling_of_a_path_reaches_another_route() {
    let table = table(&["locked: - - /admin /admin/*", "open: - - /*"]);
    for (path, expected) in [
        ("/admin", "locked"),
        ("/admin/x", "locked"),
        ("/./admin", "locked"),
        ("/x/../admin", "locked"),
        ("/x/%2e%2e/admin", "locked"),
        ("/%61dmin", "locked"),
        ("/adm%69n/x", "locked"),
        ("//admin", "400"),
        ("/admin;x", "400"),
        ("/admin%3bx", "400"),
        ("/;/admin", "400"),
        ("/x/..;/admin", "400"),
        ("/admin%2fx", "400"),
        ("/..%2fadmin", "400"),
        ("/\\admin", "400"),
        ("/admin%00", "400"),
        ("/x//y", "open"),
        // Forwarded as /x/admin.
        ("/x//../admin", "open"),
        ("/x;a=1/y", "open"),
        ("/admin//x", "locked"),
        ("/admin/x;a=1", "locked"),
    ] {
        assert_eq!(matched(&table, "GET", "", path), expected, "{path}");
    }
}

#[test]
fn of_two_routes_alike_the_lower_id_wins_whatever_their_order() {
    for routes in [["b: - - /x", "a: - - /x"], ["a: - - /x", "b: - - /x"]] {
        assert_eq!(matched(&table(&routes), "GET", "", "/x"), "a");
    }
}

#[test]
fn a_route_that_cannot_be_enforced_stays_and_lets_nothing_pass() {
    let broken_plugin = key_auth(r#"{"realm": "\n"}"#);
    let no_weight = nodes_of(Node { host: "a".to_owned(), port: 1, weight: 0 });
    let mut without_service = snapshot();
    without_service.services = Arc::default();
    let mut without_node = snapshot();
    without_node.services = BTreeMap::from([(id("s"), service(no_weight))]).into();
    for (snapshot, plugins) in
        [(snapshot(), broken_plugin), (without_service, Plugins::new()), (without_node, Plugins::new())]
    {
        let locked = routing::Route { plugins, ..route("locked: - - /admin") };
        let table = Table::compile(&Snapshot { routes: [route("open: - - /*"), locked].into(), ..snapshot }, None);
        let path = RequestPath::parse("/admin").unwrap();
        let Ok(found) = table.route("", &Method::GET, &path) else { panic!("no route") };
        assert_eq!((found.id.as_str(), found.plan.is_none()), ("locked", true));
    }
}

#[test]
fn the_plugin_of_the_route_replaces_the_one_of_the_service() {
    let config = |header: &str| key_auth(&format!("{{\"header\": \"{header}\"}}"));
    let mut snapshot = snapshot();
    Arc::make_mut(&mut snapshot.services).get_mut(&id("s")).unwrap().plugins = config("of-service");
    let inherits = route("inherits: - - /inherits");
    let replaces = routing::Route { plugins: config("of-route"), ..route("replaces: - - /replaces") };
    snapshot.routes = [inherits, replaces].into();
    snapshot.keys = [key(&snapshot, b"secret", "alice", None)].into_iter().collect();
    let table = Table::compile(&snapshot, None);
    for (path, header, passes) in [
        ("/inherits", "of-service", true),
        ("/inherits", "of-route", false),
        ("/replaces", "of-route", true),
        ("/replaces", "of-service", false),
    ] {
        let path = RequestPath::parse(path).unwrap();
        let Ok(found) = table.route("", &Method::GET, &path) else { panic!("no route") };
        let plugins = &found.plan.as_ref().unwrap().plugins;
        assert_eq!(plugins.rewrite().len(), 1);
        let mut headers = http::HeaderMap::new();
        headers
            .insert(http::HeaderName::from_bytes(header.as_bytes()).unwrap(), http::HeaderValue::from_static("secret"));
        let mut query = None;
        let mut access = crate::plugin::Access::untimed(&mut headers, &mut query, &table);
        let outcome = crate::plugin::run(plugins.rewrite(), &mut access).now_or_never().unwrap();
        assert_eq!(outcome.is_ok(), passes, "{header}");
    }
}

fn key(snapshot: &Snapshot, text: &[u8], name: &str, custom_id: Option<&str>) -> (Fingerprint, KeyCredential) {
    let consumer = SnapshotConsumer { name: name.parse().unwrap(), custom_id: custom_id.map(Into::into) };
    let credential =
        KeyCredential { consumer: Arc::new(consumer), credential: id(&format!("key-of-{name}")), proof: None };
    (snapshot.fingerprint_key.of_key(text), credential)
}

#[test]
fn a_key_proves_one_consumer_or_none() {
    let mut snapshot = snapshot();
    let keys = [key(&snapshot, b"alice-key", "alice", Some("42")), key(&snapshot, b"", "bob", None)];
    snapshot.keys = keys.into_iter().collect();
    let table = Table::compile(&snapshot, None);
    for (text, consumer) in [
        (&b"alice-key"[..], Some("alice")),
        (b"alice-kez", None),
        (b"Alice-key", None),
        (b" alice-key", None),
        (b"alice-key\0", None),
        (b"", None),
    ] {
        let got = table.identity_of_key(text).map(|identity| identity.consumer.name.to_string());
        assert_eq!(got.as_deref(), consumer, "{text:?}");
    }
    let alice = table.identity_of_key(b"alice-key").unwrap();
    assert_eq!(alice.credential.as_ref().unwrap().as_str(), "key-of-alice");
    assert_eq!(alice.consumer.custom_id.as_deref(), Some("42"));
}

#[test]
fn a_round_robin_that_has_not_changed_goes_on() {
    let nodes = |port| nodes_of(Node { host: "a".to_owned(), port, weight: 1 });
    let with = |port, before: Option<&Table>| {
        let services = BTreeMap::from([(id("s"), service(nodes(port)))]);
        Table::compile(&Snapshot { services: services.into(), ..snapshot() }, before)
    };
    let robin = |table: &Table| match &table.routing.upstreams[&id("s")] {
        Ok(Upstream::Nodes(robin)) => Arc::as_ptr(robin),
        Ok(Upstream::Echo | Upstream::Withheld { .. }) | Err(_) => panic!("not nodes"),
    };
    let first = with(1, None);
    assert_eq!(robin(&first), robin(&with(1, Some(&first))));
    assert_ne!(robin(&first), robin(&with(2, Some(&first))));
}
