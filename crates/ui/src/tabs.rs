//! Tabs: each is a page of its own, so each is a link; the arrow keys move between them (WAI-ARIA APG, Tabs).

use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// The row of tabs.
#[component]
pub fn TabList(
    label: &'static str,
    /// Within a tab: smaller.
    #[prop(optional)]
    inner: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <div class=if inner { "pills" } else { "tabs" } role="tablist" aria-label=label on:keydown=move_focus>
            {children()}
        </div>
    }
    .into_any()
}

/// One tab; the open one has an id and names its panel by the panel's id.
#[component]
pub fn Tab(
    #[prop(into)] label: String,
    #[prop(into)] href: String,
    /// Of the open tab: its own id and its panel's.
    #[prop(optional_no_strip)]
    open: Option<(&'static str, &'static str)>,
) -> impl IntoView {
    view! {
        <a
            class="tab"
            role="tab"
            href=href
            id=open.map(|(id, _)| id)
            aria-controls=open.map(|(_, panel)| panel)
            aria-selected=open.is_some().to_string()
        >
            {label}
        </a>
    }
    .into_any()
}

/// Left, Right, Home and End.
fn move_focus(event: web_sys::KeyboardEvent) {
    let Some(here) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else { return };
    let Some(list) = here.parent_element() else { return };
    let next = match event.key().as_str() {
        "ArrowRight" => here.next_element_sibling().or_else(|| list.first_element_child()),
        "ArrowLeft" => here.previous_element_sibling().or_else(|| list.last_element_child()),
        "Home" => list.first_element_child(),
        "End" => list.last_element_child(),
        _ => return,
    };
    event.prevent_default();
    if let Some(next) = next.and_then(|next| next.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = next.focus();
    }
}
