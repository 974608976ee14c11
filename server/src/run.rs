//! One life of the process: open, wire, serve, drain.

use crate::clock::SystemClock;
use crate::config::Settings;
use crate::gateway_link::GatewayLink;
use crate::http::{Metrics, router};
use crate::site::Site;
use anyhow::{Context, Result, anyhow};
use axum::serve::{Listener, ListenerExt};
use control::{Control, InstanceFacts, Parts};
use gateway::{AccessLogConfig, Gateway, GatewayConfig};
use metrics_exporter_prometheus::PrometheusBuilder;
use postern::fingerprint::FingerprintKey;
use postern::session_key::SessionKey;
use postern::time::Clock;
use secrets::{Engine, Environment, Keeping};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Sealer, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How long requests in flight may take after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);

/// Runs until told to stop.
pub(crate) fn run(settings: Settings) -> Result<()> {
    install_crypto()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no threads")?;
    runtime.block_on(serve(settings))
}

/// Chooses the library that TLS uses, once in a process.
pub(crate) fn install_crypto() -> Result<()> {
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    installed.map_err(|_| anyhow!("a TLS library is installed already"))
}

async fn serve(settings: Settings) -> Result<()> {
    let signals = Signals::new()?;
    let stop = CancellationToken::new();
    let metrics = PrometheusBuilder::new().install_recorder().context("metrics")?;
    let dashboard = bind(&settings).await?;
    let dashboard_addr = dashboard.local_addr().context("the dashboard's address")?;
    let (control, store) = start_control(&settings, dashboard_addr, &stop).await?;
    let redis_authorities = settings.redis_ca_file.as_deref().map(authorities).transpose()?;
    let config = GatewayConfig {
        workers: settings.gateway_workers,
        redis_authorities,
        forbidden_upstreams: vec![dashboard_addr],
        tls_addr: settings.gateway_tls_addr,
        access_log: settings.access_log.map(|target| AccessLogConfig {
            target,
            format: settings.access_log_format,
            clock: Arc::new(SystemClock),
        }),
        ..settings.limits.applied_to(GatewayConfig::default())
    };
    let gateway = Gateway::start(settings.gateway_addr, config, Arc::new(SystemClock), control.snapshots())
        .context("the gateway cannot start")?;
    let gateway_addr = gateway.local_addr();
    let gateway = Arc::new(GatewayLink::new(gateway));
    control.attach(gateway.clone());
    let site = Site::new(settings.site_root);
    if let Some(problem) = site.problem() {
        tracing::warn!("{problem}");
    }
    tracing::info!("dashboard on http://{dashboard_addr}");
    tracing::info!("gateway on http://{gateway_addr}");
    if let Some(address) = control::RunningGateway::tls_address(&*gateway) {
        tracing::info!("gateway on https://{address}");
    }

    let server = axum::serve(
        dashboard,
        router(control, site, Metrics { program: metrics, gateway: gateway.clone() }).into_make_service(),
    );
    let mut server = tokio::spawn(server.with_graceful_shutdown(stop.clone().cancelled_owned()).into_future());
    let ended = tokio::select! {
        () = signals.received() => {
            tracing::info!("stopping: finishing requests in flight");
            Ok(())
        }
        ended = &mut server => Err(anyhow!("the dashboard stopped by itself: {ended:?}")),
    };
    stop.cancel();
    if let Some(gateway) = gateway.take() {
        gateway.shutdown(GRACE).await;
    }
    if tokio::time::timeout(GRACE, server).await.is_err() {
        tracing::warn!("a request to the dashboard was cut off after {} s", GRACE.as_secs());
    }
    store.close().await;
    tracing::info!("stopped");
    ended
}

/// The authorities in a file, PEM.
fn authorities(file: &Path) -> Result<Arc<str>> {
    let name = file.display();
    let pem = std::fs::read_to_string(file).with_context(|| format!("--redis-ca-file: {name} cannot be read"))?;
    if !secrets::is_authority(&pem) {
        return Err(anyhow!("--redis-ca-file: {name} has no PEM certificates of authorities"));
    }
    Ok(pem.into())
}

async fn bind(settings: &Settings) -> Result<impl Listener<Io = tokio::net::TcpStream, Addr = std::net::SocketAddr>> {
    let address = settings.dashboard_addr;
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("the dashboard cannot listen on {address}; is another Postern running? Choose another port with --dashboard-addr")
    })?;
    Ok(listener.tap_io(|connection| {
        // Without it a page that is streamed in parts waits for the other side's acknowledgements.
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY cannot be set");
        }
    }))
}

async fn start_control(
    settings: &Settings,
    dashboard: std::net::SocketAddr,
    stop: &CancellationToken,
) -> Result<(Control, Store)> {
    make_private_folder(&settings.data_dir)
        .with_context(|| format!("the data folder {} cannot be made", settings.data_dir.display()))?;
    let store = Store::open(&settings.database_url).await?;
    let key = control::open_master_key(&store, &settings.data_dir.join(crate::config::MASTER_KEY)).await?;
    let keeping = Keeping { path: settings.data_dir.join("last-good-values"), key: key.derive("last good values 1")? };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let fingerprints = FingerprintKey::new(random()?);
    let engine = Engine::start_keeping(clock.clone(), fingerprints.clone(), stop.clone(), &keeping);
    engine.set_environment(Environment::of(&settings.env_prefix, std::env::vars_os()));
    let parts = Parts {
        store: store.clone(),
        sealer: Sealer::new(&key)?,
        engine,
        fingerprints,
        session_key: SessionKey::new(key.derive("sessions of browsers 1")?),
        own_addresses: vec![dashboard],
        ambient: settings.ambient.clone(),
        instance: InstanceFacts {
            id: hex(&random::<8>()?),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: clock.now(),
        },
        clock,
    };
    Ok((Control::start(parts, stop.clone()).await?, store))
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The data folder is for its owner only; a folder that is there already is left as it is.
fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The signals that stop the program. They are listened for from the start: a signal during the start
/// stops it cleanly too.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be listened for")?;
        let interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be listened for")?;
        Ok(Self { terminate, interrupt })
    }

    async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
