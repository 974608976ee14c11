//! What a plugin's JSON Schema tells of one field.

use serde_json::Value;

/// One field, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDoc {
    /// Its JSON pointer.
    pub pointer: String,
    pub name: String,
    pub about: String,
    /// `whole number`, `one of "local", "redis"`, …
    pub kind: String,
    /// As JSON.
    pub default: Option<String>,
    pub is_needed: bool,
    pub takes_reference: bool,
}

/// The schema of what stands at `pointer`.
pub fn at<'a>(schema: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(schema, |schema, part| step(schema, &unescaped(part)))
}

fn step<'a>(schema: &'a Value, name: &str) -> Option<&'a Value> {
    let own = || schema.get("properties")?.get(name);
    let any = || schema.get("additionalProperties").filter(|more| more.is_object());
    let item = || schema.get("items");
    let of_choice = || choices(schema).find_map(|choice| step(choice, name));
    own().or_else(any).or_else(item).or_else(of_choice)
}

fn choices(schema: &Value) -> impl Iterator<Item = &Value> {
    let lists = ["anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name)?.as_array());
    lists.flatten()
}

/// The field at `pointer`, if the schema knows it.
pub fn field(schema: &Value, pointer: &str) -> Option<FieldDoc> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let name = unescaped(name);
    let of = at(schema, pointer)?;
    Some(doc(of, pointer.to_owned(), name.clone(), is_needed(at(schema, parent)?, &name)))
}

/// The fields of the innermost object around `pointer`, in the order in which they are told.
pub fn siblings(schema: &Value, pointer: &str) -> Vec<FieldDoc> {
    let mut path = pointer;
    loop {
        let object = at(schema, path).and_then(|object| Some((object, object.get("properties")?.as_object()?)));
        if let Some((object, fields)) = object {
            let rank = |name: &str| order(object).position(|known| known == name).unwrap_or(usize::MAX);
            let doc = |(name, of): (&String, &Value)| {
                doc(of, format!("{path}/{}", escaped(name)), name.clone(), is_needed(object, name))
            };
            let mut docs: Vec<FieldDoc> = fields.iter().map(doc).collect();
            docs.sort_by_key(|doc| rank(&doc.name));
            return docs;
        }
        let Some((parent, _)) = path.rsplit_once('/') else { return Vec::new() };
        path = parent;
    }
}

fn order(object: &Value) -> impl Iterator<Item = &str> {
    object.get("x-order").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn is_needed(object: &Value, name: &str) -> bool {
    let required = object.get("required").and_then(Value::as_array);
    required.is_some_and(|names| names.iter().any(|needed| needed == name))
}

fn doc(of: &Value, pointer: String, name: String, is_needed: bool) -> FieldDoc {
    let text = |key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    FieldDoc {
        pointer,
        name,
        about: text("description"),
        kind: kind(of),
        default: of.get("default").filter(|value| !value.is_null()).map(Value::to_string),
        is_needed,
        takes_reference: of.get("x-reference") == Some(&Value::Bool(true)),
    }
}

/// What may stand there, in words.
fn kind(of: &Value) -> String {
    if let Some(values) = of.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        return format!("one of {}", values.join(", "));
    }
    let range = range(of);
    match of.get("type").and_then(Value::as_str) {
        Some("string") => format!("text{range}"),
        Some("integer") => format!("whole number{range}"),
        Some("number") => format!("number{range}"),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => match of.get("items") {
            Some(items) => format!("list, each: {}", kind(items)),
            None => "list".to_owned(),
        },
        Some("object") => "object".to_owned(),
        Some(_) | None => choices(of).map(kind).collect::<Vec<_>>().join("; or "),
    }
}

fn range(of: &Value) -> String {
    let bound = |name: &str| of.get(name).filter(|bound| bound.is_number()).map(Value::to_string);
    let (least, most) = (bound("minimum"), bound("maximum"));
    match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        (None, Some(most)) => format!(", at most {most}"),
        (None, None) => String::new(),
    }
}

/// The name in `names` of the fields around `pointer` that was meant by its own, if none is it.
pub fn meant(schema: &Value, pointer: &str) -> Option<String> {
    let (parent, name) = pointer.rsplit_once('/')?;
    let fields = at(schema, parent)?.get("properties")?.as_object()?;
    let name = unescaped(name);
    if fields.contains_key(&name) {
        return None;
    }
    postern::near::nearest(&name, fields.keys().map(String::as_str)).map(str::to_owned)
}

/// As a part of a JSON pointer (RFC 6901 §3).
pub fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({
            "type": "object",
            "required": ["count"],
            "x-order": ["count", "policy", "password"],
            "properties": {
                "password": {"type": "string", "x-reference": true},
                "policy": {"type": "string", "enum": ["local", "redis"], "default": "local"},
                "count": {
                    "description": "How many.",
                    "anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "string"}],
                },
                "rules": {"type": "array", "items": {"type": "object", "properties": {"key": {"type": "string"}}}},
                "headers": {"type": "object", "additionalProperties": {"type": "boolean"}},
            },
        })
    }

    #[test]
    fn a_field_is_told_in_words() {
        let schema = schema();
        for (pointer, kind, default, needed) in [
            ("/count", "whole number, 1 to 9; or text", None, true),
            ("/policy", "one of \"local\", \"redis\"", Some("\"local\""), false),
            ("/rules/0/key", "text", None, false),
            ("/headers/x~1y", "true or false", None, false),
            ("/rules", "list, each: object", None, false),
        ] {
            let doc = field(&schema, pointer).unwrap();
            assert_eq!(
                (doc.kind.as_str(), doc.default.as_deref(), doc.is_needed),
                (kind, default, needed),
                "{pointer}"
            );
        }
        assert!(field(&schema, "/password").unwrap().takes_reference);
        for pointer in ["", "/nonsense", "/count/x"] {
            assert_eq!(field(&schema, pointer), None, "{pointer}");
        }
    }

    #[test]
    fn the_fields_around_are_those_of_the_innermost_object() {
        let schema = schema();
        for (pointer, first) in
            [("", "/count"), ("/policy", "/count"), ("/rules/0/key", "/rules/0/key"), ("/no", "/count")]
        {
            assert_eq!(siblings(&schema, pointer)[0].pointer, first, "{pointer}");
        }
    }

    #[test]
    fn a_name_that_is_nearly_right_is_known() {
        for (pointer, expected) in
            [("/conut", Some("count")), ("/count", None), ("/zebra", None), ("/rules/0/kee", Some("key"))]
        {
            assert_eq!(meant(&schema(), pointer).as_deref(), expected, "{pointer}");
        }
    }
}
