use crate::{Kind, NewRow, Store};
use postern::name::GroupName;
use postern::page::{At, COUNTED, Mark, Page, PageQuery, ROWS, Total};
use postern::time::Millis;
use std::collections::BTreeMap;
use tempfile::TempDir;

const NOW: Millis = Millis(1_700_000_000_000);

fn group() -> GroupName {
    GroupName::default_group()
}

async fn open(folder: &TempDir) -> Store {
    Store::open(&format!("sqlite:{}", folder.path().join("p.db").display())).await.unwrap()
}

/// A consumer whose id is its name.
fn consumer(name: &str, search: &str) -> NewRow {
    NewRow {
        id: format!("id-{name}"),
        kind: Kind::Consumer,
        parent: None,
        name: name.to_owned(),
        spec: "{}".to_owned(),
        masked: "{}".to_owned(),
        search: Some(search.to_owned()),
    }
}

async fn with(folder: &TempDir, rows: &[(&str, &str)]) -> Store {
    let store = open(folder).await;
    let rows: Vec<NewRow> = rows.iter().map(|(name, search)| consumer(name, search)).collect();
    store.insert_all(&group(), &rows, NOW).await.unwrap();
    store
}

async fn page(store: &Store, search: &str, at: At) -> Page<String> {
    let query = PageQuery { search: search.into(), at };
    let page = store.page(&group(), Kind::Consumer, &query, None).await.unwrap();
    page.try_map(|row| Ok::<_, ()>(row.name)).unwrap()
}

async fn found(store: &Store, search: &str) -> Vec<String> {
    page(store, search, At::Start).await.rows
}

fn after(page: &Page<String>) -> At {
    At::After(page.next.clone().unwrap())
}

fn before(page: &Page<String>) -> At {
    At::Before(page.previous.clone().unwrap())
}

/// All pages from the first to the last.
async fn all_pages(store: &Store, search: &str) -> Vec<Page<String>> {
    let mut pages = vec![page(store, search, At::Start).await];
    while pages.last().unwrap().next.is_some() {
        pages.push(page(store, search, after(pages.last().unwrap())).await);
    }
    pages
}

fn names(pages: &[Page<String>]) -> Vec<String> {
    pages.iter().flat_map(|page| page.rows.clone()).collect()
}

#[tokio::test]
async fn odd_characters_are_searched_for_as_they_are() {
    let folder = TempDir::new().unwrap();
    let store = with(
        &folder,
        &[
            ("x_y", "100% of it"),
            ("x-y", "\"quoted\" and 'quoted'"),
            ("xay", "keys 🔑🔑🔑 and 🔑"),
            ("star", "a*b AND c OR d NOT e"),
            ("caret", "name : ^ x {y} (z)"),
            ("Zoe", "Ärger mit Grüßen\nteam=größe"),
        ],
    )
    .await;
    for (search, expected) in [
        ("%", vec![]),
        ("100%", vec!["x_y"]),
        ("0%0", vec![]),
        ("x_y", vec!["x_y"]),
        ("x_", vec!["x_y"]),
        ("_", vec![]),
        ("\"", vec![]),
        ("\"quoted\"", vec!["x-y"]),
        ("'quoted'", vec!["x-y"]),
        ("' or 1=1 --", vec![]),
        ("🔑🔑🔑", vec!["xay"]),
        ("🔑", vec![]),
        ("a*b", vec!["star"]),
        ("a*c", vec![]),
        ("and", vec!["x-y", "xay", "star"]),
        ("AND c OR", vec!["star"]),
        ("NOT", vec!["star"]),
        ("name : ^", vec!["caret"]),
        ("{y} (", vec!["caret"]),
        ("ärger", vec!["Zoe"]),
        ("GRÜSSEN", vec![]),
        ("GRÜßEN", vec!["Zoe"]),
        ("team=", vec!["Zoe"]),
        ("\u{10FFFF}", vec![]),
        ("no such thing", vec![]),
    ] {
        let found = page(&store, search, At::Start).await;
        assert_eq!(found.rows, expected, "{search}");
        assert_eq!(found.total, Total::Exactly(expected.len()), "{search}");
    }
}

#[tokio::test]
async fn names_that_begin_so_come_first_by_name_then_the_others_as_they_were_added() {
    let folder = TempDir::new().unwrap();
    let store = with(
        &folder,
        &[
            ("natalia", ""),
            ("alice", "one"),
            ("bob", "calls Alice and Dalia"),
            ("Alice", ""),
            ("ALI", "ali"),
            ("Bob", ""),
            ("zalipe", ""),
        ],
    )
    .await;
    for (search, expected) in [
        ("", vec!["ALI", "Alice", "alice", "Bob", "bob", "natalia", "zalipe"]),
        ("ali", vec!["ALI", "Alice", "alice", "natalia", "bob", "zalipe"]),
        ("ALICE", vec!["Alice", "alice", "bob"]),
        ("al", vec!["ALI", "Alice", "alice"]),
        ("b", vec!["Bob", "bob"]),
    ] {
        assert_eq!(found(&store, search).await, expected, "{search}");
    }
    store.delete("id-natalia").await.unwrap();
    store.update(&consumer("bob", "calls nobody"), 1, NOW).await.unwrap();
    store.update(&consumer("Bob", "calls Alice"), 1, NOW).await.unwrap();
    assert_eq!(found(&store, "ali").await, ["ALI", "Alice", "alice", "Bob", "zalipe"]);
    assert_eq!(found(&store, "nobody").await, ["bob"]);
}

#[tokio::test]
async fn pages_are_walked_forwards_and_back_through_both_parts() {
    let folder = TempDir::new().unwrap();
    let begins: Vec<String> = (0..45).map(|n| format!("team-{n:02}")).collect();
    let contains: Vec<String> = (0..45).rev().map(|n| format!("my-team-{n:02}")).collect();
    let both: Vec<&String> = contains.iter().chain(&begins).collect();
    let rows: Vec<(&str, &str)> = both.iter().map(|name| (name.as_str(), "")).collect();
    let store = with(&folder, &rows).await;
    let in_order: Vec<String> = begins.iter().chain(&contains).cloned().collect();
    let pages = all_pages(&store, "team").await;
    assert_eq!(names(&pages), in_order);
    assert!(pages.iter().all(|page| page.total == Total::Exactly(90)));
    assert_eq!(pages.iter().map(|page| page.rows.len()).collect::<Vec<_>>(), [20, 20, 20, 20, 10]);
    assert_eq!((&pages[0].previous, &pages[4].next), (&None, &None));
    for (earlier, later) in pages.iter().zip(&pages[1..]) {
        assert_eq!(page(&store, "team", before(later)).await.rows, earlier.rows);
    }
}

#[tokio::test]
async fn rows_that_come_and_go_shift_no_others() {
    let folder = TempDir::new().unwrap();
    let all: Vec<String> = (0..70).map(|n| format!("c{n:02}")).collect();
    let store = with(&folder, &all.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>()).await;
    let first = page(&store, "", At::Start).await;
    assert_eq!(first.rows, all[..20]);
    // The row that the next page follows goes, and so do some before it; others come on either side.
    for gone in ["c03", "c07", "c19"] {
        store.delete(&format!("id-{gone}")).await.unwrap();
    }
    store.insert(&group(), &consumer("c00a", ""), NOW).await.unwrap();
    store.insert(&group(), &consumer("c25a", ""), NOW).await.unwrap();
    let second = page(&store, "", after(&first)).await;
    assert_eq!(second.rows.first().map(String::as_str), Some("c20"));
    assert!(second.rows.contains(&"c25a".to_owned()));
    let third = page(&store, "", after(&second)).await;
    assert_eq!(third.rows.first().map(String::as_str), Some("c39"));
    assert_eq!(page(&store, "", before(&third)).await.rows, second.rows);
    // Of the first page only eighteen are left: what is shown begins at the start.
    let again = page(&store, "", before(&second)).await;
    assert_eq!((again.rows.first().map(String::as_str), again.rows.len()), (Some("c00"), ROWS));
    assert_eq!(again.previous, None);
    // Nothing is left behind the third page: the last one is shown.
    for name in &all[39..] {
        store.delete(&format!("id-{name}")).await.unwrap();
    }
    let last = page(&store, "", after(&third)).await;
    assert_eq!((last.rows.last().map(String::as_str), last.next), (Some("c38"), None));
    for at in [At::After(Mark::Number(3)), At::Before(Mark::Number(3)), At::Before(Mark::Name(String::new()))] {
        assert_eq!(page(&store, "", at).await.rows.len(), ROWS);
    }
}

#[tokio::test]
async fn an_empty_list_has_one_empty_page() {
    let folder = TempDir::new().unwrap();
    let store = with(&folder, &[]).await;
    for at in [At::Start, At::After(Mark::Name("x".to_owned())), At::Before(Mark::Number(7))] {
        let page = page(&store, "", at).await;
        assert!(page.is_empty_list());
        assert_eq!((page.previous, page.next), (None, None));
        assert_eq!(page.total, Total::Exactly(0));
    }
}

#[tokio::test]
async fn more_than_a_thousand_are_not_counted() {
    let folder = TempDir::new().unwrap();
    let all: Vec<String> = (0..=COUNTED).map(|n| format!("c{n:04}")).collect();
    let store = with(&folder, &all.iter().map(|name| (name.as_str(), "all of them")).collect::<Vec<_>>()).await;
    for (search, expected) in [
        ("", Total::MoreThan(COUNTED)),
        ("c", Total::MoreThan(COUNTED)),
        ("all of", Total::MoreThan(COUNTED)),
        ("c0", Total::Exactly(1_000)),
        ("c00", Total::Exactly(100)),
        ("c000", Total::Exactly(10)),
    ] {
        assert_eq!(page(&store, search, At::Start).await.total, expected, "{search}");
    }
    assert_eq!(names(&all_pages(&store, "all of").await), all);
}

/// What the pages should be, the slow way.
fn expected(rows: &BTreeMap<u64, (String, String)>, search: &str) -> Vec<String> {
    let search = search.to_lowercase();
    let begins = |name: &str| name.to_lowercase().starts_with(&search);
    let mut first: Vec<&String> = rows.values().map(|(name, _)| name).filter(|name| begins(name)).collect();
    first.sort_by_key(|name| (name.to_lowercase(), (*name).clone()));
    let contains = |name: &str, text: &str| {
        search.chars().count() >= 3
            && !begins(name)
            && (name.to_lowercase().contains(&search) || text.to_lowercase().contains(&search))
    };
    let others = rows.values().filter(|(name, text)| contains(name, text)).map(|(name, _)| name);
    first.into_iter().chain(others).cloned().collect()
}

#[tokio::test]
async fn after_random_deeds_the_pages_are_what_a_look_at_every_row_gives() {
    const SYLLABLES: [&str; 6] = ["al", "Al", "ice", "bo", "_", "-x"];
    let folder = TempDir::new().unwrap();
    let store = open(&folder).await;
    let mut rows: BTreeMap<u64, (String, String)> = BTreeMap::new();
    let (mut state, mut number) = (7_u64, 0);
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for _ in 0..400 {
        let name: String = (0..=random(4)).map(|_| SYLLABLES[random(SYLLABLES.len())]).collect();
        let text: String = (0..random(3)).map(|_| SYLLABLES[random(SYLLABLES.len())]).collect();
        let known = rows.iter().find(|(_, (other, _))| *other == name).map(|(number, _)| *number);
        match known {
            None => {
                store.insert(&group(), &consumer(&name, &text), NOW).await.unwrap();
                number += 1;
                rows.insert(number, (name, text));
            }
            Some(known) if random(3) == 0 => {
                store.delete(&format!("id-{name}")).await.unwrap();
                rows.remove(&known);
            }
            Some(known) => {
                let id = format!("id-{name}");
                let revision = store.object(&group(), Kind::Consumer, &id).await.unwrap().unwrap().revision;
                store.update(&consumer(&name, &text), revision, NOW).await.unwrap();
                rows.insert(known, (name, text));
            }
        }
    }
    for search in ["", "a", "al", "ALI", "ice", "bo_", "_al", "-x-", "icebo", "x"] {
        let pages = all_pages(&store, search).await;
        assert_eq!(names(&pages), expected(&rows, search), "{search}");
        for (earlier, later) in pages.iter().zip(&pages[1..]) {
            assert_eq!(page(&store, search, before(later)).await.rows, earlier.rows, "{search}");
        }
    }
}

#[tokio::test]
async fn a_database_from_before_there_were_pages_keeps_what_it_holds() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("p.db");
    std::fs::File::create(&path).unwrap();
    let pool = sqlx::SqlitePool::connect_with(crate::options(&path)).await.unwrap();
    let first = sqlx::migrate!().iter().filter(|migration| migration.version == 1).cloned().collect();
    sqlx::migrate::Migrator::with_migrations(first).run(&pool).await.unwrap();
    sqlx::raw_sql(
        r#"insert into objects (id, group_name, kind, parent, scope, name, revision, spec, updated_at) values
            ('k', 'default', 'service', null, '', 'shop', 1, '{"description":"Alice shops here"}', 1),
            ('a', 'default', 'consumer', null, '', 'Alice', 3, '{"name":"Alice","description":"the first","labels":{"team":"red","custom_id":"42"}}', 5),
            ('b', 'default', 'consumer', null, '', 'bob', 1, '{"name":"bob","description":"","labels":{}}', 5),
            ('c', 'default', 'credential', 'a', 'a', 'key-auth/k', 2, '{}', 5);
        insert into history values ('a', 2, '{}'), ('a', 3, '{"n":1}'), ('c', 1, '{}')"#,
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;

    let store = open(&folder).await;
    let mut told = Vec::new();
    for kind in [Kind::Consumer, Kind::Credential, Kind::Service] {
        let rows = store.objects_of(&group(), kind).await.unwrap();
        told.extend(rows.into_iter().map(|row| (row.id, row.revision, row.updated_at.0)));
    }
    assert_eq!(told, [("a", 3, 5), ("b", 1, 5), ("c", 2, 5), ("k", 1, 1)].map(|(id, at, on)| (id.to_owned(), at, on)));
    assert_eq!(store.masked_at("a", 3).await.unwrap().as_deref(), Some(r#"{"n":1}"#));
    for (search, expected) in [
        ("", vec!["Alice", "bob"]),
        ("first", vec!["Alice"]),
        ("team=red", vec!["Alice"]),
        ("custom_id=42", vec!["Alice"]),
    ] {
        assert_eq!(found(&store, search).await, expected, "{search}");
    }
    // What belongs to it still goes with it.
    store.delete("a").await.unwrap();
    let children = store.children("a", Kind::Credential).await.unwrap();
    assert!(children.is_empty());
    assert_eq!(store.masked_at("c", 1).await.unwrap(), None);
    assert_eq!(found(&store, "first").await, [""; 0]);
}
