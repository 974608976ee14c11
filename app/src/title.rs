//! Page titles.

use leptos::prelude::*;
use leptos_meta::Title;

/// The page's title. `leptos_meta` writes a title into the head as it is, so on the server the text is
/// escaped here; the browser sets it as text and needs none of that.
#[component]
pub fn PageTitle(#[prop(into)] text: String) -> impl IntoView {
    let text = format!("{text} · Postern");
    let text = if cfg!(feature = "ssr") { escape(&text) } else { text };
    view! { <Title text=text/> }.into_any()
}

/// For element content: `<`, `>` and `&` as entities.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
