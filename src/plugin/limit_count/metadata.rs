//! What all limit-counts of a gateway group have in common: the names of their headers.

use crate::plugin::forms::is_header_name;
use crate::plugin::schema::{Field, Form, Kind};
use serde::Deserialize;

/// Field names and defaults as in APISIX 3.18.
pub(super) const FIELDS: &[Field] = &[
    Field::new("limit_header", ANSWER_HEADER, "The header that tells how many requests may pass.")
        .or("\"X-RateLimit-Limit\""),
    Field::new("remaining_header", ANSWER_HEADER, "The header that tells how many more may pass.")
        .or("\"X-RateLimit-Remaining\""),
    Field::new("reset_header", ANSWER_HEADER, "The header that tells in how many seconds counting begins anew.")
        .or("\"X-RateLimit-Reset\""),
];

/// A header that is the gateway's to set.
const ANSWER_HEADER: Kind = Kind::Form(&Form { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$", read: answer_header });

/// The names of the headers. Rules have names of their own, with their prefix or number.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LimitCountMetadata {
    pub limit_header: String,
    pub remaining_header: String,
    pub reset_header: String,
}

/// What frames an answer, or says what it is: a number there would break it.
const TAKEN: [&str; 12] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "keep-alive",
    "location",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn answer_header(text: &str) -> Result<(), String> {
    if !is_header_name(text) {
        return Err("This is a header name: letters, digits and '-', without blanks.".to_owned());
    }
    if TAKEN.iter().any(|taken| text.eq_ignore_ascii_case(taken)) {
        return Err("This header has a meaning of its own in every answer. Choose another name.".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Placement, PluginConfig, PluginName};

    fn parse(json: &str) -> Result<LimitCountMetadata, Vec<String>> {
        let config = PluginConfig::parse_for(Placement::Metadata, PluginName::LimitCount, json);
        let config =
            config.map_err(|problems| problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>())?;
        Ok(config.settings().unwrap())
    }

    #[test]
    fn what_is_left_out_has_the_usual_name() {
        let named = |limit: &str| {
            Ok(LimitCountMetadata {
                limit_header: limit.to_owned(),
                remaining_header: "X-RateLimit-Remaining".to_owned(),
                reset_header: "X-RateLimit-Reset".to_owned(),
            })
        };
        assert_eq!(parse("{}"), named("X-RateLimit-Limit"));
        assert_eq!(parse(r#"{"limit_header": "RateLimit-Limit"}"#), named("RateLimit-Limit"));
    }

    #[test]
    fn what_is_no_header_for_it_is_refused() {
        for (json, field) in [
            (r#"{"limit_header": ""}"#, "/limit_header"),
            (r#"{"limit_header": "a b"}"#, "/limit_header"),
            (r#"{"remaining_header": 1}"#, "/remaining_header"),
            (r#"{"reset_header": "Content-Length"}"#, "/reset_header"),
            (r#"{"reset_header": "$secret://vault/v/a/b"}"#, "/reset_header"),
            (r#"{"count": 3}"#, "/count"),
            (r#"{"_meta": {"disable": true}}"#, "/_meta"),
        ] {
            assert_eq!(parse(json), Err(vec![field.to_owned()]), "{json}");
        }
    }

    #[test]
    fn a_plugin_without_metadata_says_so() {
        let refused = PluginConfig::parse_for(Placement::Metadata, PluginName::KeyAuth, "{}").unwrap_err();
        assert_eq!(refused[0].problem, "key-auth has no metadata.");
        let with: Vec<_> = PluginName::of(Placement::Metadata).collect();
        assert!(with.contains(&PluginName::LimitCount) && !with.contains(&PluginName::KeyAuth));
    }
}
