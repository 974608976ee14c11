//! Starts a gateway, and talks to it.

use gateway::{Gateway, GatewayConfig};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use postern::credential::CredentialType;
use postern::fingerprint::FingerprintKey;
use postern::live::{LiveSecret, SecretNow};
use postern::plugin::{EnteredField, Placement, PluginConfig, PluginName, Plugins, SecretAt};
use postern::routing::{Method, Node, Nodes, Route, Service, Upstream};
use postern::sensitive::{Entered, SecretField};
use postern::session_key::SessionKey;
use postern::snapshot::{KeyCredential, LiveField, Proof, Snapshot, SnapshotConsumer};
use postern::time::{Clock, Millis};
use serde_json::Value;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// A gateway under test.
pub(crate) struct Running {
    pub(crate) gateway: Gateway,
    pub(crate) address: SocketAddr,
    snapshots: watch::Sender<Arc<Snapshot>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A snapshot with alice (key `alice-key`, label custom_id 42), the consumer nobody, and one service.
pub(crate) fn snapshot(upstream: Upstream, routes: Vec<Route<LiveField>>) -> Snapshot {
    let fingerprint_key = FingerprintKey::new([9; 32]);
    let service = Service { id: id("s"), name: "s".parse().unwrap(), upstream, plugins: Plugins::new() };
    let consumer = |name: &str, custom_id: Option<&str>| SnapshotConsumer {
        name: name.parse().unwrap(),
        custom_id: custom_id.map(Into::into),
    };
    let key =
        KeyCredential { consumer: Arc::new(consumer("alice", Some("42"))), credential: id("primary-key"), proof: None };
    Snapshot {
        revision: 1,
        services: BTreeMap::from([(id("s"), service)]).into(),
        routes: routes.into(),
        consumers: BTreeMap::from([("nobody".parse().unwrap(), consumer("nobody", None))]).into(),
        keys: [(fingerprint_key.of_key(b"alice-key"), key)].into_iter().collect(),
        consumer_plugins: Arc::default(),
        global_plugins: Arc::default(),
        plugin_metadata: Arc::default(),
        certificates: Arc::default(),
        withheld: Arc::default(),
        fingerprint_key,
        session_key: Some(SessionKey::new([9; 32].into())),
    }
}

pub(crate) fn id(text: &str) -> postern::name::ObjectId {
    text.parse().unwrap()
}

pub(crate) fn route(name: &str, path: &str) -> Route<LiveField> {
    Route {
        id: id(name),
        service: id("s"),
        name: name.parse().unwrap(),
        paths: vec![path.parse().unwrap()],
        methods: Vec::<Method>::new(),
        hosts: Vec::new(),
        plugins: Plugins::new(),
    }
}

/// The configuration with its secrets in place; a reference is one that has no value.
pub(crate) fn live(config: &PluginConfig<EnteredField>) -> PluginConfig<LiveField> {
    let secret = |_: &SecretAt, field: &EnteredField| {
        Ok::<_, std::convert::Infallible>(LiveSecret::literal(match field {
            SecretField::Literal(Entered::Replace(typed)) => SecretNow::Value(typed.clone().into_plain()),
            _ => SecretNow::Unresolved { incident: "0badcafe".to_owned() },
        }))
    };
    config.try_map(secret).unwrap()
}

/// A route with key-auth, configured by JSON as in the editor.
pub(crate) fn locked_route(name: &str, path: &str, json: &str) -> Route<LiveField> {
    guarded_route(name, path, &[(PluginName::KeyAuth, json)])
}

/// A route with plugins, configured by JSON as in the editor.
pub(crate) fn guarded_route(name: &str, path: &str, plugins: &[(PluginName, &str)]) -> Route<LiveField> {
    let parse = |(name, json): &(PluginName, &str)| (*name, live(&PluginConfig::parse(*name, json).unwrap()));
    Route { plugins: plugins.iter().map(parse).collect(), ..route(name, path) }
}

/// Gives `consumer` a credential that requests name.
pub(crate) fn give(snapshot: &mut Snapshot, consumer: &str, kind: CredentialType, name: &str, proof: Proof) {
    let by = snapshot.fingerprint_key.of_name(kind.slug(), name.as_bytes());
    let owner = SnapshotConsumer { name: consumer.parse().unwrap(), custom_id: None };
    let credential = id(&format!("{consumer}-{}", kind.slug()));
    let credential = KeyCredential { consumer: Arc::new(owner), credential, proof: Some(Arc::new(proof)) };
    snapshot.keys.insert(by, credential);
}

/// Gives `consumer` a plugin, by which requests of `name` are known to be its.
pub(crate) fn give_plugin(snapshot: &mut Snapshot, consumer: &str, plugin: PluginName, config: &str, name: &str) {
    let config = live(&PluginConfig::parse_for(Placement::Consumer, plugin, config).unwrap());
    let mut all = BTreeMap::clone(&snapshot.consumer_plugins);
    all.entry(consumer.parse().unwrap()).or_default().insert(plugin, config);
    snapshot.consumer_plugins = all.into();
    let by = snapshot.fingerprint_key.of_name(plugin.slug(), name.as_bytes());
    let owner = SnapshotConsumer { name: consumer.parse().unwrap(), custom_id: Some("7".into()) };
    let credential = id(&format!("{consumer}.{}", plugin.slug()));
    let known = KeyCredential { consumer: Arc::new(owner), credential, proof: None };
    snapshot.keys.insert(by, known);
}

pub(crate) fn nodes(addresses: &[(SocketAddr, u32)]) -> Upstream {
    let node = |(address, weight): &(SocketAddr, u32)| Node {
        host: address.ip().to_string(),
        port: address.port(),
        weight: *weight,
    };
    Upstream::Nodes(Nodes { nodes: addresses.iter().map(node).collect(), ..Nodes::default() })
}

/// An address that nothing listens on, and that nothing else gets while the tests run.
pub(crate) fn closed_address() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    std::mem::forget(socket);
    address
}

/// What time it is for the gateway under test: the Date of the specification's signatures, 2024-09-06 06:41:29.
pub(crate) const NOW: u64 = 1_725_604_889;

pub(crate) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Millis {
        Millis(NOW * 1000)
    }
}

pub(crate) fn start(snapshot: Snapshot) -> Running {
    start_with(GatewayConfig { workers: 2, ..GatewayConfig::default() }, snapshot)
}

pub(crate) fn start_with(config: GatewayConfig, snapshot: Snapshot) -> Running {
    start_at(Arc::new(Fixed), config, snapshot)
}

pub(crate) fn start_at(clock: Arc<dyn Clock>, config: GatewayConfig, snapshot: Snapshot) -> Running {
    let (snapshots, receiver) = watch::channel(Arc::new(snapshot));
    let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), config, clock, receiver).unwrap();
    let address = gateway.local_addr();
    Running { gateway, address, snapshots, client: Client::builder(TokioExecutor::new()).build_http() }
}

impl Running {
    pub(crate) fn request(&self, method: &str, target: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("http://{}{target}", self.address))
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.get_with(target, &[]).await
    }

    pub(crate) async fn get_with(&self, target: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.request("GET", target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        read(self.begin(request).await).await
    }

    /// Without reading the body.
    pub(crate) async fn begin(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        self.client.request(request).await.unwrap()
    }

    /// The same, to be awaited elsewhere.
    pub(crate) fn begin_later(
        &self,
        request: Request<Full<Bytes>>,
    ) -> impl Future<Output = Response<Incoming>> + use<> {
        let answer = self.client.request(request);
        async move { answer.await.unwrap() }
    }

    /// Sends `text` as it is on a connection of its own, and returns all that comes back until the gateway
    /// closes it.
    pub(crate) async fn raw(&self, text: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Publishes a snapshot, and waits until it is enforced.
    pub(crate) async fn publish(&self, snapshot: Snapshot) {
        let revision = snapshot.revision;
        let mut applied = self.gateway.applied();
        self.snapshots.send_replace(Arc::new(snapshot));
        applied.wait_for(|applied| *applied == revision).await.unwrap();
    }
}

/// Everything until the other side closes or breaks the connection.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer).await {
        received.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&received).into_owned()
}

pub(crate) async fn read(response: Response<Incoming>) -> Answer {
    let (head, body) = response.into_parts();
    Answer { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and body in one, for comparing.
    pub(crate) fn summary(&self) -> (u16, &str) {
        (self.status.as_u16(), self.text())
    }
}

/// Waits until `done` is true; fails the test when that takes absurdly long.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waiting).await.is_ok(), "{what}");
}
