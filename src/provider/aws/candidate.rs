//! The secrets that a reference's path may mean.

use super::Region;

/// One way to read a reference's path: a secret's name, and the key inside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// A name or an ARN, as sent in `SecretId`.
    pub secret_id: String,
    /// `None` for the whole secret.
    pub key: Option<String>,
}

/// Requests for one reference at most. A name of AWS has few slashes; a reference may have hundreds.
pub(super) const MOST_CANDIDATES: usize = 16;

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
