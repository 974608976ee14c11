//! One secret provider: configuration, the form of its references, and what refers to it.

use crate::api::{self, ProviderData};
use crate::error::AppError;
use crate::forms::provider::ProviderDialog;
use crate::forms::provider_test::StoredTestDialog;
use crate::forms::review::{ExcessBadge, ReviewDialog};
use crate::forms::webhook::{WebhookCard, WebhookDialog};
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::over::{load_of_provider, of_provider, over_page};
use crate::pages::references::ReferenceTable;
use crate::pages::secret_providers::{DeleteProvider, provider_key};
use crate::pages::{act, done, written};
use crate::parts::group::{group, group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use crate::parts::state::HealthCell;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::{ProviderHealth, ProviderView};
use postern::provider::aws::AwsSettings;
use postern::provider::kubernetes::KubernetesSettings;
use postern::provider::vault::VaultSettings;
use postern::provider::{Freshness, Manager, ProviderActivity, ProviderKey, Settings, VersionCheck};
use postern::sensitive::Masked;
use postern::time::{Millis, duration_text};
use ui::{Button, Glyph, Look, Snippet};

/// The page.
#[component]
pub fn SecretProviderPage() -> impl IntoView {
    let group = group_signal();
    let (manager, id) = (written("manager"), written("id"));
    load(
        move || (group.get(), manager.get(), id.get()),
        |(group, manager, id)| async move {
            let key = provider_key(&manager, &id).ok_or_else(|| AppError::not_found("secret provider", &id))?;
            api::provider_page(group, key).await
        },
        |live, _| view! { <Page live/> }.into_any(),
    )
}

#[component]
fn Page(live: Live<ProviderData>) -> impl IntoView {
    let key = live.peek(|page| page.provider.stored.object.key());
    let (title, label, of_actions) = (key.id.to_string(), key.manager.label(), key.clone());
    let has_references = live.part(|page| !page.references.is_empty());
    let provider = live.part(|page| page.provider.clone());
    let references = live.part(|page| page.references.clone());
    view! {
        <PageHead
            title
            crumbs=vec![Crumb::new("Secret Providers", paths().providers())]
            text=label
        >
            <Actions live key=of_actions/>
        </PageHead>
        <div class="grid gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)] items-start">
            <section class="card" aria-labelledby="configuration">
                <h2 id="configuration" class="px-5 pt-4 pb-2">
                    "Configuration"
                </h2>
                {move || view! { <Configuration view=provider.get() now=live.now()/> }}
            </section>
            <div class="grid gap-6">
                <ReferenceFormat key=key.clone()/>
                {move || view! { <WebhookCard view=provider.get() now=live.now()/> }}
            </div>
        </div>
        <section class="section" aria-labelledby="references">
            <div class="section-head">
                <h2 id="references">"References"</h2>
            </div>
            {move || {
                if has_references.get() {
                    view! { <ReferenceTable rows=Signal::from(references) now=live.now() on_change=Callback::new(move |()| live.refresh())/> }.into_any()
                } else {
                    view! { <p class="text-muted">"Nothing refers to this provider yet."</p> }.into_any()
                }
            }}
        </section>
        {over_page(
            &["edit", "test", "delete", "webhook", "review"],
            load_of_provider,
            move || of_provider(live, key.clone()),
        )}
    }
    .into_any()
}

#[component]
fn Actions(live: Live<ProviderData>, key: ProviderKey) -> impl IntoView {
    let refreshing = RwSignal::new(false);
    let group = group();
    let slug = key.to_string();
    let refresh = move |()| {
        let request = api::refresh_provider(group.clone(), key.clone());
        act(live, refreshing, request, "Every secret of this provider has been read again.");
    };
    view! {
        <Button label="Refresh now" glyph=Glyph::Refresh busy=refreshing on_press=Callback::new(refresh)/>
        <OpenButton key="test" value=slug.clone() label="Test Connection" glyph=Glyph::Test/>
        <OpenButton key="review" value=slug.clone() label="Least privilege" glyph=Glyph::Lock/>
        <OpenButton key="edit" value=slug.clone() label="Edit" glyph=Glyph::Edit/>
        <OpenButton key="delete" value=slug label="Delete" look=Look::Danger glyph=Glyph::Delete/>
    }
    .into_any()
}

#[component]
fn Configuration(view: ProviderView, now: Signal<Millis>) -> impl IntoView {
    let provider = view.stored.object;
    let freshness = provider.freshness;
    view! {
        <dl class="facts pb-2">
            <dt>"Status"</dt>
            <dd>
                {
                    let is_well = matches!(view.health, ProviderHealth::Healthy { .. });
                    view! {
                        <HealthCell health=view.health now/>
                        {(!is_well)
                            .then(|| {
                                view! {
                                    <p class="cell-sub">
                                        "Test Connection goes through every step, and says at the one that fails what to do."
                                    </p>
                                }
                            })}
                    }
                }
                {(!view.excess.is_empty()).then(|| view! { <ExcessBadge what=view.excess/> })}
            </dd>
            {match provider.settings {
                Settings::Vault(vault) => view! { <VaultFacts vault now/> }.into_any(),
                Settings::Aws(aws) => view! { <AwsFacts aws now/> }.into_any(),
                Settings::Kubernetes(kubernetes) => view! { <KubernetesFacts kubernetes now/> }.into_any(),
            }}
            <dt>"Refresh interval"</dt>
            <dd>{duration_text(freshness.ttl_seconds.into())}</dd>
            <dt>"Use last good value for"</dt>
            <dd>{or_never(freshness.max_stale_seconds, "Never: an outage stops it at once")}</dd>
            <dt>"After a refusal, use it for"</dt>
            <dd>{or_never(freshness.denied_grace_seconds, "Never: a refusal stops it at once")}</dd>
            <ActivityFacts activity=view.activity freshness now/>
        </dl>
    }
    .into_any()
}

/// What is going on between Postern and the provider.
#[component]
fn ActivityFacts(activity: ProviderActivity, freshness: Freshness, now: Signal<Millis>) -> impl IntoView {
    let ProviderActivity { away_since, versions, kept, oldest_kept } = activity;
    let versions = match (versions, freshness.version_check_seconds) {
        (VersionCheck::Untried, _) | (_, 0) => None,
        (VersionCheck::Works, seconds) => Some(format!("Noticed within {}", duration_text(seconds.into()))),
        (VersionCheck::Refused, _) => Some(format!(
            "Noticed within {}, at the next refresh: the token may not read metadata/",
            duration_text(freshness.ttl_seconds.into())
        )),
    };
    let values = if kept == 1 { "value" } else { "values" };
    view! {
        {away_since
            .map(|at| {
                view! {
                    <dt>"Away"</dt>
                    <dd>"Since " <Ago now at/> "; asked every few seconds whether it is back"</dd>
                }
            })}
        {versions.map(|text| view! { <dt>"New versions"</dt> <dd>{text}</dd> })}
        <dt>"Kept over a restart"</dt>
        <dd>
            {match oldest_kept {
                Some(at) => view! { {format!("{kept} {values}, the oldest read ")} <Ago now at/> }.into_any(),
                None if freshness.keep_over_restart => "Nothing yet".into_any(),
                None => "Nothing: a restart needs the secret manager".into_any(),
            }}
        </dd>
    }
    .into_any()
}

fn or_never(seconds: u32, never: &str) -> String {
    if seconds == 0 { never.to_owned() } else { duration_text(seconds.into()) }
}

#[component]
fn VaultFacts(vault: VaultSettings<Masked>, now: Signal<Millis>) -> impl IntoView {
    let method = vault.auth.method().label();
    let shown = vault.auth.facts();
    let secret = vault.auth.method().secret_field().zip(vault.auth.secret().map(|(_, secret)| secret.set_at));
    view! {
        <dt>"Vault Server URL"</dt>
        <dd>
            <code>{vault.url.to_string()}</code>
        </dd>
        <dt>"Secret Prefix"</dt>
        <dd>
            <code>{vault.prefix.to_string()}</code>
        </dd>
        <dt>"KV Version"</dt>
        <dd>{vault.kv_version.label()}</dd>
        <dt>"Authentication Method"</dt>
        <dd>{method}</dd>
        {shown
            .into_iter()
            .map(|(label, text)| {
                view! {
                    <dt>{label}</dt>
                    <dd>
                        <code>{text}</code>
                    </dd>
                }
            })
            .collect_view()}
        {secret
            .map(|(field, set_at)| {
                view! {
                    <dt>{field.label}</dt>
                    <dd>"Set " <Ago now at=set_at/> ", stored encrypted"</dd>
                }
            })}
        {vault
            .namespace
            .map(|namespace| {
                view! {
                    <dt>"Namespace"</dt>
                    <dd>
                        <code>{namespace}</code>
                    </dd>
                }
            })}
        {vault
            .ca_certificate
            .map(|_| {
                view! {
                    <dt>"CA Certificate"</dt>
                    <dd>"Own, instead of the system's"</dd>
                }
            })}
        {vault
            .server_name
            .map(|name| {
                view! {
                    <dt>"TLS Server Name"</dt>
                    <dd>
                        <code>{name.to_string()}</code>
                    </dd>
                }
            })}
        {vault
            .client_certificate
            .map(|client| {
                view! {
                    <dt>"TLS Client Key"</dt>
                    <dd>"Set " <Ago now at=client.private_key.set_at/> ", stored encrypted"</dd>
                }
            })}
        <dt>"Timeout"</dt>
        <dd>{duration_text(u64::from(u32::from(vault.timeout)))}</dd>
    }
    .into_any()
}

#[component]
fn AwsFacts(aws: AwsSettings<Masked>, now: Signal<Millis>) -> impl IntoView {
    view! {
        <dt>"Region"</dt>
        <dd>
            <code>{aws.region.to_string()}</code>
        </dd>
        <dt>"Authentication Method"</dt>
        <dd>{aws.credentials.method().label()}</dd>
        {aws
            .credentials
            .access_key()
            .map(|key| {
                view! {
                    <dt>"Access Key ID"</dt>
                    <dd>
                        <code>{key.access_key_id.to_string()}</code>
                    </dd>
                    <dt>"Secret Access Key"</dt>
                    <dd>"Set " <Ago now at=key.secret_access_key.set_at/> ", stored encrypted"</dd>
                    {key
                        .session_token
                        .map(|token| {
                            view! {
                                <dt>"Session Token"</dt>
                                <dd>"Set " <Ago now at=token.set_at/> ", stored encrypted"</dd>
                            }
                        })}
                }
            })}
        {aws
            .assume_role
            .map(|role| {
                view! {
                    <dt>"Role ARN"</dt>
                    <dd>
                        <code>{role.role_arn.to_string()}</code>
                    </dd>
                    <dt>"Session Name"</dt>
                    <dd>
                        <code>{role.session_name}</code>
                    </dd>
                }
            })}
        {aws
            .endpoint_url
            .map(|url| {
                view! {
                    <dt>"Endpoint URL"</dt>
                    <dd>
                        <code>{url.to_string()}</code>
                    </dd>
                }
            })}
    }
    .into_any()
}

#[component]
fn KubernetesFacts(kubernetes: KubernetesSettings<Masked>, now: Signal<Millis>) -> impl IntoView {
    view! {
        <dt>"API Server Address"</dt>
        <dd>
            <code>{kubernetes.address()}</code>
        </dd>
        <dt>"Authentication Method"</dt>
        <dd>{kubernetes.method().label()}</dd>
        {kubernetes
            .token()
            .map(|token| {
                view! {
                    <dt>"Token"</dt>
                    <dd>"Set " <Ago now at=token.set_at/> ", stored encrypted"</dd>
                }
            })}
        <dt>"Timeout"</dt>
        <dd>{duration_text(u64::from(u32::from(kubernetes.timeout)))}</dd>
    }
    .into_any()
}

/// How to write a reference to this provider, and what becomes of it.
#[component]
fn ReferenceFormat(key: ProviderKey) -> impl IntoView {
    let example = format!("$secret://{key}/{}", key.manager.example_path());
    let after = match key.manager {
        Manager::Vault => {
            "The path goes on from the Secret Prefix and names the secret; the last part names a key inside it."
        }
        Manager::Aws => {
            "The secret's name follows, or its ARN; the last part names a key inside it. Without a key the whole text of the secret is the value."
        }
        Manager::Kubernetes => "Namespace and name of the Secret follow; the last part names a key inside it.",
    };
    view! {
        <section class="card card-pad grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby="reference-format">
            <h2 id="reference-format">"Reference format"</h2>
            <p class="ref-text text-sm">{format!("$secret://{key}/{}", key.manager.reference_form())}</p>
            <p class="text-muted">
                <code>{key.manager.slug()}</code>
                " is the secret manager, "
                <code>{key.id.to_string()}</code>
                " this provider. "
                {after}
            </p>
            <Snippet text=example label="Copy the example"/>
        </section>
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<ProviderData>, key: ProviderKey) -> AnyView {
    let go = Go::here();
    let (edit, test, delete, webhook) = (opened("edit"), opened("test"), opened("delete"), opened("webhook"));
    let review = opened("review");
    let list = StoredValue::new(paths().providers());
    let shown = move || {
        let view = live.peek(|page| page.provider.clone());
        let now = live.now().get_untracked();
        if edit.get().is_some() {
            view! { <ProviderDialog stored=Some(view) now on_done=done(live, go) on_close=go.closing()/> }.into_any()
        } else if test.get().is_some() {
            let on_change = Callback::new(move |()| live.refresh());
            view! { <StoredTestDialog key=key.clone() on_change/> }.into_any()
        } else if review.get().is_some() {
            let on_change = Callback::new(move |()| live.refresh());
            view! { <ReviewDialog key=key.clone() on_change/> }.into_any()
        } else if delete.get().is_some() {
            let gone = Callback::new(move |()| go.instead(&list.get_value()));
            view! { <DeleteProvider view on_done=gone/> }.into_any()
        } else if webhook.get().is_some() {
            let on_change = Callback::new(move |()| live.refresh());
            view! { <WebhookDialog view on_change on_close=go.closing()/> }.into_any()
        } else {
            ().into_any()
        }
    };
    shown.into_any()
}
