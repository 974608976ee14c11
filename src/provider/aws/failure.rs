//! What reading a secret of AWS can end in, in words an operator can act on.

use super::{Region, RoleArn, read_policy};
use crate::resolve::{Explanation, FailureClass, StateName, TlsProblem, UnreachableBecause, did_you_mean};
use crate::selection::SelectionProblem;
use serde::{Deserialize, Serialize};

/// Why a read gave no value. Holds names, codes and keys; never a value, never an answer's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "aws", rename_all = "snake_case")]
pub enum AwsFailure {
    /// No secret of any of these names is there; `similar` is one that is, where the user may list.
    NotFound { region: Region, tried: Vec<String>, similar: Option<String> },
    /// The secret is there, but scheduled for deletion.
    ScheduledForDeletion { region: Region, secret: String },
    /// The secret is there, but has no current version.
    NoCurrentVersion { region: Region, secret: String },
    /// The secret is there, but has no version of the id or stage that the reference names, written
    /// `stage=AWSPREVIOUS`.
    NoSuchVersion { region: Region, secret: String, pin: String },
    /// The user may not read any of these; `absent` are names that are not there.
    Denied { region: Region, denied: Vec<String>, absent: Vec<String> },
    /// AWS does not accept who asks.
    Credentials { why: CredentialProblem },
    /// The role that the provider reads with is not given.
    Role { role: RoleArn, why: RoleProblem },
    /// The reference names a secret of another region than the provider's.
    OtherRegion { region: Region, named: Region },
    /// The secret is there, but the key that encrypts it cannot be used.
    Kms { secret: String },
    /// The secret is there and has keys; this one it has not.
    KeyMissing { secret: String, key: String, present: Vec<String> },
    /// There is something, but no value that can be used. `key` is `None` for the whole secret.
    Unusable { secret: String, key: Option<String>, why: UnusableBecause },
    /// No answer, or none that can be used.
    Unreachable { address: String, why: UnreachableBecause },
    /// Any other refusal, by AWS's code for it.
    Refused { secret: String, code: String },
}

/// Why AWS does not accept who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialProblem {
    /// No such Access Key ID, or a Session Token that does not belong to it.
    Unknown,
    /// The Secret Access Key is not the one of this Access Key ID.
    BadSignature,
    /// The temporary keys have expired.
    Expired,
    /// The request's time is not AWS's.
    Clock,
    /// The server's configuration does not allow this provider's group what it needs: the server's own
    /// credentials, or a role.
    NotAllowed,
    /// The server's environment gives no credentials.
    NoneFound,
}

/// Why a role is not given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum RoleProblem {
    /// AWS says the same where there is no such role, where its trust policy does not name the caller, where
    /// the External ID is another, and where the caller may not assume roles.
    Denied,
    /// Any other refusal, by AWS's code for it.
    Refused { code: String },
}

/// Why there is no value that can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum UnusableBecause {
    /// A key was asked for, and the secret is no JSON object.
    NotJson,
    /// The secret holds bytes, not text.
    Binary,
    /// The key holds an object, a list or null.
    NotText { found: String },
    /// The empty text, which never arms a credential.
    Empty,
    /// Control characters, or too long for a request.
    NotUsable,
    /// What the reference does to the value (`?decode=base64#/a`) gives none.
    Selection { steps: String, why: Box<SelectionProblem> },
}

impl AwsFailure {
    /// Its name among the states.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::NotFound { .. }
            | Self::ScheduledForDeletion { .. }
            | Self::NoCurrentVersion { .. }
            | Self::NoSuchVersion { .. } => StateName::NotFound,
            Self::Denied { .. } | Self::Credentials { .. } | Self::Role { .. } | Self::Kms { .. } => StateName::Denied,
            Self::KeyMissing { .. } => StateName::KeyMissing,
            Self::OtherRegion { .. } | Self::Unusable { .. } | Self::Refused { .. } => StateName::Invalid,
            Self::Unreachable { .. } => StateName::Unreachable,
        }
    }

    /// What it says of the last good value.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable { .. } => FailureClass::Outage,
            // Who runs the server said no: there is no grace in that.
            Self::Credentials { why: CredentialProblem::NotAllowed } => FailureClass::DefiniteNo,
            Self::Denied { .. } | Self::Credentials { .. } | Self::Role { .. } | Self::Kms { .. } => {
                FailureClass::Denied
            }
            Self::NotFound { .. }
            | Self::ScheduledForDeletion { .. }
            | Self::NoCurrentVersion { .. }
            | Self::NoSuchVersion { .. }
            | Self::OtherRegion { .. }
            | Self::KeyMissing { .. }
            | Self::Unusable { .. }
            | Self::Refused { .. } => FailureClass::DefiniteNo,
        }
    }

    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::NotFound { region, tried, similar } => explain_not_found(region, tried, similar.as_deref()),
            Self::ScheduledForDeletion { region, secret } => Explanation::new(
                format!("The secret {secret} is scheduled for deletion, and AWS no longer gives its value."),
                "Restore it, or refer to another secret.",
            )
            .with(format!("aws secretsmanager restore-secret --region {region} --secret-id {secret}")),
            Self::NoCurrentVersion { region, secret } => Explanation::new(
                format!("The secret {secret} has no current version (AWSCURRENT)."),
                "Store a value. A secret just made without one, or a rotation that did not end well, looks like this.",
            )
            .with(put_command(region, secret)),
            Self::NoSuchVersion { region, secret, pin } => Explanation::new(
                format!("The secret {secret} has no version with {pin}, which the reference names."),
                "Name one that is there, or remove what follows '?' from the reference to use AWSCURRENT.",
            )
            .with(format!("aws secretsmanager list-secret-version-ids --region {region} --secret-id {secret}")),
            Self::Denied { region, denied, absent } => explain_denied(region, denied, absent),
            Self::Credentials { why } => explain_credentials(*why),
            Self::Role { role, why } => explain_role(role, why),
            Self::OtherRegion { region, named } => Explanation::new(
                format!("The ARN in the reference is of {named}, and the secret provider reads in {region}."),
                format!("Use a secret provider of {named}, or the ARN of the secret's replica in {region}."),
            ),
            Self::Kms { secret } => Explanation::new(
                format!("AWS cannot decrypt the secret {secret} with its KMS key."),
                "Check in KMS that the key is enabled, and that its policy lets this user use kms:Decrypt.",
            ),
            Self::KeyMissing { secret, key, present } => explain_key_missing(secret, key, present),
            Self::Unusable { secret, key, why } => explain_unusable(secret, key.as_deref(), why),
            Self::Unreachable { address, why } => explain_unreachable(address, why),
            Self::Refused { secret, code } => Explanation::new(
                format!("AWS refused to read the secret {secret}: {code}."),
                "Look this code up in the documentation of GetSecretValue.",
            ),
        }
    }
}

fn put_command(region: &Region, secret: &str) -> String {
    format!("aws secretsmanager put-secret-value --region {region} --secret-id {secret} --secret-string file://value")
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[String], word: &str) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

fn explain_not_found(region: &Region, tried: &[String], similar: Option<&str>) -> Explanation {
    let what = match tried {
        [] => {
            "The reference names no secret that AWS could have: a name has letters, digits and /_+=.@- only.".to_owned()
        }
        names => format!("There is no secret {} in {region}.", listed(names, "or")),
    };
    match similar {
        Some(similar) => Explanation::new(
            format!("{what} The secret {similar} exists: did you mean that?"),
            format!("If so, write {similar} in the reference."),
        ),
        None => Explanation::new(
            what,
            "Check the secret's name in the reference and the Region of the secret provider, or store the secret.",
        ),
    }
}

fn explain_denied(region: &Region, denied: &[String], absent: &[String]) -> Explanation {
    let absent = match absent {
        [] => String::new(),
        [one] => format!(" {one} is not there."),
        names => format!(" {} are not there.", listed(names, "and")),
    };
    let explanation = Explanation::new(
        format!("AWS accepts the access key, but its user may not read {}.{absent}", listed(denied, "or")),
        "Check the secret's name, then add this to the user's policies (a secret with a KMS key of its own needs kms:Decrypt too):",
    );
    // The shortest name: a key follows in the usual form, and then this is the secret.
    match denied.last() {
        Some(secret) => explanation.with(read_policy(region, secret)),
        None => explanation,
    }
}

fn explain_credentials(why: CredentialProblem) -> Explanation {
    let (what, fix) = match why {
        CredentialProblem::Unknown => (
            "AWS does not know the Access Key ID, or the Session Token does not belong to it.",
            "Check the Access Key ID in IAM: is it spelt like this, active, and of this partition? Keys that begin with ASIA need their Session Token; others have none.",
        ),
        CredentialProblem::BadSignature => (
            "The Secret Access Key does not belong to this Access Key ID.",
            "Enter the Secret Access Key again. It is shown once, when the key is made; make a new key in IAM if it is lost.",
        ),
        CredentialProblem::Expired => (
            "The Session Token has expired, and the temporary keys with it.",
            "Enter new temporary keys with their Session Token, or use the keys of an IAM user, which do not expire.",
        ),
        CredentialProblem::Clock => (
            "AWS refuses the request's signature because of its time: this machine's clock is wrong.",
            "Set the clock where Postern runs; AWS allows five minutes.",
        ),
        CredentialProblem::NotAllowed => (
            "The server's configuration does not allow this gateway group the server's own AWS credentials, nor to assume a role.",
            "Who runs the server can allow it with the setting ambient_credentials; or give the secret provider an access key of its own.",
        ),
        CredentialProblem::NoneFound => (
            "The server's environment gives no AWS credentials: no variables, profile, web identity, container role or instance role was found that works.",
            "Give the process one of them, as the AWS SDKs look for them, or give the secret provider an access key of its own.",
        ),
    };
    Explanation::new(what, fix)
}

fn explain_role(role: &RoleArn, why: &RoleProblem) -> Explanation {
    match why {
        RoleProblem::Denied => Explanation::new(
            format!("AWS does not let the provider's credentials assume the role {role}."),
            "Check that the role exists, that its trust policy names who assumes it, and the External ID if it wants one; then add this to the policies of who assumes it:",
        )
        .with(role.assume_policy()),
        RoleProblem::Refused { code } => Explanation::new(
            format!("AWS refused to give the role {role}: {code}."),
            "Look this code up in the documentation of AssumeRole.",
        ),
    }
}

fn explain_key_missing(secret: &str, key: &str, present: &[String]) -> Explanation {
    let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
    Explanation::new(
        format!("The secret {secret} has no key '{key}': {keys}."),
        format!(
            "{}Correct the key at the end of the reference, or add the key to the secret.",
            did_you_mean(key, present)
        ),
    )
}

fn explain_unusable(secret: &str, key: Option<&str>, why: &UnusableBecause) -> Explanation {
    let place = match key {
        Some(key) => format!("The key '{key}' of the secret {secret}"),
        None => format!("The secret {secret}"),
    };
    let (what, fix) = match why {
        UnusableBecause::Selection { steps, why } => return why.explain(&place, steps),
        UnusableBecause::NotJson => (
            format!("The secret {secret} is no JSON object, so it has no key '{}'.", key.unwrap_or_default()),
            "Leave the key out of the reference to use the whole text, or store the secret as key/value pairs.",
        ),
        UnusableBecause::Binary => {
            (format!("The secret {secret} holds binary data, not text."), "Store the value as text (SecretString).")
        }
        UnusableBecause::NotText { found } => {
            (format!("{place} holds {found}, not a text."), "Store the value as text.")
        }
        UnusableBecause::Empty => {
            (format!("{place} is empty, and an empty value never authenticates anyone."), "Store a value.")
        }
        UnusableBecause::NotUsable => (
            format!(
                "{place} holds a value that no request can carry: it has control characters or is longer than 8 KiB."
            ),
            "Store a value without line breaks; or name a key at the end of the reference, if the secret has keys.",
        ),
    };
    Explanation::new(what, fix)
}

fn explain_unreachable(address: &str, why: &UnreachableBecause) -> Explanation {
    let (what, fix) = match why {
        UnreachableBecause::NameNotFound { host } => (
            format!("The host name '{host}' has no address here."),
            "Check the Region and, if there is one, the Endpoint URL; the name must be known where Postern runs.",
        ),
        UnreachableBecause::ForbiddenAddress { address: ip, kind } => (
            format!("{address} leads to {ip}: {}. Postern never connects there.", kind.describe()),
            "Check the Endpoint URL; if it has a name, see to what address that leads here.",
        ),
        UnreachableBecause::ConnectionRefused => (
            format!("Nothing answers at {address}: the connection was refused."),
            "Check the Endpoint URL and its port, as seen from where Postern runs.",
        ),
        UnreachableBecause::TimedOut { after_ms } => (
            format!("{address} did not answer within {} s.", after_ms.div_ceil(1000)),
            "Check the network between Postern and AWS: without a way to the internet a VPC endpoint is needed.",
        ),
        UnreachableBecause::ConnectionLost => (
            format!("The connection to {address} was lost before the answer was complete."),
            "Postern tries again by itself. If it stays so, look at what stands between.",
        ),
        UnreachableBecause::Tls { detail } => return explain_tls(address, detail),
        UnreachableBecause::Redirected => (
            format!("{address} answered with a redirect. Postern never sends a request on to another address."),
            "Put the final address into the Endpoint URL.",
        ),
        UnreachableBecause::Throttled => (
            format!("{address} answers that there are too many requests."),
            "Postern slows down by itself. A longer refresh interval makes fewer requests.",
        ),
        UnreachableBecause::Status { status } => (
            format!("{address} answered with status {status}, which is no answer to a read."),
            "Check the Endpoint URL, if there is one. Otherwise it is a fault of AWS: Postern tries again by itself.",
        ),
        UnreachableBecause::NotUnderstood => (
            format!("{address} answered something that is not an answer of Secrets Manager."),
            "Check that the Endpoint URL leads to Secrets Manager and not to a proxy, a login page or another server.",
        ),
    };
    Explanation::new(what, fix)
}

fn explain_tls(address: &str, detail: &TlsProblem) -> Explanation {
    let (what, fix) = match detail {
        TlsProblem::UnknownAuthority => (
            format!("The certificate of {address} was issued by an authority that is not trusted here."),
            "Add the authority to the system's, where Postern runs. A proxy that looks into TLS looks like this.",
        ),
        TlsProblem::WrongName { host } => (
            format!("The certificate of {address} is not for the name '{host}'."),
            "Use the name that the certificate is for in the Endpoint URL.",
        ),
        TlsProblem::Expired => {
            (format!("The certificate of {address} has expired."), "Renew the server's certificate.")
        }
        TlsProblem::NotYetValid => {
            (format!("The certificate of {address} is not valid yet."), "Check the clocks of both machines.")
        }
        TlsProblem::NotTls => (
            format!("{address} does not speak TLS."),
            "Write http:// in the Endpoint URL if the server really listens without TLS.",
        ),
        TlsProblem::ClientCertificateWanted | TlsProblem::ClientCertificateRefused => (
            format!("{address} demands a client certificate, which this provider does not have."),
            "Use an endpoint that does not demand one.",
        ),
        TlsProblem::AuthorityUnreadable | TlsProblem::IdentityUnreadable | TlsProblem::Other => (
            format!("The TLS handshake with {address} failed."),
            "Check the server's TLS: version 1.2 or 1.3 and a valid certificate are needed.",
        ),
    };
    Explanation::new(what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::address::Forbidden;

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
        let unusable =
            |key: Option<&str>, why| AwsFailure::Unusable { secret: secret(), key: key.map(str::to_owned), why };
        let credentials = |why| AwsFailure::Credentials { why };
        for (failure, name, parts) in [
            (
                AwsFailure::NotFound { region: region(), tried: tried(), similar: None },
                "not_found",
                vec!["alice-credentias/alice-key-auth or alice-credentias in us-east-1", "Region"],
            ),
            (
                AwsFailure::NotFound {
                    region: region(),
                    tried: tried(),
                    similar: Some("alice-credentials".to_owned()),
                },
                "not_found",
                vec!["alice-credentials exists: did you mean that?"],
            ),
            (
                AwsFailure::NotFound { region: region(), tried: vec![], similar: None },
                "not_found",
                vec!["letters, digits"],
            ),
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
                vec![
                    "assume the role arn:aws:iam::123456789012:role/r",
                    "trust policy",
                    "External ID",
                    "sts:AssumeRole",
                ],
            ),
            (
                AwsFailure::Role {
                    role: role(),
                    why: RoleProblem::Refused { code: "RegionDisabledException".to_owned() },
                },
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
            let json = serde_json::to_string(&crate::resolve::Failure::Aws(failure.clone())).unwrap();
            let back: crate::resolve::Failure = serde_json::from_str(&json).unwrap();
            assert_eq!(back, crate::resolve::Failure::Aws(failure), "{json}");
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
}
