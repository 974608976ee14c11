//! References: every one in the group, and where it stands.

use crate::api;
use crate::forms::explain::ExplainDialog;
use crate::go::opened;
use crate::load::{Live, load};
use crate::pages::secret_providers::RowButton;
use crate::parts::group::{group_signal, paths};
use crate::parts::page::PageHead;
use crate::parts::reference::ReferenceChip;
use crate::parts::state::StateCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::ReferenceView;
use postern::time::Millis;
use ui::{Empty, Glyph};

/// The page.
#[component]
pub fn ReferencesPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::references, |live, _| view! { <List live/> }.into_any())
}

#[component]
fn List(live: Live<Vec<ReferenceView>>) -> impl IntoView {
    let is_empty = live.part(Vec::is_empty);
    let rows = Signal::derive(move || live.get());
    view! {
        <PageHead
            title="References"
            text="Every reference to a secret in this gateway group, what it stands for now, and who uses it."
        />
        {move || {
            if is_empty.get() {
                view! {
                    <Empty
                        glyph=Glyph::Reference
                        title="No reference yet"
                        text="A credential whose Key is a Reference from Secret Provider appears here, with its state."
                    >
                        <a class="link" href=paths().consumers()>
                            "Go to Consumers"
                        </a>
                    </Empty>
                }
                    .into_any()
            } else {
                view! { <ReferenceTable rows now=live.now() on_change=Callback::new(move |()| live.refresh())/> }.into_any()
            }
        }}
    }
    .into_any()
}

/// References with their states and users.
#[component]
pub fn ReferenceTable(
    rows: Signal<Vec<ReferenceView>>,
    now: Signal<Millis>,
    /// Something was saved or learned.
    on_change: Callback<()>,
) -> impl IntoView {
    let explain = opened("explain");
    let explained = move || {
        let id = explain.get()?;
        let reference = rows.with_untracked(|rows| {
            rows.iter().find(|view| view.credential.as_str() == id).map(|view| view.reference.clone())
        })?;
        Some(view! { <ExplainDialog reference on_change/> })
    };
    view! {
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Reference"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Used by"</th>
                        <th scope="col">"Last read"</th>
                        <th scope="col">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {move || rows.get().into_iter().map(|view| view! { <Row view now/> }.into_any()).collect_view()}
                </tbody>
            </table>
        </div>
        {explained}
    }
    .into_any()
}

#[component]
fn Row(view: ReferenceView, now: Signal<Millis>) -> impl IntoView {
    let id = view.credential.to_string();
    let name = format!("Explain {}", view.reference);
    let read_at = view.state.resolved().map(|resolved| resolved.read_at);
    view! {
        <tr>
            <td data-label="Reference">
                <ReferenceChip reference=view.reference/>
            </td>
            <td data-label="State">
                <StateCell state=view.state now/>
            </td>
            <td data-label="Used by">
                <a class="link" href=paths().consumer(&view.used_by.consumer, view.used_by.kind)>
                    {view.used_by.consumer.to_string()}
                </a>
                <p class="cell-sub">"Key of " {view.used_by.credential}</p>
            </td>
            <td data-label="Last read" class="text-muted whitespace-nowrap">
                {match read_at {
                    Some(at) => view! { <Ago now at/> }.into_any(),
                    None => "Never".into_any(),
                }}
            </td>
            <td>
                <div class="row-actions">
                    <RowButton key="explain" slug=id label="Explain" name glyph=Glyph::Test/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}
