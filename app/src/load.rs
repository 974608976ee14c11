//! Data of a page: fetched once before the page is shown (on the server when it is rendered there), then
//! kept up to date. The page itself is built once; only what changed is drawn again.

use crate::api::Timed;
use crate::error::AppError;
use crate::parts::failure::LoadFailure;
use leptos::prelude::*;
use postern::page::PageQuery;
use postern::time::Millis;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How often a visible page asks for news.
const EVERY: Duration = Duration::from_secs(5);

type Fetched<T> = Pin<Box<dyn Future<Output = Result<Timed<T>, AppError>> + Send>>;
type Fetch<T> = Arc<dyn Fn() -> Fetched<T> + Send + Sync>;

/// Everything a page's data can be.
pub trait Data: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {}
impl<T: Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static> Data for T {}

/// A page's data, kept up to date.
pub struct Live<T: Data> {
    value: RwSignal<T>,
    now: RwSignal<Millis>,
    lost: RwSignal<Option<AppError>>,
    fetch: StoredValue<Fetch<T>>,
    /// How often news was asked for, and which of these are shown: an earlier answer may be late.
    asked: StoredValue<u64>,
    shown: StoredValue<u64>,
}

impl<T: Data> Clone for Live<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T: Data> Copy for Live<T> {}

impl<T: Data> Live<T> {
    fn new(first: Timed<T>, fetch: Fetch<T>) -> Self {
        let live = Self {
            value: RwSignal::new(first.data),
            now: RwSignal::new(first.now),
            lost: RwSignal::new(None),
            fetch: StoredValue::new(fetch),
            asked: StoredValue::new(0),
            shown: StoredValue::new(0),
        };
        Effect::new(move |_| ui::every(EVERY, move || live.refresh()));
        live
    }

    /// The data; tracked.
    pub fn get(self) -> T {
        self.value.get()
    }

    /// The data as they are now; not tracked.
    pub fn peek<U>(self, part: impl FnOnce(&T) -> U) -> U {
        self.value.with_untracked(part)
    }

    /// A part of the data that changes only when it differs.
    pub fn part<U: PartialEq + Send + Sync + 'static>(self, part: impl Fn(&T) -> U + Send + Sync + 'static) -> Memo<U> {
        Memo::new(move |_| self.value.with(&part))
    }

    /// The moment the data are from.
    pub fn now(self) -> Signal<Millis> {
        self.now.into()
    }

    /// Why there was no news lately, if there was none.
    pub fn lost(self) -> Signal<Option<AppError>> {
        self.lost.into()
    }

    /// Asks for news now.
    pub fn refresh(self) {
        self.refresh_then(None);
    }

    /// Asks for news now, and does something when they are here, or cannot be had.
    pub fn refresh_then(self, then: Option<Callback<()>>) {
        leptos::task::spawn_local(async move {
            let Some(fetch) = self.fetch.try_get_value() else { return };
            let number = self.asked.try_update_value(|asked| {
                *asked += 1;
                *asked
            });
            match fetch().await {
                Ok(_) if self.shown.try_get_value() > number => {}
                Ok(Timed { now, data }) => {
                    self.shown.try_update_value(|shown| *shown = number.unwrap_or_default());
                    self.now.try_set(now);
                    self.lost.try_update(|lost| lost.take());
                    if self.value.try_with_untracked(|value| *value != data) == Some(true) {
                        self.value.try_set(data);
                    }
                }
                Err(error) => {
                    self.lost.try_set(Some(error));
                }
            }
            if let Some(then) = then {
                then.try_run(());
            }
        });
    }
}

/// Fetches the data for `key` and shows them; fetches anew when the key changes.
pub fn load<K, T, Fut>(
    key: impl Fn() -> K + Send + Sync + 'static,
    fetch: impl Fn(K) -> Fut + Clone + Send + Sync + 'static,
    show: impl Fn(Live<T>, K) -> AnyView + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Data,
    Fut: Future<Output = Result<Timed<T>, AppError>> + Send + 'static,
{
    let key = Memo::new(move |_| key());
    let resource = Resource::new(move || key.get(), {
        let fetch = fetch.clone();
        move |key| fetch(key)
    });
    let content = move || {
        let (fetch, show) = (fetch.clone(), show.clone());
        Suspend::new(async move {
            match resource.await {
                Err(error) => view! { <LoadFailure error/> }.into_any(),
                Ok(first) => {
                    ui::ready_scope();
                    let key = key.get_untracked();
                    let again = key.clone();
                    let fetch: Fetch<T> = Arc::new(move || Box::pin(fetch(again.clone())));
                    let live = Live::new(first, fetch);
                    view! {
                        <Lost lost=live.lost()/>
                        {show(live, key)}
                    }
                    .into_any()
                }
            }
        })
    };
    view! { <Suspense fallback=|| view! { <div class="skeleton" aria-hidden="true"></div> }>{content}</Suspense> }
}

/// The same of a list that is shown in pages: the rows of another page are fetched into the same view.
pub fn load_pages<K, T, Fut>(
    key: impl Fn() -> K + Send + Sync + 'static,
    asked: Memo<PageQuery>,
    fetch: impl Fn(K, PageQuery) -> Fut + Clone + Send + Sync + 'static,
    show: impl Fn(Live<T>, K) -> AnyView + Clone + Send + Sync + 'static,
) -> impl IntoView
where
    K: Clone + PartialEq + Send + Sync + 'static,
    T: Data,
    Fut: Future<Output = Result<Timed<T>, AppError>> + Send + 'static,
{
    load(
        key,
        move |key| fetch(key, asked.get_untracked()),
        move |live, key| {
            Effect::new(move |before: Option<PageQuery>| {
                let now = asked.get();
                if before.is_some_and(|before| before != now) {
                    live.refresh();
                }
                now
            });
            show(live, key)
        },
    )
}

/// Says that the page shows what was last known.
#[component]
fn Lost(lost: Signal<Option<AppError>>) -> impl IntoView {
    move || {
        lost.get().map(|error| {
            view! {
                <div class="mb-4">
                    <ui::Callout tone=ui::Tone::Warn>
                        <p>"This page shows what was last known. " {error.sentence()}</p>
                    </ui::Callout>
                </div>
            }
        })
    }
}
