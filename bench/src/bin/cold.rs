//! From cold: every consumer's key in a secret of its own, read from a provider that takes 0.3 ms for each.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result, ensure};
use bench::traffic::{Asker, held};
use bench::{
    House, READS_AT_ONCE, bare_reads, circumstances, in_own_process, literal, open, reference, store_consumers,
    to_measure,
};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long the provider takes for a read.
const HOLD: Duration = Duration::from_micros(300);

/// Consumers whose keys need no provider.
const LITERALS: usize = 1_000;

/// How many secrets the provider was asked for.
static READS: AtomicUsize = AtomicUsize::new(0);

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some((folder, count)) = to_measure(&arguments)? {
        return measure(folder, count).await;
    }
    let secrets: usize = arguments.first().map_or(Ok(100_000), |text| text.parse())?;
    let provider = held(HOLD, answer)?;
    let folder = tempfile::TempDir::new()?;
    seed(provider, folder.path(), secrets).await?;
    ensure!(READS.load(Ordering::Relaxed) == 0, "seeding read something");

    let measured: Value = in_own_process(folder.path(), secrets)?;
    let figure = |name: &str| measured[name].as_f64().with_context(|| name.to_owned());
    let (loaded, wall, bare) = (figure("loaded")?, figure("wall")?, figure("bare")?);
    // The bare client's are as many as there are secrets.
    let reads = READS.load(Ordering::Relaxed) - secrets;
    let ideal = HOLD.as_secs_f64() * figure("secrets")? / READS_AT_ONCE as f64;
    println!("{}", circumstances());
    println!("references, each to its own secret       {secrets}; read {reads} times");
    println!("a literal key is served after            {:.0} ms", figure("literal")? * 1000.0);
    println!("the configuration is read after          {loaded:.2} s");
    println!("every reference is enforced after        {wall:.2} s; {:.2} s of it resolving", wall - loaded);
    println!(
        "all reads, {READS_AT_ONCE} at once, nothing else        {ideal:.2} s; ratio {:.2}",
        (wall - loaded) / ideal
    );
    println!("the same reads, bare client              {bare:.2} s; ratio {:.2}", (wall - loaded) / bare);
    Ok(())
}

/// As Vault answers: the mount, then secrets.
fn answer(path: &str) -> Option<String> {
    if path.starts_with("/v1/sys/internal/ui/mounts/") {
        return Some(json!({"data": {"path": "secret/", "type": "kv", "options": {"version": "2"}}}).to_string());
    }
    let secret = path.strip_prefix("/v1/secret/data/bench/")?;
    READS.fetch_add(1, Ordering::Relaxed);
    let key = format!("the key of secret {secret}, as random as it gets");
    Some(json!({"data": {"data": {"key": key}, "metadata": {"version": 1}}}).to_string())
}

async fn seed(provider: SocketAddr, folder: &Path, secrets: usize) -> Result<()> {
    let house = House::start(folder).await?;
    let url = format!("http://{provider}");
    house.add_vault(&url, "t").await?;
    std::fs::write(folder.join("url"), url)?;
    house.publish_echo().await?;
    house.end().await;
    let (store, sealer) = open(folder).await?;
    let key = |n: usize| match n.checked_sub(secrets) {
        None => reference(format!("$secret://vault/bench/{n}/key")),
        Some(n) => literal(format!("literal {n}")),
    };
    store_consumers(&store, &sealer, secrets + LITERALS, key).await?;
    store.close().await;
    Ok(())
}

/// What is measured: a start on what is stored, until the gateway enforces every key; then a client that knows nothing
/// but the paths.
async fn measure(folder: &Path, secrets: usize) -> Result<()> {
    let started = Instant::now();
    let house = House::start(folder).await?;
    let loaded = started.elapsed().as_secs_f64();
    let gateway = house.address();
    let literal = tokio::task::spawn_blocking(move || Asker::connect(gateway)?.until("literal 0", 200, started));
    house.until_armed(secrets + LITERALS).await?;
    let wall = started.elapsed().as_secs_f64();
    let literal = literal.await??.as_secs_f64();
    house.end().await;
    let url = std::fs::read_to_string(folder.join("url"))?;
    let bare = bare_reads(secrets, "t", |n| format!("{url}/v1/secret/data/bench/{n}")).await?;
    ensure!(literal <= wall, "a literal key waits for references");
    println!("{}", json!({"secrets": secrets, "literal": literal, "loaded": loaded, "wall": wall, "bare": bare}));
    Ok(())
}
