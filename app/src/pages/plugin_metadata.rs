//! Plugin Metadata: what all plugins of a name have in common in this gateway group.

use crate::api;
use crate::load::{Live, load};
use crate::pages::global_plugins::owner_of;
use crate::pages::plugins::PluginSection;
use crate::parts::group::group_signal;
use crate::parts::page::PageHead;
use leptos::prelude::*;
use postern::control::{PluginOwner, PluginSetView};

/// The page.
#[component]
pub fn PluginMetadataPage() -> impl IntoView {
    let group = group_signal();
    load(
        move || group.get(),
        |group| api::plugin_set(group, PluginOwner::Metadata),
        |live, _| view! { <Page live/> }.into_any(),
    )
}

#[component]
fn Page(live: Live<PluginSetView>) -> impl IntoView {
    view! {
        <PageHead title="Plugin Metadata" text="What all plugins of a name have in common, wherever they are enabled."/>
        <PluginSection
            owner=owner_of(live, PluginOwner::Metadata)
            none="No plugin has metadata: each does as its documentation says."
        />
    }
    .into_any()
}
