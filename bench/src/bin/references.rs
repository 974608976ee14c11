//! From nothing to every reference resolved and enforced: how long, with how many reads, in how much memory.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result, ensure};
use backends::OpenBao;
use bench::{
    House, bare_read, bare_reads, circumstances, in_own_process, open, quantile, reference, resident, store_consumers,
    to_measure,
};
use futures_util::stream::{StreamExt, iter};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

/// How many reads stand for those of a client that reads once for each reference, one after the other.
const SAMPLE: usize = 300;

/// How often the bare client reads everything.
const ROUNDS: usize = 5;

/// How many secrets there are, and how many references into each.
#[derive(Clone, Copy)]
struct Size {
    secrets: usize,
    keys: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((folder, count)) = to_measure(&arguments)? {
        return measure(folder, count).await;
    }
    let number = |index: usize, otherwise| arguments.get(index).map_or(Ok(otherwise), |text| text.parse::<usize>());
    let size = Size { secrets: number(0, 1_000)?, keys: number(1, 100)? };
    let references = size.secrets * size.keys;

    let bao = OpenBao::start().await;
    let folder = tempfile::TempDir::new()?;
    println!("seeding {} secrets of {} keys, and {references} consumers", size.secrets, size.keys);
    seed(&bao, folder.path(), size).await?;
    ensure!(bao.reads_below("secret/data/") == 0, "seeding read something");

    let measured: Value = in_own_process(folder.path(), references)?;
    let reads = bao.reads_below("secret/data/bench/");
    let bare = bare_client(&bao, size).await?;
    let naive = one_by_one(&bao, size).await?;

    let figure = |name: &str| measured[name].as_f64().with_context(|| name.to_owned());
    let (loaded, seconds) = (figure("loaded")?, figure("seconds")?);
    let bytes = measured["resident"].as_u64().context("resident")?;
    println!("\n{}", circumstances());
    println!("references, over secrets      {references} over {}", size.secrets);
    println!("reads, by OpenBao's audit log {reads}");
    println!("until the database is read    {loaded:.2} s");
    println!("until each is enforced        {seconds:.2} s; {:.2} s of it resolving", seconds - loaded);
    println!("the same reads, bare client   {bare:.2} s (median of {ROUNDS}); ratio {:.2}", (seconds - loaded) / bare);
    println!(
        "one read for each reference   {:.1} s, from {SAMPLE} one after the other; ratio {:.3}",
        naive * count(references),
        seconds / (naive * count(references))
    );
    println!(
        "resident memory, grown by     {:.1} MiB; {} bytes for each reference with its consumer",
        count(usize::try_from(bytes)?) / 1_048_576.0,
        bytes / references as u64
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to be printed")]
fn count(n: usize) -> f64 {
    n as f64
}

async fn seed(bao: &OpenBao, folder: &Path, size: Size) -> Result<()> {
    let writes = iter(0..size.secrets).map(|secret| async move {
        let value =
            |key| (format!("key-{key}"), json!(format!("the key {key} of secret {secret}, as random as it gets")));
        let keys: serde_json::Map<String, Value> = (0..size.keys).map(value).collect();
        bao.put(&format!("bench/{secret}"), keys.into()).await;
    });
    writes.buffer_unordered(8).collect::<Vec<()>>().await;
    let house = House::start(folder).await?;
    house.add_vault(&bao.url(), bao.root()).await?;
    house.end().await;
    let (store, sealer) = open(folder).await?;
    let key = |n: usize| reference(format!("$secret://vault/bench/{}/key-{}", n / size.keys, n % size.keys));
    store_consumers(&store, &sealer, size.secrets * size.keys, key).await?;
    store.close().await;
    Ok(())
}

/// What is measured: a start on what is stored, until the gateway enforces every key.
async fn measure(folder: &Path, references: usize) -> Result<()> {
    let before = resident()?;
    let started = Instant::now();
    let house = House::start(folder).await?;
    let loaded = started.elapsed().as_secs_f64();
    house.until_armed(references).await?;
    let seconds = started.elapsed().as_secs_f64();
    let grown = resident()?.saturating_sub(before);
    println!("{}", json!({ "loaded": loaded, "seconds": seconds, "resident": grown }));
    house.end().await;
    Ok(())
}

/// The median of several times that a bare client reads everything.
async fn bare_client(bao: &OpenBao, size: Size) -> Result<f64> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push(bare_reads(size.secrets, bao.root(), |secret| url(bao, secret)).await?);
    }
    rounds.sort_by(f64::total_cmp);
    Ok(quantile(&rounds, 0.5))
}

/// Seconds for each read of a client that waits for one before it asks for the next.
async fn one_by_one(bao: &OpenBao, size: Size) -> Result<f64> {
    let client = reqwest::Client::builder().no_proxy().build()?;
    let started = Instant::now();
    for n in 0..SAMPLE {
        bare_read(&client, bao.root(), url(bao, n % size.secrets)).await?;
    }
    Ok(started.elapsed().as_secs_f64() / count(SAMPLE))
}

fn url(bao: &OpenBao, secret: usize) -> String {
    format!("{}/v1/secret/data/bench/{secret}", bao.url())
}
