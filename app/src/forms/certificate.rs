//! Add Certificate, and editing one.

use crate::api;
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use crate::parts::time::ago_text;
use leptos::prelude::*;
use postern::certificate::CertificateForm;
use postern::control::CertificateView;
use postern::problem::FieldProblem;
use postern::provider::vault::FormSecret;
use postern::sensitive::{Masked, SecretField};
use postern::time::Millis;
use ui::{TextArea, TextInput};

#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    hosts: RwSignal<String>,
    certificate: RwSignal<String>,
    private_key: RwSignal<String>,
}

impl Fields {
    fn new(form: CertificateForm) -> Self {
        Self {
            name: RwSignal::new(form.name),
            hosts: RwSignal::new(form.hosts),
            certificate: RwSignal::new(form.certificate.0.clone()),
            private_key: RwSignal::new(form.private_key.0.clone()),
        }
    }

    fn form(self) -> CertificateForm {
        CertificateForm {
            name: self.name.get(),
            hosts: self.hosts.get(),
            certificate: FormSecret(self.certificate.get()),
            private_key: FormSecret(self.private_key.get()),
        }
    }

    fn typed(self) -> CertificateForm {
        untrack(|| self.form())
    }

    fn set(self, form: CertificateForm) {
        self.name.set(form.name);
        self.hosts.set(form.hosts);
        self.certificate.set(form.certificate.0.clone());
        self.private_key.set(form.private_key.0.clone());
    }
}

fn label(field: &str) -> String {
    match field {
        "name" => "Name",
        "hosts" => "Hosts",
        "certificate" => "Certificate",
        "private_key" => "Private Key",
        other => other,
    }
    .to_owned()
}

/// Adds a certificate, or edits `stored`.
#[component]
pub fn CertificateDialog(
    #[prop(optional_no_strip)] stored: Option<CertificateView>,
    now: Millis,
    on_done: Callback<CertificateView>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let editing = stored.is_some();
    let form = stored.as_ref().map_or_else(CertificateForm::default, |v| CertificateForm::of(&v.stored.object));
    let fields = Fields::new(form.clone());
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |view| view.stored.revision));
    let kept = stored.as_ref().map(|view| view.stored.object.fields().map(|(_, field)| set_at(field)));
    let [kept_certificate, kept_key] = kept.unwrap_or_default();
    let submission = Submission::of(move || check(&fields.typed(), [kept_certificate.is_some(), kept_key.is_some()]));
    let id = StoredValue::new(stored.as_ref().map(|view| view.stored.object.id.clone()));
    let send = move |revision: u64| {
        let (group, id, form) = (group.get_value(), id.get_value(), fields.typed());
        submission.send(
            async move {
                match id {
                    Some(id) => api::save_certificate(group, id, revision, form).await,
                    None => api::add_certificate(group, form).await,
                }
            },
            on_done,
        );
    };
    let reload = move |()| {
        leptos::task::spawn_local(async move {
            let Ok(page) = api::certificates(group.get_value()).await else { return };
            let found = page.data.into_iter().find(|view| Some(&view.stored.object.id) == id.get_value().as_ref());
            if let Some(view) = found {
                let form = CertificateForm::of(&view.stored.object);
                submission.take_over(revision, saved, view.stored.revision, form, |form| fields.set(form));
            }
        });
    };
    let title = stored.as_ref().map_or("Add Certificate".to_owned(), |v| format!("Edit {}", v.stored.object.name));
    let hint = move |kept: Option<Millis>, example: &'static str| match kept {
        Some(at) => format!("Set {}; leave empty to keep.", ago_text(now, at)).into_any(),
        None => view! {
            "PEM, or a reference such as "
            <span class="ref-text">{example}</span>
        }
        .into_any(),
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
            on_reload=Callback::new(reload)
            on_overwrite=Callback::new(send)
        >
            <TextInput name="name" label="Name" value=fields.name required=true placeholder="example"/>
            <TextInput
                name="hosts"
                label="Hosts"
                value=fields.hosts
                mono=true
                placeholder="example.com *.example.com"
                hint=|| "The hosts for which the gateway shows it to clients. Empty: none, it is shown only to the nodes of services that name it."
            />
            <TextArea
                name="certificate"
                label="Certificate"
                value=fields.certificate
                required=kept_certificate.is_none()
                mono=true
                placeholder="-----BEGIN CERTIFICATE-----"
                hint=move || hint(kept_certificate, "$secret://vault/my-vault/tls/example/certificate")
            />
            <TextArea
                name="private_key"
                label="Private Key"
                value=fields.private_key
                required=kept_key.is_none()
                mono=true
                placeholder="-----BEGIN PRIVATE KEY-----"
                hint=move || hint(kept_key, "$secret://vault/my-vault/tls/example/key")
            />
        </FormDialog>
    }
    .into_any()
}

/// When a stored text was set, which an empty field keeps.
fn set_at(field: &SecretField<Masked>) -> Option<Millis> {
    match field {
        SecretField::Literal(masked) => Some(masked.set_at),
        SecretField::Reference(_) => None,
    }
}

/// The domain's check, and that nothing is empty that has nothing to keep.
fn check(form: &CertificateForm, kept: [bool; 2]) -> Result<(), Vec<FieldProblem>> {
    // The id plays no part in the check; any will do.
    let Ok(id) = "new".parse() else { return Ok(()) };
    let mut problems = form.parse(id).err().unwrap_or_default();
    let fields = [("certificate", &form.certificate), ("private_key", &form.private_key)];
    for ((name, typed), kept) in fields.into_iter().zip(kept) {
        if typed.0.trim().is_empty() && !kept {
            problems.push(FieldProblem::new(name, "A text in PEM, or a reference, is needed here."));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}
