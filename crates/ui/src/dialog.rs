//! A dialog on the native `<dialog>`: modal, Esc, focus kept inside and given back.
//!
//! The server renders it open, so it can be read and filled in before hydration; then it becomes modal.

use crate::{Button, Glyph, Look};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

/// What dialogs share: whether there is something to lose, and how to close.
#[derive(Clone, Copy)]
struct Closing {
    asking: RwSignal<bool>,
    dirty: Signal<bool>,
    on_close: Callback<()>,
}

impl Closing {
    /// Closes, or asks first when something was typed.
    fn wanted(self) {
        if self.dirty.get_untracked() {
            self.asking.set(true);
        } else {
            self.on_close.run(());
        }
    }
}

/// A dialog. It is there while it is rendered; `on_close` is asked to take it away.
#[component]
pub fn Dialog(
    #[prop(into)] title: Signal<String>,
    on_close: Callback<()>,
    /// Whether something was typed that closing would lose.
    #[prop(optional, into)]
    dirty: Signal<bool>,
    #[prop(optional)] wide: bool,
    /// The id of its title; another one for a dialog over a dialog.
    #[prop(default = "dialog-title")]
    title_id: &'static str,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    let closing = Closing { asking: RwSignal::new(false), dirty, on_close };
    provide_context(closing);
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            open_modal(&dialog);
        }
    });
    on_cleanup(move || {
        // Closing gives the focus back to what opened it; just vanishing would not.
        if let Some(dialog) = node.try_get_untracked().flatten() {
            dialog.close();
        }
    });
    view! {
        <dialog
            node_ref=node
            class="dialog"
            class:dialog-wide=wide
            open=true
            aria-labelledby=title_id
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                closing.wanted();
            }
            on:keydown=submit_by_key
        >
            <div class="dialog-content">
                <header class="dialog-head">
                    <h2 id=title_id>{move || title.get()}</h2>
                    <Button
                        label="Close"
                        look=Look::Ghost
                        glyph=Glyph::Close
                        icon_only=true
                        on_press=Callback::new(move |()| closing.wanted())
                    />
                </header>
                {children()}
            </div>
        </dialog>
    }
    .into_any()
}

/// The scrolling middle.
#[component]
pub fn DialogBody(children: Children) -> impl IntoView {
    view! { <div class="dialog-body">{children()}</div> }.into_any()
}

/// The buttons: Cancel, then whatever is given. Turns into a question when something would be lost.
#[component]
pub fn DialogFoot(
    /// Stands at the left.
    #[prop(optional, into)]
    aside: ViewFn,
    /// What closing is called: `Close` where there is nothing to take back.
    #[prop(default = "Cancel")]
    dismiss: &'static str,
    #[prop(optional)] children: Option<ChildrenFn>,
) -> impl IntoView {
    let closing = expect_context::<Closing>();
    view! {
        <footer class="dialog-foot">
            <div class="contents" class:hidden=move || closing.asking.get()>
                {aside.run()}
                <span class="spacer"></span>
                <Button label=dismiss look=Look::Ghost on_press=Callback::new(move |()| closing.wanted())/>
                {children.map(|children| children())}
            </div>
            {move || closing.asking.get().then(|| view! { <Discard closing/> })}
        </footer>
    }
    .into_any()
}

#[component]
fn Discard(closing: Closing) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if let Some(question) = node.get() {
            let _ = question.focus();
        }
    });
    view! {
        <div class="contents" role="alertdialog" aria-labelledby="discard-question">
            <div id="discard-question" tabindex="-1" node_ref=node class="font-medium">
                "Discard what you entered?"
            </div>
            <span class="spacer"></span>
            <Button label="Keep editing" on_press=Callback::new(move |()| closing.asking.set(false))/>
            <Button label="Discard" look=Look::Danger on_press=closing.on_close/>
        </div>
    }
    .into_any()
}

/// Makes it modal and puts the focus into the first field.
fn open_modal(dialog: &web_sys::HtmlDialogElement) {
    let held = dialog.contains(document().active_element().as_ref().map(AsRef::as_ref));
    dialog.remove_attribute("open").ok();
    if dialog.show_modal().is_err() || held {
        return;
    }
    let first = dialog.query_selector(
        ".dialog-body :is(input:not([readonly], [type=radio], [type=hidden]), textarea:not([hidden]), select, \
         [contenteditable=true]), .dialog-foot .btn",
    );
    if let Some(field) = first.ok().flatten().and_then(|e| e.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = field.focus();
    }
}

/// Ctrl+Enter and Ctrl+S (or with Cmd) submit from anywhere, also from a field of several lines.
fn submit_by_key(event: web_sys::KeyboardEvent) {
    let is_submit = matches!(event.key().as_str(), "Enter" | "s");
    if !is_submit || !(event.ctrl_key() || event.meta_key()) || event.alt_key() || event.shift_key() {
        return;
    }
    // The browser would save the page.
    event.prevent_default();
    let form = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|element| element.closest("form").ok().flatten())
        .and_then(|form| form.dyn_into::<web_sys::HtmlFormElement>().ok());
    if let Some(form) = form {
        let _ = form.request_submit();
    }
}
