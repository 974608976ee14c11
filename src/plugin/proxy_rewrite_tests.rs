use super::ProxyRewritePlugin;
use crate::plugin::header_changes::HeaderText;
use crate::plugin::{EnteredField, PluginConfig, PluginName, SealedField};

/// The only problem is at `path`, and its words have `part`.
fn refused(json: &str, path: &str, part: &str) {
    let problems = PluginConfig::parse(PluginName::ProxyRewrite, json).unwrap_err();
    assert_eq!(problems.len(), 1, "{json}: {problems:?}");
    assert_eq!(problems[0].field, path, "{json}: {problems:?}");
    assert!(problems[0].problem.contains(part), "{json}: {problems:?}");
}

#[test]
fn what_cannot_be_done_is_refused_at_its_field() {
    for (json, path, part) in [
        ("{}", "json", "changes something"),
        (r#"{"uri": ""}"#, "/uri", "begins with '/'"),
        (r#"{"uri": "a"}"#, "/uri", "begins with '/'"),
        (r#"{"uri": "/a\r\nb"}"#, "/uri", "line ends"),
        (r#"{"uri": "/$nonsense"}"#, "/uri", "not a variable"),
        (r#"{"uri": "/$1"}"#, "/uri", "takes its place"),
        (r#"{"uri": "/$status"}"#, "/uri", "of the answer"),
        (r#"{"regex_uri": []}"#, "/regex_uri", "at least 2"),
        (r#"{"regex_uri": ["^/a"]}"#, "/regex_uri", "even number"),
        (r#"{"regex_uri": ["^/a", "/b", "^/c"]}"#, "/regex_uri", "even number"),
        (r#"{"regex_uri": ["^/(", "/b"]}"#, "/regex_uri/0", "not a regular expression"),
        (r#"{"regex_uri": ["^/a(?!b)", "/b"]}"#, "/regex_uri/0", "look-around"),
        (r#"{"regex_uri": ["^/(a)", "/$2"]}"#, "/regex_uri/1", "does not have"),
        (r#"{"method": "get"}"#, "/method", "GET, POST"),
        (r#"{"method": "TRACE"}"#, "/method", "TRACE"),
        (r#"{"host": "a b"}"#, "/host", "a name"),
        (r#"{"host": "a:0"}"#, "/host", "a name"),
        (r#"{"host": "a:99999"}"#, "/host", "a name"),
        (r#"{"host": ":80"}"#, "/host", "a name"),
        (r#"{"headers": {}}"#, "/headers", "at least one"),
        (r#"{"headers": {"a b": "c"}}"#, "/headers/a b", "header name"),
        (r#"{"headers": {"X-A": "a\r\nX-B: b"}}"#, "/headers/X-A", "line ends"),
        (r#"{"headers": {"X-A": "a\u0000"}}"#, "/headers/X-A", "control"),
        (r#"{"headers": {"X-A": true}}"#, "/headers/X-A", ""),
        (r#"{"headers": {"X-A": "$nonsense"}}"#, "/headers/X-A", "not a variable"),
        (r#"{"headers": {"X-A": "1", "x-a": "2"}}"#, "/headers/x-a", "twice"),
        (r#"{"headers": {"X-A": "$1"}}"#, "/headers", "regex_uri"),
        (r#"{"headers": {"X-A": "$status"}}"#, "/headers", "of the answer"),
        (r#"{"headers": {"set": {"X-A": "1"}, "remove": ["x-a"]}}"#, "/headers/remove/0", "set as well"),
        (r#"{"headers": {"remove": []}}"#, "/headers/remove", "at least one"),
        (r#"{"headers": {"add": {"X-A": []}}}"#, "/headers/add/X-A", ""),
        (r#"{"headers": {"set": {"X-A": "1"}, "drop": ["x"]}}"#, "/headers/drop", "stands alone"),
        (r#"{"headers": {"set": {"X-A": "a $secret://vault/v/a/b"}}}"#, "/headers/set/X-A", ""),
        (r#"{"uri": "$secret://vault/v/a/b"}"#, "/uri", "not resolved"),
        (r#"{"host": "a", "use_real_request_uri_unsafe": true}"#, "/use_real_request_uri_unsafe", "no other"),
        (r#"{"host": "a", "scheme": "https"}"#, "/scheme", "no such field"),
    ] {
        refused(json, path, part);
    }
}

#[test]
fn headers_that_belong_to_the_gateway_cannot_be_changed_in_any_spelling() {
    for (name, part) in [
        ("Content-Length", "message ends"),
        ("content_length", "message ends"),
        ("Transfer-Encoding", "message ends"),
        ("Trailer", "message ends"),
        ("TE", "message ends"),
        ("Expect", "message ends"),
        ("Connection", "one connection"),
        ("Keep-Alive", "one connection"),
        ("Upgrade", "one connection"),
        ("Proxy-Authorization", "one connection"),
        ("Host", "field of its own"),
        ("X-Consumer-Username", "who a request comes from"),
        ("x_consumer_anything", "who a request comes from"),
        ("X-Credential-Identifier", "who a request comes from"),
        ("X-Userinfo", "who a request comes from"),
        ("X-Request-Id", "request-id"),
    ] {
        for (json, path) in [
            (format!(r#"{{"headers": {{"{name}": "1"}}}}"#), format!("/headers/{name}")),
            (format!(r#"{{"headers": {{"set": {{"{name}": "1"}}}}}}"#), format!("/headers/set/{name}")),
            (format!(r#"{{"headers": {{"add": {{"{name}": "1"}}}}}}"#), format!("/headers/add/{name}")),
            (format!(r#"{{"headers": {{"remove": ["{name}"]}}}}"#), "/headers/remove/0".to_owned()),
        ] {
            refused(&json, &path, part);
        }
    }
}

#[test]
fn references_stand_in_headers_and_are_found() {
    let json = r#"{"headers": {"set": {"X-Token": "$secret://vault/v/a/token", "X-B": "b"}, "add": {"X-C": ["c", "$env://C"]}}}"#;
    let config = PluginConfig::parse(PluginName::ProxyRewrite, json).unwrap();
    let found: Vec<String> = config.references().map(|(field, reference)| format!("{field} {reference}")).collect();
    assert_eq!(found, ["headers/add/X-C/1 $env://C", "headers/set/X-Token $secret://vault/v/a/token"]);
}

#[test]
fn what_is_stored_comes_back_and_a_value_is_told_from_the_place_of_a_secret() {
    let json = r#"{"headers":{"add":{"X-C":["c","$env://C"]},"set":{"X-B":"headers/set/X-T","X-N":7,"X-T":"$secret://vault/v/a/b"}}}"#;
    let config = PluginConfig::parse(PluginName::ProxyRewrite, json).unwrap();
    let shown: serde_json::Value = serde_json::from_str(&config.to_json()).unwrap();
    assert_eq!(shown, serde_json::from_str::<serde_json::Value>(json).unwrap());
    let sealed = |_: &crate::plugin::SecretAt, field: &EnteredField| {
        Ok::<_, ()>(SealedField::Reference(field.reference().unwrap().clone()))
    };
    let stored = config.try_map(sealed).unwrap();
    let text = serde_json::to_string(&stored).unwrap();
    let read: PluginConfig<SealedField> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, stored, "{text}");
    let headers = ProxyRewritePlugin::of(&read).unwrap().headers;
    let is_secret = |values: &[HeaderText<SealedField>]| {
        values.iter().map(|value| matches!(value, HeaderText::Secret(_))).collect::<Vec<_>>()
    };
    let found: Vec<(&str, Vec<bool>)> =
        headers.add.iter().chain(&headers.set).map(|(name, values)| (name.as_str(), is_secret(values))).collect();
    assert_eq!(found, [("X-C", vec![false, true]), ("X-B", vec![false]), ("X-N", vec![false]), ("X-T", vec![true])]);
}
