//! Global Plugins: what the gateway does to every request, besides the plugins of its route.

use crate::api;
use crate::load::{Live, load};
use crate::pages::plugins::{Owner, PluginSection};
use crate::parts::group::group_signal;
use crate::parts::page::PageHead;
use leptos::prelude::*;
use postern::control::{PluginOwner, PluginSetView};

/// The page.
#[component]
pub fn GlobalPluginsPage() -> impl IntoView {
    let group = group_signal();
    load(
        move || group.get(),
        |group| api::plugin_set(group, PluginOwner::Global),
        |live, _| view! { <Page live/> }.into_any(),
    )
}

#[component]
fn Page(live: Live<PluginSetView>) -> impl IntoView {
    view! {
        <PageHead title="Global Plugins" text="Plugins that run for every request, besides those of its route, and also where no route matches."/>
        <PluginSection
            owner=owner_of(live, PluginOwner::Global)
            none="No plugin runs for every request."
        />
    }
    .into_any()
}

/// The plugins of an owner that is stored without them.
pub fn owner_of(live: Live<PluginSetView>, owner: PluginOwner) -> Owner {
    Owner {
        owner,
        revision: live.part(|set| set.revision),
        plugins: live.part(|set| set.plugins.clone()),
        references: live.part(|set| set.references.clone()),
        now: live.now(),
        refresh: Callback::new(move |then| live.refresh_then(Some(then))),
    }
}
