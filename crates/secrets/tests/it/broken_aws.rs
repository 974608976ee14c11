//! Broken set-ups with AWS Secrets Manager: as `broken.rs`, against AWS's API as moto serves it. What moto does not
//! do by itself is injected in AWS's own words.

use crate::broken::{Broken, broken, claim_broken};
use crate::support::aws::{Moto, key_of, reference};
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::Logs;
use postern::diagnosis::{Outcome, Stage};
use postern::provider::Settings;
use postern::provider::aws::AwsSettings;
use postern::sensitive::Plain;
use secrets::{Ambient, Environment};

type Aws = AwsSettings<Plain>;

async fn check(case: &Broken<Aws>) {
    let steps = secrets::explain(
        &Settings::Aws(case.settings.clone()),
        &reference(case.path),
        &Ambient::default(),
        &Environment::none(),
    )
    .await
    .stages;
    claim_broken(case, &steps);
}

const ALICE: &str = "alice-credentials/alice-key-auth";

#[tokio::test]
async fn keys_permissions_and_secrets() {
    Logs::listen();
    let moto = Moto::shared().await;
    let reader = moto.settings("reader");
    let with = |change: &dyn Fn(&mut Aws)| {
        let mut settings = reader.clone();
        change(&mut settings);
        settings
    };
    let endpoint = |url: &str| {
        let url = url.to_owned();
        with(&move |s| s.endpoint_url = Some(url.parse().unwrap()))
    };
    let web = FaultServer::start(Fault::answer("200 OK", "", "<html>canary</html>")).await;
    let case = |path, stage, code, parts| broken(reader.clone(), path, stage, code, parts);
    for case in [
        broken(
            with(&|s| key_of(s).access_key_id = "AKIAUNKNOWN".parse().unwrap()),
            ALICE,
            Stage::AccessKey,
            "aws.access_key_unknown",
            &["Check the Access Key ID in IAM"],
        ),
        broken(
            with(&|s| key_of(s).secret_access_key = Plain::new("canary-wrong".to_owned())),
            ALICE,
            Stage::AccessKey,
            "aws.signature_mismatch",
            &["Enter the Secret Access Key again"],
        ),
        broken(
            with(&|s| key_of(s).session_token = Some(Plain::new("canary\nline".to_owned()))),
            ALICE,
            Stage::AccessKey,
            "aws.access_key_unknown",
            &["Session Token"],
        ),
        broken(
            moto.settings("nobody"),
            ALICE,
            Stage::Answer,
            "aws.access_denied",
            &[
                "\"secretsmanager:GetSecretValue\"",
                "arn:aws:secretsmanager:us-east-1:*:secret:alice-credentials-??????",
            ],
        ),
        broken(
            moto.settings("lister"),
            "alice-credentias/alice-key-auth",
            Stage::Answer,
            "secret.not_found",
            &["The secret alice-credentials exists: did you mean that?"],
        ),
        case(
            "alice-credentias/alice-key-auth",
            Stage::Answer,
            "secret.not_found",
            &["alice-credentias/alice-key-auth or alice-credentias", "store the secret"],
        ),
        broken(
            with(&|s| s.region = "eu-west-1".parse().unwrap()),
            ALICE,
            Stage::Answer,
            "secret.not_found",
            &["in eu-west-1", "the Region of the secret provider"],
        ),
        case("arn:aws:secretsmanager:us-east-1:1:secret:no-AbCdEf", Stage::Answer, "secret.not_found", &["no-AbCdEf"]),
        case("alice-credentials/nope", Stage::Key, "secret.key_missing", &["it has alice-key-auth, password"]),
        case("alice-credentials/Password", Stage::Key, "secret.key_missing", &["Did you mean 'password'?"]),
        case("not-json/x", Stage::Key, "secret.not_json", &["Leave the key out"]),
        case("prod/app/db/nested", Stage::Check, "secret.not_text", &["holds an object"]),
        case("prod/app/db/empty", Stage::Check, "secret.empty", &["never authenticates anyone"]),
        case("binary", Stage::Check, "secret.binary", &["SecretString"]),
        case("gone/x", Stage::Answer, "aws.scheduled_for_deletion", &["aws secretsmanager restore-secret"]),
        broken(endpoint("http://127.0.0.1:1"), ALICE, Stage::Connect, "network.connection_refused", &["Endpoint URL"]),
        broken(
            endpoint("http://no-such-host.invalid"),
            ALICE,
            Stage::Address,
            "network.name_not_found",
            &["Check the Region"],
        ),
        broken(
            endpoint(&moto.address.replace("http:", "https:")),
            ALICE,
            Stage::Tls,
            "tls.not_tls",
            &["Write http:// in the Endpoint URL"],
        ),
        broken(endpoint(&web.url()), ALICE, Stage::AccessKey, "network.not_understood", &["Secrets Manager"]),
    ] {
        check(&case).await;
    }
}

#[tokio::test]
async fn what_only_aws_itself_does() {
    Logs::listen();
    let moto = Moto::start().await;
    for (times, kind, message, status, stage, code, parts) in [
        (
            1,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
            Stage::AccessKey,
            "aws.session_expired",
            &["Enter new temporary keys"][..],
        ),
        (
            1,
            "InvalidSignatureException",
            "Signature expired: canary",
            400,
            Stage::AccessKey,
            "aws.clock_skew",
            &["Set the clock"],
        ),
        (
            1,
            "ThrottlingException",
            "Rate exceeded",
            400,
            Stage::AccessKey,
            "network.throttled",
            &["longer refresh interval"],
        ),
        (1, "ServiceUnavailable", "canary", 503, Stage::AccessKey, "network.unexpected_status", &["status 503"]),
        (
            1,
            "InvalidParameterException",
            "canary",
            400,
            Stage::AccessKey,
            "aws.refused",
            &["InvalidParameterException"],
        ),
        (
            2,
            "AccessDeniedException",
            "Access to KMS is not allowed",
            400,
            Stage::Answer,
            "aws.kms_denied",
            &["kms:Decrypt"],
        ),
        (
            2,
            "ResourceNotFoundException",
            "can't find the specified secret value for staging label: AWSCURRENT",
            400,
            Stage::Answer,
            "aws.no_current_version",
            &["aws secretsmanager put-secret-value"],
        ),
    ] {
        moto.fail(times, kind, message, status).await;
        check(&Broken { settings: moto.settings("reader"), path: ALICE, stage, code, parts }).await;
    }
}

#[tokio::test]
async fn every_name_that_was_tried_is_shown() {
    let moto = Moto::shared().await;
    let steps = secrets::explain(
        &Settings::Aws(moto.settings("reader")),
        &reference(ALICE),
        &Ambient::default(),
        &Environment::none(),
    )
    .await
    .stages;
    let found = |stage| match &steps.iter().find(|result| result.stage == stage).unwrap().outcome {
        Outcome::Passed { found } => found.clone(),
        other => panic!("{other:?}"),
    };
    let request = "GetSecretValue alice-credentials/alice-key-auth, then GetSecretValue alice-credentials";
    assert_eq!(found(Stage::Request), request);
    assert_eq!(found(Stage::Answer), "400, then 200");
    assert_eq!(found(Stage::Check), "a text of 9 characters that can be used");
}
