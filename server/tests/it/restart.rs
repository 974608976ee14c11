//! A restart while the secret manager is away: what was read before goes on working, and nothing else does.

use crate::{Caller, Running, get};
use backends::OpenBao;
use reqwest::StatusCode;
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const KEY: &str = "alice-primary-key";

impl Caller<'_> {
    /// Alice's key is `key` of `secret/api7/consumer/alice`.
    async fn refer_to(&self, bao: &OpenBao) {
        self.add_vault(bao).await;
        let secret = json!({"source": "reference", "text": "$secret://vault/my-vault/consumer/alice/key"});
        let form = json!({"kind": "key-auth", "name": "primary", "identifier": "", "secret": secret});
        self.call("add_credential", json!({"group": "default", "consumer": "Alice", "form": form})).await;
    }

    /// Waits until the dashboard's page of references says this.
    pub(crate) async fn until_told(&self, parts: &[&str]) -> String {
        let mut page = String::new();
        let told = async {
            loop {
                page = get(format!("{}/g/default/references", self.0.dashboard)).await.text().await.unwrap();
                if parts.iter().all(|part| page.contains(part)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(30), told).await;
        assert!(in_time.is_ok(), "{parts:?} is not in {page}");
        page
    }
}

/// Read, stop OpenBao, kill Postern, start it again.
async fn killed_after_reading(folder: &Path) -> Running {
    let bao = OpenBao::start().await;
    bao.put("api7/consumer/alice", json!({ "key": KEY })).await;
    let mut running = Running::start(folder);
    let caller = Caller(&running);
    caller.publish_protected_echo().await;
    caller.refer_to(&bao).await;
    caller.until_told(&["Resolved"]).await;
    assert_eq!(caller.status_with(KEY).await, StatusCode::OK);
    let page = format!("{}/g/default/secret-providers/vault/my-vault", running.dashboard);
    assert!(get(page).await.text().await.unwrap().contains("1 value, the oldest read"));
    let file = folder.join("last-good-values");
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(bao);
    running.signal("-KILL");
    running
}

#[tokio::test]
async fn a_key_goes_on_working_over_a_restart_while_vault_is_away() {
    let folder = TempDir::new().unwrap();
    killed_after_reading(folder.path()).await;
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    assert_eq!(caller.status_with(KEY).await, StatusCode::OK, "from the first request on");
    let page = caller
        .until_told(&["Stale", "the connection was refused", "The last good value", " ago, is used for another"])
        .await;
    assert!(!page.contains(KEY));
    assert_eq!(caller.status_with(KEY).await, StatusCode::OK);
    assert_eq!(caller.status_with("another").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_byte_changed_and_it_starts_without_them_and_says_why() {
    let folder = TempDir::new().unwrap();
    killed_after_reading(folder.path()).await;
    let file = folder.path().join("last-good-values");
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()));
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let running = Running::start(folder.path());
    assert!(running.log.contains("are not used: it was changed or damaged"), "{}", running.log);
    let caller = Caller(&running);
    assert_eq!(caller.status_with(KEY).await, StatusCode::UNAUTHORIZED);
    caller.until_told(&["Unreachable", "the connection was refused"]).await;
    assert_eq!(caller.status_with(KEY).await, StatusCode::UNAUTHORIZED);
}
