//! Requests at a fixed rate, whatever becomes of those before: `paced ADDRESS CONSUMERS REQUESTS-A-SECOND SECONDS CONNECTIONS`.
//!
//! Each latency is counted from the moment the request was due. So one that could not be sent in time, because the
//! connection still waited for the answer before, is as late as whoever wanted it would find it, and a gateway that
//! stops for a moment cannot hide that by being asked less. Prints one line of JSON, times in milliseconds.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for developers: it prints, or stops")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// How long all connections have to be opened before the first request is due.
const BEFORE: Duration = Duration::from_millis(100);

/// One connection, and when its requests are due.
#[derive(Clone, Copy)]
struct Pace {
    server: SocketAddr,
    consumers: u64,
    first: Instant,
    step: Duration,
    end: Instant,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize| arguments[index].parse::<u32>().unwrap();
    let (consumers, rate, seconds, connections) = (number(1), number(2), number(3), number(4));
    let start = Instant::now() + BEFORE;
    let pace = |connection| Pace {
        server: arguments[0].parse().unwrap(),
        consumers: consumers.into(),
        first: start + Duration::from_secs(1) * connection / rate,
        step: Duration::from_secs(1) * connections / rate,
        end: start + Duration::from_secs(seconds.into()),
    };
    let asking: Vec<_> = (0..connections).map(|n| (pace(n), n)).map(|(pace, n)| spawn(move || ask(pace, n))).collect();
    let answered: Vec<(Vec<Duration>, usize)> = asking.into_iter().map(|thread| thread.join().unwrap()).collect();
    let failed: usize = answered.iter().map(|(_, failed)| failed).sum();
    let mut latencies: Vec<Duration> = answered.into_iter().flat_map(|(latencies, _)| latencies).collect();
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1000.0;
    let requests = latencies.len();
    println!(r#"{{"requests": {requests}, "failed": {failed}, "p50": {:.4}, "p99": {:.4}}}"#, at(50), at(99));
}

/// All requests of one connection: how late each answer was, and how many were not 200.
fn ask(pace: Pace, seed: u32) -> (Vec<Duration>, usize) {
    let mut stream = TcpStream::connect(pace.server).unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut latencies, mut failed, mut random) = (Vec::new(), 0, u64::from(seed) + 4711);
    let mut due = pace.first;
    while due < pace.end {
        // Knuth's MMIX generator: any will do that does not ask for the same consumer each time.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let consumer = (random >> 33) % pace.consumers;
        let request = format!("GET /ip HTTP/1.1\r\nHost: localhost\r\napikey: key-of-consumer-{consumer}\r\n\r\n");
        sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(request.as_bytes()).unwrap();
        failed += usize::from(!answered(&mut stream));
        latencies.push(due.elapsed());
        due += pace.step;
    }
    (latencies, failed)
}

/// Reads one answer to its end; says whether it was 200.
fn answered(stream: &mut TcpStream) -> bool {
    let (mut received, mut filled) = ([0; 4096], 0);
    loop {
        let read = stream.read(&mut received[filled..]).unwrap();
        assert!(read > 0, "a connection was closed before its answer was whole");
        filled += read;
        if let Some(length) = whole(&received[..filled]) {
            assert!(filled <= length, "more than one answer");
            if filled == length {
                return received.starts_with(b"HTTP/1.1 200");
            }
        }
    }
}

/// How long the answer is with its head, once that is there.
fn whole(received: &[u8]) -> Option<usize> {
    let text = str::from_utf8(received).unwrap();
    let (head, _) = text.split_once("\r\n\r\n")?;
    let named = |line: &str| {
        let (_, value) = line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
        value.trim().parse().ok()
    };
    let body: usize = head.lines().find_map(named).unwrap();
    Some(head.len() + 4 + body)
}
