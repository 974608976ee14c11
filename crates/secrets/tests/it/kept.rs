//! Last good values over a restart: used while the manager is away, and never anything else than what was read there.

use crate::support::bao::Bao;
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{FRESHNESS, House, claim, group, provider, settings};
use postern::provider::Freshness;
use postern::provider::vault::VaultSettings;
use postern::sensitive::Plain;
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;

/// One data folder over several lives.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("last-good-values")
    }

    /// A life with this provider, asked for `alice/key`.
    fn live(&self, settings: VaultSettings<Plain>, freshness: Freshness) -> House {
        let house = House::keeping(&self.path(), 7);
        house.set(1, settings, freshness);
        house.watch(&["alice/key"]);
        house
    }

    /// Waits until so many values of the provider are kept, and the file says so.
    async fn until_kept(&self, house: &House, values: usize) {
        let kept = async {
            while house.engine.activity(&group(), &provider()).kept != values || self.path().exists() != (values > 0) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let kept = tokio::time::timeout(crate::support::PATIENCE, kept).await;
        assert!(kept.is_ok(), "{values} values were never kept");
    }
}

/// A server that was read from and has stopped since, and the home that remembers its value.
async fn read_and_stopped() -> (Bao, Home) {
    let mut bao = Bao::start().await;
    bao.put("alice", json!({ "key": "canary-1", "other": "canary-2" })).await;
    let home = Home::new();
    let house = home.live(settings(&bao.url(), bao.root()), FRESHNESS);
    house.until("alice/key", Some("canary-1"), "ok").await;
    home.until_kept(&house, 1).await;
    bao.stop();
    (bao, home)
}

#[tokio::test]
async fn a_value_survives_a_restart_while_the_server_is_away_and_gives_way_to_its_answer() {
    let logs = Logs::listen();
    let (mut bao, home) = read_and_stopped().await;
    claim_no_canary(&String::from_utf8_lossy(&std::fs::read(home.path()).unwrap()));
    let house = home.live(settings(&bao.url(), bao.root()), FRESHNESS);
    claim(&house.state("alice/key"), "stale", &["Restored"]);
    assert_eq!(house.value("alice/key").as_deref(), Some("canary-1"));
    house.watch(&["alice/key", "alice/other"]);
    assert_eq!(house.value("alice/other"), None, "it was not in use");
    let state = house.check("alice/key").await;
    claim(&state, "stale", &["connection was refused", "version: Some(1)"]);

    // The server is new and empty.
    bao.restart().await;
    house.until("alice/key", None, "not_found").await;
    home.until_kept(&house, 0).await;
    drop(house);
    bao.stop();
    let house = home.live(settings(&bao.url(), bao.root()), FRESHNESS);
    claim(&house.state("alice/key"), "pending", &[]);
    assert!(logs.text().contains("alice/key has the last good value from before the restart"));
}

#[tokio::test]
async fn a_refusal_ends_what_was_kept() {
    let (mut bao, home) = read_and_stopped().await;
    bao.restart().await;
    let grace = Freshness { denied_grace_seconds: 300, ..FRESHNESS };
    let house = home.live(settings(&bao.url(), "s.wrong"), grace);
    house.until("alice/key", None, "denied").await;
    home.until_kept(&house, 0).await;
}

#[tokio::test]
async fn nothing_is_used_elsewhere_or_for_longer_or_where_it_is_not_wanted() {
    let (bao, home) = read_and_stopped().await;
    let good = || settings(&bao.url(), bao.root());
    let mut elsewhere = good();
    elsewhere.url = "http://127.0.0.1:1".parse().unwrap();
    let mut below = good();
    below.prefix = "secret/other".parse().unwrap();
    let copy = std::fs::read(home.path()).unwrap();
    for (settings, freshness) in [
        (elsewhere, FRESHNESS),
        (below, FRESHNESS),
        (good(), Freshness { keep_over_restart: false, ..FRESHNESS }),
        (good(), Freshness { max_stale_seconds: 0, ..FRESHNESS }),
    ] {
        std::fs::write(home.path(), &copy).unwrap();
        let house = home.live(settings.clone(), freshness);
        assert_eq!(house.value("alice/key"), None, "{settings:?} {freshness:?}");
        home.until_kept(&house, 0).await;
    }
}

#[tokio::test]
async fn opting_out_removes_what_is_kept_at_once() {
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let home = Home::new();
    let house = home.live(settings(&bao.url(), bao.root()), FRESHNESS);
    house.until("alice/key", Some("v"), "ok").await;
    home.until_kept(&house, 1).await;
    house.set(2, settings(&bao.url(), bao.root()), Freshness { keep_over_restart: false, ..FRESHNESS });
    home.until_kept(&house, 0).await;
    assert_eq!(house.value("alice/key").as_deref(), Some("v"), "it is in use all the same");
}

#[tokio::test]
async fn a_file_that_was_changed_or_belongs_to_another_key_is_refused_as_a_whole() {
    let logs = Logs::listen();
    let (bao, home) = read_and_stopped().await;
    let good = std::fs::read(home.path()).unwrap();
    let mut bad = good.clone();
    *bad.last_mut().unwrap() ^= 1;
    std::fs::write(home.path(), &bad).unwrap();
    let house = home.live(settings(&bao.url(), bao.root()), FRESHNESS);
    assert_eq!(house.value("alice/key"), None);
    house.until("alice/key", None, "unreachable").await;
    assert!(logs.text().contains("last-good-values are not used: it was changed or damaged"));
    drop(house);

    std::fs::write(home.path(), &good).unwrap();
    let house = House::keeping(&home.path(), 8);
    house.set(1, settings(&bao.url(), bao.root()), FRESHNESS);
    house.watch(&["alice/key"]);
    assert_eq!(house.value("alice/key"), None);
}
