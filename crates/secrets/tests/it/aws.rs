//! AWS Secrets Manager: every way to name a secret, every way to be refused, and how often it is asked.

use crate::support::aws::{Key, Moto, Office, key_of, reference, settings};
use crate::support::fault::{Fault, FaultServer};
use crate::support::logs::{Logs, claim_no_canary};
use crate::support::turnstile::Turnstile;
use crate::support::{FRESHNESS, claim, group};
use futures_util::FutureExt;
use futures_util::future::join_all;
use postern::diagnosis::{Diagnosis, Outcome, Stage};
use postern::provider::aws::AwsSettings;
use postern::provider::{Freshness, Settings};
use postern::sensitive::Plain;
use secrets::Ambient;

#[tokio::test]
async fn every_way_to_name_a_value() {
    let moto = Moto::shared().await;
    let office = Office::new(moto.settings("reader"));
    for (path, value, request) in [
        ("alice-credentials/alice-key-auth", "alice-key", "GetSecretValue alice-credentials, key alice-key-auth"),
        ("alice-credentials/secret-key", "alice-secret-key", "GetSecretValue alice-credentials, key secret-key"),
        ("redis/username", "api7", "GetSecretValue redis, key username"),
        ("plain", "plain-secret", "GetSecretValue plain"),
        ("prod/app/plain", "nested-plain", "GetSecretValue prod/app/plain"),
        ("prod/app/db/password", "db-password", "GetSecretValue prod/app/db, key password"),
        ("prod/app/db/n", "5", "GetSecretValue prod/app/db, key n"),
        ("prod/app/db/t", "true", "GetSecretValue prod/app/db, key t"),
        ("redis", r#"{"username": "api7", "password": "redis-api7"}"#, "GetSecretValue redis"),
    ] {
        office.watch(&[path]);
        claim(&office.check(path).await, "ok", &[]);
        assert_eq!(office.current(path), (Some(value.to_owned()), "ok"), "{path}");
        assert_eq!(office.engine().request_line(&group(), &reference(path)).as_deref(), Some(request), "{path}");
    }
}

#[tokio::test]
async fn every_refusal_says_why() {
    Logs::listen();
    let moto = Moto::shared().await;
    let reader = moto.settings("reader");
    let with = |change: &dyn Fn(&mut AwsSettings<Plain>)| {
        let mut settings = reader.clone();
        change(&mut settings);
        settings
    };
    let unknown = with(&|s| key_of(s).access_key_id = "AKIAUNKNOWN".parse().unwrap());
    let wrong = with(&|s| key_of(s).secret_access_key = Plain::new("canary-wrong".to_owned()));
    let unsendable = with(&|s| key_of(s).session_token = Some(Plain::new("canary\nline".to_owned())));
    let elsewhere = with(&|s| s.region = "eu-west-1".parse().unwrap());
    let alice = "alice-credentials/alice-key-auth";
    for (settings, path, name, parts) in [
        (&reader, "alice-credentials/nope", "key_missing", vec!["no key 'nope'", "alice-key-auth, password, secret"]),
        (
            &reader,
            "alice-credentias/alice-key-auth",
            "not_found",
            vec!["alice-credentias/alice-key-auth or alice-credentias"],
        ),
        (&reader, "not-json/x", "invalid", vec!["no JSON object"]),
        (&reader, "prod/app/db/nested", "invalid", vec!["holds an object"]),
        (&reader, "prod/app/db/empty", "invalid", vec!["is empty"]),
        (&reader, "binary", "invalid", vec!["binary data"]),
        (&reader, "binary/x", "invalid", vec!["binary data"]),
        (&reader, "gone/x", "not_found", vec!["scheduled for deletion", "restore-secret"]),
        (&elsewhere, alice, "not_found", vec!["in eu-west-1"]),
        (
            &elsewhere,
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:plain-AbCdEf",
            "invalid",
            vec!["is of us-east-1", "reads in eu-west-1"],
        ),
        (
            &moto.settings("nobody"),
            alice,
            "denied",
            vec![
                "may not read alice-credentials/alice-key-auth or alice-credentials",
                "secret:alice-credentials-??????",
            ],
        ),
        (&unknown, alice, "denied", vec!["does not know the Access Key ID"]),
        (&wrong, alice, "denied", vec!["Secret Access Key does not belong"]),
        (&unsendable, alice, "denied", vec!["Session Token does not belong"]),
    ] {
        let state = Office::new(settings.clone()).check(path).await;
        claim(&state, name, &parts);
        claim_no_canary(&format!("{state:?}"));
    }
}

/// What moto does not do by itself is injected in AWS's own words.
#[tokio::test]
async fn every_error_of_aws_has_a_meaning() {
    Logs::listen();
    let moto = Moto::start().await;
    let key = "AKIAIOSFODNN7EXAMPLE".to_owned();
    for (kind, message, status, name, part) in [
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
            "denied",
            "Session Token has expired",
        ),
        ("InvalidSignatureException", "Signature expired: 20260101T000000Z", 400, "denied", "clock is wrong"),
        ("AccessDeniedException", "Access to KMS is not allowed", 400, "denied", "KMS key"),
        ("DecryptionFailure", "Secrets Manager can't decrypt", 400, "denied", "KMS key"),
        ("ThrottlingException", "Rate exceeded", 400, "unreachable", "too many requests"),
        ("InternalServiceError", "canary", 500, "unreachable", "status 500"),
        ("ServiceUnavailable", "canary", 503, "unreachable", "status 503"),
        ("InvalidParameterException", "canary", 400, "invalid", "InvalidParameterException"),
        ("canary <script>", "canary", 400, "invalid", "an unknown error"),
    ] {
        moto.fail(1, kind, message, status).await;
        let office = Office::new(settings(&moto.address, Key { id: key.clone(), secret: "x".to_owned(), token: None }));
        let state = office.check("alice-credentials/alice-key-auth").await;
        claim(&state, name, &[part]);
        claim_no_canary(&format!("{state:?}"));
    }
}

#[tokio::test]
async fn servers_that_are_not_aws_are_told_apart() {
    let key = || Key { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), secret: "canary".to_owned(), token: None };
    let no_name = settings("http://no-such-host.invalid", key());
    claim(&Office::new(no_name).check("a/b").await, "unreachable", &["no-such-host.invalid", "has no address"]);
    // The address of the metadata service, as a number: no rule of the form knows it.
    let metadata = settings("http://2852039166", key());
    claim(&Office::new(metadata).check("a/b").await, "unreachable", &["leads to 169.254.169.254", "link-local"]);
    for (fault, part) in [
        (Fault::answer("200 OK", "", "<html>canary</html>"), "not an answer of Secrets Manager"),
        (Fault::answer("404 Not Found", "", "<html>canary</html>"), "status 404"),
        (Fault::answer("302 Found", "Location: http://127.0.0.1:1/\r\n", ""), "redirect"),
        (Fault::Bytes(b"canary\r\n\r\n".to_vec()), "not an answer of Secrets Manager"),
        (Fault::Reset(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec()), "was lost"),
    ] {
        let server = FaultServer::start(fault).await;
        let state = Office::new(settings(&server.url(), key())).check("a/b").await;
        claim(&state, "unreachable", &[part]);
        assert_eq!(server.connections(), 1, "one request, no second try: {part}");
        claim_no_canary(&format!("{state:?}"));
    }
}

#[tokio::test]
async fn one_secret_is_asked_for_once_for_all_its_keys() {
    let moto = Moto::start().await;
    let office = Office::new(moto.settings("reader"));
    let paths = ["alice-key-auth", "password", "secret", "secret-key"].map(|key| format!("alice-credentials/{key}"));
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    office.watch(&paths);
    for path in &paths {
        claim(&office.check(path).await, "ok", &[]);
    }
    // Now the splits are known.
    let count = |calls: &std::collections::BTreeMap<String, u64>| calls.values().sum::<u64>();
    let before = moto.calls().await;
    office.refresh().await;
    let after = moto.calls().await;
    assert_eq!(count(&after), count(&before) + 1, "{after:?}");
    let many = (0..1000).map(|n| office.check(paths[n % paths.len()]));
    for state in join_all(many).await {
        claim(&state, "ok", &[]);
    }
    let rounds = count(&moto.calls().await) - count(&after);
    assert!(rounds <= 2, "{rounds} requests for a thousand who ask at once");
}

/// No answer comes before all have asked, and on several threads the search is under way long before that.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_who_ask_first_share_the_search() {
    let moto = Moto::start().await;
    let turnstile = Turnstile::before(&moto.address).await;
    let office = Office::new(settings(&turnstile.url(), moto.key("reader")));
    let mut asked = Box::pin(join_all((0..10_000).map(|_| office.check("alice-credentials/password"))));
    assert!((&mut asked).now_or_never().is_none());
    turnstile.open();
    assert!(asked.await.iter().all(|state| state.name().slug() == "ok"));
    let calls = moto.calls().await;
    let expected = [("GetSecretValue alice-credentials", 1), ("GetSecretValue alice-credentials/password", 1)];
    assert_eq!(calls, expected.map(|(call, times)| (call.to_owned(), times)).into());
}

/// A secret that is new, gone, or comes back below the same path; the other reference does not suffer.
#[tokio::test]
async fn a_split_that_no_longer_works_is_searched_anew() {
    let moto = Moto::start().await;
    moto.put("team", r#"{"key":"inside"}"#).await;
    let office = Office::with(moto.settings("reader"), 1);
    office.watch(&["team/key", "team/other"]);
    office.until("team/key", Some("inside"), "ok").await;
    office.until("team/other", None, "key_missing").await;
    moto.put("team", r#"{"key":"rotated","other":"there"}"#).await;
    office.until("team/key", Some("rotated"), "ok").await;
    office.until("team/other", Some("there"), "ok").await;
    moto.put("team", "no json any more").await;
    office.until("team/key", None, "invalid").await;
    office.until("team/other", None, "invalid").await;
}

#[tokio::test]
async fn throttling_and_outages_are_bridged_and_end_by_themselves() {
    let mut moto = Moto::start().await;
    let office = Office::new(moto.settings("reader"));
    let alice = "alice-credentials/alice-key-auth";
    office.watch(&[alice]);
    office.until(alice, Some("alice-key"), "ok").await;
    moto.fail(2, "ThrottlingException", "Rate exceeded", 400).await;
    office.refresh().await;
    office.until(alice, Some("alice-key"), "stale").await;
    office.until(alice, Some("alice-key"), "ok").await;
    moto.stop().await;
    office.refresh().await;
    office.until(alice, Some("alice-key"), "stale").await;
    claim(&office.engine().current(&group(), &reference(alice)).1, "stale", &["refused"]);
}

#[tokio::test]
async fn revoked_keys_drop_the_value_at_once() {
    let moto = Moto::shared().await;
    let office = Office::new(moto.settings("reader"));
    office.watch(&["redis/password"]);
    office.until("redis/password", Some("redis-api7"), "ok").await;
    office.set(2, moto.settings("nobody"), 300);
    office.until("redis/password", None, "denied").await;
}

/// AWS refuses a secret, not a provider: one of two references below a path may have its grace alone.
#[tokio::test]
async fn a_refusal_has_its_grace() {
    let moto = Moto::start().await;
    let office = Office::new(moto.settings("reader"));
    let freshness = Freshness { denied_grace_seconds: 300, ..FRESHNESS };
    office.set_freshness(2, moto.settings("reader"), freshness);
    office.watch(&["redis/password"]);
    office.until("redis/password", Some("redis-api7"), "ok").await;
    moto.fail(2, "AccessDeniedException", "User: x is not authorized to perform", 400).await;
    office.refresh().await;
    office.until("redis/password", Some("redis-api7"), "stale").await;
    office.until("redis/password", Some("redis-api7"), "ok").await;
}

/// A policy for one name refuses the longer names that are tried first.
#[tokio::test]
async fn a_refused_longer_name_does_not_end_the_search() {
    let moto = Moto::start().await;
    moto.fail(1, "AccessDeniedException", "User: x is not authorized to perform", 400).await;
    let office = Office::new(moto.settings("reader"));
    claim(&office.check("alice-credentials/password").await, "ok", &[]);
    let calls = moto.calls().await;
    assert_eq!(
        calls.keys().collect::<Vec<_>>(),
        ["GetSecretValue alice-credentials", "GetSecretValue alice-credentials/password"]
    );
}

#[tokio::test]
async fn the_name_that_was_meant_is_suggested_where_listing_is_allowed() {
    let moto = Moto::start().await;
    let typo = "alice-credentias/alice-key-auth";
    let office = Office::new(moto.settings("lister"));
    claim(&office.check(typo).await, "not_found", &["alice-credentials exists: did you mean that?"]);
    claim(&office.check("quite/another").await, "not_found", &["similar: None"]);
    // Nobody waits for a watched reference: nothing is listed for it.
    let listed = moto.calls().await["ListSecrets"];
    office.watch(&[typo]);
    office.until(typo, None, "not_found").await;
    assert_eq!(moto.calls().await["ListSecrets"], listed);
    let shy = Office::new(moto.settings("reader"));
    claim(&shy.check(typo).await, "not_found", &["similar: None"]);
}

#[tokio::test]
async fn temporary_keys_work_and_nothing_of_any_key_is_logged() {
    let logs = Logs::listen();
    let moto = Moto::shared().await;
    let (session, reader) = (moto.key("session"), moto.key("reader"));
    for user in ["session", "reader"] {
        claim(&Office::new(moto.settings(user)).check("plain").await, "ok", &[]);
        diagnose(moto.settings(user)).await;
    }
    let mut stale = moto.settings("session");
    key_of(&mut stale).session_token = Some(Plain::new("canary-token".to_owned()));
    claim(&Office::new(stale).check("plain").await, "denied", &["Session Token"]);
    let text = logs.text();
    for secret in [session.secret, session.token.unwrap(), reader.secret, "plain-secret".to_owned()] {
        assert!(!text.contains(&secret), "a secret is in the log");
    }
    claim_no_canary("");
}

async fn diagnose(settings: AwsSettings<Plain>) -> Diagnosis {
    secrets::diagnose(&Settings::Aws(settings), &Ambient::default(), &secrets::Environment::none()).await
}

fn fails(diagnosis: &Diagnosis, stage: Stage, part: &str) {
    let (failed, explanation, _) = diagnosis.failure().unwrap_or_else(|| panic!("{diagnosis:?} has no failure"));
    assert_eq!(failed, stage, "{diagnosis:?}");
    assert!(explanation.what.contains(part), "{explanation:?} lacks {part:?}");
}

#[tokio::test]
async fn a_connection_is_tested_stage_by_stage() {
    let moto = Moto::start().await;
    let good = diagnose(moto.settings("reader")).await;
    assert!(good.works() && !good.warns(), "{good:?}");
    let stages: Vec<Stage> = good.stages.iter().map(|result| result.stage).collect();
    assert_eq!(stages, [Stage::Address, Stage::Connect, Stage::Tls, Stage::AccessKey, Stage::Read]);
    // A user without any permission is known all the same; a policy for certain names looks like this too.
    let nobody = diagnose(moto.settings("nobody")).await;
    assert!(nobody.works() && nobody.warns(), "{nobody:?}");
    let last = &nobody.stages.last().unwrap().outcome;
    assert!(matches!(last, Outcome::Warned { explanation, .. } if explanation.snippet.is_some()), "{last:?}");
    assert!(diagnose(moto.settings("session")).await.warns());
    let calls = moto.calls().await;
    assert_eq!(calls.keys().collect::<Vec<_>>(), ["GetSecretValue postern-connection-test"], "nothing else is asked");

    let mut wrong = moto.settings("reader");
    key_of(&mut wrong).secret_access_key = Plain::new("canary".to_owned());
    fails(&diagnose(wrong).await, Stage::AccessKey, "Secret Access Key does not belong");
    let mut unknown = moto.settings("reader");
    key_of(&mut unknown).access_key_id = "AKIAUNKNOWN".parse().unwrap();
    fails(&diagnose(unknown).await, Stage::AccessKey, "does not know the Access Key ID");
    let with = |url: &str| {
        let mut settings = moto.settings("reader");
        settings.endpoint_url = Some(url.parse().unwrap());
        settings
    };
    fails(&diagnose(with("http://no-such-host.invalid")).await, Stage::Address, "has no address");
    fails(&diagnose(with("http://2852039166")).await, Stage::Address, "leads to 169.254.169.254");
    fails(&diagnose(with("http://127.0.0.1:1")).await, Stage::Connect, "refused");
    let tls = moto.address.replace("http://", "https://");
    fails(&diagnose(with(&tls)).await, Stage::Tls, "does not speak TLS");
    let web = FaultServer::start(Fault::answer("200 OK", "", "<html>")).await;
    fails(&diagnose(with(&web.url())).await, Stage::AccessKey, "not an answer of Secrets Manager");
}
