//! jwt-auth: a request passes when it carries a token that a consumer signed (`apisix/plugins/jwt-auth.lua`).

use super::about::{About, OnConsumer, Phase};
use super::forms::{CONSUMER, HEADER_NAME, REALM};
use super::schema::{Field, Kind};
use crate::name::ConsumerName;
use crate::problem::FieldProblem;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "jwt-auth",
    label: "JWT Auth",
    summary: "Lets only requests pass that carry a JSON Web Token which a consumer signed.",
    consequence_of_removal: "Requests pass without a token",
    priority: 2510,
    phase: Phase::Rewrite,
    authenticates: true,
    fields: FIELDS,
    check,
    on_consumer: OnConsumer::Refused("A consumer's JWT keys are credentials: add them on its Credentials tab."),
    ..About::BASE
};

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new("header", HEADER_NAME, "The header that carries the token, with or without Bearer; looked at first.")
        .or("\"authorization\""),
    Field::new("query", Kind::TEXT, "The query parameter that carries the token; looked at when the header is absent.")
        .or("\"jwt\""),
    Field::new("cookie", HEADER_NAME, "The cookie that carries the token; looked at last.").or("\"jwt\""),
    Field::new("key_claim_name", Kind::TEXT, "The claim that names the credential.").or("\"key\""),
    Field::new(
        "claims_to_verify",
        Kind::List { of: &Kind::OneOf(&["exp", "nbf"]), min: 0, max: 2, is_unique: true },
        "Claims that must be there. Those that are there are checked in any case.",
    )
    .expected("This is a list of \"exp\" and \"nbf\", each once at most.")
    .or("[]"),
    Field::new("hide_credentials", Kind::Boolean, "Whether the token is removed before the request goes upstream.")
        .or("false"),
    Field::new("realm", REALM, "The realm that WWW-Authenticate names.").or("\"jwt\""),
    Field::new(
        "anonymous_consumer",
        CONSUMER,
        "The consumer that requests without a good token count as; without one they are refused.",
    )
    .consumer(),
    Field::new("store_in_ctx", Kind::Boolean, "Accepted when it is false: no plugin reads the token's payload."),
];

/// Configuration on a service or route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct JwtAuthPlugin {
    pub header: String,
    pub query: String,
    pub cookie: String,
    pub key_claim_name: String,
    pub claims_to_verify: Vec<TimeClaim>,
    pub hide_credentials: bool,
    pub realm: String,
    pub anonymous_consumer: Option<ConsumerName>,
}

/// A claim about time (RFC 7519 §4.1.4, §4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeClaim {
    /// When the token expires.
    Exp,
    /// From when on it is good.
    Nbf,
}

impl TimeClaim {
    /// Its name in a token.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exp => "exp",
            Self::Nbf => "nbf",
        }
    }
}

fn check(fields: &Map<String, Value>) -> Vec<FieldProblem> {
    let is_asked_for = fields.get("store_in_ctx") == Some(&Value::Bool(true));
    let problem =
        || FieldProblem::new("/store_in_ctx", "No plugin reads the token's payload from here: leave this out.");
    is_asked_for.then(problem).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn bad_fields_are_named_by_their_path() {
        for (json, path) in [
            ("{\"header\": \"a b\"}", "/header"),
            ("{\"query\": \"\"}", "/query"),
            ("{\"cookie\": \"a;b\"}", "/cookie"),
            ("{\"key_claim_name\": \"\"}", "/key_claim_name"),
            ("{\"claims_to_verify\": \"exp\"}", "/claims_to_verify"),
            ("{\"claims_to_verify\": [\"iss\"]}", "/claims_to_verify"),
            ("{\"claims_to_verify\": [\"exp\", \"exp\"]}", "/claims_to_verify"),
            ("{\"hide_credentials\": 0}", "/hide_credentials"),
            ("{\"store_in_ctx\": true}", "/store_in_ctx"),
            ("{\"secret\": \"x\"}", "/secret"),
        ] {
            let problems = PluginConfig::parse(PluginName::JwtAuth, json).unwrap_err();
            assert_eq!(problems[0].field, path, "{json}");
        }
    }

    #[test]
    fn what_differs_from_the_defaults_survives_the_editor() {
        for json in ["{}", "{\n  \"cookie\": \"token\",\n  \"claims_to_verify\": [\n    \"exp\"\n  ]\n}"] {
            assert_eq!(PluginConfig::parse(PluginName::JwtAuth, json).unwrap().to_json(), json);
        }
    }
}
