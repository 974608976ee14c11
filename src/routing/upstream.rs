//! Upstreams: the servers behind a service, and how the gateway speaks to them.
//!
//! Field names and meanings follow APISIX's upstream (`apisix/schema_def.lua`).

use crate::name::ObjectId;
use serde::{Deserialize, Serialize};

/// Where a service's requests go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Upstream {
    /// The gateway itself answers `/ip`, `/headers` and `/anything`.
    BuiltinEcho,
    /// Servers of the operator's own.
    Nodes(Nodes),
}

/// Servers, and how requests are shared among them. What is absent in a stored one is its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    /// Never empty.
    pub nodes: Vec<Node>,
    #[serde(default)]
    pub balancing: Balancing,
    #[serde(default)]
    pub scheme: Scheme,
    #[serde(default)]
    pub pass_host: PassHost,
    /// How many further servers a request may be sent to; as many as there are when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<u32>,
    /// Seconds from its arrival after which a request is sent to no further server; without a limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_timeout: Option<u32>,
    /// Seconds until a connection must be there; the gateway's own limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_timeout: Option<u32>,
    /// Seconds of silence until an answer must begin; the gateway's own limit when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_timeout: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_check: Option<ActiveCheck>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive_check: Option<PassiveCheck>,
}

/// One server of an upstream.
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

/// Which server is next (`type` in APISIX).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Balancing {
    /// In turn, by weight.
    #[default]
    #[serde(rename = "roundrobin")]
    RoundRobin,
    /// The one with the fewest requests in flight for its weight.
    #[serde(rename = "least_conn")]
    LeastConnections,
}

impl Balancing {
    /// Both, in the order the dialog offers them.
    pub const ALL: [Self; 2] = [Self::RoundRobin, Self::LeastConnections];

    /// As the dialog shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::RoundRobin => "Round Robin",
            Self::LeastConnections => "Least Connections",
        }
    }

    /// As stored, and the form value.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::RoundRobin => "roundrobin",
            Self::LeastConnections => "least_conn",
        }
    }
}

/// What the servers are spoken to in: HTTP/1.1, or HTTP/2 for those of gRPC; and whether the way is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Scheme {
    /// HTTP/1.1.
    #[default]
    Http,
    /// HTTP/1.1 over TLS.
    Https(NodesTls),
    /// HTTP/2 from the first byte (RFC 9113 §3.3): gRPC, or whatever else speaks HTTP/2.
    Grpc,
    /// HTTP/2 over TLS.
    Grpcs(NodesTls),
}

/// How the way to the servers is encrypted. A server must show a certificate for its name; nothing switches that off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodesTls {
    /// In PEM. Replaces the system's certificate authorities for this upstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// The certificate that is shown to servers that ask for one (`tls.client_cert_id` in APISIX).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_id: Option<ObjectId>,
}

impl Scheme {
    /// How the way is encrypted; `None` when it is not.
    #[must_use]
    pub fn tls(&self) -> Option<&NodesTls> {
        match self {
            Self::Http | Self::Grpc => None,
            Self::Https(tls) | Self::Grpcs(tls) => Some(tls),
        }
    }

    /// Whether the servers are spoken to in HTTP/2, not in HTTP/1.1.
    #[must_use]
    pub fn is_http2(&self) -> bool {
        match self {
            Self::Http | Self::Https(_) => false,
            Self::Grpc | Self::Grpcs(_) => true,
        }
    }

    /// As the dialog shows it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Https(_) => "HTTPS",
            Self::Grpc => "gRPC (HTTP/2)",
            Self::Grpcs(_) => "gRPCs (HTTP/2 over TLS)",
        }
    }

    /// As stored, and the form value.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https(_) => "https",
            Self::Grpc => "grpc",
            Self::Grpcs(_) => "grpcs",
        }
    }
}

impl Upstream {
    /// The certificate that its servers are shown, if there is one.
    #[must_use]
    pub fn client_certificate(&self) -> Option<&ObjectId> {
        match self {
            Self::BuiltinEcho => None,
            Self::Nodes(nodes) => nodes.scheme.tls()?.client_cert_id.as_ref(),
        }
    }
}

/// Which `Host` the servers get. With TLS it is also the name their certificate must have, except with
/// `pass`: then it is the node's host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum PassHost {
    /// The client's.
    #[default]
    Pass,
    /// The node's own.
    Node,
    /// Always this one, `host` or `host:port`.
    Rewrite { upstream_host: String },
}

/// Asks every server at an interval how it fares, whether there are requests or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveCheck {
    /// Asked with GET; 200 to 399 is a success.
    pub path: String,
    /// Seconds between two checks; also how long one may take.
    pub interval: u32,
    /// Successes in a row after which a server is used again.
    pub healthy_after: u32,
    /// Failures in a row after which a server is left alone.
    pub unhealthy_after: u32,
}

/// Learns from the requests themselves: no connection, no answer, 502, 503 and 504 are failures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PassiveCheck {
    /// Failures in a row after which a server is left alone.
    pub unhealthy_after: u32,
    /// Seconds after which it is tried again. With an active check that one decides.
    pub rest: u32,
}

/// The upstream part of the service dialog as typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodesForm {
    /// One node a line: `host:port` or `host:port weight`.
    pub nodes: String,
    /// `roundrobin` or `least_conn`.
    pub balancing: String,
    /// `http`, `https`, `grpc` or `grpcs`.
    pub scheme: String,
    pub ca_certificate: String,
    /// The id of a certificate; empty for none.
    pub client_cert_id: String,
    /// `pass`, `node` or `rewrite`.
    pub pass_host: String,
    pub upstream_host: String,
    pub retries: String,
    /// Empty for no limit.
    pub retry_timeout: String,
    pub connect_timeout: String,
    pub read_timeout: String,
    /// Empty for no active check.
    pub check_path: String,
    pub check_interval: String,
    pub check_healthy_after: String,
    pub check_unhealthy_after: String,
    /// Empty for no passive check.
    pub passive_unhealthy_after: String,
    pub passive_rest: String,
}
