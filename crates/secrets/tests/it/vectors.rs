//! The vectors that only a read decides, with the inputs as they stand in `tests/vectors/vectors.json`.

use crate::support::aws::{Moto, Office, key_of};
use crate::support::bao::Bao;
use crate::support::fault::{Fault, FaultServer};
use crate::support::{House, claim, group, settings};
use postern::provider::Settings;
use postern::provider::vault::{KvVersion, VaultSettings};
use postern::reference::Reference;
use postern::resolve::{Failure, ReferenceState};
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use secrets::{Ambient, Engine, Environment};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const VECTORS: &str = include_str!("../../../../tests/vectors/vectors.json");
const RUN: &str = include_str!("../../../../tests/vectors/run.json");

/// A value, or the code of the failure.
type Expected = Result<&'static str, &'static str>;

/// The references of a vector: what a reader adds in words is left out.
fn inputs(id: &str) -> Vec<String> {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors.iter().find(|vector| vector["id"] == id).unwrap();
    let input = vector["input"].as_str().unwrap().split(" (").next().unwrap();
    let input = input.split(" as ").next().unwrap();
    input.split(" / ").map(str::to_owned).collect()
}

fn secret(id: &str) -> SecretRef {
    inputs(id)[0].parse().unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the test compares it with what it stored")]
fn judge(id: &str, (value, state): &(Option<Plain>, ReferenceState), expected: Expected) {
    let got = match (value, state.failure().map(Failure::reason)) {
        (Some(value), _) => Ok(value.expose()),
        (None, Some(reason)) => Err(reason.code()),
        (None, None) => panic!("{id}: {state:?}"),
    };
    assert_eq!(got, expected, "{id}: {state:?}");
}

/// Reads the vector's reference and judges what came of it.
async fn check(engine: &Engine, id: &str, expected: Expected) {
    let reference = secret(id);
    engine.watch([(group(), reference.clone())].into());
    let state = engine.check(&group(), &reference).await;
    judge(id, &(engine.current(&group(), &reference).0, state), expected);
}

fn at(bao: &Bao, prefix: &str, version: KvVersion) -> VaultSettings<Plain> {
    let mut settings = settings(&bao.url(), bao.root());
    (settings.prefix, settings.kv_version) = (prefix.parse().unwrap(), version);
    settings
}

const VAULT_READS: [(&str, Expected); 9] = [
    ("P01", Ok("alice-primary-key")),
    ("V01", Ok("42")),
    ("V02", Ok("true")),
    ("V03", Err("secret.not_text")),
    ("V05", Err("secret.empty")),
    ("V06", Err("secret.key_missing")),
    ("V10", Ok("double")),
    ("V14", Ok("blank")),
    ("V15", Ok("percent")),
];

#[tokio::test]
async fn values_of_vault() {
    let bao = Bao::shared().await;
    bao.post("sys/mounts/vectors", json!({ "type": "kv", "options": { "version": "1" } })).await;
    let alice = json!({ "key": "alice-primary-key", "n": 42, "b": true, "o": { "x": 1 }, "empty": "" });
    bao.post("vectors/api7/consumer/alice", alice).await;
    for (path, value) in [("a/b", "double"), ("a%20b", "blank"), ("a%252Fb", "percent")] {
        bao.post(&format!("vectors/api7/{path}"), json!({ "key": value })).await;
    }
    let house = House::new(at(&bao, "vectors/api7", KvVersion::V1));
    for (id, expected) in VAULT_READS {
        check(&house.engine, id, expected).await;
    }
}

const VAULT_REFUSALS: [&str; 11] = ["P09", "V19", "V20", "V21", "V22", "V23", "V24", "V25", "V27", "V28", "V31"];

#[tokio::test]
async fn refusals_of_vault() {
    let bao = Bao::shared().await;
    bao.put("vector/consumer/alice", json!({ "key": "alice-primary-key" })).await;
    bao.put("vector/a", json!({ "key": "a" })).await;
    let v2 = || at(&bao, "secret/api7/vector", KvVersion::V2);
    let (v1, mut denied, mut refused) = (at(&bao, "secret/api7/vector", KvVersion::V1), v2(), v2());
    denied.auth = crate::support::settings("http://h", &bao.reader("vectors", "secret/data/other").await).auth;
    refused.url = "http://127.0.0.1:9".parse().unwrap();
    let elsewhere = at(&bao, "secret/api7/nowhere", KvVersion::V2);
    let sealed = FaultServer::start(Fault::answer("503 S", "", r#"{"errors":["Vault is sealed"]}"#)).await;
    let standby = FaultServer::start(Fault::answer("307 R", "Location: http://127.0.0.1:9/\r\n", "<html>")).await;
    let from = |server: &FaultServer| settings(&server.url(), "t");
    for (id, settings, expected) in [
        ("P09", v2(), Err("provider.not_found")),
        ("V20", denied, Err("vault.permission_denied")),
        ("V21", elsewhere, Err("secret.not_found")),
        ("V22", v1.clone(), Err("vault.kv_version_mismatch")),
        ("V23", from(&sealed), Err("vault.sealed")),
        ("V24", from(&standby), Err("network.redirected")),
        ("V25", v1, Err("vault.kv_version_mismatch")),
        ("V27", refused, Err("network.connection_refused")),
        ("V28", v2(), Ok("alice-primary-key")),
    ] {
        check(&House::new(settings).engine, id, expected).await;
    }
    bao.delete("secret/data/api7/vector/consumer/alice").await;
    check(&House::new(v2()).engine, "V31", Err("secret.deleted")).await;

    // One answer that serves as the mount's and as the secret's.
    let answer = r#"{"data":{"path":"kv/","type":"kv","options":{"version":"1"},"key":"based"}}"#;
    let based = FaultServer::start(Fault::answer("200 OK", "", answer)).await;
    let mut settings = from(&based);
    settings.url = format!("{}/vault", based.url()).parse().unwrap();
    (settings.prefix, settings.kv_version) = ("kv".parse().unwrap(), KvVersion::V1);
    let house = House::empty();
    let provider = postern::provider::SecretProvider {
        id: "sub".parse().unwrap(),
        settings: Settings::Vault(settings),
        freshness: postern::provider::Freshness::default(),
    };
    house.engine.set_providers(vec![secrets::ProviderConfig {
        group: group(),
        provider,
        revision: 1,
        ambient: Ambient::default(),
    }]);
    check(&house.engine, "V19", Ok("based")).await;
    let line = house.engine.request_line(&group(), &secret("V19")).unwrap();
    assert_eq!(line, format!("GET {}/vault/v1/kv/a", based.url()));
}

const AWS: [(&str, Expected); 14] = [
    ("A01", Ok("alice-key")),
    ("A02", Err("secret.not_found")),
    ("A03", Ok(ALICE)),
    ("A05", Err("secret.key_missing")),
    ("A06", Ok("7")),
    ("A07", Err("secret.not_text")),
    ("A09", Ok("plain-secret")),
    ("A10", Err("secret.not_json")),
    ("A12", Ok("full-value")),
    ("A14", Err("secret.binary")),
    ("A15", Err("aws.access_denied")),
    ("A16", Ok("alice-password")),
    ("A18", Err("secret.not_json")),
    ("A22", Err("secret.not_found")),
];
const ALICE: &str = r#"{"alice-key-auth":"alice-key","password":"alice-password","n":7,"o":{"x":1}}"#;

#[tokio::test]
async fn what_aws_answers() {
    let moto = Moto::start().await;
    for (name, value) in [("alice-credentials", ALICE), ("apisix/full/path", "full-value"), ("jstr", "\"abc\"")] {
        moto.put(name, value).await;
    }
    moto.put_bytes("bin").await;
    for (id, expected) in AWS {
        let user = if id == "A15" { "nobody" } else { "reader" };
        if id == "A16" {
            // A policy for the one secret refuses the longer name, which is tried first.
            moto.fail(1, "AccessDeniedException", "User: u is not authorized to perform", 400).await;
        }
        check(Office::new(moto.settings(user)).engine(), id, expected).await;
    }
    let arn = Office::new(moto.settings("reader"));
    let state = arn.engine().check(&group(), &secret("A22")).await;
    claim(&state, "not_found", &["plain-AbC/x or arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC in"]);
    moto.fail(9, "ExpiredTokenException", "The security token included in the request is expired", 400).await;
    check(Office::new(moto.settings("reader")).engine(), "A23", Err("aws.session_expired")).await;
}

const ENVIRONMENT: [(&str, Expected); 11] = [
    ("E01", Ok("abc")),
    ("E02", Ok("abc")),
    ("E03", Ok("abc")),
    ("E05", Ok("abc")),
    ("E08", Err("secret.key_missing")),
    ("E10", Ok(r#"{"auth-key":"abc"}"#)),
    // Every field that takes a reference authenticates, and an empty text never does.
    ("E13", Err("secret.empty")),
    ("E15", Err("secret.not_json")),
    ("E16", Err("secret.not_json")),
    ("E19", Err("env.unset")),
    ("E20", Err("env.unset")),
];

#[tokio::test]
async fn what_the_environment_has() {
    let variables = [("A", "abc"), ("J", r#"{"auth-key":"abc"}"#), ("EMPTY", ""), ("BAD", "test-value")];
    let variables = variables.into_iter().chain([("ARR", r#"["x"]"#)]);
    let house = House::empty();
    let environment = Environment::of("", variables.map(|(name, value)| (name.into(), value.into())));
    house.engine.set_environment(environment.clone());
    for (id, expected) in ENVIRONMENT {
        for input in inputs(id) {
            let Ok(Reference::Env(reference)) = input.parse() else { panic!("{id}: {input}") };
            judge(id, &house.engine.variable(&reference), expected);
        }
    }

    // E20: nothing is asked of AWS with a key that is not there.
    let moto = Moto::start().await;
    let mut settings = moto.settings("reader");
    key_of(&mut settings).access_key_id = inputs("E20")[0].parse().unwrap();
    let office = Office::new(moto.settings("reader"));
    office.engine().set_environment(environment);
    office.set(2, settings, 300);
    let state = office.check("plain").await;
    claim(&state, "not_found", &["AWS_KEY is not set"]);
    assert_eq!(moto.calls().await, BTreeMap::new());
}

#[test]
fn all_that_is_to_be_run_here_is() {
    let run: BTreeMap<String, BTreeSet<String>> = serde_json::from_str(RUN).unwrap();
    let ids = VAULT_READS.iter().chain(&AWS).chain(&ENVIRONMENT).map(|(id, _)| *id).chain(VAULT_REFUSALS);
    let ran: BTreeSet<String> = ids.chain(["A23"]).map(str::to_owned).collect();
    assert_eq!(ran, run["secrets"]);
}
