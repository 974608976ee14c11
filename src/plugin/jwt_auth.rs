//! jwt-auth: a request passes when it carries a token that a consumer signed (`apisix/plugins/jwt-auth.lua`).

use super::fields;
use crate::name::ConsumerName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Configuration on a service or route; field names and defaults as in APISIX 3.18.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JwtAuthPlugin {
    /// Header that carries the token, with or without `Bearer`; looked at first.
    #[serde(skip_serializing_if = "is_authorization")]
    pub header: String,
    /// Query parameter that carries the token; looked at when the header is absent.
    #[serde(skip_serializing_if = "is_jwt")]
    pub query: String,
    /// Cookie that carries the token; looked at last.
    #[serde(skip_serializing_if = "is_jwt")]
    pub cookie: String,
    /// The claim that names the credential.
    #[serde(skip_serializing_if = "is_key")]
    pub key_claim_name: String,
    /// Claims that must be there. Those that are there are checked in any case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims_to_verify: Vec<TimeClaim>,
    /// Whether the token is removed before the request goes upstream.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hide_credentials: bool,
    /// Named in `WWW-Authenticate`.
    #[serde(skip_serializing_if = "is_jwt")]
    pub realm: String,
    /// The consumer that requests without a good token count as; none refuses them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anonymous_consumer: Option<ConsumerName>,
}

/// A claim about time (RFC 7519 §4.1.4, §4.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Default for JwtAuthPlugin {
    fn default() -> Self {
        let jwt = || "jwt".to_owned();
        Self {
            header: "authorization".to_owned(),
            query: jwt(),
            cookie: jwt(),
            key_claim_name: "key".to_owned(),
            claims_to_verify: Vec::new(),
            hide_credentials: false,
            realm: jwt(),
            anonymous_consumer: None,
        }
    }
}

fn is_authorization(text: &str) -> bool {
    text == "authorization"
}

fn is_jwt(text: &str) -> bool {
    text == "jwt"
}

fn is_key(text: &str) -> bool {
    text == "key"
}

impl JwtAuthPlugin {
    pub(super) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        match name {
            "header" => self.header = fields::token(value)?,
            "query" => self.query = fields::text(value)?,
            "cookie" => self.cookie = fields::token(value)?,
            "key_claim_name" => self.key_claim_name = fields::text(value)?,
            "claims_to_verify" => self.claims_to_verify = claims(value)?,
            "hide_credentials" => self.hide_credentials = fields::boolean(value)?,
            "realm" => self.realm = fields::realm(value)?,
            "anonymous_consumer" => self.anonymous_consumer = Some(fields::consumer(value)?),
            "store_in_ctx" if *value == Value::Bool(false) => {}
            "store_in_ctx" => return Err("No plugin reads the token's payload from here: leave this out.".to_owned()),
            _ => {
                return Err("jwt-auth has no such field; it has header, query, cookie, key_claim_name, \
                            claims_to_verify, hide_credentials, realm and anonymous_consumer."
                    .to_owned());
            }
        }
        Ok(())
    }
}

fn claims(value: &Value) -> Result<Vec<TimeClaim>, String> {
    let why = || "This is a list of \"exp\" and \"nbf\", each once at most.".to_owned();
    let mut claims = Vec::new();
    for item in value.as_array().ok_or_else(why)? {
        let found = [TimeClaim::Exp, TimeClaim::Nbf].into_iter().find(|claim| item.as_str() == Some(claim.name()));
        let claim = found.filter(|claim| !claims.contains(claim)).ok_or_else(why)?;
        claims.push(claim);
    }
    Ok(claims)
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
