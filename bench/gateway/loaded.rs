//! A gateway for measurements: one worker, one route with key-auth, as many consumers as asked for.
//! `run.py` runs it: `loaded UPSTREAM CONSUMERS [limited]`; with `limited` the route has limit-count, too.
//!
//! It prints its address, then answers each line on standard input, and ends with it: `change` gives one
//! consumer a new key and prints the microseconds until that is enforced.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers: it prints, or stops")]

use gateway::{Gateway, GatewayConfig};
use postern::fingerprint::FingerprintKey;
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{Node, Nodes, Route, Service, Upstream};
use postern::snapshot::{KeyCredential, LiveField, Snapshot, SnapshotConsumer};
use std::collections::BTreeMap;
use std::io::BufRead;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// The program's own (`server/src/main.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Keys ask for no time.
struct NoTime;

impl postern::time::Clock for NoTime {
    fn now(&self) -> postern::time::Millis {
        postern::time::Millis(0)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let upstream = arguments.next().unwrap().parse().unwrap();
    let consumers = arguments.next().unwrap().parse().unwrap();
    let is_limited = arguments.next().is_some_and(|word| word == "limited");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, receiver) = watch::channel(Arc::new(snapshot(upstream, consumers, is_limited)));
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), config, Arc::new(NoTime), receiver).unwrap();
    println!("{}", gateway.local_addr());
    for line in std::io::stdin().lock().lines() {
        if line.unwrap() == "change" {
            let took = runtime.block_on(change(&sender, &gateway));
            println!("{}", took.as_micros());
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

fn plugins(is_limited: bool) -> Plugins<LiveField> {
    let limit = r#"{"count": 1000000000, "time_window": 3600, "key": "consumer_name"}"#;
    let key_auth = plugin(PluginName::KeyAuth, r#"{"hide_credentials": true}"#);
    let limit = is_limited.then(|| plugin(PluginName::LimitCount, limit));
    [key_auth].into_iter().chain(limit).collect()
}

fn snapshot(upstream: SocketAddr, consumers: usize, is_limited: bool) -> Snapshot {
    let fingerprint_key = FingerprintKey::new([1; 32]);
    let nodes = vec![Node { host: upstream.ip().to_string(), port: upstream.port(), weight: 1 }];
    let service = Service {
        id: "s".parse().unwrap(),
        name: "s".parse().unwrap(),
        upstream: Upstream::Nodes(Nodes { nodes, ..Nodes::default() }),
        plugins: plugins(is_limited),
    };
    let route = Route {
        id: "r".parse().unwrap(),
        service: "s".parse().unwrap(),
        name: "r".parse().unwrap(),
        paths: vec!["/ip".parse().unwrap()],
        methods: Vec::new(),
        hosts: Vec::new(),
        plugins: Plugins::new(),
    };
    let key = |number| (fingerprint_key.of_key(format!("key-of-consumer-{number}").as_bytes()), credential(number));
    Snapshot {
        revision: 1,
        services: BTreeMap::from([("s".parse().unwrap(), service)]).into(),
        routes: [route].into(),
        consumers: Arc::default(),
        keys: (0..consumers).map(key).collect(),
        consumer_plugins: Arc::default(),
        global_plugins: Arc::default(),
        plugin_metadata: Arc::default(),
        certificates: Arc::default(),
        withheld: Arc::default(),
        fingerprint_key,
        session_key: None,
    }
}
