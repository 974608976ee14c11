//! Lists that are shown in pages: which page stands in the address, the search above the list, the way on below it.

use crate::go::Go;
use leptos::prelude::*;
use leptos_router::hooks::use_location;
use leptos_router::location::Url;
use postern::page::{At, Mark, PageQuery, SearchText, Total};
use std::time::Duration;
use ui::BareInput;

/// How long nothing is typed before it is searched for.
const PATIENCE: Duration = Duration::from_millis(250);

/// The page that the address asks for; tracked. What it does not understand is not there.
#[must_use]
pub fn asked() -> Memo<PageQuery> {
    let raw = use_location().search;
    Memo::new(move |_| raw.with(|raw| read(raw)))
}

/// Reads it from the address as it is written: the router's own map decodes twice, and a `%41` that was searched for
/// would be an `A`.
pub(crate) fn read(raw: &str) -> PageQuery {
    let value = |name: &str| {
        let pairs = raw.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('='));
        let value = pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next_back();
        value.map(|value| Url::unescape(&value.replace('+', " ")))
    };
    let mark = |name| value(name).and_then(|text| text.parse::<Mark>().ok());
    let at = match (mark("after"), mark("before")) {
        (Some(after), _) => At::After(after),
        (None, Some(before)) => At::Before(before),
        (None, None) => At::Start,
    };
    PageQuery { search: value("search").unwrap_or_default().into(), at }
}

/// What asks for it: names and values. None for the first page of everything.
pub(crate) fn fields(query: &PageQuery) -> impl Iterator<Item = (&'static str, String)> + use<> {
    let search = Some(query.search.as_str()).filter(|text| !text.is_empty());
    let at = match &query.at {
        At::Start => None,
        At::After(mark) => Some(("after", mark.to_string())),
        At::Before(mark) => Some(("before", mark.to_string())),
    };
    search.map(|text| ("search", text.to_owned())).into_iter().chain(at)
}

/// The same behind the `?` of an address.
#[must_use]
pub fn written(query: &PageQuery) -> String {
    fields(query).map(|(name, value)| format!("{name}={}", Url::escape(&value))).collect::<Vec<_>>().join("&")
}

/// The field above a list. What is typed goes into the address, from where the list gets it; before hydration the form
/// does that.
#[component]
pub fn SearchBox(
    /// `Search consumers`
    label: &'static str,
    asked: Memo<PageQuery>,
    children: Children,
) -> impl IntoView {
    let go = Go::here();
    let typed = RwSignal::new(String::from(asked.get_untracked().search));
    let sent = StoredValue::new(asked.get_untracked().search);
    let send = move |search: SearchText| {
        if sent.try_get_value().is_some_and(|sent| sent != search) {
            sent.set_value(search.clone());
            go.list(&written(&PageQuery { search, at: At::Start }));
        }
    };
    let mut soon = debounce(PATIENCE, move |()| {
        if let Some(text) = typed.try_get_untracked() {
            send(text.into());
        }
    });
    Effect::new(move |before: Option<()>| {
        typed.track();
        if before.is_some() {
            soon(());
        }
    });
    // Someone went back, or followed a link: the field says what the list shows.
    Effect::new(move |_| {
        let search = asked.get().search;
        if sent.get_value() != search {
            sent.set_value(search.clone());
            typed.set(search.into());
        }
    });
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        send(typed.get_untracked().into());
    };
    view! {
        <form method="get" role="search" class="list-search" on:submit=submit>
            <label class="sr-only" for="field-search">
                {label}
            </label>
            <BareInput name="search" kind="search" value=typed placeholder=label/>
            <p class="hint" role="status">
                {children()}
            </p>
        </form>
    }
    .into_any()
}

/// How many there are, in words; and where the search does not look.
#[must_use]
pub fn count_text(total: Total, search: &SearchText, one: &str, many: &str) -> String {
    let count = match total {
        Total::Exactly(1) => format!("1 {one}"),
        total => format!("{total} {many}"),
    };
    if !search.is_empty() && search.is_short() {
        return format!("{count}, by the beginning of the name. From three characters on, everything is searched.");
    }
    count
}

/// The way to the pages before and after.
#[component]
pub fn Pager(asked: Memo<PageQuery>, previous: Memo<Option<Mark>>, next: Memo<Option<Mark>>) -> impl IntoView {
    let path = use_location().pathname;
    let link = move |label: &'static str, rel: &'static str, at: Option<At>| {
        let query = PageQuery { search: asked.get().search, at: at? };
        let href = format!("{}?{}", path.get(), written(&query));
        Some(view! { <a class="btn btn-secondary" rel=rel href=href>{label}</a> })
    };
    move || {
        (previous.with(Option::is_some) || next.with(Option::is_some)).then(|| {
            view! {
                <nav class="pager" aria-label="Pages">
                    {link("Previous", "prev", previous.get().map(At::Before))}
                    {link("Next", "next", next.get().map(At::After))}
                </nav>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, search: &str, at: At, again: &str) {
        let query = read(raw);
        assert_eq!(query, PageQuery { search: search.into(), at }, "{raw}");
        assert_eq!(written(&query), again, "{raw}");
        assert_eq!(read(&written(&query)), query, "{raw}");
    }

    #[test]
    fn the_address_says_which_page_and_is_decoded_once() {
        let name = |name: &str| Mark::Name(name.to_owned());
        check("", "", At::Start, "");
        check("?add=consumer", "", At::Start, "");
        check("search=al+ice", "al ice", At::Start, "search=al%20ice");
        check("search=100%25", "100%", At::Start, "search=100%25");
        check("search=%2541", "%41", At::Start, "search=%2541");
        check("search=a%2Bb%26c%3Dd", "a+b&c=d", At::Start, "search=a%2Bb%26c%3Dd");
        check("?after=name%3AAlice", "", At::After(name("Alice")), "after=name%3AAlice");
        check("before=number:17&search=x", "x", At::Before(Mark::Number(17)), "search=x&before=number%3A17");
        check("after=nonsense&before=name:b", "", At::Before(name("b")), "before=name%3Ab");
        check("search=%F0%9F%94%91", "🔑", At::Start, "search=%F0%9F%94%91");
    }

    #[test]
    fn counts_are_words() {
        for (total, search, expected) in [
            (Total::Exactly(0), "abc", "0 consumers"),
            (Total::Exactly(1), "", "1 consumer"),
            (Total::Exactly(100_000), "", "100,000 consumers"),
            (Total::MoreThan(1_000), "abc", "1,000+ consumers"),
        ] {
            assert_eq!(count_text(total, &search.into(), "consumer", "consumers"), expected);
        }
        assert!(count_text(Total::Exactly(2), &"al".into(), "consumer", "consumers").contains("beginning of the name"));
    }
}
