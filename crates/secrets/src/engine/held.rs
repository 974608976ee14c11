//! What is held of one secret: the last good reading, and what went wrong since.

use super::board::Address;
use super::kept::{Kept, Record};
use super::pace::Ended;
use crate::document::Document;
use postern::fingerprint::FingerprintKey;
use postern::provider::Freshness;
use postern::resolve::{Failure, FailureClass, ReferenceState, Resolved};
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
    /// Keys that the manager refuses while it gives others: their last good values.
    denied_keys: BTreeMap<String, DeniedKey>,
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

/// The last good value of a key that the manager refuses since.
#[derive(Debug)]
struct DeniedKey {
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
        let answers = values.into_iter().map(|(key, value)| (key, Ok(value))).collect();
        let mut document = Document::of_answers(path.join("/"), answers);
        document.version = version;
        let reading = Reading { document, read_at, took_ms, last_seen: BTreeMap::new(), restored: true };
        is_fresh_enough.then(|| Self { reading: Some(reading), ..Self::default() })
    }

    /// What is to be kept over a restart of `keys`: good values that the manager has not refused since.
    #[expect(clippy::disallowed_methods, reason = "sealed into the file of last good values")]
    pub(super) fn to_keep<'a>(
        &'a self,
        keys: impl Iterator<Item = &'a String>,
        address: &'a Address,
        source: &'a str,
    ) -> Option<Record<&'a Address, &'a str>> {
        let reading = self.keeps()?;
        let value = |key: &'a String| Some((key.as_str(), reading.document.value(key, None).ok()?.expose()));
        let values: Vec<_> = keys.filter_map(value).collect();
        let Reading { read_at, took_ms, document, .. } = reading;
        let (read_at, took_ms, version) = (*read_at, *took_ms, document.version);
        (!values.is_empty()).then_some(Record { address, source, read_at, took_ms, version, values })
    }

    /// How many values of `keys` would survive a restart now, and when they were read.
    pub(super) fn keepable<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Option<(usize, Millis)> {
        let reading = self.keeps()?;
        let values = keys.filter(|key| reading.document.value(key, None).is_ok()).count();
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
        for (key, failure) in reading.document.refusals() {
            self.refuse_key(key, failure, now, fingerprints);
        }
        self.denied_keys.retain(|key, _| reading.document.refusals().any(|(refused, _)| refused == key));
        self.reading = Some(reading);
        self.failure = None;
        self.denied_at = None;
    }

    /// An outage keeps the last good reading, and a refusal for its grace; a definite "no" drops it at once.
    pub(super) fn fail(&mut self, failure: Failure, now: Millis) {
        match failure.class() {
            FailureClass::DefiniteNo => {
                self.reading = None;
                self.denied_keys.clear();
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

    /// Some keys had a "no" of their own, whatever becomes of the others.
    pub(super) fn refuse(&mut self, refused: BTreeMap<String, Failure>, now: Millis, fingerprints: &FingerprintKey) {
        for (key, failure) in refused {
            self.refuse_key(&key, &failure, now, fingerprints);
            if let Some(reading) = &mut self.reading {
                reading.document.refuse(key, failure);
            }
        }
    }

    /// The grace begins with the first refusal of a key that had a value.
    fn refuse_key(&mut self, key: &str, failure: &Failure, now: Millis, fingerprints: &FingerprintKey) {
        if failure.class() == FailureClass::DefiniteNo {
            self.denied_keys.remove(key);
            return;
        }
        let before = self.reading.as_ref().filter(|reading| !reading.restored && reading.document.answers(key));
        if let Some(Ok((value, resolved))) = before.map(|reading| reading.value(key, fingerprints)) {
            let denied_at = self.denied_at.unwrap_or(now);
            self.denied_keys.insert(key.to_owned(), DeniedKey { value, resolved, denied_at });
        }
    }

    /// Counts the round that just ended, and says how it ended for `keys`.
    pub(super) fn end_round<'a>(&mut self, keys: impl Iterator<Item = &'a String>) -> Ended {
        let well = match (&self.reading, &self.failure) {
            (Some(reading), None) => keys.into_iter().all(|key| reading.document.value(key, None).is_ok()),
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
        let keys = self.denied_keys.values().map(|key| key.usable_until(freshness));
        keys.chain(self.usable_until(freshness)).min()
    }

    /// Forgets what has stood in for as long as it may.
    pub(super) fn expire(&mut self, now: Millis, freshness: Freshness) {
        if self.usable_until(freshness).is_some_and(|until| now >= until) {
            self.reading = None;
        }
        self.denied_keys.retain(|_, key| now < key.usable_until(freshness));
    }

    /// Of `keys`, those the secret does not have and which were not looked for yet; and its version.
    pub(super) fn to_look_for<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Option<(u64, BTreeSet<String>)> {
        let reading = self.reading.as_ref().filter(|_| self.failure.is_none())?;
        let unknown = |key: &&String| !reading.document.has(key) && !reading.last_seen.contains_key(*key);
        let keys: BTreeSet<String> = keys.filter(unknown).cloned().collect();
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

    /// The value of `key` that may be used now, and where the key stands.
    pub(super) fn view(
        &self,
        key: &str,
        now: Millis,
        freshness: Freshness,
        fingerprints: &FingerprintKey,
    ) -> (Option<Plain>, ReferenceState) {
        let reading = self.reading.as_ref().filter(|reading| reading.document.answers(key));
        let value = reading.map(|reading| reading.value(key, fingerprints));
        match (value, &self.failure) {
            (None, None) => (None, ReferenceState::Pending),
            (Some(Ok((value, resolved))), None) => match self.usable_until(freshness) {
                None => (Some(value), ReferenceState::Ok(resolved)),
                Some(until) if now < until => (Some(value), ReferenceState::Restored { resolved, until }),
                Some(_) => (None, ReferenceState::Pending),
            },
            (Some(Ok(value)), Some(failure)) => stale(value, failure, self.usable_until(freshness), now),
            (Some(Err(own)), failure) => match self.denied_keys.get(key) {
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

impl DeniedKey {
    fn usable_until(&self, freshness: Freshness) -> Millis {
        usable_until(self.resolved.read_at, Some(self.denied_at), freshness)
    }

    fn value(&self) -> Value {
        (self.value.clone(), self.resolved.clone())
    }
}

impl Reading {
    fn value(&self, key: &str, fingerprints: &FingerprintKey) -> Result<Value, Failure> {
        let value = self.document.value(key, self.last_seen.get(key).copied().flatten())?;
        let resolved = Resolved {
            version: self.document.version,
            length: value.length(),
            fingerprint: fingerprint(value, fingerprints),
            read_at: self.read_at,
            took_ms: self.took_ms,
        };
        Ok((value.clone(), resolved))
    }
}

#[expect(clippy::disallowed_methods, reason = "hashed with a key")]
fn fingerprint(value: &Plain, fingerprints: &FingerprintKey) -> String {
    fingerprints.of(value.expose().as_bytes()).short()
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
