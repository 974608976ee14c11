//! Secret Providers: the list.

use crate::api;
use crate::forms::delete::DeleteDialog;
use crate::forms::provider::ProviderDialog;
use crate::forms::provider_test::StoredTestDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::done;
use crate::pages::over::{load_of_providers, of_providers, over_page};
use crate::parts::failure::Gone;
use crate::parts::group::{group, group_signal, paths};
use crate::parts::list::List;
use crate::parts::state::HealthCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::ProviderView;
use postern::provider::{Manager, ProviderKey, Settings};
use postern::time::Millis;
use std::sync::Arc;
use ui::{Badge, Glyph, Icon, Look, Tone};

type Providers = Live<Vec<ProviderView>>;

/// The page.
#[component]
pub fn SecretProvidersPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::providers, |live, _| view! { <Page live/> }.into_any())
}

#[component]
fn Page(live: Providers) -> impl IntoView {
    view! {
        <List
            title="Secret Providers"
            text="Where secrets are kept. Configuration holds references; values stay in the secret manager."
            is_empty=live.part(Vec::is_empty)
            glyph=Glyph::Vault
            empty_title="No secret provider yet"
            empty_text="Connect HashiCorp Vault, OpenBao, AWS Secrets Manager or Kubernetes Secrets, and credentials can refer to secrets instead of holding them."
            add="secret-provider"
            add_label="Add Secret Provider"
        >
            <Table live/>
        </List>
        {over_page(&["add", "edit", "test", "delete"], load_of_providers, move || of_providers(live))}
    }
    .into_any()
}

#[component]
fn Table(live: Providers) -> impl IntoView {
    view! {
        <div class="table-box" tabindex="-1">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"ID"</th>
                        <th scope="col">"Secret Manager"</th>
                        <th scope="col">"Endpoint"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"References"</th>
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
fn Row(view: ProviderView, now: Signal<Millis>) -> impl IntoView {
    let provider = &view.stored.object;
    let key = provider.key();
    let id = provider.id.to_string();
    let (address, details) = match &provider.settings {
        Settings::Vault(vault) => {
            (vault.url.to_string(), (vault.prefix.to_string(), vault.kv_version.label().to_owned()))
        }
        Settings::Aws(aws) => (aws.address(), (aws.region.to_string(), aws.who())),
        Settings::Kubernetes(kubernetes) => {
            (kubernetes.address(), (kubernetes.method().label().to_owned(), String::new()))
        }
    };
    let slug = key.to_string();
    view! {
        <tr>
            <td data-label="ID" class="cell-name">
                <a class="link mono" href=paths().provider(&key)>
                    {id.clone()}
                </a>
            </td>
            <td data-label="Secret Manager">
                <span class="inline-flex items-center gap-2 whitespace-nowrap">
                    <Icon glyph=Glyph::Provider/>
                    {key.manager.label()}
                </span>
            </td>
            <td data-label="Endpoint" class="cell-address">
                <code class="wrap-anywhere">{address}</code>
                <p class="cell-sub">
                    <code>{details.0}</code>
                    " · "
                    {details.1}
                </p>
            </td>
            <td data-label="Status">
                <HealthCell health=view.health now/>
                {(!view.excess.is_empty())
                    .then(|| view! { <p class="mt-1"><Badge tone=Tone::Warn word="More than needed"/></p> })}
            </td>
            <td data-label="References">{view.references}</td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
            <td>
                <div class="row-actions">
                    <RowButton key="test" slug=slug.clone() label="Test" name=format!("Test {id}") glyph=Glyph::Test/>
                    <RowButton key="edit" slug=slug.clone() label="Edit" name=format!("Edit {id}") glyph=Glyph::Edit/>
                    <RowButton key="delete" slug label="Delete" name=format!("Delete {id}") glyph=Glyph::Delete/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// A button of a row that opens a dialog about it.
#[component]
pub fn RowButton(key: &'static str, slug: String, label: &'static str, name: String, glyph: Glyph) -> impl IntoView {
    view! { <OpenButton key value=slug label name look=Look::Ghost small=true icon_only=true glyph/> }.into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Providers) -> AnyView {
    let go = Go::here();
    let (add, edit, test, delete) = (opened("add"), opened("edit"), opened("test"), opened("delete"));
    let now = move || live.now().get_untracked();
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("secret-provider"));
    let shown = move || {
        if is_add.get() {
            return view! { <ProviderDialog now=now() on_done=done(live, go) on_close=go.closing()/> }.into_any();
        }
        let Some(slug) = edit.get().or_else(|| test.get()).or_else(|| delete.get()) else {
            return ().into_any();
        };
        let found = live.peek(|list| list.iter().find(|view| view.stored.object.key().to_string() == slug).cloned());
        let Some(view) = found else {
            return view! { <Gone what="secret provider" name=slug on_close=go.closing()/> }.into_any();
        };
        let key = view.stored.object.key();
        if edit.get().is_some() {
            view! { <ProviderDialog stored=Some(view) now=now() on_done=done(live, go) on_close=go.closing()/> }
                .into_any()
        } else if test.get().is_some() {
            view! { <StoredTestDialog key on_change=Callback::new(move |()| live.refresh())/> }.into_any()
        } else {
            view! { <DeleteProvider view on_done=done(live, go)/> }.into_any()
        }
    };
    shown.into_any()
}

/// Deleting a provider; what refers to it is listed.
#[component]
pub fn DeleteProvider(view: ProviderView, on_done: Callback<()>) -> impl IntoView {
    let go = Go::here();
    let key = view.stored.object.key();
    let group = group();
    let consequences = match view.references {
        0 => Vec::new(),
        1 => vec!["1 reference, which then gives no value: its credential is refused".to_owned()],
        n => vec![format!("{n} references, which then give no value: their credentials are refused")],
    };
    let what = format!("secret provider {}", key.id);
    let name = key.id.to_string();
    let delete = Arc::new(move |force| {
        let (group, key) = (group.clone(), key.clone());
        Box::pin(async move { api::delete_provider(group, key, force).await }) as std::pin::Pin<Box<_>>
    });
    view! { <DeleteDialog what name consequences delete on_done on_close=go.closing()/> }.into_any()
}

/// The provider that an address names.
pub fn provider_key(manager: &str, id: &str) -> Option<ProviderKey> {
    Some(ProviderKey { manager: Manager::from_slug(manager)?, id: id.parse().ok()? })
}
