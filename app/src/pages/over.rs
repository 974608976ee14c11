//! The dialogs over the pages. Browsers fetch their code apart from the pages': soon after the page, or when the
//! address opens one before that. Where the WASM is one file it is there.

use super::fetched::NotFetched;
use super::plugins::Owner;
use super::{certificates, consumer, consumers, plugins, references, route};
use super::{secret_provider, secret_providers, service, services};
use crate::api::{ConsumerData, ProviderData, ServiceData};
use crate::go::Go;
use crate::load::Live;
use crate::parts::failure::DialogFailure;
use futures_util::FutureExt;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use postern::control::{CertificateView, ProviderView, ReferenceView, ServiceView};
use postern::credential::CredentialType;
use postern::name::ObjectId;
use postern::provider::ProviderKey;
use std::future::Future;
use std::time::Duration;

/// How long after a page the code of its dialogs is fetched: the page comes first.
const SOON: Duration = Duration::from_millis(500);

/// `show(what they need) after load in part: function;` makes the dialogs of a page, whose code is fetched with that
/// part.
macro_rules! dialogs {
    ($($show:ident($($need:ident: $kind:ty),*) after $load:ident in $part:ident: $made:path;)*) => {$(
        #[cfg(feature = "split")]
        #[leptos::wasm_split::wasm_split($part, wasm_split_path = leptos::wasm_split, preload($load), fallible)]
        pub(super) fn $show($($need: $kind),*) -> Result<AnyView, NotFetched> {
            Ok($made($($need),*))
        }

        #[cfg(not(feature = "split"))]
        pub(super) async fn $show($($need: $kind),*) -> Result<AnyView, NotFetched> {
            Ok($made($($need),*))
        }

        #[cfg(not(feature = "split"))]
        pub(super) async fn $load() -> Result<(), NotFetched> {
            Ok(())
        }
    )*};
}

// What is in the one part is fetched together. The check and the help of every plugin's JSON are more than all the rest.
dialogs! {
    of_certificates(live: Live<Vec<CertificateView>>) after load_of_certificates in dialogs: certificates::dialogs;
    of_consumer(live: Live<ConsumerData>, kind: Memo<CredentialType>) after load_of_consumer in dialogs: consumer::dialogs;
    of_consumers() after load_of_consumers in dialogs: consumers::dialogs;
    of_plugins(owner: Owner) after load_of_plugins in plugin_dialogs: plugins::dialogs;
    of_provider(live: Live<ProviderData>, key: ProviderKey) after load_of_provider in dialogs: secret_provider::dialogs;
    of_providers(live: Live<Vec<ProviderView>>) after load_of_providers in dialogs: secret_providers::dialogs;
    of_references(rows: Signal<Vec<ReferenceView>>, on_change: Callback<()>) after load_of_references in dialogs: references::dialogs;
    of_route(live: Live<ServiceData>, id: ObjectId) after load_of_route in dialogs: route::dialogs;
    of_service(live: Live<ServiceData>, id: ObjectId) after load_of_service in dialogs: service::dialogs;
    of_services(live: Live<Vec<ServiceView>>) after load_of_services in dialogs: services::dialogs;
}

/// Shows dialogs over the page when the address has one of `keys`; `load` fetches their code.
pub(super) fn over_page<Loading, Showing, E>(
    keys: &'static [&'static str],
    load: fn() -> Loading,
    show: impl Fn() -> Showing + Send + Sync + 'static,
) -> impl IntoView
where
    Loading: Future<Output = Result<(), E>> + 'static,
    Showing: Future<Output = Result<AnyView, NotFetched>>,
{
    let query = use_query_map();
    let is_open = Memo::new(move |_| query.with(|query| keys.iter().any(|key| query.get_str(key).is_some())));
    // What the server has rendered stands in the page already: its code was fetched before all else.
    let at_once = is_open.get_untracked() && load().now_or_never().is_some_and(|loaded| loaded.is_ok());
    let is_there = RwSignal::new(at_once);
    let is_lost = RwSignal::new(false);
    let fetch = move || {
        is_lost.try_set(false);
        leptos::task::spawn_local(async move {
            match load().await {
                Ok(()) => is_there.try_set(true),
                Err(_) => is_lost.try_set(true),
            };
        });
    };
    Effect::new(move |_| {
        set_timeout(move || leptos::task::spawn_local(async move { drop(load().await) }), SOON);
    });
    Effect::new(move |_| {
        if is_open.get() && !is_there.get_untracked() {
            fetch();
        }
    });
    // Once they were shown they stay, and see themselves what the address opens.
    let is_shown = Memo::new(move |before: Option<&bool>| before == Some(&true) || (is_open.get() && is_there.get()));
    let close = Go::here().closing();
    view! {
        {move || {
            let shown = is_shown.get().then(|| untrack(|| show().now_or_never()));
            shown.flatten().and_then(Result::ok)
        }}
        {move || (is_lost.get() && is_open.get()).then(|| view! { <DialogFailure on_close=close/> })}
    }
}
