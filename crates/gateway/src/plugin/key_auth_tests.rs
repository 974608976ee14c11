use super::*;
use crate::plugin::auth::NO_ANONYMOUS;
use postern::fingerprint::FingerprintKey;
use postern::plugin::{PluginConfig, PluginName};
use postern::snapshot::{KeyCredential, Snapshot, SnapshotConsumer};
use std::collections::BTreeMap;
use std::sync::Arc;

fn defaults() -> KeyAuthPlugin {
    PluginConfig::parse(PluginName::KeyAuth, "{}").unwrap().settings().unwrap()
}

fn table() -> Table {
    let fingerprint_key = FingerprintKey::new([3; 32]);
    let consumer = |name: &str| SnapshotConsumer { name: name.parse().unwrap(), custom_id: None };
    let alice = Arc::new(consumer("alice"));
    let key = |text: &str| {
        let credential = "primary-key".parse().unwrap();
        (
            fingerprint_key.of_key(text.as_bytes()),
            KeyCredential { consumer: Arc::clone(&alice), credential, proof: None },
        )
    };
    let named = BTreeMap::from(["alice", "nobody"].map(|name| (name.parse().unwrap(), consumer(name))));
    let snapshot = Snapshot {
        consumers: named.into(),
        keys: [key("alice-key"), key("a b+c")].into_iter().collect(),
        ..Snapshot::clone(&Snapshot::empty(fingerprint_key.clone()))
    };
    Table::compile(&snapshot, None)
}

/// What is left of the request, and who it comes from; or the refusal.
type Passed = (Vec<String>, Option<String>, String);

fn access(config: KeyAuthPlugin, header_values: &[&str], query: Option<&str>) -> Result<Passed, &'static str> {
    let plugin = KeyAuth::compile(&config).unwrap();
    let mut headers = HeaderMap::new();
    for value in header_values {
        headers.append("apikey", value.parse().unwrap());
    }
    let mut query = query.map(str::to_owned);
    let table = table();
    let mut access = Access::untimed(&mut headers, &mut query, &table);
    let outcome = plugin.access(&mut access);
    let identity = access.identity.take();
    match outcome {
        Ok(()) => {
            let left = headers.get_all("apikey").iter().map(|v| v.to_str().unwrap().to_owned()).collect();
            Ok((left, query, identity.unwrap().consumer.name.to_string()))
        }
        Err(Reject::Unauthorized { denied, challenge }) => {
            assert_eq!(challenge.unwrap(), format!("apikey realm=\"{}\"", config.realm).as_str());
            Err(denied.message)
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn passed(headers: &[&str], query: Option<&str>, consumer: &str) -> Result<Passed, &'static str> {
    Ok((headers.iter().map(|&h| h.to_owned()).collect(), query.map(str::to_owned), consumer.to_owned()))
}

#[test]
fn without_the_right_key_nothing_passes() {
    for (headers, query, message) in [
        (&[][..], None, MISSING),
        (&[], Some(""), MISSING),
        (&[], Some("key=alice-key&apikeys=alice-key"), MISSING),
        (&[], Some("APIKEY=alice-key"), MISSING),
        (&[""], None, INVALID),
        (&["wrong"], None, INVALID),
        (&["alice-ke"], None, INVALID),
        (&["alice-keyx"], None, INVALID),
        (&["Alice-key"], None, INVALID),
        (&["alice-key,alice-key"], None, INVALID),
        (&["alice%2Dkey"], None, INVALID),
        (&["$secret://vault/my-vault/consumer/alice/key"], None, INVALID),
        (&["alice-key", "wrong"], None, INVALID),
        (&["wrong", "alice-key"], None, INVALID),
        (&["alice-key", ""], None, INVALID),
        // The query does not make up for a bad header.
        (&["wrong"], Some("apikey=alice-key"), INVALID),
        (&[""], Some("apikey=alice-key"), INVALID),
        (&[], Some("apikey"), INVALID),
        (&[], Some("apikey="), INVALID),
        (&[], Some("apikey=wrong"), INVALID),
        (&[], Some("apikey=alice-key&apikey=wrong"), INVALID),
        (&[], Some("apikey=alice-key&%61pikey=wrong"), INVALID),
        (&[], Some("apikey=alice-key%00"), INVALID),
    ] {
        for hide_credentials in [false, true] {
            let config = KeyAuthPlugin { hide_credentials, realm: "other".to_owned(), ..defaults() };
            assert_eq!(access(config, headers, query), Err(message), "{headers:?} {query:?}");
        }
    }
}

#[test]
fn the_right_key_passes_and_is_hidden_only_where_it_was_read() {
    let both = "x=%7e&apikey=alice-key&y=1+2&&apikey=alice-key";
    for (hide_credentials, headers, query, expected) in [
        (false, &["alice-key"][..], Some(both), passed(&["alice-key"], Some(both), "alice")),
        (true, &["alice-key"], Some(both), passed(&[], Some(both), "alice")),
        (true, &["alice-key", "alice-key"], None, passed(&[], None, "alice")),
        (false, &[], Some(both), passed(&[], Some(both), "alice")),
        (true, &[], Some(both), passed(&[], Some("x=%7e&y=1+2&"), "alice")),
        (true, &[], Some("apikey=alice-key"), passed(&[], None, "alice")),
        (true, &[], Some("%61pikey=alice%2Dkey&a"), passed(&[], Some("a"), "alice")),
        (true, &[], Some("apikey=a+b%2Bc"), passed(&[], None, "alice")),
        (false, &["a b+c"], None, passed(&["a b+c"], None, "alice")),
    ] {
        let config = KeyAuthPlugin { hide_credentials, ..defaults() };
        assert_eq!(access(config, headers, query), expected, "{headers:?} {query:?}");
    }
}

#[test]
fn the_anonymous_consumer_stands_in_for_a_key_that_is_missing_or_wrong() {
    let config = |name: &str, hide_credentials| KeyAuthPlugin {
        anonymous_consumer: Some(name.parse().unwrap()),
        hide_credentials,
        ..defaults()
    };
    let (wrong, query) = (&["wrong"][..], Some("apikey=wrong&a=1"));
    assert_eq!(access(config("nobody", false), &[], None), passed(&[], None, "nobody"));
    assert_eq!(access(config("nobody", false), wrong, query), passed(&["wrong"], query, "nobody"));
    assert_eq!(access(config("nobody", true), wrong, query), passed(&[], Some("a=1"), "nobody"));
    assert_eq!(access(config("nobody", true), &["alice-key"], query), passed(&[], query, "alice"));
    for headers in [&[][..], wrong] {
        assert_eq!(access(config("missing", false), headers, None), Err(NO_ANONYMOUS));
    }
}
