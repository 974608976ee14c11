//! IAM policies that suffice to read secrets.

use super::Region;

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
