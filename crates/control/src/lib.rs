#![doc = include_str!("../README.md")]

mod armed;
mod certificates;
mod changes;
mod config;
mod consumers;
mod consumers_by_name;
mod credentials;
mod errors;
mod explain;
mod inspect;
mod known;
mod live;
mod plane;
mod plugin_sets;
mod plugins;
mod proof;
mod providers;
mod publish;
mod read;
mod references;
mod row;
mod services;
mod views;
mod webhooks;

pub use inspect::{InspectError, Inspector, WhichProvider};

#[cfg(test)]
mod patch_tests;

use config::{Change, Config};
use errors::{Described, internal};
use postern::control::{Answer, ControlError};
use postern::fingerprint::FingerprintKey;
use postern::instance::GatewayInstance;
use postern::name::GroupName;
use postern::provider::ProviderKey;
use postern::session_key::SessionKey;
use postern::snapshot::Snapshot;
use postern::time::{Clock, Millis};
use proof::Prover;
use publish::Published;
use secrets::{Ambient, Engine};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Instant;
use store::{MasterKey, Sealer, Store};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use webhooks::Calls;

/// The control plane of one gateway group.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    group: GroupName,
    store: Store,
    sealer: Arc<Sealer>,
    engine: Engine,
    clock: Arc<dyn Clock>,
    fingerprints: FingerprintKey,
    prover: Prover,
    /// Of the gateway group.
    session_key: SessionKey,
    own_addresses: Vec<SocketAddr>,
    ambient: BTreeMap<GroupName, Ambient>,
    instance: InstanceFacts,
    gateway: OnceLock<Arc<dyn RunningGateway>>,
    /// One change at a time, from reading what is stored to publishing what was stored.
    changing: tokio::sync::Mutex<()>,
    /// Rung when whoever asked for a change went away while it was being stored: it may be stored or not.
    cut_off: Notify,
    config: RwLock<Arc<Config>>,
    published: Mutex<Published>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    tests: Mutex<BTreeMap<ProviderKey, TestResult>>,
    /// What the last review of each provider found too much.
    excess: Mutex<BTreeMap<ProviderKey, Vec<String>>>,
    calls: Mutex<Calls>,
}

/// The outcome of the last Test Connection of a stored provider.
#[derive(Clone, Debug)]
struct TestResult {
    at: Millis,
    failure: Option<String>,
}

/// What this process says of itself.
#[derive(Clone, Debug)]
pub struct InstanceFacts {
    pub id: String,
    pub version: String,
    pub started_at: Millis,
}

/// The gateway of this process, as far as the control plane may know it.
pub trait RunningGateway: Send + Sync {
    /// Where it answers requests.
    fn address(&self) -> SocketAddr;
    /// Where it answers over TLS, if it does.
    fn tls_address(&self) -> Option<SocketAddr> {
        None
    }
    /// The revision that every worker enforces.
    fn applied_revision(&self) -> u64;
    /// Whether a request with a good key has passed since the start.
    fn authenticated_seen(&self) -> bool;
}

/// All that [`Control::start`] needs.
pub struct Parts {
    pub store: Store,
    pub sealer: Sealer,
    pub engine: Engine,
    pub clock: Arc<dyn Clock>,
    /// The same as the engine's.
    pub fingerprints: FingerprintKey,
    /// Derived from the master key; each gateway group gets one made of it.
    pub session_key: SessionKey,
    /// What the providers of each gateway group may use of the machine; nothing where a group is not named.
    pub ambient: BTreeMap<GroupName, Ambient>,
    /// Addresses of our own listeners besides the gateway: never an upstream, never a secret manager.
    pub own_addresses: Vec<SocketAddr>,
    pub instance: InstanceFacts,
}

/// The name of the fact that says which key seals the database.
const KEY_FACT: &str = "master_key_id";

/// Opens the master key that belongs to the database, or makes the first one.
///
/// # Errors
/// The key that is needed is missing or another one; the database does not answer.
pub async fn open_master_key(store: &Store, path: &std::path::Path) -> Result<MasterKey, OpenKeyError> {
    let needed = store.fact(KEY_FACT).await?;
    let key = MasterKey::open(path, needed.as_deref())?;
    if needed.is_none() {
        store.set_fact(KEY_FACT, &key.id()).await?;
    }
    Ok(key)
}

/// Why the master key could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenKeyError {
    #[error(transparent)]
    Key(#[from] store::KeyError),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

impl Control {
    /// Loads what is stored, starts resolving, and publishes the first snapshot. Its task ends with `shutdown`.
    ///
    /// # Errors
    /// The database does not answer, or holds what this version cannot read.
    pub async fn start(parts: Parts, shutdown: CancellationToken) -> Result<Self, StartError> {
        let (snapshots, _) = watch::channel(Snapshot::empty(parts.fingerprints.clone()));
        let sealer = Arc::new(parts.sealer);
        let prover = Prover { sealer: Arc::clone(&sealer), fingerprints: parts.fingerprints.clone() };
        let control = Self(Arc::new(Inner {
            group: GroupName::default_group(),
            store: parts.store,
            sealer,
            engine: parts.engine,
            clock: parts.clock,
            fingerprints: parts.fingerprints,
            prover,
            session_key: parts.session_key.of_group(&GroupName::default_group()),
            own_addresses: parts.own_addresses,
            ambient: parts.ambient,
            instance: parts.instance,
            gateway: OnceLock::new(),
            changing: tokio::sync::Mutex::new(()),
            cut_off: Notify::new(),
            config: RwLock::new(Arc::new(Config::empty(GroupName::default_group()))),
            published: Mutex::default(),
            snapshots,
            tests: Mutex::default(),
            excess: Mutex::default(),
            calls: Mutex::default(),
        }));
        control.0.load().await?;
        tokio::spawn(control.clone().follow_engine(shutdown.clone()));
        tokio::spawn(control.clone().follow_store(shutdown));
        Ok(control)
    }

    /// What the gateway is to run, now and after every change.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots.subscribe()
    }

    /// Lets the control plane see the gateway that runs its snapshots. Later calls change nothing.
    pub fn attach(&self, gateway: Arc<dyn RunningGateway>) {
        // A second gateway is refused by the cell, which is what "later calls change nothing" says.
        let _already_attached = self.0.gateway.set(gateway);
    }

    /// Whether the database answers: what `/readyz` asks.
    pub async fn is_ready(&self) -> bool {
        self.0.store.ping().await.is_ok()
    }

    /// Reads everything again after a change of which nobody learned whether it was stored.
    async fn follow_store(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.0.cut_off.notified() => {}
            }
            let _changing = self.0.changing.lock().await;
            if let Err(error) = self.0.load_settled().await {
                // The next change finds the same database, and says what is wrong with it.
                tracing::error!(%error, "the configuration cannot be read again after a change that was cut off");
            }
        }
    }

    /// Publishes anew whenever the value of a reference changed.
    async fn follow_engine(self, shutdown: CancellationToken) {
        let mut changes = self.0.engine.changes();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                changed = changes.changed() => if changed.is_err() { return },
            }
            let began = Instant::now();
            self.0.publish();
            // When a great many references change at once, half of the time is left to reading them.
            tokio::time::sleep(began.elapsed()).await;
        }
    }
}

/// Why the control plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the configuration cannot be read from the database")]
    Store(#[from] store::StoreError),
    #[error("the stored {kind} '{name}' cannot be read by this version")]
    Unreadable {
        kind: &'static str,
        name: String,
        #[source]
        source: NotUnderstood,
    },
    /// A provider's or credential's sealed value does not open.
    #[error("a secret of {what} cannot be opened")]
    Sealed {
        what: String,
        #[source]
        source: store::SealError,
    },
}

/// Where stored JSON is not what it should be. Serde's own words quote what stands there.
#[derive(Debug, thiserror::Error)]
#[error("{what} at line {line}, column {column}")]
pub struct NotUnderstood {
    what: &'static str,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for NotUnderstood {
    fn from(error: serde_json::Error) -> Self {
        let what = if error.is_data() { "something else was expected" } else { "it is no JSON" };
        Self { what, line: error.line(), column: error.column() }
    }
}

/// Dropped when a change was cut off while it was being stored.
struct Unsure<'a>(&'a Notify);

impl Drop for Unsure<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Inner {
    /// Reads the whole configuration, hands it to the engine, and publishes it.
    async fn load(&self) -> Result<(), StartError> {
        let (config, armed) = self.read_all().await?;
        self.store.sound().await?;
        self.engine.set_providers(config.open_providers(&self.sealer, &self.ambient())?);
        self.engine.watch(config.references());
        self.publish_all(Arc::new(config), armed);
        Ok(())
    }

    /// The same, once no write is under way any more.
    async fn load_settled(&self) -> Result<(), StartError> {
        self.store.settled().await?;
        self.load().await
    }

    /// Stores a change. Should whoever asked for it go away before the answer is there, what is stored is read again.
    async fn storing<T>(&self, write: impl Future<Output = T>) -> T {
        let unsure = Unsure(&self.cut_off);
        let answer = write.await;
        std::mem::forget(unsure);
        answer
    }

    /// After a change was stored: puts it in force, and waits a moment for the gateway to enforce it. Should that
    /// fail, everything is read again: what is stored decides.
    async fn changed(&self, change: Change) -> Answer<()> {
        if let Err(error) = self.put_in_force(change) {
            tracing::error!(%error, "a change could not be put in force by itself; the configuration is read anew");
            self.load().await.map_err(internal)?;
        }
        self.enforced().await;
        Ok(())
    }

    fn put_in_force(&self, change: Change) -> Result<(), StartError> {
        let mut config = Config::clone(&self.config());
        let touched = config.apply(change)?;
        if let Some(key) = &touched.provider {
            match config.open_provider(key, &self.sealer, &self.ambient())? {
                Some(provider) => self.engine.set_provider(provider),
                None => self.engine.remove_provider(&self.group, key),
            }
        }
        for reference in &touched.references {
            if config.is_in_use(reference) {
                self.engine.watch_also(&self.group, reference);
            } else {
                self.engine.unwatch(&self.group, reference);
            }
        }
        self.publish_change(Arc::new(config), touched);
        Ok(())
    }

    /// Waits until the gateway enforces what was published last, for at most a fifth of a second: a
    /// gateway that is slower than that is shown as such, not waited for.
    async fn enforced(&self) {
        let wanted = self.snapshots.borrow().revision;
        let Some(gateway) = self.gateway.get() else { return };
        for _ in 0..200 {
            if gateway.applied_revision() >= wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Only while `published` is locked: what is published follows the configuration in force.
    fn replace_config(&self, config: &Arc<Config>) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = config.clone();
    }

    /// What the server's configuration lets this group use of the machine.
    fn ambient(&self) -> Ambient {
        self.ambient.get(&self.group).cloned().unwrap_or_default()
    }

    fn now(&self) -> Millis {
        self.clock.now()
    }

    fn gateway_instance(&self) -> Option<GatewayInstance> {
        let gateway = self.gateway.get()?;
        Some(GatewayInstance {
            id: self.instance.id.clone(),
            version: self.instance.version.clone(),
            address: gateway.address().to_string(),
            started_at: self.instance.started_at,
            // It lives in this process, so it is heard of whenever it is asked about.
            seen_at: self.now(),
            applied_revision: gateway.applied_revision(),
            wanted_revision: self.snapshots.borrow().revision,
        })
    }

    /// Turns the store's answer to a save into an operator's: a stale revision becomes a conflict that
    /// shows what the other operator changed since `revision`.
    async fn answer_save<T: Described>(
        &self,
        result: Result<store::Row, store::StoreError>,
        object: &T,
        row: &str,
        revision: u64,
    ) -> Answer<store::Row> {
        match result {
            Err(store::StoreError::Stale { current }) => {
                let was = self.store.masked_at(row, revision).await.map_err(internal)?;
                let now = self.store.masked_at(row, current).await.map_err(internal)?;
                Err(ControlError::Conflict { current, changes: changes::between(was.as_deref(), now.as_deref()) })
            }
            other => other.map_err(|e| object.describe(e)),
        }
    }

    /// Whether a host and port are one of our own listeners.
    fn is_own_address(&self, host: &str, port: u16) -> bool {
        let gateway = self.gateway.get();
        let tls = gateway.and_then(|gateway| gateway.tls_address());
        let gateway = gateway.map(|gateway| gateway.address());
        self.own_addresses.iter().chain(&gateway).chain(&tls).any(|own| {
            let here = own.ip().is_loopback() || own.ip().is_unspecified();
            own.port() == port
                && match host.parse::<std::net::IpAddr>() {
                    Ok(ip) => ip == own.ip() || (here && (ip.is_loopback() || ip.is_unspecified())),
                    Err(_) => here && host.eq_ignore_ascii_case("localhost"),
                }
        })
    }
}
