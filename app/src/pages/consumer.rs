//! One consumer: its credentials.

use crate::api::{self, ConsumerData as Data};
use crate::error::AppError;
use crate::forms::consumer::ConsumerDialog;
use crate::forms::credential::CredentialDialog;
use crate::forms::delete::{DeleteDialog, nothing};
use crate::forms::explain::ExplainDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::consumer_plugins::{ConsumerPart, ConsumerTabs};
use crate::pages::consumers::Labels;
use crate::pages::over::{load_of_consumer, of_consumer, over_page};
use crate::pages::secret_providers::RowButton;
use crate::pages::{act, done, parameter, written};
use crate::parts::failure::Gone;
use crate::parts::group::{group, group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use crate::parts::reference::ReferenceChip;
use crate::parts::state::StateCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::{CredentialName, CredentialView};
use postern::credential::CredentialType;
use postern::sensitive::SecretField;
use std::pin::Pin;
use std::sync::Arc;
use ui::{Badge, Button, Empty, Glyph, Look, Tab, TabList, Tone};

/// The page.
#[component]
pub fn ConsumerPage() -> impl IntoView {
    let group = group_signal();
    let (name, kind) = (written("name"), written("kind"));
    load(
        move || (group.get(), name.get()),
        move |(group, name)| async move {
            kind_of(&kind.get_untracked())?;
            api::consumer_page(group, parameter(&name, "consumer")?).await
        },
        |live, _| view! { <Page live/> }.into_any(),
    )
}

/// The type of credential whose tab is open: the one in the address, or the first.
fn kind_of(slug: &str) -> Result<CredentialType, AppError> {
    match slug {
        "" => Ok(CredentialType::default()),
        slug => CredentialType::from_slug(slug).ok_or_else(|| AppError::not_found("credential type", slug)),
    }
}

fn open_kind() -> Memo<CredentialType> {
    let kind = written("kind");
    Memo::new(move |_| kind_of(&kind.get()).unwrap_or_default())
}

#[component]
fn Page(live: Live<Data>) -> impl IntoView {
    let name = live.peek(|page| page.consumer.stored.object.name.clone());
    let description = live.part(|page| page.consumer.stored.object.description.clone());
    let labels = live.part(|page| page.consumer.stored.object.labels.clone());
    let kind = open_kind();
    view! {
        <PageHead title=name.to_string() crumbs=vec![Crumb::new("Consumers", paths().consumers())]>
            <OpenButton key="edit" value="consumer" label="Edit" glyph=Glyph::Edit/>
            <OpenButton key="delete" value="consumer" label="Delete" look=Look::Danger glyph=Glyph::Delete/>
        </PageHead>
        <div class="mb-5 grid gap-2 empty:hidden">
            {move || Some(description.get()).filter(|text| !text.is_empty()).map(|text| view! { <p class="text-muted wrap-anywhere">{text}</p> })}
            {move || {
                let labels: Vec<_> = labels.get().into_iter().collect();
                (!labels.is_empty()).then(|| view! { <Labels labels/> })
            }}
        </div>
        <ConsumerTabs name open=ConsumerPart::Credentials/>
        <div role="tabpanel" id="consumer-part" aria-labelledby="tab-open">
            {move || view! { <OfType live kind=kind.get()/> }}
        </div>
        {over_page(&["add", "edit", "delete", "explain"], load_of_consumer, move || of_consumer(live, kind))}
    }
    .into_any()
}

/// The inner tabs, and what is in the open one.
#[component]
fn OfType(live: Live<Data>, kind: CredentialType) -> impl IntoView {
    let name = live.peek(|page| page.consumer.stored.object.name.clone());
    let tabs = CredentialType::ALL.map(|other| {
        let href = paths().consumer(&name, other);
        let open = (other == kind).then_some(("tab-type", "of-type"));
        view! { <Tab label=other.label() href open/> }
    });
    let is_empty = live.part(move |page| of_type(page, kind).next().is_none());
    view! {
        <div class="section-head">
            <TabList label="Credential type" inner=true>
                {tabs.into_iter().collect_view()}
            </TabList>
            {move || (!is_empty.get()).then(|| view! { <AddButton kind/> })}
        </div>
        <div role="tabpanel" id="of-type" aria-labelledby="tab-type">
            <List live kind is_empty/>
        </div>
    }
    .into_any()
}

fn of_type(page: &Data, kind: CredentialType) -> impl Iterator<Item = &CredentialView> {
    page.credentials.iter().filter(move |view| view.stored.object.kind.credential_type() == kind)
}

#[component]
fn AddButton(kind: CredentialType) -> impl IntoView {
    view! {
        <OpenButton
            key="add"
            value=kind.slug()
            label=kind.add_label()
            look=Look::Primary
            glyph=Glyph::Plus
        />
    }
    .into_any()
}

#[component]
fn List(live: Live<Data>, kind: CredentialType, is_empty: Memo<bool>) -> impl IntoView {
    let credentials = live.part(move |page| of_type(page, kind).cloned().collect::<Vec<_>>());
    let columns = kind.columns();
    move || {
        if is_empty.get() {
            return view! {
                <Empty glyph=Glyph::Lock title=kind.none_yet() text=kind.summary()>
                    <AddButton kind/>
                </Empty>
            }
            .into_any();
        }
        let identifiers = columns.iter().map(|column| view! { <th scope="col">{*column}</th> }).collect_view();
        view! {
            <div class="table-box">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            {identifiers}
                            <th scope="col">"Value"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Updated"</th>
                            <th scope="col">
                                <span class="sr-only">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>
                        {move || {
                            credentials.get().into_iter().map(|view| view! { <Row view live/> }.into_any()).collect_view()
                        }}
                    </tbody>
                </table>
            </div>
        }
        .into_any()
    }
}

#[component]
fn Row(view: CredentialView, live: Live<Data>) -> impl IntoView {
    let now = live.now();
    let credential = view.stored.object;
    let name = credential.name.to_string();
    let id = credential.id.clone();
    let kind = credential.kind.credential_type();
    let cells = kind.columns().iter().zip(credential.kind.cells());
    let cells =
        cells.map(|(column, text)| view! { <td data-label=*column class="wrap-anywhere">{text}</td> }).collect_view();
    let value = credential.kind.secret().clone();
    let reference = value.reference().cloned();
    let is_reference = reference.is_some();
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                {name.clone()}
            </td>
            {cells}
            <td data-label="Value">
                {match (reference, value) {
                    (Some(reference), _) => view! { <ReferenceChip reference/> }.into_any(),
                    (None, SecretField::Literal(masked)) => {
                        view! {
                            "Manually input"
                            <p class="cell-sub">"Stored encrypted, set " <Ago now at=masked.set_at/></p>
                        }
                            .into_any()
                    }
                    (None, SecretField::Reference(_)) => ().into_any(),
                }}
            </td>
            <td data-label="State">
                {view.same_as.map(|other| view! { <SameAs other kind/> })}
                {match view.state {
                    Some(state) => view! { <StateCell state now/> }.into_any(),
                    None => view! { <Badge tone=Tone::Ok word="Set"/> }.into_any(),
                }}
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
            <td>
                <div class="row-actions">
                    {is_reference
                        .then(|| view! { <RowButton key="explain" slug=id.to_string() label="Explain" name=format!("Explain {name}") glyph=Glyph::Explain/> })}
                    {is_reference.then(|| view! { <CheckButton live id=id.clone() name=name.clone()/> })}
                    <RowButton key="edit" slug=id.to_string() label="Edit" name=format!("Edit {name}") glyph=Glyph::Edit/>
                    <RowButton key="delete" slug=id.to_string() label="Delete" name=format!("Delete {name}") glyph=Glyph::Delete/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// Why it lets nobody in, however its value fares: another credential has the same.
#[component]
fn SameAs(other: CredentialName, kind: CredentialType) -> impl IntoView {
    view! {
        <div class="mb-2">
            <Badge tone=Tone::Danger word="Refused"/>
            <p class="cell-sub text-text">
                {other.credential} " of "
                <a class="link link-inline" href=paths().consumer(&other.consumer, other.kind)>
                    {other.consumer.to_string()}
                </a>
                {format!(" has the same {0}, so neither authenticates. Give one of them another {0}.", kind.found_by())}
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn CheckButton(live: Live<Data>, id: postern::name::ObjectId, name: String) -> impl IntoView {
    let busy = RwSignal::new(false);
    let group = group();
    let check = move |()| {
        act(live, busy, api::refresh_credential(group.clone(), id.clone()), "The reference has been read again.");
    };
    view! {
        <Button
            label="Check now"
            name=format!("Check now {name}")
            look=Look::Ghost
            glyph=Glyph::Refresh
            small=true
            icon_only=true
            busy
            on_press=Callback::new(check)
        />
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<Data>, kind: Memo<CredentialType>) -> AnyView {
    let go = Go::here();
    let (add, edit, delete) = (opened("add"), opened("edit"), opened("delete"));
    let explain = opened("explain");
    let shown = move || {
        let consumer = live.peek(|page| page.consumer.clone());
        let name = consumer.stored.object.name.clone();
        let now = live.now().get_untracked();
        if let Some(id) = explain.get() {
            let reference = find(live, &id).and_then(|view| view.stored.object.kind.secret().reference().cloned());
            let on_change = Callback::new(move |()| live.refresh());
            return match reference {
                Some(reference) => view! { <ExplainDialog reference on_change on_close=go.closing()/> }.into_any(),
                None => view! { <Gone what="credential" name=id on_close=go.closing()/> }.into_any(),
            };
        }
        let gone = |id: String| view! { <Gone what="credential" name=id on_close=go.closing()/> }.into_any();
        match (add.get(), edit.get(), delete.get()) {
            (None, None, None) => ().into_any(),
            (Some(slug), ..) => match CredentialType::from_slug(&slug).filter(|wanted| *wanted == kind.get_untracked())
            {
                Some(kind) => {
                    view! { <CredentialDialog consumer=name kind now on_done=done(live, go) on_close=go.closing()/> }
                        .into_any()
                }
                None => view! { <Gone what="credential type" name=slug on_close=go.closing()/> }.into_any(),
            },
            (None, Some(id), _) if id == "consumer" => {
                view! { <ConsumerDialog stored=Some(consumer) on_done=done(live, go) on_close=go.closing()/> }
                    .into_any()
            }
            (None, Some(id), _) => match find(live, &id) {
                Some(view) => {
                    let kind = view.stored.object.kind.credential_type();
                    view! { <CredentialDialog consumer=name kind stored=Some(view) now on_done=done(live, go) on_close=go.closing()/> }
                        .into_any()
                }
                None => gone(id),
            },
            (None, None, Some(id)) if id == "consumer" => view! { <DeleteConsumer live/> }.into_any(),
            (None, None, Some(id)) => match find(live, &id) {
                Some(view) => view! { <DeleteCredential live view/> }.into_any(),
                None => gone(id),
            },
        }
    };
    shown.into_any()
}

fn find(live: Live<Data>, id: &str) -> Option<CredentialView> {
    live.peek(|page| page.credentials.iter().find(|view| view.stored.object.id.as_str() == id).cloned())
}

#[component]
fn DeleteConsumer(live: Live<Data>) -> impl IntoView {
    let go = Go::here();
    let (group, list) = (group(), paths().consumers());
    let name = live.peek(|page| page.consumer.stored.object.name.clone());
    let consequences = live.peek(|page| {
        page.credentials.iter().map(|view| format!("Its credential {}", view.stored.object.name)).collect::<Vec<_>>()
    });
    let gone = name.clone();
    let delete = Arc::new(move |_| {
        let (group, name) = (group.clone(), gone.clone());
        Box::pin(async move { api::delete_consumer(group, name).await }) as Pin<Box<_>>
    });
    let on_done = Callback::new(move |()| go.instead(&list));
    view! { <DeleteDialog what=format!("consumer {name}") name=name.to_string() consequences delete on_done on_close=go.closing()/> }.into_any()
}

#[component]
fn DeleteCredential(live: Live<Data>, view: CredentialView) -> impl IntoView {
    let go = Go::here();
    let group = group();
    let credential = view.stored.object;
    let id = credential.id.clone();
    let delete = Arc::new(move |_| {
        let (group, id) = (group.clone(), id.clone());
        Box::pin(async move { api::delete_credential(group, id).await }) as Pin<Box<_>>
    });
    let name = credential.name.to_string();
    view! {
        <DeleteDialog
            what=format!("credential {name}")
            name
            effect="Requests with it are refused from then on."
            consequences=nothing()
            delete
            on_done=done(live, go)
            on_close=go.closing()
        />
    }
    .into_any()
}
