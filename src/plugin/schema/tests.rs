use super::*;
use crate::plugin::{EnteredField, OnConsumer, Phase, Placement, PluginConfig, PluginName, schema};
use serde_json::json;

const INNER: &[Field] = &[
    Field::new("host", Kind::TEXT, "A host.").needed("A server has a host."),
    Field::new("port", Kind::Integer { min: 1, max: 65_535 }, "A port.").or("80"),
    Field::new("password", Kind::Text { min: 3, max: 8 }, "A password.").secret(),
];

const FIELDS: &[Field] = &[
    Field::new("text", Kind::Text { min: 2, max: 4 }, "A text."),
    Field::new("number", Kind::Number { min: 0.5, max: 2.0 }, "A number."),
    Field::new("choice", Kind::OneOf(&["one", "two", "three"]), "A choice.").or("\"one\""),
    Field::new("flags", Kind::List { of: &Kind::Boolean, min: 1, max: 2, is_unique: true }, "Flags."),
    Field::new("names", Kind::Map { of: &Kind::TEXT, max: 2 }, "Names."),
    Field::new("servers", Kind::list(&Kind::Object(INNER)), "Servers."),
    Field::new("either", Kind::Either(&[Kind::Boolean, Kind::Object(INNER)]), "Either."),
    Field::new("listed", Kind::TEXTS, "Texts.").expected("Texts are wanted here."),
    Field::new("script", Kind::Refused("No scripts here."), ""),
];

/// The problems of `json`, each as `path: words`.
fn problems(json: &Value) -> Vec<String> {
    let checked = schema::check("test", FIELDS, json.as_object().unwrap());
    checked.misplaced.into_iter().chain(checked.problems).map(|p| format!("{}: {}", p.field, p.problem)).collect()
}

#[test]
fn every_kind_refuses_what_it_is_not() {
    for (json, expected) in [
        (json!({}), &[][..]),
        (json!({"text": "abc", "number": 1, "choice": "two", "flags": [true], "names": {"a": "b"}}), &[]),
        (json!({"text": "a"}), &["/text: This is a text of at least 2 characters."]),
        (json!({"text": "abcde"}), &["/text: This is a text of at most 4 characters."]),
        (json!({"text": null}), &["/text: This is a text of at least 2 characters."]),
        (json!({"number": 0.4}), &["/number: This is a number from 0.5 to 2."]),
        (json!({"choice": "four"}), &["/choice: This is 'one', 'two' or 'three'."]),
        (json!({"flags": []}), &["/flags: This is a list of at least 1."]),
        (json!({"flags": [true, true]}), &["/flags/1: This is in the list already."]),
        (json!({"flags": true}), &["/flags: This is a list: [ ]."]),
        (json!({"names": {"a/b": 1}}), &["/names/a~1b: This is a text that is not empty."]),
        (json!({"names": {"a": "1", "b": "2", "c": "3"}}), &["/names: This is an object of at most 2 members."]),
        (json!({"servers": [{}]}), &["/servers/0/host: A server has a host."]),
        (json!({"servers": [{"host": "h", "port": 0}]}), &["/servers/0/port: This is a whole number from 1 to 65535."]),
        (
            json!({"servers": [{"host": "h", "hots": 0}]}),
            &["/servers/0/hots: The object has no such field. Is host meant?"],
        ),
        (json!({"either": {"host": 1}}), &["/either/host: This is a text that is not empty."]),
        (json!({"either": true}), &[]),
        (json!({"listed": ["a", ""]}), &["/listed: Texts are wanted here."]),
        (json!({"script": "x"}), &["/script: No scripts here."]),
        (json!({"Text": "ab"}), &["/Text: test has no such field. Is text meant?"]),
        (
            json!({"zebra": 1}),
            &["/zebra: test has no such field; it has text, number, choice, flags, names, servers, either, listed."],
        ),
    ] {
        assert_eq!(problems(&json), expected, "{json}");
    }
}

#[test]
fn a_secret_is_of_its_kind_or_a_reference_and_stands_nowhere_else() {
    let secret = |text: &str| json!({"servers": [{"host": "h"}, {"host": "h", "password": text}]});
    let checked = schema::check("test", FIELDS, secret("$secret://vault/v/p/k").as_object().unwrap());
    assert!(checked.problems.is_empty() && checked.misplaced.is_empty(), "{checked:?}");
    assert_eq!(checked.secrets.keys().map(ToString::to_string).collect::<Vec<_>>(), ["servers/1/password"]);
    assert_eq!(secret_patterns(FIELDS), ["servers/*/password", "either/password"]);
    for (json, path, part) in [
        (secret("ab"), "/servers/1/password", "at least 3"),
        (secret("$secret://vault/v"), "/servers/1/password", "key"),
        (secret("$SECRET://vault/v/p/k"), "/servers/1/password", "$secret"),
        (json!({"text": "$secret://vault/v/p/k"}), "/text", "It may stand in: servers/*/password, either/password."),
        (json!({"names": {"a": "$env://X"}}), "/names/a", "not resolved in this field"),
    ] {
        let found = problems(&json);
        assert!(found[0].starts_with(&format!("{path}: ")) && found[0].contains(part), "{json}: {found:?}");
        assert!(!found.iter().any(|problem| problem.contains("\"ab\"")), "{found:?}");
    }
}

#[test]
fn what_is_left_out_is_filled_in_inside_too() {
    let given = json!({"servers": [{"host": "h"}], "either": true});
    let full = with_defaults(FIELDS, given.as_object().unwrap());
    assert_eq!(Value::Object(full), json!({"servers": [{"host": "h", "port": 80}], "either": true, "choice": "one"}));
}

#[test]
fn the_schema_says_what_the_check_does() {
    let schema = fields_schema(FIELDS);
    assert_eq!(schema["additionalProperties"], false);
    assert_eq!(schema["properties"]["choice"]["enum"], json!(["one", "two", "three"]));
    assert_eq!(schema["properties"]["choice"]["default"], "one");
    assert_eq!(schema["properties"]["text"]["description"], "A text.");
    let password = &schema["properties"]["servers"]["items"]["properties"]["password"];
    assert_eq!((&password["x-reference"], &password["writeOnly"]), (&json!(true), &json!(true)));
    assert_eq!(schema["properties"]["servers"]["items"]["required"], json!(["host"]));
    assert_eq!(schema["properties"].get("script"), None, "what is refused is not offered");
}

/// Every object of fields in a kind.
fn tables(fields: &'static [Field], found: &mut Vec<&'static [Field]>) {
    fn inside(kind: &'static Kind, found: &mut Vec<&'static [Field]>) {
        match kind {
            Kind::Object(fields) => tables(fields, found),
            Kind::List { of, .. } | Kind::Map { of, .. } => inside(of, found),
            Kind::Either(kinds) => kinds.iter().for_each(|kind| inside(kind, found)),
            _ => {}
        }
    }
    found.push(fields);
    fields.iter().for_each(|field| inside(&field.kind, found));
}

#[test]
fn every_plugins_table_is_in_order() {
    let mut order = Vec::new();
    for name in PluginName::ALL {
        let about = name.about();
        order.push(-about.priority);
        // It would run when it is known already whose request it is, and could only take that away.
        let on_consumers = matches!(about.on_consumer, OnConsumer::AsOnRoute);
        assert!(!(about.authenticates && about.phase == Phase::Rewrite && on_consumers), "{}", about.slug);
        assert_eq!(serde_json::to_value(name).unwrap(), about.slug, "the name is stored as the slug");
        for text in [about.label, about.summary, about.consequence_of_removal] {
            assert!(!text.is_empty(), "{}", about.slug);
        }
        for placement in [Placement::Route, Placement::Consumer] {
            if PluginName::of(placement).all(|other| other != *name) {
                continue;
            }
            let example: Result<PluginConfig<EnteredField>, _> =
                PluginConfig::parse_for(placement, *name, name.example(placement));
            assert!(example.is_ok(), "{}: {example:?}", about.slug);
            let mut found = Vec::new();
            tables(about.fields(placement), &mut found);
            for field in found.into_iter().flatten() {
                assert!(field.is_refused() || field.about.ends_with('.'), "{}/{}", about.slug, field.name);
                assert_eq!(field.default.is_some(), field.default_value().is_some(), "{}/{}", about.slug, field.name);
                if let Some(default) = field.default_value() {
                    let object = json!({field.name: default});
                    let checked = schema::check(about.slug, std::slice::from_ref(field), object.as_object().unwrap());
                    assert!(checked.problems.is_empty(), "{}: {:?}", about.slug, checked.problems);
                }
            }
            assert_eq!(name.json_schema(placement)["title"], about.label);
        }
    }
    assert!(order.is_sorted(), "plugins are listed in the order in which they run");
}

#[test]
fn what_a_configuration_says_of_its_own_running_is_checked_like_its_fields() {
    for (meta, path) in [
        (r#"{"disable": true, "priority": -5, "error_response": {"a": [1, {"b": "c"}]}}"#, None),
        (r#"{"error_response": "no"}"#, None),
        (r#"{"error_response": 1}"#, Some("/_meta/error_response")),
        (r#"{"disable": 1}"#, Some("/_meta/disable")),
        (r#"{"priority": 1.5}"#, Some("/_meta/priority")),
        (r#"{"filter": [["arg_x", "==", "1"]]}"#, None),
        (r#"{"filter": ["OR", ["arg_x", "==", "1"], ["consumer_name", "in", ["alice"]]]}"#, None),
        (r#"{"filter": "arg_x"}"#, Some("/_meta/filter")),
        (r#"{"filter": [["arg_x", "=", "1"]]}"#, Some("/_meta/filter")),
        (r#"{"filter": [["nonsense", "==", "1"]]}"#, Some("/_meta/filter")),
        (r#"{"filter": [["arg_x", "==", "1"], ["!OR", ["status", "==", 200]]]}"#, Some("/_meta/filter")),
        (r#"{"pre_function": "return"}"#, Some("/_meta/pre_function")),
        (r#"{"disabled": true}"#, Some("/_meta/disabled")),
        (r#"{"error_response": "$secret://vault/v/p/k"}"#, Some("/_meta/error_response")),
        ("true", Some("/_meta")),
    ] {
        let got = PluginConfig::parse(PluginName::KeyAuth, &format!("{{\"_meta\": {meta}}}"));
        let path_of = got.as_ref().err().map(|problems| problems[0].field.as_str());
        assert_eq!(path_of, path, "{meta}: {got:?}");
    }
    let filter = r#"{"_meta": {"filter": [["arg_x", "==", "1"]]}}"#;
    let no_effect = PluginConfig::parse(PluginName::Prometheus, filter).unwrap_err();
    assert!(no_effect[0].problem.contains("no effect"), "{no_effect:?}");
    let of_consumer = r#"{"user_dn": "cn=a,dc=b", "_meta": {"filter": [["arg_x", "==", "1"]]}}"#;
    let no_effect = PluginConfig::parse_for(Placement::Consumer, PluginName::LdapAuth, of_consumer).unwrap_err();
    assert!(no_effect[0].problem.contains("no effect"), "{no_effect:?}");
    let config = PluginConfig::parse(PluginName::KeyAuth, r#"{"_meta": {"disable": true, "priority": 7}}"#).unwrap();
    assert!(config.meta().disable && config.meta().priority == Some(7));
    assert!(config.settings::<crate::plugin::key_auth::KeyAuthPlugin>().is_ok(), "a plugin's own type knows no _meta");
}

#[test]
fn what_is_a_credential_is_not_a_plugin_of_a_consumer() {
    let refused = PluginConfig::parse_for(Placement::Consumer, PluginName::KeyAuth, "{}").unwrap_err();
    assert!(refused[0].problem.contains("Credentials tab"), "{refused:?}");
    assert!(
        PluginConfig::parse_for(
            Placement::Consumer,
            PluginName::LimitCount,
            PluginName::LimitCount.example(Placement::Consumer)
        )
        .is_ok()
    );
}
