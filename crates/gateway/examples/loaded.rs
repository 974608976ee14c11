//! A gateway for measurements: one worker, one route with key-auth, as many consumers as asked for.
//! `bench/gateway/run.py` runs it: `loaded UPSTREAM CONSUMERS [WORKERS]`.
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
    let workers = arguments.next().map_or(1, |workers| workers.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (sender, receiver) = watch::channel(Arc::new(snapshot(upstream, consumers)));
    let config = GatewayConfig { workers, ..GatewayConfig::default() };
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
    let fingerprint = next.fingerprint_key.of(format!("changed-{}", next.revision).as_bytes());
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

fn snapshot(upstream: SocketAddr, consumers: usize) -> Snapshot {
    let fingerprint_key = FingerprintKey::new([1; 32]);
    let key_auth = PluginConfig::parse(PluginName::KeyAuth, r#"{"hide_credentials": true}"#).unwrap();
    // It has no secret.
    let key_auth = key_auth.try_map(|_, _| Err::<LiveField, ()>(())).unwrap();
    let nodes = vec![Node { host: upstream.ip().to_string(), port: upstream.port(), weight: 1 }];
    let service = Service {
        id: "s".parse().unwrap(),
        name: "s".parse().unwrap(),
        upstream: Upstream::Nodes(Nodes { nodes, ..Nodes::default() }),
        plugins: Plugins::from([(PluginName::KeyAuth, key_auth)]),
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
    let key = |number| (fingerprint_key.of(format!("key-of-consumer-{number}").as_bytes()), credential(number));
    Snapshot {
        revision: 1,
        services: BTreeMap::from([("s".parse().unwrap(), service)]).into(),
        routes: [route].into(),
        consumers: Arc::default(),
        keys: (0..consumers).map(key).collect(),
        certificates: Arc::default(),
        fingerprint_key,
        session_key: None,
    }
}
