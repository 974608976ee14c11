//! Lists in pages: what is shown of a row is the same wherever in the list it stands.

use super::*;
use postern::page::{At, Page, Total};

impl World {
    async fn page(&self, search: &str, at: At) -> Page<(String, usize, usize)> {
        let query = PageQuery { search: search.into(), at };
        let page = self.control.consumers(&op(), &group(), &query).await.unwrap();
        page.try_map(|view| Ok::<_, ()>((view.stored.object.name.to_string(), view.credentials, view.unarmed))).unwrap()
    }

    async fn add(&self, credential: Credential<Entered>) {
        self.control.add_credential(&op(), &group(), credential).await.unwrap();
    }
}

#[tokio::test]
async fn credentials_are_counted_and_flagged_on_every_page() {
    const VARIABLE: &str = "$env://POSTERN_SECRET_ALICE";
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
    for n in 0..50 {
        w.control.add_consumer(&op(), &group(), consumer(&format!("c{n:02}"))).await.unwrap();
    }
    for key in ["one", "two", "three"] {
        w.add(literal("c01", key, key)).await;
    }
    w.add(credential("c21", "dead", Source::Reference, REFERENCE)).await;
    w.add(literal("c21", "alive", "alive")).await;
    // These two come to the same key, each on a page of its own.
    w.add(credential("c22", "variable", Source::Reference, VARIABLE)).await;
    w.add(credential("c49", "variable", Source::Reference, VARIABLE)).await;

    let first = w.page("", At::Start).await;
    let second = w.page("", At::After(first.next.clone().unwrap())).await;
    let third = w.page("", At::After(second.next.clone().unwrap())).await;
    let mut flagged = Vec::new();
    for page in [&first, &second, &third] {
        assert_eq!(page.total, Total::Exactly(50));
        flagged.extend(page.rows.iter().filter(|row| row.1 > 0).cloned());
    }
    let row = |name: &str, credentials, unarmed| (name.to_owned(), credentials, unarmed);
    assert_eq!(flagged, [row("c01", 3, 0), row("c21", 2, 1), row("c22", 1, 1), row("c49", 1, 1)]);
    assert_eq!(w.page("C22", At::Start).await.rows, [row("c22", 1, 1)]);

    // Once one of the two has gone, the other is flagged no longer.
    w.control.delete_consumer(&op(), &group(), &"c49".parse().unwrap()).await.unwrap();
    assert_eq!(w.page("c22", At::Start).await.rows, [row("c22", 1, 0)]);
    assert_eq!(w.page("", At::Start).await.total, Total::Exactly(49));
}

#[tokio::test]
async fn description_and_labels_are_searched_as_they_are_now() {
    let w = World::new().await;
    let with = |description: &str, labels: &str| {
        let form =
            ConsumerForm { name: "Alice".to_owned(), description: description.to_owned(), labels: labels.to_owned() };
        form.parse().unwrap()
    };
    w.control.add_consumer(&op(), &group(), with("of the web shop", "team=red\ncustom_id=42")).await.unwrap();
    w.control.add_consumer(&op(), &group(), consumer("Bob")).await.unwrap();
    let names =
        async |search: &str| w.page(search, At::Start).await.rows.into_iter().map(|row| row.0).collect::<Vec<_>>();
    for search in ["WEB SHOP", "team=red", "custom_id=42"] {
        assert_eq!(names(search).await, ["Alice"], "{search}");
    }
    w.control.save_consumer(&op(), &group(), 1, with("of the kiosk", "team=blue")).await.unwrap();
    for (search, expected) in
        [("web shop", vec![]), ("team=red", vec![]), ("kiosk", vec!["Alice"]), ("team=blue", vec!["Alice"])]
    {
        assert_eq!(names(search).await, expected, "{search}");
    }
}
