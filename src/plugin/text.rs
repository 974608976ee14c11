//! The JSON editor's text as an object.

use serde::Deserialize;
use serde_json::{Map, Value};

/// Refuses text that is no JSON object, and an object with the same key twice: two readers of one
/// configuration must not see two configurations (CVE-2022-25757).
pub(super) fn parse_object(text: &str) -> Result<Map<String, Value>, String> {
    let trimmed = text.trim();
    if trimmed.len() > 256 * 1024 {
        return Err("The configuration has at most 256 KiB.".to_owned());
    }
    if trimmed.starts_with('"') {
        return Err("The configuration is a JSON object: wrap it in { }.".to_owned());
    }
    match serde_json::from_str::<UniqueKeys>(trimmed) {
        Ok(UniqueKeys(Value::Object(object))) => Ok(object),
        Ok(_) => Err("The configuration is a JSON object: wrap it in { }.".to_owned()),
        Err(error) => Err(json_error(&error)),
    }
}

/// Serde's message quotes what it read; only its place is repeated.
fn json_error(error: &serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    if text.contains("duplicate key") {
        return format!("A name appears twice in one object (line {line}, column {column}).");
    }
    match error.classify() {
        serde_json::error::Category::Eof => "The JSON ends too early: a bracket or quote is not closed.".to_owned(),
        _ => format!("This is not valid JSON at line {line}, column {column}."),
    }
}

/// A JSON value none of whose objects names a member twice.
struct UniqueKeys(Value);

impl<'de> Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Value;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("JSON")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_str<E>(self, v: &str) -> Result<Value, E> {
                Ok(v.into())
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Null)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
                let mut array = Vec::new();
                while let Some(UniqueKeys(item)) = items.next_element()? {
                    array.push(item);
                }
                Ok(Value::Array(array))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
                let mut object = serde_json::Map::new();
                while let Some((key, UniqueKeys(value))) = members.next_entry::<String, UniqueKeys>()? {
                    if object.insert(key, value).is_some() {
                        return Err(serde::de::Error::custom("duplicate key"));
                    }
                }
                Ok(Value::Object(object))
            }
        }
        deserializer.deserialize_any(Visitor).map(Self)
    }
}
