//! How references, providers and instances fare.

use crate::parts::explanation::Fix;
use crate::parts::time::ago_text;
use leptos::prelude::*;
use postern::control::ProviderHealth;
use postern::resolve::{StateName, Told, ToldState};
use postern::time::Millis;
use ui::{Badge, Glyph, Tone};

/// What colour a state has.
#[must_use]
pub fn tone(state: StateName) -> Tone {
    match state {
        StateName::Ok => Tone::Ok,
        StateName::Pending => Tone::Quiet,
        StateName::Stale => Tone::Warn,
        StateName::NotFound
        | StateName::KeyMissing
        | StateName::Denied
        | StateName::Unreachable
        | StateName::Sealed
        | StateName::Invalid
        | StateName::Unfit
        | StateName::ProviderMissing => Tone::Danger,
    }
}

/// How soon an operator should look at it, lowest first: what gives no value, then what soon gives none.
#[must_use]
pub fn urgency(state: StateName) -> u8 {
    match tone(state) {
        Tone::Danger => 0,
        Tone::Warn => 1,
        Tone::Quiet | Tone::Info => 2,
        Tone::Ok => 3,
    }
}

/// The state's name.
#[component]
pub fn StateBadge(state: StateName) -> impl IntoView {
    let glyph = (state == StateName::Pending).then_some(Glyph::Busy);
    view! { <Badge tone=tone(state) word=state.label() glyph/> }.into_any()
}

/// The state, what is known of the value, and what to do when there is none.
#[component]
pub fn StateCell(state: ToldState, #[prop(into)] now: Signal<Millis>) -> impl IntoView {
    let fingerprint = state.resolved.as_ref().map(|resolved| resolved.fingerprint.clone());
    let name = state.name;
    let failure = state.failure.clone();
    let told = StoredValue::new(state);
    view! {
        <StateBadge state=name/>
        {(name != StateName::Pending)
            .then(|| view! { <p class="cell-sub text-text">{move || told.with_value(|state| state.summary(now.get()))}</p> })}
        {fingerprint
            .map(|print| {
                view! {
                    <p class="cell-sub" title="A keyed hash: equal for equal values, useless otherwise.">
                        "Fingerprint "
                        <code>{print}</code>
                    </p>
                }
            })}
        {failure
            .map(|Told { reason, explanation }| {
                view! {
                    <div class="mt-1.5 grid grid-cols-[minmax(0,1fr)] gap-1.5 text-xs leading-[1.125rem] max-w-xl">
                        <Fix reason explanation/>
                    </div>
                }
            })}
    }
    .into_any()
}

/// How a provider fares: badge, and why when it does not fare well.
#[component]
pub fn HealthCell(health: ProviderHealth, #[prop(into)] now: Signal<Millis>) -> impl IntoView {
    let word = health.word();
    let (tone, at, why) = match health {
        ProviderHealth::Untested => (Tone::Quiet, None, None),
        ProviderHealth::Healthy { checked_at } => (Tone::Ok, Some(checked_at), None),
        ProviderHealth::Degraded { checked_at, why } => (Tone::Warn, Some(checked_at), Some(why)),
        ProviderHealth::Failing { checked_at, why } => (Tone::Danger, Some(checked_at), Some(why)),
    };
    view! {
        <Badge tone word/>
        {why.map(|why| view! { <p class="cell-sub max-w-sm">{why}</p> })}
        {at
            .map(|at| {
                view! { <p class="cell-sub">"Checked " {move || ago_text(now.get(), at)}</p> }
            })}
    }
    .into_any()
}
