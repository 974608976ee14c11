//! A role that is assumed before secrets are read.

use super::EndpointUrl;
use crate::problem::Problems;
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The session's name where the provider has none.
const SESSION_NAME: &str = "postern";

/// What is asked of AWS's Security Token Service (STS) before secrets are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumeRole {
    pub role_arn: RoleArn,
    /// What the role's owner and Postern agreed on; no secret, as AWS has it.
    pub external_id: Option<String>,
    /// As CloudTrail shows it.
    pub session_name: String,
    /// Instead of the region's own endpoint of STS.
    pub sts_endpoint_url: Option<EndpointUrl>,
}

/// A role's name in all of AWS: `arn:aws:iam::123456789012:role/postern`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleArn(String);

/// Why a text is not a Role ARN: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Write the role's ARN, for example arn:aws:iam::123456789012:role/postern.")]
pub struct RoleArnError;

impl RoleArn {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The policy that lets a user assume this role; the role's own trust policy must name the user too.
    #[must_use]
    pub fn assume_policy(&self) -> String {
        format!(
            r#"{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Effect": "Allow",
      "Action": "sts:AssumeRole",
      "Resource": "{}"
    }}
  ]
}}"#,
            self.0
        )
    }
}

impl FromStr for RoleArn {
    type Err = RoleArnError;

    fn from_str(text: &str) -> Result<Self, RoleArnError> {
        let text = text.trim();
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return Err(RoleArnError) };
        let is_partition =
            partition.starts_with("aws") && partition.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        let is_account = account.len() == 12 && account.chars().all(|c| c.is_ascii_digit());
        // `CreateRole`: letters, digits and _+=,.@-, with a path before it.
        let is_name =
            |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=,.@-".contains(c));
        let is_role = resource.strip_prefix("role/").is_some_and(is_name);
        if is_partition && is_account && is_role && text.len() <= 2048 {
            Ok(Self(text.to_owned()))
        } else {
            Err(RoleArnError)
        }
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(RoleArn);

/// The fields of the dialog, as typed. Without a Role ARN no role is assumed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleForm {
    pub role_arn: String,
    pub external_id: String,
    /// Empty means `postern`.
    pub session_name: String,
    pub sts_endpoint_url: String,
}

impl RoleForm {
    /// The form that edits `role`.
    #[must_use]
    pub fn of(role: Option<&AssumeRole>) -> Self {
        let Some(role) = role else { return Self::default() };
        Self {
            role_arn: role.role_arn.to_string(),
            external_id: role.external_id.clone().unwrap_or_default(),
            session_name: role.session_name.clone(),
            sts_endpoint_url: role.sts_endpoint_url.as_ref().map(ToString::to_string).unwrap_or_default(),
        }
    }

    pub(super) fn parse(&self, problems: &mut Problems) -> Option<Option<AssumeRole>> {
        if self.role_arn.trim().is_empty() {
            for (field, text) in [("external_id", &self.external_id), ("sts_endpoint_url", &self.sts_endpoint_url)] {
                if !text.trim().is_empty() {
                    problems.add(field, "This is of use with a Role ARN only.");
                }
            }
            return Some(None);
        }
        let role_arn = problems.check("role_arn", self.role_arn.parse());
        let external_id = problems.check("external_id", check_external_id(self.external_id.trim()));
        let session_name = problems.check("session_name", check_session_name(self.session_name.trim()));
        let sts_endpoint_url = match self.sts_endpoint_url.trim() {
            "" => Some(None),
            text => problems.check("sts_endpoint_url", text.parse()).map(Some),
        };
        Some(Some(AssumeRole {
            role_arn: role_arn?,
            external_id: external_id?,
            session_name: session_name?,
            sts_endpoint_url: sts_endpoint_url?,
        }))
    }
}

/// `AssumeRole`: 2 to 1224 of letters, digits and _+=,.@:/-.
fn check_external_id(text: &str) -> Result<Option<String>, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
    match text {
        "" => Ok(None),
        _ if (2..=1224).contains(&text.len()) && text.chars().all(fits) => Ok(Some(text.to_owned())),
        _ => Err("An External ID has 2 to 1224 letters, digits and any of _+=,.@:/-"),
    }
}

/// `AssumeRole`: 2 to 64 of letters, digits and _+=,.@-.
fn check_session_name(text: &str) -> Result<String, &'static str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    match text {
        "" => Ok(SESSION_NAME.to_owned()),
        _ if (2..=64).contains(&text.len()) && text.chars().all(fits) => Ok(text.to_owned()),
        _ => Err("A Session Name has 2 to 64 letters, digits and any of _+=,.@-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_arns() {
        for (text, good) in [
            ("arn:aws:iam::123456789012:role/postern", true),
            (" arn:aws-cn:iam::123456789012:role/team/postern ", true),
            ("", false),
            ("postern", false),
            ("arn:aws:iam::12345:role/postern", false),
            ("arn:aws:iam::123456789012:user/postern", false),
            ("arn:aws:iam::123456789012:role/", false),
            ("arn:aws:sts::123456789012:assumed-role/a/b", false),
            ("arn:aws:iam:us-east-1:123456789012:role/postern", false),
            ("arn:aws:iam::123456789012:role/a b", false),
        ] {
            assert_eq!(text.parse::<RoleArn>().is_ok(), good, "{text}");
        }
        let policy = "arn:aws:iam::123456789012:role/postern".parse::<RoleArn>().unwrap().assume_policy();
        assert!(serde_json::from_str::<serde_json::Value>(&policy).is_ok(), "{policy}");
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let arn = "arn:aws:iam::123456789012:role/postern";
        for (role_arn, external_id, session_name, sts, faults) in [
            ("", "", "", "", &[][..]),
            (arn, "", "", "", &[]),
            (arn, "team:1/x", "postern-1", "http://127.0.0.1:5000", &[]),
            ("", "x1", "", "http://x", &["external_id", "sts_endpoint_url"]),
            ("x", "1", "a b", "x", &["role_arn", "external_id", "session_name", "sts_endpoint_url"]),
            (arn, "", "", "http://169.254.169.254", &["sts_endpoint_url"]),
        ] {
            let form = RoleForm {
                role_arn: role_arn.to_owned(),
                external_id: external_id.to_owned(),
                session_name: session_name.to_owned(),
                sts_endpoint_url: sts.to_owned(),
            };
            let mut problems = Problems::default();
            let parsed = form.parse(&mut problems);
            let found = problems.finish(parsed).err().unwrap_or_default();
            let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, faults, "{form:?}");
        }
        let form = RoleForm { role_arn: arn.to_owned(), ..RoleForm::default() };
        let role = form.parse(&mut Problems::default()).unwrap().unwrap();
        assert_eq!((role.session_name.as_str(), &role.external_id), ("postern", &None));
        assert_eq!(RoleForm::of(Some(&role)).role_arn, arn);
    }
}
