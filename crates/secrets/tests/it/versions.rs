//! A new version is noticed between two reads, where the token may read metadata; where it may not, nobody is bothered.

use crate::support::bao::Bao;
use crate::support::logs::Logs;
use crate::support::{FRESHNESS, House, group, provider, settings};
use postern::provider::{Freshness, VersionCheck};
use serde_json::json;
use std::time::Duration;

/// The refresh interval is far longer than the test's patience: only the look for versions can notice.
const EVERY_SECOND: Freshness = Freshness { version_check_seconds: 1, ..FRESHNESS };

fn house(bao: &Bao, token: &str) -> House {
    let house = House::empty();
    house.set(1, settings(&bao.url(), token), EVERY_SECOND);
    house
}

#[tokio::test]
async fn a_new_version_and_a_deleted_one_are_noticed_long_before_the_refresh() {
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "old" })).await;
    let house = house(&bao, bao.root());
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("old"), "ok").await;
    bao.until_read("secret/metadata/api7/alice", 2).await;
    assert_eq!(bao.reads_of("secret/data/api7/alice"), 1, "the same version is not read again");
    bao.put("alice", json!({ "key": "new" })).await;
    house.until("alice/key", Some("new"), "ok").await;
    assert_eq!(house.engine.activity(&group(), &provider()).versions, VersionCheck::Works);
    bao.delete("secret/data/api7/alice").await;
    house.until("alice/key", None, "not_found").await;
}

/// One refusal for the secret whose read then shows that the token is good otherwise; a second secret may have asked
/// at the same moment. Then none, until an operator says Refresh now.
#[tokio::test]
async fn where_metadata_may_not_be_read_it_is_not_asked_for_again() {
    let logs = Logs::listen();
    let bao = Bao::start().await;
    bao.put("alice", json!({ "key": "v" })).await;
    let token = bao.reader("data-only", "secret/data").await;
    let house = house(&bao, &token);
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    let refused = async {
        while house.engine.activity(&group(), &provider()).versions != VersionCheck::Refused {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, refused).await.unwrap();
    assert_eq!(bao.reads_of("secret/metadata/api7/alice"), 1);
    assert_eq!(bao.reads_of("secret/data/api7/alice"), 2);
    assert!(!logs.text().contains("metadata"), "nobody has to do anything");

    bao.policy("data-only", "secret").await;
    house.refresh().await;
    bao.put("alice", json!({ "key": "new" })).await;
    house.until("alice/key", Some("new"), "ok").await;
}

#[tokio::test]
async fn version_1_has_no_versions() {
    let bao = Bao::start().await;
    bao.post("kv/api7/alice", json!({ "key": "v" })).await;
    let mut v1 = settings(&bao.url(), bao.root());
    (v1.prefix, v1.kv_version) = ("kv/api7".parse().unwrap(), postern::provider::vault::KvVersion::V1);
    let house = House::empty();
    house.set(1, v1, Freshness { ttl_seconds: 2, ..EVERY_SECOND });
    house.watch(&["alice/key"]);
    house.until("alice/key", Some("v"), "ok").await;
    bao.until_read("kv/api7/alice", 3).await;
    assert_eq!(house.engine.activity(&group(), &provider()).versions, VersionCheck::Untried);
}
