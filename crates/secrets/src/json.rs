//! A check of an answer's JSON before any of it is used: one meaning only, and no bottomless nesting.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::HashSet;
use std::fmt;

/// Whether `body` is one JSON value without a duplicate key at any depth and nested at most 128 deep
/// (`serde_json`'s limit). Keeps nothing of what it reads.
pub(crate) fn is_sound(body: &[u8]) -> bool {
    serde_json::from_slice::<Sound>(body).is_ok()
}

struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SoundVisitor)
    }
}

struct SoundVisitor;

impl<'de> Visitor<'de> for SoundVisitor {
    type Value = Sound;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Sound, A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("duplicate key"));
            }
            map.next_value::<Sound>()?;
        }
        Ok(Sound)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Sound, A::Error> {
        while list.next_element::<Sound>()?.is_some() {}
        Ok(Sound)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Sound, E> {
        Ok(Sound)
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<Sound, E> {
        Ok(Sound)
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<Sound, E> {
        Ok(Sound)
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<Sound, E> {
        Ok(Sound)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Sound, E> {
        Ok(Sound)
    }
    fn visit_unit<E: Error>(self) -> Result<Sound, E> {
        Ok(Sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_with_one_meaning_is_sound() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        for (body, sound) in [
            (r#"{"data":{"a":1,"b":{"a":1}}}"#.to_owned(), true),
            (r#"{"a":12345678901234567890.5,"b":null,"c":[true,-1,"x"]}"#.to_owned(), true),
            (deep(100), true),
            (deep(100_000), false),
            (r#"{"a":1,"a":2}"#.to_owned(), false),
            (r#"{"data":{"x":{"a":1,"\u0061":2}}}"#.to_owned(), false),
            (r#"{"a":1} {"#.to_owned(), false),
            (r#"{"a":"\ud800"}"#.to_owned(), false),
            ("<html>".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_sound(body.as_bytes()), sound, "{}", body.chars().take(60).collect::<String>());
        }
        assert!(!is_sound(b"{\"a\":\"\xff\"}"), "not UTF-8");
    }
}
