//! Everything the engine knows, behind one lock that is never held while waiting.

use super::ProviderConfig;
use super::address::Address;
use super::entry::{Awaited, Entry, Told};
use super::held::Held;
use super::kept::{self, Kept, Record, ToKeep};
use super::provider::{Provider, hashed, identity};
use crate::Environment;
use postern::env_ref::EnvRef;
use postern::fingerprint::FingerprintKey;
use postern::name::GroupName;
use postern::provider::{ProviderActivity, ProviderKey};
use postern::resolve::{Failure, ReferenceState, Resolved, StateName};
use postern::secret_ref::SecretRef;
use postern::selection::Selector;
use postern::sensitive::Plain;
use postern::time::Millis;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use tokio_util::task::AbortOnDropHandle;

/// Starts the life of one secret with one generation of its provider.
pub(super) type Spawn<'a> = &'a dyn Fn(Address, u64) -> AbortOnDropHandle<()>;

/// Providers and secrets.
pub(super) struct Board {
    providers: BTreeMap<(GroupName, ProviderKey), Arc<Provider>>,
    entries: HashMap<Address, Entry>,
    /// Secrets of which something was told, until they are asked for.
    changed: HashSet<Address>,
    generations: u64,
    pub(super) fingerprints: FingerprintKey,
    /// What was kept over the restart. Gone once the first references are known.
    restored: HashMap<Address, Kept>,
    /// The references in use are known.
    settled: bool,
    /// What references to the environment may read, and when it was set.
    environment: (Environment, Millis),
    /// Set at shutdown: nothing is started any more.
    closed: bool,
}

impl Board {
    pub(super) fn new(fingerprints: FingerprintKey, restored: HashMap<Address, Kept>) -> Self {
        Self {
            providers: BTreeMap::new(),
            entries: HashMap::new(),
            changed: HashSet::new(),
            generations: 0,
            fingerprints,
            restored,
            settled: false,
            environment: (Environment::none(), Millis(0)),
            closed: false,
        }
    }

    pub(super) fn provider(&self, group: &GroupName, key: &ProviderKey) -> Option<&Arc<Provider>> {
        self.providers.get(&(group.clone(), key.clone()))
    }

    /// What references to the environment may read from now on: also the providers that are set after this.
    pub(super) fn set_environment(&mut self, environment: Environment, now: Millis) {
        self.environment = (environment, now);
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment.0
    }

    /// The value of a variable, and where a reference to it stands.
    pub(super) fn variable(&self, reference: &EnvRef) -> (Option<Plain>, ReferenceState) {
        let (environment, read_at) = &self.environment;
        match environment.value(reference) {
            Ok(value) => {
                let fingerprint = hashed(&value, &self.fingerprints).short();
                let length = value.length();
                let resolved = Resolved { version: None, length, fingerprint, read_at: *read_at, took_ms: 0 };
                (Some(value), ReferenceState::Ok(resolved))
            }
            Err(failure) => (None, ReferenceState::Failed { failure }),
        }
    }

    pub(super) fn entry(&mut self, address: &Address) -> Option<&mut Entry> {
        self.entries.get_mut(address)
    }

    /// The secret, while its provider is of that generation.
    pub(super) fn entry_of(&mut self, address: &Address, generation: u64) -> Option<(&mut Entry, Arc<Provider>)> {
        let provider = self.provider(&address.group, &address.provider)?.clone();
        let entry = self.entries.get_mut(address)?;
        (provider.generation == generation).then_some((entry, provider))
    }

    /// A provider's watched secrets; none while it is missing.
    pub(super) fn watched_of(
        &mut self,
        group: &GroupName,
        key: &ProviderKey,
    ) -> impl Iterator<Item = (&Address, &mut Entry)> {
        let is_there = self.provider(group, key).is_some();
        let entries = self.entries.iter_mut().filter(move |(address, _)| is_there && address.is_of(group, key));
        entries.filter(|(_, entry)| !entry.watched.is_empty())
    }

    /// Ends every life. Whoever waits for a round is let go.
    pub(super) fn close(&mut self) {
        self.closed = true;
        self.entries.clear();
    }

    /// Replaces the providers, and restarts the secrets of those that changed. Answers which these are.
    pub(super) fn set_providers(&mut self, configs: Vec<ProviderConfig>, spawn: Spawn<'_>) -> Vec<Address> {
        let mut before = std::mem::take(&mut self.providers);
        let mut keeps_values: BTreeMap<(GroupName, ProviderKey), bool> = BTreeMap::new();
        for config in configs {
            let key = (config.group.clone(), config.provider.key());
            let old = before.remove(&key);
            if let Some(keep) = self.place(config, old) {
                keeps_values.insert(key, keep);
            }
        }
        keeps_values.extend(before.into_keys().map(|key| (key, false)));
        self.restart(&keeps_values, spawn)
    }

    /// Replaces one provider, as [`Board::set_providers`] does with all.
    pub(super) fn set_provider(&mut self, config: ProviderConfig, spawn: Spawn<'_>) -> Vec<Address> {
        let key = (config.group.clone(), config.provider.key());
        let old = self.providers.remove(&key);
        match self.place(config, old) {
            Some(keep) => self.restart(&BTreeMap::from([(key, keep)]), spawn),
            None => vec![],
        }
    }

    /// Takes one provider away. Answers its secrets.
    pub(super) fn remove_provider(
        &mut self,
        group: &GroupName,
        provider: &ProviderKey,
        spawn: Spawn<'_>,
    ) -> Vec<Address> {
        let key = (group.clone(), provider.clone());
        match self.providers.remove(&key) {
            Some(_) => self.restart(&BTreeMap::from([(key, false)]), spawn),
            None => vec![],
        }
    }

    /// Puts a provider in place of the `old` one. When it is another, answers whether the values that were read
    /// with the old one may be kept.
    fn place(&mut self, config: ProviderConfig, old: Option<Arc<Provider>>) -> Option<bool> {
        let key = (config.group.clone(), config.provider.key());
        let identity = identity(&config.provider, &self.fingerprints);
        match old {
            Some(same) if same.config.revision == config.revision && same.identity == identity => {
                self.providers.insert(key, same);
                None
            }
            old => {
                self.generations += 1;
                let provider = Provider::new(config, identity, self.generations, &self.environment.0);
                let keep = old.is_some_and(|old| old.source == provider.source);
                self.providers.insert(key, Arc::new(provider));
                Some(keep)
            }
        }
    }

    /// Restarts the secrets of these providers, and says for each whether values are kept.
    fn restart(&mut self, keeps_values: &BTreeMap<(GroupName, ProviderKey), bool>, spawn: Spawn<'_>) -> Vec<Address> {
        let mut restarted = Vec::new();
        for (address, entry) in &mut self.entries {
            let key = (address.group.clone(), address.provider.clone());
            if let Some(keep) = keeps_values.get(&key) {
                let provider = self.providers.get(&key);
                entry.restart(*keep, provider.map(|provider| spawn(address.clone(), provider.generation)));
                restarted.push(address.clone());
            }
        }
        restarted
    }

    /// Replaces the references in use. A new one is read at once, even when its secret is known. Answers
    /// which secrets have new ones.
    pub(super) fn watch(
        &mut self,
        references: &BTreeSet<(GroupName, SecretRef)>,
        now: Millis,
        spawn: Spawn<'_>,
    ) -> Vec<Address> {
        if self.closed {
            return vec![];
        }
        let mut wanted: HashMap<Address, BTreeSet<&Selector>> = HashMap::new();
        for (group, reference) in references {
            wanted.entry(Address::of(group, reference)).or_default().insert(reference.selector());
        }
        self.entries.retain(|address, entry| {
            let selectors = wanted.get(address);
            entry.watched.retain(|selector, _| selectors.is_some_and(|selectors| selectors.contains(selector)));
            selectors.is_some() || entry.is_wanted()
        });
        let mut grown = Vec::new();
        for (address, selectors) in wanted {
            let restored = self.restore(&address, now);
            let entry = self.entry_or_new(&address, spawn);
            if let Some(held) = restored.filter(|_| entry.held.is_cold()) {
                entry.held = held;
            }
            let is_new = |selector: &&Selector| !entry.watched.contains_key(*selector);
            let new: Vec<&Selector> = selectors.into_iter().filter(is_new).collect();
            if new.is_empty() {
                continue;
            }
            entry.watched.extend(new.into_iter().map(|selector| (selector.clone(), None)));
            entry.want_round();
            grown.push(address);
        }
        self.restored.clear();
        self.settled = true;
        grown
    }

    /// What was kept of a secret, if its provider still reads from there and keeps values.
    fn restore(&mut self, address: &Address, now: Millis) -> Option<Held> {
        let kept = self.restored.remove(address)?;
        let provider = self.provider(&address.group, &address.provider)?;
        let freshness = provider.config.provider.freshness;
        let is_meant = freshness.keep_over_restart && provider.source == kept.source;
        Held::restored(kept, &address.path, now, freshness).filter(|_| is_meant)
    }

    /// What is to be kept over a restart.
    pub(super) fn to_keep(&self) -> ToKeep {
        if !self.settled || self.closed {
            return ToKeep::Unknown;
        }
        let records: Vec<_> = self.entries.iter().filter_map(|(address, entry)| self.record(address, entry)).collect();
        kept::encode(&records)
    }

    fn record<'a>(&'a self, address: &'a Address, entry: &'a Entry) -> Option<Record<'a>> {
        let provider = self.provider(&address.group, &address.provider)?;
        let keeps = provider.config.provider.freshness.keep_over_restart;
        keeps.then(|| entry.held.to_keep(entry.watched.keys(), address, &provider.source))?
    }

    /// What a provider is doing.
    pub(super) fn activity(&self, group: &GroupName, key: &ProviderKey) -> ProviderActivity {
        let Some(provider) = self.provider(group, key) else { return ProviderActivity::default() };
        let keeps = provider.config.provider.freshness.keep_over_restart;
        let entries = self.entries.iter().filter(|(address, _)| keeps && address.is_of(group, key));
        let kept: Vec<(usize, Millis)> =
            entries.filter_map(|(_, entry)| entry.held.keepable(entry.watched.keys())).collect();
        ProviderActivity {
            away_since: provider.gate.away_since(),
            versions: provider.versions(),
            kept: kept.iter().map(|(values, _)| values).sum(),
            oldest_kept: kept.iter().map(|(_, read_at)| *read_at).min(),
        }
    }

    /// Adds one value of a secret to those in use. Answers whether it is new.
    pub(super) fn watch_also(&mut self, address: &Address, selector: &Selector, spawn: Spawn<'_>) -> bool {
        if self.closed {
            return false;
        }
        let entry = self.entry_or_new(address, spawn);
        if entry.watched.contains_key(selector) {
            return false;
        }
        entry.watched.insert(selector.clone(), None);
        entry.want_round();
        true
    }

    /// Takes one value of a secret from those in use.
    pub(super) fn unwatch(&mut self, address: &Address, selector: &Selector) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        entry.watched.remove(selector);
        if !entry.is_wanted() {
            self.entries.remove(address);
        }
    }

    /// The secrets of which something was told since this was last asked.
    pub(super) fn take_changed(&mut self) -> Vec<Address> {
        self.changed.drain().collect()
    }

    /// Someone waits for a value. Nothing is done while the provider is missing.
    pub(super) fn visit(&mut self, address: &Address, selector: &Selector, spawn: Spawn<'_>) -> Option<Awaited> {
        if self.closed || self.provider(&address.group, &address.provider).is_none() {
            return None;
        }
        let entry = self.entry_or_new(address, spawn);
        *entry.visited.entry(selector.clone()).or_default() += 1;
        // A round may be waiting for its turn, which it needs no longer.
        entry.bell.notify_one();
        Some(entry.want_answer())
    }

    /// The counterpart of [`Board::visit`].
    pub(super) fn leave(&mut self, address: &Address, selector: &Selector) {
        let Some(entry) = self.entries.get_mut(address) else { return };
        if let Some(visitors) = entry.visited.get_mut(selector) {
            *visitors -= 1;
            if *visitors == 0 {
                entry.visited.remove(selector);
            }
        }
        if !entry.is_wanted() {
            self.entries.remove(address);
        }
    }

    fn entry_or_new(&mut self, address: &Address, spawn: Spawn<'_>) -> &mut Entry {
        let provider = self.providers.get(&(address.group.clone(), address.provider.clone()));
        let generation = provider.map(|provider| provider.generation);
        self.entries.entry(address.clone()).or_insert_with(|| Entry {
            life: generation.map(|generation| spawn(address.clone(), generation)),
            ..Entry::default()
        })
    }

    /// The value that may be used now, and where it stands.
    pub(super) fn view(&self, address: &Address, selector: &Selector, now: Millis) -> (Option<Plain>, ReferenceState) {
        let Some(provider) = self.provider(&address.group, &address.provider) else {
            return (None, ReferenceState::Failed { failure: self.provider_missing(address) });
        };
        match self.entries.get(address) {
            Some(entry) => entry.held.view(selector, now, provider.config.provider.freshness, &self.fingerprints),
            None => (None, ReferenceState::Pending),
        }
    }

    fn provider_missing(&self, address: &Address) -> Failure {
        let known = self
            .providers
            .keys()
            .filter(|(group, provider)| group == &address.group && provider.manager == address.provider.manager);
        let known = known.map(|(_, provider)| provider.id.to_string()).collect();
        Failure::ProviderMissing { provider: address.provider.clone(), known }
    }

    /// Finds which watched values of a secret changed since they were last told of, and remembers that they
    /// are told of now. That a reference is read for the first time is no change.
    pub(super) fn changed(&mut self, address: &Address, now: Millis) -> Vec<(Selector, ReferenceState)> {
        let watched = self.entries.get(address).into_iter().flat_map(|entry| &entry.watched);
        let views: Vec<(Selector, Told, ReferenceState)> = watched
            .filter_map(|(selector, before)| {
                let (value, state) = self.view(address, selector, now);
                let told = Told { name: state.name(), value: value.map(|value| hashed(&value, &self.fingerprints)) };
                let changed = before.as_ref().map_or(told.name != StateName::Pending, |before| *before != told);
                changed.then(|| (selector.clone(), told, state))
            })
            .collect();
        let Some(entry) = self.entries.get_mut(address) else { return vec![] };
        if !views.is_empty() {
            self.changed.insert(address.clone());
        }
        let remember = |(selector, told, state): (Selector, Told, ReferenceState)| {
            entry.watched.insert(selector.clone(), Some(told));
            (selector, state)
        };
        views.into_iter().map(remember).collect()
    }
}
