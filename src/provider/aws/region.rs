//! Regions of AWS.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Regions the dialog offers, with their names in AWS's console. Any other can be typed.
pub const REGIONS: [(&str, &str); 27] = [
    ("us-east-1", "US East (N. Virginia)"),
    ("us-east-2", "US East (Ohio)"),
    ("us-west-1", "US West (N. California)"),
    ("us-west-2", "US West (Oregon)"),
    ("af-south-1", "Africa (Cape Town)"),
    ("ap-east-1", "Asia Pacific (Hong Kong)"),
    ("ap-northeast-1", "Asia Pacific (Tokyo)"),
    ("ap-northeast-2", "Asia Pacific (Seoul)"),
    ("ap-northeast-3", "Asia Pacific (Osaka)"),
    ("ap-south-1", "Asia Pacific (Mumbai)"),
    ("ap-south-2", "Asia Pacific (Hyderabad)"),
    ("ap-southeast-1", "Asia Pacific (Singapore)"),
    ("ap-southeast-2", "Asia Pacific (Sydney)"),
    ("ap-southeast-3", "Asia Pacific (Jakarta)"),
    ("ca-central-1", "Canada (Central)"),
    ("ca-west-1", "Canada West (Calgary)"),
    ("eu-central-1", "Europe (Frankfurt)"),
    ("eu-central-2", "Europe (Zurich)"),
    ("eu-north-1", "Europe (Stockholm)"),
    ("eu-south-1", "Europe (Milan)"),
    ("eu-south-2", "Europe (Spain)"),
    ("eu-west-1", "Europe (Ireland)"),
    ("eu-west-2", "Europe (London)"),
    ("eu-west-3", "Europe (Paris)"),
    ("il-central-1", "Israel (Tel Aviv)"),
    ("me-central-1", "Middle East (UAE)"),
    ("sa-east-1", "South America (São Paulo)"),
];

/// A region's code: `us-east-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

/// Why a text is not a region: a sentence for its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Write the region's code, for example us-east-1: small letters, dashes and a number at the end.")]
pub struct RegionError;

impl Region {
    /// Its code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The second part of ARNs of this region.
    #[must_use]
    pub fn partition(&self) -> &'static str {
        match self.0.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }
}

impl FromStr for Region {
    type Err = RegionError;

    /// `^[a-z]{2}(-[a-z]+)+-[0-9]+$`.
    fn from_str(text: &str) -> Result<Self, RegionError> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('-').collect();
        let small = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
        let is_number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
        match parts.as_slice() {
            [country, names @ .., number]
                if country.len() == 2
                    && small(country)
                    && !names.is_empty()
                    && names.iter().all(small)
                    && is_number(number)
                    && text.len() <= 32 =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(RegionError),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

text_form!(Region);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn region_codes() {
        for (text, good) in [
            ("us-east-1", true),
            (" us-gov-west-1 ", true),
            ("cn-north-1", true),
            ("ap-southeast-12", true),
            ("", false),
            ("us-1", false),
            ("usa-east-1", false),
            ("us-east", false),
            ("us--1", false),
            ("us-east-1a", false),
            ("US-EAST-1", false),
            ("us-east-1.evil.example/x-1", false),
            ("us-east_x-1", false),
        ] {
            assert_eq!(text.parse::<Region>().is_ok(), good, "{text}");
        }
        assert!(REGIONS.iter().all(|(code, _)| code.parse::<Region>().is_ok()));
    }
}
