//! AWS Secrets Manager: settings, where a reference may be read, and every way to fail in words.

mod credentials;
mod endpoint;
mod failure;
mod region;
mod role;

pub use credentials::{AccessKey, AccessKeyId, AwsCredentials, AwsMethod};
pub use endpoint::EndpointUrl;
pub use failure::{AwsFailure, CredentialProblem, RoleProblem, UnusableBecause};
pub use region::{REGIONS, Region};
pub use role::{AssumeRole, RoleArn, RoleForm};

use crate::problem::Problems;
use crate::provider::vault::FormSecret;
use crate::sensitive::Entered;
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

/// The region in the ARN that a reference's path begins with, if it begins with one.
#[must_use]
pub fn arn_region(segments: &[String]) -> Option<Region> {
    let mut parts = segments.first()?.split(':');
    let is_secret = parts.next() == Some("arn") && parts.next().is_some() && parts.next() == Some("secretsmanager");
    parts.next().filter(|_| is_secret)?.parse().ok()
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
    pub(super) fn of<S>(settings: &AwsSettings<S>) -> Self {
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

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<AwsSettings<Entered>> {
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
            let token = settings.credentials.access_key().map(|key| &key.session_token);
            assert_eq!(format!("{:?}", token.unwrap()), expected, "{secret:?} {token:?}");
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

    /// What lies in the database, from before there was a choice and since.
    #[test]
    fn stored_settings_are_read_and_nothing_becomes_ambient_by_a_gap() {
        let key = r#""access_key_id":"AKIA1","secret_access_key":{"do":"keep"},"session_token":null"#;
        for (fields, method) in [
            (key.to_owned(), Some(AwsMethod::AccessKey)),
            (format!(r#"{key},"credentials":"access_key","assume_role":null"#), Some(AwsMethod::AccessKey)),
            (r#""credentials":"ambient""#.to_owned(), Some(AwsMethod::Ambient)),
            (r#""access_key_id":"AKIA1""#.to_owned(), None),
            (r#""access_key_id":"AKIA1","credentials":"access_key""#.to_owned(), None),
            (r#""session_token":null"#.to_owned(), None),
            (format!(r#"{key},"credentials":"ambient""#), None),
        ] {
            let json = format!(r#"{{"region":"us-east-1","endpoint_url":null,{fields}}}"#);
            let read = serde_json::from_str::<AwsSettings<Entered>>(&json).ok();
            assert_eq!(read.as_ref().map(|settings| settings.credentials.method()), method, "{json}");
            if let Some(settings) = read {
                let written = serde_json::to_string(&settings).unwrap();
                assert_eq!(serde_json::from_str::<AwsSettings<Entered>>(&written).unwrap(), settings, "{written}");
            }
        }
    }

    #[test]
    fn more_than_a_key_of_its_own_needs_permission() {
        let arn = "arn:aws:iam::123456789012:role/postern";
        for (method, role, needs) in
            [("access_key", "", false), ("access_key", arn, true), ("ambient", "", true), ("ambient", arn, true)]
        {
            let form = form(|f| {
                method.clone_into(&mut f.method);
                role.clone_into(&mut f.role.role_arn);
            });
            let settings = form.parse(&mut Problems::default()).unwrap();
            assert_eq!(settings.needs_permission(), needs, "{method} {role}");
            assert_eq!(settings.credentials.holder().is_some(), method == "access_key");
        }
        check_form(&form(|f| "iam".clone_into(&mut f.method)), "aws_method", "listed");
    }

    #[test]
    fn an_arn_names_its_region() {
        for (path, region) in [
            ("arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf/key", Some("eu-west-1")),
            ("arn:aws-cn:secretsmanager:cn-north-1:1:secret:a", Some("cn-north-1")),
            ("arn:aws:secretsmanager::1:secret:a", None),
            ("arn:aws:iam::1:role/x", None),
            ("alice/key", None),
        ] {
            let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert_eq!(arn_region(&segments).as_ref().map(Region::as_str), region, "{path}");
        }
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
