//! Two operators edited the same object: the second sees what the first changed, and decides.

use crate::forms::Conflict;
use leptos::prelude::*;
use ui::{Button, Callout, Look, Tone};

/// What someone else changed, field by field, and the two ways on.
#[component]
pub fn ConflictPanel(
    conflict: Conflict,
    on_reload: Option<Callback<()>>,
    on_overwrite: Option<Callback<u64>>,
) -> impl IntoView {
    let current = conflict.current;
    let rows = conflict
        .changes
        .into_iter()
        .map(|change| {
            view! {
                <li class="wrap-anywhere">
                    <strong class="font-medium">{change.field}</strong>
                    ": was "
                    <code>{quoted(change.was)}</code>
                    ", is now "
                    <code>{quoted(change.now)}</code>
                </li>
            }
        })
        .collect_view();
    view! {
        <Callout tone=Tone::Warn role="alert">
            <p class="font-medium">"Someone else saved this while you were editing."</p>
            <ul class="grid gap-1">{rows}</ul>
            <p class="text-muted">"What you entered is still here. Nothing has been overwritten."</p>
            <div class="flex flex-wrap gap-2">
                {on_reload.map(|reload| view! { <Button label="Load the stored version" on_press=reload/> })}
                {on_overwrite
                    .map(|overwrite| {
                        view! {
                            <Button
                                label="Save mine anyway"
                                look=Look::Danger
                                on_press=Callback::new(move |()| overwrite.run(current))
                            />
                        }
                    })}
            </div>
        </Callout>
    }
    .into_any()
}

fn quoted(text: String) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text }
}
