//! AWS Secrets Manager: settings, where a reference may be read, and every way to fail in words.

mod candidate;
mod credentials;
mod endpoint;
mod failure;
mod form;
mod policy;
mod region;
mod role;
#[cfg(test)]
mod tests;

pub use candidate::{Candidate, arn_region, candidates};
pub use credentials::{AccessKey, AccessKeyId, AwsCredentials, AwsMethod};
pub use endpoint::EndpointUrl;
pub use failure::{AwsFailure, CredentialProblem, RoleProblem, UnusableBecause};
pub use form::{AwsForm, OTHER_REGION};
pub use policy::{least_policy, read_policy};
pub use region::{REGIONS, Region};
pub use role::{AssumeRole, RoleArn, RoleForm};

use serde::{Deserialize, Serialize};

/// How Postern reaches Secrets Manager in one region, and who it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredAws<S>")]
pub struct AwsSettings<S> {
    pub region: Region,
    /// Instead of the region's own endpoint.
    pub endpoint_url: Option<EndpointUrl>,
    #[serde(flatten)]
    pub credentials: AwsCredentials<S>,
    /// Secrets are read with this role, not with the credentials themselves.
    pub assume_role: Option<AssumeRole>,
}

/// As it lies in the database. Rows from before there was a choice say nothing of it: they hold a key.
#[derive(Deserialize)]
struct StoredAws<S> {
    region: Region,
    endpoint_url: Option<EndpointUrl>,
    credentials: Option<AwsMethod>,
    access_key_id: Option<AccessKeyId>,
    secret_access_key: Option<S>,
    session_token: Option<S>,
    assume_role: Option<AssumeRole>,
}

impl<S> TryFrom<StoredAws<S>> for AwsSettings<S> {
    type Error = &'static str;

    /// What lacks a part of its key is an error, never a reason to take the server's own credentials.
    fn try_from(stored: StoredAws<S>) -> Result<Self, &'static str> {
        let StoredAws { region, endpoint_url, assume_role, .. } = stored;
        let key = stored.access_key_id.zip(stored.secret_access_key);
        let credentials = match (stored.credentials, key) {
            (None | Some(AwsMethod::AccessKey), Some((access_key_id, secret_access_key))) => {
                let session_token = stored.session_token;
                AwsCredentials::AccessKey(AccessKey { access_key_id, secret_access_key, session_token })
            }
            (Some(AwsMethod::Ambient), None) => AwsCredentials::Ambient,
            _ => return Err("AWS credentials that are neither a whole access key nor said to be ambient"),
        };
        Ok(Self { region, endpoint_url, credentials, assume_role })
    }
}

impl<S> AwsSettings<S> {
    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<AwsSettings<T>, E> {
        Ok(AwsSettings {
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            credentials: self.credentials.try_map(f)?,
            assume_role: self.assume_role.clone(),
        })
    }

    /// Whether it is more than a key of its own: then the server's configuration must allow it.
    #[must_use]
    pub fn needs_permission(&self) -> bool {
        self.credentials.method() == AwsMethod::Ambient || self.assume_role.is_some()
    }

    /// Who reads: the role, the Access Key ID, or what the environment gives.
    #[must_use]
    pub fn who(&self) -> String {
        match (&self.assume_role, self.credentials.holder()) {
            (Some(role), _) => role.role_arn.to_string(),
            (None, Some(key)) => key.to_string(),
            (None, None) => AwsMethod::Ambient.label().to_owned(),
        }
    }

    /// Where requests go: the Endpoint URL, or what the region is called.
    #[must_use]
    pub fn address(&self) -> String {
        match &self.endpoint_url {
            Some(url) => url.to_string(),
            None => format!("Secrets Manager in {}", self.region),
        }
    }

    /// Whether a stored secret may serve both: it belongs to its Access Key ID, and is used at no other
    /// endpoint than the one it was entered for.
    #[must_use]
    pub fn same_holder<T>(&self, other: &AwsSettings<T>) -> bool {
        same_endpoint(self.endpoint_url.as_ref(), other.endpoint_url.as_ref())
            && same_endpoint(self.sts_endpoint_url(), other.sts_endpoint_url())
            && self.credentials.holder() == other.credentials.holder()
    }

    fn sts_endpoint_url(&self) -> Option<&EndpointUrl> {
        self.assume_role.as_ref()?.sts_endpoint_url.as_ref()
    }
}

fn same_endpoint(one: Option<&EndpointUrl>, other: Option<&EndpointUrl>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.same_server(other),
        (None, None) => true,
        _ => false,
    }
}
