//! Least privilege of a stored provider: the policy that suffices, and what the token can do beyond it.

use crate::api;
use crate::error::AppError;
use crate::forms::at_once;
use crate::go::Go;
use crate::parts::explanation::Explained;
use crate::parts::group::group;
use leptos::prelude::*;
use postern::access::{Access, Excess, Review};
use postern::provider::ProviderKey;
use postern::reason::Reason;
use ui::{Badge, Button, Dialog, DialogBody, DialogFoot, Glyph, Icon, Look, Snippet, Tone};

/// Reviews at once.
#[component]
pub fn ReviewDialog(
    key: ProviderKey,
    /// Something was learned.
    on_change: Callback<()>,
) -> impl IntoView {
    let go = Go::here();
    let group = StoredValue::new(group());
    let title = format!("Least privilege: {}", key.id);
    let key = StoredValue::new(key);
    let answer = RwSignal::new(None::<Result<Review, AppError>>);
    let busy = RwSignal::new(false);
    let run = Callback::new(move |()| {
        busy.set(true);
        let request = api::review_provider(group.get_value(), key.get_value());
        leptos::task::spawn_local(async move {
            answer.try_set(Some(request.await));
            busy.try_set(false);
            on_change.try_run(());
        });
    });
    at_once(run);
    view! {
        <Dialog title on_close=go.closing() wide=true>
            <DialogBody>
                <div role="status" aria-label="Least privilege" class="grid grid-cols-[minmax(0,1fr)] gap-3">
                    {move || match answer.get() {
                        None => view! { <Asking/> }.into_any(),
                        Some(Err(error)) => view! { <p class="text-danger">{error.sentence()}</p> }.into_any(),
                        Some(Ok(review)) => view! { <Reviewed review/> }.into_any(),
                    }}
                </div>
            </DialogBody>
            <DialogFoot dismiss="Close">
                <Button label="Check again" look=Look::Primary glyph=Glyph::Refresh busy on_press=run/>
            </DialogFoot>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Asking() -> impl IntoView {
    view! {
        <p class="flex items-center gap-2 text-muted">
            <Icon glyph=Glyph::Busy class="spin"/>
            "Asking what the provider may do…"
        </p>
    }
    .into_any()
}

#[component]
fn Reviewed(review: Review) -> impl IntoView {
    match review {
        Review::Done(access) => view! { <Granted access/> }.into_any(),
        Review::Failed { failure } => {
            view! { <Explained reason=failure.reason explanation=failure.explanation/> }.into_any()
        }
        Review::NotOffered => {
            view! { <p class="text-muted">"Providers of this kind cannot be asked what they may do."</p> }.into_any()
        }
    }
}

#[component]
fn Granted(access: Access) -> impl IntoView {
    let Access { language, policy, excess } = access;
    view! {
        <Verdict excess/>
        <section class="mt-2 grid grid-cols-[minmax(0,1fr)] gap-2" aria-labelledby="least-policy">
            <h3 id="least-policy">{language}</h3>
            <p class="text-muted">
                "It reads exactly the secrets that references use now: save it anew when references change. \
                A permission to list is optional and left out: it only completes references while they are written."
            </p>
            <Snippet text=policy label="Copy the policy"/>
        </section>
    }
    .into_any()
}

#[component]
fn Verdict(excess: Excess) -> impl IntoView {
    match excess {
        Excess::Nothing => view! {
            <p>
                <Badge tone=Tone::Ok word="No more than needed"/>
            </p>
            <p class="text-muted">"Whether it may read what is needed is what Test Connection tells."</p>
        }
        .into_any(),
        Excess::Unknown { why } => view! {
            <p>
                <Badge tone=Tone::Quiet word="Unknown"/>
            </p>
            <p class="text-muted">{why}</p>
        }
        .into_any(),
        Excess::Found { what } => view! { <div class="text-sm"><ExcessBadge what/></div> }.into_any(),
    }
}

/// That a provider can do more than it needs, and what is too much.
#[component]
pub fn ExcessBadge(what: Vec<String>) -> impl IntoView {
    let code = Reason::ProviderExcess;
    view! {
        <p class="mt-1">
            <Badge tone=Tone::Warn word="More than needed"/>
        </p>
        <ul class="mt-1 grid gap-1 max-w-xl" data-reason=code.code()>
            {what.into_iter().map(|sentence| view! { <li>{sentence}</li> }).collect_view()}
        </ul>
    }
    .into_any()
}
