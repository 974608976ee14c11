//! The Plugins tab of a consumer: what the gateway does to its requests in place of what the route says.

use crate::api;
use crate::load::{Live, load};
use crate::pages::global_plugins::owner_of;
use crate::pages::plugins::PluginSection;
use crate::pages::{parameter, written};
use crate::parts::group::{group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use leptos::prelude::*;
use postern::control::{PluginOwner, PluginSetView};
use postern::name::ConsumerName;
use ui::{Tab, TabList};

/// The page.
#[component]
pub fn ConsumerPluginsPage() -> impl IntoView {
    let group = group_signal();
    let name = written("name");
    load(
        move || (group.get(), name.get()),
        |(group, name)| async move { api::plugin_set(group, PluginOwner::Consumer(parameter(&name, "consumer")?)).await },
        |live, (_, name)| match parameter(&name, "consumer") {
            Ok(name) => view! { <Page live name/> }.into_any(),
            Err(_) => ().into_any(),
        },
    )
}

#[component]
fn Page(live: Live<PluginSetView>, name: ConsumerName) -> impl IntoView {
    view! {
        <PageHead title=name.to_string() crumbs=vec![Crumb::new("Consumers", paths().consumers())]/>
        <ConsumerTabs name=name.clone() open=ConsumerPart::Plugins/>
        <div role="tabpanel" id="consumer-part" aria-labelledby="tab-open">
            <PluginSection
                owner=owner_of(live, PluginOwner::Consumer(name))
                text="They run once a request is known to be this consumer's. One of the same name counts instead of the route's."
                none="No plugin yet: the consumer's requests have those of the service and route."
            />
        </div>
    }
    .into_any()
}

/// Which part of a consumer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumerPart {
    Credentials,
    Plugins,
}

/// Leads to the parts of a consumer.
#[component]
pub fn ConsumerTabs(name: ConsumerName, open: ConsumerPart) -> impl IntoView {
    let is_open = move |this| (this == open).then_some(("tab-open", "consumer-part"));
    view! {
        <TabList label="Consumer">
            <Tab label="Credentials" href=paths().consumer_page(&name) open=is_open(ConsumerPart::Credentials)/>
            <Tab label="Plugins" href=paths().consumer_plugins(&name) open=is_open(ConsumerPart::Plugins)/>
        </TabList>
    }
    .into_any()
}
