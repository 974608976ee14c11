//! Moving about: dialogs have addresses, opening and closing one is going there. Which part of a list is below stays in
//! the address meanwhile.

use crate::parts::pages::{fields, read, written};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use leptos_router::location::Location;
use postern::page::PageQuery;
use ui::{Button, Glyph, Look};

/// May be dropped on any thread: on the server a page is, when its reader has gone away.
type Navigate = Box<dyn Fn(&str, NavigateOptions) + Send + Sync>;

/// Goes to addresses.
#[derive(Clone, Copy)]
pub struct Go {
    navigate: StoredValue<Navigate>,
    path: Memo<String>,
    /// What stands behind the `?`.
    search: Memo<String>,
}

impl Go {
    /// From the page around the caller.
    #[must_use]
    pub fn here() -> Self {
        let navigate: Navigate = Box::new(use_navigate());
        let Location { pathname, search, .. } = use_location();
        Self { navigate: StoredValue::new(navigate), path: pathname, search }
    }

    /// To another page, without a way back to this one: it is gone.
    pub fn instead(self, path: &str) {
        self.navigate.with_value(|go| go(path, NavigateOptions { replace: true, ..NavigateOptions::default() }));
    }

    /// Opens the dialog `?key=value` over this page. Back closes it.
    pub fn open(self, key: &str, value: &str) {
        let list = written(&self.part());
        let list = if list.is_empty() { list } else { format!("&{list}") };
        self.within(&format!("{key}={value}{list}"), false);
    }

    /// To another part of this page's list: `search=alice`.
    pub fn list(self, part: &str) {
        // Back leads to the whole list, not to every letter that was typed.
        self.within(part, !self.part().search.is_empty() && !part.is_empty());
    }

    /// Closes the dialog over this page.
    pub fn close(self) {
        self.within(&written(&self.part()), true);
    }

    /// This page, with something else behind the `?`. Nowhere once the page is gone.
    fn within(self, query: &str, replace: bool) {
        let Some(path) = self.path.try_get_untracked() else { return };
        let path = if query.is_empty() { path } else { format!("{path}?{query}") };
        let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
        self.navigate.try_with_value(|go| go(&path, options));
    }

    /// Which part of the list is below.
    fn part(self) -> PageQuery {
        self.search.try_with_untracked(|search| read(search)).unwrap_or_default()
    }

    /// [`Go::close`] as a callback.
    #[must_use]
    pub fn closing(self) -> Callback<()> {
        Callback::new(move |()| self.close())
    }
}

/// What stands in the address for `?key=…`: which dialog is open.
#[must_use]
pub fn opened(key: &'static str) -> Memo<Option<String>> {
    let query = use_query_map();
    Memo::new(move |_| query.with(|query| query.get(key)))
}

/// A button that opens a dialog by its address. It is a form with that address, so it works before
/// hydration as well.
#[component]
pub fn OpenButton(
    key: &'static str,
    #[prop(into)] value: String,
    #[prop(into)] label: String,
    #[prop(optional_no_strip, into)] name: Option<String>,
    #[prop(optional)] look: Look,
    #[prop(optional_no_strip, into)] glyph: Option<Glyph>,
    #[prop(optional)] small: bool,
    #[prop(optional)] icon_only: bool,
) -> impl IntoView {
    let go = Go::here();
    let hidden = value.clone();
    // Before hydration the form itself sends the address, which says what part of the list is below.
    let list = fields(&go.part()).map(|(name, value)| view! { <input type="hidden" name=name value=value/> });
    let list = list.collect_view();
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        go.open(key, &value);
    };
    view! {
        <form method="get" class="contents" on:submit=submit>
            <input type="hidden" name=key value=hidden/>
            {list}
            <Button label name look glyph=glyph small icon_only submit=true plain=true/>
        </form>
    }
}
