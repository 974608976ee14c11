//! Adds, sets and removes headers.
//!
//! What must never happen here: a reference that has no value is sent as its text, or left out; a value makes one
//! header into two.

use super::fill::{Known, fill};
use crate::reject::Reject;
use http::{HeaderMap, HeaderName, HeaderValue};
use postern::live::SecretNow;
use postern::plugin::filled::Filled;
use postern::plugin::header_changes::{HeaderChanges, HeaderText, Headers};
use postern::sensitive::Plain;
use postern::snapshot::LiveField;

/// Changes to headers, ready to be done.
pub(super) struct HeaderOps {
    plugin: &'static str,
    add: Vec<(HeaderName, Vec<Value>)>,
    set: Vec<(HeaderName, Vec<Value>)>,
    remove: Vec<HeaderName>,
}

enum Value {
    Constant(HeaderValue),
    Filled(Filled),
    Secret(LiveField),
}

/// Changes with every value worked out.
pub(super) struct Worked<'a> {
    add: Vec<(&'a HeaderName, Vec<HeaderValue>)>,
    set: Vec<(&'a HeaderName, Vec<HeaderValue>)>,
    remove: &'a [HeaderName],
}

/// For a request that has in a variable what no header may have.
const NO_HEADER: Reject = Reject::BadRequest(
    "A value of this request goes into a header on this route, and has characters that no header may have.",
);

impl HeaderOps {
    pub(super) fn compile(plugin: &'static str, changes: &HeaderChanges<LiveField>) -> Result<Self, String> {
        let remove = changes.remove.iter().map(|name| header_name(plugin, name));
        Ok(Self {
            plugin,
            add: compile(plugin, &changes.add)?,
            set: compile(plugin, &changes.set)?,
            remove: remove.collect::<Result<_, _>>()?,
        })
    }

    /// Works out every value before any header is changed, so that their order means nothing.
    ///
    /// # Errors
    /// A secret without a value, or with one that no header can have; a variable with one that no header can have.
    pub(super) fn work_out(&self, known: &impl Known) -> Result<Worked<'_>, Reject> {
        Ok(Worked { add: self.each(&self.add, known)?, set: self.each(&self.set, known)?, remove: &self.remove })
    }

    fn each<'a>(
        &self,
        headers: &'a [(HeaderName, Vec<Value>)],
        known: &impl Known,
    ) -> Result<Vec<(&'a HeaderName, Vec<HeaderValue>)>, Reject> {
        let header = |(name, values): &'a (HeaderName, Vec<Value>)| {
            let values = values.iter().map(|value| self.value(name, value, known)).filter_map(Result::transpose);
            Ok((name, values.collect::<Result<Vec<_>, Reject>>()?))
        };
        headers.iter().map(header).collect()
    }

    /// Nothing for an empty text: such a header is not sent.
    fn value(&self, name: &HeaderName, value: &Value, known: &impl Known) -> Result<Option<HeaderValue>, Reject> {
        match value {
            Value::Constant(value) => Ok(Some(value.clone())),
            Value::Filled(filled) => {
                let text = fill(filled, known);
                let value = HeaderValue::from_bytes(text.as_bytes()).map_err(|_| NO_HEADER)?;
                Ok(Some(value).filter(|value| !value.is_empty()))
            }
            Value::Secret(secret) => match &*secret.now() {
                SecretNow::Unresolved { incident } => Err(Reject::Unresolved { incident: incident.clone() }),
                SecretNow::Value(plain) => self.secret(name, plain).map(Some),
            },
        }
    }

    fn secret(&self, name: &HeaderName, plain: &Plain) -> Result<HeaderValue, Reject> {
        #[expect(clippy::disallowed_methods, reason = "goes into the header that the configuration names")]
        let text = plain.expose();
        match HeaderValue::from_bytes(text.as_bytes()) {
            Ok(mut value) if !value.is_empty() => {
                value.set_sensitive(true);
                Ok(value)
            }
            _ => {
                tracing::error!(plugin = self.plugin, header = %name,
                    "{}: the secret for the header {name} is empty, or has characters that no header may have, such as a line end; its requests are refused",
                    self.plugin);
                Err(Reject::NotEnforceable)
            }
        }
    }
}

impl Worked<'_> {
    /// Changes `headers`.
    pub(super) fn apply(self, headers: &mut HeaderMap) {
        for (name, values) in self.add {
            for value in values {
                headers.append(name, value);
            }
        }
        for (name, values) in self.set {
            headers.remove(name);
            for value in values {
                headers.append(name, value);
            }
        }
        for name in self.remove {
            headers.remove(name);
        }
    }
}

fn compile(plugin: &str, headers: &Headers<LiveField>) -> Result<Vec<(HeaderName, Vec<Value>)>, String> {
    let value = |name: &str, text: &HeaderText<LiveField>| match text {
        HeaderText::Secret(secret) => Ok(Value::Secret(secret.clone())),
        HeaderText::Filled(filled) => match filled.constant() {
            Some("") | None => Ok(Value::Filled(filled.clone())),
            Some(text) => HeaderValue::from_bytes(text.as_bytes())
                .map(Value::Constant)
                .map_err(|_| format!("{plugin}: the value of '{name}' has characters that no header may have")),
        },
    };
    let header = |(name, values): &(String, Vec<HeaderText<LiveField>>)| {
        let values = values.iter().map(|text| value(name, text));
        Ok((header_name(plugin, name)?, values.collect::<Result<_, String>>()?))
    };
    headers.iter().map(header).collect()
}

fn header_name(plugin: &str, name: &str) -> Result<HeaderName, String> {
    super::auth::header_name(plugin, name)
}

#[cfg(test)]
mod tests {
    use super::super::fill::tests::Given;
    use super::*;
    use postern::live::LiveSecret;

    fn secret(now: SecretNow) -> HeaderText<LiveField> {
        HeaderText::Secret(LiveSecret::literal(now))
    }

    fn text(text: &str) -> HeaderText<LiveField> {
        HeaderText::Filled(text.parse().unwrap())
    }

    fn set(name: &str, value: HeaderText<LiveField>) -> HeaderOps {
        let set = vec![(name.to_owned(), vec![value])];
        HeaderOps::compile("test", &HeaderChanges { add: Vec::new(), set, remove: Vec::new() }).unwrap()
    }

    #[test]
    fn what_cannot_be_sent_refuses_the_request() {
        let plain = |text: &str| SecretNow::Value(Plain::new(text.to_owned()));
        let unresolved = SecretNow::Unresolved { incident: "0badcafe".to_owned() };
        let known = Given(&[("arg_a", "x\r\nX-Admin: 1")], &[]);
        for (value, expected) in [
            (secret(unresolved), Reject::Unresolved { incident: "0badcafe".to_owned() }),
            (secret(plain("")), Reject::NotEnforceable),
            (secret(plain("a\nb")), Reject::NotEnforceable),
            (text("$arg_a"), NO_HEADER),
        ] {
            assert_eq!(set("X-A", value).work_out(&known).err(), Some(expected));
        }
    }

    #[test]
    fn a_secret_is_not_printed_with_the_headers() {
        let mut headers = HeaderMap::new();
        let value = secret(SecretNow::Value(Plain::new("canary".to_owned())));
        set("X-A", value).work_out(&Given(&[], &[])).unwrap().apply(&mut headers);
        assert_eq!(headers["x-a"], "canary");
        assert!(!format!("{headers:?}").contains("canary"));
    }

    #[test]
    fn headers_are_added_then_set_then_removed() {
        let known = Given(&[("remote_addr", "192.0.2.1"), ("http_x_a", "old")], &[]);
        let several = |name: &str, texts: &[&str]| (name.to_owned(), texts.iter().map(|given| text(given)).collect());
        let changes = HeaderChanges {
            add: vec![several("X-A", &["a1", "a2"]), several("X-B", &["b"]), several("X-Empty", &["$arg_none"])],
            set: vec![several("X-B", &["$http_x_a"]), several("X-C", &["$remote_addr", "2"]), several("X-D", &[""])],
            remove: vec!["X-R".to_owned()],
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "old"), ("x-b", "old"), ("x-d", "old"), ("x-r", "old")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        HeaderOps::compile("test", &changes).unwrap().work_out(&known).unwrap().apply(&mut headers);
        for (name, expected) in [
            ("x-a", &["old", "a1", "a2"][..]),
            ("x-b", &["old"]),
            ("x-c", &["192.0.2.1", "2"]),
            ("x-d", &[]),
            ("x-r", &[]),
            ("x-empty", &[]),
        ] {
            assert_eq!(headers.get_all(name).iter().collect::<Vec<_>>(), expected, "{name}");
        }
    }
}
