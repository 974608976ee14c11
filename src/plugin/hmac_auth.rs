//! hmac-auth: a request passes when a consumer signed it (`apisix/plugins/hmac-auth.lua`).

use super::fields;
use super::reader::whole;
use crate::name::ConsumerName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Configuration on a service or route; field names and defaults as in APISIX 3.18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HmacAuthPlugin {
    /// The algorithms a request may be signed by.
    #[serde(skip_serializing_if = "is_every")]
    pub allowed_algorithms: Vec<HmacAlgorithm>,
    /// By how many seconds the request's `Date` may differ from now.
    #[serde(skip_serializing_if = "is_five_minutes")]
    pub clock_skew: u64,
    /// Headers that must be signed.
    #[serde(skip_serializing_if = "is_date")]
    pub signed_headers: Vec<String>,
    /// Whether the body must be the one that `Digest` tells.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub validate_request_body: bool,
    /// The longest body that is read to validate it, in bytes.
    #[serde(skip_serializing_if = "is_64_mib")]
    pub max_req_body_size: usize,
    /// Whether `Authorization` is removed before the request goes upstream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hide_credentials: bool,
    /// Named in `WWW-Authenticate`.
    #[serde(skip_serializing_if = "is_hmac")]
    pub realm: String,
    /// The consumer that requests without a good signature count as; none refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_consumer: Option<ConsumerName>,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HmacAlgorithm {
    HmacSha1,
    HmacSha256,
    HmacSha512,
}

impl HmacAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 3] = [Self::HmacSha1, Self::HmacSha256, Self::HmacSha512];

    /// As it stands in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha1 => "hmac-sha1",
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha512 => "hmac-sha512",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

const FIVE_MINUTES: u64 = 300;
const MIB_64: usize = 64 * 1024 * 1024;

impl Default for HmacAuthPlugin {
    fn default() -> Self {
        Self {
            allowed_algorithms: HmacAlgorithm::ALL.into(),
            clock_skew: FIVE_MINUTES,
            signed_headers: vec!["date".to_owned()],
            validate_request_body: false,
            max_req_body_size: MIB_64,
            hide_credentials: false,
            realm: "hmac".to_owned(),
            anonymous_consumer: None,
        }
    }
}

fn is_every(algorithms: &[HmacAlgorithm]) -> bool {
    HmacAlgorithm::ALL.iter().all(|algorithm| algorithms.contains(algorithm))
}

fn is_five_minutes(seconds: &u64) -> bool {
    *seconds == FIVE_MINUTES
}

fn is_date(names: &[String]) -> bool {
    names == ["date"]
}

fn is_64_mib(bytes: &usize) -> bool {
    *bytes == MIB_64
}

fn is_hmac(text: &str) -> bool {
    text == "hmac"
}

impl HmacAuthPlugin {
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "allowed_algorithms" => self.allowed_algorithms = algorithms(value)?,
            "clock_skew" => self.clock_skew = whole(value, 1, u64::from(u32::MAX))?,
            "signed_headers" => self.signed_headers = headers(value)?,
            "validate_request_body" => self.validate_request_body = fields::boolean(value)?,
            "max_req_body_size" => {
                self.max_req_body_size = usize::try_from(whole(value, 1, MOST_BODY)?).unwrap_or(MIB_64);
            }
            "hide_credentials" => self.hide_credentials = fields::boolean(value)?,
            "realm" => self.realm = fields::realm(value)?,
            "anonymous_consumer" => self.anonymous_consumer = Some(fields::consumer(value)?),
            _ => {
                return Err("hmac-auth has no such field; it has allowed_algorithms, clock_skew, signed_headers, \
                            validate_request_body, max_req_body_size, hide_credentials, realm and \
                            anonymous_consumer."
                    .to_owned());
            }
        }
        Ok(())
    }
}

/// A body that is validated is held in memory: 1 GiB.
const MOST_BODY: u64 = 1024 * 1024 * 1024;

fn algorithms(value: &Value) -> Result<Vec<HmacAlgorithm>, String> {
    let why =
        || "This is a list of \"hmac-sha1\", \"hmac-sha256\" and \"hmac-sha512\", at least one of them.".to_owned();
    let items = value.as_array().filter(|items| !items.is_empty()).ok_or_else(why)?;
    items.iter().map(|item| item.as_str().and_then(HmacAlgorithm::from_name).ok_or_else(why)).collect()
}

/// Names of headers, and `@request-target`.
fn headers(value: &Value) -> Result<Vec<String>, String> {
    let why = || "This is a list of header names, each of 1 to 50 characters.".to_owned();
    let name = |item: &Value| {
        let text = item.as_str().filter(|text| text.len() <= 50).ok_or_else(why)?;
        if text == "@request-target" { Ok(text.to_owned()) } else { fields::token(item).map_err(|_| why()) }
    };
    value.as_array().ok_or_else(why)?.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn bad_fields_are_named_by_their_path() {
        for (json, path) in [
            ("{\"allowed_algorithms\": []}", "/allowed_algorithms"),
            ("{\"allowed_algorithms\": [\"hmac-md5\"]}", "/allowed_algorithms"),
            ("{\"clock_skew\": 0}", "/clock_skew"),
            ("{\"clock_skew\": 1.5}", "/clock_skew"),
            ("{\"signed_headers\": \"date\"}", "/signed_headers"),
            ("{\"signed_headers\": [\"\"]}", "/signed_headers"),
            ("{\"validate_request_body\": 1}", "/validate_request_body"),
            ("{\"max_req_body_size\": -1}", "/max_req_body_size"),
            ("{\"secret_key\": \"x\"}", "/secret_key"),
        ] {
            let problems = PluginConfig::parse(PluginName::HmacAuth, json).unwrap_err();
            assert_eq!(problems[0].field, path, "{json}");
        }
    }

    #[test]
    fn what_differs_from_the_defaults_survives_the_editor() {
        for json in [
            "{}",
            "{\n  \"signed_headers\": []\n}",
            "{\n  \"allowed_algorithms\": [\n    \"hmac-sha256\"\n  ],\n  \"signed_headers\": [\n    \"@request-target\",\n    \"date\"\n  ]\n}",
        ] {
            assert_eq!(PluginConfig::parse(PluginName::HmacAuth, json).unwrap().to_json(), json);
        }
    }
}
