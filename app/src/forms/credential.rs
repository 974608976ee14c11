//! Add a credential of any type, and editing one: the fields follow from the type.

use crate::api;
use crate::forms::secret_input::{SecretFields, SecretInput};
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use crate::parts::time::ago_text;
use leptos::prelude::*;
use postern::control::CredentialView;
use postern::credential::{ALGORITHM, CredentialForm, CredentialType, JwtAlgorithm};
use postern::name::ConsumerName;
use postern::problem::FieldProblem;
use postern::sensitive::SecretField;
use postern::time::Millis;
use ui::{Checkbox, Choice, Disclosure, Select, TextInput};

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
    algorithm: RwSignal<String>,
    secret: SecretFields,
    base64_secret: RwSignal<bool>,
    lifetime_grace_period: RwSignal<String>,
}

impl Fields {
    fn new(form: CredentialForm) -> Self {
        Self {
            kind: form.kind,
            name: RwSignal::new(form.name),
            identifier: RwSignal::new(form.identifier),
            algorithm: RwSignal::new(form.algorithm),
            secret: SecretFields::new(form.secret),
            base64_secret: RwSignal::new(form.base64_secret),
            lifetime_grace_period: RwSignal::new(form.lifetime_grace_period),
        }
    }

    fn form(self) -> CredentialForm {
        CredentialForm {
            kind: self.kind,
            name: self.name.get(),
            identifier: self.identifier.get(),
            algorithm: self.algorithm.get(),
            secret: self.secret.form(),
            base64_secret: self.base64_secret.get(),
            lifetime_grace_period: self.lifetime_grace_period.get(),
        }
    }

    fn typed(self) -> CredentialForm {
        untrack(|| self.form())
    }

    fn set(self, form: CredentialForm) {
        self.name.set(form.name);
        self.identifier.set(form.identifier);
        self.algorithm.set(form.algorithm);
        self.base64_secret.set(form.base64_secret);
        self.lifetime_grace_period.set(form.lifetime_grace_period);
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
        SecretField::Literal(masked) => {
            let hint = format!("Set {}; leave empty to keep.", ago_text(now, masked.set_at));
            Some((view.stored.object.kind.secret_field(), hint))
        }
        SecretField::Reference(_) => None,
    });
    let keeps = StoredValue::new(keeps);
    let kept = move |field| keeps.with_value(|keeps| keeps.as_ref().is_some_and(|(of, _)| *of == field));
    let submission = Submission::of(move || {
        let form = fields.typed();
        check(&form, &owner.get_value(), kept(form.secret_field()))
    });
    let is_jwt = kind == CredentialType::JwtAuth;
    let secret_field = Memo::new(move |_| {
        fields.algorithm.track();
        fields.typed().secret_field()
    });
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
            {is_jwt.then(|| view! { <Select name=ALGORITHM.name label=ALGORITHM.label value=fields.algorithm choices=algorithms() required=true/> })}
            {move || {
                let field = secret_field.get();
                // A stored secret is no public key, and the other way round.
                let stored = keeps.get_value().filter(|(of, _)| *of == field).map(|(_, hint)| hint);
                view! { <SecretInput fields=fields.secret field stored/> }
            }}
            {is_jwt.then(|| view! { <JwtDetails fields/> })}
        </FormDialog>
    }
    .into_any()
}

fn algorithms() -> Vec<Choice> {
    JwtAlgorithm::ALL.map(|algorithm| Choice::new(algorithm.as_str(), algorithm.as_str())).into()
}

/// What is seldom needed.
#[component]
fn JwtDetails(fields: Fields) -> impl IntoView {
    let is_shared = Memo::new(move |_| {
        fields.algorithm.with(|name| JwtAlgorithm::from_name(name).is_some_and(JwtAlgorithm::is_shared))
    });
    view! {
        <Disclosure label="Advanced">
            {move || {
                is_shared
                    .get()
                    .then(|| {
                        view! {
                            <Checkbox
                                name="base64_secret"
                                label="The secret is Base64 of the bytes to use".to_owned()
                                form_value="true".to_owned()
                                value=fields.base64_secret
                            />
                        }
                    })
            }}
            <TextInput
                name="lifetime_grace_period"
                label="Lifetime Grace Period (s)"
                value=fields.lifetime_grace_period
                hint=|| "By how many seconds the clocks of caller and gateway may differ, for exp and nbf."
            />
        </Disclosure>
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
