//! One consumer: its credentials.

use crate::api::{self, ConsumerData as Data};
use crate::forms::consumer::ConsumerDialog;
use crate::forms::delete::{DeleteDialog, nothing};
use crate::forms::explain::ExplainDialog;
use crate::forms::key_auth::KeyAuthDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::consumers::Labels;
use crate::pages::secret_providers::RowButton;
use crate::pages::{act, done, parameter, written};
use crate::parts::failure::Gone;
use crate::parts::group::{group, group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use crate::parts::reference::ReferenceChip;
use crate::parts::state::StateCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::CredentialView;
use postern::sensitive::SecretField;
use std::pin::Pin;
use std::sync::Arc;
use ui::{Badge, Button, Empty, Glyph, Look, Tab, TabList, Tone};

/// The page.
#[component]
pub fn ConsumerPage() -> impl IntoView {
    let group = group_signal();
    let name = written("name");
    load(
        move || (group.get(), name.get()),
        |(group, name)| async move { api::consumer_page(group, parameter(&name, "consumer")?).await },
        |live, _| view! { <Page live/> }.into_any(),
    )
}

#[component]
fn Page(live: Live<Data>) -> impl IntoView {
    let name = live.peek(|page| page.consumer.stored.object.name.clone());
    let (credentials, key_auth) = (paths().consumer(&name), paths().consumer(&name));
    let description = live.part(|page| page.consumer.stored.object.description.clone());
    let labels = live.part(|page| page.consumer.stored.object.labels.clone());
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
        <TabList label="Consumer">
            <Tab label="Credentials" href=credentials open=Some(("tab-credentials", "credentials"))/>
        </TabList>
        <div role="tabpanel" id="credentials" aria-labelledby="tab-credentials">
            <div class="section-head">
                <TabList label="Credential type" inner=true>
                    <Tab label="Key Authentication" href=key_auth open=Some(("tab-key-auth", "key-auth"))/>
                </TabList>
                <KeyAuthHead live/>
            </div>
            <div role="tabpanel" id="key-auth" aria-labelledby="tab-key-auth">
                <KeyAuthList live/>
            </div>
        </div>
        <Dialogs live/>
    }
    .into_any()
}

#[component]
fn KeyAuthHead(live: Live<Data>) -> impl IntoView {
    let is_empty = live.part(|page| page.credentials.is_empty());
    move || (!is_empty.get()).then(|| view! { <AddButton/> })
}

#[component]
fn AddButton() -> impl IntoView {
    view! {
        <OpenButton
            key="add"
            value="key-auth"
            label="Add Key Authentication Credential"
            look=Look::Primary
            glyph=Glyph::Plus
        />
    }
    .into_any()
}

#[component]
fn KeyAuthList(live: Live<Data>) -> impl IntoView {
    let credentials = live.part(|page| page.credentials.clone());
    let is_empty = live.part(|page| page.credentials.is_empty());
    move || {
        if is_empty.get() {
            return view! {
                <Empty
                    glyph=Glyph::Lock
                    title="No key yet"
                    text="A key proves who calls. Type one in, or refer to one that stays in a secret provider."
                >
                    <AddButton/>
                </Empty>
            }
            .into_any();
        }
        view! {
            <div class="table-box">
                <table class="table">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
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
    let value = credential.kind.secret().clone();
    let reference = value.reference().cloned();
    let is_reference = reference.is_some();
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                {name.clone()}
            </td>
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
                {match view.state {
                    Some(state) => view! { <StateCell state now/> }.into_any(),
                    None => view! { <Badge tone=Tone::Ok word="Set"/> }.into_any(),
                }}
                {view
                    .same_as
                    .map(|other| {
                        view! {
                            <div class="mt-2">
                                <Badge tone=Tone::Danger word="Refused"/>
                                <p class="cell-sub">
                                    {format!(
                                        "{} of {} has the same key, so neither authenticates. Give one of them another key.",
                                        other.credential,
                                        other.consumer,
                                    )}
                                </p>
                            </div>
                        }
                    })}
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
            <td>
                <div class="row-actions">
                    {is_reference
                        .then(|| view! { <RowButton key="explain" slug=id.to_string() label="Explain" name=format!("Explain {name}") glyph=Glyph::Test/> })}
                    {is_reference.then(|| view! { <CheckButton live id=id.clone() name=name.clone()/> })}
                    <RowButton key="edit" slug=id.to_string() label="Edit" name=format!("Edit {name}") glyph=Glyph::Edit/>
                    <RowButton key="delete" slug=id.to_string() label="Delete" name=format!("Delete {name}") glyph=Glyph::Delete/>
                </div>
            </td>
        </tr>
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

#[component]
fn Dialogs(live: Live<Data>) -> impl IntoView {
    let go = Go::here();
    let (add, edit, delete) = (opened("add"), opened("edit"), opened("delete"));
    let explain = opened("explain");
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("key-auth"));
    move || {
        let consumer = live.peek(|page| page.consumer.clone());
        let name = consumer.stored.object.name.clone();
        let now = live.now().get_untracked();
        if is_add.get() {
            return view! { <KeyAuthDialog consumer=name now on_done=done(live, go) on_close=go.closing()/> }
                .into_any();
        }
        if let Some(id) = explain.get() {
            let reference = find(live, &id).and_then(|view| view.stored.object.kind.secret().reference().cloned());
            let on_change = Callback::new(move |()| live.refresh());
            return match reference {
                Some(reference) => view! { <ExplainDialog reference on_change/> }.into_any(),
                None => view! { <Gone what="credential" name=id on_close=go.closing()/> }.into_any(),
            };
        }
        match (edit.get().as_deref(), delete.get().as_deref()) {
            (Some("consumer"), _) => {
                view! { <ConsumerDialog stored=Some(consumer) on_done=done(live, go) on_close=go.closing()/> }.into_any()
            }
            (Some(id), _) => match find(live, id) {
                Some(view) => {
                    view! { <KeyAuthDialog consumer=name stored=Some(view) now on_done=done(live, go) on_close=go.closing()/> }
                        .into_any()
                }
                None => view! { <Gone what="credential" name=id.to_owned() on_close=go.closing()/> }.into_any(),
            },
            (None, Some("consumer")) => view! { <DeleteConsumer live/> }.into_any(),
            (None, Some(id)) => match find(live, id) {
                Some(view) => view! { <DeleteCredential live view/> }.into_any(),
                None => view! { <Gone what="credential" name=id.to_owned() on_close=go.closing()/> }.into_any(),
            },
            (None, None) => ().into_any(),
        }
    }
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
            consequences=nothing()
            delete
            on_done=done(live, go)
            on_close=go.closing()
        />
    }
    .into_any()
}
