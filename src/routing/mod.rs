//! Services and routes: which requests go where.

use crate::name::{DisplayName, ObjectId};
use crate::plugin::{MaskedField, Plugins};
use crate::problem::{FieldProblem, Problems};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

mod upstream;
mod upstream_form;

pub use upstream::{
    ActiveCheck, Balancing, Node, Nodes, NodesForm, NodesTls, PassHost, PassiveCheck, Scheme, Upstream,
};
pub use upstream_form::{PASS_HOST_CHOICES, scheme_choices};

/// A published service: an upstream, and the plugins that every route of it has. `F` is how their secrets are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service<F = MaskedField> {
    pub id: ObjectId,
    pub name: DisplayName,
    pub upstream: Upstream,
    pub plugins: Plugins<F>,
}

/// A route: the requests it matches, and the plugins it adds to its service's. `F` is how their secrets are held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route<F = MaskedField> {
    pub id: ObjectId,
    pub service: ObjectId,
    pub name: DisplayName,
    /// Never empty.
    pub paths: Vec<PathPattern>,
    /// Empty matches every method.
    pub methods: Vec<Method>,
    /// Empty matches every host.
    pub hosts: Vec<HostPattern>,
    pub plugins: Plugins<F>,
}

impl<F> Service<F> {
    /// The same service with these plugins.
    #[must_use]
    pub fn with_plugins<G>(&self, plugins: Plugins<G>) -> Service<G> {
        Service { id: self.id.clone(), name: self.name.clone(), upstream: self.upstream.clone(), plugins }
    }
}

impl<F> Route<F> {
    /// The same route with these plugins.
    #[must_use]
    pub fn with_plugins<G>(&self, plugins: Plugins<G>) -> Route<G> {
        Route {
            id: self.id.clone(),
            service: self.service.clone(),
            name: self.name.clone(),
            paths: self.paths.clone(),
            methods: self.methods.clone(),
            hosts: self.hosts.clone(),
            plugins,
        }
    }
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
    #[serde(flatten)]
    pub nodes: NodesForm,
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
            UpstreamChoice::Nodes => self.nodes.parse(&mut problems).map(Upstream::Nodes),
        };
        let service = (|| Some(Service { id, name: name?, upstream: upstream?, plugins }))();
        problems.finish(service)
    }

    /// The form that edits `service`.
    #[must_use]
    pub fn of(service: &Service) -> Self {
        let (upstream, nodes) = match &service.upstream {
            Upstream::BuiltinEcho => (UpstreamChoice::BuiltinEcho, NodesForm::default()),
            Upstream::Nodes(nodes) => (UpstreamChoice::Nodes, NodesForm::of(nodes)),
        };
        Self { name: service.name.to_string(), upstream, nodes }
    }
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

pub(crate) fn parse_list<T: FromStr + PartialEq>(text: &str) -> Result<Vec<T>, T::Err> {
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
