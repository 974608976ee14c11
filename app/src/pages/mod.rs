//! The pages: one page one file.

pub mod certificates;
pub mod consumer;
pub mod consumer_plugins;
pub mod consumers;
pub mod fetched;
pub mod global_plugins;
pub mod instances;
mod over;
pub mod overview;
pub mod plugin_metadata;
pub mod plugins;
pub mod reasons;
pub mod references;
pub mod route;
pub mod secret_provider;
pub mod secret_providers;
pub mod service;
pub mod services;

use crate::error::AppError;
use crate::go::Go;
use crate::load::{Data, Live};
use leptos::prelude::*;
use std::future::Future;
use std::str::FromStr;
use ui::Toasts;

/// A parameter of the address, parsed; what does not parse is not there.
pub(crate) fn parameter<T: FromStr>(text: &str, what: &str) -> Result<T, AppError> {
    text.parse().map_err(|_| AppError::not_found(what, text))
}

/// The parameter `name` of the address around the caller; tracked.
pub(crate) fn written(name: &'static str) -> Memo<String> {
    let params = leptos_router::hooks::use_params_map();
    Memo::new(move |_| params.with(|params| params.get(name).unwrap_or_default()))
}

/// Does something for a page: says so when it is done or has failed, and shows the news.
pub(crate) fn act<T: Data, A: 'static>(
    live: Live<T>,
    busy: RwSignal<bool>,
    request: impl Future<Output = Result<A, AppError>> + 'static,
    said: &'static str,
) {
    if busy.get_untracked() {
        return;
    }
    let toasts = use_toasts();
    busy.set(true);
    leptos::task::spawn_local(async move {
        let answer = request.await;
        busy.try_set(false);
        if let Some(toasts) = toasts {
            toasts.say(answer.map_or_else(|error| error.sentence(), |_| said.to_owned()));
        }
        live.refresh();
    });
}

fn use_toasts() -> Option<Toasts> {
    use_context()
}

/// What a dialog does when it is done: the page shows the news, and the dialog closes.
pub(crate) fn done<T: Data, A: 'static>(live: Live<T>, go: Go) -> Callback<A> {
    Callback::new(move |_| {
        live.refresh();
        go.close();
    })
}
