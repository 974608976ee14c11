//! Compares the CPU time per request of the gateway, key-auth included, with that of nginx as a plain
//! proxy, in alternating rounds on the same machine: the ratio holds on a busy machine, the times do not.
//!
//! Run it with `cargo run --release -p gateway --example beside_nginx`. It needs Linux, and nginx on PATH.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers: it prints, or stops")]

use gateway::{Gateway, GatewayConfig};
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use postern::fingerprint::FingerprintKey;
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::routing::{Node, Route, Service, Upstream};
use postern::snapshot::{KeyCredential, Snapshot, SnapshotConsumer};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

const ROUNDS: usize = 9;
const CONNECTIONS: usize = 32;
const REQUESTS_PER_CONNECTION: usize = 400;
const CONSUMERS: usize = 100_000;

/// A process that is ended with the measurement.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match std::env::args().nth(1) {
        Some(upstream) => runtime.block_on(be_the_gateway(upstream.parse().unwrap())),
        None => runtime.block_on(compare()),
    }
}

async fn compare() {
    let folder = tempfile::tempdir().unwrap();
    let upstream = nginx(folder.path(), "upstream", "return 200 '{\"origin\":\"127.0.0.1\"}';", "");
    let pool = format!("upstream u {{ server {}; keepalive 64; }}", upstream.address);
    let pass = "proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection \"\";
        proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;";
    let nginx = nginx(folder.path(), "proxy", pass, &pool);
    let gateway = gateway(upstream.address);
    let mut ratios = Vec::new();
    println!("CPU time per request in microseconds, {CONNECTIONS} connections, {CONSUMERS} consumers");
    for round in 0..=ROUNDS {
        let (ours, theirs) = (cpu_per_request(&gateway).await, cpu_per_request(&nginx).await);
        if round == 0 {
            continue; // Warming up.
        }
        println!("round {round}: gateway {ours:.1}, nginx {theirs:.1}, ratio {:.2}", ours / theirs);
        ratios.push(ours / theirs);
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2}", ratios[ratios.len() / 2]);
}

/// Sends one round of requests and returns the microseconds of CPU time the server spent on each.
async fn cpu_per_request(server: &Server) -> f64 {
    let before = cpu_nanos(server.child.id());
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..CONNECTIONS {
        clients.spawn(send_requests(server.address, number));
    }
    clients.join_all().await;
    let spent = cpu_nanos(server.child.id()) - before;
    spent as f64 / 1000.0 / (CONNECTIONS * REQUESTS_PER_CONNECTION) as f64
}

async fn send_requests(address: SocketAddr, seed: usize) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for number in 0..REQUESTS_PER_CONNECTION {
        let key = key_of((seed * 7919 + number * 104_729) % CONSUMERS);
        let request = Request::get("/ip").header("host", "localhost").header("apikey", key);
        let response = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        response.into_body().collect().await.unwrap();
        sender.ready().await.unwrap();
    }
}

/// The CPU time of every thread of a process.
fn cpu_nanos(process: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let on_cpu = |thread: std::fs::DirEntry| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    threads.map(|thread| on_cpu(thread.unwrap())).sum()
}

fn nginx(folder: &Path, name: &str, location: &str, extra: &str) -> Server {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = folder.join(name);
    std::fs::create_dir(&folder).unwrap();
    let home = folder.display();
    let text = format!(
        "daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
         events {{ worker_connections 1024; }}
         http {{ access_log off; keepalive_requests 1000000; client_body_temp_path {home}/body;
           proxy_temp_path {home}/proxy; fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
           {extra} server {{ listen {address}; location / {{ {location} }} }} }}"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    let child = Command::new("nginx").arg("-c").arg(&file).arg("-e").arg(folder.join("start.log")).spawn().unwrap();
    while TcpStream::connect(address).is_err() {
        std::thread::yield_now();
    }
    Server { child, address }
}

fn gateway(upstream: SocketAddr) -> Server {
    let program = std::env::current_exe().unwrap();
    let mut child =
        Command::new(program).arg(upstream.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Server { child, address: line.trim().parse().unwrap() }
}

/// The other process: a gateway with one worker and many consumers.
async fn be_the_gateway(upstream: SocketAddr) {
    let (_sender, receiver) = tokio::sync::watch::channel(Arc::new(snapshot(upstream)));
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), config, receiver).unwrap();
    println!("{}", gateway.local_addr());
    std::future::pending::<()>().await;
}

fn key_of(number: usize) -> String {
    format!("key-of-consumer-{number}")
}

fn snapshot(upstream: SocketAddr) -> Snapshot {
    let fingerprint_key = FingerprintKey::new([1; 32]);
    let key_auth = PluginConfig::parse(PluginName::KeyAuth, r#"{"hide_credentials": true}"#).unwrap();
    let nodes = vec![Node { host: upstream.ip().to_string(), port: upstream.port(), weight: 1 }];
    let service = Service {
        id: "s".parse().unwrap(),
        name: "s".parse().unwrap(),
        upstream: Upstream::Nodes { nodes },
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
    let key = |n: usize| {
        let consumer = SnapshotConsumer { name: format!("consumer-{n}").parse().unwrap(), custom_id: None };
        let key = KeyCredential { consumer: Arc::new(consumer), credential: "primary-key".parse().unwrap() };
        (fingerprint_key.of(key_of(n).as_bytes()), key)
    };
    Snapshot {
        revision: 1,
        services: BTreeMap::from([("s".parse().unwrap(), service)]).into(),
        routes: [route].into(),
        consumers: Arc::default(),
        keys: (0..CONSUMERS).map(key).collect(),
        fingerprint_key,
    }
}
