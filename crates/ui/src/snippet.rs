//! Text to copy.

use crate::dom::copy;
use crate::{Button, Glyph, Look, Toasts};
use leptos::prelude::*;

/// Copies `text`.
#[component]
pub fn CopyButton(
    #[prop(into)] text: Signal<String>,
    /// What is copied, for the accessible name: `Copy the command`.
    #[prop(default = "Copy".to_owned(), into)]
    label: String,
) -> impl IntoView {
    let toasts = use_context::<Toasts>();
    let press = move |()| {
        let text = text.get_untracked();
        leptos::task::spawn_local(async move {
            let copied = copy(text).await;
            if let Some(toasts) = toasts {
                toasts.say(if copied {
                    "Copied."
                } else {
                    "The browser did not allow copying: select the text instead."
                });
            }
        });
    };
    view! {
        <Button
            label=label
            look=Look::Ghost
            glyph=Glyph::Copy
            icon_only=true
            small=true
            on_press=Callback::new(press)
        />
    }
    .into_any()
}

/// A command, policy or other text in its own box, to be copied.
#[component]
pub fn Snippet(
    #[prop(into)] text: Signal<String>,
    #[prop(default = "Copy".to_owned(), into)] label: String,
) -> impl IntoView {
    view! {
        <div class="snippet">
            <pre>
                <code>{move || text.get()}</code>
            </pre>
            <CopyButton text label/>
        </div>
    }
    .into_any()
}
