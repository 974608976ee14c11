//! A page of the list of consumers, and what is searched for in it, among so many: beside one bare query by its index,
//! and beside reading them all.
#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use anyhow::{Context, Result};
use bench::{House, circumstances, literal, open, quantile, store_consumers};
use postern::control::{ControlPlane, Operator};
use postern::name::GroupName;
use postern::page::{At, Mark, PageQuery};
use std::time::Instant;
use store::Kind;

/// How often each is asked for.
const ROUNDS: usize = 200;

/// How often everything is read.
const WHOLE: usize = 3;

/// Milliseconds of each round: on the clock, and of the processor.
#[derive(Default)]
struct Timed {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let counts = if arguments.is_empty() { vec!["100000".to_owned(), "1000000".to_owned()] } else { arguments };
    println!("{}", circumstances());
    for count in counts {
        measure(count.parse()?).await?;
    }
    Ok(())
}

async fn measure(count: usize) -> Result<()> {
    let folder = tempfile::TempDir::new()?;
    let (store, sealer) = open(folder.path()).await?;
    let started = Instant::now();
    store_consumers(&store, &sealer, count, |n| literal(format!("key of consumer {n}"))).await?;
    let stored = started.elapsed().as_secs_f64();
    store.close().await;
    let house = House::start(folder.path()).await?;
    let group = GroupName::default_group();
    println!("\n{count} consumers, stored in {stored:.1} s; {ROUNDS} rounds");
    println!("{:<26} {:>24} {:>24} {:>10}", "", "wall: p50 / p99 ms", "CPU: p50 / p99 ms", "to bare");

    let bare =
        time(ROUNDS, async |_| house.store.object_named(&group, Kind::Consumer, "consumer-7").await.map(drop)).await?;
    print("one row by its name", &bare, &bare);
    for (name, query) in cases(count) {
        let timed = time(ROUNDS, async |_| page(&house, &query).await).await?;
        print(name, &timed, &bare);
    }
    let whole = time(WHOLE, async |_| house.store.objects_of(&group, Kind::Consumer).await.map(drop)).await?;
    print("every row, as before", &whole, &bare);
    house.end().await;
    Ok(())
}

/// What an operator asks for, and how deep in the list.
fn cases(count: usize) -> Vec<(&'static str, PageQuery)> {
    let query = |search: &str, at: At| PageQuery { search: search.into(), at };
    let name = |n: usize| Mark::Name(format!("consumer-{n}"));
    vec![
        ("first page", query("", At::Start)),
        ("page in the middle", query("", At::After(name(count / 2)))),
        ("page before that", query("", At::Before(name(count / 2)))),
        ("last page", query("", At::Before(Mark::Name("d".to_owned())))),
        ("search: rare", query(&format!("-{}", count - 1), At::Start)),
        ("search: common, begins", query("consumer", At::Start)),
        ("search: common, contains", query("nsume", At::Start)),
        ("the same, deep", query("nsume", At::After(Mark::Number(u64::try_from(count).unwrap_or_default())))),
        ("the same, back", query("nsume", At::Before(Mark::Number(u64::try_from(count).unwrap_or_default())))),
        ("search: 2 letters", query("co", At::Start)),
        ("the same, deep", query("co", At::After(name(count / 2)))),
        ("search: nothing", query("no such consumer", At::Start)),
    ]
}

async fn page(house: &House, query: &PageQuery) -> Result<()> {
    let operator = Operator { name: "bench".to_owned() };
    house.control.consumers(&operator, &GroupName::default_group(), query).await?;
    Ok(())
}

async fn time<E: Into<anyhow::Error>>(rounds: usize, ask: impl AsyncFn(usize) -> Result<(), E>) -> Result<Timed> {
    let mut timed = Timed::default();
    for round in 0..rounds {
        let (started, cpu) = (Instant::now(), cpu_ms()?);
        ask(round).await.map_err(Into::into)?;
        timed.wall.push(started.elapsed().as_secs_f64() * 1000.0);
        timed.cpu.push(cpu_ms()? - cpu);
    }
    timed.wall.sort_by(f64::total_cmp);
    timed.cpu.sort_by(f64::total_cmp);
    Ok(timed)
}

/// The processor time of all threads of this process, in milliseconds: to the nanosecond, which `/proc/self/stat` is not.
fn cpu_ms() -> Result<f64> {
    let mut nanoseconds = 0.0;
    for task in std::fs::read_dir("/proc/self/task").context("processor time is read from Linux's /proc")? {
        // A thread may end meanwhile.
        let Ok(text) = std::fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let spent = text.split_whitespace().next().and_then(|first| first.parse::<f64>().ok());
        nanoseconds += spent.unwrap_or_default();
    }
    Ok(nanoseconds / 1e6)
}

fn print(name: &str, timed: &Timed, bare: &Timed) {
    let two = |values: &[f64]| format!("{:.3} / {:.3}", quantile(values, 0.5), quantile(values, 0.99));
    let ratio = quantile(&timed.wall, 0.5) / quantile(&bare.wall, 0.5);
    println!("{name:<26} {:>24} {:>24} {ratio:>10.1}", two(&timed.wall), two(&timed.cpu));
}
