//! What plugins do to a request on its way in. The configuration of each is in `postern::plugin`.

mod added;
mod answer;
mod auth;
mod authz_casdoor;
mod basic_auth;
mod body_filter;
mod chain;
mod condition;
mod consumer_restriction;
mod cookie;
mod cors;
mod fill;
mod header_ops;
mod hmac_auth;
mod ids;
mod ip_restriction;
mod jwt_auth;
mod kept;
pub(crate) mod key_auth;
pub(crate) mod ldap_auth;
pub(crate) mod limit_count;
mod proxy_rewrite;
mod query;
mod request_id;
mod response_rewrite;
mod rewritten_path;
mod variables;
pub(crate) mod wolf_rbac;

pub(crate) use added::Added;
pub(crate) use answer::Answer;
pub(crate) use auth::{Denied, Otherwise};
pub(crate) use chain::{Chain, Installed, run};
pub(crate) use kept::Kept;

use crate::http_client::HttpClient;
use crate::identity::Identity;
use crate::reject::Reject;
use crate::request_body::BodyCheck;
use crate::table::Table;
use authz_casdoor::AuthzCasdoor;
use basic_auth::BasicAuth;
use consumer_restriction::ConsumerRestriction;
use cors::Cors;
use hmac_auth::HmacAuth;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};
use ip_restriction::IpRestriction;
use jwt_auth::JwtAuth;
use key_auth::KeyAuth;
use ldap_auth::{Directories, LdapAuth};
use limit_count::{Accounts, Counters, LimitCount, Pools};
use postern::plugin::authz_casdoor::AuthzCasdoorPlugin;
use postern::plugin::limit_count::LimitCountPlugin;
use postern::plugin::proxy_rewrite::ProxyRewritePlugin;
use postern::plugin::public_api::PublicApiPlugin;
use postern::plugin::response_rewrite::ResponseRewritePlugin;
use postern::plugin::{Placement, PluginConfig, PluginName};
use postern::snapshot::LiveField;
use postern::time::Clock;
use proxy_rewrite::ProxyRewrite;
use request_id::RequestId;
use response_rewrite::ResponseRewrite;
use std::net::IpAddr;
use std::sync::Arc;
use wolf_rbac::{Application, Endpoint};

/// A plugin of one route, ready to run.
pub(crate) enum Plugin {
    KeyAuth(KeyAuth),
    BasicAuth(BasicAuth),
    JwtAuth(JwtAuth),
    HmacAuth(HmacAuth),
    LdapAuth(Box<LdapAuth>),
    /// Of a consumer, which is known by it.
    LdapUser,
    WolfRbac,
    /// Of a consumer, which is this application.
    WolfApplication(Box<Application>),
    AuthzCasdoor(Box<AuthzCasdoor>),
    LimitCount(Box<LimitCount>),
    PublicApi(PublicApiPlugin),
    RequestId(RequestId),
    Cors(Box<Cors>),
    IpRestriction(IpRestriction),
    ConsumerRestriction(ConsumerRestriction),
    ProxyRewrite(Box<ProxyRewrite>),
    ResponseRewrite(Box<ResponseRewrite>),
    /// Does nothing itself: the metrics ask whether it is disabled.
    Prometheus,
}

/// What a plugin sees, and may change, of a request.
pub(crate) struct Access<'a> {
    pub(crate) headers: &'a mut HeaderMap,
    /// Without the `?`.
    pub(crate) query: &'a mut Option<String>,
    pub(crate) table: &'a Table,
    /// As the client sent it: path and query before anything was made of them.
    pub(crate) method: &'a Method,
    pub(crate) target: &'a PathAndQuery,
    pub(crate) host: Option<&'a HeaderValue>,
    pub(crate) clock: &'a dyn Clock,
    /// What the body must be; checked after every plugin has let the request pass.
    pub(crate) body_check: Option<BodyCheck>,
    /// Who the request comes from, once a plugin has found out.
    pub(crate) identity: Option<Identity>,
    /// What the upstream server gets in place of what the client sent. The query has its own field.
    pub(crate) changed: Changed,
    /// What answers in place of the upstream server, once every plugin has let the request pass.
    pub(crate) endpoint: Option<Endpoint>,
    /// Headers for the answer, whoever gives it.
    pub(crate) answer: &'a mut Added,
    pub(crate) scene: &'a Scene<'a>,
}

/// What plugins made of a request for the upstream server, where they made something else of it.
#[derive(Default)]
pub(crate) struct Changed {
    /// Without the query; percent-encoded, as it is sent.
    pub(crate) path: Option<String>,
    pub(crate) method: Option<Method>,
    pub(crate) host: Option<HeaderValue>,
}

/// What no plugin changes of a request, and what the gateway has for all of them.
pub(crate) struct Scene<'a> {
    /// Decoded, as routes are matched by.
    pub(crate) path: &'a str,
    /// In lower case, without the port; empty when there is none.
    pub(crate) host: &'a str,
    pub(crate) client: IpAddr,
    /// `http` or `https`: how the other end speaks to the gateway.
    pub(crate) scheme: &'a str,
    /// Whether the client sent an id for its request, which then is the gateway's, too.
    pub(crate) has_clients_id: bool,
    /// Its id; empty when there is no route.
    pub(crate) route: &'a str,
    /// Its id; empty when there is no route.
    pub(crate) service: &'a str,
    pub(crate) counters: &'a Counters,
    pub(crate) accounts: &'a Arc<Accounts>,
    /// This worker's.
    pub(crate) directories: &'a Directories,
    pub(crate) redis: &'a Arc<Pools>,
    /// This worker's.
    pub(crate) http: &'a HttpClient,
}

#[cfg(test)]
impl Scene<'static> {
    /// `/` of host `h` from 127.0.0.1, at a gateway of its own.
    pub(crate) fn of_test() -> &'static Self {
        Box::leak(Box::new(Self {
            path: "/",
            host: "h",
            client: [127, 0, 0, 1].into(),
            scheme: "http",
            has_clients_id: false,
            route: "r",
            service: "s",
            counters: Box::leak(Box::default()),
            accounts: Box::leak(Box::default()),
            redis: Box::leak(Box::default()),
            directories: Box::leak(Box::new(Directories::new(crate::upstream::Reach::of_plugins(&[])))),
            http: Box::leak(Box::new(HttpClient::new(&crate::GatewayConfig::default()))),
        }))
    }
}

/// Prepares a plugin of `owner`: a service, a route or a consumer.
///
/// # Errors
/// Why the configuration cannot be enforced, for the log.
fn compile(owner: &str, config: &PluginConfig<LiveField>) -> Result<Plugin, String> {
    Ok(match config.name() {
        PluginName::KeyAuth => Plugin::KeyAuth(KeyAuth::compile(&config.settings()?)?),
        PluginName::BasicAuth => Plugin::BasicAuth(BasicAuth::compile(&config.settings()?)?),
        PluginName::JwtAuth => Plugin::JwtAuth(JwtAuth::compile(&config.settings()?)?),
        PluginName::AuthzCasdoor => {
            Plugin::AuthzCasdoor(Box::new(AuthzCasdoor::compile(&AuthzCasdoorPlugin::of(config)?)?))
        }
        PluginName::HmacAuth => Plugin::HmacAuth(HmacAuth::compile(&config.settings()?)?),
        PluginName::LdapAuth => match config.placement() {
            Placement::Route | Placement::Metadata => {
                Plugin::LdapAuth(Box::new(LdapAuth::compile(&config.settings()?)?))
            }
            Placement::Consumer => Plugin::LdapUser,
        },
        PluginName::WolfRbac => match config.placement() {
            Placement::Route | Placement::Metadata => Plugin::WolfRbac,
            Placement::Consumer => Plugin::WolfApplication(Box::new(Application::compile(&config.settings()?)?)),
        },
        PluginName::PublicApi => Plugin::PublicApi(config.settings()?),
        PluginName::LimitCount => {
            Plugin::LimitCount(Box::new(LimitCount::compile(&LimitCountPlugin::of(config)?, owner)?))
        }
        PluginName::RequestId => Plugin::RequestId(RequestId::compile(config.settings()?)?),
        PluginName::Cors => Plugin::Cors(Box::new(Cors::compile(&config.settings()?)?)),
        PluginName::IpRestriction => Plugin::IpRestriction(IpRestriction::compile(config.settings()?)?),
        PluginName::ConsumerRestriction => {
            Plugin::ConsumerRestriction(ConsumerRestriction::compile(config.settings()?)?)
        }
        PluginName::ProxyRewrite => {
            Plugin::ProxyRewrite(Box::new(ProxyRewrite::compile(&ProxyRewritePlugin::of(config)?)?))
        }
        PluginName::ResponseRewrite => {
            Plugin::ResponseRewrite(Box::new(ResponseRewrite::compile(&ResponseRewritePlugin::of(config)?)?))
        }
        PluginName::Prometheus => Plugin::Prometheus,
    })
}

/// The endpoint that public-api leads to.
fn public_api(plugin: &PublicApiPlugin, access: &Access<'_>) -> Result<Endpoint, Reject> {
    let path = plugin.uri.as_deref().unwrap_or(access.scene.path);
    wolf_rbac::endpoint(access.method, path).ok_or(Reject::NoRoute)
}

impl Plugin {
    /// Lets the request pass, changed or not, or refuses it.
    async fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        match self {
            Self::KeyAuth(plugin) => plugin.access(access),
            Self::BasicAuth(plugin) => plugin.access(access),
            Self::JwtAuth(plugin) => plugin.access(access),
            Self::HmacAuth(plugin) => plugin.access(access),
            Self::LdapAuth(plugin) => plugin.access(access).await,
            Self::LdapUser | Self::WolfApplication(_) => Ok(()),
            Self::WolfRbac => wolf_rbac::access(access).await,
            Self::PublicApi(plugin) => {
                access.endpoint = Some(public_api(plugin, access)?);
                Ok(())
            }
            Self::AuthzCasdoor(plugin) => plugin.access(access).await,
            Self::LimitCount(plugin) => plugin.access(access).await,
            Self::RequestId(plugin) => {
                plugin.access(access);
                Ok(())
            }
            Self::Cors(_) => Cors::access(access),
            Self::IpRestriction(plugin) => plugin.access(access),
            Self::ConsumerRestriction(plugin) => plugin.access(access),
            Self::ProxyRewrite(plugin) => plugin.access(access),
            Self::ResponseRewrite(plugin) => {
                plugin.access(access);
                Ok(())
            }
            Self::Prometheus => Ok(()),
        }
    }
}

#[cfg(test)]
impl<'a> Access<'a> {
    /// `GET /`, for a plugin that does not ask what time it is.
    pub(crate) fn untimed(headers: &'a mut HeaderMap, query: &'a mut Option<String>, table: &'a Table) -> Self {
        struct NoTime;
        impl Clock for NoTime {
            fn now(&self) -> postern::time::Millis {
                panic!("a plugin asked what time it is")
            }
        }
        static ROOT: std::sync::LazyLock<PathAndQuery> = std::sync::LazyLock::new(|| PathAndQuery::from_static("/"));
        let (method, clock) = (&Method::GET, &NoTime);
        Self {
            headers,
            query,
            table,
            method,
            target: &ROOT,
            host: None,
            clock,
            body_check: None,
            identity: None,
            changed: Changed::default(),
            endpoint: None,
            answer: Box::leak(Box::default()),
            scene: Scene::of_test(),
        }
    }
}
