use crate::{KeyError, Kind, MasterKey, NewRow, Place, Row, RowRef, SealError, Sealer, Store, StoreError};
use postern::name::GroupName;
use postern::sensitive::{Plain, Sealed};
use postern::time::Millis;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

const NOW: Millis = Millis(1_700_000_000_000);

async fn store(folder: &TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("p.db").display())).await.unwrap()
}

fn new(id: &str, kind: Kind, parent: Option<&str>, name: &str) -> NewRow {
    NewRow {
        id: id.to_owned(),
        kind,
        parent: parent.map(str::to_owned),
        name: name.to_owned(),
        spec: format!("{{\"n\":\"{name}\"}}"),
        masked: "{}".to_owned(),
    }
}

fn group() -> GroupName {
    GroupName::default_group()
}

/// Everything, by id.
async fn all(store: &Store) -> Vec<Row> {
    let mut all = Vec::new();
    let understand = |row: RowRef<'_>, portion: &mut Vec<Row>| {
        portion.push(row.to_row());
        Ok::<_, StoreError>(())
    };
    store.scan(&group(), understand, |portion| all.extend(portion)).await.unwrap();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn other_database_urls_are_refused() {
    for url in ["postgres://localhost/x", "p.db", "sqlite:", "sqlite::memory:", "sqlite:p.db?mode=ro"] {
        assert!(matches!(Store::open(url).await.err(), Some(StoreError::UnknownScheme)), "{url}");
    }
}

#[tokio::test]
async fn a_damaged_file_is_not_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("p.db");
    std::fs::write(&path, "this is no database, however long it may be".repeat(100)).unwrap();
    assert!(Store::open(&format!("sqlite:{}", path.display())).await.is_err());
}

#[tokio::test]
async fn a_second_object_of_that_name_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    store.insert(&group(), &new("a", Kind::Consumer, None, "Alice"), NOW).await.unwrap();
    store.insert(&group(), &new("b", Kind::Consumer, None, "alice"), NOW).await.unwrap();
    store.insert(&group(), &new("c", Kind::Service, None, "Alice"), NOW).await.unwrap();
    let again = store.insert(&group(), &new("d", Kind::Consumer, None, "Alice"), NOW).await;
    assert!(matches!(again, Err(StoreError::NameTaken)));
    let renamed = store.update(&new("b", Kind::Consumer, None, "Alice"), 1, NOW).await;
    assert!(matches!(renamed, Err(StoreError::NameTaken)));
}

#[tokio::test]
async fn the_second_of_two_saves_from_one_revision_is_refused_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    store.insert(&group(), &new("a", Kind::Consumer, None, "Alice"), NOW).await.unwrap();
    let mut first = new("a", Kind::Consumer, None, "Alice");
    first.spec = "{\"first\":1}".to_owned();
    first.masked = "{\"first\":true}".to_owned();
    assert_eq!(store.update(&first, 1, NOW).await.unwrap().revision, 2);
    let second = store.update(&new("a", Kind::Consumer, None, "Alice"), 1, NOW).await;
    assert!(matches!(second, Err(StoreError::Stale { current: 2 })));
    assert_eq!(all(&store).await[0].spec, "{\"first\":1}");
    assert_eq!(store.masked_at("a", 1).await.unwrap().as_deref(), Some("{}"));
    assert_eq!(store.masked_at("a", 2).await.unwrap().as_deref(), Some("{\"first\":true}"));
    assert_eq!(store.masked_at("a", 3).await.unwrap(), None);
}

#[tokio::test]
async fn what_is_gone_cannot_be_saved_or_deleted() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    assert!(matches!(store.update(&new("a", Kind::Route, None, "x"), 1, NOW).await, Err(StoreError::Gone)));
    assert!(matches!(store.delete("a").await, Err(StoreError::Gone)));
    let orphan = store.insert(&group(), &new("r", Kind::Route, Some("none"), "x"), NOW).await;
    assert!(matches!(orphan, Err(StoreError::Gone)));
}

#[tokio::test]
async fn deleting_a_consumer_deletes_its_credentials() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    store.insert(&group(), &new("a", Kind::Consumer, None, "Alice"), NOW).await.unwrap();
    store.insert(&group(), &new("k", Kind::Credential, Some("a"), "key-auth/k"), NOW).await.unwrap();
    store.delete("a").await.unwrap();
    assert!(all(&store).await.is_empty());
}

#[tokio::test]
async fn an_object_is_found_by_what_is_known_of_it() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    let rows = [
        new("a", Kind::Consumer, None, "Alice"),
        new("b", Kind::Consumer, None, "Bob"),
        new("k2", Kind::Credential, Some("a"), "key-auth/2"),
        new("k1", Kind::Credential, Some("a"), "key-auth/1"),
        new("p", Kind::PluginSet, Some("a"), "Alice"),
    ];
    store.insert_all(&group(), &rows, NOW).await.unwrap();
    let ids = |rows: Vec<crate::Row>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
    assert_eq!(ids(store.objects_of(&group(), Kind::Consumer).await.unwrap()), ["a", "b"]);
    assert_eq!(ids(store.children("a", Kind::Credential).await.unwrap()), ["k1", "k2"]);
    assert_eq!(ids(store.children("b", Kind::Credential).await.unwrap()), [""; 0]);
    let mut pairs = store.belonging(&group(), Kind::Credential).await.unwrap();
    pairs.sort();
    assert_eq!(pairs, [("a", "k1"), ("a", "k2")].map(|(of, id)| (of.to_owned(), id.to_owned())));
    for (kind, id, found) in [
        (Kind::Credential, "k1", true),
        (Kind::Consumer, "k1", false),
        (Kind::Credential, "k3", false),
        (Kind::Credential, "", false),
    ] {
        assert_eq!(store.object(&group(), kind, id).await.unwrap().is_some(), found, "{kind:?} {id}");
    }
    let elsewhere: GroupName = "elsewhere".parse().unwrap();
    assert!(store.object(&elsewhere, Kind::Credential, "k1").await.unwrap().is_none());
    for (kind, name, found) in [
        (Kind::Consumer, "Alice", Some("a")),
        (Kind::Consumer, "alice", None),
        // This one belongs to Alice.
        (Kind::PluginSet, "Alice", None),
    ] {
        let row = store.object_named(&group(), kind, name).await.unwrap();
        assert_eq!(row.map(|row| row.id).as_deref(), found, "{kind:?} {name}");
    }
}

#[tokio::test]
async fn of_many_objects_each_is_read_once_as_it_is_stored() {
    let folder = TempDir::new().unwrap();
    let store = store(&folder).await;
    assert!(all(&store).await.is_empty());
    let rows: Vec<NewRow> =
        (0..10_000).map(|n| new(&format!("{n:05}"), Kind::Consumer, None, &format!("c{n:05}"))).collect();
    store.insert_all(&group(), &rows, NOW).await.unwrap();
    store.insert(&group(), &new("k", Kind::Credential, Some("00007"), "key-auth/k"), NOW).await.unwrap();
    store.update(&rows[1], 1, Millis(NOW.0 + 1)).await.unwrap();
    store.delete(&rows[5_000].id).await.unwrap();
    let read = all(&store).await;
    let mut expected = store.objects_of(&group(), Kind::Consumer).await.unwrap();
    expected.extend(store.objects_of(&group(), Kind::Credential).await.unwrap());
    assert_eq!((read.len(), read[1].revision, read[1].updated_at), (10_000, 2, Millis(NOW.0 + 1)));
    assert!(read == expected);
    assert_eq!(read.last().and_then(|row| row.parent.as_deref()), Some("00007"));
    let other: GroupName = "other".parse().unwrap();
    let nothing = |_: RowRef<'_>, _: &mut ()| Err(StoreError::Gone);
    store.scan(&other, nothing, |()| ()).await.unwrap();
}

#[tokio::test]
async fn whatever_ends_the_reading_is_told() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("p.db");
    let store = store(&folder).await;
    let rows: Vec<NewRow> =
        (0..10_000).map(|n| new(&format!("{n:05}"), Kind::Consumer, None, &n.to_string())).collect();
    store.insert_all(&group(), &rows, NOW).await.unwrap();
    let refuse = |row: RowRef<'_>, _: &mut ()| if row.id == "07000" { Err(StoreError::Gone) } else { Ok(()) };
    assert!(matches!(store.scan(&group(), refuse, |()| ()).await, Err(StoreError::Gone)));
    let fall = |row: RowRef<'_>, _: &mut ()| {
        assert!(row.id != "07000", "as a bug would");
        Ok::<_, StoreError>(())
    };
    assert!(matches!(store.scan(&group(), fall, |()| ()).await, Err(StoreError::Interrupted(_))));
    let unknown = "update objects set kind = 'unknown' where id = '07000'";
    sqlx::query(unknown).execute(&store.writer).await.unwrap();
    let fine = |_: RowRef<'_>, _: &mut ()| Ok::<_, StoreError>(());
    assert!(matches!(store.scan(&group(), fine, |()| ()).await, Err(StoreError::Database(_))));
    store.close().await;
    std::fs::remove_file(&path).unwrap();
    assert!(store.scan(&group(), fine, |()| ()).await.is_err(), "nothing is made in its place");
}

#[tokio::test]
async fn objects_survive_reopening_and_files_are_private() {
    let folder = TempDir::new().unwrap();
    let first = store(&folder).await;
    first.insert(&group(), &new("a", Kind::Consumer, None, "Alice"), NOW).await.unwrap();
    first.set_fact("x", "1").await.unwrap();
    first.set_fact("x", "2").await.unwrap();
    for file in ["p.db", "p.db-wal", "p.db-shm"] {
        assert_eq!(mode(&folder.path().join(file)), 0o600, "{file}");
    }
    first.close().await;
    let again = store(&folder).await;
    assert_eq!(all(&again).await.len(), 1);
    assert_eq!(again.fact("x").await.unwrap().as_deref(), Some("2"));
    assert_eq!(again.groups().await.unwrap()[0].name, group());
}

fn key(folder: &TempDir, file: &str) -> MasterKey {
    MasterKey::open(&folder.path().join(file), None).unwrap()
}

#[test]
fn a_key_is_made_once_and_is_private() {
    let folder = TempDir::new().unwrap();
    let made = key(&folder, "k");
    assert_eq!(mode(&folder.path().join("k")), 0o600);
    assert_eq!(key(&folder, "k").id(), made.id());
    assert_ne!(key(&folder, "other").id(), made.id());
    assert!(MasterKey::open(&folder.path().join("k"), Some(&made.id())).is_ok());
}

#[test]
fn a_missing_or_wrong_key_is_named_and_never_replaced() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("k");
    let missing = MasterKey::open(&path, Some("00112233")).unwrap_err();
    assert!(matches!(&missing, KeyError::Missing { needed, .. } if needed == "00112233"));
    assert!(!path.exists(), "a new key must not be made");
    key(&folder, "k");
    let wrong = MasterKey::open(&path, Some("00112233")).unwrap_err();
    assert!(wrong.to_string().contains("00112233"), "{wrong}");
}

#[test]
fn damaged_and_readable_key_files_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("k");
    let made = key(&folder, "k");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(MasterKey::open(&path, None), Err(KeyError::NotPrivate { mode: 0o640, .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in [String::new(), "x y z".to_owned(), good.replace(&made.id(), "00000000"), good.replace("key-1", "key-9")]
    {
        std::fs::write(&path, bad).unwrap();
        assert!(matches!(MasterKey::open(&path, None), Err(KeyError::NotAKey { .. })));
    }
}

fn place<'a>(table: &'a str, row: &'a str, column: &'a str) -> Place<'a> {
    Place { table, row, column }
}

#[test]
fn a_sealed_value_opens_in_its_own_place_only() {
    let folder = TempDir::new().unwrap();
    let sealer = Sealer::new(&key(&folder, "k")).unwrap();
    let secret = Plain::new("canary-token".to_owned());
    let home = place("secret_provider", "row-1", "token");
    let sealed = sealer.seal(home, &secret, NOW).unwrap();
    assert!(sealer.open(home, &sealed).unwrap().same_as(&secret));
    for elsewhere in [
        place("credential", "row-1", "token"),
        place("secret_provider", "row-2", "token"),
        place("secret_provider", "row-1", "key"),
        place("secret_providerr", "ow-1", "token"),
    ] {
        assert_eq!(sealer.open(elsewhere, &sealed).unwrap_err(), SealError::Tampered, "{elsewhere:?}");
    }
    assert_ne!(sealer.seal(home, &secret, NOW).unwrap().ciphertext, sealed.ciphertext);
}

#[test]
fn changed_foreign_and_cut_ciphertext_is_told_apart() {
    let folder = TempDir::new().unwrap();
    let (sealer, other) = (Sealer::new(&key(&folder, "a")).unwrap(), Sealer::new(&key(&folder, "b")).unwrap());
    let home = place("credential", "r", "key");
    let sealed = sealer.seal(home, &Plain::new("s".to_owned()), NOW).unwrap();
    assert!(matches!(other.open(home, &sealed), Err(SealError::OtherKey { .. })));
    let with = |ciphertext: String| Sealed { ciphertext, set_at: NOW };
    for cut in ["", "AQ==", "!", "AgAAAAA="] {
        assert_eq!(sealer.open(home, &with(cut.to_owned())).unwrap_err(), SealError::Malformed, "{cut:?}");
    }
    let mut flipped = sealed.ciphertext.clone().into_bytes();
    // Not among the last characters: some of their bits are padding, which must be zero.
    let inside = flipped.len() - 8;
    flipped[inside] = if flipped[inside] == b'A' { b'B' } else { b'A' };
    let flipped = with(String::from_utf8(flipped).unwrap());
    assert_eq!(sealer.open(home, &flipped).unwrap_err(), SealError::Tampered);
}

/// Overwrites what lies in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0x5a);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_file_that_was_damaged_later_is_told_before_it_is_used() {
    let folder = TempDir::new().unwrap();
    let first = store(&folder).await;
    let rows: Vec<NewRow> = (0..2_000).map(|n| new(&format!("{n:05}"), Kind::Consumer, None, &n.to_string())).collect();
    first.insert_all(&group(), &rows, NOW).await.unwrap();
    first.sound().await.unwrap();
    first.close().await;
    damage(&folder.path().join("p.db"));
    let again = Store::open(&format!("sqlite:{}", folder.path().join("p.db").display())).await.unwrap();
    let found = again.sound().await;
    assert!(matches!(&found, Err(StoreError::Damaged { found }) if !found.is_empty()), "{found:?}");
}
