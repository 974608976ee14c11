//! Published Services: the list.

use crate::api;
use crate::forms::service::ServiceDialog;
use crate::go::{Go, opened};
use crate::load::{Live, load};
use crate::pages::done;
use crate::pages::over::{load_of_services, of_services, over_page};
use crate::pages::plugins::PluginChips;
use crate::parts::group::{group_signal, paths};
use crate::parts::list::List;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::ServiceView;
use postern::routing::{Node, Scheme, Upstream};
use postern::time::Millis;
use ui::Glyph;

/// The page.
#[component]
pub fn ServicesPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::services, |live, _| view! { <Page live/> }.into_any())
}

#[component]
fn Page(live: Live<Vec<ServiceView>>) -> impl IntoView {
    view! {
        <List
            title="Published Services"
            text="What the gateway answers for: an upstream, routes that lead to it, and plugins that guard it."
            is_empty=live.part(Vec::is_empty)
            glyph=Glyph::Service
            empty_title="No service yet"
            empty_text="Publish the first one. The built-in echo needs nothing behind it."
            add="service"
            add_label="Add Service"
        >
            <Table live/>
        </List>
        {over_page(&["add"], load_of_services, move || of_services(live))}
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<Vec<ServiceView>>) -> AnyView {
    let go = Go::here();
    let add = opened("add");
    let is_add = Memo::new(move |_| add.get().as_deref() == Some("service"));
    let shown = move || is_add.get().then(|| view! { <ServiceDialog on_done=done(live, go) on_close=go.closing()/> });
    shown.into_any()
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
                <PluginChips plugins=service.plugins/>
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
            let scheme = upstream.scheme.label();
            let lines =
                upstream.nodes.iter().map(|node| view! { <li><code>{node_text(node)}</code></li> }).collect_view();
            view! {
                <ul class="wrap-anywhere">{lines}</ul>
                {(upstream.scheme != Scheme::Http).then(|| view! { <p class="cell-sub">{scheme}</p> })}
            }
            .into_any()
        }
    }
}

fn node_text(node: &Node) -> String {
    format!("{} · weight {}", node.authority(), node.weight)
}
