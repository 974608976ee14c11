//! What reading a referenced secret ends in, in words an operator can act on.
//!
//! There is no third state between "there is a value" and "there is none, because …": a reference that
//! is not resolved is a [`Failure`], never a literal and never an empty text.

use crate::env_ref::EnvFailure;
use crate::near::nearest;
use crate::provider::ProviderKey;
use crate::provider::address::Forbidden;
use crate::provider::aws::AwsFailure;
use crate::provider::kubernetes::KubernetesFailure;
use crate::provider::vault::{AuthMethod, AuthMount, Kv, Mount, SERVICE_ACCOUNT_TOKEN, SecretPrefix, read_policy};
use crate::reference::Reference;
use crate::secret_ref::RefError;
use crate::selection::{SelectionProblem, VersionProblem};
use crate::time::{Millis, duration_text};
use serde::{Deserialize, Serialize};

/// Where a reference stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ReferenceState {
    /// The first read is under way.
    Pending,
    /// There is a value, and it is fresh.
    Ok(Resolved),
    /// The value kept over a restart is used until it is read anew, and at the longest until `until`.
    Restored { resolved: Resolved, until: Millis },
    /// The last read failed, and the last good value is used until `until`.
    Stale { resolved: Resolved, failure: Failure, until: Millis },
    /// There is no value to use.
    Failed { failure: Failure },
}

/// All that is told of a value: never the value, never a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// The secret's version, where the manager has versions.
    pub version: Option<u64>,
    /// Characters.
    pub length: usize,
    /// Eight hex digits of a keyed hash: equal for equal values.
    pub fingerprint: String,
    /// When it was read.
    pub read_at: Millis,
    /// How long the read took, in milliseconds.
    pub took_ms: u64,
}

/// The states a reference can be in, as the dashboard, the logs and the metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    Pending,
    Ok,
    Stale,
    NotFound,
    KeyMissing,
    Denied,
    Unreachable,
    Sealed,
    Invalid,
    ProviderMissing,
}

impl StateName {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Ok,
        Self::Stale,
        Self::NotFound,
        Self::KeyMissing,
        Self::Denied,
        Self::Unreachable,
        Self::Sealed,
        Self::Invalid,
        Self::ProviderMissing,
    ];

    /// For logs and metrics: `key_missing`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::NotFound => "not_found",
            Self::KeyMissing => "key_missing",
            Self::Denied => "denied",
            Self::Unreachable => "unreachable",
            Self::Sealed => "sealed",
            Self::Invalid => "invalid",
            Self::ProviderMissing => "provider_missing",
        }
    }

    /// For the dashboard: `Key missing`.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Pending => "Checking",
            Self::Ok => "Resolved",
            Self::Stale => "Stale",
            Self::NotFound => "Not found",
            Self::KeyMissing => "Key missing",
            Self::Denied => "Denied",
            Self::Unreachable => "Unreachable",
            Self::Sealed => "Sealed",
            Self::Invalid => "Invalid",
            Self::ProviderMissing => "Provider missing",
        }
    }
}

impl ReferenceState {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::Pending => StateName::Pending,
            Self::Ok(_) => StateName::Ok,
            Self::Restored { .. } | Self::Stale { .. } => StateName::Stale,
            Self::Failed { failure } => failure.name(),
        }
    }

    /// What is known of the value in use.
    #[must_use]
    pub fn resolved(&self) -> Option<&Resolved> {
        match self {
            Self::Ok(resolved) | Self::Restored { resolved, .. } | Self::Stale { resolved, .. } => Some(resolved),
            Self::Pending | Self::Failed { .. } => None,
        }
    }

    /// Why the last read gave nothing.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Stale { failure, .. } | Self::Failed { failure } => Some(failure),
            Self::Pending | Self::Ok(_) | Self::Restored { .. } => None,
        }
    }
}

/// Why a read gave no value. Holds paths, names and versions; never a value, never an answer's body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "failure", rename_all = "snake_case")]
pub enum Failure {
    /// The group has no such provider; `known` are the ids it has for that manager.
    ProviderMissing { provider: ProviderKey, known: Vec<String> },
    /// There is no secret at that path.
    NotFound {
        /// The path asked for, below `/v1/`.
        path: String,
        /// Set when the secret is there but its current version was deleted.
        deleted: Option<DeletedVersion>,
    },
    /// The version that the reference names cannot be read.
    Version { path: String, version: u64, why: VersionProblem },
    /// The secret is there; the key is not.
    KeyMissing {
        path: String,
        key: String,
        /// The keys that are there, sorted.
        present: Vec<String>,
        version: Option<u64>,
        /// The last earlier version that had the key, where the token may look.
        last_seen: Option<u64>,
    },
    /// The manager refused.
    Denied { path: String, why: DeniedBecause },
    /// No answer, or none that can be used.
    Unreachable { address: String, why: UnreachableBecause },
    /// The Vault is sealed or not initialised.
    Sealed { address: String },
    /// There was an answer, but no value that can be used.
    Invalid { path: String, why: InvalidBecause },
    /// What only AWS Secrets Manager can end in.
    Aws(AwsFailure),
    /// What only Kubernetes can end in.
    Kubernetes(KubernetesFailure),
    /// What only a reference to the environment can end in.
    Env(EnvFailure),
}

/// A version of a KV version 2 secret that can no longer be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedVersion {
    pub version: u64,
    /// As Vault wrote it; empty when unknown.
    pub deleted_at: String,
    /// Destroyed for good, as opposed to deleted and restorable.
    pub destroyed: bool,
}

/// Why a manager refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum DeniedBecause {
    /// The token itself is not accepted: wrong, expired or revoked (Vault tells these not apart).
    TokenInvalid,
    /// The token is good, but its policies do not allow reading the path. `policy` would.
    PolicyMissing { policies: Vec<String>, policy: String },
    /// The token is good, but belongs to another namespace, which is neither the provider's nor above it.
    /// The root namespace is the empty text.
    OtherNamespace { token: String, provider: String },
    /// The login with the provider's authentication method was refused: there is no token to read with.
    LoginRefused { method: AuthMethod, mount: AuthMount, why: LoginProblem },
    /// The manager refused and would not say more.
    Unknown,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginProblem {
    /// Vault does not accept what the provider shows.
    Credentials,
    /// Vault refuses without a reason: it says the same where nothing is mounted and where a user is locked
    /// out or a role does not apply.
    NotAllowed,
    /// Kubernetes: there is no service account's token on this machine.
    NoServiceAccount,
}

/// Why there was no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum UnreachableBecause {
    /// The host name has no address.
    NameNotFound {
        host: String,
    },
    /// The host is, or its name leads to, an address that Postern never connects to.
    ForbiddenAddress {
        address: String,
        kind: Forbidden,
    },
    ConnectionRefused,
    TimedOut {
        after_ms: u64,
    },
    /// The connection was lost before the answer was whole.
    ConnectionLost,
    /// The TLS handshake failed; what the TLS library says of the certificate or protocol.
    Tls {
        detail: TlsProblem,
    },
    /// A redirect: a token is never sent on to another address.
    Redirected,
    Throttled,
    /// Another status that is no answer to a read.
    Status {
        status: u16,
    },
    /// The answer is not what Vault answers: not JSON, too large, or without data.
    NotUnderstood,
}

/// What is wrong with a TLS connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "tls", rename_all = "snake_case")]
pub enum TlsProblem {
    UnknownAuthority,
    WrongName {
        host: String,
    },
    Expired,
    NotYetValid,
    /// The other side does not speak TLS: `http://` may be meant.
    NotTls,
    /// The server demands a client certificate.
    ClientCertificateWanted,
    /// The server does not accept the client certificate that it was shown.
    ClientCertificateRefused,
    /// The provider's CA Certificate holds no certificate that can be read.
    AuthorityUnreadable,
    /// The provider's client certificate or private key cannot be read, or they do not belong together.
    IdentityUnreadable,
    Other,
}

/// Why an answer holds no usable value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum InvalidBecause {
    /// The value is an object, a list or null.
    NotText { key: String, found: String },
    /// The value is the empty text, which never arms a credential.
    Empty { key: String },
    /// The value cannot be sent in a request: control characters, or too long.
    NotUsable { key: String },
    /// The provider says one KV version and the mount is the other.
    WrongKvVersion { mount: Mount, chosen: Kv },
    /// The key is there, and what the reference does to its value (`?decode=base64#/a`) gives none.
    Selection { key: String, steps: String, why: Box<SelectionProblem> },
    /// Vault has no such namespace.
    NoNamespace { namespace: String },
}

impl Failure {
    /// Its name among the states.
    #[must_use]
    pub fn name(&self) -> StateName {
        match self {
            Self::ProviderMissing { .. } => StateName::ProviderMissing,
            Self::NotFound { .. } | Self::Version { .. } => StateName::NotFound,
            Self::KeyMissing { .. } => StateName::KeyMissing,
            Self::Denied { .. } => StateName::Denied,
            Self::Unreachable { .. } => StateName::Unreachable,
            Self::Sealed { .. } => StateName::Sealed,
            Self::Invalid { .. } => StateName::Invalid,
            Self::Aws(failure) => failure.name(),
            Self::Kubernetes(failure) => failure.name(),
            Self::Env(failure) => failure.name(),
        }
    }

    /// What it says of the last good value.
    #[must_use]
    pub fn class(&self) -> FailureClass {
        match self {
            Self::Unreachable { .. } | Self::Sealed { .. } => FailureClass::Outage,
            Self::Denied { .. } => FailureClass::Denied,
            Self::Aws(failure) => failure.class(),
            Self::Kubernetes(failure) => failure.class(),
            Self::ProviderMissing { .. }
            | Self::NotFound { .. }
            | Self::Version { .. }
            | Self::Env(_)
            | Self::KeyMissing { .. }
            | Self::Invalid { .. } => FailureClass::DefiniteNo,
        }
    }

    /// Whether it says nothing of the secret: there was no answer.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.class() == FailureClass::Outage
    }
}

/// What a failure says of the last good value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// The manager answered, and there is no such value (any more): it is dropped at once.
    DefiniteNo,
    /// The manager refuses to give it: it is used for a short grace, since a token that ran out or a policy
    /// that lost a line is more often a slip than meant.
    Denied,
    /// There was no answer: it is used for a bounded time.
    Outage,
}

/// What happened, why, and what to do: each one sentence, without a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub what: String,
    pub fix: String,
    /// A command or policy to copy.
    pub snippet: Option<String>,
}

impl Explanation {
    /// An explanation without anything to copy.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into(), snippet: None }
    }

    /// With something to copy.
    #[must_use]
    pub fn with(mut self, snippet: impl Into<String>) -> Self {
        self.snippet = Some(snippet.into());
        self
    }
}

impl Failure {
    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::ProviderMissing { provider, known } => explain_provider_missing(provider, known),
            Self::NotFound { path, deleted } => explain_not_found(path, deleted.as_ref()),
            Self::Version { path, version, why } => why.explain(&logical(path), *version),
            Self::KeyMissing { path, key, present, version, last_seen } => {
                explain_key_missing(path, key, present, *version, *last_seen)
            }
            Self::Denied { path, why } => explain_denied(path, why),
            Self::Unreachable { address, why } => explain_unreachable(address, why),
            Self::Sealed { address } => Explanation::new(
                format!("Vault at {address} is sealed."),
                "Unseal it. Postern tries again by itself and uses the secrets as soon as Vault answers.",
            )
            .with("vault operator unseal"),
            Self::Invalid { path, why } => explain_invalid(path, why),
            Self::Aws(failure) => failure.explain(),
            Self::Kubernetes(failure) => failure.explain(),
            Self::Env(failure) => failure.explain(),
        }
    }
}

fn explain_provider_missing(provider: &ProviderKey, known: &[String]) -> Explanation {
    let what = format!("There is no secret provider {provider} in this gateway group.");
    let manager = provider.manager.label();
    match known {
        [] => Explanation::new(what, format!("Add {manager} as a secret provider with the ID '{}'.", provider.id)),
        ids => Explanation::new(
            what,
            format!(
                "Use one that exists ({}), or add {manager} as a secret provider with the ID '{}'.",
                ids.join(", "),
                provider.id
            ),
        ),
    }
}

/// The path as `vault kv` commands write it: without the `data/` of a version 2 request.
fn logical(path: &str) -> String {
    path.replacen("/data/", "/", 1)
}

fn explain_not_found(path: &str, deleted: Option<&DeletedVersion>) -> Explanation {
    match deleted {
        Some(DeletedVersion { version, destroyed: true, .. }) => Explanation::new(
            format!("Version {version} of the secret {} was destroyed.", logical(path)),
            "Write the secret again.",
        )
        .with(format!("vault kv put {} <key>=<value>", logical(path))),
        Some(DeletedVersion { version, deleted_at, .. }) => Explanation::new(
            format!("Version {version} of the secret {} was deleted{}.", logical(path), at(deleted_at)),
            "Restore the version, or write the secret again.",
        )
        .with(format!("vault kv undelete -versions={version} {}", logical(path))),
        None => Explanation::new(
            format!("Vault has no secret at {path}."),
            "Check the reference's path and the provider's Secret Prefix, or write the secret.",
        )
        .with(format!("vault kv put {} <key>=<value>", logical(path))),
    }
}

fn at(moment: &str) -> String {
    if moment.is_empty() { String::new() } else { format!(" at {moment}") }
}

fn explain_key_missing(
    path: &str,
    key: &str,
    present: &[String],
    version: Option<u64>,
    last_seen: Option<u64>,
) -> Explanation {
    let secret = match version {
        Some(version) => format!("The secret {} (version {version})", logical(path)),
        None => format!("The secret {}", logical(path)),
    };
    let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
    let what = format!("{secret} has no key '{key}': {keys}.");
    let patch = format!("vault kv patch {} {key}=<value>", logical(path));
    match last_seen {
        Some(seen) => Explanation::new(
            what,
            format!(
                "Version {seen} still had '{key}'. 'vault kv put' replaces all keys of a secret; add the key back with 'vault kv patch', or put all keys at once."
            ),
        )
        .with(patch),
        None if key.contains(['?', '#']) => Explanation::new(
            what,
            "If the end of the reference is not meant as part of the key: Postern knows ?version=, ?stage=, ?decode=base64 and #/<pointer>; everything else is the key's name.",
        ),
        None => Explanation::new(
            what,
            format!(
                "{}Correct the key at the end of the reference, or add the key. 'vault kv put' replaces all keys of a secret; 'vault kv patch' adds to them.",
                did_you_mean(key, present)
            ),
        )
        .with(patch),
    }
}

/// `Did you mean 'key'? ` when one of the keys that are there looks like it.
pub(crate) fn did_you_mean(key: &str, present: &[String]) -> String {
    match nearest(key, present.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean '{near}'? "),
        None => String::new(),
    }
}

fn explain_denied(path: &str, why: &DeniedBecause) -> Explanation {
    match why {
        DeniedBecause::TokenInvalid => Explanation::new(
            "Vault does not accept the provider's token: it is wrong, expired or revoked.",
            "Create a new token and replace it in the secret provider.",
        )
        .with("vault token create -policy=<policy>"),
        DeniedBecause::PolicyMissing { policies, policy } => Explanation::new(
            format!("The token is valid, but its policies ({}) do not allow reading {path}.", policies.join(", ")),
            "Add this to one of the token's policies:",
        )
        .with(policy.clone()),
        DeniedBecause::OtherNamespace { token, provider } => Explanation::new(
            format!(
                "The token is valid in {}, but the secret provider reads in {}.",
                in_namespace(token),
                in_namespace(provider)
            ),
            "Correct the Namespace of the secret provider, or give it a token of that namespace or of one above it.",
        ),
        DeniedBecause::LoginRefused { method, mount, why } => explain_login(*method, mount, *why),
        DeniedBecause::Unknown => Explanation::new(
            format!("Vault refused to read {path}."),
            "Check the token and its policies; Test Connection on the secret provider says more.",
        ),
    }
}

fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() { "the root namespace".to_owned() } else { format!("the namespace '{namespace}'") }
}

fn explain_login(method: AuthMethod, mount: &AuthMount, why: LoginProblem) -> Explanation {
    let label = method.label();
    match why {
        LoginProblem::Credentials => {
            let (what, fix, command) = explain_credentials(method, mount);
            Explanation::new(format!("Vault refused the login with {label} at auth/{mount}: {what}"), fix).with(command)
        }
        LoginProblem::NotAllowed => {
            let (perhaps, fix) = match method {
                AuthMethod::Userpass => (
                    "or the user is locked out for a while after wrong passwords",
                    "Check the Mount Path and wait out the lock",
                ),
                AuthMethod::Kubernetes => (
                    "or the role is not for this service account and its namespace",
                    "Check the Mount Path, and what the role is bound to",
                ),
                AuthMethod::Token | AuthMethod::AppRole | AuthMethod::Jwt | AuthMethod::Cert => (
                    "or logins are not allowed from here",
                    "Check the Mount Path, and the addresses that the role is bound to",
                ),
            };
            Explanation::new(
                format!(
                    "Vault refused the login with {label} at auth/{mount} without a reason: no such method is mounted there, {perhaps}."
                ),
                format!("{fix}. This lists what is mounted where:"),
            )
            .with("vault auth list")
        }
        LoginProblem::NoServiceAccount => Explanation::new(
            format!("There is no service account's token at {SERVICE_ACCOUNT_TOKEN}, so no login with Kubernetes."),
            "Run Postern in a pod that mounts its service account's token, or choose another Authentication Method.",
        ),
    }
}

/// What is wrong, what to do, and the command that shows or mends it.
fn explain_credentials(method: AuthMethod, mount: &AuthMount) -> (&'static str, &'static str, String) {
    match method {
        AuthMethod::Token => ("the token is not accepted.", "Replace the token.", "vault token lookup".to_owned()),
        AuthMethod::AppRole => (
            "the Role ID or the Secret ID is wrong, or the Secret ID has expired or was used up.",
            "Create a new Secret ID and replace it in the secret provider.",
            format!("vault write -f auth/{mount}/role/<role>/secret-id"),
        ),
        AuthMethod::Userpass => (
            "the user name or the password is wrong.",
            "Correct them in the secret provider. Postern tries rarely: wrong passwords may lock the user out.",
            format!("vault read auth/{mount}/users/<username>"),
        ),
        AuthMethod::Kubernetes => (
            "there is no such role, or it is not for this service account.",
            "Check the Role, and the service accounts and namespaces that it is bound to.",
            format!("vault read auth/{mount}/role/<role>"),
        ),
        AuthMethod::Jwt => (
            "the JWT has expired, is not signed by the issuer that Vault knows, or does not fit the role.",
            "Replace the JWT, and check the Role and what it is bound to.",
            format!("vault read auth/{mount}/role/<role>"),
        ),
        AuthMethod::Cert => (
            "no role of Vault is for this client certificate, or its listener does not ask for one.",
            "Check the Role, the certificate that it names and the certificate's end date.",
            format!("vault list auth/{mount}/certs"),
        ),
    }
}

fn explain_unreachable(address: &str, why: &UnreachableBecause) -> Explanation {
    let (what, fix) = match why {
        UnreachableBecause::NameNotFound { host } => (
            format!("The host name '{host}' has no address here."),
            "Check the spelling of the Vault Server URL; the name must be known where Postern runs.".to_owned(),
        ),
        UnreachableBecause::ForbiddenAddress { address: ip, kind } => (
            format!("{address} leads to {ip}: {}. Postern never connects there.", kind.describe()),
            "Enter the address of Vault in the Vault Server URL; if it is a name, see to what address it leads here.".to_owned(),
        ),
        UnreachableBecause::ConnectionRefused => (
            format!("Nothing answers at {address}: the connection was refused."),
            "Check that Vault runs and that the port in the Vault Server URL is right, as seen from where Postern runs.".to_owned(),
        ),
        UnreachableBecause::TimedOut { after_ms } => (
            format!("Vault at {address} did not answer within {} s.", after_ms.div_ceil(1000)),
            "Check the network between Postern and Vault: a firewall that drops packets looks like this.".to_owned(),
        ),
        UnreachableBecause::ConnectionLost => (
            format!("The connection to {address} was lost before the answer was complete."),
            "Postern tries again by itself. If it stays so, look at Vault's log and at what stands between.".to_owned(),
        ),
        UnreachableBecause::Tls { detail } => return explain_tls(address, detail),
        UnreachableBecause::Redirected => (
            format!("{address} answered with a redirect. Postern never sends a token to another address."),
            "Put the address of the active Vault, or of its load balancer, into the Vault Server URL.".to_owned(),
        ),
        UnreachableBecause::Throttled => (
            format!("Vault at {address} answers that there are too many requests."),
            "Postern slows down by itself. Raise the rate limit quota for this path if it stays so.".to_owned(),
        ),
        UnreachableBecause::Status { status } => (
            format!("{address} answered with status {status}, which is no answer to a read."),
            "Check that the Vault Server URL leads to Vault; if it does, look at Vault's log.".to_owned(),
        ),
        UnreachableBecause::NotUnderstood => (
            format!("{address} answered something that is not a Vault answer."),
            "Check that the Vault Server URL leads to Vault and not to a proxy, a login page or another server.".to_owned(),
        ),
    };
    Explanation::new(what, fix)
}

fn explain_tls(address: &str, detail: &TlsProblem) -> Explanation {
    let (what, fix) = match detail {
        TlsProblem::UnknownAuthority => (
            format!("The certificate of {address} was issued by an authority that is not trusted here."),
            "Paste the issuing authority's certificate into CA Certificate.",
        ),
        TlsProblem::WrongName { host } => (
            format!("The certificate of {address} is not for the name '{host}'."),
            "Enter the name that the certificate is for as TLS Server Name (Advanced), or use it in the Vault Server URL.",
        ),
        TlsProblem::Expired => (format!("The certificate of {address} has expired."), "Renew Vault's certificate."),
        TlsProblem::NotYetValid => {
            (format!("The certificate of {address} is not valid yet."), "Check the clocks of both machines.")
        }
        TlsProblem::NotTls => (
            format!("{address} does not speak TLS."),
            "Write http:// in the Vault Server URL if Vault really listens without TLS.",
        ),
        TlsProblem::ClientCertificateWanted => (
            format!("{address} demands a client certificate, which this provider does not have."),
            "Enter a TLS Client Certificate and its key (Advanced), or choose TLS certificate as the Authentication Method.",
        ),
        TlsProblem::ClientCertificateRefused => (
            format!("{address} does not accept the client certificate of this secret provider."),
            "Check its end date, that it is for client authentication, and which authority the listener wants it from.",
        ),
        TlsProblem::AuthorityUnreadable => (
            "The CA Certificate of this secret provider cannot be read.".to_owned(),
            "Paste the authority's certificate again, in PEM form, from the first to the last line.",
        ),
        TlsProblem::IdentityUnreadable => (
            "The client certificate or its private key cannot be read, or they do not belong together.".to_owned(),
            "Paste both again, in PEM form, from the first to the last line.",
        ),
        TlsProblem::Other => (
            format!("The TLS handshake with {address} failed."),
            "Check Vault's listener: TLS 1.2 or 1.3 and a valid certificate are needed.",
        ),
    };
    Explanation::new(what, fix)
}

fn explain_invalid(path: &str, why: &InvalidBecause) -> Explanation {
    let secret = logical(path);
    match why {
        InvalidBecause::NotText { key, found } => Explanation::new(
            format!("The key '{key}' of {secret} holds {found}, not a text."),
            "Store the value as text.",
        )
        .with(format!("vault kv patch {secret} {key}=<value>")),
        InvalidBecause::Empty { key } => Explanation::new(
            format!("The key '{key}' of {secret} is empty, and an empty value never authenticates anyone."),
            "Store a value.",
        )
        .with(format!("vault kv patch {secret} {key}=<value>")),
        InvalidBecause::NotUsable { key } => Explanation::new(
            format!(
                "The key '{key}' of {secret} holds a value that no request can carry: it has control characters or is longer than 8 KiB."
            ),
            "Store a value without line breaks. A line break at the end often comes from 'echo'; use 'printf'.",
        ),
        InvalidBecause::WrongKvVersion { mount, chosen } => Explanation::new(
            format!(
                "The secret provider says KV version {}, but the mount {mount} is KV version {}.",
                chosen.number(),
                mount.version.number()
            ),
            format!("Switch the secret provider to KV version {}, or to Auto-detect.", mount.version.number()),
        ),
        InvalidBecause::Selection { key, steps, why } => why.explain(&format!("The key '{key}' of {secret}"), steps),
        InvalidBecause::NoNamespace { namespace } => Explanation::new(
            format!("Vault has no namespace '{namespace}'."),
            "Correct the Namespace of the secret provider (Advanced): write all of it, from the root, as in team-a/project. This lists what is there:",
        )
        .with("vault namespace list"),
    }
}

impl DeniedBecause {
    /// The token is good and lacks a policy for `prefix`.
    #[must_use]
    pub fn policy_missing(policies: Vec<String>, mount: &Mount, prefix: &SecretPrefix) -> Self {
        Self::PolicyMissing { policies, policy: read_policy(mount, prefix) }
    }
}

impl ReferenceState {
    /// One sentence for a badge's side: what the state is, without the fix.
    #[must_use]
    pub fn summary(&self, now: Millis) -> String {
        match self {
            Self::Pending => "Being read for the first time.".to_owned(),
            Self::Ok(resolved) => resolved.summary(),
            Self::Restored { resolved, until } => format!(
                "Being read for the first time since the start. The last good value ({}), read {} ago, is used for another {}.",
                resolved.summary(),
                duration_text(now.since(resolved.read_at) / 1000),
                duration_text(until.since(now) / 1000)
            ),
            Self::Stale { resolved, failure, until } => format!(
                "{} The last good value ({}), read {} ago, is used for another {}.",
                failure.explain().what,
                resolved.summary(),
                duration_text(now.since(resolved.read_at) / 1000),
                duration_text(until.since(now) / 1000)
            ),
            Self::Failed { failure } => failure.explain().what,
        }
    }
}

impl Resolved {
    /// `17 characters, version 3, read in 4 ms`.
    #[must_use]
    pub fn summary(&self) -> String {
        let version = self.version.map(|v| format!("version {v}, ")).unwrap_or_default();
        let s = if self.length == 1 { "" } else { "s" };
        format!("{} character{s}, {version}read in {} ms", self.length, self.took_ms)
    }
}

/// A text checked as a reference: what it reads as, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reading", rename_all = "snake_case")]
pub enum ReferenceCheck {
    /// No reference, and why.
    Malformed { error: RefError },
    /// A reference; `request` is what is asked of the manager, for example
    /// `GET http://127.0.0.1:8200/v1/secret/data/api7/consumer/alice`.
    Checked { reference: Reference, request: Option<String>, state: Box<ReferenceState> },
}

#[cfg(test)]
mod tests {
    use super::*;

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
                Failure::Invalid {
                    path: path(),
                    why: InvalidBecause::WrongKvVersion { mount: mount(), chosen: Kv::V1 },
                },
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
        let resolved =
            Resolved { version: Some(3), length: 9, fingerprint: String::new(), read_at: Millis(0), took_ms: 4 };
        let failure = Failure::Sealed { address: "http://v".to_owned() };
        let state = ReferenceState::Stale { resolved, failure, until: Millis(86_400_000) };
        let summary = state.summary(Millis(3 * 3_600_000));
        assert_eq!(
            summary,
            "Vault at http://v is sealed. The last good value (9 characters, version 3, read in 4 ms), read 3 h ago, is used for another 21 h."
        );
    }
}
