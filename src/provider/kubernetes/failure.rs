//! What reading a Secret of Kubernetes can end in, in words an operator can act on.

use crate::resolve::{Explanation, FailureClass, StateName, TlsProblem, UnreachableBecause};
use crate::selection::SelectionProblem;

/// Why a read gave no value. Holds names and keys; never a value, never an answer's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubernetesFailure {
    /// 404: Kubernetes says the same where there is no such namespace.
    NotFound {
        namespace: String,
        secret: String,
    },
    /// 401: the API server does not accept the token.
    Unauthorized {
        in_cluster: bool,
    },
    /// 403: the token is good, and its user may not read the Secret. `user` as the API server names it.
    Forbidden {
        namespace: String,
        secret: String,
        user: Option<String>,
    },
    /// Postern does not run in a pod with a service account.
    NoServiceAccount,
    KeyMissing {
        namespace: String,
        secret: String,
        key: String,
        present: Vec<String>,
        similar: Option<String>,
    },
    /// There is something, but no value that can be used.
    Unusable {
        namespace: String,
        secret: String,
        key: String,
        why: UnusableBecause,
    },
    /// No answer, or none that can be used.
    Unreachable {
        address: String,
        why: UnreachableBecause,
    },
}

/// Why there is no value that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnusableBecause {
    /// The key holds bytes, not text.
    Binary,
    /// The empty text, which never arms a credential.
    Empty,
    /// Control characters, or too long for a request.
    NotUsable,
    /// What the reference does to the value leads to nothing; `steps` as written.
    Selection { steps: String, why: Box<SelectionProblem> },
}

impl KubernetesFailure {
    /// Its name among the states.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::NotFound { .. } => StateName::NotFound,
            Self::Unauthorized { .. } | Self::Forbidden { .. } | Self::NoServiceAccount => StateName::Denied,
            Self::KeyMissing { .. } => StateName::KeyMissing,
            Self::Unusable { .. } => StateName::Invalid,
            Self::Unreachable { .. } => StateName::Unreachable,
        }
    }

    /// What it says of the last good value.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable { .. } => FailureClass::Outage,
            Self::Unauthorized { .. } | Self::Forbidden { .. } | Self::NoServiceAccount => FailureClass::Denied,
            Self::NotFound { .. } | Self::KeyMissing { .. } | Self::Unusable { .. } => FailureClass::DefiniteNo,
        }
    }

    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::NotFound { namespace, secret } => Explanation::new(
                format!("There is no Secret {secret} in the namespace {namespace}."),
                "Check the namespace and the name in the reference, or make the Secret.",
            )
            .with(format!("kubectl create secret generic {secret} --namespace {namespace} --from-literal=<key>=<value>")),
            Self::Unauthorized { in_cluster: false } => Explanation::new(
                "The API server does not accept the provider's token: it is wrong, has expired, or its service account is gone.",
                "Create a new token and replace it in the secret provider.",
            )
            .with("kubectl create token <service account> --namespace <namespace> --duration 8760h"),
            Self::Unauthorized { in_cluster: true } => Explanation::new(
                "The API server does not accept the token of the pod's service account.",
                "Check that the service account still exists; a pod whose account was made anew has to be started again.",
            ),
            Self::Forbidden { namespace, secret, user } => explain_forbidden(namespace, secret, user.as_deref()),
            Self::NoServiceAccount => Explanation::new(
                "There is no service account's token here, so Postern cannot read as its pod.",
                "Run Postern in a pod that mounts its service account's token, or choose Token as the Authentication Method.",
            ),
            Self::KeyMissing { namespace, secret, key, present, similar } => {
                explain_key_missing(namespace, secret, key, present, similar.as_deref())
            }
            Self::Unusable { namespace, secret, key, why } => explain_unusable(namespace, secret, key, why),
            Self::Unreachable { address, why } => explain_unreachable(address, why),
        }
    }
}

/// The role, and its binding, that let a user read one Secret. `system:serviceaccount:<namespace>:<name>` is a
/// service account, any other name a user.
#[must_use]
pub fn read_rule(namespace: &str, secret: &str, user: Option<&str>) -> String {
    let account =
        user.and_then(|user| user.strip_prefix("system:serviceaccount:")).and_then(|name| name.split_once(':'));
    let subject = match (account, user) {
        (Some((home, name)), _) => format!("- kind: ServiceAccount\n  name: {name}\n  namespace: {home}"),
        (None, Some(user)) => format!("- kind: User\n  name: {user}\n  apiGroup: rbac.authorization.k8s.io"),
        (None, None) => "- kind: ServiceAccount\n  name: <service account>\n  namespace: <its namespace>".to_owned(),
    };
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: postern-{secret}
  namespace: {namespace}
rules:
- apiGroups: [\"\"]
  resources: [\"secrets\"]
  resourceNames: [\"{secret}\"]
  verbs: [\"get\"]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: postern-{secret}
  namespace: {namespace}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: postern-{secret}
subjects:
{subject}"
    )
}

fn explain_forbidden(namespace: &str, secret: &str, user: Option<&str>) -> Explanation {
    let who = user.map_or_else(|| "its user".to_owned(), |user| format!("its user {user}"));
    Explanation::new(
        format!("The token is accepted, but {who} may not read the Secret {secret} in the namespace {namespace}."),
        "Let somebody who may do so apply this:",
    )
    .with(read_rule(namespace, secret, user))
}

fn explain_key_missing(
    namespace: &str,
    secret: &str,
    key: &str,
    present: &[String],
    similar: Option<&str>,
) -> Explanation {
    let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
    let what = format!("The Secret {namespace}/{secret} has no key '{key}': {keys}.");
    match similar {
        Some(similar) => Explanation::new(
            format!("{what} Did you mean '{similar}'?"),
            format!("If so, write {similar} at the end of the reference."),
        ),
        None => Explanation::new(what, "Correct the key at the end of the reference, or add the key to the Secret."),
    }
}

fn explain_unusable(namespace: &str, secret: &str, key: &str, why: &UnusableBecause) -> Explanation {
    let place = format!("The key '{key}' of the Secret {namespace}/{secret}");
    match why {
        UnusableBecause::Binary => {
            Explanation::new(format!("{place} holds binary data, not text."), "Store the value as text (stringData).")
        }
        UnusableBecause::Empty => Explanation::new(
            format!("{place} is empty, and an empty value never authenticates anyone."),
            "Store a value.",
        ),
        UnusableBecause::NotUsable => Explanation::new(
            format!(
                "{place} holds a value that no request can carry: it has control characters or is longer than 8 KiB."
            ),
            "Store a value without line breaks. One at the end often comes from 'echo' or an editor; use 'printf'.",
        ),
        UnusableBecause::Selection { steps, why } => why.explain(&place, steps),
    }
}

fn explain_unreachable(address: &str, why: &UnreachableBecause) -> Explanation {
    let (what, fix) = match why {
        UnreachableBecause::NameNotFound { host } => (
            format!("The host name '{host}' has no address here."),
            "Check the API Server Address; the name must be known where Postern runs. kubernetes.default.svc is known inside a cluster only.",
        ),
        UnreachableBecause::ForbiddenAddress { address: ip, kind } => (
            format!("{address} leads to {ip}: {}. Postern never connects there.", kind.describe()),
            "Check the API Server Address; if it has a name, see to what address that leads here.",
        ),
        UnreachableBecause::ConnectionRefused => (
            format!("Nothing answers at {address}: the connection was refused."),
            "Check the API Server Address and its port, as seen from where Postern runs.",
        ),
        UnreachableBecause::TimedOut { after_ms } => (
            format!("The API server at {address} did not answer within {} s.", after_ms.div_ceil(1000)),
            "Check the network between Postern and the API server: a firewall that drops packets looks like this.",
        ),
        UnreachableBecause::ConnectionLost => (
            format!("The connection to {address} was lost before the answer was complete."),
            "Postern tries again by itself. If it stays so, look at what stands between.",
        ),
        UnreachableBecause::Tls { detail } => return explain_tls(address, detail),
        UnreachableBecause::Redirected => (
            format!("{address} answered with a redirect. Postern never sends a token to another address."),
            "Put the final address into the API Server Address.",
        ),
        UnreachableBecause::Throttled => (
            format!("The API server at {address} answers that there are too many requests."),
            "Postern slows down by itself. A longer refresh interval makes fewer requests.",
        ),
        UnreachableBecause::Status { status } => (
            format!("{address} answered with status {status}, which is no answer to a read."),
            "Check that the API Server Address leads to a Kubernetes API server; if it does, look at its log.",
        ),
        UnreachableBecause::NotUnderstood => (
            format!("{address} answered something that is not an answer of a Kubernetes API server."),
            "Check that the API Server Address leads to the API server and not to a proxy, a login page or another server.",
        ),
    };
    Explanation::new(what, fix)
}

fn explain_tls(address: &str, detail: &TlsProblem) -> Explanation {
    let (what, fix) = match detail {
        TlsProblem::UnknownAuthority => (
            format!("The certificate of {address} was issued by an authority that is not trusted here."),
            "Paste the cluster's authority into CA Certificate: 'kubectl config view --raw --minify' has it.",
        ),
        TlsProblem::WrongName { host } => (
            format!("The certificate of {address} is not for the name '{host}'."),
            "Use a name that the certificate is for in the API Server Address.",
        ),
        TlsProblem::Expired => {
            (format!("The certificate of {address} has expired."), "Renew the API server's certificate.")
        }
        TlsProblem::NotYetValid => {
            (format!("The certificate of {address} is not valid yet."), "Check the clocks of both machines.")
        }
        TlsProblem::NotTls => (
            format!("{address} does not speak TLS."),
            "Write http:// in the API Server Address if the server really listens without TLS, as 'kubectl proxy' does.",
        ),
        TlsProblem::AuthorityUnreadable => (
            "The CA Certificate of this secret provider cannot be read.".to_owned(),
            "Paste the authority's certificate again, in PEM form, from the first to the last line.",
        ),
        TlsProblem::ClientCertificateWanted
        | TlsProblem::ClientCertificateRefused
        | TlsProblem::IdentityUnreadable
        | TlsProblem::Other => (
            format!("The TLS handshake with {address} failed."),
            "Check the server's TLS: version 1.2 or 1.3 and a valid certificate are needed.",
        ),
    };
    Explanation::new(what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(failure: &KubernetesFailure, name: &str, parts: &[&str]) {
        assert_eq!(failure.name().slug(), name, "{failure:?}");
        let explanation = failure.explain();
        let text = format!("{} {} {}", explanation.what, explanation.fix, explanation.snippet.unwrap_or_default());
        for part in parts {
            assert!(text.contains(part), "{text:?} lacks {part:?}");
        }
        assert!(!text.contains("Vault") && !text.contains("AWS"), "{text:?} speaks of another manager");
    }

    #[test]
    fn every_failure_says_what_happened_and_what_to_do() {
        let (namespace, secret, key) = ("team".to_owned(), "alice".to_owned(), "kye".to_owned());
        let (n, s, k) = (|| namespace.clone(), || secret.clone(), || key.clone());
        let unusable = |why| KubernetesFailure::Unusable { namespace: n(), secret: s(), key: k(), why };
        let unreachable = |why| KubernetesFailure::Unreachable { address: "https://k:6443".to_owned(), why };
        let user = |name: &str| Some(name.to_owned());
        for (failure, name, parts) in [
            (
                KubernetesFailure::NotFound { namespace: n(), secret: s() },
                "not_found",
                vec!["no Secret alice in the namespace team", "kubectl create secret generic alice --namespace team"],
            ),
            (
                KubernetesFailure::Unauthorized { in_cluster: false },
                "denied",
                vec!["does not accept", "kubectl create token"],
            ),
            (KubernetesFailure::Unauthorized { in_cluster: true }, "denied", vec!["pod's service account"]),
            (
                KubernetesFailure::Forbidden {
                    namespace: n(),
                    secret: s(),
                    user: user("system:serviceaccount:gateway:postern"),
                },
                "denied",
                vec![
                    "may not read the Secret alice",
                    "resourceNames: [\"alice\"]",
                    "verbs: [\"get\"]",
                    "name: postern\n  namespace: gateway",
                ],
            ),
            (
                KubernetesFailure::Forbidden { namespace: n(), secret: s(), user: user("jane") },
                "denied",
                vec!["kind: User\n  name: jane"],
            ),
            (KubernetesFailure::NoServiceAccount, "denied", vec!["no service account's token", "in a pod"]),
            (
                KubernetesFailure::KeyMissing {
                    namespace: n(),
                    secret: s(),
                    key: k(),
                    present: vec!["key".to_owned(), "password".to_owned()],
                    similar: user("key"),
                },
                "key_missing",
                vec!["no key 'kye'", "it has key, password", "Did you mean 'key'?"],
            ),
            (unusable(UnusableBecause::Binary), "invalid", vec!["binary data"]),
            (unusable(UnusableBecause::Empty), "invalid", vec!["never authenticates"]),
            (unusable(UnusableBecause::NotUsable), "invalid", vec!["printf"]),
            (unreachable(UnreachableBecause::Throttled), "unreachable", vec!["too many requests"]),
            (unreachable(UnreachableBecause::NotUnderstood), "unreachable", vec!["Kubernetes API server"]),
            (
                unreachable(UnreachableBecause::Tls { detail: TlsProblem::UnknownAuthority }),
                "unreachable",
                vec!["kubectl config view"],
            ),
        ] {
            check(&failure, name, &parts);
        }
    }
}
