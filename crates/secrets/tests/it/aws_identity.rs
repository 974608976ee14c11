//! Who signs for AWS besides a key of the provider's own: a role that is assumed, and what the environment gives.

use crate::support::aws::{Key, Moto, Office, key_of, settings};
use crate::support::claim;
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::{Logs, claim_no_canary};
use postern::diagnosis::{Diagnosis, Stage};
use postern::provider::Settings;
use postern::provider::aws::{AssumeRole, AwsCredentials, AwsSettings};
use postern::sensitive::Plain;
use secrets::Ambient;
use std::process::Command;

const ROLE: &str = "arn:aws:iam::123456789012:role/reader-role";

fn as_role(mut settings: AwsSettings<Plain>, role: &str, sts: &str) -> AwsSettings<Plain> {
    settings.assume_role = Some(AssumeRole {
        role_arn: role.parse().unwrap(),
        external_id: Some("agreed-1".to_owned()),
        session_name: "postern".to_owned(),
        sts_endpoint_url: Some(sts.parse().unwrap()),
    });
    settings
}

/// A group that may use the machine's own credentials.
fn ambient() -> Ambient {
    Ambient { credentials: true, ..Ambient::default() }
}

async fn diagnose(settings: AwsSettings<Plain>, ambient: &Ambient) -> Diagnosis {
    secrets::diagnose(&Settings::Aws(settings), ambient, &secrets::Environment::none()).await
}

#[tokio::test]
async fn a_role_is_assumed_once_for_many_reads() {
    Logs::listen();
    let moto = Moto::start().await;
    let settings = as_role(moto.settings("assumer"), ROLE, &moto.address);
    let office = Office::allowed(settings.clone());
    for path in ["plain", "redis/password", "alice-credentials/secret"] {
        claim(&office.check(path).await, "ok", &[]);
    }
    let calls = moto.calls().await;
    assert_eq!(calls[&format!("AssumeRole {ROLE} agreed-1 postern")], 1, "{calls:?}");
    let diagnosis = diagnose(settings, &ambient()).await;
    assert!(diagnosis.works() && !diagnosis.warns(), "{diagnosis:?}");
    assert!(format!("{diagnosis:?}").contains(&format!("{ROLE}, assumed with AKIA")), "{diagnosis:?}");
    assert!(!Logs::listen().text().contains(&moto.key("assumer").secret), "a secret is in the log");
}

#[tokio::test]
async fn every_refusal_of_a_role_says_why() {
    Logs::listen();
    let moto = Moto::shared().await;
    let role = |user: &str| as_role(moto.settings(user), ROLE, &moto.address);
    let mut unknown = role("assumer");
    key_of(&mut unknown).access_key_id = "AKIAUNKNOWN".parse().unwrap();
    let mut wrong = role("assumer");
    key_of(&mut wrong).secret_access_key = Plain::new("canary-wrong".to_owned());
    let gone = FaultServer::start(Fault::Silence).await.url();
    let web = FaultServer::start(Fault::answer("200 OK", "", "<html>canary</html>")).await;
    let empty = "arn:aws:iam::123456789012:role/empty-role";
    for (settings, name, parts) in [
        (role("nobody"), "denied", vec!["does not let the provider's credentials assume", "sts:AssumeRole", ROLE]),
        (unknown, "denied", vec!["does not know the Access Key ID"]),
        (wrong, "denied", vec!["Secret Access Key does not belong"]),
        (as_role(moto.settings("assumer"), ROLE, &gone), "unreachable", vec![gone.as_str(), "refused"]),
        (as_role(moto.settings("assumer"), ROLE, &web.url()), "unreachable", vec!["not an answer"]),
        (as_role(moto.settings("assumer"), ROLE, "http://2852039166"), "unreachable", vec!["link-local"]),
        (as_role(moto.settings("assumer"), empty, &moto.address), "denied", vec!["may not read plain"]),
    ] {
        let state = Office::allowed(settings.clone()).check("plain").await;
        claim(&state, name, &parts);
        let diagnosis = diagnose(settings, &ambient()).await;
        claim_no_canary(&format!("{state:?} {diagnosis:?}"));
    }
}

/// What a provider cannot allow itself.
#[tokio::test]
async fn without_the_server_s_leave_nothing_is_asked_of_anybody() {
    let moto = Moto::start().await;
    let mut ambient = moto.settings("reader");
    ambient.credentials = AwsCredentials::Ambient;
    for settings in [as_role(moto.settings("assumer"), ROLE, &moto.address), ambient] {
        claim(&Office::new(settings.clone()).check("plain").await, "denied", &["setting ambient_credentials"]);
        let diagnosis = diagnose(settings, &Ambient::default()).await;
        let (stage, explanation, _) = diagnosis.failure().unwrap();
        assert_eq!(stage, Stage::AccessKey);
        assert!(explanation.what.contains("does not allow this gateway group"), "{explanation:?}");
    }
    assert!(moto.calls().await.is_empty());
}

/// The environment is a process's own: each case is this test again, in a process with that environment.
#[tokio::test]
async fn what_the_environment_gives_is_used_where_it_is_allowed() {
    if let Some(address) = told("POSTERN_TEST_MOTO") {
        return read_with_what_there_is(&address).await;
    }
    let moto = Moto::start().await;
    let key = moto.key("reader");
    let folder = tempfile::TempDir::new().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let profile = file(
        "credentials",
        &format!("[team]\naws_access_key_id = {}\naws_secret_access_key = {}\n", key.id, key.secret),
    );
    let container = FaultServer::start(Fault::answer(
        "200 OK",
        "Content-Type: application/json\r\n",
        &container_answer(&moto.key("session")),
    ))
    .await;
    let no_imds = ("AWS_EC2_METADATA_DISABLED", "true".to_owned());
    for (environment, name, part) in [
        (vec![("AWS_ACCESS_KEY_ID", key.id), ("AWS_SECRET_ACCESS_KEY", key.secret)], "ok", ""),
        (vec![("AWS_SHARED_CREDENTIALS_FILE", profile), ("AWS_PROFILE", "team".to_owned())], "ok", ""),
        (vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/creds", container.url()))], "ok", ""),
        (vec![no_imds], "denied", "no variables, profile, web identity"),
    ] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "aws_identity::what_the_environment_gives_is_used_where_it_is_allowed", "--nocapture"])
            .env_clear()
            .env("HOME", folder.path())
            .env("POSTERN_TEST_MOTO", &moto.address)
            .env("POSTERN_TEST_STATE", name)
            .env("POSTERN_TEST_PART", part)
            .envs(environment.clone());
        let ended = tokio::task::spawn_blocking(move || child.output().unwrap()).await.unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        let names: Vec<&str> = environment.iter().map(|(name, _)| *name).collect();
        assert!(ended.status.success() && said.contains("1 passed"), "{names:?}: {said}");
    }
}

/// What the parent says to the process that it started.
fn told(name: &str) -> Option<String> {
    std::env::var_os(name).map(|text| text.into_string().unwrap())
}

async fn read_with_what_there_is(address: &str) {
    let unused = Key { id: "AKIAUNUSED".to_owned(), secret: "unused".to_owned(), token: None };
    let settings = AwsSettings { credentials: AwsCredentials::Ambient, ..settings(address, unused) };
    let state = Office::allowed(settings).check("plain").await;
    claim(&state, &told("POSTERN_TEST_STATE").unwrap(), &[&told("POSTERN_TEST_PART").unwrap()]);
}

fn container_answer(key: &Key) -> String {
    let (id, secret, token) = (&key.id, &key.secret, key.token.as_deref().unwrap());
    serde_json::json!({
        "AccessKeyId": id, "SecretAccessKey": secret, "Token": token, "Expiration": "2100-01-01T00:00:00Z",
    })
    .to_string()
}
