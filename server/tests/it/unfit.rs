//! A value in Vault that its field cannot use: requests are refused and name an incident that the operator finds; they
//! pass as soon as the value is mended.

use crate::{Caller, Running, client, get};
use backends::OpenBao;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;

impl Caller<'_> {
    /// A route to the echo, with a header that is sent to it from Vault.
    async fn publish_echo_with_a_secret(&self, bao: &OpenBao) {
        self.add_vault(bao).await;
        let config = json!({"headers": {"set": {"X-Token": "$secret://vault/my-vault/upstream/token"}}});
        self.publish_echo("/ip", "proxy-rewrite", &config).await;
    }

    async fn ip(&self) -> (StatusCode, String) {
        let answer = client().get(format!("{}/ip", self.0.gateway)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

#[tokio::test]
async fn a_value_that_breaks_its_fields_rule_is_503_with_an_incident_until_it_is_mended() {
    let (folder, bao) = (TempDir::new().unwrap(), OpenBao::shared().await);
    bao.put("api7/upstream", json!({ "token": "canary".repeat(1000) })).await;
    let running = Running::start(folder.path());
    let caller = Caller(&running);
    caller.publish_echo_with_a_secret(&bao).await;
    let (status, body) = caller.ip().await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let incident = body["incident"].as_str().unwrap();
    let page = caller.until_told(&["Does not fit", "field.too_long", "longer than 4096", incident]).await;
    let metrics = get(format!("{}/metrics", running.dashboard)).await.text().await.unwrap();
    assert!(metrics.contains("postern_references{state=\"unfit\"} 1"), "{metrics}");
    let logged = running.logged.lock().unwrap().clone();
    assert!(logged.contains(incident) && logged.contains("field.too_long"), "{logged}");
    for told in [&page, &body.to_string(), &logged, &metrics] {
        assert!(!told.contains("canary"), "{told}");
    }

    bao.put("api7/upstream", json!({ "token": "short" })).await;
    let key = json!({"manager": "vault", "id": "my-vault"});
    caller.call("refresh_provider", json!({"group": "default", "key": key})).await;
    let passes = async {
        while caller.ip().await.0 != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), passes).await.unwrap();
    caller.until_told(&["Resolved"]).await;
}
