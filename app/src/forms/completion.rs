//! What completes a reference while it is written: what is in use, and what its provider lists. For the JSON editor,
//! which shows it itself, and for the fields of a dialog, where the browser does.

use crate::api;
use crate::parts::group::group;
use leptos::prelude::*;
use postern::listing::{Listing, Offer, Using, offers};
use postern::name::GroupName;
use postern::secret_ref::{Opening, SCHEME};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use ui::Choice;

/// How long nothing is typed before the server is asked.
const PATIENCE: Duration = Duration::from_millis(150);

/// What was heard of the places that were typed. Each is asked for anew when it is come to again: the server
/// remembers for some seconds.
#[derive(Clone, Copy)]
pub struct Completion {
    group: StoredValue<GroupName>,
    typed: RwSignal<String>,
    /// What was asked about last.
    asked: StoredValue<Option<String>>,
    in_use: RwSignal<BTreeMap<String, Using>>,
    /// By place; where a place has too many names, by what was typed.
    listed: RwSignal<BTreeMap<String, Listing>>,
}

impl Completion {
    pub fn here() -> Self {
        let completion = Self {
            group: StoredValue::new(group()),
            typed: RwSignal::new(String::new()),
            asked: StoredValue::new(None),
            in_use: RwSignal::new(BTreeMap::new()),
            listed: RwSignal::new(BTreeMap::new()),
        };
        let mut soon = debounce(PATIENCE, move |()| completion.look_up());
        Effect::new(move |before: Option<()>| {
            completion.typed.track();
            if before.is_some() {
                soon(());
            }
        });
        completion
    }

    /// Of a field that holds a reference and nothing else; from when it is typed into, or has the focus.
    pub fn following(text: Signal<String>) -> Self {
        let completion = Self::here();
        Effect::new(move |before: Option<()>| {
            let text = text.get();
            if before.is_some() {
                completion.ask(&text);
            }
        });
        completion
    }

    /// A field with this text took the focus.
    pub fn begin(self, text: RwSignal<String>) -> Callback<()> {
        Callback::new(move |()| self.ask(&text.get_untracked()))
    }

    /// What may follow `typed`, soon.
    pub fn ask(self, typed: &str) {
        self.typed.try_set(typed.to_owned());
    }

    fn look_up(self) {
        let (Some(typed), Some(group)) = (self.typed.try_get_untracked(), self.group.try_get_value()) else { return };
        let key = untrack(|| self.key(&typed));
        if !may_become_one(&typed) || self.asked.get_value().as_ref() == Some(&key) {
            return;
        }
        self.asked.set_value(Some(key.clone()));
        let place = place(&typed).to_owned();
        let in_use = api::in_use(group.clone(), place.clone());
        leptos::task::spawn_local(async move {
            let using = in_use.await.unwrap_or_default();
            self.in_use.try_update(|known| known.insert(place, using));
        });
        if Opening::of(&typed).is_some() {
            leptos::task::spawn_local(async move {
                let listing = api::list_names(group, key.clone()).await.unwrap_or(Listing::Unknown);
                self.listed.try_update(|known| known.insert(key, listing));
            });
        }
    }

    /// What is asked about for `typed`: its place, or itself where that has too many names. Tracked.
    fn key(self, typed: &str) -> String {
        let place = place(typed);
        let is_cut = self.listed.with(|known| known.get(place).is_some_and(Listing::is_cut));
        if is_cut { typed } else { place }.to_owned()
    }

    /// What its provider answered, of the text as typed or of its place. Tracked.
    fn listing(self, typed: &str) -> Option<Listing> {
        self.listed.with(|known| known.get(typed).or_else(|| known.get(place(typed))).cloned())
    }

    fn offers(self, typed: &str) -> Vec<Offer> {
        let listing = self.listing(typed);
        self.in_use.with(|known| match known.get(place(typed)) {
            Some(using) => offers(typed, using, listing.as_ref()),
            None => offers(typed, &Using::default(), listing.as_ref()),
        })
    }

    /// For the editor, as JSON. Tracked.
    pub fn answer(self) -> String {
        let typed = self.typed.get();
        let is_known = !may_become_one(&typed) || self.in_use.with(|known| known.contains_key(place(&typed)));
        let key = self.key(&typed);
        let is_pending = Opening::of(&typed).is_some() && self.listed.with(|known| !known.contains_key(&key));
        json!({
            "typed": typed,
            "offers": is_known.then(|| self.offers(&typed)),
            "isPending": is_pending,
        })
        .to_string()
    }

    /// For a field that the browser completes. Tracked.
    pub fn choices(self) -> Signal<Vec<Choice>> {
        Signal::derive(move || {
            let offers = self.offers(&self.typed.get()).into_iter();
            offers.map(|offer| Choice::new(offer.text, offer.detail)).collect()
        })
    }

    /// Whether the provider may not list where the text has come to. Tracked.
    fn is_denied(self) -> bool {
        self.listing(&self.typed.get()) == Some(Listing::Denied)
    }
}

/// What cannot become a reference may be a secret, and is nobody's business.
fn may_become_one(typed: &str) -> bool {
    SCHEME.starts_with(typed) || typed.starts_with(SCHEME)
}

/// The text up to and with its last slash.
fn place(typed: &str) -> &str {
    typed.rfind('/').map_or("", |slash| &typed[..=slash])
}

/// Why not all there is completes.
#[component]
pub fn Hint(completion: Completion) -> impl IntoView {
    let is_denied = Memo::new(move |_| completion.is_denied());
    view! {
        <p role="status" class="empty:hidden">
            {move || {
                is_denied
                    .get()
                    .then_some(
                        "This provider's token may not list what is here: only paths and keys in use are offered.",
                    )
            }}
        </p>
    }
    .into_any()
}
