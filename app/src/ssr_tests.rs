//! What the server writes stays text, whatever it is called.

use crate::parts::reference::Malformed;
use crate::title::PageTitle;
use futures_util::{StreamExt, stream};
use leptos::prelude::*;
use leptos_meta::{MetaTags, ServerMetaContext, provide_meta_context};
use postern::secret_ref::SecretRef;
use ui::{Snippet, TextArea, TextInput};

const HOSTILE: &str = "</title></textarea><script>alert(1)</script>\" onfocus=\"x";

fn check(what: &str, html: &str) {
    assert!(!html.contains("<script"), "{what}: {html}");
}

/// Quotes matter inside a tag only.
fn check_attributes(what: &str, html: &str) {
    check(what, html);
    assert!(!html.contains("\" onfocus"), "{what}: {html}");
}

#[tokio::test]
async fn a_name_in_the_page_title_stays_text() {
    let _ = any_spawner::Executor::init_tokio();
    let owner = Owner::new_root(None);
    owner.set();
    let (context, output) = ServerMetaContext::new();
    provide_context(context);
    provide_meta_context();
    let body = view! { <PageTitle text=HOSTILE/> }.to_html();
    let head = view! { <MetaTags/> }.to_html();
    let page = stream::iter([format!("<head>{head}</head><body>{body}</body>")]);
    let written: String = output.inject_meta_context(page).await.collect().await;
    assert!(written.contains("<title>&lt;/title&gt;"), "{written}");
    check("title", &written);
}

#[test]
fn what_was_typed_stays_text_in_every_field() {
    let owner = Owner::new_root(None);
    owner.set();
    let value = || RwSignal::new(HOSTILE.to_owned());
    for (what, html) in [
        ("textarea", view! { <TextArea name="x" label="X" value=value()/> }.to_html()),
        ("input", view! { <TextInput name="x" label="X" value=value()/> }.to_html()),
    ] {
        check_attributes(what, &html);
    }
    check("snippet", &view! { <Snippet text=HOSTILE/> }.to_html());
    let text = format!("$secret://vault/v/{HOSTILE}");
    let error = text.parse::<SecretRef>().err();
    let malformed = error.map(|error| view! { <Malformed text=text.clone() error/> }.to_html());
    assert!(!malformed.unwrap_or_default().contains("<script"));
}

#[test]
fn a_password_is_never_written_into_the_page() {
    let owner = Owner::new_root(None);
    owner.set();
    let value = RwSignal::new("canary".to_owned());
    let html = view! { <TextInput name="token" label="Token" kind="password" value/> }.to_html();
    assert!(!html.contains("canary"), "{html}");
}
