//! Who Postern is for AWS: an access key of the provider's own, or what the server's environment gives.

use crate::env_ref::EnvRef;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What requests are signed with, or a role is assumed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "credentials", rename_all = "snake_case")]
pub enum AwsCredentials<S> {
    AccessKey(AccessKey<S>),
    /// What the SDK's default chain finds where Postern runs: environment variables, a profile, a web
    /// identity, the container's or the instance's role. Only where the server's configuration allows it.
    Ambient,
}

/// A static or temporary access key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccessKey<S> {
    pub access_key_id: AccessKeyId,
    pub secret_access_key: S,
    /// Belongs to temporary keys; it ends with them.
    pub session_token: Option<S>,
}

impl<S> AwsCredentials<S> {
    /// Which of the two it is.
    #[must_use]
    pub fn method(&self) -> AwsMethod {
        match self {
            Self::AccessKey(_) => AwsMethod::AccessKey,
            Self::Ambient => AwsMethod::Ambient,
        }
    }

    /// The provider's own key.
    #[must_use]
    pub fn access_key(&self) -> Option<&AccessKey<S>> {
        match self {
            Self::AccessKey(key) => Some(key),
            Self::Ambient => None,
        }
    }

    /// Whose they are, without their secrets: what tells two of them apart.
    #[must_use]
    pub fn holder(&self) -> Option<&AccessKeyId> {
        self.access_key().map(|key| &key.access_key_id)
    }

    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<AwsCredentials<T>, E> {
        Ok(match self {
            Self::Ambient => AwsCredentials::Ambient,
            Self::AccessKey(key) => AwsCredentials::AccessKey(AccessKey {
                access_key_id: key.access_key_id.clone(),
                secret_access_key: f("secret_access_key", &key.secret_access_key)?,
                session_token: key.session_token.as_ref().map(|token| f("session_token", token)).transpose()?,
            }),
        })
    }
}

/// The choices of the dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwsMethod {
    AccessKey,
    Ambient,
}

impl AwsMethod {
    /// Every choice, in the order the dialog offers them.
    pub const ALL: [Self; 2] = [Self::AccessKey, Self::Ambient];

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::AccessKey => "access_key",
            Self::Ambient => "ambient",
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::AccessKey => "Access key",
            Self::Ambient => "Default credential chain",
        }
    }

    /// The method of that slug; empty means an access key.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        match slug {
            "" => Some(Self::AccessKey),
            slug => Self::ALL.into_iter().find(|method| method.slug() == slug),
        }
    }
}

/// The public half of an access key: an identifier, shown in full; or a reference to the environment that has it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccessKeyId(String);

/// Why a text is not an Access Key ID: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AccessKeyIdError(&'static str);

impl FromStr for AccessKeyId {
    type Err = AccessKeyIdError;

    fn from_str(text: &str) -> Result<Self, AccessKeyIdError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AccessKeyIdError("The Access Key ID is needed here, for example AKIAIOSFODNN7EXAMPLE."));
        }
        if EnvRef::is_meant(text) {
            return match text.parse::<EnvRef>() {
                Ok(reference) => Ok(Self(reference.to_string())),
                Err(_) => {
                    Err(AccessKeyIdError("A reference to the environment reads $env://<NAME>, or $env://<NAME>/<key>."))
                }
            };
        }
        // A Secret Access Key has 40 characters. It must not be stored in clear by a slip.
        if text.len() == 40 || text.contains(['/', '+']) {
            return Err(AccessKeyIdError("This looks like a Secret Access Key: it belongs in the field below."));
        }
        if text.len() > 128 || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(AccessKeyIdError("An Access Key ID has letters and digits only, at most 128."));
        }
        Ok(Self(text.to_owned()))
    }
}

impl AccessKeyId {
    /// Where it stands instead, when it is a reference to the environment.
    #[must_use]
    pub fn env(&self) -> Option<EnvRef> {
        self.0.parse().ok()
    }

    /// As AWS wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(AccessKeyId);
