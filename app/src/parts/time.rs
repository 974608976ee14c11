//! Moments, as seen from now.

use leptos::prelude::*;
use postern::time::{Millis, duration_text};

/// `5 min ago`; the exact moment on hover.
#[component]
pub fn Ago(#[prop(into)] now: Signal<Millis>, at: Millis) -> impl IntoView {
    view! {
        <time datetime=at.to_utc_text().replace(' ', "T").replace("TUTC", "Z") title=at.to_utc_text()>
            {move || ago_text(now.get(), at)}
        </time>
    }
    .into_any()
}

/// How long ago `at` was.
#[must_use]
pub fn ago_text(now: Millis, at: Millis) -> String {
    match now.since(at) / 1000 {
        0..=4 => "just now".to_owned(),
        seconds => format!("{} ago", duration_text(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_from_now() {
        let now = Millis(1_000_000_000);
        for (at, text) in [
            (1_000_000_000, "just now"),
            (1_000_009_000, "just now"),
            (999_990_000, "10 s ago"),
            (999_400_000, "10 min ago"),
        ] {
            assert_eq!(ago_text(now, Millis(at)), text);
        }
    }
}
