//! Services and routes: which requests go where.

use crate::name::{DisplayName, ObjectId};
use crate::plugin::Plugins;
use crate::problem::{FieldProblem, Problems};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A published service: an upstream, and the plugins that every route of it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    pub id: ObjectId,
    pub name: DisplayName,
    pub upstream: Upstream,
    pub plugins: Plugins,
}

/// Where a service's requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Upstream {
    /// The gateway itself answers `/ip`, `/headers` and `/anything`.
    BuiltinEcho,
    /// Servers, chosen in turn by weight. Never empty.
    Nodes { nodes: Vec<Node> },
}

/// One server of an upstream, spoken to in plain HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Node {
    /// Host name or IP address; an IPv6 address without its brackets.
    pub host: String,
    pub port: u16,
    /// Share of the requests; a node of weight 0 gets none.
    pub weight: u32,
}

impl Node {
    /// `host:port`, an IPv6 address in brackets.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// A route: the requests it matches, and the plugins it adds to its service's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub id: ObjectId,
    pub service: ObjectId,
    pub name: DisplayName,
    /// Never empty.
    pub paths: Vec<PathPattern>,
    /// Empty matches every method.
    pub methods: Vec<Method>,
    /// Empty matches every host.
    pub hosts: Vec<HostPattern>,
    pub plugins: Plugins,
}

/// A path that is matched exactly (`/ip`) or as a prefix (`/api/*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum PathPattern {
    Exact(String),
    /// Without the `*`.
    Prefix(String),
}

/// A host that is matched exactly (`example.com`) or by its ending (`*.example.com`). In lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    Exact(String),
    /// With the dot, without the `*`: `.example.com`.
    Ending(String),
}

/// Why a text is not a path, host, method or node: a sentence for its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PatternError(String);

impl FromStr for PathPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let error = |why: String| Err(PatternError(why));
        if !text.starts_with('/') {
            return error(format!("'{text}' is not a path: a path begins with '/'."));
        }
        if text.len() > 4096 || !text.chars().all(|c| c.is_ascii_graphic()) {
            return error(format!("'{text}' is not a path: write other characters percent-encoded, without blanks."));
        }
        if text.contains(['?', '#']) {
            return error(format!("'{text}': leave the query out of the path."));
        }
        match text.strip_suffix('*') {
            Some(prefix) if !prefix.contains('*') => Ok(Self::Prefix(prefix.to_owned())),
            None if !text.contains('*') => Ok(Self::Exact(text.to_owned())),
            _ => error(format!("'{text}': a '*' stands at the end only.")),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => f.write_str(path),
            Self::Prefix(path) => write!(f, "{path}*"),
        }
    }
}

impl FromStr for HostPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let host = text.to_ascii_lowercase();
        let (ending, rest) = match host.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, host.as_str()),
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if rest.is_empty() || rest.len() > 253 || rest.starts_with('.') || !rest.chars().all(allowed) {
            return Err(PatternError(format!(
                "'{text}' is not a host: write example.com or *.example.com, without scheme and port."
            )));
        }
        Ok(if ending { Self::Ending(format!(".{rest}")) } else { Self::Exact(host) })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Ending(ending) => write!(f, "*{ending}"),
        }
    }
}

macro_rules! text_form {
    ($($name:ident),*) => {$(
        impl From<$name> for String {
            fn from(pattern: $name) -> String {
                pattern.to_string()
            }
        }
        impl TryFrom<String> for $name {
            type Error = PatternError;
            fn try_from(text: String) -> Result<Self, PatternError> {
                text.parse()
            }
        }
    )*};
}
text_form!(PathPattern, HostPattern);

/// A request method a route may name (`apisix/schema_def.lua`, `methods`, less CONNECT and TRACE, which
/// a gateway does not forward).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Delete,
    Patch,
    Head,
    Options,
    Purge,
}

impl Method {
    /// Every method, in the order the dialog offers them.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::Post, Self::Put, Self::Delete, Self::Patch, Self::Head, Self::Options, Self::Purge];

    /// As it stands in a request.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Patch => "PATCH",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Purge => "PURGE",
        }
    }

    /// The method of that name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.as_str().eq_ignore_ascii_case(name))
    }
}

/// The service dialog as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceForm {
    pub name: String,
    pub upstream: UpstreamChoice,
    /// One node a line: `host:port` or `host:port weight`.
    pub nodes: String,
}

/// The kinds of upstream the dialog offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpstreamChoice {
    #[default]
    BuiltinEcho,
    Nodes,
}

impl UpstreamChoice {
    /// Both, in the order the dialog offers them.
    pub const ALL: [Self; 2] = [Self::BuiltinEcho, Self::Nodes];

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::BuiltinEcho => "Built-in echo",
            Self::Nodes => "Nodes",
        }
    }

    /// The form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::BuiltinEcho => "builtin_echo",
            Self::Nodes => "nodes",
        }
    }
}

impl ServiceForm {
    /// Checks every field. The id and the plugins come from the page, not from the form.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self, id: ObjectId, plugins: Plugins) -> Result<Service, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        let upstream = match self.upstream {
            UpstreamChoice::BuiltinEcho => Some(Upstream::BuiltinEcho),
            UpstreamChoice::Nodes => {
                problems.check("nodes", parse_nodes(&self.nodes)).map(|nodes| Upstream::Nodes { nodes })
            }
        };
        let service = (|| Some(Service { id, name: name?, upstream: upstream?, plugins }))();
        problems.finish(service)
    }

    /// The form that edits `service`.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        let (upstream, nodes) = match &service.upstream {
            Upstream::BuiltinEcho => (UpstreamChoice::BuiltinEcho, Vec::new()),
            Upstream::Nodes { nodes } => (UpstreamChoice::Nodes, nodes.clone()),
        };
        let lines: Vec<String> = nodes.iter().map(|n| format!("{} {}", n.authority(), n.weight)).collect();
        Self { name: service.name.to_string(), upstream, nodes: lines.join("\n") }
    }
}

fn parse_nodes(text: &str) -> Result<Vec<Node>, PatternError> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let nodes: Vec<Node> = lines.map(parse_node).collect::<Result<_, _>>()?;
    if nodes.is_empty() {
        return Err(PatternError(
            "Enter at least one node: host:port and a weight, for example 127.0.0.1:8080 100.".to_owned(),
        ));
    }
    if nodes.iter().all(|n| n.weight == 0) {
        return Err(PatternError("At least one node needs a weight above 0.".to_owned()));
    }
    Ok(nodes)
}

fn parse_node(line: &str) -> Result<Node, PatternError> {
    let error = |why: &str| Err(PatternError(format!("'{line}': {why}")));
    let mut words = line.split_whitespace();
    let address = words.next().unwrap_or_default();
    let weight = match words.next().map(str::parse::<u32>) {
        None => 100,
        Some(Ok(weight)) if weight <= 1_000_000 => weight,
        Some(_) => return error("a weight is a whole number from 0 to 1000000."),
    };
    if words.next().is_some() || address.contains("://") {
        return error("write host:port and a weight, for example 127.0.0.1:8080 100.");
    }
    let Some((host, port)) = address.rsplit_once(':') else {
        return error("the port is missing: write host:port.");
    };
    let Some(port) = port.parse::<u16>().ok().filter(|p| *p != 0) else {
        return error("the port is a number from 1 to 65535.");
    };
    let bracketed = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let valid = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')),
    };
    if !valid {
        return error("the host is a name or an IP address (IPv6 in brackets).");
    }
    Ok(Node { host: bracketed.unwrap_or(host).to_ascii_lowercase(), port, weight })
}

/// The route dialog as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteForm {
    pub name: String,
    /// One or more paths, separated by blanks, commas or lines.
    pub path: String,
    pub methods: Vec<String>,
    /// Hosts, separated by blanks, commas or lines; empty matches every host.
    pub hosts: String,
}

impl RouteForm {
    /// Checks every field. Ids and plugins come from the page, not from the form.
    ///
    /// # Errors
    /// One problem for each field at fault.
    pub fn parse(&self, id: ObjectId, service: ObjectId, plugins: Plugins) -> Result<Route, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let name = problems.check("name", self.name.trim().parse());
        let paths = problems.check("path", parse_list::<PathPattern>(&self.path));
        if paths.as_ref().is_some_and(Vec::is_empty) {
            problems.add("path", "A path is needed here, for example /ip or /api/*.");
        }
        let hosts = problems.check("hosts", parse_list::<HostPattern>(&self.hosts));
        let methods = problems.check("methods", parse_methods(&self.methods));
        let route =
            (|| Some(Route { id, service, name: name?, paths: paths?, methods: methods?, hosts: hosts?, plugins }))();
        problems.finish(route)
    }

    /// The form that edits `route`.
    #[must_use]
    pub fn of(route: &Route) -> Self {
        Self {
            name: route.name.to_string(),
            path: join(&route.paths),
            methods: route.methods.iter().map(|m| m.as_str().to_owned()).collect(),
            hosts: join(&route.hosts),
        }
    }
}

fn join<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn parse_list<T: FromStr + PartialEq>(text: &str) -> Result<Vec<T>, T::Err> {
    let mut items = Vec::new();
    for word in text.split([',', ' ', '\n', '\t', '\r']).filter(|w| !w.is_empty()) {
        let item = word.parse()?;
        if !items.contains(&item) {
            items.push(item);
        }
    }
    Ok(items)
}

fn parse_methods(names: &[String]) -> Result<Vec<Method>, PatternError> {
    let mut methods = Vec::new();
    for name in names {
        let Some(method) = Method::from_name(name) else {
            return Err(PatternError(format!("'{name}' is not a method a route can match.")));
        };
        if !methods.contains(&method) {
            methods.push(method);
        }
    }
    Ok(methods)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (text, ok) in [
            ("/ip", true),
            ("/", true),
            ("/*", true),
            ("/api/*", true),
            ("ip", false),
            ("/a*b", false),
            ("/a/*/*", false),
            ("/a b", false),
            ("/a?b", false),
            ("", false),
        ] {
            let got = text.parse::<PathPattern>();
            assert_eq!(got.is_ok(), ok, "{text:?}");
            if let Ok(pattern) = got {
                assert_eq!(pattern.to_string(), text);
            }
        }
    }

    #[test]
    fn hosts() {
        for (text, written) in [
            ("Example.com", Some("example.com")),
            ("*.example.com", Some("*.example.com")),
            ("example.com:80", None),
            ("http://x", None),
            ("*", None),
            ("a*b", None),
            ("", None),
        ] {
            let got = text.parse::<HostPattern>().ok().map(|h| h.to_string());
            assert_eq!(got.as_deref(), written, "{text:?}");
        }
    }

    #[test]
    fn nodes() {
        for (text, expected) in [
            ("127.0.0.1:8080", Ok(vec![("127.0.0.1", 8080, 100)])),
            ("httpbin.org:80 100\n[::1]:9000 0", Ok(vec![("httpbin.org", 80, 100), ("::1", 9000, 0)])),
            ("", Err("at least one node")),
            ("a:1 0", Err("weight above 0")),
            ("a", Err("port is missing")),
            ("a:0", Err("1 to 65535")),
            ("a:1 x", Err("whole number")),
            ("http://a:1", Err("write host:port")),
            ("a b:1", Err("whole number")),
            (":1", Err("name or an IP address")),
        ] {
            match (parse_nodes(text), expected) {
                (Ok(nodes), Ok(want)) => {
                    let got: Vec<_> = nodes.iter().map(|n| (n.host.as_str(), n.port, n.weight)).collect();
                    assert_eq!(got, want, "{text:?}");
                }
                (Err(why), Err(part)) => assert!(why.to_string().contains(part), "{text:?}: {why}"),
                (got, want) => panic!("{text:?}: {got:?}, wanted {want:?}"),
            }
        }
    }

    #[test]
    fn a_route_form_names_every_field_at_fault() {
        let form = RouteForm {
            name: String::new(),
            path: "ip".to_owned(),
            methods: vec!["FETCH".to_owned()],
            hosts: "a:1".to_owned(),
        };
        let id: ObjectId = "r1".parse().unwrap();
        let problems = form.parse(id.clone(), id, Plugins::new()).unwrap_err();
        let fields: Vec<_> = problems.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["name", "path", "hosts", "methods"]);
    }
}
