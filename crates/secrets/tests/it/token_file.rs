//! Tokens that something else writes into a file: a rotated one is used without anybody's help.

use crate::broken::{broken, claim_broken};
use crate::diagnose::found;
use crate::support::bao::Bao;
use crate::support::logs::Logs;
use crate::support::{FRESHNESS, House, PATIENCE, claim, reference, settings};
use postern::diagnosis::Stage;
use postern::provider::Settings;
use postern::provider::vault::{VaultAuth, VaultSettings};
use postern::sensitive::Plain;
use secrets::{Ambient, Environment};
use serde_json::json;
use std::os::unix::fs::symlink;
use std::time::Duration;
use tempfile::TempDir;

/// A folder of token files, and a provider that takes its token from one of them.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        std::fs::create_dir(folder.0.path().join("tokens")).unwrap();
        folder
    }

    fn ambient(&self) -> Ambient {
        Ambient { token_files: Some(self.0.path().join("tokens")), ..Ambient::default() }
    }

    /// As Vault Agent does: another file takes the name.
    fn write(&self, token: &str) {
        let (new, file) = (self.0.path().join("tokens/new"), self.0.path().join("tokens/token"));
        std::fs::write(&new, format!("{token}\n")).unwrap();
        std::fs::rename(new, file).unwrap();
    }

    fn house(&self, bao: &Bao) -> House {
        let house = House::empty();
        house.set_with(1, by_file(bao, "token"), FRESHNESS, self.ambient());
        house
    }
}

fn by_file(bao: &Bao, file: &str) -> VaultSettings<Plain> {
    VaultSettings { auth: VaultAuth::TokenFile { file: file.parse().unwrap() }, ..settings(&bao.url(), "") }
}

async fn revoke(bao: &Bao, token: &str) {
    bao.post("auth/token/revoke", json!({ "token": token })).await;
}

/// Waits until this token, which has a limit of uses, was used.
async fn until_used(bao: &Bao, token: &str, limit: u64) {
    let used = async {
        while bao.post("auth/token/lookup", json!({ "token": token })).await["data"]["num_uses"] == limit {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, used).await.unwrap();
}

#[tokio::test]
async fn a_rotated_file_is_used_and_the_old_token_no_more() {
    Logs::listen();
    let (bao, folder) = (Bao::shared().await, Folder::new());
    bao.put("rotated", json!({ "key": "one" })).await;
    let first = bao.reader("rotated", "secret/data/api7").await;
    folder.write(&first);
    let house = folder.house(&bao);
    house.watch(&["rotated/key"]);
    house.until("rotated/key", Some("one"), "ok").await;

    // The first one still lives, and nothing is read: the file alone says that there is another.
    let second = bao.token(json!({ "policies": ["rotated"], "ttl": "1h", "num_uses": 50 })).await;
    folder.write(&second);
    until_used(&bao, &second, 50).await;
    revoke(&bao, &first).await;
    bao.put("rotated", json!({ "key": "two" })).await;
    house.refresh().await;
    house.until("rotated/key", Some("two"), "ok").await;

    // The second ends before anybody looked at the file: the read that is refused looks.
    let third = bao.reader("rotated", "secret/data/api7").await;
    bao.put("rotated", json!({ "key": "three" })).await;
    folder.write(&third);
    revoke(&bao, &second).await;
    claim(&house.check("rotated/key").await, "ok", &[]);
    assert_eq!(house.value("rotated/key").as_deref(), Some("three"));
    for token in [first, second, third] {
        assert!(!Logs::listen().text().contains(&token), "a token is in the log");
    }
}

#[tokio::test]
async fn a_file_without_a_token_is_explained_and_recovered_from() {
    let (bao, folder) = (Bao::shared().await, Folder::new());
    bao.put("late", json!({ "key": "v" })).await;
    let token = bao.reader("late", "secret/data/api7").await;
    let house = folder.house(&bao);
    claim(&house.check("late/key").await, "denied", &["no token file 'token'", "Postern looks again by itself"]);
    house.watch(&["late/key"]);
    folder.write(&token);
    house.until("late/key", Some("v"), "ok").await;
    // The token in use lives on, whatever becomes of its file.
    folder.write("");
    house.refresh().await;
    claim(&house.state("late/key"), "ok", &[]);
    revoke(&bao, &token).await;
    house.refresh().await;
    claim(&house.state("late/key"), "denied", &["token file 'token' is empty"]);
    folder.write("canary-of-no-vault");
    house.refresh().await;
    claim(&house.state("late/key"), "denied", &["does not accept the token in the token file 'token'"]);
    folder.write(&bao.reader("late", "secret/data/api7").await);
    house.until("late/key", Some("v"), "ok").await;
}

#[tokio::test]
async fn test_connection_looks_into_the_file_and_does_not_end_its_token() {
    let (bao, folder) = (Bao::shared().await, Folder::new());
    folder.write(&bao.reader("tested", "secret/data/api7").await);
    let settings = Settings::Vault(by_file(&bao, "token"));
    for _ in 0..2 {
        let diagnosis = secrets::diagnose(&settings, &folder.ambient(), &Environment::none()).await;
        assert!(diagnosis.works() && !diagnosis.warns(), "{diagnosis:?}");
        assert!(found(&diagnosis, Stage::Token).starts_with("read from the token file; expires in "), "{diagnosis:?}");
    }
}

#[tokio::test]
async fn no_file_outside_the_folder_is_ever_sent() {
    Logs::listen();
    let (bao, folder) = (Bao::shared().await, Folder::new());
    std::fs::write(folder.0.path().join("outside"), "canary-outside").unwrap();
    std::fs::write(folder.0.path().join("tokens/lines"), "canary-one\ncanary-two").unwrap();
    symlink("../outside", folder.0.path().join("tokens/link")).unwrap();
    std::fs::create_dir(folder.0.path().join("tokens/folder")).unwrap();
    for (file, code, part) in [
        ("link", "vault.token_file_outside", "a link that leads out of the folder"),
        ("lines", "vault.token_file_unusable", "the token alone"),
        ("folder", "vault.token_file_unreadable", "is no file"),
        ("none", "vault.token_file_not_found", "vault token create -policy=<policy> -field=token > <folder>/none"),
    ] {
        let parts: &'static [&'static str] = Box::leak(Box::new([part]));
        let case = broken(Settings::Vault(by_file(&bao, file)), "a/key", Stage::Token, code, parts);
        let reference = reference(case.path);
        let steps = secrets::explain(&case.settings, &reference, &folder.ambient(), &Environment::none()).await.stages;
        claim_broken(&case, &steps);
    }
}
