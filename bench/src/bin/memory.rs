//! What a consumer with one key weighs in the whole process, where that lies, and how long a start on so many takes.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result};
use bench::{House, circumstances, in_own_process, literal, open, resident, store_consumers, to_measure};
use cap::Cap;
use mimalloc::MiMalloc;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::{Duration, Instant};

/// The program's allocator, counted.
#[global_allocator]
static ALLOCATOR: Cap<MiMalloc> = Cap::new(MiMalloc, usize::MAX);

/// How often each start is made; the median is told.
const STARTS: usize = 3;

/// What one process found, in bytes and milliseconds.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Figures {
    /// Resident, once the gateway enforces everything and the allocator has given back what it does not need.
    resident: usize,
    /// Allocated by all of the program.
    all: usize,
    /// Allocated by what only the gateway needs: the snapshot.
    snapshot: usize,
    /// From the beginning of the process to the gateway enforcing everything.
    enforced_ms: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((folder, count)) = to_measure(&arguments)? {
        println!("{}", serde_json::to_string(&measure(folder, count).await?)?);
        return Ok(());
    }
    let counts = if arguments.is_empty() { vec!["100000".to_owned(), "1000000".to_owned()] } else { arguments };
    let nobody = of(0).await?;
    println!("{}", circumstances());
    println!(
        "without consumers: {:.1} MiB resident, enforced {:.0} ms after the process began",
        mebibytes(nobody.resident),
        nobody.enforced_ms
    );
    println!(
        "{:>10} {:>17} {:>18} {:>18} {:>18} {:>14}",
        "consumers", "resident, B each", "allocated, B each", "of it: gateway", "control plane", "enforced, ms"
    );
    for count in counts {
        let count: usize = count.parse()?;
        let found = of(count).await?;
        let each = |of: fn(&Figures) -> usize| of(&found).saturating_sub(of(&nobody)) / count.max(1);
        println!(
            "{count:>10} {:>17} {:>18} {:>18} {:>18} {:>14.0}",
            each(|figures| figures.resident),
            each(|figures| figures.all),
            each(|figures| figures.snapshot),
            each(|figures| figures.all - figures.snapshot),
            found.enforced_ms
        );
    }
    Ok(())
}

/// The median process among several that start on so many consumers.
async fn of(count: usize) -> Result<Figures> {
    let folder = tempfile::TempDir::new()?;
    let (store, sealer) = open(folder.path()).await?;
    store_consumers(&store, &sealer, count, |n| literal(format!("key of consumer {n}"))).await?;
    store.close().await;
    let mut found = Vec::new();
    for _ in 0..STARTS {
        found.push(in_own_process::<Figures>(folder.path(), count)?);
    }
    found.sort_by(|one, other| one.enforced_ms.total_cmp(&other.enforced_ms));
    found.get(STARTS / 2).copied().context("no start")
}

async fn measure(folder: &Path, consumers: usize) -> Result<Figures> {
    let started = Instant::now();
    let house = House::start(folder).await?;
    house.until_armed(consumers).await?;
    let enforced_ms = started.elapsed().as_secs_f64() * 1000.0;
    settle().await?;
    let (resident, all) = (usize::try_from(resident()?)?, ALLOCATOR.allocated());
    // What is left of it when everything but the snapshot has gone, and what it takes with it then.
    let snapshot = house.control.snapshots().borrow().clone();
    house.end().await;
    settle().await?;
    let with = ALLOCATOR.allocated();
    drop(snapshot);
    let snapshot = with.saturating_sub(ALLOCATOR.allocated());
    Ok(Figures { resident, all, snapshot, enforced_ms })
}

/// Returns when memory does not shrink any more.
async fn settle() -> Result<()> {
    let mut before = u64::MAX;
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let now = resident()?;
        if now >= before {
            return Ok(());
        }
        before = now;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to be printed")]
fn mebibytes(bytes: usize) -> f64 {
    bytes as f64 / 1_048_576.0
}
