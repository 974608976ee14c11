//! AWS Secrets Manager: settings, where a reference may be read, and every way to fail in words.

mod endpoint;
mod failure;
mod region;

pub use endpoint::EndpointUrl;
pub use failure::{AwsFailure, CredentialProblem, UnusableBecause};
pub use region::{REGIONS, Region};

use crate::problem::Problems;
use crate::provider::vault::FormSecret;
use crate::sensitive::Entered;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How Postern reaches Secrets Manager in one region, and who it is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsSettings<S> {
    pub region: Region,
    /// Instead of the region's own endpoint.
    pub endpoint_url: Option<EndpointUrl>,
    pub access_key_id: AccessKeyId,
    pub secret_access_key: S,
    /// Belongs to temporary keys; it ends with them.
    pub session_token: Option<S>,
}

impl<S> AwsSettings<S> {
    pub(super) fn try_map<T, E>(
        &self,
        f: &mut impl FnMut(&'static str, &S) -> Result<T, E>,
    ) -> Result<AwsSettings<T>, E> {
        Ok(AwsSettings {
            region: self.region.clone(),
            endpoint_url: self.endpoint_url.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: f("secret_access_key", &self.secret_access_key)?,
            session_token: self.session_token.as_ref().map(|token| f("session_token", token)).transpose()?,
        })
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
        let same_endpoint = match (&self.endpoint_url, &other.endpoint_url) {
            (Some(one), Some(other)) => one.same_server(other),
            (None, None) => true,
            _ => false,
        };
        same_endpoint && self.access_key_id == other.access_key_id
    }
}

/// One way to read a reference's path: a secret's name, and the key inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// A name or an ARN, as sent in `SecretId`.
    pub secret_id: String,
    /// `None` for the whole secret.
    pub key: Option<String>,
}

/// Requests for one reference at most. A name of AWS has few slashes; a reference may have hundreds.
const MOST_CANDIDATES: usize = 16;

/// Every way to read `segments`, longest name first, as APISIX 3.18 does (`apisix/secret/aws.lua`):
/// the whole path as a name, then one segment after the other moved into the key. Texts that cannot be
/// a name are left out: AWS would refuse them (`CreateSecret`: letters, digits and `/_+=.@-`).
#[must_use]
pub fn candidates(segments: &[String]) -> Vec<Candidate> {
    let split = |at: usize| {
        let (name, key) = segments.split_at(at);
        Candidate { secret_id: name.join("/"), key: (!key.is_empty()).then(|| key.join("/")) }
    };
    let all = (1..=segments.len()).rev().map(split);
    all.filter(|candidate| may_be_a_name(&candidate.secret_id)).take(MOST_CANDIDATES).collect()
}

fn may_be_a_name(text: &str) -> bool {
    let is_arn = text.starts_with("arn:");
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c) || (is_arn && c == ':');
    !text.is_empty() && text.chars().all(fits)
}

/// The IAM policy that lets a user read `secret`, for `region`'s partition.
#[must_use]
pub fn read_policy(region: &Region, secret: &str) -> String {
    least_policy(region, [secret])
}

/// The policy that lets a user read exactly these secrets, by name or ARN.
#[must_use]
pub fn least_policy<'a>(region: &Region, secrets: impl IntoIterator<Item = &'a str>) -> String {
    let resource = |secret: &str| match secret.starts_with("arn:") {
        true => secret.to_owned(),
        // AWS puts a dash and six random characters behind a name.
        false => format!("arn:{}:secretsmanager:{region}:*:secret:{secret}-??????", region.partition()),
    };
    let resources: Vec<String> = secrets.into_iter().map(|secret| format!("\"{}\"", resource(secret))).collect();
    let resource = match resources.as_slice() {
        [one] => one.clone(),
        several => format!("[\n        {}\n      ]", several.join(",\n        ")),
    };
    format!(
        r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Action": "secretsmanager:GetSecretValue",
      "Resource": {resource}
    }}
  ]
}}"#
    )
}

/// The public half of an access key: an identifier, shown in full.
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

impl From<AccessKeyId> for String {
    fn from(id: AccessKeyId) -> String {
        id.0
    }
}

impl TryFrom<String> for AccessKeyId {
    type Error = AccessKeyIdError;
    fn try_from(text: String) -> Result<Self, AccessKeyIdError> {
        text.parse()
    }
}

/// The form value of a region that is not among the suggestions.
pub const OTHER_REGION: &str = "other";

/// The AWS part of the provider dialog, as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsForm {
    /// A region of [`REGIONS`], or [`OTHER_REGION`].
    pub region: String,
    /// Used when `region` is [`OTHER_REGION`].
    pub custom_region: String,
    pub access_key_id: String,
    /// Empty keeps the stored one.
    pub secret_access_key: FormSecret,
    /// Empty means none beside a new Secret Access Key, and keeps the stored one otherwise.
    pub session_token: FormSecret,
    pub endpoint_url: String,
}

impl Default for AwsForm {
    fn default() -> Self {
        Self {
            // As APISIX assumes (`apisix/secret/aws.lua`).
            region: "us-east-1".to_owned(),
            custom_region: String::new(),
            access_key_id: String::new(),
            secret_access_key: FormSecret::default(),
            session_token: FormSecret::default(),
            endpoint_url: String::new(),
        }
    }
}

impl AwsForm {
    pub(super) fn of<S>(settings: &AwsSettings<S>) -> Self {
        let region = settings.region.to_string();
        let (region, custom_region) = match REGIONS.iter().any(|(name, _)| *name == region) {
            true => (region, String::new()),
            false => (OTHER_REGION.to_owned(), region),
        };
        Self {
            region,
            custom_region,
            access_key_id: settings.access_key_id.to_string(),
            secret_access_key: FormSecret::default(),
            session_token: FormSecret::default(),
            endpoint_url: settings.endpoint_url.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<AwsSettings<Entered>> {
        let region = match self.region.as_str() {
            OTHER_REGION => problems.check("custom_region", self.custom_region.parse()),
            listed => problems.check("region", listed.parse()),
        };
        let access_key_id = problems.check("access_key_id", self.access_key_id.parse());
        let endpoint_url = match self.endpoint_url.trim() {
            "" => Some(None),
            text => problems.check("endpoint_url", text.parse()).map(Some),
        };
        let secret_access_key = Entered::from_field(self.secret_access_key.0.trim());
        let session_token = match (Entered::from_field(self.session_token.0.trim()), &secret_access_key) {
            // Keys that came without a token have none: an old one would make AWS refuse them.
            (Entered::Keep, Entered::Replace(_)) => None,
            (entered, _) => Some(entered),
        };
        Some(AwsSettings {
            region: region?,
            endpoint_url: endpoint_url?,
            access_key_id: access_key_id?,
            secret_access_key,
            session_token,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_candidates(path: &str, expected: &[&str]) {
        let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
        let got = candidates(&segments);
        let got: Vec<String> =
            got.iter().map(|c| format!("{}|{}", c.secret_id, c.key.as_deref().unwrap_or("-"))).collect();
        assert_eq!(got, expected, "{path}");
    }

    #[test]
    fn the_longest_name_comes_first_and_segments_move_into_the_key() {
        check_candidates("plain", &["plain|-"]);
        check_candidates(
            "alice-credentials/alice-key-auth",
            &["alice-credentials/alice-key-auth|-", "alice-credentials|alice-key-auth"],
        );
        check_candidates("prod/app/db", &["prod/app/db|-", "prod/app|db", "prod|app/db"]);
        check_candidates("/prod/db", &["/prod/db|-", "/prod|db"]);
        check_candidates("creds/a key", &["creds|a key"]);
        check_candidates(
            "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x",
            &[
                "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC/x|-",
                "arn:aws:secretsmanager:us-east-1:1:secret:plain-AbC|x",
            ],
        );
        check_candidates("not:a name", &[]);
        assert_eq!(candidates(&vec!["a".to_owned(); 400]).len(), MOST_CANDIDATES);
    }

    fn form(change: impl FnOnce(&mut AwsForm)) -> AwsForm {
        let mut form = AwsForm {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: FormSecret("s3cret".to_owned()),
            ..AwsForm::default()
        };
        change(&mut form);
        form
    }

    fn check_form(form: &AwsForm, field: &str, word: &str) {
        let mut problems = Problems::default();
        let settings = form.parse(&mut problems);
        let problems = problems.finish(settings).unwrap_err();
        assert!(problems.iter().any(|p| p.field == field && p.problem.contains(word)), "{field}: {problems:?}");
    }

    #[test]
    fn each_field_says_what_is_wrong_with_it() {
        let key = |text: &str| form(|f| text.clone_into(&mut f.access_key_id));
        check_form(&key(""), "access_key_id", "needed");
        check_form(&key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), "access_key_id", "Secret Access Key");
        check_form(&key("AKIA-1"), "access_key_id", "letters and digits");
        let region = |text: &str| form(|f| (f.region, f.custom_region) = (OTHER_REGION.to_owned(), text.to_owned()));
        check_form(&region(""), "custom_region", "for example");
        check_form(&region("US East"), "custom_region", "for example");
        check_form(&form(|f| "mars".clone_into(&mut f.region)), "region", "for example");
        let endpoint = |text: &str| form(|f| text.clone_into(&mut f.endpoint_url));
        check_form(&endpoint("localhost:4566"), "endpoint_url", "http://localhost:4566");
        check_form(&endpoint("http://169.254.169.254"), "endpoint_url", "never");
    }

    #[test]
    fn a_new_secret_access_key_without_a_token_drops_the_stored_token() {
        for (secret, token, expected) in [
            ("", "", "Some(Keep)"),
            ("s", "", "None"),
            ("", "t", "Some(Replace(redacted))"),
            ("s", "t", "Some(Replace(redacted))"),
        ] {
            let form = form(|f| {
                f.secret_access_key = FormSecret(secret.to_owned());
                f.session_token = FormSecret(token.to_owned());
            });
            let settings = form.parse(&mut Problems::default()).unwrap();
            assert_eq!(format!("{:?}", settings.session_token), expected, "{secret:?} {token:?}");
        }
    }

    #[test]
    fn a_form_comes_back_as_it_was_without_its_secrets() {
        for (region, custom) in [("eu-central-1", ""), (OTHER_REGION, "xx-nowhere-9")] {
            let form = form(|f| {
                region.clone_into(&mut f.region);
                custom.clone_into(&mut f.custom_region);
                "http://127.0.0.1:4566".clone_into(&mut f.endpoint_url);
            });
            let settings = form.parse(&mut Problems::default()).unwrap();
            assert_eq!(AwsForm::of(&settings), AwsForm { secret_access_key: FormSecret::default(), ..form });
        }
    }

    #[test]
    fn a_stored_secret_serves_its_own_key_and_endpoint_only() {
        let settings = |change: &dyn Fn(&mut AwsForm)| form(change).parse(&mut Problems::default()).unwrap();
        let plain = settings(&|_| {});
        assert!(plain.same_holder(&settings(&|f| "eu-west-1".clone_into(&mut f.region))));
        assert!(!plain.same_holder(&settings(&|f| "AKIAOTHER".clone_into(&mut f.access_key_id))));
        assert!(!plain.same_holder(&settings(&|f| "https://evil.example".clone_into(&mut f.endpoint_url))));
    }

    #[test]
    fn the_policy_names_one_secret_in_its_partition() {
        for (region, secret, resource) in [
            ("us-east-1", "alice", "\"arn:aws:secretsmanager:us-east-1:*:secret:alice-??????\""),
            ("cn-north-1", "alice", "\"arn:aws-cn:"),
            ("us-gov-west-1", "alice", "\"arn:aws-us-gov:"),
            ("us-east-1", "arn:aws:secretsmanager:us-east-1:1:secret:a-AbCdEf", ":secret:a-AbCdEf\""),
        ] {
            let policy = read_policy(&region.parse().unwrap(), secret);
            assert!(policy.contains(resource), "{policy}");
            assert!(serde_json::from_str::<serde_json::Value>(&policy).is_ok(), "{policy}");
        }
    }
}
