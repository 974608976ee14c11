//! What happened, why, and what to do.

use leptos::prelude::*;
use postern::resolve::Explanation;
use ui::Snippet;

/// An explanation with its fix and, where there is one, what to copy.
#[component]
pub fn Explained(explanation: Explanation) -> impl IntoView {
    view! {
        <p class="text-text">{explanation.what.clone()}</p>
        <Fix explanation/>
    }
    .into_any()
}

/// What to do alone, where what happened is told already.
#[component]
pub fn Fix(explanation: Explanation) -> impl IntoView {
    view! {
        <p class="text-muted">{explanation.fix}</p>
        {explanation.snippet.map(|snippet| view! { <Snippet text=snippet label="Copy the fix"/> })}
    }
    .into_any()
}
