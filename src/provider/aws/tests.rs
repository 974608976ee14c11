use super::candidate::MOST_CANDIDATES;
use super::*;
use crate::problem::Problems;
use crate::provider::vault::FormSecret;
use crate::sensitive::Entered;

fn check_candidates(path: &str, expected: &[&str]) {
    let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
    let got = candidates(&segments);
    let got: Vec<String> = got.iter().map(|c| format!("{}|{}", c.secret_id, c.key.as_deref().unwrap_or("-"))).collect();
    assert_eq!(got, expected, "{path}");
}

#[test]
fn the_longest_name_comes_first_and_segments_move_into_the_key() {
    check_candidates("plain", &["plain|-"]);
    check_candidates(
        "alice-credentials/alice-key-auth",
        &["alice-credentials/alice-key-auth|-", "alice-credentials|alice-key-auth"],
    );
    check_candidates("prod/app/db", &["prod/app/db|-", "prod/app|db", "prod|app/db"]);
    check_candidates("/prod/db", &["/prod/db|-", "/prod|db"]);
    check_candidates("creds/a key", &["creds|a key"]);
    check_candidates(
        "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x",
        &[
            "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x|-",
            "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC|x",
        ],
    );
    check_candidates("not:a name", &[]);
    assert_eq!(candidates(&vec!["a".to_owned(); 400]).len(), MOST_CANDIDATES);
}

fn form(change: impl FnOnce(&mut AwsForm)) -> AwsForm {
    let mut form = AwsForm {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: FormSecret("s3cret".to_owned()),
        ..AwsForm::default()
    };
    change(&mut form);
    form
}

fn check_form(form: &AwsForm, field: &str, word: &str) {
    let mut problems = Problems::default();
    let settings = form.parse(&mut problems);
    let problems = problems.finish(settings).unwrap_err();
    assert!(problems.iter().any(|p| p.field == field && p.problem.contains(word)), "{field}: {problems:?}");
}

#[test]
fn each_field_says_what_is_wrong_with_it() {
    let key = |text: &str| form(|f| text.clone_into(&mut f.access_key_id));
    check_form(&key(""), "access_key_id", "needed");
    check_form(&key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "access_key_id", "Secret Access Key");
    check_form(&key("AKIA-1"), "access_key_id", "letters and digits");
    let region = |text: &str| form(|f| (f.region, f.custom_region) = (OTHER_REGION.to_owned(), text.to_owned()));
    check_form(&region(""), "custom_region", "for example");
    check_form(&region("US East"), "custom_region", "for example");
    check_form(&form(|f| "mars".clone_into(&mut f.region)), "region", "for example");
    let endpoint = |text: &str| form(|f| text.clone_into(&mut f.endpoint_url));
    check_form(&endpoint("localhost:4566"), "endpoint_url", "http://localhost:4566");
    check_form(&endpoint("http://169.254.169.254"), "endpoint_url", "never");
}

#[test]
fn a_new_secret_access_key_without_a_token_drops_the_stored_token() {
    for (secret, token, expected) in [
        ("", "", "Some(Keep)"),
        ("s", "", "None"),
        ("", "t", "Some(Replace(redacted))"),
        ("s", "t", "Some(Replace(redacted))"),
    ] {
        let form = form(|f| {
            f.secret_access_key = FormSecret(secret.to_owned());
            f.session_token = FormSecret(token.to_owned());
        });
        let settings = form.parse(&mut Problems::default()).unwrap();
        let token = settings.credentials.access_key().map(|key| &key.session_token);
        assert_eq!(format!("{:?}", token.unwrap()), expected, "{secret:?} {token:?}");
    }
}

#[test]
fn a_form_comes_back_as_it_was_without_its_secrets() {
    for (region, custom) in [("eu-central-1", ""), (OTHER_REGION, "xx-nowhere-9")] {
        let form = form(|f| {
            region.clone_into(&mut f.region);
            custom.clone_into(&mut f.custom_region);
            "http://127.0.0.1:4566".clone_into(&mut f.endpoint_url);
        });
        let settings = form.parse(&mut Problems::default()).unwrap();
        assert_eq!(AwsForm::of(&settings), AwsForm { secret_access_key: FormSecret::default(), ..form });
    }
}

#[test]
fn a_stored_secret_serves_its_own_key_and_endpoint_only() {
    let settings = |change: &dyn Fn(&mut AwsForm)| form(change).parse(&mut Problems::default()).unwrap();
    let plain = settings(&|_| {});
    assert!(plain.same_holder(&settings(&|f| "eu-west-1".clone_into(&mut f.region))));
    assert!(!plain.same_holder(&settings(&|f| "AKIAOTHER".clone_into(&mut f.access_key_id))));
    assert!(!plain.same_holder(&settings(&|f| "https://evil.example".clone_into(&mut f.endpoint_url))));
}

/// What lies in the database, from before there was a choice and since.
#[test]
fn stored_settings_are_read_and_nothing_becomes_ambient_by_a_gap() {
    let key = r#""access_key_id":"AKIA1","secret_access_key":{"do":"keep"},"session_token":null"#;
    for (fields, method) in [
        (key.to_owned(), Some(AwsMethod::AccessKey)),
        (format!(r#"{key},"credentials":"access_key","assume_role":null"#), Some(AwsMethod::AccessKey)),
        (r#""credentials":"ambient""#.to_owned(), Some(AwsMethod::Ambient)),
        (r#""access_key_id":"AKIA1""#.to_owned(), None),
        (r#""access_key_id":"AKIA1","credentials":"access_key""#.to_owned(), None),
        (r#""session_token":null"#.to_owned(), None),
        (format!(r#"{key},"credentials":"ambient""#), None),
    ] {
        let json = format!(r#"{{"region":"us-east-1","endpoint_url":null,{fields}}}"#);
        let read = serde_json::from_str::<AwsSettings<Entered>>(&json).ok();
        assert_eq!(read.as_ref().map(|settings| settings.credentials.method()), method, "{json}");
        if let Some(settings) = read {
            let written = serde_json::to_string(&settings).unwrap();
            assert_eq!(serde_json::from_str::<AwsSettings<Entered>>(&written).unwrap(), settings, "{written}");
        }
    }
}

#[test]
fn more_than_a_key_of_its_own_needs_permission() {
    let arn = "arn:aws:iam::123456789012:role/postern";
    for (method, role, needs) in
        [("access_key", "", false), ("access_key", arn, true), ("ambient", "", true), ("ambient", arn, true)]
    {
        let form = form(|f| {
            method.clone_into(&mut f.method);
            role.clone_into(&mut f.role.role_arn);
        });
        let settings = form.parse(&mut Problems::default()).unwrap();
        assert_eq!(settings.needs_permission(), needs, "{method} {role}");
        assert_eq!(settings.credentials.holder().is_some(), method == "access_key");
    }
    check_form(&form(|f| "iam".clone_into(&mut f.method)), "aws_method", "listed");
}

#[test]
fn an_arn_names_its_region() {
    for (path, region) in [
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf/key", Some("eu-west-1")),
        ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:a", Some("cn-north-1")),
        ("arn:aws:secretsmanager::1:secret:a", None),
        ("arn:aws:iam::1:role/x", None),
        ("alice/key", None),
    ] {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        assert_eq!(arn_region(&segments).as_ref().map(Region::as_str), region, "{path}");
    }
}

#[test]
fn the_policy_names_one_secret_in_its_partition() {
    for (region, secret, resource) in [
        ("us-east-1", "alice", "\"arn:aws:secretsmanager:us-east-1:*:secret:alice-??????\""),
        ("cn-north-1", "alice", "\"arn:aws-cn:"),
        ("us-gov-west-1", "alice", "\"arn:aws-us-gov:"),
        ("us-east-1", "arn:aws:secretsmanager:us-east-1:1:secret:a-AbCdEf", ":secret:a-AbCdEf\""),
    ] {
        let policy = read_policy(&region.parse().unwrap(), secret);
        assert!(policy.contains(resource), "{policy}");
        assert!(serde_json::from_str::<serde_json::Value>(&policy).is_ok(), "{policy}");
    }
}
