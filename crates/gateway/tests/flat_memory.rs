//! Large bodies stream through the gateway. A program of its own, because it looks at its own memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use gateway::{Gateway, GatewayConfig};
use postern::fingerprint::FingerprintKey;
use postern::name::ObjectId;
use postern::plugin::Plugins;
use postern::routing::{Node, Nodes, Route, Service, Upstream};
use postern::snapshot::Snapshot;
use postern::time::{Clock, Millis};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

const MEBIBYTE: usize = 1 << 20;
/// How much goes each way.
const BODY: usize = 100 * MEBIBYTE;
/// What may be under way at one moment, in all buffers together, and what the heap does not give back.
const ALLOWED: usize = 24 * MEBIBYTE;

/// An upstream server that reads a body of [`BODY`] and sends one; it keeps neither.
fn upstream() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                let rest = read_head(&mut stream);
                drain(&mut stream, BODY - rest);
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\nConnection: close\r\n\r\n").unwrap();
                fill(&mut stream);
            });
        }
    });
    address
}

/// Reads up to the end of the head, and answers how much of the body came with it.
fn read_head(stream: &mut TcpStream) -> usize {
    let (mut received, mut buffer) = (Vec::new(), vec![0; 16 * 1024]);
    loop {
        let length = stream.read(&mut buffer).unwrap();
        assert_ne!(length, 0, "the head broke off: {}", String::from_utf8_lossy(&received));
        received.extend_from_slice(&buffer[..length]);
        if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            return received.len() - end - 4;
        }
    }
}

fn drain(stream: &mut TcpStream, mut length: usize) {
    let mut buffer = vec![0; 64 * 1024];
    while length > 0 {
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the body broke off {length} bytes before its end");
        length -= read;
    }
}

fn fill(stream: &mut TcpStream) {
    let chunk = vec![b'x'; 64 * 1024];
    for _ in 0..BODY / chunk.len() {
        stream.write_all(&chunk).unwrap();
    }
}

/// The most memory this process has had so far, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn gateway(upstream: SocketAddr) -> Gateway {
    let id: ObjectId = "s".parse().unwrap();
    let node = Node { host: upstream.ip().to_string(), port: upstream.port(), weight: 1 };
    let upstream = Upstream::Nodes(Nodes { nodes: vec![node], ..Nodes::default() });
    let service = Service { id: id.clone(), name: "s".parse().unwrap(), upstream, plugins: Plugins::new() };
    let route = Route {
        id: "r".parse().unwrap(),
        service: id.clone(),
        name: "r".parse().unwrap(),
        paths: vec!["/*".parse().unwrap()],
        methods: Vec::new(),
        hosts: Vec::new(),
        plugins: Plugins::new(),
    };
    let empty = Snapshot::clone(&Snapshot::empty(FingerprintKey::new([1; 32])));
    let snapshot = Snapshot {
        revision: 1,
        services: Arc::new(BTreeMap::from([(id, service)])),
        routes: Arc::from([route]),
        ..empty
    };
    let (_sender, receiver) = watch::channel(Arc::new(snapshot));
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    Gateway::start("127.0.0.1:0".parse().unwrap(), config, Arc::new(Timeless), receiver).unwrap()
}

/// No plugin here asks what time it is.
struct Timeless;

impl Clock for Timeless {
    fn now(&self) -> Millis {
        Millis(0)
    }
}

fn exchange(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {BODY}\r\n\r\n").unwrap();
    fill(&mut stream);
    let rest = read_head(&mut stream);
    drain(&mut stream, BODY - rest);
}

#[tokio::test]
async fn a_hundred_mebibytes_up_and_down_need_no_memory_of_their_own() {
    let gateway = gateway(upstream());
    let address = gateway.local_addr();
    let before = peak();
    let clients: Vec<_> = (0..3).map(|_| std::thread::spawn(move || exchange(address))).collect();
    for client in clients {
        client.join().unwrap();
    }
    let grown = peak() - before;
    assert!(grown < ALLOWED, "{} MiB more for {} MiB each way", grown / MEBIBYTE, 3 * BODY / MEBIBYTE);
    gateway.shutdown(Duration::from_secs(20)).await;
}
