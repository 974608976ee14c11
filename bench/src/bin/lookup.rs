//! Finding the credential of a key, as each request does: beside moka's future cache, from two threads at once.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use bench::{circumstances, quantile};
use moka::future::Cache;
use postern::fingerprint::FingerprintKey;
use postern::shards::Shards;
use postern::snapshot::{KeyCredential, SnapshotConsumer};
use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;

const CREDENTIALS: usize = 100_000;
/// How many keys requests give.
const HOT: usize = 1_000;
const THREADS: usize = 2;
/// How often a thread looks, in a round.
const LOOKS: usize = 400_000;
const ROUNDS: usize = 9;

/// What lookups are made in.
struct Fixture {
    fingerprints: FingerprintKey,
    shards: ArcSwap<Shards<KeyCredential>>,
    cache: Cache<String, KeyCredential>,
    /// Those that are looked for.
    keys: Vec<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let fixture = Arc::new(fixture().await?);
    let fingerprint = |fixture: &Fixture, key: &str| {
        black_box(fixture.fingerprints.of_key(key.as_bytes()));
    };
    let ours = |fixture: &Fixture, key: &str| {
        let table = fixture.shards.load();
        black_box(table.get(&fixture.fingerprints.of_key(key.as_bytes())).map(|found| Arc::clone(&found.consumer)));
    };
    let found = |fixture: &Fixture, key: &str| {
        black_box(
            fixture.shards.load().get(&fixture.fingerprints.of_key(key.as_bytes())).map(|found| &found.credential),
        );
    };
    let (mut hashing, mut finding, mut lookups, mut caches, mut ratios) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        hashing.push(round(&fixture, fingerprint)?);
        finding.push(round(&fixture, found)?);
        let (lookup, cache) = (round(&fixture, ours)?, cached(&fixture)?);
        lookups.push(lookup);
        caches.push(cache);
        ratios.push(lookup / cache);
    }
    println!("{}", circumstances());
    println!(
        "{CREDENTIALS} credentials, {HOT} of them looked for, {THREADS} threads; ns of CPU, median of {ROUNDS} rounds (quartiles)"
    );
    for (what, values) in [
        ("the keyed hash of the key", &mut hashing),
        ("hash, and find", &mut finding),
        ("hash, find, take a share of", &mut lookups),
        ("moka::future::Cache::get", &mut caches),
        ("lookup : moka, same round", &mut ratios),
    ] {
        values.sort_by(f64::total_cmp);
        let [median, low, high] = [0.5, 0.25, 0.75].map(|share| quantile(values, share));
        println!("{what:<28} {median:>8.2} ({low:.2}–{high:.2})");
    }
    Ok(())
}

async fn fixture() -> Result<Fixture> {
    let fingerprints = FingerprintKey::new([3; 32]);
    let cache = Cache::new(2 * CREDENTIALS as u64);
    let mut shards = Shards::default();
    for n in 0..CREDENTIALS {
        let consumer = SnapshotConsumer { name: format!("consumer-{n}").parse()?, custom_id: None };
        let credential = format!("credential-{n}").parse()?;
        let found = KeyCredential { consumer: Arc::new(consumer), credential, proof: None };
        shards.insert(fingerprints.of_key(key(n).as_bytes()), found.clone());
        cache.insert(key(n), found).await;
    }
    cache.run_pending_tasks().await;
    let keys = (0..HOT).map(|n| key(n * (CREDENTIALS / HOT))).collect();
    Ok(Fixture { fingerprints, shards: ArcSwap::from_pointee(shards), cache, keys })
}

fn key(n: usize) -> String {
    format!("the key of consumer number {n:08}")
}

/// Nanoseconds of CPU for each of a round's lookups.
fn round(fixture: &Arc<Fixture>, look: impl Fn(&Fixture, &str) + Copy + Send + 'static) -> Result<f64> {
    in_threads(fixture, move |fixture| (0..LOOKS).for_each(|n| look(fixture, nth(fixture, n))))
}

fn cached(fixture: &Arc<Fixture>) -> Result<f64> {
    in_threads(fixture, |fixture| {
        futures_executor::block_on(async {
            for n in 0..LOOKS {
                black_box(fixture.cache.get(nth(fixture, n)).await);
            }
        });
    })
}

/// In an order that jumps about.
fn nth(fixture: &Fixture, n: usize) -> &str {
    &fixture.keys[n.wrapping_mul(617) % HOT]
}

fn in_threads(fixture: &Arc<Fixture>, work: impl Fn(&Fixture) + Copy + Send + 'static) -> Result<f64> {
    let start = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (fixture, start) = (Arc::clone(fixture), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                let before = on_cpu()?;
                work(&fixture);
                Ok::<_, anyhow::Error>(on_cpu()? - before)
            })
        })
        .collect();
    let mut nanoseconds = 0.0;
    for thread in threads {
        nanoseconds += thread.join().ok().context("a measuring thread ended")??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a figure to be printed")]
    Ok(nanoseconds / (THREADS * LOOKS) as f64)
}

/// Nanoseconds that this thread has been running, whatever else the machine did.
fn on_cpu() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").context("CPU time is read from Linux's /proc")?;
    Ok(text.split_whitespace().next().context("no time")?.parse()?)
}
