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

/// What [`mark_hydrated`] leaves on the document.
const MARK: &str = "data-hydrated";

/// Tells style sheets and tests that the page reacts.
pub fn mark_hydrated() {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(MARK, "true");
    }
}

/// Whether what is being built now stands in the page already, written by the server.
#[must_use]
pub fn is_hydrating() -> bool {
    cfg!(target_arch = "wasm32") && document().document_element().is_some_and(|root| !root.has_attribute(MARK))
}

/// Begins a part of the page that is hydrated at once: the whole frame, or what a resource held back.
/// An effect runs only in a browser, after everything in that part has its listeners.
pub fn ready_scope() {
    let ready = RwSignal::new(false);
    provide_context(Ready(ready));
    Effect::new(move |_| ready.set(true));
}
