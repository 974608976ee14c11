//! Deleting: a plain question where nothing depends on it; the name must be typed where something does, or it is not
//! possible until nothing does.

use crate::error::AppError;
use leptos::prelude::*;
use postern::control::ControlError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use ui::{Button, Callout, Dialog, DialogBody, DialogFoot, Look, TextInput, Tone};

/// Deletes; the flag says that what depends on it is known and accepted.
pub type Delete = Arc<dyn Fn(bool) -> Pin<Box<dyn Future<Output = Result<(), AppError>>>> + Send + Sync>;

/// Nothing depends on it.
#[must_use]
pub fn nothing() -> Vec<String> {
    Vec::new()
}

/// The question, and the deed.
#[component]
pub fn DeleteDialog(
    /// `secret provider my-vault`.
    #[prop(into)]
    what: String,
    /// What is to be typed when something depends on it.
    #[prop(into)]
    name: String,
    /// What happens when nothing else goes with it.
    #[prop(default = "Nothing depends on it.")]
    effect: &'static str,
    /// What the consequences are called.
    #[prop(default = "This goes with it, or stops working:")]
    heading: &'static str,
    /// What goes with it, or stops working. Not empty means that the name must be typed.
    #[prop(into)]
    consequences: Vec<String>,
    /// Not empty means that it cannot be deleted at all.
    #[prop(optional)]
    kept_while_used: bool,
    delete: Delete,
    on_done: Callback<()>,
    on_close: Callback<()>,
) -> impl IntoView {
    let typed = RwSignal::new(String::new());
    let pending = RwSignal::new(false);
    let failure = RwSignal::new(None::<AppError>);
    let needed = RwSignal::new(consequences);
    let expected = name.clone();
    let may = Memo::new(move |_| needed.with(Vec::is_empty) || (!kept_while_used && typed.get() == expected));
    let run = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        if pending.get_untracked() || !may.get_untracked() {
            return;
        }
        pending.set(true);
        let request = delete(needed.with_untracked(|list| !list.is_empty()));
        leptos::task::spawn_local(async move {
            let answer = request.await;
            pending.try_set(false);
            match answer {
                Ok(()) => {
                    on_done.try_run(());
                }
                // Someone began to use it meanwhile.
                Err(AppError::Control(ControlError::InUse { by })) => {
                    needed.try_set(by);
                }
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    };
    let question = format!("Delete {what}?");
    let prompt = StoredValue::new(name);
    view! {
        <Dialog title=question on_close>
            <form method="post" novalidate=true class="dialog-content" on:submit=run>
                <DialogBody>
                    {move || failure.get().map(|error| view! { <Callout tone=Tone::Danger role="alert"><p>{error.sentence()}</p></Callout> })}
                    {move || {
                        let list = needed.get();
                        if list.is_empty() {
                            view! { <p class="text-muted">{effect} " This cannot be undone."</p> }.into_any()
                        } else if kept_while_used {
                            view! { <Users list/> }.into_any()
                        } else {
                            view! { <Consequences heading list name=prompt.get_value() typed/> }.into_any()
                        }
                    }}
                </DialogBody>
                <DialogFoot>
                    <Button
                        label="Delete"
                        look=Look::Danger
                        submit=true
                        busy=pending
                        disabled=Signal::derive(move || !may.get())
                    />
                </DialogFoot>
            </form>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Users(list: Vec<String>) -> impl IntoView {
    view! {
        <Callout tone=Tone::Warn>
            <p class="font-medium">"It cannot be deleted while it is used by:"</p>
            <Lines list/>
        </Callout>
    }
    .into_any()
}

#[component]
fn Lines(list: Vec<String>) -> impl IntoView {
    view! {
        <ul class="grid gap-1 max-h-48 overflow-y-auto" tabindex="0" aria-label="What depends on it">
            {list.into_iter().map(|line| view! { <li class="wrap-anywhere">{line}</li> }).collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Consequences(heading: &'static str, list: Vec<String>, name: String, typed: RwSignal<String>) -> impl IntoView {
    view! {
        <Callout tone=Tone::Warn>
            <p class="font-medium">{heading}</p>
            <Lines list/>
        </Callout>
        <p>
            "To delete it all the same, type "
            <code class="font-medium">{name}</code>
            "."
        </p>
        <TextInput name="confirm" label="Name" value=typed mono=true/>
    }
    .into_any()
}
