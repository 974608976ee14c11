//! From the editor's JSON to a [`LimitCountPlugin`], with every problem by its path.

use super::read_policy::policy;
use super::{Amount, Key, LimitCountPlugin, Limits, MAX_AMOUNT, Policy, Rule, SyncInterval, WindowType};
use crate::plugin::SecretAt;
use crate::plugin::reader::{Reader, boolean, text, whole};
use crate::plugin::variable::Template;
use crate::problem::FieldProblem;
use serde_json::{Map, Value};

type Held = SecretAt;

impl LimitCountPlugin<Held> {
    pub(in crate::plugin) fn parse(object: &Map<String, Value>) -> Result<Self, Vec<FieldProblem>> {
        let mut reader = Reader::new(String::new(), object);
        let limits = limits(&mut reader);
        let window_type = reader.or("window_type", WindowType::Fixed, |value| match value.as_str() {
            Some("fixed") => Ok(WindowType::Fixed),
            Some("sliding") => Ok(WindowType::Sliding),
            _ => Err("This is 'fixed' or 'sliding'.".to_owned()),
        });
        let key = key(&mut reader);
        let group = reader.optional("group", |value| text(value, 1));
        let policy = policy(&mut reader);
        let rejected_code = reader.or("rejected_code", 503, |value| whole(value, 200, 599));
        let rejected_msg = reader.optional("rejected_msg", |value| text(value, 1));
        let allow_degradation = reader.or("allow_degradation", false, boolean);
        let show_limit_quota_header = reader.or("show_limit_quota_header", true, boolean);
        let sync_interval = sync_interval(&mut reader, limits.as_ref(), policy.as_ref());
        let config = (|| {
            Some(Self {
                limits: limits?,
                window_type,
                key: key?,
                group,
                policy: policy?,
                sync_interval,
                rejected_code: u16::try_from(rejected_code).ok()?,
                rejected_msg,
                allow_degradation,
                show_limit_quota_header,
            })
        })();
        reader.finish(config)
    }
}

fn limits(reader: &mut Reader<'_>) -> Option<Limits> {
    if !reader.has("rules") {
        let needed = "It is needed: limit-count lets count requests pass in time_window seconds (or has rules).";
        let (count, time_window) =
            (reader.required("count", needed, amount), reader.required("time_window", needed, amount));
        return Some(Limits::One { count: count?, time_window: time_window? });
    }
    for name in ["count", "time_window"] {
        reader.forbid(name, "count/time_window and rules cannot be specified at the same time.");
    }
    if reader.has("group") {
        reader.refuse("group", "group and rules cannot be specified at the same time.");
    }
    let mut problems = Vec::new();
    let rules = reader.optional("rules", |value| {
        let items = value.as_array().filter(|items| !items.is_empty());
        let items = items.ok_or("This is a list of at least one rule: {\"count\", \"time_window\", \"key\"}.")?;
        let read = |(index, item)| match rule(index, item) {
            Ok(rule) => Some(rule),
            Err(of_rule) => {
                problems.extend(of_rule);
                None
            }
        };
        Ok(items.iter().enumerate().map(read).collect::<Option<Vec<_>>>())
    });
    reader.add(problems);
    let rules = rules??;
    for (index, rule) in rules.iter().enumerate() {
        if rules[..index].iter().any(|other| other.key == rule.key) {
            reader.refuse(&format!("rules/{index}/key"), format!("duplicate key '{}' in rules", rule.key));
        }
    }
    Some(Limits::Rules { rules })
}

fn rule(index: usize, value: &Value) -> Result<Rule, Vec<FieldProblem>> {
    let path = format!("/rules/{index}");
    let Some(object) = value.as_object() else {
        return Err(vec![FieldProblem::new(path, "A rule is an object with count, time_window and key.")]);
    };
    let mut reader = Reader::new(path, object);
    let needed = "A rule has count, time_window and key.";
    let count = reader.required("count", needed, amount);
    let time_window = reader.required("time_window", needed, amount);
    let key = reader.required("key", needed, template);
    let header_prefix = reader.optional("header_prefix", header_prefix);
    let rule = (|| Some(Rule { count: count?, time_window: time_window?, key: key?, header_prefix }))();
    reader.finish(rule)
}

fn amount(value: &Value) -> Result<Amount, String> {
    match value {
        Value::String(_) => template(value).map(Amount::Variable),
        number => whole(number, 1, MAX_AMOUNT).map(Amount::Fixed).map_err(|_| {
            "This is a whole number above 0, or a text with variables such as \"$http_x_limit\".".to_owned()
        }),
    }
}

fn template(value: &Value) -> Result<Template, String> {
    text(value, 1)?.parse().map_err(|error: crate::plugin::variable::VariableError| error.to_string())
}

fn header_prefix(value: &Value) -> Result<String, String> {
    let prefix = text(value, 1)?;
    if prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && prefix.len() <= 64 {
        Ok(prefix)
    } else {
        Err("A part of a header name has letters, digits and '-', at most 64.".to_owned())
    }
}

fn key(reader: &mut Reader<'_>) -> Option<Key> {
    let key_type = reader.or("key_type", Some("var"), |value| match value.as_str() {
        Some("var") => Ok(Some("var")),
        Some("var_combination") => Ok(Some("var_combination")),
        Some("constant") => Ok(Some("constant")),
        _ => Err("This is 'var', 'var_combination' or 'constant'.".to_owned()),
    })?;
    let default = || Some("remote_addr".to_owned());
    let given = if reader.has("key") { reader.optional("key", |value| text(value, 1)) } else { default() }?;
    let key = match key_type {
        "var" => given.parse().map(Key::Var),
        "var_combination" => given.parse().map(Key::VarCombination),
        _ => Ok(Key::Constant(given)),
    };
    key.inspect_err(|error| reader.refuse("key", error.to_string())).ok()
}

/// -1 is off, as in APISIX.
fn sync_interval(
    reader: &mut Reader<'_>,
    limits: Option<&Limits>,
    policy: Option<&Policy<Held>>,
) -> Option<SyncInterval> {
    let interval = reader.optional("sync_interval", |value| match value.as_f64() {
        Some(-1.0) => Ok(None),
        Some(seconds) => SyncInterval::try_from(seconds).map(Some).map_err(|error| error.to_string()),
        None => Err("This is a number of seconds, or -1.".to_owned()),
    })??;
    if matches!(policy, Some(Policy::Local)) {
        let why = "It has no effect with the policy 'local': what is counted here is told to no Redis. Remove it.";
        reader.refuse("sync_interval", why);
    }
    let is_shorter = |window: &Amount| match window {
        Amount::Fixed(seconds) => interval.is_within(*seconds),
        Amount::Variable(_) => true,
    };
    let fits = match limits {
        Some(Limits::One { time_window, .. }) => is_shorter(time_window),
        Some(Limits::Rules { rules }) => rules.iter().all(|rule| is_shorter(&rule.time_window)),
        None => true,
    };
    if !fits {
        reader.refuse("sync_interval", "sync_interval should be smaller than time_window");
    }
    Some(interval)
}
