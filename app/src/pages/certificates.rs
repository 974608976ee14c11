//! Certificates: what the gateway shows over TLS, and for which hosts.

use crate::api;
use crate::forms::certificate::CertificateDialog;
use crate::forms::delete::{Delete, DeleteDialog};
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::done;
use crate::pages::over::{load_of_certificates, of_certificates, over_page};
use crate::parts::group::{group, group_signal};
use crate::parts::list::List;
use crate::parts::state::StateCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::CertificateView;
use postern::resolve::ToldState;
use postern::sensitive::{Masked, SecretField};
use postern::time::Millis;
use std::sync::Arc;
use ui::{Badge, Glyph, Look, Tone};

/// The page.
#[component]
pub fn CertificatesPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::certificates, |live, _| view! { <Page live/> }.into_any())
}

#[component]
fn Page(live: Live<Vec<CertificateView>>) -> impl IntoView {
    view! {
        <List
            title="Certificates"
            text="What the gateway shows over TLS: to clients by the host they ask for, and to the nodes of services that name it. Certificate and private key may stay at a secret manager; a new one needs no restart."
            is_empty=live.part(Vec::is_empty)
            glyph=Glyph::Lock
            empty_title="No certificate yet"
            empty_text="Until there is one, the gateway refuses every client that speaks TLS."
            add="certificate"
            add_label="Add Certificate"
        >
            <Table live/>
        </List>
        {over_page(&["add", "edit", "delete"], load_of_certificates, move || of_certificates(live))}
    }
    .into_any()
}

#[component]
fn Table(live: Live<Vec<CertificateView>>) -> impl IntoView {
    view! {
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Hosts"</th>
                        <th scope="col">"Certificate"</th>
                        <th scope="col">"Private Key"</th>
                        <th scope="col">"Updated"</th>
                        <th scope="col">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        live.get().into_iter().map(|view| view! { <Row view now=live.now()/> }.into_any()).collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(view: CertificateView, now: Signal<Millis>) -> impl IntoView {
    let certificate = view.stored.object;
    let name = certificate.name.to_string();
    let hosts: Vec<String> = certificate.hosts.iter().map(ToString::to_string).collect();
    let services: Vec<String> = view.services.iter().map(ToString::to_string).collect();
    let id = certificate.id.to_string();
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                {name.clone()}
                {match view.problem {
                    None => view! { <p><Badge tone=Tone::Ok word="Shown"/></p> }.into_any(),
                    Some(why) => {
                        view! {
                            <p><Badge tone=Tone::Danger word="Refused"/></p>
                            <p class="cell-sub max-w-sm">{why}</p>
                        }
                            .into_any()
                    }
                }}
            </td>
            <td data-label="Hosts">
                {match hosts.is_empty() {
                    true => view! { <span class="text-muted">"No host"</span> }.into_any(),
                    false => view! { <code class="wrap-anywhere">{hosts.join(" ")}</code> }.into_any(),
                }}
                {(!services.is_empty())
                    .then(|| view! { <p class="cell-sub">{format!("Client certificate of {}", services.join(", "))}</p> })}
            </td>
            <td data-label="Certificate">
                <Text field=certificate.certificate state=view.certificate now/>
            </td>
            <td data-label="Private Key">
                <Text field=certificate.private_key state=view.private_key now/>
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
            <td>
                <div class="flex gap-1 justify-end">
                    <OpenButton
                        key="edit"
                        value=id.clone()
                        label="Edit"
                        name=format!("Edit {name}")
                        look=Look::Ghost
                        glyph=Glyph::Edit
                        small=true
                        icon_only=true
                    />
                    <OpenButton
                        key="delete"
                        value=id
                        label="Delete"
                        name=format!("Delete {name}")
                        look=Look::Ghost
                        glyph=Glyph::Delete
                        small=true
                        icon_only=true
                    />
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// A text in PEM that is stored, or a reference and where it stands.
#[component]
fn Text(field: SecretField<Masked>, state: Option<ToldState>, now: Signal<Millis>) -> impl IntoView {
    match (field, state) {
        (SecretField::Reference(reference), Some(state)) => view! {
            <p class="ref-text wrap-anywhere">{reference.to_string()}</p>
            <StateCell state now/>
        }
        .into_any(),
        (SecretField::Reference(reference), None) => {
            view! { <p class="ref-text wrap-anywhere">{reference.to_string()}</p> }.into_any()
        }
        (SecretField::Literal(masked), _) => {
            view! { <p class="cell-sub">"Stored encrypted, set " <Ago now at=masked.set_at/></p> }.into_any()
        }
    }
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<Vec<CertificateView>>) -> AnyView {
    let go = Go::here();
    let group = StoredValue::new(group());
    let (add, edit, delete) = (opened("add"), opened("edit"), opened("delete"));
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("certificate"));
    let find = move |id: Option<String>| {
        let id = id?;
        live.peek(|views| views.iter().find(|view| view.stored.object.id.as_str() == id).cloned())
    };
    let now = move || live.now().get_untracked();
    view! {
        {move || {
            is_add
                .get()
                .then(|| view! { <CertificateDialog now=now() on_done=done(live, go) on_close=go.closing()/> })
        }}
        {move || {
            find(edit.get())
                .map(|view| {
                    view! { <CertificateDialog stored=Some(view) now=now() on_done=done(live, go) on_close=go.closing()/> }
                })
        }}
        {move || {
            find(delete.get())
                .map(|view| {
                    let used_by: Vec<String> =
                        view.services.iter().map(|service| format!("service {service}")).collect();
                    let (id, name) = (view.stored.object.id, view.stored.object.name.to_string());
                    let delete: Delete = Arc::new(move |_| {
                        Box::pin(api::delete_certificate(group.get_value(), id.clone()))
                    });
                    view! {
                        <DeleteDialog
                            what=format!("certificate {name}")
                            name
                            consequences=used_by
                            kept_while_used=true
                            delete
                            on_done=done(live, go)
                            on_close=go.closing()
                        />
                    }
                })
        }}
    }
    .into_any()
}
