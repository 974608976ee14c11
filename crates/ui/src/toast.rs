//! Short notes at the edge: something was done. Never for errors of a form.

use crate::{Glyph, Icon};
use leptos::prelude::*;
use std::time::Duration;

/// How long a note stays.
const STAYS: Duration = Duration::from_secs(7);

/// The notes shown now.
#[derive(Clone, Copy)]
pub struct Toasts {
    notes: RwSignal<Vec<(u32, String)>>,
    next: StoredValue<u32>,
}

impl Toasts {
    /// Makes them known to everything below.
    #[must_use]
    pub fn provide() -> Self {
        let toasts = Self { notes: RwSignal::new(Vec::new()), next: StoredValue::new(0) };
        provide_context(toasts);
        toasts
    }

    /// Shows a note for a while. Three at most stand at a time.
    pub fn say(self, text: impl Into<String>) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.notes.update(|notes| {
            notes.push((id, text.into()));
            let surplus = notes.len().saturating_sub(3);
            notes.drain(..surplus);
        });
        set_timeout(move || self.notes.update(|notes| notes.retain(|(other, _)| *other != id)), STAYS);
    }
}

/// Where notes appear.
#[component]
pub fn Toaster(toasts: Toasts) -> impl IntoView {
    view! {
        <div class="toasts" role="status" aria-label="Notifications">
            <For each=move || toasts.notes.get() key=|(id, _)| *id let((_, text))>
                <div class="toast">
                    <Icon glyph=Glyph::Info/>
                    <span>{text}</span>
                </div>
            </For>
        </div>
    }
    .into_any()
}
