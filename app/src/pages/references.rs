//! References: every one in the group, and where it stands.

use crate::api;
use crate::forms::explain::ExplainDialog;
use crate::go::{Go, opened};
use crate::load::{Live, load};
use crate::pages::over::{load_of_references, of_references, over_page};
use crate::pages::secret_providers::RowButton;
use crate::parts::group::{group_signal, paths};
use crate::parts::page::PageHead;
use crate::parts::reference::ReferenceChip;
use crate::parts::state::{StateCell, tone, urgency};
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::{ReferenceUser, ReferenceView};
use postern::resolve::StateName;
use postern::time::Millis;
use ui::{Badge, Empty, Glyph};

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
                        text="A credential, certificate or plugin that refers to a secret appears here, with its state."
                    >
                        <a class="link" href=paths().consumers()>
                            "Go to Consumers"
                        </a>
                    </Empty>
                }
                    .into_any()
            } else {
                view! {
                    <Tally rows/>
                    <ReferenceTable rows now=live.now() on_change=Callback::new(move |()| live.refresh())/>
                }
                    .into_any()
            }
        }}
    }
    .into_any()
}

/// How many are in which state, those to look at first.
#[component]
fn Tally(rows: Signal<Vec<ReferenceView>>) -> impl IntoView {
    let count = move || {
        let mut states = StateName::ALL;
        states.sort_by_key(|state| urgency(*state));
        let counted =
            rows.with(|rows| states.map(|state| (state, rows.iter().filter(|view| view.state.name == state).count())));
        let badge = |(state, number): (StateName, usize)| {
            let glyph = (state == StateName::Pending).then_some(Glyph::Busy);
            view! { <li><Badge tone=tone(state) word=format!("{number} {}", state.label()) glyph/></li> }
        };
        counted.into_iter().filter(|(_, number)| *number > 0).map(badge).collect_view()
    };
    view! {
        <ul class="mb-4 flex flex-wrap gap-2" aria-label="References by state">
            {count}
        </ul>
    }
    .into_any()
}

/// References with their states and users, those to look at first.
#[component]
pub fn ReferenceTable(
    rows: Signal<Vec<ReferenceView>>,
    now: Signal<Millis>,
    /// Something was saved or learned.
    on_change: Callback<()>,
) -> impl IntoView {
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
                    {move || {
                        let mut rows = rows.get();
                        rows.sort_by_key(|view| urgency(view.state.name));
                        rows.into_iter().map(|view| view! { <Row view now/> }.into_any()).collect_view()
                    }}
                </tbody>
            </table>
        </div>
        {over_page(&["explain"], load_of_references, move || of_references(rows, on_change))}
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(rows: Signal<Vec<ReferenceView>>, on_change: Callback<()>) -> AnyView {
    let go = Go::here();
    let explain = opened("explain");
    let explained = move || {
        let id = explain.get()?;
        let reference =
            rows.with_untracked(|rows| rows.iter().find(|view| row_id(view) == id).map(|view| view.reference.clone()))?;
        Some(view! { <ExplainDialog reference on_change on_close=go.closing()/> })
    };
    explained.into_any()
}

/// What names a row in the address: the credential, a certificate's field, or for a plugin the incident of its
/// reference.
fn row_id(view: &ReferenceView) -> String {
    match &view.used_by {
        ReferenceUser::Credential { id, .. } => id.to_string(),
        ReferenceUser::Plugin { .. } => view.incident.clone(),
        ReferenceUser::Certificate { user } => format!("{}-{}", user.id, user.field.slug()),
    }
}

#[component]
fn Row(view: ReferenceView, now: Signal<Millis>) -> impl IntoView {
    let id = row_id(&view);
    let explain = format!("Explain {}", view.reference);
    let has_value = view.state.resolved.is_some();
    let incident = view.incident;
    let (href, name, what) = match view.used_by {
        ReferenceUser::Credential { name, .. } => {
            let href = paths().consumer(&name.consumer, name.kind);
            (href, name.consumer.to_string(), format!("{} {}", name.kind.label(), name.credential))
        }
        ReferenceUser::Plugin { user } => {
            let mut what = format!("{} of {}", user.field, user.plugin.label());
            if !has_value {
                what.push_str(&format!("; its requests are refused with incident {incident}"));
            }
            (paths().plugins_of(&user), user.owner_name, what)
        }
        ReferenceUser::Certificate { user } => {
            let mut what = format!("{} of certificate", user.field.label());
            if !has_value {
                what.push_str(&format!("; services that show it refuse requests with incident {incident}"));
            }
            (paths().certificates(), user.name.to_string(), what)
        }
    };
    let read_at = view.state.resolved.as_ref().map(|resolved| resolved.read_at);
    view! {
        <tr>
            <td data-label="Reference">
                <ReferenceChip reference=view.reference/>
            </td>
            <td data-label="State">
                <StateCell state=view.state now/>
            </td>
            <td data-label="Used by">
                <a class="link" href=href>
                    {name}
                </a>
                <p class="cell-sub">{what}</p>
            </td>
            <td data-label="Last read" class="text-muted whitespace-nowrap">
                {match read_at {
                    Some(at) => view! { <Ago now at/> }.into_any(),
                    None => "Never".into_any(),
                }}
            </td>
            <td>
                <div class="row-actions">
                    <RowButton key="explain" slug=id label="Explain" name=explain glyph=Glyph::Explain/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}
