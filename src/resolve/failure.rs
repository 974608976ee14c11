//! Why a read gave no value.

use super::StateName;
use crate::env_ref::EnvFailure;
use crate::provider::ProviderKey;
use crate::provider::address::Forbidden;
use crate::provider::aws::AwsFailure;
use crate::provider::kubernetes::KubernetesFailure;
use crate::provider::vault::{AuthMethod, AuthMount, Kv, Mount, SecretPrefix, TokenFile, read_policy};
use crate::rule::Rule;
use crate::selection::{SelectionProblem, VersionProblem};

/// Why a read gave no value. Holds paths, names and versions; never a value, never an answer's body.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// There is a value that can be used, but not in this field: it breaks the field's own rule.
    Unfit { field: String, rule: Rule },
}

/// A version of a KV version 2 secret that can no longer be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedVersion {
    pub version: u64,
    /// As Vault wrote it; empty when unknown.
    pub deleted_at: String,
    /// Destroyed for good, as opposed to deleted and restorable.
    pub destroyed: bool,
}

/// Why a manager refused.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// There is no token to read with in the provider's token file, or none that Vault accepts.
    TokenFile { file: TokenFile, why: TokenFileProblem },
    /// The manager refused and would not say more.
    Unknown,
}

/// What is wrong with a token file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFileProblem {
    /// The server's configuration gives the gateway group no folder of token files.
    NotAllowed,
    Missing,
    /// It may not be read, or is no file.
    Unreadable,
    /// A link leads out of the folder.
    Outside,
    Empty,
    /// What is in it cannot be a token.
    NotAToken,
    /// Vault does not accept the token in it: wrong, expired or revoked.
    Refused,
}

/// Why a login was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
            Self::Unfit { .. } => StateName::Unfit,
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
            | Self::Invalid { .. }
            | Self::Unfit { .. } => FailureClass::DefiniteNo,
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

impl DeniedBecause {
    /// The token is good and lacks a policy for `prefix`.
    #[must_use]
    pub fn policy_missing(policies: Vec<String>, mount: &Mount, prefix: &SecretPrefix) -> Self {
        Self::PolicyMissing { policies, policy: read_policy(mount, prefix) }
    }
}
