//! The resolve engine: every reference in use, read ahead of time and kept in memory.
//!
//! One secret is read once for all its keys, whoever waits for it. Nobody who only wants a value waits:
//! [`Engine::current`] answers from memory. A value is replaced before it is too old, kept through an
//! outage for a limited time, and dropped at once when the manager says no.

mod address;
mod board;
mod breaker;
mod entry;
mod gate;
mod held;
mod kept;
mod life;
mod names;
mod pace;
mod provider;

pub use address::Address;

use crate::{Ambient, Environment};
use board::Board;
use entry::{Awaited, Entry};
use futures_util::future::join_all;
use kept::Keeper;
pub use kept::Keeping;
use postern::env_ref::EnvRef;
use postern::fingerprint::FingerprintKey;
use postern::name::GroupName;
use postern::provider::{ProviderActivity, ProviderKey, SecretProvider, VersionCheck};
use postern::resolve::{Failure, ReferenceState};
use postern::secret_ref::{SCHEME, SecretRef};
use postern::selection::{Selector, suffix};
use postern::sensitive::Plain;
use postern::time::Clock;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Reads the secrets behind references and keeps them fresh. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

/// One provider of one group, as stored, with its secrets opened.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    pub group: GroupName,
    pub provider: SecretProvider<Plain>,
    /// Of the stored object.
    pub revision: u64,
    /// What its group may use of the machine.
    pub ambient: Ambient,
}

struct Inner {
    board: Mutex<Board>,
    changes: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    /// Writes down what is to survive a restart.
    keeper: Option<Keeper>,
}

impl Engine {
    /// Starts an engine without providers and references, which keeps nothing over a restart. Its tasks run on the
    /// current tokio runtime and end when `shutdown` fires; values are wiped then.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(clock: Arc<dyn Clock>, fingerprints: FingerprintKey, shutdown: CancellationToken) -> Self {
        Self::start_with(clock, fingerprints, shutdown, None, HashMap::new())
    }

    /// The same, keeping last good values in a file, and beginning with what that file holds: the first
    /// [`Engine::watch`] takes them over where a provider still reads from the same place.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start_keeping(
        clock: Arc<dyn Clock>,
        fingerprints: FingerprintKey,
        shutdown: CancellationToken,
        keeping: &Keeping,
    ) -> Self {
        let (keeper, restored) = Keeper::open(keeping);
        Self::start_with(clock, fingerprints, shutdown, keeper, restored)
    }

    fn start_with(
        clock: Arc<dyn Clock>,
        fingerprints: FingerprintKey,
        shutdown: CancellationToken,
        keeper: Option<Keeper>,
        restored: HashMap<Address, kept::Kept>,
    ) -> Self {
        let runtime = Handle::current();
        let board = Mutex::new(Board::new(fingerprints, restored));
        let inner = Arc::new(Inner { board, changes: watch::Sender::new(0), clock, runtime, keeper });
        let at_end = inner.clone();
        inner.runtime.spawn(async move {
            match &at_end.keeper {
                Some(keeper) => keeper.run(&at_end, shutdown).await,
                None => shutdown.cancelled().await,
            }
            at_end.board().close();
        });
        Self { inner }
    }

    /// Replaces all providers. One whose revision or settings changed is read anew at once, and a value read
    /// with other settings is never used: only a new token or CA Certificate keeps it while the new
    /// read is under way, since both read the same secrets. Unchanged ones keep their state.
    pub fn set_providers(&self, providers: Vec<ProviderConfig>) {
        let mut board = self.inner.board();
        let secrets = board.set_providers(providers, &self.inner.spawn());
        self.inner.tell(board, &secrets);
        self.inner.keep_changed();
    }

    /// Puts one provider in place of the one with its name, as [`Engine::set_providers`] does with all.
    pub fn set_provider(&self, provider: ProviderConfig) {
        let mut board = self.inner.board();
        let secrets = board.set_provider(provider, &self.inner.spawn());
        self.inner.tell(board, &secrets);
        self.inner.keep_changed();
    }

    /// Takes one provider away: its references fail, and its values are wiped.
    pub fn remove_provider(&self, group: &GroupName, provider: &ProviderKey) {
        let mut board = self.inner.board();
        let secrets = board.remove_provider(group, provider, &self.inner.spawn());
        self.inner.tell(board, &secrets);
        self.inner.keep_changed();
    }

    /// What references to the environment may read from now on, and the providers that are set after this.
    /// Without it they may read nothing.
    pub fn set_environment(&self, environment: Environment) {
        self.inner.board().set_environment(environment, self.inner.clock.now());
    }

    /// The value of a variable of the environment, and where a reference to it stands. It is not watched: the
    /// environment does not change.
    #[must_use]
    pub fn variable(&self, reference: &EnvRef) -> (Option<Plain>, ReferenceState) {
        self.inner.board().variable(reference)
    }

    /// Adds one reference to those in use. A new one is read at once.
    pub fn watch_also(&self, group: &GroupName, reference: &SecretRef) {
        let mut board = self.inner.board();
        let address = Address::of(group, reference);
        if board.watch_also(&address, reference.selector(), &self.inner.spawn()) {
            self.inner.tell(board, &[address]);
        }
    }

    /// Takes one reference from those in use: it is no longer read, and its value is wiped.
    pub fn unwatch(&self, group: &GroupName, reference: &SecretRef) {
        self.inner.board().unwatch(&Address::of(group, reference), reference.selector());
        self.inner.keep_changed();
    }

    /// Replaces the references in use. A new one is read at once; one that is gone is no longer read, and
    /// its value is wiped.
    pub fn watch(&self, references: BTreeSet<(GroupName, SecretRef)>) {
        let mut board = self.inner.board();
        let secrets = board.watch(&references, self.inner.clock.now(), &self.inner.spawn());
        self.inner.tell(board, &secrets);
        self.inner.keep_changed();
    }

    /// The value of a reference that may be used now (fresh, or bridging an outage), and where the
    /// reference stands. From memory: never waits. A reference that is not watched is `Pending`.
    #[must_use]
    pub fn current(&self, group: &GroupName, reference: &SecretRef) -> (Option<Plain>, ReferenceState) {
        let address = Address::of(group, reference);
        self.inner.board().view(&address, reference.selector(), self.inner.clock.now())
    }

    /// Ticks whenever a watched reference's value or the name of its state has changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// The secrets of which a watched reference's value or state has changed since this was last asked: it has
    /// one asker, who looks at [`Engine::current`] after each tick of [`Engine::changes`].
    #[must_use]
    pub fn take_changed(&self) -> Vec<Address> {
        self.inner.board().take_changed()
    }

    /// Reads a reference now, watched or not, and answers where it stands. Joins a read only when that
    /// begins after this call, so the answer is never older than the question; only the very first read of a
    /// secret is joined by all who ask meanwhile, if it has a value for them.
    pub async fn check(&self, group: &GroupName, reference: &SecretRef) -> ReferenceState {
        let visit = Visit::begin(&self.inner, Address::of(group, reference), reference.selector());
        if let Some(visit) = &visit {
            visit.answered().await;
        }
        match self.current(group, reference).1 {
            ReferenceState::Failed { failure } => {
                ReferenceState::Failed { failure: self.look_around(group, reference, failure).await }
            }
            state => state,
        }
    }

    /// Adds to a failure what only another question can tell.
    async fn look_around(&self, group: &GroupName, reference: &SecretRef, failure: Failure) -> Failure {
        let Address { group, provider, .. } = Address::of(group, reference);
        let manager = self.inner.board().provider(&group, &provider).map(|provider| provider.manager.clone());
        match manager {
            Some(manager) => manager.look_around(failure).await,
            None => failure,
        }
    }

    /// Reads all watched secrets of a provider now, and waits until that is done.
    pub async fn refresh(&self, group: &GroupName, provider: &ProviderKey) {
        if let Some(provider) = self.inner.board().provider(group, provider) {
            // A policy that allows it now may have come since.
            provider.set_versions(VersionCheck::Untried);
        }
        self.refresh_where(group, provider, |_| true).ended().await;
    }

    /// Reads those watched secrets of a provider now whose path is `wanted`. A provider that is away is asked at
    /// once whether it is back.
    pub fn refresh_where(
        &self,
        group: &GroupName,
        provider: &ProviderKey,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Reads {
        let mut board = self.inner.board();
        if let Some(provider) = board.provider(group, provider) {
            provider.gate.hurry();
        }
        let watched = board.watched_of(group, provider).filter(|(address, _)| wanted(&address.path));
        let rounds: Vec<_> = watched.map(|(_, entry)| entry.want_round()).collect();
        Reads { secrets: rounds.len(), rounds }
    }

    /// What a provider in use is doing.
    #[must_use]
    pub fn activity(&self, group: &GroupName, provider: &ProviderKey) -> ProviderActivity {
        self.inner.board().activity(group, provider)
    }

    /// The request a reference causes, for example
    /// `GET http://127.0.0.1:8200/v1/secret/data/api7/consumer/alice` or
    /// `GetSecretValue alice-credentials, key alice-key-auth`. Never asks the manager: nothing
    /// when that would be needed to know.
    #[must_use]
    pub fn request_line(&self, group: &GroupName, reference: &SecretRef) -> Option<String> {
        let Address { group, provider, path, pin } = Address::of(group, reference);
        let manager = self.inner.board().provider(&group, &provider)?.manager.clone();
        manager.request_line(&path, pin.as_ref(), reference.key())
    }

    /// What references to the environment may read.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.inner.board().environment().clone()
    }
}

/// Reads that were asked for. They are made whether or not someone waits.
pub struct Reads {
    /// How many secrets are read.
    pub secrets: usize,
    rounds: Vec<(u64, watch::Receiver<u64>)>,
}

impl Reads {
    /// Waits until all are done.
    pub async fn ended(self) {
        join_all(self.rounds.into_iter().map(|(round, ended)| until(round, ended))).await;
    }
}

/// Someone who waits for a reference. While there is one, its secret stays, watched or not.
struct Visit<'a> {
    inner: &'a Inner,
    address: Address,
    selector: &'a Selector,
    awaited: Awaited,
}

impl<'a> Visit<'a> {
    /// Nothing when the provider is missing: then there is nothing to wait for.
    fn begin(inner: &'a Arc<Inner>, address: Address, selector: &'a Selector) -> Option<Self> {
        let awaited = inner.board().visit(&address, selector, &inner.spawn())?;
        Some(Self { inner, address, selector, awaited })
    }

    /// Waits for the round. The very first one may have begun without this key, or before something was mended:
    /// then for one more.
    async fn answered(&self) {
        until(self.awaited.round, self.awaited.ended.clone()).await;
        let again = {
            let mut board = self.inner.board();
            let state = board.view(&self.address, self.selector, self.inner.clock.now()).1;
            let is_outdated = self.awaited.is_joined && state.resolved().is_none();
            let wants = state == ReferenceState::Pending || is_outdated;
            board.entry(&self.address).filter(|_| wants).map(Entry::want_round)
        };
        if let Some((round, ended)) = again {
            until(round, ended).await;
        }
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.inner.board().leave(&self.address, self.selector);
    }
}

/// Waits for the end of `round`; not when there will be none because the secret is no longer read.
async fn until(round: u64, mut ended: watch::Receiver<u64>) {
    let _ = ended.wait_for(|ended| *ended >= round).await;
}

impl Inner {
    fn board(&self) -> MutexGuard<'_, Board> {
        // A panic elsewhere leaves the board as it was between two statements: good enough to go on.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(self: &Arc<Self>) -> impl Fn(Address, u64) -> AbortOnDropHandle<()> {
        |address, generation| AbortOnDropHandle::new(self.runtime.spawn(life::live(self.clone(), address, generation)))
    }

    /// What is to survive a restart has changed.
    fn keep_changed(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.changed();
        }
    }

    /// What is to survive a restart was read again, and is the same.
    fn keep_aged(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.aged();
        }
    }

    /// Publishes and logs what changed of the watched keys of `secrets`.
    fn tell(&self, mut board: MutexGuard<'_, Board>, secrets: &[Address]) {
        let now = self.clock.now();
        let of_one = |secret| board.changed(secret, now).into_iter().map(move |change| (secret, change));
        let changed: Vec<_> = secrets.iter().flat_map(of_one).collect();
        // Whoever takes the log may be slow, and nobody is to wait for that.
        drop(board);
        if !changed.is_empty() {
            self.changes.send_modify(|ticks| *ticks += 1);
            self.keep_changed();
        }
        for (secret, (selector, state)) in changed {
            log(secret, &selector, &state);
        }
    }
}

/// One line for each change. Names, paths and reasons; never a value, a length or a fingerprint.
fn log(address: &Address, selector: &Selector, state: &ReferenceState) {
    let Address { group, provider, path, pin } = address;
    let key = selector.key.as_str();
    let (path, slug) = (path.join("/"), state.name().slug());
    // A reference to a whole secret has no key.
    let slash = if key.is_empty() { "" } else { "/" };
    let reference = format!("{SCHEME}{provider}/{path}{slash}{key}{}", suffix(pin.as_ref(), selector));
    match (state, state.failure()) {
        (ReferenceState::Pending, _) => {
            tracing::info!(%group, %provider, path, key, state = slug, "{reference} is read anew");
        }
        (ReferenceState::Restored { resolved, .. }, _) => {
            let read_at = resolved.read_at.to_utc_text();
            tracing::info!(%group, %provider, path, key, state = slug,
                "{reference} has the last good value from before the restart, read {read_at}, until it is read anew");
        }
        (_, None) => tracing::info!(%group, %provider, path, key, state = slug, "{reference} has a new value"),
        (_, Some(failure)) => {
            let (reason, what) = (failure.reason(), failure.explain().what);
            tracing::warn!(%group, %provider, path, key, state = slug, %reason, "{reference} is {slug}: {what}");
        }
    }
}
