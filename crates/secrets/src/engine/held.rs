//! What is held of one secret: the last good reading, and what went wrong since.

use super::address::Address;
use super::kept::{Kept, Opened, Record};
use super::pace::Ended;
use crate::document::Document;
use postern::fingerprint::FingerprintKey;
use postern::provider::Freshness;
use postern::resolve::{Failure, FailureClass, ReferenceState, Resolved};
use postern::selection::Selector;
use postern::sensitive::Plain;
use postern::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// The last good reading and the failure since, if any. A definite "no" leaves no reading behind.
#[derive(Debug, Default)]
pub(super) struct Held {
    reading: Option<Reading>,
    failure: Option<Failure>,
    /// When the manager first refused since the last good reading. An outage after that does not make the
    /// value any better.
    denied_at: Option<Millis>,
    /// What the manager refuses while it gives others: the last good values.
    denied_values: BTreeMap<Selector, DeniedValue>,
    /// Rounds in a row that did not end well.
    failures: u32,
}

/// One good reading.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) document: Document,
    /// When the request was sent, so that the value is never older than it seems.
    pub(super) read_at: Millis,
    pub(super) took_ms: u64,
    /// For keys that are missing and were looked for: the last version that had them, if one was found.
    pub(super) last_seen: BTreeMap<String, Option<u64>>,
    /// Kept over a restart: it bridges until there is an answer of any kind, and has no grace.
    pub(super) restored: bool,
}

/// The last good value of what the manager refuses since.
#[derive(Debug)]
struct DeniedValue {
    value: Plain,
    resolved: Resolved,
    denied_at: Millis,
}

/// The value of a key, and what is told of it.
type Value = (Plain, Resolved);

impl Held {
    /// With what was kept over a restart; nothing where that is too old, or from a clock that went another way.
    pub(super) fn restored(kept: Kept, path: &[String], now: Millis, freshness: Freshness) -> Option<Self> {
        let Kept { read_at, took_ms, version, values, .. } = kept;
        let is_fresh_enough = read_at <= now && now < usable_until(read_at, None, freshness);
        let answers = values.into_iter().map(|(selector, value)| (selector, Ok(value.0))).collect();
        let mut document = Document::of_answers(path.join("/"), answers);
        document.version = version;
        let reading = Reading { document, read_at, took_ms, last_seen: BTreeMap::new(), restored: true };
        is_fresh_enough.then(|| Self { reading: Some(reading), ..Self::default() })
    }

    /// What is to be kept over a restart of `watched`: good values that the manager has not refused since.
    pub(super) fn to_keep<'a>(
        &'a self,
        watched: impl Iterator<Item = &'a Selector>,
        address: &'a Address,
        source: &'a str,
    ) -> Option<Record<'a>> {
        let Reading { read_at, took_ms, document, .. } = self.keeps()?;
        let value = |selector: &'a Selector| Some((selector, Opened(document.value(selector, None).ok()?)));
        let values: Vec<_> = watched.filter_map(value).collect();
        let (read_at, took_ms, version) = (*read_at, *took_ms, document.version);
        (!values.is_empty()).then_some(Record { address, source, read_at, took_ms, version, values })
    }

    /// How many values of `watched` would survive a restart now, and when they were read.
    pub(super) fn keepable<'a>(&self, watched: impl Iterator<Item = &'a Selector>) -> Option<(usize, Millis)> {
        let reading = self.keeps()?;
        let values = watched.filter(|selector| reading.document.gives(selector)).count();
        (values > 0).then_some((values, reading.read_at))
    }

    fn keeps(&self) -> Option<&Reading> {
        self.reading.as_ref().filter(|_| self.denied_at.is_none())
    }

    /// The version in use, when the last read went well.
    pub(super) fn version(&self) -> Option<u64> {
        self.reading.as_ref().filter(|_| self.failure.is_none())?.document.version
    }

    /// Whether nothing was heard of the secret yet.
    pub(super) fn is_cold(&self) -> bool {
        self.reading.is_none() && self.failure.is_none()
    }

    pub(super) fn succeed(&mut self, reading: Reading, now: Millis, fingerprints: &FingerprintKey) {
        for (selector, failure) in reading.document.refusals() {
            self.refuse_value(selector, failure, now, fingerprints);
        }
        self.denied_values.retain(|selector, _| reading.document.refusals().any(|(refused, _)| refused == selector));
        self.reading = Some(reading);
        self.failure = None;
        self.denied_at = None;
    }

    /// An outage keeps the last good reading, and a refusal for its grace; a definite "no" drops it at once.
    pub(super) fn fail(&mut self, failure: Failure, now: Millis) {
        match failure.class() {
            FailureClass::DefiniteNo => {
                self.reading = None;
                self.denied_values.clear();
            }
            FailureClass::Denied => {
                self.denied_at.get_or_insert(now);
                // What was kept over a restart is for outages only.
                self.reading.take_if(|reading| reading.restored);
            }
            FailureClass::Outage => {}
        }
        self.failure = Some(failure);
    }

    /// Some values had a "no" of their own, whatever becomes of the others.
    pub(super) fn refuse(&mut self, refused: BTreeMap<Selector, Failure>, now: Millis, fingerprints: &FingerprintKey) {
        for (selector, failure) in refused {
            self.refuse_value(&selector, &failure, now, fingerprints);
            if let Some(reading) = &mut self.reading {
                reading.document.refuse(selector, failure);
            }
        }
    }

    /// The grace begins with the first refusal of what had a value.
    fn refuse_value(&mut self, selector: &Selector, failure: &Failure, now: Millis, fingerprints: &FingerprintKey) {
        if failure.class() == FailureClass::DefiniteNo {
            self.denied_values.remove(selector);
            return;
        }
        let before = self.reading.as_ref().filter(|reading| !reading.restored && reading.document.answers(selector));
        if let Some(Ok((value, resolved))) = before.map(|reading| reading.value(selector, fingerprints)) {
            let denied_at = self.denied_at.unwrap_or(now);
            self.denied_values.insert(selector.clone(), DeniedValue { value, resolved, denied_at });
        }
    }

    /// Counts the round that just ended, and says how it ended for `wanted`.
    pub(super) fn end_round<'a>(&mut self, wanted: impl Iterator<Item = &'a Selector>) -> Ended {
        let well = match (&self.reading, &self.failure) {
            (Some(reading), None) => wanted.into_iter().all(|selector| reading.document.gives(selector)),
            _ => false,
        };
        self.failures = if well { 0 } else { self.failures.saturating_add(1) };
        let times = self.failures;
        match &self.failure {
            Some(failure) if failure.is_transient() => Ended::Outage { times, bridged: self.reading.is_some() },
            Some(_) => Ended::No { times },
            None if well => Ended::Well,
            None => Ended::No { times },
        }
    }

    /// Until when the last good reading stands in for a fresh one, while there is none.
    fn usable_until(&self, freshness: Freshness) -> Option<Millis> {
        let reading = self.reading.as_ref().filter(|reading| self.failure.is_some() || reading.restored)?;
        Some(usable_until(reading.read_at, self.denied_at, freshness))
    }

    /// When the next value ends that stands in for a fresh one.
    pub(super) fn next_expiry(&self, freshness: Freshness) -> Option<Millis> {
        let denied = self.denied_values.values().map(|denied| denied.usable_until(freshness));
        denied.chain(self.usable_until(freshness)).min()
    }

    /// Forgets what has stood in for as long as it may.
    pub(super) fn expire(&mut self, now: Millis, freshness: Freshness) {
        if self.usable_until(freshness).is_some_and(|until| now >= until) {
            self.reading = None;
        }
        self.denied_values.retain(|_, denied| now < denied.usable_until(freshness));
    }

    /// The keys of `wanted` that the secret does not have and which were not looked for yet; and its version.
    pub(super) fn to_look_for<'a>(
        &self,
        wanted: impl Iterator<Item = &'a Selector>,
    ) -> Option<(u64, BTreeSet<String>)> {
        let reading = self.reading.as_ref().filter(|_| self.failure.is_none())?;
        let unknown = |key: &&String| !reading.document.has(key) && !reading.last_seen.contains_key(*key);
        let keys: BTreeSet<String> = wanted.map(|selector| &selector.key).filter(unknown).cloned().collect();
        Some((reading.document.version?, keys)).filter(|(_, keys)| !keys.is_empty())
    }

    /// Adds what a look for `keys` at earlier versions found, and that it found nothing of the others.
    pub(super) fn remember(&mut self, keys: BTreeSet<String>, seen: &BTreeMap<String, u64>) {
        if let Some(reading) = &mut self.reading {
            reading.last_seen.extend(keys.into_iter().map(|key| {
                let version = seen.get(&key).copied();
                (key, version)
            }));
        }
    }

    /// What is known of `last_seen` for that version.
    pub(super) fn last_seen(&self, version: Option<u64>) -> BTreeMap<String, Option<u64>> {
        match &self.reading {
            Some(reading) if reading.document.version == version => reading.last_seen.clone(),
            _ => BTreeMap::new(),
        }
    }

    /// The value of `selector` that may be used now, and where it stands.
    pub(super) fn view(
        &self,
        selector: &Selector,
        now: Millis,
        freshness: Freshness,
        fingerprints: &FingerprintKey,
    ) -> (Option<Plain>, ReferenceState) {
        let reading = self.reading.as_ref().filter(|reading| reading.document.answers(selector));
        let value = reading.map(|reading| reading.value(selector, fingerprints));
        match (value, &self.failure) {
            (None, None) => (None, ReferenceState::Pending),
            (Some(Ok((value, resolved))), None) => match self.usable_until(freshness) {
                None => (Some(value), ReferenceState::Ok(resolved)),
                Some(until) if now < until => (Some(value), ReferenceState::Restored { resolved, until }),
                Some(_) => (None, ReferenceState::Pending),
            },
            (Some(Ok(value)), Some(failure)) => stale(value, failure, self.usable_until(freshness), now),
            (Some(Err(own)), failure) => match self.denied_values.get(selector) {
                Some(denied) => stale(denied.value(), &own, Some(denied.usable_until(freshness)), now),
                None => (None, ReferenceState::Failed { failure: failure.clone().unwrap_or(own) }),
            },
            (None, Some(failure)) => (None, ReferenceState::Failed { failure: failure.clone() }),
        }
    }
}

/// A value that stands in until `until`, if that is still to come.
fn stale(
    (value, resolved): Value,
    failure: &Failure,
    until: Option<Millis>,
    now: Millis,
) -> (Option<Plain>, ReferenceState) {
    let failure = failure.clone();
    match until {
        Some(until) if now < until => (Some(value), ReferenceState::Stale { resolved, failure, until }),
        _ => (None, ReferenceState::Failed { failure }),
    }
}

/// No value is used for longer than an outage may last; one that was refused, for no longer than the grace.
fn usable_until(read_at: Millis, denied_at: Option<Millis>, freshness: Freshness) -> Millis {
    let outage = read_at.plus_seconds(freshness.max_stale_seconds.into());
    let grace = denied_at.map(|at| at.plus_seconds(freshness.denied_grace_seconds.into()));
    grace.map_or(outage, |grace| grace.min(outage))
}

impl DeniedValue {
    fn usable_until(&self, freshness: Freshness) -> Millis {
        usable_until(self.resolved.read_at, Some(self.denied_at), freshness)
    }

    fn value(&self) -> Value {
        (self.value.clone(), self.resolved.clone())
    }
}

impl Reading {
    fn value(&self, selector: &Selector, fingerprints: &FingerprintKey) -> Result<Value, Failure> {
        let value = self.document.value(selector, self.last_seen.get(&selector.key).copied().flatten())?;
        let resolved = Resolved {
            version: self.document.version,
            length: value.length(),
            fingerprint: fingerprint(&value, fingerprints),
            read_at: self.read_at,
            took_ms: self.took_ms,
        };
        Ok((value, resolved))
    }
}

#[expect(clippy::disallowed_methods, reason = "hashed with a key")]
fn fingerprint(value: &Plain, fingerprints: &FingerprintKey) -> String {
    fingerprints.of(value.expose().as_bytes()).short()
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
