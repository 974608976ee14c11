//! Add Consumer, and editing one.

use crate::api;
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use leptos::prelude::*;
use postern::consumer::ConsumerForm;
use postern::control::ConsumerView;
use ui::{TextArea, TextInput};

#[derive(Clone, Copy)]
struct ConsumerFields {
    name: RwSignal<String>,
    description: RwSignal<String>,
    labels: RwSignal<String>,
}

impl ConsumerFields {
    fn new(form: ConsumerForm) -> Self {
        Self {
            name: RwSignal::new(form.name),
            description: RwSignal::new(form.description),
            labels: RwSignal::new(form.labels),
        }
    }

    fn form(self) -> ConsumerForm {
        ConsumerForm { name: self.name.get(), description: self.description.get(), labels: self.labels.get() }
    }

    fn typed(self) -> ConsumerForm {
        untrack(|| self.form())
    }

    fn set(self, form: ConsumerForm) {
        self.name.set(form.name);
        self.description.set(form.description);
        self.labels.set(form.labels);
    }
}

fn label(field: &str) -> String {
    match field {
        "name" => "Name",
        "description" => "Description",
        "labels" => "Labels",
        other => other,
    }
    .to_owned()
}

/// Adds a consumer, or edits `stored`.
#[component]
pub fn ConsumerDialog(
    #[prop(optional_no_strip)] stored: Option<ConsumerView>,
    on_done: Callback<ConsumerView>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let editing = stored.is_some();
    let draft = crate::forms::plain::take_draft("consumer");
    let form = stored.as_ref().map_or_else(|| draft.consumer(), |view| ConsumerForm::of(&view.stored.object));
    let fields = ConsumerFields::new(form.clone());
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |view| view.stored.revision));
    let submission = Submission::of(move || fields.typed().parse().map(drop));
    draft.show(submission);
    let send = move |revision: u64| {
        let (group, form) = (group.get_value(), fields.typed());
        submission.send(
            async move {
                if editing {
                    api::save_consumer(group, revision, form).await
                } else {
                    api::add_consumer(group, form).await
                }
            },
            on_done,
        );
    };
    let name = stored.as_ref().map(|view| view.stored.object.name.clone());
    let title = name.as_ref().map_or("Add Consumer".to_owned(), |name| format!("Edit {name}"));
    let reload = move |()| {
        let (group, name) = (group.get_value(), name.clone());
        leptos::task::spawn_local(async move {
            let Some(name) = name else { return };
            if let Ok(page) = api::consumer_page(group, name).await {
                let stored = page.data.consumer.stored;
                let form = ConsumerForm::of(&stored.object);
                submission.take_over(revision, saved, stored.revision, form, |form| fields.set(form));
            }
        });
    };
    view! {
        <FormDialog
            title
            verb=if editing { "Save" } else { "Add" }
            submission
            dirty=Signal::derive(move || fields.form() != saved.get())
            on_submit=Callback::new(move |()| send(revision.get_untracked()))
            on_close
            label
            plain_action=(!editing).then_some("/api/plain_add_consumer")
            on_reload=Callback::new(reload)
            on_overwrite=Callback::new(send)
        >
            <input type="hidden" name="group" value=group.get_value().to_string()/>
            <TextInput
                name="name"
                label="Name"
                value=fields.name
                required=!editing
                readonly=editing
                placeholder="Alice"
                hint=move || {
                    if editing {
                        "The name cannot be changed: it is sent upstream."
                    } else {
                        "Letters, digits, '_' and '-'. Alice and alice are two consumers."
                    }
                }
            />
            <TextInput name="description" label="Description" value=fields.description/>
            <TextArea
                name="labels"
                label="Labels"
                value=fields.labels
                mono=true
                placeholder="team=payments"
                hint=|| "One key=value a line. custom_id is sent upstream as X-Consumer-Custom-ID."
            />
        </FormDialog>
    }
    .into_any()
}
