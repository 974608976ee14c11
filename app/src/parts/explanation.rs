//! What happened, why, and what to do.

use crate::parts::group::paths;
use leptos::prelude::*;
use postern::reason::Reason;
use postern::resolve::Explanation;
use ui::Snippet;

/// An explanation with its fix and, where there is one, what to copy.
#[component]
pub fn Explained(reason: Reason, explanation: Explanation) -> impl IntoView {
    view! {
        <p class="font-medium text-text">{explanation.what.clone()}</p>
        <Fix reason explanation/>
    }
    .into_any()
}

/// What to do alone, where what happened is told already.
#[component]
pub fn Fix(reason: Reason, explanation: Explanation) -> impl IntoView {
    view! {
        <p class="text-muted">{explanation.fix}</p>
        {explanation.snippet.map(|snippet| view! { <Snippet text=snippet label="Copy the fix"/> })}
        <ReasonCode reason/>
    }
    .into_any()
}

/// The failure's code; leads to what is true of every failure of that code.
#[component]
pub fn ReasonCode(reason: Reason) -> impl IntoView {
    view! {
        <p class="text-xs text-muted">
            "Reason "
            // In a page of its own: what was typed into a dialog stays.
            <a class="link" href=paths().reason(reason) target="_blank" rel="noopener">
                <code>{reason.code()}</code>
            </a>
        </p>
    }
    .into_any()
}
