//! What is held of one secret: the last good reading, and what went wrong since.

use super::pace::Ended;
use crate::document::Document;
use postern::fingerprint::FingerprintKey;
use postern::provider::Freshness;
use postern::resolve::{Failure, ReferenceState, Resolved};
use postern::selection::Selector;
use postern::sensitive::Plain;
use postern::time::Millis;
use std::collections::{BTreeMap, BTreeSet};

/// The last good reading and the failure since, if any. A definite "no" leaves no reading behind.
#[derive(Debug, Default)]
pub(super) struct Held {
    reading: Option<Reading>,
    failure: Option<Failure>,
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
}

impl Held {
    pub(super) fn succeed(&mut self, reading: Reading) {
        self.reading = Some(reading);
        self.failure = None;
    }

    /// An outage keeps the last good reading; everything else drops it at once.
    pub(super) fn fail(&mut self, failure: Failure) {
        if !failure.is_transient() {
            self.reading = None;
        }
        self.failure = Some(failure);
    }

    /// Some values had a definite "no" of their own: they are dropped at once, whatever becomes of
    /// the others.
    pub(super) fn refuse(&mut self, refused: BTreeMap<Selector, Failure>) {
        let Some(reading) = &mut self.reading else { return };
        for (selector, failure) in refused {
            reading.document.refuse(selector, failure);
        }
    }

    /// Counts the round that just ended, and says how it ended for `wanted`.
    pub(super) fn end_round<'a>(&mut self, wanted: impl Iterator<Item = &'a Selector>) -> Ended {
        let well = match (&self.reading, &self.failure) {
            (Some(reading), None) => wanted.into_iter().all(|selector| reading.document.value(selector, None).is_ok()),
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

    /// Until when an outage is bridged, while there is one.
    pub(super) fn bridged_until(&self, freshness: Freshness) -> Option<Millis> {
        let reading = self.reading.as_ref().filter(|_| self.failure.is_some())?;
        Some(reading.read_at.plus_seconds(u64::from(freshness.max_stale_seconds)))
    }

    /// Forgets a value that has been bridged for as long as it may.
    pub(super) fn expire(&mut self, now: Millis, freshness: Freshness) {
        if self.bridged_until(freshness).is_some_and(|until| now >= until) {
            self.reading = None;
        }
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
            (Some(Ok((value, resolved))), None) => (Some(value), ReferenceState::Ok(resolved)),
            (Some(Err(failure)), None) => (None, ReferenceState::Failed { failure }),
            (Some(Ok((value, resolved))), Some(failure)) => {
                let failure = failure.clone();
                match self.bridged_until(freshness) {
                    Some(until) if now < until => (Some(value), ReferenceState::Stale { resolved, failure, until }),
                    _ => (None, ReferenceState::Failed { failure }),
                }
            }
            (_, Some(failure)) => (None, ReferenceState::Failed { failure: failure.clone() }),
        }
    }
}

impl Reading {
    fn value(&self, selector: &Selector, fingerprints: &FingerprintKey) -> Result<(Plain, Resolved), Failure> {
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
mod tests {
    use super::*;
    use crate::document::document;
    use postern::resolve::{InvalidBecause, UnreachableBecause};

    const FRESHNESS: Freshness = Freshness { ttl_seconds: 10, max_stale_seconds: 60 };

    fn reading(version: u64, json: &str) -> Reading {
        Reading { document: document(version, json), read_at: Millis(1000), took_ms: 2, last_seen: BTreeMap::new() }
    }

    fn outage() -> Failure {
        Failure::Unreachable { address: "http://v".to_owned(), why: UnreachableBecause::ConnectionRefused }
    }

    fn not_found() -> Failure {
        Failure::NotFound { path: "secret/data/a".to_owned(), deleted: None }
    }

    /// Whether there is a value, and the state's name, of `key` at `seconds`.
    fn check(held: &Held, key: &str, seconds: u64, expected: (bool, &str)) {
        let (value, state) =
            held.view(&Selector::plain(key), Millis(seconds * 1000), FRESHNESS, &FingerprintKey::new([7; 32]));
        assert_eq!((value.is_some(), state.name().slug()), expected, "{key} at {seconds}: {state:?}");
    }

    #[test]
    fn a_secret_is_pending_until_it_was_read() {
        check(&Held::default(), "key", 1, (false, "pending"));
    }

    #[test]
    fn every_key_of_one_reading_stands_for_itself() {
        let mut held = Held::default();
        held.succeed(reading(1, r#"{"key":"v","empty":"","list":[1]}"#));
        check(&held, "key", 1, (true, "ok"));
        check(&held, "empty", 1, (false, "invalid"));
        check(&held, "list", 1, (false, "invalid"));
        check(&held, "none", 1, (false, "key_missing"));
    }

    #[test]
    fn an_outage_is_bridged_for_a_limited_time() {
        let mut held = Held::default();
        held.succeed(reading(1, r#"{"key":"v"}"#));
        held.fail(outage());
        check(&held, "key", 60, (true, "stale"));
        check(&held, "key", 61, (false, "unreachable"));
        check(&held, "none", 60, (false, "unreachable"));
        held.expire(Millis(60_999), FRESHNESS);
        check(&held, "key", 60, (true, "stale"));
        held.expire(Millis(61_000), FRESHNESS);
        check(&held, "key", 60, (false, "unreachable"));
        held.succeed(reading(1, r#"{"key":"v"}"#));
        check(&held, "key", 62, (true, "ok"));
    }

    #[test]
    fn a_definite_no_drops_the_value_at_once_and_for_good() {
        let denied = || Failure::Denied { path: String::new(), why: postern::resolve::DeniedBecause::TokenInvalid };
        let empty = || InvalidBecause::Empty { key: "key".to_owned() };
        let invalid = || Failure::Invalid { path: String::new(), why: empty() };
        for (no, name) in [(not_found(), "not_found"), (denied(), "denied"), (invalid(), "invalid")] {
            let mut held = Held::default();
            held.succeed(reading(1, r#"{"key":"v"}"#));
            held.fail(no);
            check(&held, "key", 1, (false, name));
            held.fail(outage());
            check(&held, "key", 1, (false, "unreachable"));
        }
    }

    #[test]
    fn a_no_to_one_key_drops_its_value_through_an_outage_of_the_others() {
        let mut held = Held::default();
        held.succeed(reading(1, r#"{"key":"v","other":"w"}"#));
        held.refuse(BTreeMap::from([(Selector::plain("key"), not_found())]));
        held.fail(outage());
        check(&held, "key", 1, (false, "unreachable"));
        check(&held, "other", 1, (true, "stale"));
    }

    #[test]
    fn a_key_that_was_not_asked_for_is_pending() {
        let answers = [("key", Ok(Plain::new("v".to_owned()))), ("gone", Err(not_found()))];
        let answers = answers.map(|(key, answer)| (Selector::plain(key), answer));
        let document = Document::of_answers("a".to_owned(), answers.into());
        let mut held = Held::default();
        held.succeed(Reading { document, ..reading(1, "{}") });
        check(&held, "key", 1, (true, "ok"));
        check(&held, "gone", 1, (false, "not_found"));
        check(&held, "new", 1, (false, "pending"));
    }

    #[test]
    fn rounds_are_counted_until_one_ends_well() {
        let keys = [Selector::plain("key")];
        let mut held = Held::default();
        let end = |held: &mut Held| held.end_round(keys.iter());
        held.fail(outage());
        assert_eq!(end(&mut held), Ended::Outage { times: 1, bridged: false });
        held.fail(not_found());
        assert_eq!(end(&mut held), Ended::No { times: 2 });
        held.succeed(reading(1, r#"{"other":"v"}"#));
        assert_eq!(end(&mut held), Ended::No { times: 3 });
        held.succeed(reading(2, r#"{"key":"v"}"#));
        assert_eq!(end(&mut held), Ended::Well);
        held.fail(outage());
        assert_eq!(end(&mut held), Ended::Outage { times: 1, bridged: true });
    }

    #[test]
    fn earlier_versions_are_looked_at_once_for_each_missing_key() {
        let keys = [Selector::plain("key"), Selector::plain("other")];
        let mut held = Held::default();
        assert_eq!(held.to_look_for(keys.iter()), None);
        held.succeed(reading(4, r#"{"other":"v"}"#));
        assert_eq!(held.to_look_for(keys.iter()), Some((4, BTreeSet::from(["key".to_owned()]))));
        held.remember(BTreeSet::from(["key".to_owned()]), &BTreeMap::new());
        assert_eq!(held.to_look_for(keys.iter()), None);
        assert_eq!(held.last_seen(Some(4)).len(), 1);
        assert_eq!(held.last_seen(Some(5)).len(), 0);
    }
}
