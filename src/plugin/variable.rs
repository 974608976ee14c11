//! Variables of a request that plugins count or compare by; the names are nginx's and APISIX's.

use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Variable {
    /// The address that the request came from.
    RemoteAddr,
    /// Who the request comes from, once an authentication plugin has found out.
    ConsumerName,
    RequestMethod,
    /// The path, without the query.
    Uri,
    /// Path and query as the client sent them.
    RequestUri,
    /// The query, without the `?`.
    Args,
    /// `http` or `https`: how the client speaks to the gateway.
    Scheme,
    /// Without the port, in lower case.
    Host,
    RouteId,
    ServiceId,
    /// A header: `http_x_tenant` is `X-Tenant`. Here with dashes.
    Http(String),
    /// An argument of the query.
    Arg(String),
    Cookie(String),
}

/// Text with variables in it: `$remote_addr $http_x_tenant`, or `${arg_a}b`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    Text(String),
    Variable(Variable),
}

/// Why a text names no variable: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VariableError(String);

impl Template {
    /// Its pieces, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl FromStr for Variable {
    type Err = VariableError;

    fn from_str(name: &str) -> Result<Self, VariableError> {
        let of = |prefix: &str| name.strip_prefix(prefix).filter(|rest| !rest.is_empty());
        Ok(match name {
            "remote_addr" => Self::RemoteAddr,
            "consumer_name" => Self::ConsumerName,
            "request_method" => Self::RequestMethod,
            "uri" => Self::Uri,
            "request_uri" => Self::RequestUri,
            "args" | "query_string" => Self::Args,
            "scheme" => Self::Scheme,
            "host" => Self::Host,
            "route_id" => Self::RouteId,
            "service_id" => Self::ServiceId,
            _ if of("http_").is_some_and(is_word) => {
                Self::Http(name["http_".len()..].to_ascii_lowercase().replace('_', "-"))
            }
            _ if of("arg_").is_some_and(is_word) => Self::Arg(name["arg_".len()..].to_owned()),
            _ if of("cookie_").is_some_and(is_word) => Self::Cookie(name["cookie_".len()..].to_owned()),
            _ => {
                return Err(VariableError(
                    "This is not a variable that the gateway knows. There are remote_addr, consumer_name, \
request_method, uri, request_uri, args, scheme, host, route_id, service_id, http_<header>, arg_<argument> and cookie_<name>."
                        .to_owned(),
                ));
            }
        })
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(is_word_byte)
}

fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoteAddr => f.write_str("remote_addr"),
            Self::ConsumerName => f.write_str("consumer_name"),
            Self::RequestMethod => f.write_str("request_method"),
            Self::Uri => f.write_str("uri"),
            Self::RequestUri => f.write_str("request_uri"),
            Self::Args => f.write_str("args"),
            Self::Scheme => f.write_str("scheme"),
            Self::Host => f.write_str("host"),
            Self::RouteId => f.write_str("route_id"),
            Self::ServiceId => f.write_str("service_id"),
            Self::Http(name) => write!(f, "http_{}", name.replace('-', "_")),
            Self::Arg(name) => write!(f, "arg_{name}"),
            Self::Cookie(name) => write!(f, "cookie_{name}"),
        }
    }
}

impl FromStr for Template {
    type Err = VariableError;

    fn from_str(text: &str) -> Result<Self, VariableError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            let after = &rest[start + 1..];
            let (name, length) = match after.strip_prefix('{') {
                Some(braced) => {
                    let end = braced.find('}').ok_or_else(|| VariableError("A '${' is not closed.".to_owned()))?;
                    (&braced[..end], end + 2)
                }
                None => {
                    let end = after.bytes().position(|b| !is_word_byte(b) || b == b'-').unwrap_or(after.len());
                    (&after[..end], end)
                }
            };
            parts.push(Part::Variable(name.parse()?));
            rest = &after[length..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

text_form!(Variable, Template);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_cut_into_text_and_variables() {
        let variable = |text: &str| Part::Variable(text.parse().unwrap());
        let text = |text: &str| Part::Text(text.to_owned());
        for (template, parts) in [
            ("$remote_addr $http_x_tenant", vec![variable("remote_addr"), text(" "), variable("http_x_tenant")]),
            ("${arg_a}b-$uri", vec![variable("arg_a"), text("b-"), variable("uri")]),
            ("$arg_a-b", vec![variable("arg_a"), text("-b")]),
            ("plain", vec![text("plain")]),
        ] {
            assert_eq!(template.parse::<Template>().unwrap().parts(), parts, "{template}");
        }
    }

    #[test]
    fn what_is_no_variable_is_an_error() {
        for template in ["$", "$nonsense", "${remote_addr", "$http_", "${}"] {
            assert!(template.parse::<Template>().is_err(), "{template}");
        }
    }

    #[test]
    fn names_survive_being_stored() {
        for name in [
            "remote_addr",
            "consumer_name",
            "uri",
            "request_uri",
            "args",
            "scheme",
            "host",
            "http_x_tenant",
            "arg_A",
            "cookie_c",
        ] {
            assert_eq!(name.parse::<Variable>().unwrap().to_string(), name);
        }
    }
}
