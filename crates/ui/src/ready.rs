//! Whether the page reacts yet. Until it does, a click would be lost, so what only works with
//! JavaScript is disabled.

use leptos::prelude::*;

/// Whether this part of the page has been hydrated.
#[derive(Clone, Copy, Debug)]
pub struct Ready(RwSignal<bool>);

impl Ready {
    /// The state of the part of the page around the caller.
    #[must_use]
    pub fn here() -> Signal<bool> {
        match use_context::<Self>() {
            Some(Self(ready)) => ready.into(),
            None => true.into(),
        }
    }
}

/// Begins a part of the page that is hydrated at once: the whole frame, or what a resource held back.
/// An effect runs only in a browser, after everything in that part has its listeners.
pub fn ready_scope() {
    let ready = RwSignal::new(false);
    provide_context(Ready(ready));
    Effect::new(move |_| ready.set(true));
}
