//! The upstream part of the service dialog: from what was typed to [`Nodes`], and back.

use super::PatternError;
use super::upstream::{ActiveCheck, Balancing, Node, Nodes, NodesForm, NodesTls, PassHost, PassiveCheck, Scheme};
use crate::pem;
use crate::problem::Problems;
use std::ops::RangeInclusive;

/// An hour: longer waits are a mistake of unit.
const SECONDS: RangeInclusive<u32> = 1..=3600;
const TIMES: RangeInclusive<u32> = 1..=254; // apisix/schema_def.lua, `health_checker`

/// The choices of Pass Host: form value and label.
pub const PASS_HOST_CHOICES: [(&str, &str); 3] =
    [("pass", "The client's Host"), ("node", "The node's host"), ("rewrite", "Another host")];
/// The choices of Scheme: form value and label.
#[must_use]
pub fn scheme_choices() -> [(&'static str, &'static str); 4] {
    let tls = NodesTls::default;
    [Scheme::Http, Scheme::Https(tls()), Scheme::Grpc, Scheme::Grpcs(tls())]
        .map(|scheme| (scheme.slug(), scheme.label()))
}

impl Default for NodesForm {
    fn default() -> Self {
        Self::of(&Nodes::default())
    }
}

impl NodesForm {
    /// Checks every field, and records what is wrong.
    pub(super) fn parse(&self, problems: &mut Problems) -> Option<Nodes> {
        let nodes = problems.check("nodes", parse_nodes(&self.nodes));
        let balancing = Balancing::ALL.into_iter().find(|balancing| balancing.slug() == self.balancing);
        let balancing = problems.check("balancing", balancing.ok_or("Choose how requests are shared."));
        let scheme = self.scheme(problems);
        let pass_host = self.pass_host(problems);
        let retries = problems.check("retries", optional(&self.retries, 0..=100));
        let retry_timeout = problems.check("retry_timeout", optional(&self.retry_timeout, SECONDS));
        let connect_timeout = problems.check("connect_timeout", optional(&self.connect_timeout, SECONDS));
        let read_timeout = problems.check("read_timeout", optional(&self.read_timeout, SECONDS));
        let active_check = self.active_check(problems);
        let passive_check = self.passive_check(problems);
        Some(Nodes {
            nodes: nodes?,
            balancing: balancing?,
            scheme: scheme?,
            pass_host: pass_host?,
            retries: retries?,
            retry_timeout: retry_timeout?,
            connect_timeout: connect_timeout?,
            read_timeout: read_timeout?,
            active_check: active_check?,
            passive_check: passive_check?,
        })
    }

    fn scheme(&self, problems: &mut Problems) -> Option<Scheme> {
        match self.scheme.as_str() {
            "http" => Some(Scheme::Http),
            "https" => self.tls(problems).map(Scheme::Https),
            "grpc" => Some(Scheme::Grpc),
            "grpcs" => self.tls(problems).map(Scheme::Grpcs),
            _ => problems.check("scheme", Err("Choose HTTP, HTTPS, gRPC or gRPCs.")),
        }
    }

    fn tls(&self, problems: &mut Problems) -> Option<NodesTls> {
        let ca_certificate = problems.check("ca_certificate", pem::certificates(&self.ca_certificate));
        let id = Some(self.client_cert_id.trim()).filter(|id| !id.is_empty());
        let client_cert_id = problems.check(
            "client_cert_id",
            id.map(str::parse).transpose().map_err(|_| "Choose one of the certificates, or none."),
        );
        Some(NodesTls { ca_certificate: ca_certificate?, client_cert_id: client_cert_id? })
    }

    fn pass_host(&self, problems: &mut Problems) -> Option<PassHost> {
        match self.pass_host.as_str() {
            "pass" => Some(PassHost::Pass),
            "node" => Some(PassHost::Node),
            "rewrite" => {
                let upstream_host = problems.check("upstream_host", parse_host(self.upstream_host.trim()))?;
                Some(PassHost::Rewrite { upstream_host })
            }
            _ => problems.check("pass_host", Err("Choose which host the nodes get.")),
        }
    }

    fn active_check(&self, problems: &mut Problems) -> Option<Option<ActiveCheck>> {
        let path = self.check_path.trim();
        if path.is_empty() {
            return Some(None);
        }
        let path = problems.check("check_path", parse_check_path(path));
        let interval = problems.check("check_interval", number(&self.check_interval, SECONDS));
        let healthy_after = problems.check("check_healthy_after", number(&self.check_healthy_after, TIMES));
        let unhealthy_after = problems.check("check_unhealthy_after", number(&self.check_unhealthy_after, TIMES));
        Some(Some(ActiveCheck {
            path: path?,
            interval: interval?,
            healthy_after: healthy_after?,
            unhealthy_after: unhealthy_after?,
        }))
    }

    fn passive_check(&self, problems: &mut Problems) -> Option<Option<PassiveCheck>> {
        if self.passive_unhealthy_after.trim().is_empty() {
            return Some(None);
        }
        let unhealthy_after = problems.check("passive_unhealthy_after", number(&self.passive_unhealthy_after, TIMES));
        let rest = problems.check("passive_rest", number(&self.passive_rest, SECONDS));
        Some(Some(PassiveCheck { unhealthy_after: unhealthy_after?, rest: rest? }))
    }

    /// The form that edits `nodes`.
    #[must_use]
    pub fn of(nodes: &Nodes) -> Self {
        let text = |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let lines: Vec<String> = nodes.nodes.iter().map(|n| format!("{} {}", n.authority(), n.weight)).collect();
        let tls = nodes.scheme.tls().cloned().unwrap_or_default();
        let (pass_host, upstream_host) = match &nodes.pass_host {
            PassHost::Pass => ("pass", ""),
            PassHost::Node => ("node", ""),
            PassHost::Rewrite { upstream_host } => ("rewrite", upstream_host.as_str()),
        };
        let active = nodes.active_check.as_ref();
        let passive = nodes.passive_check.as_ref();
        Self {
            nodes: lines.join("\n"),
            balancing: nodes.balancing.slug().to_owned(),
            scheme: nodes.scheme.slug().to_owned(),
            ca_certificate: tls.ca_certificate.unwrap_or_default(),
            client_cert_id: tls.client_cert_id.map(|id| id.to_string()).unwrap_or_default(),
            pass_host: pass_host.to_owned(),
            upstream_host: upstream_host.to_owned(),
            retries: text(nodes.retries),
            retry_timeout: text(nodes.retry_timeout),
            connect_timeout: text(nodes.connect_timeout),
            read_timeout: text(nodes.read_timeout),
            check_path: active.map(|check| check.path.clone()).unwrap_or_default(),
            check_interval: active.map_or(5, |check| check.interval).to_string(),
            check_healthy_after: active.map_or(2, |check| check.healthy_after).to_string(),
            check_unhealthy_after: active.map_or(3, |check| check.unhealthy_after).to_string(),
            passive_unhealthy_after: text(passive.map(|check| check.unhealthy_after)),
            passive_rest: passive.map_or(10, |check| check.rest).to_string(),
        }
    }
}

fn optional(text: &str, range: RangeInclusive<u32>) -> Result<Option<u32>, String> {
    if text.trim().is_empty() { Ok(None) } else { number(text, range).map(Some) }
}

fn number(text: &str, range: RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("Enter a whole number from {} to {}.", range.start(), range.end()))
}

fn parse_check_path(path: &str) -> Result<String, PatternError> {
    let good = path.starts_with('/') && path.len() <= 4096 && path.chars().all(|c| c.is_ascii_graphic() && c != '#');
    if good {
        Ok(path.to_owned())
    } else {
        Err(PatternError("Enter a path such as /health, without blanks.".to_owned()))
    }
}

/// `host` or `host:port`.
fn parse_host(text: &str) -> Result<String, PatternError> {
    let address = if text.contains(':') { text.to_owned() } else { format!("{text}:80") };
    match parse_node(&address) {
        Ok(_) if !text.contains(char::is_whitespace) => Ok(text.to_ascii_lowercase()),
        _ => Err(PatternError("Enter the host that the nodes are to get, for example api.example.com.".to_owned())),
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

#[cfg(test)]
mod tests {
    use super::*;

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

    fn check(change: impl Fn(&mut NodesForm), expected: Result<Nodes, &[&str]>) {
        let mut form = NodesForm { nodes: "a:80 1".to_owned(), ..NodesForm::default() };
        change(&mut form);
        let mut problems = Problems::default();
        let nodes = form.parse(&mut problems);
        match (problems.finish(nodes), expected) {
            (Ok(nodes), Ok(expected)) => {
                assert_eq!(nodes, expected);
                let mut again = Problems::default();
                assert_eq!(NodesForm::of(&nodes).parse(&mut again), Some(nodes));
            }
            (Err(problems), Err(fields)) => {
                assert_eq!(problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), fields, "{form:?}");
            }
            (got, _) => panic!("{form:?}: {got:?}"),
        }
    }

    fn one_node() -> Nodes {
        Nodes { nodes: vec![Node { host: "a".to_owned(), port: 80, weight: 1 }], ..Nodes::default() }
    }

    #[test]
    fn what_was_typed_becomes_an_upstream_and_is_shown_again() {
        check(|_| (), Ok(one_node()));
        check(|form| form.balancing = "least_conn".to_owned(), {
            Ok(Nodes { balancing: Balancing::LeastConnections, ..one_node() })
        });
        check(|form| form.scheme = "https".to_owned(), {
            Ok(Nodes { scheme: Scheme::Https(NodesTls::default()), ..one_node() })
        });
        check(|form| form.scheme = "grpc".to_owned(), Ok(Nodes { scheme: Scheme::Grpc, ..one_node() }));
        let shown = |form: &mut NodesForm| {
            form.scheme = "grpcs".to_owned();
            form.client_cert_id = " c1 ".to_owned();
        };
        let tls = NodesTls { ca_certificate: None, client_cert_id: Some("c1".parse().unwrap()) };
        check(shown, Ok(Nodes { scheme: Scheme::Grpcs(tls), ..one_node() }));
        // Without TLS there is nobody to show it to.
        check(|form| form.client_cert_id = "c1".to_owned(), Ok(one_node()));
        let rewrite = |form: &mut NodesForm| {
            form.pass_host = "rewrite".to_owned();
            form.upstream_host = "API.example.com:8443".to_owned();
        };
        let upstream_host = "api.example.com:8443".to_owned();
        check(rewrite, Ok(Nodes { pass_host: PassHost::Rewrite { upstream_host }, ..one_node() }));
        check(
            |form| {
                form.check_path = "/health".to_owned();
                form.passive_unhealthy_after = "3".to_owned();
                form.retries = "0".to_owned();
                form.retry_timeout = "10".to_owned();
                form.connect_timeout = "2".to_owned();
                form.read_timeout = "30".to_owned();
            },
            Ok(Nodes {
                active_check: Some(ActiveCheck {
                    path: "/health".to_owned(),
                    interval: 5,
                    healthy_after: 2,
                    unhealthy_after: 3,
                }),
                passive_check: Some(PassiveCheck { unhealthy_after: 3, rest: 10 }),
                retries: Some(0),
                retry_timeout: Some(10),
                connect_timeout: Some(2),
                read_timeout: Some(30),
                ..one_node()
            }),
        );
    }

    #[test]
    fn every_field_at_fault_is_named() {
        check(|form| form.balancing = "chash".to_owned(), Err(&["balancing"]));
        check(|form| form.scheme = "tcp".to_owned(), Err(&["scheme"]));
        check(|form| form.pass_host = "rewrite".to_owned(), Err(&["upstream_host"]));
        check(
            |form| {
                form.scheme = "https".to_owned();
                form.ca_certificate = "nonsense".to_owned();
                form.client_cert_id = "no id".to_owned();
                form.retries = "-1".to_owned();
                form.retry_timeout = "0".to_owned();
                form.connect_timeout = "0".to_owned();
                form.read_timeout = "4000".to_owned();
                form.check_path = "health".to_owned();
                form.check_interval = "0".to_owned();
                form.passive_unhealthy_after = "many".to_owned();
            },
            Err(&[
                "ca_certificate",
                "client_cert_id",
                "retries",
                "retry_timeout",
                "connect_timeout",
                "read_timeout",
                "check_path",
                "check_interval",
                "passive_unhealthy_after",
            ]),
        );
    }

    #[test]
    fn an_upstream_stored_by_an_earlier_version_is_read() {
        let https =
            |ca: Option<&str>| Scheme::Https(NodesTls { ca_certificate: ca.map(str::to_owned), client_cert_id: None });
        for (scheme, expected) in [
            ("", Scheme::Http),
            (r#","scheme":{"name":"http"}"#, Scheme::Http),
            (r#","scheme":{"name":"https"}"#, https(None)),
            (r#","scheme":{"name":"https","ca_certificate":"x"}"#, https(Some("x"))),
        ] {
            let stored = format!(r#"{{"type":"nodes","nodes":[{{"host":"a","port":80,"weight":1}}]{scheme}}}"#);
            let upstream: super::super::Upstream = serde_json::from_str(&stored).unwrap();
            assert_eq!(upstream, super::super::Upstream::Nodes(Nodes { scheme: expected, ..one_node() }));
        }
    }
}
