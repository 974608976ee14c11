//! Save to enforced: how long a change takes among so many consumers, and what each of them weighs.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Result, ensure};
use bench::{House, circumstances, consumer, credential, literal, open, quantile, resident, store_consumers};
use postern::control::{ControlPlane, Operator};
use postern::name::GroupName;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// How many credentials are added, changed and deleted.
const CREDENTIALS: usize = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [word, folder, count] = arguments.as_slice()
        && word == "measure"
    {
        return measure(Path::new(folder), count.parse()?).await;
    }
    println!("{}", circumstances());
    println!(
        "a change until the gateway enforces it, and for comparison one bare write to the same database; {} changes for each line",
        3 * CREDENTIALS
    );
    println!(
        "{:>10} {:>34} {:>34} {:>14}",
        "consumers", "change: p50 / p90 / p99 ms", "write: p50 / p90 / p99 ms", "bytes for each"
    );
    let counts =
        if arguments.is_empty() { vec!["1000".to_owned(), "10000".to_owned(), "100000".to_owned()] } else { arguments };
    for count in counts {
        let folder = tempfile::TempDir::new()?;
        let (store, sealer) = open(folder.path()).await?;
        store_consumers(&store, &sealer, count.parse()?, |n| literal(format!("key of consumer {n}"))).await?;
        store.close().await;
        // A process for each, so that memory is measured from nothing.
        let status = Command::new(std::env::current_exe()?).arg("measure").arg(folder.path()).arg(&count).status()?;
        ensure!(status.success(), "the measured process ended with {status}");
    }
    Ok(())
}

async fn measure(folder: &Path, consumers: usize) -> Result<()> {
    let before = resident()?;
    let house = House::start(folder).await?;
    house.until_armed(consumers).await?;
    let weight = resident()?.saturating_sub(before) / consumers.max(1) as u64;

    let (operator, group) = (Operator { name: "bench".to_owned() }, GroupName::default_group());
    let owner = consumer("consumer-0")?;
    let mut changes = Vec::new();
    let mut writes = Vec::new();
    for n in 0..CREDENTIALS {
        let mut new = credential("new", &owner, literal(format!("added {n}")))?;
        new.name = format!("added {n}").parse()?;
        let started = Instant::now();
        let added = house.control.add_credential(&operator, &group, new).await?.stored;
        changes.push(milliseconds(started));
        let mut changed = credential(added.object.id.as_str(), &owner, literal(format!("changed {n}")))?;
        changed.name = added.object.name.clone();
        let started = Instant::now();
        house.control.save_credential(&operator, &group, added.revision, changed).await?;
        changes.push(milliseconds(started));
        let started = Instant::now();
        house.control.delete_credential(&operator, &group, &added.object.id).await?;
        changes.push(milliseconds(started));
        let started = Instant::now();
        house.store.set_fact("bench", &n.to_string()).await?;
        writes.push(milliseconds(started));
    }
    changes.sort_by(f64::total_cmp);
    writes.sort_by(f64::total_cmp);
    let shown = |values: &[f64]| {
        format!("{:.2} / {:.2} / {:.2}", quantile(values, 0.5), quantile(values, 0.9), quantile(values, 0.99))
    };
    println!("{consumers:>10} {:>34} {:>34} {weight:>14}", shown(&changes), shown(&writes));
    house.end().await;
    Ok(())
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1000.0
}
