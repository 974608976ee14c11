//! The JSON editor: `<json-editor>` around a `<textarea>`.
//!
//! `public/editor.js`, built from `editor/`, is fetched when the first one is shown. Until then, and where it
//! does not load, the textarea is what is typed into; it is what the form holds in any case. What the two sides
//! tell each other is listed at the top of `editor/src/index.ts`.

use crate::field::BareArea;
use crate::form::{FieldError, FieldLink, field_id};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

const SCRIPT: &str = "/editor.js";

/// A way to ask the editor of a field for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EditorHandle {
    name: &'static str,
}

impl EditorHandle {
    /// The editor of the field `name`.
    #[must_use]
    pub fn of(name: &'static str) -> Self {
        Self { name }
    }

    /// Shows and selects what stands at a JSON pointer.
    pub fn seek(self, pointer: &str) {
        self.ask("editor-seek", pointer);
    }

    /// Writes a field: `asked` is JSON with `pointer` and `value`.
    pub fn put(self, asked: &str) {
        self.ask("editor-put", asked);
    }

    /// Puts the text between braces.
    pub fn wrap(self) {
        self.ask("editor-wrap", "");
    }

    /// Lays the text out anew.
    pub fn format(self) {
        self.ask("editor-format", "");
    }

    fn ask(self, what: &str, detail: &str) {
        let editor = document()
            .get_element_by_id(&field_id(self.name))
            .and_then(|area| area.closest("json-editor").ok().flatten());
        let init = web_sys::CustomEventInit::new();
        init.set_detail(&detail.into());
        if let (Some(editor), Ok(event)) = (editor, web_sys::CustomEvent::new_with_event_init_dict(what, &init)) {
            let _ = editor.dispatch_event(&event);
        }
    }
}

/// The editor with its label above, and what is wrong and a hint below.
#[component]
pub fn JsonEditor(
    name: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    /// Of the textarea.
    #[prop(default = 14)]
    rows: u32,
    /// JSON Schema: what completes, and what is told of a field.
    #[prop(into)]
    schema: Signal<String>,
    /// JSON: a list of `{pointer, message, meant}`.
    #[prop(into)]
    problems: Signal<String>,
    /// JSON: `{tone, glyph, word}` by reference.
    #[prop(into)]
    marks: Signal<String>,
    /// JSON: `{typed, offers, isPending}`, what may follow the part of a reference that was last asked about.
    #[prop(into)]
    offers: Signal<String>,
    /// The cursor is in the field of this pointer.
    on_place: Callback<String>,
    /// This part of a reference is to be completed.
    on_complete: Callback<String>,
    /// The mark of this reference was pressed.
    on_explain: Callback<String>,
    /// Beside the label.
    #[prop(into)]
    tools: ViewFn,
    #[prop(into)] hint: ViewFn,
) -> impl IntoView {
    let link = FieldLink::new(name);
    Effect::new(|_| fetch_script());
    view! {
        <div class="field">
            <div class="flex flex-wrap items-end justify-between gap-2">
                <label class="label" for=field_id(name)>
                    {label}
                </label>
                <div class="flex flex-wrap gap-2">{tools.run()}</div>
            </div>
            <json-editor
                // The text as it was: what is typed, secrets perhaps, is not written into the page.
                text=value.get_untracked()
                schema=move || schema.get()
                problems=move || problems.get()
                marks=move || marks.get()
                offers=move || offers.get()
                on:editor-place=move |event: web_sys::CustomEvent| on_place.run(detail(&event))
                on:editor-complete=move |event: web_sys::CustomEvent| on_complete.run(detail(&event))
                on:editor-explain=move |event: web_sys::CustomEvent| on_explain.run(detail(&event))
            >
                <BareArea name value rows mono=true has_hint=true/>
            </json-editor>
            <FieldError name link/>
            <div class="hint" id=format!("{}-hint", field_id(name))>
                {hint.run()}
            </div>
        </div>
    }
    .into_any()
}

fn detail(event: &web_sys::CustomEvent) -> String {
    event.detail().as_string().unwrap_or_default()
}

/// Fetches the editor once. The page's policy lets scripts in that its own scripts ask for.
fn fetch_script() {
    let document = document();
    if document.query_selector(&format!("script[src='{SCRIPT}']")).ok().flatten().is_some() {
        return;
    }
    let Some(script) = document.create_element("script").ok() else { return };
    let _ = script.set_attribute("type", "module");
    let _ = script.set_attribute("src", SCRIPT);
    if let Some(head) = document.head() {
        let _ = head.append_child(script.unchecked_ref());
    }
}
