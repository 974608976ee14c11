//! A table as JSON Schema (draft 7) for the editor, and as the values that hold when fields are left out.

use super::{Field, Kind};
use serde_json::{Map, Value, json};

/// The schema of an object with these fields.
///
/// `x-reference` marks the fields that may hold a reference, `x-order` tells in which order the fields are shown.
pub(in crate::plugin) fn fields_schema(fields: &[Field]) -> Value {
    let told: Vec<&Field> = fields.iter().filter(|field| !field.is_refused()).collect();
    let properties: Map<String, Value> =
        told.iter().map(|field| (field.name.to_owned(), field_schema(field))).collect();
    let required: Vec<&str> = told.iter().filter(|field| field.needed.is_some()).map(|field| field.name).collect();
    let order: Vec<&str> = told.iter().map(|field| field.name).collect();
    let mut schema =
        json!({"type": "object", "properties": properties, "additionalProperties": false, "x-order": order});
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn field_schema(field: &Field) -> Value {
    let mut schema = kind_schema(&field.kind);
    schema["title"] = field.name.into();
    schema["description"] = field.about.into();
    if let Some(default) = field.default_value() {
        schema["default"] = default;
    }
    if field.is_secret {
        // A reference need not be of the length or form that the secret has.
        schema = json!({"type": "string", "minLength": 1, "title": schema["title"],
            "description": schema["description"], "writeOnly": true, "x-reference": true});
    }
    schema
}

fn kind_schema(kind: &Kind) -> Value {
    match kind {
        Kind::Text { min, max } => json!({"type": "string", "minLength": min, "maxLength": max}),
        Kind::Form(form) => json!({"type": "string", "pattern": form.pattern}),
        Kind::OrReference { .. } => json!({"type": "string", "x-reference": true}),
        Kind::Integer { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Kind::Number { min, max } => {
            let mut schema = json!({"type": "number"});
            for (name, bound) in [("minimum", min), ("maximum", max)] {
                if bound.is_finite() {
                    schema[name] = json!(bound);
                }
            }
            schema
        }
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::OneOf(names) => json!({"type": "string", "enum": names}),
        Kind::List { of, min, max, is_unique } => json!({
            "type": "array", "items": kind_schema(of), "minItems": min, "maxItems": max, "uniqueItems": is_unique,
        }),
        Kind::Object(fields) => fields_schema(fields),
        Kind::Map { of, max } => {
            json!({"type": "object", "additionalProperties": kind_schema(of), "maxProperties": max})
        }
        Kind::Either(kinds) => json!({"anyOf": kinds.iter().map(kind_schema).collect::<Vec<_>>()}),
        Kind::Any => json!({}),
        Kind::Refused(_) => json!({"not": {}}),
    }
}

/// `object` with what holds for the fields that were left out, inside its objects and lists too.
pub(in crate::plugin) fn with_defaults(fields: &[Field], object: &Map<String, Value>) -> Map<String, Value> {
    let mut full = object.clone();
    for field in fields {
        match (full.get_mut(field.name), field.default_value()) {
            (Some(value), _) => fill(&field.kind, value),
            (None, Some(mut default)) => {
                fill(&field.kind, &mut default);
                full.insert(field.name.to_owned(), default);
            }
            (None, None) => {}
        }
    }
    full
}

fn fill(kind: &Kind, value: &mut Value) {
    match (kind, value) {
        (Kind::Object(fields), Value::Object(object)) => *object = with_defaults(fields, object),
        (Kind::List { of, .. }, Value::Array(items)) => items.iter_mut().for_each(|item| fill(of, item)),
        (Kind::Map { of, .. }, Value::Object(members)) => members.values_mut().for_each(|member| fill(of, member)),
        (Kind::Either(kinds), value) => kinds.iter().for_each(|kind| fill(kind, value)),
        _ => {}
    }
}
