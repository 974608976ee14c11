//! What every page begins with.

use crate::title::PageTitle;
use leptos::prelude::*;

/// One step of the way to a page: words and address.
#[derive(Clone, Debug)]
pub struct Crumb {
    pub label: String,
    pub href: String,
}

impl Crumb {
    /// A step.
    pub fn new(label: impl Into<String>, href: String) -> Self {
        Self { label: label.into(), href }
    }
}

/// Way, heading, one sentence, and what can be done here.
#[component]
pub fn PageHead(
    #[prop(into)] title: String,
    #[prop(optional)] crumbs: Vec<Crumb>,
    #[prop(optional, into)] text: Option<String>,
    /// The buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let way = (!crumbs.is_empty()).then(|| {
        let steps =
            crumbs.into_iter().map(|crumb| view! { <li><a href=crumb.href>{crumb.label}</a></li> }).collect_view();
        view! { <ol class="crumbs" aria-label="Where you are">{steps}</ol> }
    });
    view! {
        <PageTitle text=title.clone()/>
        <header class="page-head">
            <div>
                {way}
                <h1 id="page-title" tabindex="-1" class="wrap-anywhere">{title}</h1>
                {text.map(|text| view! { <p class="mt-1 text-muted">{text}</p> })}
            </div>
            {children.map(|children| view! { <div class="actions">{children()}</div> })}
        </header>
    }
    .into_any()
}
