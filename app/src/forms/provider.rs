//! Add Secret Provider, and editing one.

use crate::api;
use crate::forms::provider_test::{ProviderTest, TestButton};
use crate::forms::vault::{VaultAdvanced, VaultFields, VaultInputs};
use crate::forms::vault_auth::StoredSecret;
use crate::forms::{FormDialog, Submission};
use crate::parts::diagnosis::TestPanel;
use crate::parts::group::group;
use leptos::prelude::*;
use postern::control::ProviderView;
use postern::provider::vault::AuthMethod;
use postern::provider::{Manager, ProviderForm, Settings};
use postern::time::Millis;
use ui::{Choice, Select, TextInput};

/// The dialog's fields as typed.
#[derive(Clone, Copy)]
pub struct ProviderFields {
    id: RwSignal<String>,
    manager: RwSignal<String>,
    vault: VaultFields,
    ttl_seconds: RwSignal<String>,
    max_stale_seconds: RwSignal<String>,
}

impl ProviderFields {
    pub fn new(form: ProviderForm) -> Self {
        Self {
            id: RwSignal::new(form.id),
            manager: RwSignal::new(form.manager),
            vault: VaultFields::new(form.vault),
            ttl_seconds: RwSignal::new(form.ttl_seconds),
            max_stale_seconds: RwSignal::new(form.max_stale_seconds),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> ProviderForm {
        ProviderForm {
            id: self.id.get(),
            manager: self.manager.get(),
            vault: self.vault.form(),
            ttl_seconds: self.ttl_seconds.get(),
            max_stale_seconds: self.max_stale_seconds.get(),
        }
    }

    /// The form as it is now; not tracked.
    pub fn typed(self) -> ProviderForm {
        untrack(|| self.form())
    }

    pub fn set(self, form: ProviderForm) {
        self.id.set(form.id);
        self.manager.set(form.manager);
        self.vault.set(form.vault);
        self.ttl_seconds.set(form.ttl_seconds);
        self.max_stale_seconds.set(form.max_stale_seconds);
    }
}

/// How the dialog names a field.
fn label(field: &str) -> String {
    match field {
        "id" => "Secret Provider ID",
        "manager" => "Secret Manager",
        "kv_version" => "KV Version",
        "url" => "Vault Server URL",
        "prefix" => "Secret Prefix",
        "auth_method" => "Authentication Method",
        "token" => "Token",
        "role_id" => "Role ID",
        "secret_id" => "Secret ID",
        "username" => "Username",
        "password" => "Password",
        "role" => "Role",
        "jwt" => "JWT",
        "certificate" => "Client Certificate",
        "private_key" => "Private Key",
        "mount" => "Mount Path",
        "namespace" => "Namespace",
        "ca_certificate" => "CA Certificate",
        "ttl_seconds" => "Refresh interval (seconds)",
        "max_stale_seconds" => "Use last good value for (seconds)",
        other => other,
    }
    .to_owned()
}

/// Adds a provider, or edits `stored`.
#[component]
pub fn ProviderDialog(
    #[prop(optional_no_strip)] stored: Option<ProviderView>,
    /// What time it is.
    now: Millis,
    on_done: Callback<ProviderView>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let editing = stored.is_some();
    let draft = crate::forms::plain::take_draft("provider");
    let form = stored.as_ref().map_or_else(|| draft.provider(), |view| ProviderForm::of(&view.stored.object));
    let fields = ProviderFields::new(form.clone());
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |view| view.stored.revision));
    let stored_secret = stored.as_ref().map(|view| {
        let Settings::Vault(vault) = &view.stored.object.settings;
        let set_at = vault.auth.secret().map(|(_, secret)| secret.set_at);
        StoredSecret { method: vault.auth.method(), set_at, now }
    });
    let stored_method = stored_secret.map(|stored| stored.method);
    let submission = Submission::of(move || check(&fields.typed(), stored_method));
    draft.show(submission);
    let test = ProviderTest::of(fields, submission);
    let send = move |revision: u64| {
        let (group, form) = (group.get_value(), fields.typed());
        submission.send(
            async move {
                if editing {
                    api::save_provider(group, revision, form).await
                } else {
                    api::add_provider(group, form).await
                }
            },
            on_done,
        );
    };
    let key = stored.as_ref().map(|view| view.stored.object.key());
    let reload = move |()| {
        let (group, key) = (group.get_value(), key.clone());
        leptos::task::spawn_local(async move {
            let Some(key) = key else { return };
            if let Ok(view) = api::provider(group, key).await {
                let form = ProviderForm::of(&view.stored.object);
                if revision.try_set(view.stored.revision).is_some() {
                    return; // the dialog was closed meanwhile
                }
                fields.set(form.clone());
                saved.set(form);
                submission.reset();
            }
        });
    };
    let title =
        stored.as_ref().map_or("Add Secret Provider".to_owned(), |view| format!("Edit {}", view.stored.object.id));
    let has_advanced = stored.as_ref().is_some_and(|view| {
        let Settings::Vault(vault) = &view.stored.object.settings;
        vault.namespace.is_some() || vault.ca_certificate.is_some()
    });
    let on_submit = Callback::new(move |()| send(revision.get_untracked()));
    let on_overwrite = Callback::new(send);
    let managers = Manager::ALL.map(|manager| Choice::new(manager.slug(), manager.label())).to_vec();
    view! {
        <FormDialog
            title
            verb=if editing { "Save" } else { "Add" }
            submission
            dirty=Signal::derive(move || fields.form() != saved.get())
            on_submit
            on_close
            label
            plain_action=(!editing).then_some("/api/plain_add_provider")
            on_reload=Callback::new(reload)
            on_overwrite
            aside=move || view! { <TestButton test/> }
        >
            <input type="hidden" name="group" value=group.get_value().to_string()/>
            <TextInput
                name="id"
                label="Secret Provider ID"
                value=fields.id
                required=!editing
                readonly=editing
                mono=true
                placeholder="my-vault"
                hint=move || view! { <ReferenceHint fields editing/> }
            />
            <Select name="manager" label="Secret Manager" value=fields.manager choices=managers fixed=editing/>
            <VaultInputs fields=fields.vault stored=stored_secret/>
            <VaultAdvanced
                fields=fields.vault
                ttl_seconds=fields.ttl_seconds
                max_stale_seconds=fields.max_stale_seconds
                open=has_advanced
            />
            <TestPanel test=test.state mend=test.mend/>
        </FormDialog>
    }
    .into_any()
}

/// The domain's check, and that there is a secret to prove oneself with: typed, or stored for this method.
fn check(form: &ProviderForm, stored: Option<AuthMethod>) -> Result<(), Vec<postern::problem::FieldProblem>> {
    let mut problems = form.parse().err().unwrap_or_default();
    problems.extend(form.vault.auth.missing_secret(stored));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The reference that the provider makes possible.
#[component]
fn ReferenceHint(fields: ProviderFields, editing: bool) -> impl IntoView {
    let id = move || match fields.id.get().trim() {
        "" => "my-vault".to_owned(),
        id => id.to_owned(),
    };
    view! {
        "References begin with "
        <span class="ref-text">{move || format!("$secret://{}/{}/", fields.manager.get(), id())}</span>
        {editing.then_some(" The ID cannot be changed: references name it.")}
    }
    .into_any()
}
