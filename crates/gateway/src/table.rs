//! The configuration as requests need it: compiled once for each snapshot, then only read. What a snapshot shares
//! with the one before it is not compiled again.
//!
//! A request's route: the exact host, else the longest matching host ending, else no host; within that the
//! exact path, else the longest prefix; within that a route that names the method, else one for every
//! method; then the lower route id. A step that leads to no route falls back to the next.

use crate::certificates::Certificates;
use crate::consumers::{ConsumerPlugins, Global};
use crate::counts::RouteCounts;
use crate::exposition::RouteFacts;
use crate::host::endings;
use crate::identity::Identity;
use crate::metadata::Metadata;
use crate::path::{AMBIGUOUS, RequestPath};
use crate::plugin::Chain;
use crate::reject::Reject;
use crate::sealed_cookie::Sessions;
use crate::upstream::Servers;
use crate::{GatewayConfig, UpstreamState};
use http::Method;
use percent_encoding::percent_decode_str;
use postern::credential::CredentialType;
use postern::fingerprint::{Fingerprint, FingerprintKey};
use postern::name::{ConsumerName, DisplayName, ObjectId};
use postern::plugin::PluginName;
use postern::routing::{self, HostPattern, PathPattern};
use postern::shards::Shards;
use postern::snapshot::{ClientCertificate, KeyCredential, LiveField, Proof, Snapshot, SnapshotConsumer};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// One snapshot, compiled.
pub(crate) struct Table {
    pub(crate) revision: u64,
    routing: Arc<Routing>,
    keys: Shards<KeyCredential>,
    fingerprint_key: FingerprintKey,
    sessions: Option<Sessions>,
    consumer_plugins: Arc<ConsumerPlugins>,
    global: Arc<Global>,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) certificates: Arc<Certificates>,
}

/// Services, routes, and the consumers that plugins name.
struct Routing {
    /// What it was compiled from.
    services: Arc<BTreeMap<ObjectId, routing::Service<LiveField>>>,
    routes: Arc<[routing::Route<LiveField>]>,
    named: Arc<BTreeMap<ConsumerName, SnapshotConsumer>>,
    /// Those that services show to their servers.
    client_certificates: BTreeMap<ObjectId, Option<ClientCertificate>>,

    exact_hosts: HashMap<String, Paths>,
    /// By ending, with the dot.
    host_endings: HashMap<String, Paths>,
    any_host: Paths,
    consumers: HashMap<ConsumerName, Identity>,
    /// For the next one, which takes over what has not changed.
    upstreams: BTreeMap<ObjectId, Result<Upstream, String>>,
    /// Every route by id, for the metrics.
    by_id: BTreeMap<ObjectId, Arc<Route>>,
}

/// A route, with all that a request of it needs.
pub(crate) struct Route {
    pub(crate) id: ObjectId,
    pub(crate) name: DisplayName,
    pub(crate) service: ObjectId,
    pub(crate) counts: Arc<RouteCounts>,
    methods: Vec<routing::Method>,
    /// What the gateway does; nothing when the configuration cannot be enforced.
    pub(crate) plan: Option<Plan>,
}

/// What happens to a request of one route.
pub(crate) struct Plan {
    /// The service's plugins overlaid by the route's.
    pub(crate) plugins: Chain,
    pub(crate) upstream: Upstream,
}

/// Where a request goes.
#[derive(Clone)]
pub(crate) enum Upstream {
    Echo,
    Nodes(Arc<Servers>),
    /// The certificate that its servers are to be shown cannot be shown now.
    Withheld {
        incident: Arc<str>,
    },
}

/// The routes of one host.
#[derive(Default)]
struct Paths {
    exact: HashMap<String, Vec<Arc<Route>>>,
    prefixes: HashMap<String, Vec<Arc<Route>>>,
    /// The lengths that occur in `prefixes`, longest first.
    prefix_lengths: Vec<usize>,
}

impl Table {
    /// Compiles `snapshot`. What cannot be enforced lets nothing pass, and is logged.
    /// Upstreams that are the same as in `before` go on where they are.
    pub(crate) fn compile(snapshot: &Snapshot, before: Option<&Self>) -> Self {
        let routing = match before.map(|table| &table.routing) {
            Some(same) if same.is_of(snapshot) => Arc::clone(same),
            old => Arc::new(Routing::compile(snapshot, old.map(Arc::as_ref))),
        };
        Self {
            revision: snapshot.revision,
            routing,
            keys: snapshot.keys.clone(),
            fingerprint_key: snapshot.fingerprint_key.clone(),
            sessions: snapshot.session_key.as_ref().and_then(Sessions::new),
            consumer_plugins: ConsumerPlugins::compile(
                &snapshot.consumer_plugins,
                before.map(|table| &table.consumer_plugins),
            ),
            global: Global::compile(&snapshot.global_plugins, before.map(|table| &table.global)),
            metadata: Metadata::compile(&snapshot.plugin_metadata, before.map(|table| &table.metadata)),
            certificates: Certificates::compile(&snapshot.certificates, before.map(|table| &table.certificates)),
        }
    }

    /// The route of a request, which must be the same however the path is read.
    ///
    /// # Errors
    /// No route, or a path that belongs to several.
    pub(crate) fn route(&self, host: &str, method: &Method, path: &RequestPath<'_>) -> Result<&Arc<Route>, Reject> {
        let found = self.routing.find(host, method, &path.literal);
        for reading in &path.other_readings {
            let other = self.routing.find(host, method, reading);
            if found.map(Arc::as_ptr) != other.map(Arc::as_ptr) {
                return Err(AMBIGUOUS);
            }
        }
        match found {
            Some(route) => Ok(route),
            None => Err(Reject::NoRoute),
        }
    }

    /// The identity that `key` proves. The empty key proves none.
    pub(crate) fn identity_of_key(&self, key: &[u8]) -> Option<Identity> {
        if key.is_empty() {
            return None;
        }
        let found = self.keys.get(&self.fingerprint_key.of_key(key))?;
        found.proof.is_none().then(|| Identity::of(found))
    }

    /// The identity that requests of this type claim by `name`, and what proves it.
    pub(crate) fn named(&self, kind: CredentialType, name: &[u8]) -> Option<(Identity, &Proof)> {
        let found = self.keys.get(&self.fingerprint_key.of_name(kind.slug(), name))?;
        Some((Identity::of(found), found.proof.as_deref()?))
    }

    /// The identity of the consumer whose plugin of that machine name has `name` in the field it is known by. The
    /// plugin of the route has made sure by other means that the request is the consumer's.
    pub(crate) fn known_as(&self, plugin: &str, name: &[u8]) -> Option<Identity> {
        let found = self.keys.get(&self.fingerprint_key.of_name(plugin, name))?;
        found.proof.is_none().then(|| Identity::of_plugin(found))
    }

    /// Whether any consumer has `plugin`, known by it now or not.
    pub(crate) fn has_consumer_with(&self, plugin: PluginName) -> bool {
        self.consumer_plugins.has(plugin)
    }

    /// The plugins of a consumer, if it has any.
    ///
    /// # Errors
    /// They cannot be enforced: the consumer's requests do not pass.
    pub(crate) fn plugins_of(&self, consumer: &ConsumerName) -> Result<Option<&Chain>, Reject> {
        self.consumer_plugins.of(consumer)
    }

    /// The plugins that run for every request, besides those of its route.
    ///
    /// # Errors
    /// They cannot be enforced: no request passes.
    pub(crate) fn global(&self) -> Result<&Chain, Reject> {
        self.global.chain()
    }

    /// The fingerprint to compare with one in a [`Proof`].
    pub(crate) fn fingerprint(&self, text: &[u8]) -> Fingerprint {
        self.fingerprint_key.of(text)
    }

    pub(crate) fn fingerprint_key(&self) -> &FingerprintKey {
        &self.fingerprint_key
    }

    /// What seals the sessions of browsers.
    ///
    /// # Errors
    /// There is no key: the log has the reason, if there is one.
    pub(crate) fn sessions(&self) -> Result<&Sessions, Reject> {
        self.sessions.as_ref().ok_or(Reject::Internal)
    }

    /// The identity of a consumer that requests without a key count as.
    pub(crate) fn anonymous(&self, name: &ConsumerName) -> Option<Identity> {
        self.routing.consumers.get(name).cloned()
    }

    /// Begins the active checks that have not begun.
    pub(crate) fn check_upstreams(&self, config: &GatewayConfig) {
        for upstream in self.routing.upstreams.values() {
            if let Ok(Upstream::Nodes(servers)) = upstream {
                servers.check(config);
            }
        }
    }

    /// Every route, by id.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.routing.by_id.values()
    }

    pub(crate) fn upstream_states(&self) -> impl Iterator<Item = UpstreamState> {
        let servers = self.routing.upstreams.iter().filter_map(|(service, upstream)| match upstream {
            Ok(Upstream::Nodes(servers)) => Some((service, servers)),
            Ok(Upstream::Echo | Upstream::Withheld { .. }) | Err(_) => None,
        });
        servers.flat_map(|(service, servers)| {
            servers.nodes().iter().map(move |node| UpstreamState {
                service: service.clone(),
                server: node.name().to_owned(),
                is_healthy: node.is_healthy(),
            })
        })
    }
}

impl Routing {
    fn compile(snapshot: &Snapshot, before: Option<&Self>) -> Self {
        let anonymous = |consumer: &SnapshotConsumer| (consumer.name.clone(), Identity::anonymous(consumer));
        let mut routing = Self {
            services: Arc::clone(&snapshot.services),
            routes: Arc::clone(&snapshot.routes),
            named: Arc::clone(&snapshot.consumers),
            client_certificates: client_certificates(snapshot),
            exact_hosts: HashMap::new(),
            host_endings: HashMap::new(),
            any_host: Paths::default(),
            consumers: snapshot.consumers.values().map(anonymous).collect(),
            upstreams: compile_upstreams(snapshot, before),
            by_id: BTreeMap::new(),
        };
        for route in snapshot.routes.iter() {
            routing.add(snapshot, route, before);
        }
        routing.paths_mut().for_each(Paths::sort);
        routing
    }

    /// Whether it was compiled from what `snapshot` has.
    fn is_of(&self, snapshot: &Snapshot) -> bool {
        Arc::ptr_eq(&self.services, &snapshot.services)
            && Arc::ptr_eq(&self.routes, &snapshot.routes)
            && Arc::ptr_eq(&self.named, &snapshot.consumers)
            && self.client_certificates.iter().all(|(id, before)| snapshot.client_certificate(id) == *before)
    }

    fn add(&mut self, snapshot: &Snapshot, route: &routing::Route<LiveField>, before: Option<&Self>) {
        let plan = match compile_plan(snapshot, &self.upstreams, route) {
            Ok(plan) => Some(plan),
            Err(why) => {
                tracing::error!(route = %route.id, "Route {} lets nothing pass: {why}", route.id);
                None
            }
        };
        let counted = before.and_then(|routing| routing.by_id.get(&route.id));
        let compiled = Arc::new(Route {
            id: route.id.clone(),
            name: route.name.clone(),
            service: route.service.clone(),
            counts: counted.map(|old| Arc::clone(&old.counts)).unwrap_or_default(),
            methods: route.methods.clone(),
            plan,
        });
        self.by_id.insert(route.id.clone(), Arc::clone(&compiled));
        if route.hosts.is_empty() {
            self.any_host.add(&route.paths, &compiled);
        }
        for host in &route.hosts {
            let paths = match host {
                HostPattern::Exact(name) => self.exact_hosts.entry(name.clone()).or_default(),
                HostPattern::Ending(ending) => self.host_endings.entry(ending.clone()).or_default(),
            };
            paths.add(&route.paths, &compiled);
        }
    }

    fn paths_mut(&mut self) -> impl Iterator<Item = &mut Paths> {
        self.exact_hosts.values_mut().chain(self.host_endings.values_mut()).chain([&mut self.any_host])
    }

    fn find(&self, host: &str, method: &Method, path: &str) -> Option<&Arc<Route>> {
        let exact = self.exact_hosts.get(host);
        // Most gateways have no host endings; then the name need not be taken apart.
        let by_ending = (!self.host_endings.is_empty()).then(|| endings(host)).into_iter().flatten();
        let by_ending = by_ending.filter_map(|ending| self.host_endings.get(&*ending));
        exact.into_iter().chain(by_ending).chain([&self.any_host]).find_map(|paths| paths.find(method, path))
    }
}

impl Paths {
    fn add(&mut self, patterns: &[PathPattern], route: &Arc<Route>) {
        for pattern in patterns {
            let routes = match pattern {
                PathPattern::Exact(path) => self.exact.entry(normal(path)).or_default(),
                PathPattern::Prefix(prefix) => self.prefixes.entry(decoded(prefix)).or_default(),
            };
            routes.push(Arc::clone(route));
        }
    }

    fn sort(&mut self) {
        for routes in self.exact.values_mut().chain(self.prefixes.values_mut()) {
            routes.sort_by(|a, b| (a.methods.is_empty(), &a.id).cmp(&(b.methods.is_empty(), &b.id)));
        }
        let lengths: HashSet<usize> = self.prefixes.keys().map(String::len).collect();
        self.prefix_lengths = lengths.into_iter().collect();
        self.prefix_lengths.sort_unstable_by(|a, b| b.cmp(a));
    }

    fn find(&self, method: &Method, path: &str) -> Option<&Arc<Route>> {
        let exact = self.exact.get(path);
        let prefixes = self.prefix_lengths.iter().filter_map(|length| self.prefixes.get(path.get(..*length)?));
        exact.into_iter().chain(prefixes).find_map(|routes| routes.iter().find(|route| route.takes(method)))
    }
}

impl Route {
    /// Every route is, but one for which the plugin prometheus is disabled.
    pub(crate) fn is_in_metrics(&self) -> bool {
        self.plan.as_ref().is_none_or(|plan| !plan.plugins.is_disabled(PluginName::Prometheus))
    }

    pub(crate) fn facts(&self) -> RouteFacts<'_> {
        RouteFacts { id: self.id.as_str(), name: self.name.as_str(), counts: &self.counts }
    }

    fn takes(&self, method: &Method) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|m| m.as_str() == method.as_str())
    }
}

/// A pattern in the form in which paths are matched. One that no path can have matches nothing.
fn normal(path: &str) -> String {
    RequestPath::parse(path).map_or_else(|_| path.to_owned(), |path| path.literal.into_owned())
}

/// A prefix may end in the middle of a segment, so only its escapes are decoded.
fn decoded(prefix: &str) -> String {
    percent_decode_str(prefix).decode_utf8().map_or_else(|_| prefix.to_owned(), std::borrow::Cow::into_owned)
}

/// The upstream of every service, or why it cannot be sent anything.
fn compile_upstreams(snapshot: &Snapshot, before: Option<&Routing>) -> BTreeMap<ObjectId, Result<Upstream, String>> {
    let compiled = |service: &routing::Service<LiveField>| match &service.upstream {
        routing::Upstream::BuiltinEcho => Ok(Upstream::Echo),
        routing::Upstream::Nodes(nodes) => {
            let certificate = match service.upstream.client_certificate().map(|id| snapshot.client_certificate(id)) {
                None => None,
                Some(Some(ClientCertificate::Ready(certificate))) => Some(certificate),
                Some(Some(ClientCertificate::Withheld { incident })) => {
                    return Ok(Upstream::Withheld { incident: incident.into() });
                }
                Some(None) => return Err("its client certificate does not exist".to_owned()),
            };
            let certificate = certificate.as_ref();
            let old = before.and_then(|routing| match routing.upstreams.get(&service.id)? {
                Ok(Upstream::Nodes(servers)) => Some(servers),
                Ok(Upstream::Echo | Upstream::Withheld { .. }) | Err(_) => None,
            });
            match old.filter(|servers| servers.is_for(nodes, certificate)) {
                Some(same) => Ok(Upstream::Nodes(Arc::clone(same))),
                None => Servers::new(nodes, certificate, old.map(Arc::as_ref))
                    .map(|servers| Upstream::Nodes(Arc::new(servers))),
            }
        }
    };
    snapshot.services.values().map(|service| (service.id.clone(), compiled(service))).collect()
}

/// How the certificates stand that services show to their servers.
fn client_certificates(snapshot: &Snapshot) -> BTreeMap<ObjectId, Option<ClientCertificate>> {
    let named = snapshot.services.values().filter_map(|service| service.upstream.client_certificate());
    named.map(|id| (id.clone(), snapshot.client_certificate(id))).collect()
}

fn compile_plan(
    snapshot: &Snapshot,
    upstreams: &BTreeMap<ObjectId, Result<Upstream, String>>,
    route: &routing::Route<LiveField>,
) -> Result<Plan, String> {
    let Some(service) = snapshot.services.get(&route.service) else {
        return Err(format!("its service {} does not exist", route.service));
    };
    let upstream = match upstreams.get(&service.id) {
        Some(Ok(upstream)) => upstream.clone(),
        Some(Err(why)) => return Err(format!("its service {} has an upstream that cannot be used: {why}", service.id)),
        None => return Err(format!("its service {} has no upstream", service.id)),
    };
    let (service_owner, route_owner) = (format!("service/{}", service.id), format!("route/{}", route.id));
    let of_service = service.plugins.values().map(|config| (config.name(), (&service_owner, config)));
    let of_route = route.plugins.values().map(|config| (config.name(), (&route_owner, config)));
    let configs: BTreeMap<_, _> = of_service.chain(of_route).collect();
    let plugins = Chain::compile(configs.values().map(|(owner, config)| (owner.as_str(), *config)))?;
    Ok(Plan { plugins, upstream })
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
