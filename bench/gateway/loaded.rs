//! A gateway for measurements: one worker, one route with key-auth, as many consumers as asked for.
//! `run.py` runs it: `loaded UPSTREAM CONSUMERS [limited]`; with `limited` the route has limit-count, too.
//! `loaded UPSTREAM CONSUMERS trained FOLDER` has a route for each kind of credential, and shows the certificate
//! in the folder to those who come over TLS: what a release build learns from.
//!
//! It prints its address, then answers each line on standard input, and ends with it: `change` gives one
//! consumer a new key and prints the microseconds until that is enforced; `tls` prints the address for TLS.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers: it prints, or stops")]

use gateway::{Gateway, GatewayConfig};
use postern::credential::{CredentialType, JwtAlgorithm};
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{Node, Nodes, Route, Service, Upstream};
use postern::sensitive::Plain;
use postern::snapshot::{KeyCredential, LiveField, Prepared, Proof, Snapshot, SnapshotCertificate, SnapshotConsumer};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The program's own (`server/src/main.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// It is always the moment of [`DATE`]: what was signed then is good.
struct ThatMoment;

/// The date that requests of `run.py` have signed, in milliseconds since 1970: Fri, 06 Sep 2024 06:41:29 GMT.
const DATE: u64 = 1_725_604_889_000;

impl postern::time::Clock for ThatMoment {
    fn now(&self) -> postern::time::Millis {
        postern::time::Millis(DATE)
    }
}

/// What is measured.
#[derive(Clone, PartialEq)]
enum Kind {
    KeyAuth,
    /// With limit-count besides.
    Limited,
    /// Everything that a release build learns from. The certificate lies in the folder.
    Trained(PathBuf),
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let upstream = arguments.next().unwrap().parse().unwrap();
    let consumers = arguments.next().unwrap().parse().unwrap();
    let kind = match arguments.next().as_deref() {
        None => Kind::KeyAuth,
        Some("limited") => Kind::Limited,
        Some("trained") => Kind::Trained(arguments.next().unwrap().into()),
        Some(other) => panic!("there is no kind {other}"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, receiver) = watch::channel(Arc::new(snapshot(upstream, consumers, &kind)));
    let tls_addr = matches!(kind, Kind::Trained(_)).then(|| "127.0.0.1:0".parse().unwrap());
    let config = GatewayConfig { workers: 1, tls_addr, ..GatewayConfig::default() };
    let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), config, Arc::new(ThatMoment), receiver).unwrap();
    println!("{}", gateway.local_addr());
    for line in std::io::stdin().lock().lines() {
        match line.unwrap().as_str() {
            "change" => println!("{}", runtime.block_on(change(&sender, &gateway)).as_micros()),
            "tls" => println!("{}", gateway.tls_addr().unwrap()),
            other => panic!("'{other}' asks for nothing"),
        }
    }
    runtime.block_on(gateway.shutdown(Duration::from_secs(5)));
}

/// Gives one consumer another key, and waits until the gateway enforces it.
async fn change(snapshots: &watch::Sender<Arc<Snapshot>>, gateway: &Gateway) -> Duration {
    let before = Arc::clone(&snapshots.borrow());
    let began = Instant::now();
    let mut next = Snapshot { revision: before.revision + 1, ..Snapshot::clone(&before) };
    let fingerprint = next.fingerprint_key.of_key(format!("changed-{}", next.revision).as_bytes());
    next.keys.insert(fingerprint, credential(0));
    let wanted = next.revision;
    snapshots.send_replace(Arc::new(next));
    gateway.applied().wait_for(|applied| *applied >= wanted).await.unwrap();
    began.elapsed()
}

fn credential(number: usize) -> KeyCredential {
    let consumer = SnapshotConsumer { name: format!("consumer-{number}").parse().unwrap(), custom_id: None };
    KeyCredential { consumer: Arc::new(consumer), credential: format!("key-of-{number}").parse().unwrap(), proof: None }
}

/// A plugin without a secret.
fn plugin(name: PluginName, json: &str) -> (PluginName, PluginConfig<LiveField>) {
    let config = PluginConfig::parse(name, json).unwrap();
    (name, config.try_map(|_, _| Err::<LiveField, ()>(())).unwrap())
}

fn routes(kind: &Kind) -> Vec<Route<LiveField>> {
    let limit = r#"{"count": 1000000000, "time_window": 3600, "key": "consumer_name"}"#;
    let key_auth = plugin(PluginName::KeyAuth, r#"{"hide_credentials": true}"#);
    let limit = plugin(PluginName::LimitCount, limit);
    match kind {
        Kind::KeyAuth => vec![route("/ip", [key_auth].into())],
        Kind::Limited => vec![route("/ip", [key_auth, limit].into())],
        Kind::Trained(_) => vec![
            route("/ip", [key_auth.clone()].into()),
            route("/limited", [key_auth, limit].into()),
            route("/basic", [plugin(PluginName::BasicAuth, "{}")].into()),
            route("/jwt", [plugin(PluginName::JwtAuth, "{}")].into()),
            route("/hmac", [plugin(PluginName::HmacAuth, "{}")].into()),
        ],
    }
}

fn route(path: &str, plugins: Plugins<LiveField>) -> Route<LiveField> {
    let name = path.trim_start_matches('/');
    Route {
        id: name.parse().unwrap(),
        service: "s".parse().unwrap(),
        name: name.parse().unwrap(),
        paths: vec![path.parse().unwrap()],
        methods: Vec::new(),
        hosts: Vec::new(),
        plugins,
    }
}

/// alice, whom requests name, with what `run.py` has to show for her.
fn alice(key: &FingerprintKey) -> Vec<(Fingerprint, KeyCredential)> {
    let prepared = |text: &str| (key.of(text.as_bytes()), Plain::new(text.to_owned()));
    let (of, secret) = prepared("alice-secret");
    let jwt = signatures::jwt_key(JwtAlgorithm::Hs256, false, &secret).unwrap();
    let jwt = Proof::Jwt { algorithm: JwtAlgorithm::Hs256, grace_seconds: 0, key: Prepared { of, keys: jwt } };
    let (of, secret) = prepared("alice-secret-key");
    let hmac = Proof::HttpSignature(Prepared { of, keys: signatures::http_signature_keys(&secret).into() });
    let named = |kind: CredentialType, name: &str, proof| {
        let proof = Some(Arc::new(proof));
        (key.of_name(kind.slug(), name.as_bytes()), KeyCredential { proof, ..credential(0) })
    };
    vec![
        named(CredentialType::BasicAuth, "alice", Proof::Password(key.of(b"alice-password"))),
        named(CredentialType::JwtAuth, "alice-key", jwt),
        named(CredentialType::HmacAuth, "alice-keyid", hmac),
    ]
}

/// The certificate that lies in the folder, for localhost.
fn certificate(folder: &Path, key: &FingerprintKey) -> SnapshotCertificate {
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let (chain, private_key) = (read("cert.pem"), read("key.pem"));
    SnapshotCertificate {
        id: "c".parse().unwrap(),
        hosts: vec!["localhost".parse().unwrap()],
        fingerprint: key.of(private_key.as_bytes()),
        chain: Arc::new(Plain::new(chain)),
        private_key: Arc::new(Plain::new(private_key)),
    }
}

fn snapshot(upstream: SocketAddr, consumers: usize, kind: &Kind) -> Snapshot {
    let fingerprint_key = FingerprintKey::new([1; 32]);
    let nodes = vec![Node { host: upstream.ip().to_string(), port: upstream.port(), weight: 1 }];
    let service = Service {
        id: "s".parse().unwrap(),
        name: "s".parse().unwrap(),
        upstream: Upstream::Nodes(Nodes { nodes, ..Nodes::default() }),
        plugins: Plugins::new(),
    };
    let key = |number| (fingerprint_key.of_key(format!("key-of-consumer-{number}").as_bytes()), credential(number));
    let (more, certificates) = match kind {
        Kind::KeyAuth | Kind::Limited => (Vec::new(), Vec::new()),
        Kind::Trained(folder) => (alice(&fingerprint_key), vec![certificate(folder, &fingerprint_key)]),
    };
    Snapshot {
        revision: 1,
        services: BTreeMap::from([("s".parse().unwrap(), service)]).into(),
        routes: routes(kind).into(),
        consumers: Arc::default(),
        keys: (0..consumers).map(key).chain(more).collect(),
        consumer_plugins: Arc::default(),
        global_plugins: Arc::default(),
        plugin_metadata: Arc::default(),
        certificates: certificates.into(),
        withheld: Arc::default(),
        fingerprint_key,
        session_key: None,
    }
}
