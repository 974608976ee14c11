//! request-id: what the id of each request is like, and in which header it stands (`apisix/plugins/request-id.lua`).

use super::about::{About, Phase};
use super::forms::is_header_name;
use super::header_changes::{Message, reserved};
use super::schema::{Field, Form, Kind};
use serde::Deserialize;

/// What is told of it.
pub const ABOUT: About = About {
    slug: "request-id",
    label: "Request ID",
    summary: "Says what the id of each request is like, and in which header it stands.",
    consequence_of_removal: "Requests have the gateway's own id, in X-Request-Id",
    priority: 12_015,
    phase: Phase::Rewrite,
    fields: FIELDS,
    example: "{\n  \"header_name\": \"X-Request-Id\",\n  \"algorithm\": \"uuid\"\n}",
    ..About::BASE
};

/// The header that every request has an id in.
const HEADER: &str = "X-Request-Id";

const RANGE: &[Field] = &[
    Field::new("length", Kind::Integer { min: 6, max: 128 }, "How many characters an id has.").or("16"),
    Field::new(
        "char_set",
        Kind::Form(&Form { pattern: "^[A-Za-z0-9_.:+/=@-]{6,}$", read: is_char_set }),
        "The characters of ids, at least 6.",
    )
    // APISIX's, with its second G in place of a J.
    .or("\"abcdefghijklmnopqrstuvwxyzABCDEFGHIGKLMNOPQRSTUVWXYZ0123456789\""),
];

/// Field names and defaults as in APISIX 3.18.
const FIELDS: &[Field] = &[
    Field::new(
        "header_name",
        Kind::Form(&Form { pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$", read: is_id_header }),
        "The header that has the id. An id that the client sent is kept.",
    )
    .or("\"X-Request-Id\""),
    Field::new("include_in_response", Kind::Boolean, "Whether the answer has the id, too.").or("true"),
    Field::new(
        "algorithm",
        Kind::OneOf(&["uuid", "nanoid", "range_id", "ksuid"]),
        "What a new id is: a random UUID, 21 random characters, as range_id says, or 27 characters that sort by time.",
    )
    .or("\"uuid\""),
    Field::new("range_id", Kind::Object(RANGE), "What ids are like with the algorithm range_id.").or("{}"),
];

/// Configuration on a service, route or consumer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RequestIdPlugin {
    pub header_name: String,
    pub include_in_response: bool,
    pub algorithm: Algorithm,
    /// What ids are like with the algorithm `range_id`.
    pub range_id: RangeId,
}

/// What an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// A random UUID (RFC 9562 version 4).
    Uuid,
    /// 21 characters of 64.
    Nanoid,
    /// So many characters of those.
    RangeId,
    /// 27 characters that sort by the second they were made in.
    Ksuid,
}

/// Characters, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct RangeId {
    /// 6 to 128.
    pub length: u8,
    /// At least 6 characters that may stand in an id.
    pub char_set: String,
}

/// Whether a character may stand in an id: in every log line, and without quotes.
#[must_use]
pub fn is_id_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':' | b'+' | b'/' | b'=' | b'@')
}

impl RequestIdPlugin {
    /// Whether it says what the gateway's own id is like.
    #[must_use]
    pub fn is_of_gateway(&self) -> bool {
        self.header_name.eq_ignore_ascii_case(HEADER)
    }
}

fn is_id_header(name: &str) -> Result<(), String> {
    if !is_header_name(name) {
        return Err("This is a header name: letters, digits and '-', without blanks.".to_owned());
    }
    match reserved(Message::Request, name) {
        Some(why) if !name.eq_ignore_ascii_case(HEADER) => Err(why.to_owned()),
        _ => Ok(()),
    }
}

fn is_char_set(set: &str) -> Result<(), String> {
    let is_set = set.len() >= 6 && set.bytes().all(is_id_byte);
    let why = || {
        "An id has at least 6 characters: letters, digits and -_.:+/=@ alone, so that it can stand in every log."
            .to_owned()
    };
    is_set.then_some(()).ok_or_else(why)
}

#[cfg(test)]
mod tests {
    use crate::plugin::{PluginConfig, PluginName};

    #[test]
    fn what_would_make_no_ids_is_refused_at_its_field() {
        for (json, path, part) in [
            (r#"{"header_name": ""}"#, "/header_name", "header name"),
            (r#"{"header_name": "a b"}"#, "/header_name", "header name"),
            (r#"{"header_name": "Content-Length"}"#, "/header_name", "message ends"),
            (r#"{"header_name": "X-Consumer-Username"}"#, "/header_name", "who a request comes from"),
            (r#"{"header_name": "Host"}"#, "/header_name", "field of its own"),
            (r#"{"include_in_response": 1}"#, "/include_in_response", "true or false"),
            (r#"{"algorithm": "snowflake"}"#, "/algorithm", "'ksuid'"),
            (r#"{"range_id": []}"#, "/range_id", "length, char_set"),
            (r#"{"range_id": {"length": 5}}"#, "/range_id/length", "6 to 128"),
            (r#"{"range_id": {"length": 129}}"#, "/range_id/length", "6 to 128"),
            (r#"{"range_id": {"char_set": "abcde"}}"#, "/range_id/char_set", "at least 6"),
            (r#"{"range_id": {"char_set": "abcde\n"}}"#, "/range_id/char_set", "every log"),
            (r#"{"range_id": {"size": 1}}"#, "/range_id/size", "no such field"),
            (r#"{"nonsense": "x"}"#, "/nonsense", "no such field"),
        ] {
            let problems = PluginConfig::parse(PluginName::RequestId, json).unwrap_err();
            assert_eq!(problems.len(), 1, "{json}: {problems:?}");
            assert_eq!(problems[0].field, path, "{json}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
        }
    }
}
