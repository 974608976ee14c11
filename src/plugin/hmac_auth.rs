//! hmac-auth: a request passes when a consumer signed it (`apisix/plugins/hmac-auth.lua`).

use super::about::{About, OnConsumer, Phase};
use super::forms::{CONSUMER, REALM, is_header_name};
use super::schema::{Field, Form, Kind};
use crate::name::ConsumerName;
use serde::Deserialize;

/// What is told of it.
pub const ABOUT: About = About {
    slug: "hmac-auth",
    label: "HMAC Auth",
    summary: "Lets only requests pass that a consumer signed, headers and, if wanted, body.",
    consequence_of_removal: "Requests pass without a signature",
    priority: 2530,
    phase: Phase::Rewrite,
    authenticates: true,
    fields: FIELDS,
    on_consumer: OnConsumer::Refused("A consumer's signing keys are credentials: add them on its Credentials tab."),
    ..About::BASE
};

/// A body that is validated is held in memory: 1 GiB.
const MOST_BODY: i64 = 1024 * 1024 * 1024;

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "allowed_algorithms",
        Kind::some(&Kind::OneOf(&["hmac-sha1", "hmac-sha256", "hmac-sha512"])),
        "The algorithms a request may be signed by.",
    )
    .expected("This is a list of \"hmac-sha1\", \"hmac-sha256\" and \"hmac-sha512\", at least one of them.")
    .or("[\"hmac-sha1\", \"hmac-sha256\", \"hmac-sha512\"]"),
    Field::new(
        "clock_skew",
        Kind::Integer { min: 1, max: 4_294_967_295 },
        "By how many seconds the request's Date may differ from now.",
    )
    .or("300"),
    Field::new(
        "signed_headers",
        Kind::list(&SIGNED_HEADER),
        "Headers that must be signed; @request-target is the method and path.",
    )
    .expected("This is a list of header names, each of 1 to 50 characters.")
    .or("[\"date\"]"),
    Field::new("validate_request_body", Kind::Boolean, "Whether the body must be the one that Digest tells.")
        .or("false"),
    Field::new(
        "max_req_body_size",
        Kind::Integer { min: 1, max: MOST_BODY },
        "The longest body that is read to validate it, in bytes.",
    )
    .or("67108864"),
    Field::new("hide_credentials", Kind::Boolean, "Whether Authorization is removed before the request goes upstream.")
        .or("false"),
    Field::new("realm", REALM, "The realm that WWW-Authenticate names.").or("\"hmac\""),
    Field::new(
        "anonymous_consumer",
        CONSUMER,
        "The consumer that requests without a good signature count as; without one they are refused.",
    )
    .consumer(),
];

const SIGNED_HEADER: Kind =
    Kind::Form(&Form { pattern: "^(@request-target|[A-Za-z0-9!#$%&'*+.^_`|~-]{1,50})$", read: signed_header });

fn signed_header(text: &str) -> Result<(), String> {
    let is_one = text == "@request-target" || text.len() <= 50 && is_header_name(text);
    is_one.then_some(()).ok_or_else(|| "This is a header name of 1 to 50 characters.".to_owned())
}

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct HmacAuthPlugin {
    pub allowed_algorithms: Vec<HmacAlgorithm>,
    pub clock_skew: u64,
    pub signed_headers: Vec<String>,
    pub validate_request_body: bool,
    pub max_req_body_size: usize,
    pub hide_credentials: bool,
    pub realm: String,
    pub anonymous_consumer: Option<ConsumerName>,
}

/// How a request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
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
