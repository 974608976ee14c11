//! What is said about things: badges, callouts, empty places.

use crate::{Glyph, Icon};
use leptos::prelude::*;

/// What a colour means. It never stands alone: an icon and a word say the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    Ok,
    Warn,
    Danger,
    Info,
    #[default]
    Quiet,
}

impl Tone {
    /// Text on its soft ground.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "tone-ok",
            Self::Warn => "tone-warn",
            Self::Danger => "tone-danger",
            Self::Info => "tone-info",
            Self::Quiet => "tone-quiet",
        }
    }

    /// Text alone.
    #[must_use]
    pub fn ink(self) -> &'static str {
        match self {
            Self::Ok => "ink-ok",
            Self::Warn => "ink-warn",
            Self::Danger => "ink-danger",
            Self::Info => "ink-info",
            Self::Quiet => "ink-quiet",
        }
    }

    /// The icon that says the same.
    #[must_use]
    pub fn glyph(self) -> Glyph {
        match self {
            Self::Ok => Glyph::Ok,
            Self::Warn => Glyph::Warn,
            Self::Danger => Glyph::Danger,
            Self::Info => Glyph::Info,
            Self::Quiet => Glyph::Untested,
        }
    }
}

/// A state: icon, word, colour.
#[component]
pub fn Badge(
    tone: Tone,
    #[prop(into)] word: String,
    /// Instead of the tone's own.
    #[prop(optional_no_strip, into)]
    glyph: Option<Glyph>,
) -> impl IntoView {
    let glyph = glyph.unwrap_or(tone.glyph());
    let class = if glyph == Glyph::Busy { "spin" } else { "" };
    view! {
        <span class=format!("badge {}", tone.class())>
            <Icon glyph class/>
            {word}
        </span>
    }
    .into_any()
}

/// Something worth a box of its own.
#[component]
pub fn Callout(
    tone: Tone,
    /// `alert` interrupts, `status` waits its turn.
    #[prop(optional)]
    role: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! {
        <div class=format!("callout {}", tone.class()) role=role>
            <Icon glyph=tone.glyph()/>
            <div class="callout-body">{children()}</div>
        </div>
    }
    .into_any()
}

/// Where nothing is yet: what it would be good for, and the one thing to do.
#[component]
pub fn Empty(
    glyph: Glyph,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="card empty">
            <Icon glyph/>
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| children())}
        </div>
    }
    .into_any()
}

/// Something to unfold.
#[component]
pub fn Disclosure(
    label: &'static str,
    /// Unfolded at first.
    #[prop(optional)]
    open: bool,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="disclosure" open=open>
            <summary>
                <Icon glyph=Glyph::Open/>
                {label}
            </summary>
            <div class="mt-4 grid grid-cols-[minmax(0,1fr)] gap-5">{children()}</div>
        </details>
    }
    .into_any()
}
