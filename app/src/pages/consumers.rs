//! Consumers: the list.

use crate::api;
use crate::forms::consumer::ConsumerDialog;
use crate::go::{Go, opened};
use crate::load::{Live, load_pages};
use crate::pages::over::{load_of_consumers, of_consumers, over_page};
use crate::parts::group::{group_signal, paths};
use crate::parts::list::List;
use crate::parts::pages::{Pager, SearchBox, asked, count_text};
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::ConsumerView;
use postern::page::{Page, PageQuery};
use postern::time::Millis;
use ui::{Badge, Empty, Glyph, Tone};

type Data = Page<ConsumerView>;

/// The page.
#[component]
pub fn ConsumersPage() -> impl IntoView {
    let group = group_signal();
    let asked = asked();
    load_pages(move || group.get(), asked, api::consumers, move |live, _| view! { <Whole live asked/> }.into_any())
}

#[component]
fn Whole(live: Live<Data>, asked: Memo<PageQuery>) -> impl IntoView {
    view! {
        <List
            title="Consumers"
            text="The callers of your services. Each has credentials that prove who it is."
            is_empty=live.part(Data::is_empty_list)
            glyph=Glyph::Consumer
            empty_title="No consumer yet"
            empty_text="Add the first caller of your services; then give it a key, typed in or kept in a secret provider."
            add="consumer"
            add_label="Add Consumer"
        >
            <Found live asked/>
        </List>
        {over_page(&["add"], load_of_consumers, of_consumers)}
    }
    .into_any()
}

#[component]
fn Found(live: Live<Data>, asked: Memo<PageQuery>) -> impl IntoView {
    let is_nothing = live.part(|page| page.rows.is_empty());
    let count = live.part(|page| count_text(page.total, &page.search, "consumer", "consumers"));
    view! {
        <SearchBox label="Search consumers" asked>
            {move || count.get()}
        </SearchBox>
        {move || {
            if is_nothing.get() {
                view! {
                    <Empty
                        glyph=Glyph::Consumer
                        title="No such consumer"
                        text="No name, description or label contains that."
                    >
                        <a class="link" href=paths().consumers()>
                            "Clear search"
                        </a>
                    </Empty>
                }
                    .into_any()
            } else {
                view! { <Table live/> }.into_any()
            }
        }}
        <Pager asked previous=live.part(|page| page.previous.clone()) next=live.part(|page| page.next.clone())/>
    }
    .into_any()
}

#[component]
fn Table(live: Live<Data>) -> impl IntoView {
    let rows = live.part(|page| page.rows.clone());
    view! {
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Description"</th>
                        <th scope="col">"Labels"</th>
                        <th scope="col">"Credentials"</th>
                        <th scope="col">"Updated"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        rows.get().into_iter().map(|view| view! { <Row view now=live.now()/> }.into_any()).collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(view: ConsumerView, now: Signal<Millis>) -> impl IntoView {
    let consumer = view.stored.object;
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                <a class="link" href=paths().consumer_page(&consumer.name)>
                    {consumer.name.to_string()}
                </a>
            </td>
            <td data-label="Description" class="text-muted wrap-anywhere max-w-sm">
                {or_dash(consumer.description)}
            </td>
            <td data-label="Labels">
                <Labels labels=consumer.labels.into_iter().collect()/>
            </td>
            <td data-label="Credentials">
                <CredentialCount credentials=view.credentials unarmed=view.unarmed/>
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
        </tr>
    }
    .into_any()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

/// Labels as chips.
#[component]
pub fn Labels(labels: Vec<(String, String)>) -> impl IntoView {
    if labels.is_empty() {
        return view! { <span class="text-muted">"–"</span> }.into_any();
    }
    let chips = labels
        .into_iter()
        .map(|(key, value)| view! { <code class="badge tone-quiet h-auto py-1 whitespace-normal wrap-anywhere">{format!("{key}={value}")}</code> })
        .collect_view();
    view! { <span class="flex flex-wrap gap-1">{chips}</span> }.into_any()
}

#[component]
fn CredentialCount(credentials: usize, unarmed: usize) -> impl IntoView {
    view! {
        <span class="mr-2">{credentials}</span>
        {(unarmed > 0).then(|| view! { <Badge tone=Tone::Danger word=format!("{unarmed} refused")/> })}
    }
    .into_any()
}

/// After Add the tutorial goes on with the consumer's credentials; the list stays where it is, and
/// leads there.
pub(super) fn dialogs() -> AnyView {
    let go = Go::here();
    let add = opened("add");
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("consumer"));
    let group_paths = paths();
    let shown = move || {
        let group_paths = group_paths.clone();
        let on_done =
            Callback::new(move |view: ConsumerView| go.instead(&group_paths.consumer_page(&view.stored.object.name)));
        is_add.get().then(|| view! { <ConsumerDialog on_done on_close=go.closing()/> })
    };
    shown.into_any()
}
