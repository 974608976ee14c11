//! Moving about: dialogs have addresses, opening and closing one is going there. Which part of a list is below stays in
//! the address meanwhile.

use crate::parts::pages::{asked, written};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_location, use_navigate, use_query_map};
use postern::page::{At, PageQuery};
use ui::{Button, Glyph, Look};

/// May be dropped on any thread: on the server a page is, when its reader has gone away.
type Navigate = Box<dyn Fn(&str, NavigateOptions) + Send + Sync>;

/// Goes to addresses.
#[derive(Clone, Copy)]
pub struct Go {
    navigate: StoredValue<Navigate>,
    path: Memo<String>,
    list: Memo<PageQuery>,
}

impl Go {
    /// From the page around the caller.
    #[must_use]
    pub fn here() -> Self {
        let navigate: Navigate = Box::new(use_navigate());
        Self { navigate: StoredValue::new(navigate), path: use_location().pathname, list: asked() }
    }

    /// To another page, without a way back to this one: it is gone.
    pub fn instead(self, path: &str) {
        self.navigate.with_value(|go| go(path, NavigateOptions { replace: true, ..NavigateOptions::default() }));
    }

    /// Opens the dialog `?key=value` over this page. Back closes it.
    pub fn open(self, key: &str, value: &str) {
        let list = self.list.with_untracked(written);
        let list = if list.is_empty() { list } else { format!("&{list}") };
        let path = format!("{}?{key}={value}{list}", self.path.get_untracked());
        self.navigate.with_value(|go| go(&path, NavigateOptions { scroll: false, ..NavigateOptions::default() }));
    }

    /// To another part of this page's list: `search=alice`.
    pub fn list(self, part: &str) {
        let (Some(path), Some(now)) = (self.path.try_get_untracked(), self.list.try_get_untracked()) else { return };
        // Back leads to the whole list, not to every letter that was typed.
        let replace = !now.search.is_empty() && !part.is_empty();
        let path = if part.is_empty() { path } else { format!("{path}?{part}") };
        let options = NavigateOptions { replace, scroll: false, ..NavigateOptions::default() };
        self.navigate.try_with_value(|go| go(&path, options));
    }

    /// Closes the dialog over this page.
    pub fn close(self) {
        let options = NavigateOptions { replace: true, scroll: false, ..NavigateOptions::default() };
        let (Some(path), Some(list)) = (self.path.try_get_untracked(), self.list.try_get_untracked()) else { return };
        let list = written(&list);
        let path = if list.is_empty() { path } else { format!("{path}?{list}") };
        self.navigate.try_with_value(|go| go(&path, options));
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
    let list = hidden_fields(&go.list.get_untracked());
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

/// Which part of the list is below, for a form that sends the address before hydration.
fn hidden_fields(list: &PageQuery) -> impl IntoView + use<> {
    let search = Some(list.search.as_str()).filter(|search| !search.is_empty());
    let at = match &list.at {
        At::Start => None,
        At::After(mark) => Some(("after", mark.to_string())),
        At::Before(mark) => Some(("before", mark.to_string())),
    };
    let fields = search.map(|search| ("search", search.to_owned())).into_iter().chain(at);
    fields.map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()
}
