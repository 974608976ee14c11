use super::*;
use crate::provider::ProviderKey;
use crate::provider::address::Forbidden;
use crate::provider::aws::AwsFailure;
use crate::provider::vault::{AuthMethod, Kv, Mount};
use crate::time::Millis;

fn check(failure: Failure, name: &str, parts: &[&str]) {
    assert_eq!(failure.name().slug(), name);
    let explanation = failure.explain();
    let text = format!("{} {} {}", explanation.what, explanation.fix, explanation.snippet.unwrap_or_default());
    for part in parts {
        assert!(text.contains(part), "{text:?} lacks {part:?}");
    }
}

#[test]
fn every_failure_says_what_happened_and_what_to_do() {
    let path = || "secret/data/api7/consumer/alice".to_owned();
    let address = || "http://127.0.0.1:8200".to_owned();
    let provider = || ProviderKey { manager: crate::provider::Manager::Vault, id: "none".parse().unwrap() };
    let mount = || Mount { path: vec!["secret".to_owned()], version: Kv::V2 };
    let unreachable = |why| Failure::Unreachable { address: address(), why };
    let cases = [
        (
            Failure::ProviderMissing { provider: provider(), known: vec!["my-vault".to_owned()] },
            "provider_missing",
            vec!["vault/none", "my-vault"],
        ),
        (
            Failure::ProviderMissing { provider: provider(), known: vec![] },
            "provider_missing",
            vec!["Add HashiCorp Vault"],
        ),
        (
            Failure::NotFound { path: path(), deleted: None },
            "not_found",
            vec!["vault kv put secret/api7/consumer/alice"],
        ),
        (
            Failure::NotFound {
                path: path(),
                deleted: Some(DeletedVersion {
                    version: 3,
                    deleted_at: "2026-01-01T00:00:00Z".to_owned(),
                    destroyed: false,
                }),
            },
            "not_found",
            vec!["Version 3", "2026-01-01", "undelete -versions=3"],
        ),
        (
            Failure::KeyMissing {
                path: path(),
                key: "key".to_owned(),
                present: vec!["secret-key".to_owned()],
                version: Some(4),
                last_seen: Some(1),
            },
            "key_missing",
            vec![
                "(version 4)",
                "it has secret-key",
                "Version 1 still had 'key'",
                "vault kv patch secret/api7/consumer/alice key=",
            ],
        ),
        (
            Failure::Denied { path: path(), why: DeniedBecause::TokenInvalid },
            "denied",
            vec!["wrong, expired or revoked"],
        ),
        (
            Failure::Denied {
                path: path(),
                why: DeniedBecause::policy_missing(
                    vec!["default".to_owned()],
                    &mount(),
                    &"secret/api7".parse().unwrap(),
                ),
            },
            "denied",
            vec!["(default)", "path \"secret/data/api7/*\"", "}"],
        ),
        (
            unreachable(UnreachableBecause::ForbiddenAddress {
                address: "169.254.169.254".to_owned(),
                kind: Forbidden::LinkLocal,
            }),
            "unreachable",
            vec!["leads to 169.254.169.254", "link-local", "never connects"],
        ),
        (unreachable(UnreachableBecause::ConnectionRefused), "unreachable", vec!["refused", "port"]),
        (unreachable(UnreachableBecause::TimedOut { after_ms: 3000 }), "unreachable", vec!["within 3 s"]),
        (
            unreachable(UnreachableBecause::Tls { detail: TlsProblem::UnknownAuthority }),
            "unreachable",
            vec!["CA Certificate"],
        ),
        (unreachable(UnreachableBecause::Redirected), "unreachable", vec!["never sends a token"]),
        (Failure::Sealed { address: address() }, "sealed", vec!["sealed", "vault operator unseal"]),
        (
            Failure::Invalid { path: path(), why: InvalidBecause::WrongKvVersion { mount: mount(), chosen: Kv::V1 } },
            "invalid",
            vec!["says KV version 1", "secret/ is KV version 2", "Switch the secret provider to KV version 2"],
        ),
        (
            Failure::Invalid { path: path(), why: InvalidBecause::NoNamespace { namespace: "team-b".to_owned() } },
            "invalid",
            vec!["no namespace 'team-b'", "vault namespace list"],
        ),
        (
            Failure::Denied {
                path: path(),
                why: DeniedBecause::OtherNamespace { token: "team".to_owned(), provider: String::new() },
            },
            "denied",
            vec!["valid in the namespace 'team'", "reads in the root namespace"],
        ),
        (
            unreachable(UnreachableBecause::Tls { detail: TlsProblem::ClientCertificateRefused }),
            "unreachable",
            vec!["does not accept the client certificate", "end date"],
        ),
        (
            Failure::Invalid { path: path(), why: InvalidBecause::Empty { key: "key".to_owned() } },
            "invalid",
            vec!["never authenticates"],
        ),
    ];
    for (failure, name, parts) in cases {
        check(failure, name, &parts);
    }
}

#[test]
fn every_refused_login_says_what_to_check() {
    use LoginProblem::{Credentials, NoServiceAccount, NotAllowed};
    for (method, why, parts) in [
        (AuthMethod::AppRole, Credentials, ["Secret ID has expired", "vault write -f auth/team/approle/role/"]),
        (AuthMethod::AppRole, NotAllowed, ["without a reason", "vault auth list"]),
        (AuthMethod::Userpass, Credentials, ["the password is wrong", "lock the user out"]),
        (AuthMethod::Userpass, NotAllowed, ["locked out for a while", "vault auth list"]),
        (AuthMethod::Kubernetes, Credentials, ["no such role", "service accounts and namespaces"]),
        (AuthMethod::Kubernetes, NotAllowed, ["not for this service account", "vault auth list"]),
        (AuthMethod::Kubernetes, NoServiceAccount, ["no service account's token", "in a pod"]),
        (AuthMethod::Jwt, Credentials, ["has expired", "Replace the JWT"]),
        (AuthMethod::Cert, Credentials, ["for this client certificate", "end date"]),
    ] {
        let mount = format!("team/{}", method.slug()).parse().unwrap();
        let why = DeniedBecause::LoginRefused { method, mount, why };
        check(Failure::Denied { path: String::new(), why }, "denied", &parts);
    }
}

#[test]
fn every_failure_says_what_becomes_of_the_last_good_value() {
    use crate::provider::aws::CredentialProblem;
    let unreachable = || UnreachableBecause::Throttled;
    let aws_unreachable = AwsFailure::Unreachable { address: String::new(), why: unreachable() };
    for (failure, class) in [
        (Failure::Sealed { address: String::new() }, FailureClass::Outage),
        (Failure::Unreachable { address: String::new(), why: unreachable() }, FailureClass::Outage),
        (Failure::Aws(aws_unreachable), FailureClass::Outage),
        (Failure::NotFound { path: String::new(), deleted: None }, FailureClass::DefiniteNo),
        (Failure::Denied { path: String::new(), why: DeniedBecause::Unknown }, FailureClass::Denied),
        (Failure::Aws(AwsFailure::Credentials { why: CredentialProblem::Expired }), FailureClass::Denied),
        (Failure::Aws(AwsFailure::Kms { secret: String::new() }), FailureClass::Denied),
    ] {
        assert_eq!(failure.class(), class, "{failure:?}");
    }
}

#[test]
fn a_stale_value_says_since_when_and_for_how_long() {
    let resolved = Resolved { version: Some(3), length: 9, fingerprint: String::new(), read_at: Millis(0), took_ms: 4 };
    let failure = Failure::Sealed { address: "http://v".to_owned() };
    let state = ReferenceState::Stale { resolved, failure, until: Millis(86_400_000) };
    let summary = ToldState::from(state).summary(Millis(3 * 3_600_000));
    assert_eq!(
        summary,
        "Vault at http://v is sealed. The last good value (9 characters, version 3, read in 4 ms), read 3 h ago, is used for another 21 h."
    );
}

#[test]
fn every_problem_of_a_token_file_says_what_to_do() {
    use TokenFileProblem::{Empty, Missing, NotAToken, NotAllowed, Outside, Refused, Unreadable};
    for (why, code, parts) in [
        (NotAllowed, "vault.token_file_not_allowed", ["no token files", "setting token_files"]),
        (Missing, "vault.token_file_not_found", ["no token file 'a/token'", "> <folder>/a/token"]),
        (Unreadable, "vault.token_file_unreadable", ["may not be read", "Let that user read it"]),
        (Outside, "vault.token_file_outside", ["leads out of the folder", "inside"]),
        (Empty, "vault.token_file_unusable", ["is empty", "renamed"]),
        (NotAToken, "vault.token_file_unusable", ["several lines", "-field=token"]),
        (Refused, "vault.token_invalid", ["expired or revoked", "within seconds"]),
    ] {
        let why = DeniedBecause::TokenFile { file: "a/token".parse().unwrap(), why };
        let failure = Failure::Denied { path: String::new(), why };
        assert_eq!(failure.reason().code(), code);
        check(failure, "denied", &parts);
    }
}
