//! Overview: how everything fares, what to do first, and what needs an operator.

use crate::api;
use crate::load::{Live, load};
use crate::parts::group::{group_signal, paths};
use crate::parts::page::PageHead;
use leptos::prelude::*;
use postern::control::{Attention, AttentionSubject, Overview};
use ui::{Glyph, Icon, Snippet, Tone};

/// The page.
#[component]
pub fn OverviewPage() -> impl IntoView {
    let group = group_signal();
    load(move || group.get(), api::overview_page, |live, _| view! { <Page live/> }.into_any())
}

#[component]
fn Page(live: Live<Overview>) -> impl IntoView {
    view! {
        <PageHead title="Overview" text="How this gateway group fares."/>
        <Tiles live/>
        <NeedsAttention live/>
        <GetStarted live/>
    }
    .into_any()
}

#[component]
fn Tiles(live: Live<Overview>) -> impl IntoView {
    view! {
        <div class="grid gap-3 grid-cols-2 sm:gap-4 xl:grid-cols-4">
            <Tile
                glyph=Glyph::Provider
                name="Secret providers healthy"
                href=paths().providers()
                value=live.part(|o| (o.providers_healthy, Some(o.providers)))
            />
            <Tile
                glyph=Glyph::Reference
                name="References resolving"
                href=paths().references()
                value=live.part(|o| (o.references_resolved, Some(o.references)))
            />
            <Tile glyph=Glyph::Consumer name="Consumers" href=paths().consumers() value=live.part(|o| (o.consumers, None))/>
            <Tile
                glyph=Glyph::Instance
                name="Gateway instances online"
                href=paths().instances()
                value=live.part(|o| (o.instances_online, None))
            />
        </div>
    }
    .into_any()
}

#[component]
fn Tile(glyph: Glyph, name: &'static str, href: String, value: Memo<(usize, Option<usize>)>) -> impl IntoView {
    view! {
        <a class="tile" href=href>
            <span class="tile-name">
                <Icon glyph/>
                {name}
            </span>
            <span class="tile-value">
                {move || value.get().0}
                {move || value.get().1.map(|of| view! { <small>" / " {of}</small> })}
            </span>
        </a>
    }
    .into_any()
}

#[component]
fn NeedsAttention(live: Live<Overview>) -> impl IntoView {
    let attention = live.part(|overview| overview.attention.clone());
    move || {
        let list = attention.get();
        (!list.is_empty()).then(|| {
            view! {
                <section class="section" aria-labelledby="attention">
                    <div class="section-head">
                        <h2 id="attention">"Needs attention"</h2>
                    </div>
                    <ul class="card checklist">
                        {list.into_iter().map(|item| view! { <AttentionLine item/> }).collect_view()}
                    </ul>
                </section>
            }
        })
    }
}

#[component]
fn AttentionLine(item: Attention) -> impl IntoView {
    let (name, href) = match item.subject {
        AttentionSubject::Provider { key } => (format!("Secret provider {}", key.id), paths().provider(&key)),
        AttentionSubject::Plugin { user } => {
            (format!("{} of {} at {}", user.field, user.plugin.label(), user.owner_name), paths().plugins_of(&user))
        }
        AttentionSubject::Certificate { user } => {
            (format!("{} of certificate {}", user.field.label(), user.name), paths().certificates())
        }
        AttentionSubject::Credential { name } => (
            format!("Credential {} of {}", name.credential, name.consumer),
            paths().consumer(&name.consumer, name.kind),
        ),
    };
    view! {
        <li class="step">
            <span class=format!("pt-0.5 {}", Tone::Danger.ink())>
                <Icon glyph=Glyph::Danger/>
            </span>
            <span>
                <a class="link" href=href>
                    {name}
                </a>
                <span class="block text-muted wrap-anywhere">{item.what}</span>
            </span>
        </li>
    }
    .into_any()
}

/// One step of the tutorial: done or not, and where it is done.
struct Step {
    name: &'static str,
    hint: &'static str,
    verb: &'static str,
    done: fn(&Overview) -> bool,
    href: String,
}

fn steps() -> [Step; 5] {
    let paths = paths();
    [
        Step {
            name: "Connect a secret provider",
            hint: "HashiCorp Vault, OpenBao, AWS Secrets Manager or Kubernetes Secrets. Test Connection tells whether it works.",
            verb: "Add Secret Provider",
            done: |overview| overview.providers_healthy > 0,
            href: format!("{}?add=secret-provider", paths.providers()),
        },
        Step {
            name: "Add a consumer",
            hint: "Who calls: Alice, for example.",
            verb: "Add Consumer",
            done: |overview| overview.consumers > 0,
            href: format!("{}?add=consumer", paths.consumers()),
        },
        Step {
            name: "Give it a key by reference",
            hint: "A Key Authentication credential whose value stays in the secret provider.",
            verb: "Choose a consumer",
            done: |overview| overview.credentials > 0,
            href: paths.consumers(),
        },
        Step {
            name: "Publish a service with a route",
            hint: "The built-in echo needs nothing behind it: route /ip to it.",
            verb: "Add Service",
            done: |overview| overview.services > 0 && overview.routes > 0,
            href: format!("{}?add=service", paths.services()),
        },
        Step {
            name: "Enable Key Auth on it",
            hint: "From then on the gateway asks for a key.",
            verb: "Choose a service",
            done: |overview| overview.protected > 0,
            href: paths.services(),
        },
    ]
}

#[component]
fn GetStarted(live: Live<Overview>) -> impl IntoView {
    let steps = steps();
    let checks = steps.each_ref().map(|step| step.done);
    let next = live.part(move |overview| checks.iter().position(|done| !done(overview)));
    let lines = steps
        .into_iter()
        .enumerate()
        .map(|(place, step)| {
            let is_next = Memo::new(move |_| next.get() == Some(place));
            view! { <StepLine step live is_next/> }
        })
        .collect_view();
    let sent = live.part(|overview| overview.authenticated_request_seen);
    let command =
        live.part(|overview| format!("curl -i http://{}/ip -H 'apikey: alice-primary-key'", overview.gateway_address));
    view! {
        <section class="section" aria-labelledby="get-started">
            <div class="section-head">
                <h2 id="get-started">"Get started"</h2>
            </div>
            <ol class="card checklist">
                {lines} <li class="step">
                    <Tick done=sent/>
                    <StepText name="Send a request with the key" hint="With the value that the reference leads to." done=sent/>
                    <span></span>
                    <div class="step-more mt-1">
                        <Snippet text=Signal::derive(move || command.get()) label="Copy the command"/>
                    </div>
                </li>
            </ol>
        </section>
    }
    .into_any()
}

#[component]
fn StepLine(step: Step, live: Live<Overview>, is_next: Memo<bool>) -> impl IntoView {
    let done = live.part(step.done);
    let Step { name, hint, verb, href, .. } = step;
    view! {
        <li class="step">
            <Tick done/>
            <StepText name hint done/>
            {move || {
                let class = if is_next.get() { "btn btn-small btn-primary" } else { "btn btn-small btn-secondary" };
                (!done.get()).then(|| view! { <a class=class href=href.clone()>{verb}</a> })
            }}
        </li>
    }
    .into_any()
}

#[component]
fn StepText(name: &'static str, hint: &'static str, done: Memo<bool>) -> impl IntoView {
    view! {
        <div>
            <span class="font-medium" class:text-muted=move || done.get()>
                {name}
            </span>
            {move || (!done.get()).then(|| view! { <p class="text-muted text-sm">{hint}</p> })}
        </div>
    }
    .into_any()
}

#[component]
fn Tick(done: Memo<bool>) -> impl IntoView {
    move || {
        let (ink, glyph, word) = if done.get() {
            (Tone::Ok.ink(), Glyph::Ok, "Done:")
        } else {
            (Tone::Quiet.ink(), Glyph::Circle, "To do:")
        };
        view! {
            <span class=format!("pt-0.5 {ink}")>
                <Icon glyph/>
                <span class="sr-only">{word}</span>
            </span>
        }
    }
}
