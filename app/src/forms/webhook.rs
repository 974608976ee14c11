//! The webhook of a provider: its card on the provider's page, and the dialog that shows a signing secret once.

use crate::api;
use crate::error::AppError;
use crate::go::OpenButton;
use crate::parts::group::group;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::{NewWebhook, ProviderView};
use postern::time::Millis;
use ui::{Button, Callout, Dialog, DialogBody, DialogFoot, Look, Snippet, Tone};

/// Whether there is a webhook, and the way to make one.
#[component]
pub fn WebhookCard(view: ProviderView, now: Signal<Millis>) -> impl IntoView {
    let key = view.stored.object.key();
    let label = if view.webhook.is_some() { "Manage webhook" } else { "Create webhook" };
    view! {
        <section class="card card-pad grid grid-cols-[minmax(0,1fr)] gap-3" aria-labelledby="webhook">
            <h2 id="webhook">"Webhook"</h2>
            <p class="text-muted">
                "A signed request to this address has the secrets of this provider read at once, so that a changed value is used without waiting for the refresh."
            </p>
            <p>
                <code>{format!("POST /hooks/secrets/{}", key.id)}</code>
            </p>
            <p class="text-muted">
                {match view.webhook {
                    Some(at) => view! { "Signing secret set " <Ago now at/> ", stored encrypted" }.into_any(),
                    None => "There is no signing secret: every call is refused.".into_any(),
                }}
            </p>
            <div>
                <OpenButton key="webhook" value=key.to_string() label/>
            </div>
        </section>
    }
    .into_any()
}

/// Makes a signing secret and shows it, or deletes the webhook.
#[component]
pub fn WebhookDialog(view: ProviderView, on_change: Callback<()>, on_close: Callback<()>) -> impl IntoView {
    let key = StoredValue::new(view.stored.object.key());
    let group = StoredValue::new(group());
    let exists = view.webhook.is_some();
    let made = RwSignal::new(None::<NewWebhook>);
    let failure = RwSignal::new(None::<AppError>);
    let busy = RwSignal::new(false);
    let create = Callback::new(move |()| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let request = api::create_webhook(group.get_value(), key.get_value());
        leptos::task::spawn_local(async move {
            let answer = request.await;
            busy.try_set(false);
            match answer {
                Ok(webhook) => {
                    failure.try_set(None);
                    made.try_set(Some(webhook));
                    on_change.try_run(());
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    let delete = Callback::new(move |()| {
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let request = api::delete_webhook(group.get_value(), key.get_value());
        leptos::task::spawn_local(async move {
            let answer = request.await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    on_change.try_run(());
                    on_close.try_run(());
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    });
    view! {
        <Dialog title="Webhook" on_close>
            <DialogBody>
                {move || failure.get().map(|error| view! { <Callout tone=Tone::Danger role="alert"><p>{error.sentence()}</p></Callout> })}
                {move || match made.get() {
                    Some(webhook) => view! { <Made webhook/> }.into_any(),
                    None => view! { <Before exists/> }.into_any(),
                }}
            </DialogBody>
            <DialogFoot dismiss="Close">
                {move || {
                    (exists && made.with(Option::is_none))
                        .then(|| view! { <Button label="Delete webhook" look=Look::Danger busy on_press=delete/> })
                }}
                {move || {
                    made.with(Option::is_none)
                        .then(|| {
                            let label = if exists { "Replace signing secret" } else { "Create signing secret" };
                            view! { <Button label look=Look::Primary busy on_press=create/> }
                        })
                }}
            </DialogFoot>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Before(exists: bool) -> impl IntoView {
    view! {
        <p>
            {if exists {
                "A new signing secret replaces the present one at once: whoever calls with that one is refused."
            } else {
                "Postern makes a signing secret and shows it once. Give it to the program that calls when a secret has changed."
            }}
        </p>
    }
}

#[component]
fn Made(webhook: NewWebhook) -> impl IntoView {
    view! {
        <Callout tone=Tone::Warn>
            <p>"Copy the signing secret now: it is not shown again."</p>
        </Callout>
        <h3>"Signing secret"</h3>
        <Snippet text=webhook.secret.0.clone() label="Copy the signing secret"/>
        <h3>"Address"</h3>
        <Snippet text=webhook.path.clone() label="Copy the address"/>
        <p class="text-muted">
            "How a call is signed, with an example for curl and openssl, stands in "
            <code>"docs/webhooks.md"</code>
            "."
        </p>
    }
    .into_any()
}
