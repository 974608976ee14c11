//! Connections to the three kinds of Redis: one server, a cluster, one that sentinels name.

use super::super::window::Decision;
use super::failure::{is_refusal, is_untrusted};
use super::guard::Guard;
use super::script::{self, Ask};
use super::secrets::Secrets;
use super::sentinel::Sentinels;
use futures_util::future::join_all;
use postern::plugin::limit_count::{Policy, Redis, RedisCluster, RedisSentinel};
use postern::snapshot::LiveField;
use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, RedisResult, TlsCertificates, cmd,
};
use std::time::Duration;
use tokio::time::timeout;

/// Where connections come from.
pub(super) enum Source {
    Server { client: Client, timing: Timing },
    Cluster { client: Box<ClusterClient>, seeds: Vec<Client>, timing: Timing },
    Sentinel { sentinels: Sentinels, timing: Timing },
}

/// How long what may take.
pub(super) struct Timing {
    connection: AsyncConnectionConfig,
    /// Finding out which servers there are, and connecting to them.
    search: Duration,
}

/// A connection that many requests share.
#[derive(Clone)]
pub(super) enum Connection {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// How a server's certificate is checked.
#[derive(Clone, Copy)]
struct Tls<'a> {
    verify: bool,
    /// PEM; the system's without.
    authorities: Option<&'a str>,
}

impl Source {
    /// Connects to nobody yet. Whatever address is connected to later, `guard` has found it.
    pub(super) fn new(
        policy: &Policy<LiveField>,
        secrets: &Secrets,
        authorities: Option<&str>,
        guard: &Guard,
    ) -> RedisResult<Self> {
        match policy {
            Policy::Local => Err((ErrorKind::InvalidClientConfig, "counted here, not in Redis").into()),
            Policy::Redis(redis) => Self::server(redis, secrets, authorities, guard),
            Policy::RedisCluster(cluster) => Self::cluster(cluster, secrets, authorities, guard),
            Policy::RedisSentinel(watched) => Self::sentinel(watched, secrets, guard),
        }
    }

    fn server(
        redis: &Redis<LiveField>,
        secrets: &Secrets,
        authorities: Option<&str>,
        guard: &Guard,
    ) -> RedisResult<Self> {
        let tls = redis.ssl.then_some(Tls { verify: redis.ssl_verify, authorities });
        let settings = RedisConnectionInfo::default().set_db(i64::from(redis.database));
        let info = info(&redis.host, redis.port, tls, secrets.redis.apply(settings))?;
        Ok(Self::Server { client: open(info, tls)?, timing: Timing::new(redis.timeout, redis.timeout, guard) })
    }

    fn cluster(
        cluster: &RedisCluster<LiveField>,
        secrets: &Secrets,
        authorities: Option<&str>,
        guard: &Guard,
    ) -> RedisResult<Self> {
        let tls = cluster.ssl.then_some(Tls { verify: cluster.ssl_verify, authorities });
        let settings = secrets.redis.apply(RedisConnectionInfo::default());
        let nodes = cluster.nodes.iter().map(|node| info(&node.host, node.port, tls, settings.clone()));
        let nodes: Vec<_> = nodes.collect::<RedisResult<_>>()?;
        let limit = Duration::from_millis(cluster.timeout.into());
        // A slot that has moved is followed at once; a server that is gone is not waited for beyond the limit.
        let mut client = ClusterClient::builder(nodes.clone()).retries(3).min_retry_wait(10).max_retry_wait(100);
        client = client.connection_timeout(limit).response_timeout(limit).async_dns_resolver(guard.clone());
        if let Some(certificates) = tls.and_then(Tls::certificates) {
            client = client.certs(certificates);
        }
        let seeds = nodes.into_iter().map(|node| open(node, tls)).collect::<RedisResult<_>>()?;
        let timing = Timing::new(cluster.timeout, cluster.timeout, guard);
        Ok(Self::Cluster { client: Box::new(client.build()?), seeds, timing })
    }

    fn sentinel(watched: &RedisSentinel<LiveField>, secrets: &Secrets, guard: &Guard) -> RedisResult<Self> {
        let settings = secrets.sentinel.apply(RedisConnectionInfo::default());
        let sentinels = watched.sentinels.iter().map(|one| info(&one.host, one.port, None, settings.clone()));
        let sentinels = sentinels.map(|info| Client::open(info?)).collect::<RedisResult<_>>()?;
        let settings = RedisConnectionInfo::default().set_db(i64::from(watched.database));
        Ok(Self::Sentinel {
            sentinels: Sentinels::new(watched, sentinels, secrets.redis.apply(settings)),
            timing: Timing::new(watched.connect_timeout, watched.read_timeout, guard),
        })
    }

    /// A new connection, with whom the servers take the gateway for.
    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        match self {
            Self::Server { client, timing } => timing.connect(client).await.map(Connection::Server),
            Self::Cluster { client, seeds, timing } => {
                let connection = timing.within(client.get_async_connection()).await;
                told_by(seeds, timing, connection).await.map(Connection::Cluster)
            }
            Self::Sentinel { sentinels, timing } => sentinels.connect(timing).await.map(Connection::Server),
        }
    }

    /// Whether it may take more than the one server to answer a request.
    pub(super) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster { .. })
    }
}

impl Connection {
    pub(super) async fn run(&mut self, ask: &Ask<'_>) -> RedisResult<Decision> {
        match self {
            Self::Server(connection) => script::run(connection, ask).await,
            Self::Cluster(connection) => script::run(connection, ask).await,
        }
    }
}

impl Timing {
    /// In ms.
    fn new(connect: u32, answer: u32, guard: &Guard) -> Self {
        let (connect, answer) = (Duration::from_millis(connect.into()), Duration::from_millis(answer.into()));
        let connection = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect))
            .set_response_timeout(Some(answer))
            .set_dns_resolver(guard.clone());
        // Two servers one after the other: one that knows, and the one that it names.
        Self { connection, search: (connect + answer) * 2 }
    }

    pub(super) async fn connect(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        client.get_multiplexed_async_connection_with_config(&self.connection).await
    }

    pub(super) async fn within<T>(&self, search: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        match timeout(self.search, search).await {
            Ok(found) => found,
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        }
    }
}

/// The crate tells of several servers one error, which may be of one that is down while another refuses the
/// password. A refusal is no outage, so on an error each server is asked.
async fn told_by<T>(servers: &[Client], timing: &Timing, result: RedisResult<T>) -> RedisResult<T> {
    let error = match result {
        Err(error) if !is_refusal(&error) && !is_untrusted(&error) => error,
        known => return known,
    };
    let asked = join_all(servers.iter().map(|server| greet(server, timing))).await;
    let refusal = asked.into_iter().filter_map(Result::err).find(|why| is_refusal(why) || is_untrusted(why));
    Err(refusal.unwrap_or(error))
}

/// Without a password a server refuses only the first command.
async fn greet(server: &Client, timing: &Timing) -> RedisResult<()> {
    let mut connection = timing.connect(server).await?;
    match cmd("PING").exec_async(&mut connection).await {
        // It knows the user, who may do little.
        Err(error) if error.code() == Some("NOPERM") => Ok(()),
        answer => answer,
    }
}

impl Tls<'_> {
    /// What to trust in place of the system's authorities.
    fn certificates(self) -> Option<TlsCertificates> {
        let authorities = self.authorities.filter(|_| self.verify)?;
        Some(TlsCertificates { client_tls: None, root_cert: Some(authorities.as_bytes().to_vec()) })
    }
}

fn info(host: &str, port: u16, tls: Option<Tls<'_>>, settings: RedisConnectionInfo) -> RedisResult<ConnectionInfo> {
    let host = host.to_owned();
    let address = match tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(tls) => ConnectionAddr::TcpTls { host, port, insecure: !tls.verify, tls_params: None },
    };
    Ok(address.into_connection_info()?.set_redis_settings(settings))
}

fn open(info: ConnectionInfo, tls: Option<Tls<'_>>) -> Result<Client, RedisError> {
    match tls.and_then(Tls::certificates) {
        Some(certificates) => Client::build_with_tls(info, certificates),
        None => Client::open(info),
    }
}
