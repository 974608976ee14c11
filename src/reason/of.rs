//! Which failure has which code. No arm is left to chance: a new failure does not compile without one.

use super::Reason;
use crate::env_ref::{EnvFailure, EnvProblem};
use crate::provider::aws::{AwsFailure, CredentialProblem, RoleProblem, UnusableBecause};
use crate::provider::kubernetes::{self, KubernetesFailure};
use crate::resolve::{
    DeletedVersion, DeniedBecause, Failure, InvalidBecause, LoginProblem, TlsProblem, TokenFileProblem,
    UnreachableBecause,
};
use crate::secret_ref::RefProblem;
use crate::selection::{SelectionProblem, VersionProblem};

impl Failure {
    /// Its stable code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::ProviderMissing { .. } => Reason::ProviderNotFound,
            Self::NotFound { deleted, .. } => of_absence(deleted.as_ref()),
            Self::Version { why, .. } => match why {
                VersionProblem::Deleted { .. } => Reason::SecretDeleted,
                VersionProblem::Destroyed => Reason::SecretDestroyed,
                VersionProblem::Never { .. } => Reason::SecretNoSuchVersion,
                VersionProblem::NotKept => Reason::VaultNoVersions,
            },
            Self::KeyMissing { .. } => Reason::SecretKeyMissing,
            Self::Denied { why, .. } => of_denial(why),
            Self::Unreachable { why, .. } => of_outage(why),
            Self::Sealed { .. } => Reason::VaultSealed,
            Self::Invalid { why, .. } => match why {
                InvalidBecause::NotText { .. } => Reason::SecretNotText,
                InvalidBecause::Empty { .. } => Reason::SecretEmpty,
                InvalidBecause::NotUsable { .. } => Reason::SecretNotUsable,
                InvalidBecause::WrongKvVersion { .. } => Reason::VaultKvVersionMismatch,
                InvalidBecause::NoNamespace { .. } => Reason::VaultNamespaceNotFound,
                InvalidBecause::Selection { why, .. } => of_selection(why),
            },
            Self::Aws(failure) => failure.reason(),
            Self::Kubernetes(failure) => failure.reason(),
            Self::Env(EnvFailure { why, .. }) => of_environment(why),
            Self::Unfit { rule, .. } => rule.reason(),
        }
    }
}

fn of_environment(why: &EnvProblem) -> Reason {
    match why {
        EnvProblem::OutsidePrefix { .. } => Reason::EnvOutsidePrefix,
        EnvProblem::Unset => Reason::EnvUnset,
        EnvProblem::NotUtf8 | EnvProblem::NotText { .. } => Reason::SecretNotText,
        EnvProblem::NotJson { .. } => Reason::SecretNotJson,
        EnvProblem::KeyMissing { .. } => Reason::SecretKeyMissing,
        EnvProblem::Empty => Reason::SecretEmpty,
        EnvProblem::NotUsable => Reason::SecretNotUsable,
        EnvProblem::Selection { why, .. } => of_selection(why),
    }
}

fn of_absence(deleted: Option<&DeletedVersion>) -> Reason {
    match deleted {
        None => Reason::SecretNotFound,
        Some(DeletedVersion { destroyed: true, .. }) => Reason::SecretDestroyed,
        Some(DeletedVersion { destroyed: false, .. }) => Reason::SecretDeleted,
    }
}

fn of_selection(why: &SelectionProblem) -> Reason {
    match why {
        SelectionProblem::NotBase64 => Reason::SecretDecodingFailed,
        SelectionProblem::NotUtf8 | SelectionProblem::NotText { .. } => Reason::SecretNotText,
        SelectionProblem::NotJson => Reason::SecretNotJson,
        SelectionProblem::Missing { .. } => Reason::SecretPointerMissing,
        SelectionProblem::Empty => Reason::SecretEmpty,
        SelectionProblem::NotUsable => Reason::SecretNotUsable,
    }
}

fn of_denial(why: &DeniedBecause) -> Reason {
    match why {
        DeniedBecause::TokenInvalid => Reason::VaultTokenInvalid,
        DeniedBecause::PolicyMissing { .. } => Reason::VaultPermissionDenied,
        DeniedBecause::OtherNamespace { .. } => Reason::VaultTokenOfOtherNamespace,
        DeniedBecause::LoginRefused { why, .. } => match why {
            LoginProblem::Credentials => Reason::VaultLoginRefused,
            LoginProblem::NotAllowed => Reason::VaultLoginNotAllowed,
            LoginProblem::NoServiceAccount => Reason::VaultNoServiceAccount,
        },
        DeniedBecause::TokenFile { why, .. } => match why {
            TokenFileProblem::NotAllowed => Reason::VaultTokenFileNotAllowed,
            TokenFileProblem::Missing => Reason::VaultTokenFileNotFound,
            TokenFileProblem::Unreadable => Reason::VaultTokenFileUnreadable,
            TokenFileProblem::Outside => Reason::VaultTokenFileOutside,
            TokenFileProblem::Empty | TokenFileProblem::NotAToken => Reason::VaultTokenFileUnusable,
            TokenFileProblem::Refused => Reason::VaultTokenInvalid,
        },
        DeniedBecause::Unknown => Reason::VaultDenied,
    }
}

fn of_outage(why: &UnreachableBecause) -> Reason {
    match why {
        UnreachableBecause::NameNotFound { .. } => Reason::NetworkNameNotFound,
        UnreachableBecause::ForbiddenAddress { .. } => Reason::NetworkForbiddenAddress,
        UnreachableBecause::ConnectionRefused => Reason::NetworkConnectionRefused,
        UnreachableBecause::TimedOut { .. } => Reason::NetworkTimedOut,
        UnreachableBecause::ConnectionLost => Reason::NetworkConnectionLost,
        UnreachableBecause::Tls { detail } => match detail {
            TlsProblem::UnknownAuthority => Reason::TlsUnknownAuthority,
            TlsProblem::WrongName { .. } => Reason::TlsWrongName,
            TlsProblem::Expired => Reason::TlsExpired,
            TlsProblem::NotYetValid => Reason::TlsNotYetValid,
            TlsProblem::NotTls => Reason::TlsNotTls,
            TlsProblem::ClientCertificateWanted => Reason::TlsClientCertificateWanted,
            TlsProblem::ClientCertificateRefused => Reason::TlsClientCertificateRefused,
            TlsProblem::AuthorityUnreadable => Reason::TlsAuthorityUnreadable,
            TlsProblem::IdentityUnreadable => Reason::TlsIdentityUnreadable,
            TlsProblem::Other => Reason::TlsFailed,
        },
        UnreachableBecause::Redirected => Reason::NetworkRedirected,
        UnreachableBecause::Throttled => Reason::NetworkThrottled,
        UnreachableBecause::Status { .. } => Reason::NetworkStatus,
        UnreachableBecause::NotUnderstood => Reason::NetworkNotUnderstood,
    }
}

impl AwsFailure {
    /// Its stable code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound { .. } => Reason::SecretNotFound,
            Self::ScheduledForDeletion { .. } => Reason::AwsScheduledForDeletion,
            Self::NoCurrentVersion { .. } => Reason::AwsNoCurrentVersion,
            Self::NoSuchVersion { .. } => Reason::SecretNoSuchVersion,
            Self::Denied { .. } => Reason::AwsAccessDenied,
            Self::Credentials { why } => match why {
                CredentialProblem::Unknown => Reason::AwsAccessKeyUnknown,
                CredentialProblem::BadSignature => Reason::AwsSignatureMismatch,
                CredentialProblem::Expired => Reason::AwsSessionExpired,
                CredentialProblem::Clock => Reason::AwsClockSkew,
                CredentialProblem::NotAllowed => Reason::AwsAmbientNotAllowed,
                CredentialProblem::NoneFound => Reason::AwsAmbientNotFound,
            },
            Self::Role { why: RoleProblem::Denied, .. } => Reason::AwsRoleDenied,
            Self::Role { why: RoleProblem::Refused { .. }, .. } => Reason::AwsRefused,
            Self::OtherRegion { .. } => Reason::AwsOtherRegion,
            Self::Kms { .. } => Reason::AwsKmsDenied,
            Self::KeyMissing { .. } => Reason::SecretKeyMissing,
            Self::Unusable { why, .. } => match why {
                UnusableBecause::NotJson => Reason::SecretNotJson,
                UnusableBecause::Binary => Reason::SecretBinary,
                UnusableBecause::NotText { .. } => Reason::SecretNotText,
                UnusableBecause::Empty => Reason::SecretEmpty,
                UnusableBecause::NotUsable => Reason::SecretNotUsable,
                UnusableBecause::Selection { why, .. } => of_selection(why),
            },
            Self::Unreachable { why, .. } => of_outage(why),
            Self::Refused { .. } => Reason::AwsRefused,
        }
    }
}

impl KubernetesFailure {
    /// Its stable code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotFound { .. } => Reason::SecretNotFound,
            Self::Unauthorized { .. } => Reason::KubernetesTokenInvalid,
            Self::Forbidden { .. } => Reason::KubernetesForbidden,
            Self::NoServiceAccount => Reason::KubernetesNoServiceAccount,
            Self::KeyMissing { .. } => Reason::SecretKeyMissing,
            Self::Unusable { why, .. } => match why {
                kubernetes::UnusableBecause::Binary => Reason::SecretBinary,
                kubernetes::UnusableBecause::Empty => Reason::SecretEmpty,
                kubernetes::UnusableBecause::NotUsable => Reason::SecretNotUsable,
                kubernetes::UnusableBecause::Selection { why, .. } => of_selection(why),
            },
            Self::Unreachable { why, .. } => of_outage(why),
        }
    }
}

impl RefProblem {
    /// Its stable code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotAReference => Reason::RefNotAReference,
            Self::MissingManager => Reason::RefMissingManager,
            Self::UnknownManager { .. } => Reason::RefUnknownManager,
            Self::MissingProviderId { .. } => Reason::RefMissingProviderId,
            Self::BadProviderId { .. } => Reason::RefBadProviderId,
            Self::MissingPath => Reason::RefMissingPath,
            Self::MissingName => Reason::RefMissingPath,
            Self::BadName { .. } => Reason::RefBadName,
            Self::MissingField { .. } => Reason::RefMissingField,
            Self::BadSegment { .. } => Reason::RefBadSegment,
            Self::ForbiddenCharacter { .. } => Reason::RefForbiddenCharacter,
            Self::StrayBlank { .. } => Reason::RefStrayBlank,
            Self::BadPath { .. } => Reason::RefBadPath,
            Self::BadExtension { .. } => Reason::RefBadExtension,
            Self::TooLong { .. } => Reason::RefTooLong,
        }
    }
}
