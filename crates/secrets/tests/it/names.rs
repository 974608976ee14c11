//! What completes a reference: names that each manager lists where it may be listed, nothing where not, and never
//! a value.

use crate::support::aws::{Moto, Office};
use crate::support::bao::Bao;
use crate::support::kube::{Cluster, Kube};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::{House, group, settings};
use postern::listing::{Listing, NameKind};
use postern::provider::vault::KvVersion;
use postern::secret_ref::Opening;
use secrets::Engine;
use serde_json::json;

/// The answer in short: `consumer/` a path, `alice` a secret, `.key` a key, `…` where there are more.
async fn names(engine: &Engine, text: &str) -> String {
    let opening: Opening = Opening::of(&format!("$secret://{text}")).unwrap();
    let listing = engine.names(&group(), &opening).await;
    claim_no_canary(&format!("{listing:?}"));
    match listing {
        Listing::Denied => "denied".to_owned(),
        Listing::Unknown => "unknown".to_owned(),
        Listing::Names { names, is_cut } => {
            let words = names.iter().map(|name| match name.kind {
                NameKind::Path => format!("{}/", name.text),
                NameKind::Secret => name.text.clone(),
                NameKind::Key => format!(".{}", name.text),
            });
            words.chain(is_cut.then(|| "…".to_owned())).collect::<Vec<_>>().join(" ")
        }
    }
}

async fn check(engine: &Engine, provider: &str, expected: &[(&str, &str)]) {
    for (place, wanted) in expected {
        assert_eq!(names(engine, &format!("{provider}/{place}")).await, *wanted, "{place}");
    }
}

async fn furnished() -> Bao {
    Logs::listen();
    let bao = Bao::start().await;
    for (path, keys) in [
        ("consumer/alice", json!({ "key": "canary-1", "secret-key": "canary-2", "nested": { "deep": "canary-3" } })),
        ("consumer/bob", json!({ "key": "canary-4" })),
        ("consumer", json!({ "both": "canary-5" })),
        ("redis", json!({ "password": "canary-6" })),
    ] {
        bao.put(path, keys.clone()).await;
        bao.post(&format!("kv/api7/{path}"), keys).await;
    }
    // Beside the prefix: nobody's business.
    bao.post("secret/data/other", json!({ "data": { "key": "canary-7" } })).await;
    bao
}

const ALL: &[(&str, &str)] = &[
    ("", "consumer consumer/ redis"),
    ("c", "consumer consumer/"),
    ("consumer/", "alice bob .both"),
    ("consumer/a", "alice"),
    ("consumer/alice/", ".key .nested .secret-key"),
    ("consumer/alice/s", ".secret-key"),
    ("redis/", ".password"),
    ("nobody/", ""),
    ("redis/password/deeper/", ""),
];

/// A reader without `list` still has the keys of secrets whose path is typed out.
const MAY_NOT_LIST: &[(&str, &str)] =
    &[("", "denied"), ("consumer/", ".both"), ("consumer/alice/", ".key .nested .secret-key"), ("nobody/", "denied")];

#[tokio::test]
async fn vault_lists_where_the_token_may_and_keys_are_named_without_their_values() {
    let bao = furnished().await;
    bao.post(
        "sys/policies/acl/lister",
        json!({ "policy": r#"
        path "secret/data/api7/*" { capabilities = ["read"] }
        path "secret/metadata/api7/*" { capabilities = ["list"] }
        path "secret/subkeys/api7/*" { capabilities = ["read"] }"# }),
    )
    .await;
    let lister = bao.token(json!({ "policies": ["lister"] })).await;
    let reader = bao.reader("reader", "secret/data/api7").await;
    let house = House::new(settings(&bao.url(), &lister));
    check(&house.engine, "vault/my-vault", ALL).await;
    assert_eq!(bao.reads_of("secret/data/api7/consumer/alice"), 0, "its values were never asked for");
    let house = House::new(settings(&bao.url(), &reader));
    check(&house.engine, "vault/my-vault", MAY_NOT_LIST).await;
    assert_eq!(names(&house.engine, "vault/missing/").await, "unknown");
    claim_no_canary(&Logs::listen().text());
}

#[tokio::test]
async fn version_1_has_the_same_names_whether_it_is_chosen_or_found() {
    let bao = furnished().await;
    bao.post("sys/policies/acl/lister", json!({ "policy": r#"path "kv/api7/*" { capabilities = ["read", "list"] }"# }))
        .await;
    let lister = bao.token(json!({ "policies": ["lister"] })).await;
    let reader = bao.reader("reader", "kv/api7").await;
    for version in [KvVersion::V1, KvVersion::Auto] {
        let with = |token: &str| {
            let mut settings = settings(&bao.url(), token);
            (settings.prefix, settings.kv_version) = ("kv/api7".parse().unwrap(), version);
            House::new(settings)
        };
        check(&with(&lister).engine, "vault/my-vault", ALL).await;
        check(&with(&reader).engine, "vault/my-vault", MAY_NOT_LIST).await;
    }
}

/// One who types asks for each place once; a new token asks anew.
#[tokio::test]
async fn an_answer_is_used_for_a_while_and_no_longer_than_its_settings() {
    let bao = furnished().await;
    let house = House::new(settings(&bao.url(), bao.root()));
    let typed = ["", "c", "co", "con"].map(|begun| format!("vault/my-vault/{begun}"));
    futures_util::future::join_all(typed.iter().map(|text| names(&house.engine, text))).await;
    assert_eq!(bao.requests("list", |path| path == "secret/metadata/api7/"), 1);
    let reader = bao.reader("reader", "secret/data/api7").await;
    house.set(2, settings(&bao.url(), &reader), crate::support::FRESHNESS);
    assert_eq!(names(&house.engine, "vault/my-vault/").await, "denied");
}

#[tokio::test]
async fn of_many_names_the_first_are_told_and_typing_on_tells_the_others() {
    let bao = furnished().await;
    for n in 0..210 {
        bao.put(&format!("many/s{n:03}"), json!({ "key": "v" })).await;
    }
    let house = House::new(settings(&bao.url(), bao.root()));
    let all = names(&house.engine, "vault/my-vault/many/").await;
    assert!(all.starts_with("s000 s001") && all.ends_with("s199 …"), "{all}");
    assert_eq!(names(&house.engine, "vault/my-vault/many/s20").await.split(' ').count(), 10);
}

/// Nobody who types waits for a Vault that is away, and typing does not keep asking it.
#[tokio::test]
async fn a_provider_that_is_away_is_not_asked() {
    let mut bao = furnished().await;
    let house = House::new(settings(&bao.url(), bao.root()));
    bao.stop();
    for place in ["a/", "b/", "c/", "d/"] {
        assert_eq!(names(&house.engine, &format!("vault/my-vault/{place}")).await, "unknown");
    }
    let activity = house.engine.activity(&group(), &crate::support::provider());
    assert!(activity.away_since.is_some(), "listing counts with the reads that had no answer");
}

#[tokio::test]
async fn aws_lists_names_by_their_beginning_where_the_user_may() {
    Logs::listen();
    let moto = Moto::start().await;
    let lister = Office::new(moto.settings("lister"));
    let expected = [
        ("", "alice-credentials binary not-json plain prod/ redis"),
        ("p", "plain prod/"),
        ("prod/", "app/"),
        ("prod/app/", "db plain"),
        ("prod/app/db/", ".empty .n .nested .password .t"),
        ("plain/", ""),
        ("binary/", ""),
        ("nothing/", ""),
        ("!p", ""),
    ];
    check(lister.engine(), "aws/my-secrets-manager", &expected).await;
    let reader = Office::new(moto.settings("reader"));
    check(
        reader.engine(),
        "aws/my-secrets-manager",
        &[("", "denied"), ("redis/", ".password .username"), ("prod/", "denied")],
    )
    .await;
    let nobody = Office::new(moto.settings("nobody"));
    check(nobody.engine(), "aws/my-secrets-manager", &[("", "denied"), ("redis/", "denied")]).await;
    claim_no_canary(&Logs::listen().text());
}

/// Of more names than are looked at, those that begin as typed are asked for.
#[tokio::test]
async fn aws_is_asked_again_when_there_are_too_many_names() {
    let moto = Moto::start().await;
    for n in 0..510 {
        moto.put(&format!("many/s{n:03}"), "v").await;
    }
    let lister = Office::new(moto.settings("lister"));
    let all = names(lister.engine(), "aws/my-secrets-manager/many/").await;
    assert!(all.ends_with('…'), "{all}");
    assert_eq!(names(lister.engine(), "aws/my-secrets-manager/many/s509").await, "s509");
}

#[tokio::test]
async fn kubernetes_lists_the_secrets_of_a_namespace_without_their_values() {
    Logs::listen();
    let kube = Kube::start().await;
    let lister = kube.account("lister");
    kube.allow("lister", "team", "*");
    kube.put("team", "alice", &[("key", b"canary-1"), ("tls.crt", b"canary-2")]);
    kube.put("team", "bob", &[("key", b"canary-3")]);
    kube.put("other", "carol", &[("key", b"canary-4")]);
    let expected =
        [("", ""), ("team/", "alice bob"), ("team/a", "alice"), ("team/alice/", ".key .tls.crt"), ("other/", "denied")];
    check(&Cluster::new(kube.settings(&lister)).house.engine, "kubernetes/my-k8s", &expected).await;
    let reader = kube.account("reader");
    kube.allow("reader", "team", "alice");
    let expected = [("team/", "denied"), ("team/alice/", ".key .tls.crt"), ("team/bob/", "")];
    check(&Cluster::new(kube.settings(&reader)).house.engine, "kubernetes/my-k8s", &expected).await;
}
