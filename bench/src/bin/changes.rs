//! Save to enforced: how long a change takes among so many consumers while requests come in, and what it does to them.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result, ensure};
use bench::traffic::Asker;
use bench::{
    House, circumstances, consumer, credential, in_own_process, literal, open, quantile, resident, store_consumers,
    to_measure,
};
use postern::control::{ControlPlane, Operator};
use postern::credential::Credential;
use postern::name::GroupName;
use postern::sensitive::Entered;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::interval;

/// In each round, requests come in for a while without a change, then for as long with changes.
const ROUNDS: usize = 5;
/// Credentials that are added, changed and deleted in each round: with [`EVERY`], as long as requests come in.
const CREDENTIALS: usize = 20;
/// From the beginning of one change to that of the next.
const EVERY: Duration = Duration::from_millis(50);
/// Requests in a second, for how many seconds, over how many connections.
const LOAD: [u32; 3] = [2000, 3, 16];

/// What one process found, in milliseconds.
#[derive(Default, Serialize, Deserialize)]
struct Figures {
    bytes_each: u64,
    /// From the call that saves to the first request that is answered as it says.
    enforced: Vec<f64>,
    /// One bare write to the same database.
    writes: Vec<f64>,
    /// Of requests, a round each.
    quiet: Vec<Load>,
    changing: Vec<Load>,
}

/// What the client at a fixed rate (`bench/gateway/paced.rs`) found.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Load {
    failed: usize,
    p50: f64,
    p99: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((folder, count)) = to_measure(&arguments)? {
        println!("{}", serde_json::to_string(&measure(folder, count).await?)?);
        return Ok(());
    }
    println!("{}", circumstances());
    println!("{} changes, one every {EVERY:?}, while {} requests a second come in", 3 * CREDENTIALS * ROUNDS, LOAD[0]);
    println!(
        "{:>10} {:>28} {:>28} {:>30} {:>14}",
        "consumers",
        "enforced: p50/p90/p99 ms",
        "bare write: p50/p90/p99 ms",
        "requests p99 ms: quiet/changing",
        "bytes for each"
    );
    let counts =
        if arguments.is_empty() { ["1000", "100000", "1000000"].map(str::to_owned).to_vec() } else { arguments };
    for count in counts {
        let consumers = count.parse()?;
        let folder = tempfile::TempDir::new()?;
        let (store, sealer) = open(folder.path()).await?;
        // As the client's requests name them.
        store_consumers(&store, &sealer, consumers, |n| literal(format!("key-of-consumer-{n}"))).await?;
        store.close().await;
        // A process for each, so that memory is measured from nothing.
        show(consumers, in_own_process(folder.path(), consumers)?);
    }
    Ok(())
}

fn show(consumers: usize, mut figures: Figures) {
    let spread = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        format!("{:.2} / {:.2} / {:.2}", quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99))
    };
    let (enforced, writes) = (spread(&mut figures.enforced), spread(&mut figures.writes));
    let median = |loads: &[Load]| {
        let mut values: Vec<f64> = loads.iter().map(|load| load.p99).collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5)
    };
    let (quiet, changing) = (median(&figures.quiet), median(&figures.changing));
    let loads = format!("{quiet:.2} / {changing:.2} = {:.2}", changing / quiet);
    println!("{consumers:>10} {enforced:>28} {writes:>28} {loads:>30} {:>14}", figures.bytes_each);
}

async fn measure(folder: &Path, consumers: usize) -> Result<Figures> {
    let before = resident()?;
    let house = House::start(folder).await?;
    house.until_armed(consumers).await?;
    let bytes_each = resident()?.saturating_sub(before) / consumers.max(1) as u64;
    house.publish_echo().await?;
    let mut figures = Figures { bytes_each, ..Figures::default() };
    let mut asker = Asker::connect(house.address())?;
    for round in 0..ROUNDS {
        figures.quiet.push(load(house.address(), consumers).await?);
        let (loaded, changed) =
            tokio::join!(load(house.address(), consumers), change(&house, asker, round, &mut figures));
        asker = changed?;
        figures.changing.push(loaded?);
    }
    let failed = figures.quiet.iter().chain(&figures.changing).map(|load| load.failed).sum::<usize>();
    ensure!(failed == 0, "{failed} requests failed");
    house.end().await;
    Ok(figures)
}

/// Requests at a fixed rate, from a process of their own.
async fn load(gateway: SocketAddr, consumers: usize) -> Result<Load> {
    let program = std::env::current_exe()?.with_file_name("paced");
    let mut command = Command::new(program);
    command.arg(gateway.to_string()).arg(consumers.to_string()).args(LOAD.map(|number| number.to_string()));
    command.stderr(Stdio::inherit());
    let output = spawn_blocking(move || command.output()).await?.context("dev/bench builds the client")?;
    ensure!(output.status.success(), "the client ended with {}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// One round of changes, at their pace.
async fn change(house: &House, mut asker: Asker, round: usize, figures: &mut Figures) -> Result<Asker> {
    let (operator, group) = (Operator { name: "bench".to_owned() }, GroupName::default_group());
    let mut due = interval(EVERY);
    let mut took;
    for n in 0..CREDENTIALS {
        let (added, changed) = (format!("added {round} {n}"), format!("changed {round} {n}"));
        due.tick().await;
        let adding = house.control.add_credential(&operator, &group, named("new", &added, &added)?);
        let stored;
        (asker, took, stored) = until(asker, &added, 200, adding).await?;
        figures.enforced.push(took);
        due.tick().await;
        let stored = stored.stored;
        let saved = named(stored.object.id.as_str(), &added, &changed)?;
        let saving = house.control.save_credential(&operator, &group, stored.revision, saved);
        (asker, took, _) = until(asker, &changed, 200, saving).await?;
        figures.enforced.push(took);
        due.tick().await;
        let deleting = house.control.delete_credential(&operator, &group, &stored.object.id);
        (asker, took, ()) = until(asker, &changed, 401, deleting).await?;
        figures.enforced.push(took);
        let started = Instant::now();
        house.store.set_fact("bench", &n.to_string()).await?;
        figures.writes.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(asker)
}

fn named(id: &str, name: &str, key: &str) -> Result<Credential<Entered>> {
    let mut credential = credential(id, &consumer("consumer-0")?, literal(key.to_owned()))?;
    credential.name = name.parse()?;
    Ok(credential)
}

/// Makes a change; answers after how many milliseconds requests with the key were answered with this status.
async fn until<T, E: Into<anyhow::Error>>(
    mut asker: Asker,
    key: &str,
    status: u16,
    change: impl Future<Output = Result<T, E>>,
) -> Result<(Asker, f64, T)> {
    let (since, key) = (Instant::now(), key.to_owned());
    let asking = spawn_blocking(move || asker.until(&key, status, since).map(|took| (asker, took)));
    let made = change.await.map_err(Into::into)?;
    let (asker, took) = asking.await??;
    Ok((asker, took.as_secs_f64() * 1000.0, made))
}
