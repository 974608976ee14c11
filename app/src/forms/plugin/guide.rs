//! The documentation beside the editor: the field that the cursor is in, and the fields there are.

use super::schema::{self, FieldDoc};
use leptos::prelude::*;
use serde_json::Value;

/// What is told of the field at `pointer`, and of those beside it.
#[component]
pub fn FieldGuide(
    schema: StoredValue<Value>,
    /// Where the cursor is.
    pointer: Signal<String>,
    /// A field was chosen: it is to be shown, and added if it is not there.
    on_pick: Callback<String>,
) -> impl IntoView {
    let here = Memo::new(move |_| schema.with_value(|schema| schema::field(schema, &pointer.get())));
    let beside = Memo::new(move |_| schema.with_value(|schema| schema::siblings(schema, &pointer.get())));
    view! {
        <section class="guide" aria-labelledby="guide">
            <h3 id="guide">"Fields"</h3>
            {move || here.get().map(|doc| view! { <Here doc/> })}
            <ul class="guide-list">
                {move || {
                    let here = here.with(|doc| doc.as_ref().map(|doc| doc.pointer.clone()));
                    beside
                        .get()
                        .into_iter()
                        .map(|doc| {
                            let is_here = here.as_deref() == Some(doc.pointer.as_str());
                            view! { <Line doc is_here on_pick/> }
                        })
                        .collect_view()
                }}
            </ul>
            <p class="text-muted" class:hidden=move || !beside.with(Vec::is_empty)>
                "This plugin has no fields."
            </p>
        </section>
    }
    .into_any()
}

/// The field that the cursor is in.
#[component]
fn Here(doc: FieldDoc) -> impl IntoView {
    view! {
        <div class="guide-here" role="status">
            <p>
                <code class="font-semibold">{doc.name}</code>
                {doc.is_needed.then(|| view! { <span class="text-muted">", needed"</span> })}
            </p>
            <p>{doc.about}</p>
            <p class="text-muted">
                {sentence(&doc.kind)} {doc.default.map(|default| view! { " Default " <code>{default}</code> "." })}
            </p>
            {doc
                .takes_reference
                .then(|| view! { <p class="text-ref">"Takes a reference to a secret, such as $secret://vault/…"</p> })}
        </div>
    }
    .into_any()
}

/// `text` as a sentence; none for nothing.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

#[component]
fn Line(doc: FieldDoc, is_here: bool, on_pick: Callback<String>) -> impl IntoView {
    let FieldDoc { pointer, name, about, is_needed, takes_reference, .. } = doc;
    view! {
        <li>
            <button
                type="button"
                class="guide-field"
                aria-current=is_here.then_some("true")
                title=about
                on:click=move |_| on_pick.run(pointer.clone())
            >
                <code class:required=is_needed class:text-ref=takes_reference>
                    {name}
                </code>
            </button>
        </li>
    }
    .into_any()
}
