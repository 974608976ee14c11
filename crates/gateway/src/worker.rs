//! The threads: one that accepts connections and takes over new snapshots, and the workers that answer.
//!
//! One listener hands each connection to the worker with the fewest. `SO_REUSEPORT` would save the
//! hand-over, but it spreads a few long connections unevenly, and it lets a second process listen on the
//! same port unnoticed and take half of the requests.

use crate::access_log::AccessLog;
use crate::certificates::server_config;
use crate::client_stream::ClientStream;
use crate::counts::{ByReason, RouteCounts};
use crate::http_client::HttpClient;
use crate::peer::Peer;
use crate::plugin::ldap_auth::Directories;
use crate::plugin::limit_count::{Accounts, Counters as Limits, Pools as RedisPools};
use crate::proxy;
use crate::stats::Counters;
use crate::table::Table;
use crate::upstream::{Pool, Reach};
use crate::{GatewayConfig, Stop};
use arc_swap::ArcSwap;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use postern::snapshot::Snapshot;
use postern::time::Clock;
use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

/// Why a connection ended early.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// How long the acceptor rests when the system has no socket left for it.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// hyper's own limit of header lines.
pub(crate) const MAX_HEADERS: usize = 100;

/// What every thread of one gateway sees.
pub(crate) struct Shared {
    pub(crate) local: SocketAddr,
    pub(crate) tls_local: Option<SocketAddr>,
    pub(crate) config: GatewayConfig,
    /// Tells whether a token has expired, and a signature is of now.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
    /// The configuration in force. A request takes it once, at its start.
    pub(crate) table: ArcSwap<Table>,
    /// Requests of no route.
    pub(crate) no_route: RouteCounts,
    pub(crate) auth_failures: ByReason,
    pub(crate) access_log: Option<AccessLog>,
    /// What limit-count has counted.
    pub(crate) limits: Limits,
    /// What it has counted and not yet told Redis.
    pub(crate) accounts: Arc<Accounts>,
}

/// One worker's own: its upstream connections and its server settings.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) pool: Pool,
    pub(crate) directories: Directories,
    pub(crate) redis: Arc<RedisPools>,
    pub(crate) http: HttpClient,
    server: auto::Builder<TokioExecutor>,
    tls: TlsAcceptor,
    stop: Stop,
    /// Connections it has now.
    load: Arc<AtomicUsize>,
}

/// The running threads.
pub(crate) struct Started {
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) applied: watch::Receiver<u64>,
    pub(crate) ended: mpsc::Receiver<Infallible>,
}

/// An accepted connection on its way to a worker.
struct Accepted {
    stream: TcpStream,
    address: SocketAddr,
    is_tls: bool,
}

/// Where connections come from.
pub(crate) struct Listeners {
    pub(crate) plain: TcpListener,
    pub(crate) tls: Option<TcpListener>,
}

/// Where the acceptor sends connections for one worker.
struct Desk {
    connections: mpsc::UnboundedSender<Accepted>,
    load: Arc<AtomicUsize>,
}

impl Shared {
    pub(crate) fn new(
        local: SocketAddr,
        tls_local: Option<SocketAddr>,
        mut config: GatewayConfig,
        clock: Arc<dyn Clock>,
        snapshot: &Snapshot,
        access_log: Option<AccessLog>,
    ) -> Self {
        config.workers = config.workers.max(1);
        // A route back to the gateway would call itself until the sockets run out.
        config.forbidden_upstreams.extend([local].into_iter().chain(tls_local));
        let table = ArcSwap::from_pointee(Table::compile(snapshot, None));
        Self {
            local,
            tls_local,
            config,
            clock,
            counters: Counters::default(),
            table,
            no_route: RouteCounts::default(),
            auth_failures: ByReason::default(),
            access_log,
            limits: Limits::default(),
            accounts: Arc::default(),
        }
    }
}

/// A listening socket. Unlike `std`'s it has room for a burst of connections.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(addr), socket2::Type::STREAM, None)?;
    // Without it a restart waits for the old connections to time out. (On Windows it means another thing.)
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

/// Starts every thread.
pub(crate) fn start(
    listeners: Listeners,
    shared: &Arc<Shared>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    stop: &Stop,
) -> io::Result<Started> {
    let (alive, ended) = mpsc::channel(1);
    let tls = TlsAcceptor::from(server_config(shared).map_err(io::Error::other)?);
    let mut threads = Vec::new();
    let mut desks = Vec::new();
    for index in 0..shared.config.workers {
        let (sender, connections) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let worker = Worker::new(index, shared, tls.clone(), stop, &load);
        let work = answer_connections(worker, connections);
        threads.push(thread(format!("gateway-{index}"), alive.clone(), work)?);
        desks.push(Desk { connections: sender, load });
    }
    let (applied_sender, applied) = watch::channel(shared.table.load().revision);
    let front = front(listeners, desks, Arc::clone(shared), snapshots, applied_sender, stop.clone());
    threads.push(thread("gateway-accept".to_owned(), alive, front)?);
    Ok(Started { threads, applied, ended })
}

/// Waits for the end of a thread.
pub(crate) fn join(thread: JoinHandle<()>) {
    if thread.join().is_err() {
        tracing::error!("A thread of the gateway ended in a panic");
    }
}

/// A thread that runs `work` on its own runtime; `alive` is dropped when it ends.
fn thread(
    name: String,
    alive: mpsc::Sender<Infallible>,
    work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name).spawn(move || {
        runtime.block_on(work);
        // Not waiting for a name lookup that is under way.
        runtime.shutdown_background();
        drop(alive);
    })
}

/// Accepts connections and takes over snapshots until the gateway drains.
async fn front(
    listeners: Listeners,
    desks: Vec<Desk>,
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    applied: watch::Sender<u64>,
    stop: Stop,
) {
    shared.table.load().check_upstreams(&shared.config);
    tokio::spawn(follow(Arc::clone(&shared), snapshots, applied));
    tokio::select! {
        () = accept(listeners.plain, false, &desks) => {}
        () = accept_tls(listeners.tls, &desks) => {}
        () = stop.drain.cancelled() => {}
    }
}

/// Compiles each new snapshot once, apart from the threads that answer, and puts it in force in one swap.
async fn follow(shared: Arc<Shared>, mut snapshots: watch::Receiver<Arc<Snapshot>>, applied: watch::Sender<u64>) {
    while snapshots.changed().await.is_ok() {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        let before = shared.table.load_full();
        let compiled = tokio::task::spawn_blocking(move || Table::compile(&snapshot, Some(&before))).await;
        match compiled {
            Ok(table) => {
                let revision = table.revision;
                table.check_upstreams(&shared.config);
                shared.table.store(Arc::new(table));
                applied.send_replace(revision);
                tracing::debug!(revision, "The gateway enforces revision {revision}");
            }
            Err(error) => tracing::error!(%error, "A configuration could not be compiled; the last one stays"),
        }
    }
}

async fn accept_tls(listener: Option<TcpListener>, desks: &[Desk]) {
    match listener {
        Some(listener) => accept(listener, true, desks).await,
        None => std::future::pending().await,
    }
}

async fn accept(listener: TcpListener, is_tls: bool, desks: &[Desk]) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "The gateway cannot accept connections"),
    };
    loop {
        match listener.accept().await.and_then(|(stream, address)| Ok((stream.into_std()?, address))) {
            Ok((stream, address)) => hand_over(Accepted { stream, address, is_tls }, desks),
            // Out of sockets, most likely. They come back when connections end.
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn hand_over(accepted: Accepted, desks: &[Desk]) {
    let Some(desk) = desks.iter().min_by_key(|desk| desk.load.load(Ordering::Relaxed)) else { return };
    desk.load.fetch_add(1, Ordering::Relaxed);
    if desk.connections.send(accepted).is_err() {
        desk.load.fetch_sub(1, Ordering::Relaxed);
        tracing::warn!("A connection came while its worker was stopping");
    }
}

/// One worker's life: answers its connections, then waits for those in flight.
async fn answer_connections(worker: Worker, mut connections: mpsc::UnboundedReceiver<Accepted>) {
    let worker = Arc::new(worker);
    let tasks = TaskTracker::new();
    let stop = worker.stop.clone();
    loop {
        tokio::select! {
            () = stop.drain.cancelled() => break,
            next = connections.recv() => match next {
                Some(accepted) => drop(tasks.spawn(Arc::clone(&worker).connection(accepted))),
                None => break,
            },
        }
    }
    tasks.close();
    tokio::select! {
        () = tasks.wait() => {}
        () = stop.abandon.cancelled() => {}
    }
}

impl Worker {
    fn new(index: usize, shared: &Arc<Shared>, tls: TlsAcceptor, stop: &Stop, load: &Arc<AtomicUsize>) -> Self {
        let reach = Reach::of_plugins(&shared.config.forbidden_upstreams);
        Self {
            shared: Arc::clone(shared),
            pool: Pool::new(index, &shared.config),
            redis: Arc::new(RedisPools::new(reach.clone(), shared.config.redis_authorities.clone())),
            directories: Directories::new(reach),
            http: HttpClient::new(&shared.config),
            server: server(&shared.config),
            tls,
            stop: stop.clone(),
            load: Arc::clone(load),
        }
    }

    /// Answers the requests of one connection until either side ends it.
    async fn connection(self: Arc<Self>, accepted: Accepted) {
        let _counted = Counted(Arc::clone(&self.load));
        let client = accepted.address.ip();
        if let Err(error) = self.serve(accepted).await {
            tracing::debug!(%error, cause = ?error.source(), %client, "A connection ended early");
        }
    }

    async fn serve(self: &Arc<Self>, accepted: Accepted) -> Result<(), Broken> {
        let Accepted { stream, address, is_tls } = accepted;
        stream.set_nonblocking(true)?;
        tune(&stream)?;
        let stream = tokio::net::TcpStream::from_std(stream)?;
        let peer = Arc::new(Peer::new(address, is_tls, &self.shared));
        if !is_tls {
            return self.converse(stream, peer).await;
        }
        let stream = timeout(self.shared.config.header_timeout, self.tls.accept(stream)).await??;
        self.converse(stream, peer).await
    }

    async fn converse<S>(self: &Arc<Self>, stream: S, peer: Arc<Peer>) -> Result<(), Broken>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(|request| proxy::answer(Arc::clone(self), Arc::clone(&peer), request));
        let stream = ClientStream::new(stream, self.shared.config.body_idle_timeout);
        let mut connection = std::pin::pin!(self.server.serve_connection_with_upgrades(TokioIo::new(stream), service));
        let limit = self.shared.config.header_timeout;
        let mut silence = std::pin::pin!(sleep(limit));
        let mut draining = false;
        loop {
            tokio::select! {
                biased;
                result = connection.as_mut() => return result,
                () = self.stop.drain.cancelled(), if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = silence.as_mut() => match peer.patience(limit) {
                    Some(left) => silence.as_mut().reset(Instant::now() + left),
                    // In HTTP/2 a request may be on its way: it is told that it was not heard.
                    None if peer.is_http2() && !draining => {
                        draining = true;
                        connection.as_mut().graceful_shutdown();
                        silence.as_mut().reset(Instant::now() + limit);
                    }
                    None => return Ok(()),
                },
            }
        }
    }
}

/// What both kinds of sockets need: small writes leave at once, and a dead peer is noticed.
pub(crate) fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = socket2::TcpKeepalive::new().with_time(Duration::from_secs(60));
    socket2::SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

/// hyper's server with every limit set.
fn server(config: &GatewayConfig) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        // Its timer would be made anew for each request; `Peer::patience` is what ends silent connections.
        .header_read_timeout(None)
        .max_buf_size(config.max_head_bytes.max(8192));
    // Setting it, even to what it is, makes hyper clear room for so many header lines on the heap for each request.
    if config.max_headers != MAX_HEADERS {
        server.http1().max_headers(config.max_headers);
    }
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(u32::try_from(config.max_head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(config.header_timeout)
        .keep_alive_timeout(Duration::from_secs(20));
    server
}

/// Lowers the worker's load when its connection ends, however it ends.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
