//! The configuration of a plugin: the JSON editor, what is told beside it, and the dialogs over it.

pub mod catalogue;
pub mod guide;
pub mod insert;
pub mod references;
pub mod schema;

pub use catalogue::{CatalogueDialog, enabling};

use crate::api;
use crate::forms::completion::{Completion, Hint as ListingHint};
use crate::forms::explain::ExplainDialog;
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use guide::FieldGuide;
use insert::{Chosen, InsertDialog};
use leptos::prelude::*;
use postern::control::PluginOwner;
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins};
use postern::problem::FieldProblem;
use postern::reference::Reference;
use references::{ReferenceList, States, Written};
use serde_json::{Value, json};
use ui::{Button, EditorHandle, Glyph, JsonEditor, Look};

/// The name of the one field of the form.
const FIELD: &str = "json";

/// A problem's field is a place in the JSON, or the JSON as a whole.
fn label(field: &str) -> String {
    if field == FIELD { "JSON Editor".to_owned() } else { field.trim_start_matches('/').to_owned() }
}

/// What is edited: a plugin, on such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edited {
    plugin: PluginName,
    placement: Placement,
}

impl Edited {
    fn title(self) -> String {
        match self.placement {
            Placement::Route | Placement::Consumer => self.plugin.label().to_owned(),
            Placement::Metadata => format!("Metadata of {}", self.plugin.label()),
        }
    }

    fn schema(self) -> Value {
        self.plugin.json_schema(self.placement)
    }

    /// The domain's check: the same that the server does.
    fn check(self, json: &str) -> Result<(), Vec<FieldProblem>> {
        PluginConfig::parse_for(self.placement, self.plugin, json).map(drop)
    }

    /// What is wrong with the text, and what the server refused besides.
    fn problems(self, json: &str, refused: Vec<FieldProblem>) -> Vec<FieldProblem> {
        let mut problems = self.check(json).err().unwrap_or_default();
        let is_news = |p: &FieldProblem| problems.iter().all(|known| known.field != p.field);
        let others: Vec<_> = refused.into_iter().filter(is_news).collect();
        problems.extend(others);
        problems
    }

    /// The fields that take a reference and stand at one place.
    fn secret_pointers(self) -> Vec<String> {
        let fields = self.plugin.secret_fields(self.placement).into_iter();
        fields.filter(|path| !path.contains('*')).map(|path| format!("/{path}")).collect()
    }
}

/// What is open over the editor.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Over {
    /// Of the reference in these fields.
    Explain(Reference, Vec<String>),
    Insert(Chosen),
}

/// The JSON editor of one plugin.
#[component]
pub fn PluginDialog(
    plugin: PluginName,
    owner: PluginOwner,
    /// The owner's revision.
    revision: u64,
    plugins: Plugins,
    /// The owner's revision and plugins, as stored now.
    reload: Callback<()>,
    on_done: Callback<()>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let edited = Edited { plugin, placement: owner.placement() };
    let owner = StoredValue::new(owner);
    let stored = plugins.get(&plugin).map(PluginConfig::to_json);
    let editing = stored.is_some();
    let first = stored.unwrap_or_else(|| plugin.example(edited.placement).to_owned());
    let json = RwSignal::new(first.clone());
    let first = StoredValue::new(first);
    let over = RwSignal::new(None::<Over>);
    let submission = Submission::of(move || edited.check(&json.get_untracked()));
    let send = move |revision: u64| {
        let (group, owner, json) = (group.get_value(), owner.get_value(), json.get_untracked());
        submission.send(async move { api::set_plugin(group, owner, revision, plugin, json).await }, on_done);
    };
    let (what, verb) = (edited.title(), enabling(edited.placement).1);
    let (title, verb) = if editing { (format!("Edit {what}"), "Save") } else { (format!("{verb} {what}"), verb) };
    let editor = EditorHandle::of(FIELD);
    view! {
        <FormDialog
            title
            verb
            submission
            dirty=Signal::derive(move || first.with_value(|first| *first != json.get()))
            on_submit=Callback::new(move |()| send(revision))
            on_close
            label
            seek=Callback::new(move |field: String| editor.seek(pointer_of(&field)))
            on_reload=reload
            on_overwrite=Callback::new(send)
            wide=true
        >
            <p class="text-muted">
                <code>{plugin.slug()}</code>
                ": "
                {plugin.summary()}
            </p>
            <Editor edited json submission over/>
        </FormDialog>
        <OverEditor fields=edited.secret_pointers() over/>
    }
    .into_any()
}

/// The editor and what is told beside it.
#[component]
fn Editor(
    edited: Edited,
    json: RwSignal<String>,
    submission: Submission,
    over: RwSignal<Option<Over>>,
) -> impl IntoView {
    let schema = StoredValue::new(edited.schema());
    let pointer = RwSignal::new(String::new());
    let editor = EditorHandle::of(FIELD);
    let written = Memo::new(move |before: Option<&Vec<Written>>| {
        let found = schema.with_value(|schema| json.with(|text| references::written(schema, text)));
        // Text that is half typed has the references that it had.
        found.or_else(|| before.cloned()).unwrap_or_default()
    });
    let states = States::of(edited, written);
    let completion = Completion::here();
    let problems = Memo::new(move |_| edited.problems(&json.get(), submission.told()));
    Effect::new(move |before: Option<()>| {
        json.track();
        if before.is_some() {
            submission.recheck();
        }
    });
    let explain = Callback::new(move |reference: Reference| {
        let fields = written.with_untracked(|written| {
            let of_it = written.iter().filter(|written| written.reference == reference);
            of_it.map(|written| written.pointer.clone()).collect()
        });
        over.set(Some(Over::Explain(reference, fields)));
    });
    let explain_text = Callback::new(move |text: String| {
        if let Ok(reference) = text.parse() {
            explain.run(reference);
        }
    });
    let pick = Callback::new(move |pointer: String| editor.put(&json!({"pointer": pointer}).to_string()));
    Effect::new(move |before: Option<bool>| {
        let is_open = over.with(Option::is_some);
        if before == Some(true) && !is_open {
            states.afresh();
        }
        is_open
    });
    view! {
        <div class="editor-grid">
            <JsonEditor
                name=FIELD
                label="JSON Editor"
                value=json
                schema=Signal::derive(move || schema.with_value(Value::to_string))
                problems=Signal::derive(move || schema.with_value(|schema| told(schema, &problems.get())))
                marks=Signal::derive(move || written.with(|written| states.marks(written)))
                offers=Signal::derive(move || completion.answer())
                on_complete=Callback::new(move |typed: String| completion.ask(&typed))
                on_place=Callback::new(move |place| pointer.set(place))
                on_explain=explain_text
                tools=move || view! { <Tools edited json pointer over/> }
                hint=move || view! { <Hint/> <ListingHint completion/> }
            />
            <div class="editor-aside">
                <ReferenceList written states on_explain=explain/>
                <FieldGuide schema pointer=pointer.into() on_pick=pick/>
            </div>
        </div>
    }
    .into_any()
}

/// What the editor does at the press of a button.
#[component]
fn Tools(
    edited: Edited,
    json: RwSignal<String>,
    pointer: RwSignal<String>,
    over: RwSignal<Option<Over>>,
) -> impl IntoView {
    let editor = EditorHandle::of(FIELD);
    let lacks_braces = Memo::new(move |_| json.with(|text| text.trim_start().starts_with('"')));
    let secrets = StoredValue::new(edited.secret_pointers());
    let insert = move |()| {
        let first = secrets
            .with_value(|fields| json.with_untracked(|text| insert::first(fields, &pointer.get_untracked(), text)));
        over.set(first.map(Over::Insert));
    };
    view! {
        {move || {
            lacks_braces
                .get()
                .then(|| {
                    view! {
                        <Button
                            label="Wrap in { }"
                            look=Look::Primary
                            small=true
                            on_press=Callback::new(move |()| editor.wrap())
                        />
                    }
                })
        }}
        {secrets
            .with_value(|fields| !fields.is_empty())
            .then(|| {
                view! {
                    <Button
                        label="Reference from Secret Provider"
                        glyph=Glyph::Reference
                        small=true
                        on_press=Callback::new(insert)
                    />
                }
            })}
        <Button label="Format" glyph=Glyph::Generate small=true on_press=Callback::new(move |()| editor.format())/>
    }
    .into_any()
}

/// The dialogs over the editor. They stand beside its form, not in it: Enter in one must not send the other.
#[component]
fn OverEditor(fields: Vec<String>, over: RwSignal<Option<Over>>) -> impl IntoView {
    let close = Callback::new(move |()| over.set(None));
    let put = |pointer: &str, reference: &str| {
        EditorHandle::of(FIELD).put(&json!({"pointer": pointer, "value": reference}).to_string());
    };
    let insert = Callback::new(move |Chosen { pointer, reference }: Chosen| {
        over.set(None);
        // The dialog gives the focus back when it is gone; then the editor takes it.
        request_animation_frame(move || put(&pointer, &reference));
    });
    move || match over.get() {
        None => ().into_any(),
        Some(Over::Explain(reference, fields)) => {
            let respell = Callback::new(move |better: String| fields.iter().for_each(|pointer| put(pointer, &better)));
            view! { <ExplainDialog reference on_change=Callback::new(|()| {}) respell on_close=close/> }.into_any()
        }
        Some(Over::Insert(first)) => {
            view! { <InsertDialog fields=fields.clone() first on_insert=insert on_close=close/> }.into_any()
        }
    }
}

/// How the editor is used without a mouse.
#[component]
fn Hint() -> impl IntoView {
    let key = |keys: &'static str, does: &'static str| {
        view! {
            <span class="whitespace-nowrap">
                <kbd>{keys}</kbd>
                " "
                {does}
            </span>
        }
    };
    view! {
        <span class="flex flex-wrap gap-x-4 gap-y-1">
            {key("Ctrl+Space", "completes")} {key("F8", "next problem")} {key("Ctrl+S", "saves")}
            {key("Tab", "leaves the editor")}
        </span>
    }
    .into_any()
}

/// Problems as the editor takes them.
fn told(schema: &Value, problems: &[FieldProblem]) -> String {
    let told = problems.iter().map(|p| {
        let pointer = pointer_of(&p.field);
        json!({"pointer": pointer, "message": p.problem, "meant": schema::meant(schema, pointer)})
    });
    Value::Array(told.collect()).to_string()
}

/// Where the problem of a field stands in the JSON; the whole of it for any other.
fn pointer_of(field: &str) -> &str {
    if field.starts_with('/') { field } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY_AUTH: Edited = Edited { plugin: PluginName::KeyAuth, placement: Placement::Route };

    #[test]
    fn problems_are_told_with_their_place_in_the_json() {
        let found = KEY_AUTH.problems(r#"{"header": 1, "nonsense": true}"#, Vec::new());
        let places: Vec<&str> = found.iter().map(|p| p.field.as_str()).collect();
        assert_eq!(places, ["/header", "/nonsense"]);
        assert!(KEY_AUTH.problems("{}", Vec::new()).is_empty());
    }

    #[test]
    fn what_the_server_refused_is_told_beside_what_the_check_finds() {
        let refused = vec![FieldProblem::new("/header", "by the server"), FieldProblem::new("/realm", "by the server")];
        let found = KEY_AUTH.problems(r#"{"header": 1}"#, refused);
        assert_eq!(found.len(), 2);
        assert_ne!(found[0].problem, "by the server");
        assert_eq!(found[1], FieldProblem::new("/realm", "by the server"));
    }

    #[test]
    fn what_concerns_the_whole_text_has_no_place_in_it() {
        for (field, pointer) in [("json", ""), ("/redis_host", "/redis_host"), ("anonymous_consumer", "")] {
            assert_eq!(pointer_of(field), pointer);
        }
    }
}
