//! What is held of a secret, by what happened to it.

use super::*;
use crate::document::document;
use postern::name::GroupName;
use postern::resolve::{InvalidBecause, UnreachableBecause};

const FRESHNESS: Freshness = Freshness {
    ttl_seconds: 10,
    max_stale_seconds: 60,
    denied_grace_seconds: 20,
    version_check_seconds: 0,
    keep_over_restart: true,
};
const START: Millis = Millis(1000);

fn reading(version: u64, json: &str) -> Reading {
    Reading {
        document: document(version, json),
        read_at: Millis(1000),
        took_ms: 2,
        last_seen: BTreeMap::new(),
        restored: false,
    }
}

fn fingerprints() -> FingerprintKey {
    FingerprintKey::new([7; 32])
}

fn succeed(held: &mut Held, reading: Reading) {
    let now = reading.read_at;
    held.succeed(reading, now, &fingerprints());
}

fn denied() -> Failure {
    Failure::Denied { path: String::new(), why: postern::resolve::DeniedBecause::TokenInvalid }
}

fn outage() -> Failure {
    Failure::Unreachable { address: "http://v".to_owned(), why: UnreachableBecause::ConnectionRefused }
}

fn not_found() -> Failure {
    Failure::NotFound { path: "secret/data/a".to_owned(), deleted: None }
}

/// Whether there is a value, and the state's name, of `key` at `seconds`.
fn check(held: &Held, key: &str, seconds: u64, expected: (bool, &str)) {
    let (value, state) = held.view(&Selector::plain(key), Millis(seconds * 1000), FRESHNESS, &fingerprints());
    assert_eq!((value.is_some(), state.name().slug()), expected, "{key} at {seconds}: {state:?}");
}

#[test]
fn a_secret_is_pending_until_it_was_read() {
    check(&Held::default(), "key", 1, (false, "pending"));
}

#[test]
fn every_key_of_one_reading_stands_for_itself() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v","empty":"","list":[1]}"#));
    check(&held, "key", 1, (true, "ok"));
    check(&held, "empty", 1, (false, "invalid"));
    check(&held, "list", 1, (false, "invalid"));
    check(&held, "none", 1, (false, "key_missing"));
}

#[test]
fn an_outage_is_bridged_for_a_limited_time() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    held.fail(outage(), START);
    check(&held, "key", 60, (true, "stale"));
    check(&held, "key", 61, (false, "unreachable"));
    check(&held, "none", 60, (false, "unreachable"));
    assert_eq!(held.next_expiry(FRESHNESS), Some(Millis(61_000)));
    held.expire(Millis(60_999), FRESHNESS);
    check(&held, "key", 60, (true, "stale"));
    held.expire(Millis(61_000), FRESHNESS);
    check(&held, "key", 60, (false, "unreachable"));
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    check(&held, "key", 62, (true, "ok"));
}

#[test]
fn a_definite_no_drops_the_value_at_once_and_for_good() {
    let empty = || InvalidBecause::Empty { key: "key".to_owned() };
    let invalid = || Failure::Invalid { path: String::new(), why: empty() };
    for (no, name) in [(not_found(), "not_found"), (invalid(), "invalid")] {
        let mut held = Held::default();
        succeed(&mut held, reading(1, r#"{"key":"v"}"#));
        held.fail(no, START);
        check(&held, "key", 1, (false, name));
        held.fail(outage(), START);
        check(&held, "key", 1, (false, "unreachable"));
    }
}

#[test]
fn a_refusal_is_bridged_for_its_grace_from_the_first_one() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    held.fail(denied(), Millis(5000));
    check(&held, "key", 24, (true, "stale"));
    check(&held, "key", 25, (false, "denied"));
    held.fail(denied(), Millis(20_000));
    check(&held, "key", 25, (false, "denied"));
    assert_eq!(held.next_expiry(FRESHNESS), Some(Millis(25_000)));
    held.expire(Millis(25_000), FRESHNESS);
    check(&held, "key", 6, (false, "denied"));
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    check(&held, "key", 25, (true, "ok"));
    assert_eq!(held.next_expiry(FRESHNESS), None);
}

#[test]
fn an_outage_after_a_refusal_does_not_prolong_the_grace() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    held.fail(denied(), Millis(5000));
    held.fail(outage(), Millis(6000));
    check(&held, "key", 24, (true, "stale"));
    check(&held, "key", 25, (false, "unreachable"));
}

#[test]
fn a_refusal_after_an_outage_does_not_prolong_the_outage() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    held.fail(outage(), Millis(5000));
    held.fail(denied(), Millis(55_000));
    check(&held, "key", 60, (true, "stale"));
    check(&held, "key", 61, (false, "denied"));
}

/// Where one path means several secrets, one may be refused and the others given.
#[test]
fn a_refused_key_has_a_grace_of_its_own() {
    let answers = |key: Result<&str, Failure>| {
        let key = key.map(|value| Plain::new(value.to_owned()));
        let answers = [("key", key), ("other", Ok(Plain::new("w".to_owned())))];
        let answers = answers.map(|(key, answer)| (Selector::plain(key), answer));
        Document::of_answers("a".to_owned(), answers.into())
    };
    let read = |document, seconds: u64| Reading { document, read_at: Millis(seconds * 1000), ..reading(1, "{}") };
    let mut held = Held::default();
    succeed(&mut held, read(answers(Ok("v")), 1));
    succeed(&mut held, read(answers(Err(denied())), 5));
    succeed(&mut held, read(answers(Err(denied())), 15));
    check(&held, "key", 24, (true, "stale"));
    check(&held, "other", 24, (true, "ok"));
    check(&held, "key", 25, (false, "denied"));
    assert_eq!(held.next_expiry(FRESHNESS), Some(Millis(25_000)));
    held.expire(Millis(25_000), FRESHNESS);
    check(&held, "key", 6, (false, "denied"));
    check(&held, "other", 25, (true, "ok"));

    succeed(&mut held, read(answers(Ok("v")), 30));
    check(&held, "key", 30, (true, "ok"));
    held.refuse(BTreeMap::from([(Selector::plain("key"), denied())]), Millis(31_000), &fingerprints());
    held.fail(outage(), Millis(31_000));
    check(&held, "key", 50, (true, "stale"));
    check(&held, "key", 51, (false, "denied"));
    succeed(&mut held, read(answers(Err(not_found())), 40));
    check(&held, "key", 40, (false, "not_found"));
}

#[test]
fn a_no_to_one_key_drops_its_value_through_an_outage_of_the_others() {
    let mut held = Held::default();
    succeed(&mut held, reading(1, r#"{"key":"v","other":"w"}"#));
    held.refuse(BTreeMap::from([(Selector::plain("key"), not_found())]), START, &fingerprints());
    held.fail(outage(), START);
    check(&held, "key", 1, (false, "unreachable"));
    check(&held, "other", 1, (true, "stale"));
}

#[test]
fn a_key_that_was_not_asked_for_is_pending() {
    let answers = [("key", Ok(Plain::new("v".to_owned()))), ("gone", Err(not_found()))];
    let answers = answers.map(|(key, answer)| (Selector::plain(key), answer));
    let document = Document::of_answers("a".to_owned(), answers.into());
    let mut held = Held::default();
    succeed(&mut held, Reading { document, ..reading(1, "{}") });
    check(&held, "key", 1, (true, "ok"));
    check(&held, "gone", 1, (false, "not_found"));
    check(&held, "new", 1, (false, "pending"));
}

#[test]
fn rounds_are_counted_until_one_ends_well() {
    let keys = [Selector::plain("key")];
    let mut held = Held::default();
    let end = |held: &mut Held| held.end_round(keys.iter());
    held.fail(outage(), START);
    assert_eq!(end(&mut held), Ended::Outage { times: 1, bridged: false });
    held.fail(not_found(), START);
    assert_eq!(end(&mut held), Ended::No { times: 2 });
    succeed(&mut held, reading(1, r#"{"other":"v"}"#));
    assert_eq!(end(&mut held), Ended::No { times: 3 });
    succeed(&mut held, reading(2, r#"{"key":"v"}"#));
    assert_eq!(end(&mut held), Ended::Well);
    held.fail(outage(), START);
    assert_eq!(end(&mut held), Ended::Outage { times: 1, bridged: true });
}

#[test]
fn earlier_versions_are_looked_at_once_for_each_missing_key() {
    let keys = [Selector::plain("key"), Selector::plain("other")];
    let mut held = Held::default();
    assert_eq!(held.to_look_for(keys.iter()), None);
    succeed(&mut held, reading(4, r#"{"other":"v"}"#));
    assert_eq!(held.to_look_for(keys.iter()), Some((4, BTreeSet::from(["key".to_owned()]))));
    held.remember(BTreeSet::from(["key".to_owned()]), &BTreeMap::new());
    assert_eq!(held.to_look_for(keys.iter()), None);
    assert_eq!(held.last_seen(Some(4)).len(), 1);
    assert_eq!(held.last_seen(Some(5)).len(), 0);
}

fn kept(read_at: Millis) -> Kept {
    let values = vec![(Selector::plain("key"), Opened(Plain::new("v".to_owned())))];
    let address = Address::of(&GroupName::default_group(), &"$secret://vault/my-vault/a/key".parse().unwrap());
    Kept { address, source: String::new(), read_at, took_ms: 2, version: Some(3), values }
}

fn restored() -> Held {
    Held::restored(kept(START), &["a".to_owned()], START, FRESHNESS).unwrap()
}

#[test]
fn a_value_kept_over_a_restart_is_used_until_there_is_an_answer() {
    check(&restored(), "key", 60, (true, "stale"));
    check(&restored(), "key", 61, (false, "pending"));
    check(&restored(), "new", 1, (false, "pending"));
    for (failure, expected) in
        [(outage(), (true, "stale")), (denied(), (false, "denied")), (not_found(), (false, "not_found"))]
    {
        let mut held = restored();
        held.fail(failure, START);
        check(&held, "key", 60, expected);
    }
    let mut held = restored();
    held.fail(outage(), START);
    check(&held, "key", 61, (false, "unreachable"));
    succeed(&mut held, reading(4, r#"{"key":"w"}"#));
    check(&held, "key", 2, (true, "ok"));
    let mut held = restored();
    let answers = [(Selector::plain("key"), Err(denied()))];
    let document = Document::of_answers("a".to_owned(), answers.into());
    succeed(&mut held, Reading { document, ..reading(1, "{}") });
    check(&held, "key", 2, (false, "denied"));
}

#[test]
fn what_is_too_old_or_from_the_future_is_not_restored() {
    for (read_at, now, expected) in [(1000, 60_999, true), (1000, 61_000, false), (2000, 1999, false)] {
        let held = Held::restored(kept(Millis(read_at)), &[], Millis(now), FRESHNESS);
        assert_eq!(held.is_some(), expected, "{read_at} at {now}");
    }
}

#[test]
fn only_good_values_that_were_not_refused_since_are_kept() {
    let keys = [Selector::plain("key"), Selector::plain("none")];
    let keepable = |held: &Held| held.keepable(keys.iter()).map_or(0, |(values, _)| values);
    let mut held = Held::default();
    assert_eq!(keepable(&held), 0);
    succeed(&mut held, reading(1, r#"{"key":"v","other":"w"}"#));
    assert_eq!(keepable(&held), 1, "of the keys in use");
    held.fail(outage(), START);
    assert_eq!(keepable(&held), 1);
    held.fail(denied(), START);
    assert_eq!(keepable(&held), 0, "though it has its grace in this life");
    held.fail(outage(), START);
    assert_eq!(keepable(&held), 0);
    succeed(&mut held, reading(1, r#"{"key":"v"}"#));
    held.fail(not_found(), START);
    assert_eq!(keepable(&held), 0);
}
