//! Add a credential of any type, and editing one: the fields follow from the type.

use crate::api;
use crate::forms::secret_input::{SecretFields, SecretInput};
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use crate::parts::time::ago_text;
use leptos::prelude::*;
use postern::control::CredentialView;
use postern::credential::{CredentialForm, CredentialType};
use postern::name::ConsumerName;
use postern::problem::FieldProblem;
use postern::sensitive::SecretField;
use postern::time::Millis;
use ui::TextInput;

fn label(field: &str) -> String {
    match field {
        "name" => "Name",
        other => CredentialForm::label_of(other).unwrap_or(other),
    }
    .to_owned()
}

#[derive(Clone, Copy)]
struct Fields {
    kind: CredentialType,
    name: RwSignal<String>,
    identifier: RwSignal<String>,
    secret: SecretFields,
}

impl Fields {
    fn new(form: CredentialForm) -> Self {
        Self {
            kind: form.kind,
            name: RwSignal::new(form.name),
            identifier: RwSignal::new(form.identifier),
            secret: SecretFields::new(form.secret),
        }
    }

    fn form(self) -> CredentialForm {
        CredentialForm {
            kind: self.kind,
            name: self.name.get(),
            identifier: self.identifier.get(),
            secret: self.secret.form(),
        }
    }

    fn typed(self) -> CredentialForm {
        untrack(|| self.form())
    }

    fn set(self, form: CredentialForm) {
        self.name.set(form.name);
        self.identifier.set(form.identifier);
        self.secret.set(form.secret);
    }
}

/// Adds a credential to `consumer`, or edits `stored`.
#[component]
pub fn CredentialDialog(
    consumer: ConsumerName,
    kind: CredentialType,
    #[prop(optional_no_strip)] stored: Option<CredentialView>,
    now: Millis,
    on_done: Callback<CredentialView>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let owner = StoredValue::new(consumer);
    let editing = stored.is_some();
    let draft = crate::forms::plain::take_draft(kind.slug());
    let form = stored.as_ref().map_or_else(|| draft.credential(kind), |view| CredentialForm::of(&view.stored.object));
    let fields = Fields::new(form.clone());
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |view| view.stored.revision));
    let keeps = stored.as_ref().and_then(|view| match view.stored.object.kind.secret() {
        SecretField::Literal(masked) => Some(format!("Set {}; leave empty to keep.", ago_text(now, masked.set_at))),
        SecretField::Reference(_) => None,
    });
    let may_be_empty = keeps.is_some();
    let submission = Submission::of(move || check(&fields.typed(), &owner.get_value(), may_be_empty));
    draft.show(submission);
    let id = stored.as_ref().map(|view| view.stored.object.id.clone());
    let edited = id.clone();
    let send = move |revision: u64| {
        let (group, consumer, id, form) = (group.get_value(), owner.get_value(), edited.clone(), fields.typed());
        submission.send(
            async move {
                match id {
                    Some(id) => api::save_credential(group, consumer, id, revision, form).await,
                    None => api::add_credential(group, consumer, form).await,
                }
            },
            on_done,
        );
    };
    let reload = move |()| {
        let (group, consumer, id) = (group.get_value(), owner.get_value(), id.clone());
        leptos::task::spawn_local(async move {
            let Ok(page) = api::consumer_page(group, consumer).await else { return };
            let found = page.data.credentials.into_iter().find(|view| Some(&view.stored.object.id) == id.as_ref());
            if let Some(view) = found {
                let form = CredentialForm::of(&view.stored.object);
                submission.take_over(revision, saved, view.stored.revision, form, |form| fields.set(form));
            }
        });
    };
    let title =
        stored.as_ref().map_or_else(|| kind.add_label().to_owned(), |view| format!("Edit {}", view.stored.object.name));
    let overwrite = send.clone();
    view! {
        <FormDialog
            title
            verb=if editing { "Save" } else { "Add" }
            submission
            dirty=Signal::derive(move || fields.form() != saved.get())
            on_submit=Callback::new(move |()| send(revision.get_untracked()))
            on_close
            label
            plain_action=(!editing).then_some("/api/plain_add_credential")
            on_reload=Callback::new(reload)
            on_overwrite=Callback::new(overwrite)
        >
            <input type="hidden" name="group" value=group.get_value().to_string()/>
            <input type="hidden" name="consumer" value=owner.get_value().to_string()/>
            <input type="hidden" name="kind" value=kind.slug()/>
            <TextInput name="name" label="Name" value=fields.name required=true placeholder=kind.example_name()/>
            {CredentialForm::identifier_field(kind)
                .map(|field| {
                    view! {
                        <TextInput
                            name=field.name
                            label=field.label
                            value=fields.identifier
                            required=true
                            placeholder=field.example
                        />
                    }
                })}
            <SecretInput fields=fields.secret field=fields.typed().secret_field() stored=keeps/>
        </FormDialog>
    }
    .into_any()
}

/// The domain's check, and that a new secret is not empty.
fn check(form: &CredentialForm, consumer: &ConsumerName, may_be_empty: bool) -> Result<(), Vec<FieldProblem>> {
    // The id plays no part in the check; any will do.
    let Ok(id) = "new".parse() else { return Ok(()) };
    let mut problems = form.parse(id, consumer.clone()).err().unwrap_or_default();
    let field = form.secret_field();
    if form.secret.text.0.is_empty() && !may_be_empty && !problems.iter().any(|p| p.field == field.name) {
        problems.push(FieldProblem::new(field.name, format!("The {} is needed here.", field.label)));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
