//! Reference from Secret Provider: the reference field of the credential dialogs, for a field of the editor's text.

use crate::forms::completion::{Completion, Hint};
use crate::forms::secret_input::ReferenceHelp;
use leptos::prelude::*;
use postern::secret_ref::{self, Reading};
use serde_json::Value;
use ui::{BareInput, Button, Choice, Dialog, DialogBody, DialogFoot, Look, Select};

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub pointer: String,
    pub reference: String,
}

/// Which field gets the reference, and which reference.
#[component]
pub fn InsertDialog(
    /// The fields that take one, as JSON pointers; not empty.
    fields: Vec<String>,
    /// Where it goes if nothing else is chosen, and what stands there.
    first: Chosen,
    on_insert: Callback<Chosen>,
    on_close: Callback<()>,
) -> impl IntoView {
    let field = RwSignal::new(first.pointer);
    let text = RwSignal::new(first.reference);
    let completion = Completion::following(text.into());
    let choices = fields.into_iter().map(|pointer| {
        let label = pointer.trim_start_matches('/').to_owned();
        Choice::new(pointer, label)
    });
    let is_reference = Memo::new(move |_| {
        text.with(|text| matches!(secret_ref::read(text.trim()), Reading::Reference(_) | Reading::Env(_)))
    });
    let insert = move |()| {
        if is_reference.get_untracked() {
            let reference = text.with_untracked(|text| text.trim().to_owned());
            on_insert.run(Chosen { pointer: field.get_untracked(), reference });
        }
    };
    view! {
        <Dialog title="Reference from Secret Provider" on_close wide=true title_id="insert-title">
            <form
                novalidate=true
                class="dialog-content"
                on:submit=move |event| {
                    event.prevent_default();
                    insert(());
                }
            >
                <DialogBody>
                    <Select name="insert_field" label="Field" value=field choices=choices.collect()/>
                    <div class="field">
                        <label class="label" for="field-insert_reference">
                            "Reference"
                        </label>
                        <BareInput
                            name="insert_reference"
                            value=text
                            mono=true
                            placeholder="$secret://vault/my-vault/redis/password"
                            has_hint=true
                            offers=completion.choices()
                            on_focus=completion.begin(text)
                        />
                        <div id="field-insert_reference-hint" class="hint grid grid-cols-[minmax(0,1fr)] gap-2">
                            <Hint completion/>
                            <ReferenceHelp text/>
                        </div>
                    </div>
                </DialogBody>
                <DialogFoot>
                    <Button
                        label="Insert"
                        look=Look::Primary
                        submit=true
                        disabled=Signal::derive(move || !is_reference.get())
                    />
                </DialogFoot>
            </form>
        </Dialog>
    }
    .into_any()
}

/// The field that a reference goes into: the one that the cursor is in, else the first that is empty, else the
/// first. With what stands there, if that is a reference.
pub fn first(fields: &[String], cursor: &str, text: &str) -> Option<Chosen> {
    let config: Value = serde_json::from_str(text).unwrap_or_default();
    let at = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let here = fields.iter().find(|field| *field == cursor);
    let pointer = here.or_else(|| fields.iter().find(|field| at(field).is_empty())).or(fields.first())?;
    let reference = Some(at(pointer)).filter(|text| secret_ref::read(text) != Reading::Literal);
    Some(Chosen { pointer: pointer.clone(), reference: reference.unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_goes_where_the_cursor_is_or_where_nothing_is() {
        let fields = ["/username", "/password"].map(str::to_owned);
        let reference = "$secret://vault/v/a/k";
        let filled = format!(r#"{{"username": "{reference}", "password": "plain"}}"#);
        for (cursor, text, pointer, expected) in [
            ("/password", "{}", "/password", ""),
            ("/count", "{}", "/username", ""),
            ("/count", r#"{"username": "api7"}"#, "/password", ""),
            ("/count", "no JSON", "/username", ""),
            ("/count", &filled, "/username", reference),
            ("/password", &filled, "/password", ""),
        ] {
            let chosen = first(&fields, cursor, text).unwrap();
            assert_eq!((chosen.pointer.as_str(), chosen.reference.as_str()), (pointer, expected), "{cursor} {text}");
        }
        assert_eq!(first(&[], "", "{}"), None);
    }
}
