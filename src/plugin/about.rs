//! What is told of a plugin: its names, its place in the order, its fields.

use super::schema::Field;
use crate::problem::FieldProblem;
use crate::provider::address::forbidden;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// All that is told of a plugin; each has one, in its own file.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// The machine name: `key-auth`.
    pub slug: &'static str,
    /// As the dashboard shows it.
    pub label: &'static str,
    /// One sentence for the catalogue.
    pub summary: &'static str,
    /// What happens when it is removed.
    pub consequence_of_removal: &'static str,
    /// Of the plugins of one phase, those with a higher one run first. As in APISIX 3.18 (`conf/config.yaml.example`).
    pub priority: i32,
    pub phase: Phase,
    /// Whether it lets nobody pass who does not prove who they are.
    pub authenticates: bool,
    /// On a service or route, or for all requests.
    pub fields: &'static [Field],
    /// What the fields of a configuration have to say of each other.
    pub check: Check,
    /// The servers that a configuration names.
    pub servers: Servers,
    /// What the JSON editor opens with.
    pub example: &'static str,
    pub on_consumer: OnConsumer,
    /// What is told of it once for the whole gateway group: its metadata.
    pub metadata: &'static [Field],
}

/// What is wrong with a configuration that no single field tells. A secret's place holds its own path.
/// It is asked also when single fields are wrong, and says nothing then.
pub type Check = fn(&Map<String, Value>) -> Vec<FieldProblem>;

/// The servers that a configuration names, wherever it stands; none when it cannot be read.
pub type Servers = fn(&Map<String, Value>) -> Vec<ServerAt>;

/// A server that the gateway is to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAt {
    /// The path of the field that names it: `/redis_cluster_nodes/1`.
    pub field: String,
    /// A name, or an address without brackets.
    pub host: String,
    pub port: u16,
}

impl ServerAt {
    /// The server that a field names.
    pub fn new(field: impl Into<String>, host: &str, port: u16) -> Self {
        Self { field: field.into(), host: host.to_owned(), port }
    }

    /// That it is where Postern never connects to. What a name leads to is seen when it is connected to.
    #[must_use]
    pub fn problem(&self) -> Option<FieldProblem> {
        // Written with a dot at its end a name is the same name.
        let what = self.host.trim_end_matches('.').parse().ok().and_then(forbidden)?;
        let problem = format!("Postern does not connect to {}: it is {}.", self.host, what.describe());
        Some(FieldProblem::new(&*self.field, problem))
    }
}

/// When in a request's life a plugin decides whether it passes. Any plugin may change the answer afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Who it comes from, and what it is made into.
    Rewrite,
    /// Whether it may pass.
    Access,
}

/// What a plugin is on a consumer.
#[derive(Clone, Copy, Debug)]
pub enum OnConsumer {
    /// The same as on a route.
    AsOnRoute,
    /// Something else, with fields of its own.
    With {
        fields: &'static [Field],
        check: Check,
        example: &'static str,
        /// The field by which requests that name it find the consumer, if there is one.
        known_by: Option<KnownBy>,
    },
    /// Nothing. The text says what to do in place of it.
    Refused(&'static str),
}

/// How requests find a consumer by a plugin of its own.
#[derive(Clone, Copy, Debug)]
pub struct KnownBy {
    /// The field with the name that they give.
    pub field: &'static str,
    /// The one spelling of a name, or the rule that it breaks, as a sentence with nothing of the name in it.
    pub read: fn(&str) -> Result<String, String>,
}

/// What kind of object a plugin's configuration belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// A service or route, or all requests.
    #[default]
    Route,
    /// A consumer.
    Consumer,
    /// The gateway group: not a plugin that runs, but what all of that name have in common.
    Metadata,
}

impl About {
    /// A plugin without fields, for `..About::BASE`.
    pub const BASE: Self = Self {
        slug: "",
        label: "",
        summary: "",
        consequence_of_removal: "",
        priority: 0,
        phase: Phase::Access,
        authenticates: false,
        fields: &[],
        check: nothing_more,
        servers: no_server,
        example: "{}",
        on_consumer: OnConsumer::AsOnRoute,
        metadata: &[],
    };

    /// Its fields there; none where it cannot be.
    #[must_use]
    pub const fn fields(&self, placement: Placement) -> &'static [Field] {
        match (placement, &self.on_consumer) {
            (Placement::Route, _) | (Placement::Consumer, OnConsumer::AsOnRoute) => self.fields,
            (Placement::Consumer, OnConsumer::With { fields, .. }) => fields,
            (Placement::Consumer, OnConsumer::Refused(_)) => &[],
            (Placement::Metadata, _) => self.metadata,
        }
    }

    pub(super) fn servers_of(&self, placement: Placement, full: &Map<String, Value>) -> Vec<ServerAt> {
        match placement {
            Placement::Route | Placement::Consumer => (self.servers)(full),
            // It does not run.
            Placement::Metadata => Vec::new(),
        }
    }

    pub(super) fn check(&self, placement: Placement) -> Check {
        match (placement, &self.on_consumer) {
            (Placement::Consumer, OnConsumer::With { check, .. }) => *check,
            (Placement::Route, _) | (Placement::Consumer, OnConsumer::AsOnRoute | OnConsumer::Refused(_)) => self.check,
            (Placement::Metadata, _) => nothing_more,
        }
    }
}

/// The [`Check`] of a plugin whose fields have nothing to do with each other.
#[must_use]
pub fn nothing_more(_: &Map<String, Value>) -> Vec<FieldProblem> {
    Vec::new()
}

/// The [`Servers`] of a plugin that asks none.
#[must_use]
pub fn no_server(_: &Map<String, Value>) -> Vec<ServerAt> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{PluginConfig, PluginName};
    use serde_json::json;

    /// The servers of a configuration, or the problem of the first that nobody may connect to.
    fn check(plugin: PluginName, placement: Placement, config: &Value, expected: Result<&[(&str, &str, u16)], &str>) {
        let parsed = PluginConfig::parse_for(placement, plugin, &config.to_string());
        match (parsed, expected) {
            (Ok(parsed), Ok(servers)) => {
                let servers: Vec<ServerAt> =
                    servers.iter().map(|(field, host, port)| ServerAt::new(*field, host, *port)).collect();
                assert_eq!(parsed.servers(), servers, "{config}");
            }
            (Err(problems), Err(field)) => {
                assert!(problems.len() == 1 && problems[0].field == field, "{config}: {problems:?}");
                assert!(problems[0].problem.contains("does not connect to"), "{config}: {problems:?}");
            }
            (parsed, expected) => panic!("{config}: {parsed:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn every_server_that_a_plugin_names_is_listed_and_judged() {
        use Placement::{Consumer, Route};
        use PluginName::{AuthzCasdoor, LdapAuth, LimitCount, WolfRbac};
        let limit = |rest: Value| {
            let mut config = json!({"count": 1, "time_window": 1});
            config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            config
        };
        let redis = |host: &str| limit(json!({"policy": "redis", "redis_host": host}));
        let cluster = |nodes: Value| {
            limit(json!({"policy": "redis-cluster", "redis_cluster_name": "c", "redis_cluster_nodes": nodes}))
        };
        let sentinels = |host: &str| {
            let sentinels = json!([{"host": "one", "port": 1}, {"host": host, "port": 2}]);
            limit(json!({"policy": "redis-sentinel", "redis_master_name": "m", "redis_sentinels": sentinels}))
        };
        let casdoor = |endpoint: &str| json!({"endpoint_addr": endpoint, "callback_url": "http://h/callback", "client_id": "i", "client_secret": "s"});
        let ldap = |uri: &str| json!({"base_dn": "dc=org", "ldap_uri": uri});
        let wolf = |server: &str| json!({"appid": "a", "server": server});
        for (plugin, placement, config, expected) in [
            (LimitCount, Route, limit(json!({})), Ok(&[][..])),
            (LimitCount, Route, redis("redis"), Ok(&[("/redis_host", "redis", 6379)])),
            (LimitCount, Consumer, redis("::1"), Ok(&[("/redis_host", "::1", 6379)])),
            (LimitCount, Consumer, redis("169.254.169.254"), Err("/redis_host")),
            (LimitCount, Route, redis("169.254.169.254."), Err("/redis_host")),
            (LimitCount, Route, redis("fe80::1"), Err("/redis_host")),
            (
                LimitCount,
                Route,
                cluster(json!(["one:1", "[::1]:2"])),
                Ok(&[("/redis_cluster_nodes/0", "one", 1), ("/redis_cluster_nodes/1", "::1", 2)]),
            ),
            (LimitCount, Route, cluster(json!(["one:1", "[fd00:ec2::254]:80"])), Err("/redis_cluster_nodes/1")),
            (
                LimitCount,
                Route,
                sentinels("two"),
                Ok(&[("/redis_sentinels/0/host", "one", 1), ("/redis_sentinels/1/host", "two", 2)]),
            ),
            (LimitCount, Route, sentinels("100.100.100.200"), Err("/redis_sentinels/1/host")),
            (AuthzCasdoor, Route, casdoor("https://door"), Ok(&[("/endpoint_addr", "door", 443)])),
            (AuthzCasdoor, Route, casdoor("http://169.254.169.254"), Err("/endpoint_addr")),
            (LdapAuth, Route, ldap("ldap"), Ok(&[("/ldap_uri", "ldap", 389)])),
            (LdapAuth, Route, ldap("[fe80::1]:389"), Err("/ldap_uri")),
            (LdapAuth, Consumer, json!({"user_dn": "cn=a"}), Ok(&[])),
            (WolfRbac, Consumer, wolf("http://wolf:12180"), Ok(&[("/server", "wolf", 12180)])),
            (WolfRbac, Consumer, json!({"appid": "a"}), Ok(&[("/server", "127.0.0.1", 12180)])),
            (WolfRbac, Consumer, wolf("http://[fe80::1]:80"), Err("/server")),
            (WolfRbac, Route, json!({}), Ok(&[])),
        ] {
            check(plugin, placement, &config, expected);
        }
    }

    /// Whoever adds a plugin with a field that names a server lists it.
    #[test]
    fn a_plugin_whose_field_tells_to_whom_secrets_are_shown_lists_servers() {
        for plugin in PluginName::ALL {
            for placement in [Placement::Route, Placement::Consumer] {
                let names_one = plugin.about().fields(placement).iter().any(|field| field.is_server);
                let lists_some = !std::ptr::fn_addr_eq(plugin.about().servers, no_server as Servers);
                assert!(!names_one || lists_some, "{}", plugin.slug());
            }
        }
    }
}
