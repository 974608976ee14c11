//! Buttons.

use crate::{Glyph, Icon, Ready};
use leptos::prelude::*;

/// How a button looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// The one thing to do here.
    Primary,
    #[default]
    Secondary,
    /// Beside others, in rows and heads.
    Ghost,
    /// Takes something away.
    Danger,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "btn-primary",
            Self::Secondary => "btn-secondary",
            Self::Ghost => "btn-ghost",
            Self::Danger => "btn-danger",
        }
    }
}

/// A button that does something. Disabled until the page reacts, unless it is `plain`: one that also
/// works as the plain HTML button it is.
#[component]
pub fn Button(
    /// Its words, and its accessible name unless `name` is given.
    #[prop(into)]
    label: Signal<String>,
    /// A longer accessible name that begins with the words: `Edit primary-key`.
    #[prop(optional_no_strip, into)]
    name: Option<String>,
    #[prop(optional)] look: Look,
    #[prop(optional_no_strip, into)] glyph: Option<Glyph>,
    /// Shows the icon alone; the words stay the accessible name.
    #[prop(optional)]
    icon_only: bool,
    #[prop(optional)] small: bool,
    /// Submits its form.
    #[prop(optional)]
    submit: bool,
    /// Works before hydration too.
    #[prop(optional)]
    plain: bool,
    /// Shows something else on the page, or hides it again: whether it is shown now.
    #[prop(optional, into)]
    expanded: Option<Signal<bool>>,
    /// At work: pressing again does nothing.
    #[prop(optional, into)]
    busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional, into)] on_press: Option<Callback<()>>,
) -> impl IntoView {
    let ready = Ready::here();
    let class = format!(
        "btn {}{}{}",
        look.class(),
        if small { " btn-small" } else { "" },
        if icon_only { " btn-icon" } else { "" }
    );
    let waiting = move || !plain && !ready.get();
    let aria_label = name.or_else(|| icon_only.then(|| label.get_untracked()));
    view! {
        <button
            type=if submit { "submit" } else { "button" }
            class=class
            disabled=move || waiting() || disabled.get()
            aria-busy=move || (waiting() || busy.get()).then_some("true")
            aria-disabled=move || busy.get().then_some("true")
            aria-expanded=move || expanded.map(|expanded| expanded.get().to_string())
            aria-label=aria_label.clone()
            // Shown by the style sheet where there is room for words: style/layout.css, .row-actions.
            data-word=icon_only.then(|| label.get_untracked())
            title=icon_only.then(|| aria_label.unwrap_or_default())
            on:click=move |event| {
                if busy.get_untracked() {
                    event.prevent_default();
                } else if let Some(on_press) = on_press {
                    on_press.run(());
                }
            }
        >
            {move || match (busy.get(), glyph) {
                (true, _) => Some(view! { <Icon glyph=Glyph::Busy class="spin"/> }),
                (false, Some(glyph)) => Some(view! { <Icon glyph/> }),
                (false, None) => None,
            }}
            {(!icon_only).then(|| view! { <span>{move || label.get()}</span> })}
        </button>
    }
    .into_any()
}
