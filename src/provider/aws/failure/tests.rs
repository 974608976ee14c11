use super::*;
use crate::provider::address::Forbidden;
use crate::resolve::TlsProblem;

fn check(failure: &AwsFailure, name: &str, parts: &[&str]) {
    assert_eq!(failure.name().slug(), name, "{failure:?}");
    let explanation = failure.explain();
    let text = format!("{} {} {}", explanation.what, explanation.fix, explanation.snippet.unwrap_or_default());
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
    assert!(!text.to_lowercase().contains("vault"), "{text:?} speaks of Vault");
}

fn region() -> Region {
    "us-east-1".parse().unwrap()
}

fn role() -> RoleArn {
    "arn:aws:iam::123456789012:role/r".parse().unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn every_failure_says_what_happened_and_what_to_do() {
    let tried = || names(&["alice-credentias/alice-key-auth", "alice-credentias"]);
    let secret = || "plain".to_owned();
    let unusable = |key: Option<&str>, why| AwsFailure::Unusable { secret: secret(), key: key.map(str::to_owned), why };
    let credentials = |why| AwsFailure::Credentials { why };
    for (failure, name, parts) in [
        (
            AwsFailure::NotFound { region: region(), tried: tried(), similar: None },
            "not_found",
            vec!["alice-credentias/alice-key-auth or alice-credentias in us-east-1", "Region"],
        ),
        (
            AwsFailure::NotFound { region: region(), tried: tried(), similar: Some("alice-credentials".to_owned()) },
            "not_found",
            vec!["alice-credentials exists: did you mean that?"],
        ),
        (AwsFailure::NotFound { region: region(), tried: vec![], similar: None }, "not_found", vec!["letters, digits"]),
        (
            AwsFailure::ScheduledForDeletion { region: region(), secret: secret() },
            "not_found",
            vec!["scheduled for deletion", "restore-secret --region us-east-1 --secret-id plain"],
        ),
        (
            AwsFailure::NoCurrentVersion { region: region(), secret: secret() },
            "not_found",
            vec!["AWSCURRENT", "put-secret-value"],
        ),
        (
            AwsFailure::NoSuchVersion { region: region(), secret: secret(), pin: "stage=AWSPREVIOUS".to_owned() },
            "not_found",
            vec!["no version with stage=AWSPREVIOUS", "list-secret-version-ids --region us-east-1"],
        ),
        (
            unusable(
                None,
                UnusableBecause::Selection {
                    steps: "?decode=base64".to_owned(),
                    why: Box::new(SelectionProblem::NotBase64),
                },
            ),
            "invalid",
            vec!["The secret plain is no base64", "Remove ?decode=base64"],
        ),
        (
            AwsFailure::Denied { region: region(), denied: names(&["a/b", "a"]), absent: vec![] },
            "denied",
            vec!["may not read a/b or a.", "secretsmanager:us-east-1:*:secret:a-??????", "kms:Decrypt"],
        ),
        (
            AwsFailure::Denied { region: region(), denied: names(&["a/b"]), absent: names(&["a"]) },
            "denied",
            vec!["may not read a/b.", "a is not there", "secret:a/b-??????"],
        ),
        (credentials(CredentialProblem::Unknown), "denied", vec!["does not know the Access Key ID", "ASIA"]),
        (credentials(CredentialProblem::BadSignature), "denied", vec!["Secret Access Key does not belong"]),
        (credentials(CredentialProblem::Expired), "denied", vec!["Session Token has expired"]),
        (credentials(CredentialProblem::Clock), "denied", vec!["clock is wrong"]),
        (credentials(CredentialProblem::NotAllowed), "denied", vec!["setting ambient_credentials"]),
        (credentials(CredentialProblem::NoneFound), "denied", vec!["no variables, profile, web identity"]),
        (
            AwsFailure::Role { role: role(), why: RoleProblem::Denied },
            "denied",
            vec!["assume the role arn:aws:iam::123456789012:role/r", "trust policy", "External ID", "sts:AssumeRole"],
        ),
        (
            AwsFailure::Role { role: role(), why: RoleProblem::Refused { code: "RegionDisabledException".to_owned() } },
            "denied",
            vec!["RegionDisabledException"],
        ),
        (
            AwsFailure::OtherRegion { region: region(), named: "eu-west-1".parse().unwrap() },
            "invalid",
            vec!["is of eu-west-1", "reads in us-east-1"],
        ),
        (AwsFailure::Kms { secret: secret() }, "denied", vec!["KMS key", "kms:Decrypt"]),
        (
            AwsFailure::KeyMissing { secret: secret(), key: "nope".to_owned(), present: names(&["a", "b"]) },
            "key_missing",
            vec!["no key 'nope'", "it has a, b"],
        ),
        (
            unusable(Some("x"), UnusableBecause::NotJson),
            "invalid",
            vec!["no JSON object", "no key 'x'", "Leave the key out"],
        ),
        (unusable(None, UnusableBecause::Binary), "invalid", vec!["binary data", "SecretString"]),
        (
            unusable(Some("o"), UnusableBecause::NotText { found: "an object".to_owned() }),
            "invalid",
            vec!["key 'o' of the secret plain holds an object"],
        ),
        (unusable(None, UnusableBecause::Empty), "invalid", vec!["The secret plain is empty"]),
        (unusable(None, UnusableBecause::NotUsable), "invalid", vec!["name a key"]),
        (
            AwsFailure::Unreachable { address: "x".to_owned(), why: UnreachableBecause::Throttled },
            "unreachable",
            vec!["too many requests"],
        ),
        (
            AwsFailure::Refused { secret: secret(), code: "InvalidParameterException".to_owned() },
            "invalid",
            vec!["InvalidParameterException"],
        ),
    ] {
        check(&failure, name, &parts);
    }
}

#[test]
fn no_way_to_miss_aws_speaks_of_another_manager() {
    let tls = [
        TlsProblem::UnknownAuthority,
        TlsProblem::WrongName { host: "h".to_owned() },
        TlsProblem::Expired,
        TlsProblem::NotYetValid,
        TlsProblem::NotTls,
        TlsProblem::ClientCertificateWanted,
        TlsProblem::ClientCertificateRefused,
        TlsProblem::Other,
    ];
    let others = [
        UnreachableBecause::NameNotFound { host: "h".to_owned() },
        UnreachableBecause::ForbiddenAddress { address: "::".to_owned(), kind: Forbidden::Unspecified },
        UnreachableBecause::ConnectionRefused,
        UnreachableBecause::TimedOut { after_ms: 2000 },
        UnreachableBecause::ConnectionLost,
        UnreachableBecause::Redirected,
        UnreachableBecause::Throttled,
        UnreachableBecause::Status { status: 500 },
        UnreachableBecause::NotUnderstood,
    ];
    for why in tls.map(|detail| UnreachableBecause::Tls { detail }).into_iter().chain(others) {
        check(&AwsFailure::Unreachable { address: "x".to_owned(), why }, "unreachable", &[]);
    }
}
