use super::*;
use proptest::prelude::*;

fn check(text: &str, expected: Result<(&str, &str, &str), &str>) {
    let got: Result<SecretRef, RefError> = text.parse();
    let got = got.as_ref().map(|r| (r.provider().as_str(), r.path().join("/"), r.key()));
    match (got, expected) {
        (Ok((provider, path, key)), Ok(want)) => assert_eq!((provider, path.as_str(), key), want, "{text}"),
        (Err(error), Err(code)) => assert_eq!(error.problem.code(), code, "{text}: {error}"),
        (got, want) => panic!("{text}: got {got:?}, wanted {want:?}"),
    }
}

/// The parse vectors of the behaviour reference, by their ids.
#[test]
fn vectors() {
    for (_id, text, expected) in [
        ("P01", "$secret://vault/my-vault/consumer/alice/key", Ok(("my-vault", "consumer/alice", "key"))),
        ("P02", "$secret://", Err("ref.missing_manager")),
        ("P03", "$secret://vault", Err("ref.missing_provider_id")),
        ("P04", "$secret://vault/", Err("ref.missing_provider_id")),
        ("P06", "$secret://vault/my-vault/", Err("ref.missing_path")),
        ("P06b", "$secret://vault/my-vault", Err("ref.missing_path")),
        ("P07", "$secret:///my-vault/a/key", Err("ref.missing_manager")),
        ("P10", "$secret://foo/bar/a/key", Err("ref.unknown_manager")),
        ("P11", "$secret://Vault/my-vault/a/key", Err("ref.unknown_manager")),
        ("P12", "$SECRET://vault/my-vault/a/key", Err("ref.not_a_reference")),
        ("P14", "secret://vault/my-vault/a/key", Err("ref.not_a_reference")),
        ("P17", "Bearer $secret://vault/my-vault/a/key", Err("ref.not_a_reference")),
        ("V07", "$secret://vault/my-vault/key", Err("ref.missing_field")),
        ("V09", "$secret://vault/my-vault/consumer/alice/", Err("ref.missing_field")),
        ("V10", "$secret://vault/my-vault/a//b/key", Ok(("my-vault", "a/b", "key"))),
        ("V11", "$secret://vault/my-vault/../other/key", Err("ref.bad_segment")),
        ("V12", "$secret://vault/my-vault/../../sys/x/key", Err("ref.bad_segment")),
        ("V14", "$secret://vault/my-vault/a b/key", Ok(("my-vault", "a b", "key"))),
        ("V15", "$secret://vault/my-vault/a%2Fb/key", Ok(("my-vault", "a%2Fb", "key"))),
        ("V15b", "$secret://vault/my-vault/%2e%2e/key", Ok(("my-vault", "%2e%2e", "key"))),
        ("dot", "$secret://vault/my-vault/a/./key", Err("ref.bad_segment")),
        ("dot key", "$secret://vault/my-vault/a/..", Err("ref.bad_segment")),
        ("query", "$secret://vault/my-vault/a/key?version=1", Ok(("my-vault", "a", "key"))),
        ("semicolon", "$secret://vault/my-vault/a;b/key", Err("ref.forbidden_character")),
        ("backslash", "$secret://vault/my-vault/..\\x/key", Err("ref.forbidden_character")),
        ("newline", "$secret://vault/my-vault/a/key\n", Err("ref.forbidden_character")),
        ("blank", "$secret://vault/my-vault/a/key ", Err("ref.stray_blank")),
        ("id", "$secret://vault/my vault/a/key", Err("ref.bad_provider_id")),
        (
            "A01",
            "$secret://aws/my-secrets-manager/alice-credentials/alice-key-auth",
            Ok(("my-secrets-manager", "alice-credentials", "alice-key-auth")),
        ),
        (
            "A03",
            "$secret://aws/my-secrets-manager/alice-credentials",
            Ok(("my-secrets-manager", "alice-credentials", "")),
        ),
        ("A04", "$secret://aws/my-secrets-manager/alice-credentials/", Err("ref.missing_field")),
        ("A09", "$secret://aws/my-secrets-manager/plain", Ok(("my-secrets-manager", "plain", ""))),
        ("A12", "$secret://aws/my-secrets-manager/apisix/full/path", Ok(("my-secrets-manager", "apisix/full", "path"))),
        (
            "A22",
            "$secret://aws/my-secrets-manager/arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x",
            Ok(("my-secrets-manager", "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC", "x")),
        ),
        ("aws slash", "$secret://aws/sm//prod/db", Ok(("sm", "/prod", "db"))),
        ("aws bare", "$secret://aws/sm", Err("ref.missing_path")),
        ("aws bare slash", "$secret://aws/sm/", Err("ref.missing_path")),
        ("aws slashes", "$secret://aws/sm//", Err("ref.missing_path")),
        ("aws climb", "$secret://aws/sm/a/../b", Err("ref.bad_segment")),
        ("aws query", "$secret://aws/sm/a/b?stage=AWSPREVIOUS", Ok(("sm", "a", "b"))),
        ("aws case", "$secret://AWS/sm/a/b", Err("ref.unknown_manager")),
    ] {
        check(text, expected);
    }
    check(&format!("$secret://vault/v/{}/k", "x".repeat(1024)), Err("ref.too_long"));
}

#[test]
fn a_wrong_case_manager_is_told_the_right_one() {
    let error = "$secret://Vault/v/a/k".parse::<SecretRef>().unwrap_err();
    assert!(error.to_string().contains("write 'vault'"), "{error}");
    assert_eq!(&"$secret://Vault/v/a/k"[error.at], "Vault");
}

/// Where a character stands across the limit.
#[test]
fn what_is_too_long_is_marked_by_whole_characters() {
    for scheme in ["$secret://vault/v/k/", "$env://"] {
        for padding in 0..3 {
            let text = format!("{scheme}{}{}", "x".repeat(padding), "\u{20ac}".repeat(400));
            let Reading::Malformed(error) = read(&text) else { panic!("{text}") };
            assert_eq!(error.problem.code(), "ref.too_long");
            let (kept, marked) = (text.get(..error.at.start).unwrap(), text.get(error.at).unwrap());
            assert!(kept.len() <= MAX_LENGTH && kept.len() + 3 > MAX_LENGTH && !marked.is_empty(), "{text}");
        }
    }
}

#[test]
fn near_misses_are_told_from_ordinary_text() {
    for (text, near) in [
        ("$SECRET://vault/v/a/k", true),
        ("$Secret://vault/v/a/k", true),
        ("secret://vault/v/a/k", true),
        (" $secret://vault/v/a/k", true),
        ("Bearer $secret://vault/v/a/k", true),
        ("$env:/A", true),
        ("env://A", true),
        (" $env://A", true),
        ("Bearer $ENV://A", true),
        ("alice-primary-key", false),
        ("an env", false),
        ("", false),
    ] {
        assert_eq!(matches!(read(text), Reading::NearMiss(_)), near, "{text:?}");
        assert_eq!(matches!(read(text), Reading::Literal), !near, "{text:?}");
    }
}

fn segment() -> impl Strategy<Value = String> {
    "[^/\\\\?#;\\p{C}]{1,12}[?=&a-z]{0,3}".prop_filter("a segment", |s| s.trim() == s && s != "." && s != "..")
}

proptest! {
    #[test]
    fn a_reference_survives_writing_and_reading(
        provider in "[A-Za-z0-9][A-Za-z0-9._-]{0,20}",
        path in prop::collection::vec(segment(), 1..6),
        key in segment(),
    ) {
        for manager in ["vault", "aws"] {
            let text = format!("$secret://{manager}/{provider}/{}/{key}", path.join("/"));
            let reference: SecretRef = text.parse().unwrap();
            prop_assert_eq!(reference.to_string(), text.clone());
            prop_assert_eq!(reference.path(), &path[..]);
            prop_assert_eq!(reference.key(), &key);
            let json = serde_json::to_string(&reference).unwrap();
            prop_assert_eq!(serde_json::from_str::<SecretRef>(&json).unwrap(), reference);
        }
        let whole: SecretRef = format!("$secret://aws/{provider}/{key}").parse().unwrap();
        prop_assert_eq!(whole.to_string().parse::<SecretRef>().unwrap(), whole);
    }

    #[test]
    fn no_text_makes_the_parser_fail_or_climb(text in "\\PC{0,60}", tail in "[./%a-z\\\\]{0,40}([?&](version|stage|decode)=[a-z0-9]{0,6}){0,2}(#/[a-z~0/]{0,6})?") {
        let after = |scheme: &str| format!("{scheme}{tail}");
        for text in [text.clone(), after("$secret://vault/v/"), after("$secret://aws/v/"), after("$secret://kubernetes/v/"), format!("$secret://{text}")] {
            if let Ok(reference) = text.parse::<SecretRef>() {
                prop_assert!(reference.path().iter().all(|s| s != ".." && s != "."));
                prop_assert!(reference.manager() == Manager::Aws || !reference.path().contains(&String::new()));
                prop_assert_eq!(reference.to_string().parse::<SecretRef>().unwrap(), reference);
            }
        }
    }
}
