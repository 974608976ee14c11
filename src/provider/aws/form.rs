//! The AWS part of the provider dialog.

use super::{AccessKey, AwsCredentials, AwsMethod, AwsSettings, REGIONS, RoleForm};
use crate::problem::Problems;
use crate::provider::vault::FormSecret;
use crate::sensitive::Entered;
use serde::{Deserialize, Serialize};

/// The form value of a region that is not among the suggestions.
pub const OTHER_REGION: &str = "other";

/// The AWS part of the provider dialog, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsForm {
    /// A region of [`REGIONS`], or [`OTHER_REGION`].
    pub region: String,
    /// Used when `region` is [`OTHER_REGION`].
    pub custom_region: String,
    /// An [`AwsMethod`]'s slug; empty means an access key.
    pub method: String,
    pub access_key_id: String,
    /// Empty keeps the stored one.
    pub secret_access_key: FormSecret,
    /// Empty means none beside a new Secret Access Key, and keeps the stored one otherwise.
    pub session_token: FormSecret,
    pub endpoint_url: String,
    pub role: RoleForm,
}

impl Default for AwsForm {
    fn default() -> Self {
        Self {
            // As APISIX assumes (`apisix/secret/aws.lua`).
            region: "us-east-1".to_owned(),
            custom_region: String::new(),
            method: AwsMethod::AccessKey.slug().to_owned(),
            access_key_id: String::new(),
            secret_access_key: FormSecret::default(),
            session_token: FormSecret::default(),
            endpoint_url: String::new(),
            role: RoleForm::default(),
        }
    }
}

impl AwsForm {
    pub(in crate::provider) fn of<S>(settings: &AwsSettings<S>) -> Self {
        let region = settings.region.to_string();
        let (region, custom_region) = match REGIONS.iter().any(|(name, _)| *name == region) {
            true => (region, String::new()),
            false => (OTHER_REGION.to_owned(), region),
        };
        Self {
            region,
            custom_region,
            method: settings.credentials.method().slug().to_owned(),
            access_key_id: settings.credentials.holder().map(ToString::to_string).unwrap_or_default(),
            secret_access_key: FormSecret::default(),
            session_token: FormSecret::default(),
            endpoint_url: settings.endpoint_url.as_ref().map(ToString::to_string).unwrap_or_default(),
            role: RoleForm::of(settings.assume_role.as_ref()),
        }
    }

    /// Whether a Secret Access Key is needed and none is typed.
    #[must_use]
    pub fn lacks_secret(&self) -> bool {
        AwsMethod::from_slug(&self.method) == Some(AwsMethod::AccessKey) && self.secret_access_key.0.trim().is_empty()
    }

    pub(in crate::provider) fn parse(&self, problems: &mut Problems) -> Option<AwsSettings<Entered>> {
        let region = match self.region.as_str() {
            OTHER_REGION => problems.check("custom_region", self.custom_region.parse()),
            listed => problems.check("region", listed.parse()),
        };
        let credentials = self.parse_credentials(problems);
        let endpoint_url = match self.endpoint_url.trim() {
            "" => Some(None),
            text => problems.check("endpoint_url", text.parse()).map(Some),
        };
        let assume_role = self.role.parse(problems);
        Some(AwsSettings {
            region: region?,
            endpoint_url: endpoint_url?,
            credentials: credentials?,
            assume_role: assume_role?,
        })
    }

    fn parse_credentials(&self, problems: &mut Problems) -> Option<AwsCredentials<Entered>> {
        match AwsMethod::from_slug(&self.method) {
            Some(AwsMethod::AccessKey) => self.parse_access_key(problems).map(AwsCredentials::AccessKey),
            Some(AwsMethod::Ambient) => Some(AwsCredentials::Ambient),
            None => {
                problems.add("aws_method", "Choose one of the listed authentication methods.");
                None
            }
        }
    }

    fn parse_access_key(&self, problems: &mut Problems) -> Option<AccessKey<Entered>> {
        let access_key_id = problems.check("access_key_id", self.access_key_id.parse());
        let secret_access_key = Entered::from_field(self.secret_access_key.0.trim());
        let session_token = match (Entered::from_field(self.session_token.0.trim()), &secret_access_key) {
            // Keys that came without a token have none: an old one would make AWS refuse them.
            (Entered::Keep, Entered::Replace(_)) => None,
            (entered, _) => Some(entered),
        };
        Some(AccessKey { access_key_id: access_key_id?, secret_access_key, session_token })
    }
}
