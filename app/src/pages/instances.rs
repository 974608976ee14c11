//! Gateway Instances.

use crate::api;
use crate::load::{Live, load};
use crate::parts::group::group_signal;
use crate::parts::page::PageHead;
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::instance::GatewayInstance;
use postern::time::{Millis, duration_text};
use ui::{Badge, Empty, Glyph, Tone};

/// The page.
#[component]
pub fn InstancesPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::instances, |live, _| view! { <List live/> }.into_any())
}

#[component]
fn List(live: Live<Vec<GatewayInstance>>) -> impl IntoView {
    let is_empty = live.part(Vec::is_empty);
    view! {
        <PageHead title="Gateway Instances" text="The processes that answer requests for this gateway group."/>
        {move || {
            if is_empty.get() {
                view! {
                    <Empty
                        glyph=Glyph::Instance
                        title="No gateway instance"
                        text="None has been heard of. The gateway runs inside Postern: its log says why it does not."
                    />
                }
                    .into_any()
            } else {
                view! { <Table live/> }.into_any()
            }
        }}
    }
    .into_any()
}

#[component]
fn Table(live: Live<Vec<GatewayInstance>>) -> impl IntoView {
    view! {
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Address"</th>
                        <th scope="col">"Status"</th>
                        <th scope="col">"Version"</th>
                        <th scope="col">"Uptime"</th>
                        <th scope="col">"Revision"</th>
                        <th scope="col">"Last heard of"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        live.get()
                            .into_iter()
                            .map(|instance| view! { <Row instance now=live.now()/> }.into_any())
                            .collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(instance: GatewayInstance, now: Signal<Millis>) -> impl IntoView {
    let started_at = instance.started_at;
    let (applied, wanted) = (instance.applied_revision, instance.wanted_revision);
    let alive = instance.clone();
    let online = Memo::new(move |_| alive.is_online(now.get()));
    view! {
        <tr>
            <td data-label="Address" class="cell-name">
                <code>{instance.address}</code>
            </td>
            <td data-label="Status">
                {move || {
                    if online.get() {
                        view! { <Badge tone=Tone::Ok word="Online"/> }
                    } else {
                        view! { <Badge tone=Tone::Danger word="Offline" glyph=Glyph::Offline/> }
                    }
                }}
            </td>
            <td data-label="Version">{instance.version}</td>
            <td data-label="Uptime">{move || duration_text(now.get().since(started_at) / 1000)}</td>
            <td data-label="Revision">
                {applied}
                <p class="cell-sub">
                    {if applied == wanted {
                        "Up to date".to_owned()
                    } else {
                        format!("Should be {wanted}: it has not applied the latest change yet")
                    }}
                </p>
            </td>
            <td data-label="Last heard of" class="text-muted whitespace-nowrap">
                <Ago now at=instance.seen_at/>
            </td>
        </tr>
    }
    .into_any()
}
