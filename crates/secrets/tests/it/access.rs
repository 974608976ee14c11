//! Least privilege: the generated policy is written into the real server and suffices, and what is beyond it is
//! told.

use crate::support::aws::{self, Moto};
use crate::support::bao::Bao;
use crate::support::{House, claim, reference, settings};
use postern::access::{Access, Excess, Review};
use postern::provider::Settings;
use postern::provider::vault::{KvVersion, VaultSettings};
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use secrets::{Ambient, Environment};
use serde_json::json;
use std::collections::BTreeSet;

async fn review(settings: &Settings<Plain>, references: &[SecretRef]) -> Access {
    let references: BTreeSet<SecretRef> = references.iter().cloned().collect();
    match secrets::review(settings, &references, &Ambient::default(), &Environment::none()).await {
        Review::Done(access) => access,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_policy_for_vault_suffices_and_is_not_more_than_needed() {
    let bao = Bao::shared().await;
    bao.post("sys/mounts/team/kv", json!({ "type": "kv", "options": { "version": "2" } })).await;
    bao.put("least/alice", json!({ "key": "v" })).await;
    bao.put("least/bob", json!({ "key": "v" })).await;
    bao.post("kv/api7/least/alice", json!({ "key": "v" })).await;
    bao.post("team/kv/data/deep/least/alice", json!({ "data": { "key": "v" } })).await;
    for (name, prefix) in [("least-two", "secret/api7"), ("least-one", "kv/api7"), ("least-deep", "team/kv/deep")] {
        let with = |token: &str| VaultSettings {
            kv_version: KvVersion::Auto,
            prefix: prefix.parse().unwrap(),
            ..settings(&bao.url(), token)
        };
        let used = [reference("least/alice/key")];
        let root = review(&Settings::Vault(with(bao.root())), &used).await;
        assert!(format!("{:?}", root.excess).contains("root token"), "{root:?}");

        bao.post(&format!("sys/policies/acl/{name}"), json!({ "policy": root.policy })).await;
        for no_default_policy in [false, true] {
            let token = json!({ "policies": [name], "no_default_policy": no_default_policy });
            let least = with(&bao.token(token).await);
            claim(&House::new(least.clone()).check("least/alice/key").await, "ok", &[]);
            claim(&House::new(least.clone()).check("least/bob/key").await, "denied", &[]);
            let reviewed = review(&Settings::Vault(least), &used).await;
            assert_eq!(reviewed.policy, root.policy, "{prefix}");
            match no_default_policy {
                false => assert_eq!(reviewed.excess, Excess::Nothing, "{prefix}"),
                true => assert!(matches!(reviewed.excess, Excess::Unknown { .. }), "{:?}", reviewed.excess),
            }
        }
    }
}

#[tokio::test]
async fn what_a_token_can_do_beyond_its_work_is_told() {
    let bao = Bao::shared().await;
    bao.put("excess/alice", json!({ "key": "v" })).await;
    for (name, policy, parts) in [
        ("excess-none", r#"path "secret/data/api7/*" { capabilities = ["read"] }"#, vec![]),
        (
            "excess-write",
            r#"path "secret/data/api7/*" { capabilities = ["read", "create", "update"] }"#,
            vec!["It may not only read secret/data/api7/excess/alice but also create, update."],
        ),
        (
            "excess-mount",
            r#"path "secret/data/*" { capabilities = ["read"] }"#,
            vec!["other secrets of the mount secret/ than those below secret/api7"],
        ),
        (
            "excess-admin",
            r#"path "secret/data/api7/*" { capabilities = ["read"] } path "sys/*" { capabilities = ["create", "update", "sudo"] }"#,
            vec!["write policies", "enable authentication methods", "mount secrets engines"],
        ),
    ] {
        bao.post(&format!("sys/policies/acl/{name}"), json!({ "policy": policy })).await;
        let token = bao.token(json!({ "policies": [name] })).await;
        let access = review(&Settings::Vault(settings(&bao.url(), &token)), &[reference("excess/alice/key")]).await;
        let told = access.excess.sentences().join(" ");
        assert_eq!(parts.is_empty(), access.excess == Excess::Nothing, "{name}: {told}");
        for part in parts {
            assert!(told.contains(part), "{name}: {part:?} is not in {told:?}");
        }
    }
}

#[tokio::test]
async fn the_policy_for_aws_suffices_and_is_not_more_than_needed() {
    let moto = Moto::start().await;
    let used = ["alice-credentials/alice-key-auth", "prod/app/db/password", "prod/app/plain", "plain"];
    let used = used.map(aws::reference);
    let all = review(&Settings::Aws(moto.settings("reader")), &used).await;
    assert!(all.excess.sentences().join(" ").contains("every secret in us-east-1"), "{all:?}");
    assert!(all.policy.contains("secret:prod/app/db-??????") && !all.policy.contains("redis"), "{}", all.policy);

    let least = aws::settings(&moto.address, moto.user_with("least", &all.policy).await);
    let office = aws::Office::new(least.clone());
    for reference in ["alice-credentials/alice-key-auth", "prod/app/db/password", "prod/app/plain", "plain"] {
        claim(&office.check(reference).await, "ok", &[]);
    }
    claim(&office.check("redis/username").await, "denied", &[]);
    let reviewed = review(&Settings::Aws(least), &used).await;
    assert_eq!((reviewed.policy, reviewed.excess), (all.policy, Excess::Nothing));
}
