//! Published Services: the list.

use crate::api;
use crate::forms::service::ServiceDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::done;
use crate::pages::plugins::PluginChips;
use crate::parts::group::{group_signal, paths};
use crate::parts::page::PageHead;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::ServiceView;
use postern::routing::{Node, Upstream};
use postern::time::Millis;
use ui::{Empty, Glyph, Look};

/// The page.
#[component]
pub fn ServicesPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::services, |live, _| view! { <List live/> }.into_any())
}

#[component]
fn List(live: Live<Vec<ServiceView>>) -> impl IntoView {
    let is_empty = live.part(Vec::is_empty);
    let go = Go::here();
    let add = opened("add");
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("service"));
    view! {
        <PageHead
            title="Published Services"
            text="What the gateway answers for: an upstream, routes that lead to it, and plugins that guard it."
        >
            {move || (!is_empty.get()).then(|| view! { <AddButton/> })}
        </PageHead>
        {move || {
            if is_empty.get() {
                view! {
                    <Empty
                        glyph=Glyph::Service
                        title="No service yet"
                        text="Publish the first one. The built-in echo needs nothing behind it."
                    >
                        <AddButton/>
                    </Empty>
                }
                    .into_any()
            } else {
                view! { <Table live/> }.into_any()
            }
        }}
        {move || is_add.get().then(|| view! { <ServiceDialog on_done=done(live, go) on_close=go.closing()/> })}
    }
    .into_any()
}

#[component]
fn AddButton() -> impl IntoView {
    view! { <OpenButton key="add" value="service" label="Add Service" look=Look::Primary glyph=Glyph::Plus/> }
        .into_any()
}

#[component]
fn Table(live: Live<Vec<ServiceView>>) -> impl IntoView {
    view! {
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Upstream"</th>
                        <th scope="col">"Routes"</th>
                        <th scope="col">"Plugins"</th>
                        <th scope="col">"Updated"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        live.get().into_iter().map(|view| view! { <Row view now=live.now()/> }.into_any()).collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(view: ServiceView, now: Signal<Millis>) -> impl IntoView {
    let service = view.stored.object;
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                <a class="link" href=paths().service(&service.id)>
                    {service.name.to_string()}
                </a>
            </td>
            <td data-label="Upstream">
                <UpstreamText upstream=service.upstream/>
            </td>
            <td data-label="Routes">{view.routes}</td>
            <td data-label="Plugins">
                <PluginChips plugins=service.plugins.into_keys().collect()/>
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now at=view.stored.updated_at/>
            </td>
        </tr>
    }
    .into_any()
}

/// Where a service's requests go.
#[component]
pub fn UpstreamText(upstream: Upstream) -> impl IntoView {
    match upstream {
        Upstream::BuiltinEcho => "Built-in echo".into_any(),
        Upstream::Nodes(upstream) => {
            let lines =
                upstream.nodes.iter().map(|node| view! { <li><code>{node_text(node)}</code></li> }).collect_view();
            view! { <ul class="wrap-anywhere">{lines}</ul> }.into_any()
        }
    }
}

fn node_text(node: &Node) -> String {
    format!("{} · weight {}", node.authority(), node.weight)
}
