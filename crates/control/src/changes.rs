//! What someone else changed, field by field, from the masked JSON of two revisions.

use postern::control::FieldChange;
use postern::time::Millis;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The fields in which two masked revisions differ. Nothing when one of them is no longer remembered.
pub(crate) fn between(was: Option<&str>, now: Option<&str>) -> Vec<FieldChange> {
    let (Some(was), Some(now)) = (was.and_then(fields), now.and_then(fields)) else {
        return Vec::new();
    };
    let names: BTreeSet<&String> = was.keys().chain(now.keys()).collect();
    let absent = Shown::default();
    let change = |name: &String| {
        let (was, now) = (was.get(name).unwrap_or(&absent), now.get(name).unwrap_or(&absent));
        (was != now).then(|| FieldChange { field: name.clone(), was: was.text.clone(), now: now.text.clone() })
    };
    names.into_iter().filter_map(change).collect()
}

/// A field's text, and what tells two values apart that are written alike: a secret replaced within one
/// second.
#[derive(Default, PartialEq, Eq)]
struct Shown {
    text: String,
    set_at: u64,
}

impl Shown {
    fn text(text: String) -> Self {
        Self { text, set_at: 0 }
    }
}

/// Label → text of every field.
fn fields(json: &str) -> Option<BTreeMap<String, Shown>> {
    let mut fields = BTreeMap::new();
    collect(&serde_json::from_str(json).ok()?, &mut Vec::new(), &mut fields);
    Some(fields)
}

fn collect(value: &Value, path: &mut Vec<String>, fields: &mut BTreeMap<String, Shown>) {
    match value {
        Value::Object(members) if members.len() == 1 && members.contains_key("set_at") => {
            let set_at = members.get("set_at").and_then(Value::as_u64).unwrap_or_default();
            let text = format!("set {}", Millis(set_at).to_utc_text());
            fields.insert(label(path), Shown { text, set_at });
        }
        Value::Object(members) => {
            for (name, member) in members {
                path.push(name.clone());
                collect(member, path, fields);
                path.pop();
            }
        }
        Value::Null => {}
        Value::String(text) => {
            fields.insert(label(path), Shown::text(text.clone()));
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(item).collect();
            fields.insert(label(path), Shown::text(items.join(", ")));
        }
        other => {
            fields.insert(label(path), Shown::text(other.to_string()));
        }
    }
}

fn item(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The field as the dialog names it.
fn label(path: &[String]) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let label = match path.as_slice() {
        ["settings", "kv_version"] => "KV Version",
        ["settings", "url"] => "Vault Server URL",
        ["settings", "prefix"] => "Secret Prefix",
        ["settings", "auth", "method"] => "Authentication Method",
        ["settings", "auth", "token"] => "Token",
        ["settings", "auth", "file"] => "Token File",
        ["settings", "auth", "role_id"] => "Role ID",
        ["settings", "auth", "secret_id"] => "Secret ID",
        ["settings", "auth", "username"] => "Username",
        ["settings", "auth", "password"] => "Password",
        ["settings", "auth", "role"] => "Role",
        ["settings", "auth", "jwt"] => "JWT",
        ["settings", "auth", "certificate"] => "Client Certificate",
        ["settings", "auth", "private_key"] => "Private Key",
        ["settings", "auth", "mount"] => "Mount Path",
        ["settings", "namespace"] => "Namespace",
        ["settings", "ca_certificate"] => "CA Certificate",
        ["settings", "server_name"] => "TLS Server Name",
        ["settings", "client_certificate", "certificate"] => "TLS Client Certificate",
        ["settings", "client_certificate", "private_key"] => "TLS Client Key",
        ["settings", "timeout"] => "Timeout",
        ["settings", "region"] => "Region",
        ["settings", "endpoint_url"] => "Endpoint URL",
        ["settings", "access", "method"] => "Authentication Method",
        ["settings", "access", "server"] => "API Server Address",
        ["settings", "access", "token"] => "Token",
        ["settings", "access", "ca_certificate"] => "CA Certificate",
        ["settings", "credentials"] => "Authentication Method",
        ["settings", "assume_role", "role_arn"] => "Role ARN",
        ["settings", "assume_role", "external_id"] => "External ID",
        ["settings", "assume_role", "session_name"] => "Session Name",
        ["settings", "assume_role", "sts_endpoint_url"] => "STS Endpoint URL",
        ["settings", "access_key_id"] => "Access Key ID",
        ["settings", "secret_access_key"] => "Secret Access Key",
        ["settings", "session_token"] => "Session Token",
        ["settings", "manager"] => "Secret Manager",
        ["freshness", "ttl_seconds"] => "Refresh interval",
        ["freshness", "max_stale_seconds"] => "Use last good value for",
        ["freshness", "denied_grace_seconds"] => "After a refusal, use it for",
        ["freshness", "version_check_seconds"] => "Look for new versions every",
        ["freshness", "keep_over_restart"] => "Keep last good values over a restart",
        ["id"] => "ID",
        ["name"] => "Name",
        ["description"] => "Description",
        ["kind", "key", "value"] => "Key",
        ["kind", "key", "source"] => "Key, source",
        ["kind", "username"] => "Username",
        ["kind", "password", "value"] => "Password",
        ["kind", "password", "source"] => "Password, source",
        ["kind", "key"] => "Key",
        ["kind", "algorithm"] => "Algorithm",
        ["kind", "secret", "value"] => "Secret or Public Key",
        ["kind", "secret", "source"] => "Secret or Public Key, source",
        ["kind", "base64_secret"] => "Secret is Base64",
        ["kind", "lifetime_grace_period"] => "Lifetime Grace Period (s)",
        ["kind", "key_id"] => "Key ID",
        ["kind", "secret_key", "value"] => "Secret Key",
        ["kind", "secret_key", "source"] => "Secret Key, source",
        ["upstream", "type"] => "Upstream",
        ["upstream", "nodes"] => "Nodes",
        ["upstream", "balancing"] => "Load Balancing",
        ["upstream", "scheme", "name"] => "Scheme",
        ["upstream", "scheme", "ca_certificate"] => "CA Certificate",
        ["upstream", "scheme", "client_cert_id"] => "Client Certificate",
        ["upstream", "pass_host", "mode"] => "Pass Host",
        ["upstream", "pass_host", "upstream_host"] => "Upstream Host",
        ["upstream", "retries"] => "Retries",
        ["upstream", "retry_timeout"] => "Retry timeout",
        ["upstream", "connect_timeout"] => "Connect timeout",
        ["upstream", "read_timeout"] => "Read timeout",
        ["upstream", "active_check", field] => return format!("Active health check, {}", field.replace('_', " ")),
        ["upstream", "passive_check", field] => return format!("Passive health check, {}", field.replace('_', " ")),
        ["certificate", "value"] => "Certificate",
        ["certificate", "source"] => "Certificate, source",
        ["private_key", "value"] => "Private Key",
        ["private_key", "source"] => "Private Key, source",
        ["paths"] => "Path",
        ["methods"] => "Methods",
        ["hosts"] => "Hosts",
        ["labels", key] => return format!("Label {key}"),
        ["plugins", plugin, .., field] => return format!("Plugin {plugin}, {field}"),
        other => return other.join(" "),
    };
    label.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(was: &str, now: &str, expected: &[(&str, &str, &str)]) {
        let changes = between(Some(was), Some(now));
        let got: Vec<_> = changes.iter().map(|c| (c.field.as_str(), c.was.as_str(), c.now.as_str())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn changes_are_named_as_in_the_dialogs() {
        check(r#"{"settings":{"prefix":"a"}}"#, r#"{"settings":{"prefix":"a"}}"#, &[]);
        check(
            r#"{"settings":{"prefix":"secret/a","auth":{"token":{"set_at":0}}}}"#,
            r#"{"settings":{"prefix":"secret/b","auth":{"token":{"set_at":1000}}}}"#,
            &[
                ("Secret Prefix", "secret/a", "secret/b"),
                ("Token", "set 1970-01-01 00:00:00 UTC", "set 1970-01-01 00:00:01 UTC"),
            ],
        );
        check(
            r#"{"settings":{"auth":{"method":"token","token":{"set_at":0}}}}"#,
            r#"{"settings":{"auth":{"method":"approle","role_id":"r","secret_id":{"set_at":0},"mount":"approle"}}}"#,
            &[
                ("Authentication Method", "token", "approle"),
                ("Mount Path", "", "approle"),
                ("Role ID", "", "r"),
                ("Secret ID", "", "set 1970-01-01 00:00:00 UTC"),
                ("Token", "set 1970-01-01 00:00:00 UTC", ""),
            ],
        );
        check(r#"{"labels":{}}"#, r#"{"labels":{"team":"x"}}"#, &[("Label team", "", "x")]);
        check(r#"{"hosts":["a"]}"#, r#"{"hosts":["a","b"]}"#, &[("Hosts", "a", "a, b")]);
        assert!(between(None, Some("{}")).is_empty());
    }
}
