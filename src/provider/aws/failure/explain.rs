//! The longer explanations.

use super::super::{Region, RoleArn, read_policy};
use super::{CredentialProblem, RoleProblem, UnusableBecause};
use crate::resolve::{Explanation, TlsProblem, UnreachableBecause, did_you_mean};

pub(super) fn put_command(region: &Region, secret: &str) -> String {
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

pub(super) fn explain_not_found(region: &Region, tried: &[String], similar: Option<&str>) -> Explanation {
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

pub(super) fn explain_denied(region: &Region, denied: &[String], absent: &[String]) -> Explanation {
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

pub(super) fn explain_credentials(why: CredentialProblem) -> Explanation {
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

pub(super) fn explain_role(role: &RoleArn, why: &RoleProblem) -> Explanation {
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

pub(super) fn explain_key_missing(secret: &str, key: &str, present: &[String]) -> Explanation {
    let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
    Explanation::new(
        format!("The secret {secret} has no key '{key}': {keys}."),
        format!(
            "{}Correct the key at the end of the reference, or add the key to the secret.",
            did_you_mean(key, present)
        ),
    )
}

pub(super) fn explain_unusable(secret: &str, key: Option<&str>, why: &UnusableBecause) -> Explanation {
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

pub(super) fn explain_unreachable(address: &str, why: &UnreachableBecause) -> Explanation {
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
