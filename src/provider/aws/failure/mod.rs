//! What reading a secret of AWS can end in, in words an operator can act on.

mod explain;
#[cfg(test)]
mod tests;

use super::{Region, RoleArn};
use crate::resolve::{Explanation, FailureClass, StateName, UnreachableBecause};
use crate::selection::SelectionProblem;
use explain::{
    explain_credentials, explain_denied, explain_key_missing, explain_not_found, explain_role, explain_unreachable,
    explain_unusable, put_command,
};

/// Why a read gave no value. Holds names, codes and keys; never a value, never an answer's text.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleProblem {
    /// AWS says the same where there is no such role, where its trust policy does not name the caller, where
    /// the External ID is another, and where the caller may not assume roles.
    Denied,
    /// Any other refusal, by AWS's code for it.
    Refused { code: String },
}

/// Why there is no value that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
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
