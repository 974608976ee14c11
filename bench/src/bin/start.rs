//! From the start of the program to the first request that its gateway lets pass, and to the first page of its dashboard,
//! with few consumers and with many; beside reading the same rows and doing nothing with them.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result, bail, ensure};
use backends::free_port;
use bench::traffic::Asker;
use bench::{House, circumstances, literal, open, quantile, store_consumers};
use postern::name::GroupName;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use store::{RowRef, StoreError};
use tempfile::TempDir;

/// How often each start is made.
const STARTS: usize = 7;
/// No start takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Milliseconds.
struct Found {
    request: f64,
    page: f64,
    rows: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().context("which program? dev/bench start names dist/postern")?;
    let mut counts = arguments.map(|count| count.parse()).collect::<Result<Vec<usize>, _>>()?;
    if counts.is_empty() {
        counts = vec![10, 100_000];
    }
    println!("{}", circumstances());
    println!("milliseconds from the start of {program}; medians of {STARTS} starts (quartiles)");
    println!(
        "{:>10} {:>28} {:>28} {:>28}",
        "consumers", "first request passes", "first page", "reading the rows alone"
    );
    for count in counts {
        let folder = TempDir::new()?;
        seed(folder.path(), count).await?;
        let mut found = Vec::new();
        for _ in 0..STARTS {
            found.push(start(Path::new(&program), folder.path(), count).await?);
        }
        let figures: [fn(&Found) -> f64; 3] = [|found| found.request, |found| found.page, |found| found.rows];
        let [request, page, rows] = figures.map(|figure| shown(found.iter().map(figure).collect()));
        println!("{count:>10} {request:>28} {page:>28} {rows:>28}");
    }
    Ok(())
}

fn shown(mut values: Vec<f64>) -> String {
    values.sort_by(f64::total_cmp);
    let [median, low, high] = [0.5, 0.25, 0.75].map(|share| quantile(&values, share));
    format!("{median:.0} ({low:.0}–{high:.0})")
}

/// A route for consumers with a key, and so many of them.
async fn seed(folder: &Path, consumers: usize) -> Result<()> {
    let house = House::start(folder).await?;
    house.publish_echo().await?;
    house.end().await;
    let (store, sealer) = open(folder).await?;
    store_consumers(&store, &sealer, consumers, |n| literal(key(n))).await?;
    store.close().await;
    Ok(())
}

fn key(n: usize) -> String {
    format!("key of consumer {n}")
}

async fn start(program: &Path, folder: &Path, consumers: usize) -> Result<Found> {
    let rows = rows_alone(folder).await?;
    let (dashboard, gateway) = (free_address(), free_address());
    let since = Instant::now();
    let mut child = Ended(
        Command::new(program)
            .arg("serve")
            .args(["--dashboard-addr", &dashboard.to_string(), "--gateway-addr", &gateway.to_string()])
            .arg("--data-dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?,
    );
    let last = key(consumers - 1);
    let request = first(&mut child, since, || Asker::connect(gateway).and_then(|mut asker| asker.status(&last)))?;
    let page = first(&mut child, since, || page(dashboard))?;
    Ok(Found { request, page, rows })
}

/// Asks until there is a good answer; how long that took.
fn first(child: &mut Ended, since: Instant, mut ask: impl FnMut() -> Result<u16>) -> Result<f64> {
    // Until then nobody listens, or who listens knows no consumer.
    while !ask().is_ok_and(|status| status == 200) {
        if let Some(status) = child.0.try_wait()? {
            bail!("the program ended by itself: {status}");
        }
        ensure!(since.elapsed() < PATIENCE, "the program never answers with 200");
        sleep(Duration::from_micros(500));
    }
    Ok(since.elapsed().as_secs_f64() * 1000.0)
}

/// The status of the overview, all of which has been read.
fn page(dashboard: SocketAddr) -> Result<u16> {
    let mut stream = TcpStream::connect(dashboard)?;
    write!(stream, "GET /g/default HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", dashboard.port())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")
}

/// How long it takes to read what the start reads.
async fn rows_alone(folder: &Path) -> Result<f64> {
    let (store, _) = open(folder).await?;
    let since = Instant::now();
    let look = |row: RowRef<'_>, bytes: &mut usize| {
        *bytes += row.spec.len();
        Ok::<_, StoreError>(())
    };
    let mut bytes = 0;
    store.scan(&GroupName::default_group(), look, |portion| bytes += portion).await?;
    let milliseconds = since.elapsed().as_secs_f64() * 1000.0;
    ensure!(bytes > 0, "there are no rows");
    store.close().await;
    Ok(milliseconds)
}

fn free_address() -> SocketAddr {
    ([127, 0, 0, 1], free_port()).into()
}

/// A program that is ended when it is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}
