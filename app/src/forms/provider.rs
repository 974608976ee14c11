//! Add Secret Provider, and editing one.

use crate::api;
use crate::forms::aws::{self, AwsAdvanced, AwsFields, AwsInputs};
use crate::forms::freshness::{self, FreshnessFields};
use crate::forms::kubernetes::{self, KubernetesAdvanced, KubernetesFields, KubernetesInputs};
use crate::forms::provider_test::{ProviderTest, TestButton};
use crate::forms::vault::{VaultAdvanced, VaultFields, VaultInputs};
use crate::forms::vault_auth::StoredSecret;
use crate::forms::{FormDialog, Submission};
use crate::parts::diagnosis::TestPanel;
use crate::parts::group::group;
use leptos::prelude::*;
use postern::control::ProviderView;
use postern::problem::FieldProblem;
use postern::provider::aws::AwsSettings;
use postern::provider::timeout::Timeout;
use postern::provider::{Manager, ProviderForm, Settings};
use postern::sensitive::Masked;
use postern::time::Millis;
use ui::{Choice, Select, TextInput};

/// The dialog's fields as typed.
#[derive(Clone, Copy)]
pub struct ProviderFields {
    id: RwSignal<String>,
    manager: RwSignal<String>,
    vault: VaultFields,
    aws: AwsFields,
    kubernetes: KubernetesFields,
    freshness: FreshnessFields,
}

impl ProviderFields {
    pub fn new(form: ProviderForm) -> Self {
        Self {
            id: RwSignal::new(form.id),
            manager: RwSignal::new(form.manager),
            vault: VaultFields::new(form.vault),
            aws: AwsFields::new(form.aws),
            kubernetes: KubernetesFields::new(form.kubernetes),
            freshness: FreshnessFields::new(form.freshness),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> ProviderForm {
        ProviderForm {
            id: self.id.get(),
            manager: self.manager.get(),
            vault: self.vault.form(),
            aws: self.aws.form(),
            kubernetes: self.kubernetes.form(),
            freshness: self.freshness.form(),
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
        self.aws.set(form.aws);
        self.kubernetes.set(form.kubernetes);
        self.freshness.set(form.freshness);
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
        "token_file" => "Token File",
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
        "server_name" => "TLS Server Name",
        "tls_certificate" => "TLS Client Certificate",
        "tls_private_key" => "TLS Client Key",
        "timeout_seconds" => "Timeout (seconds)",
        other => {
            aws::label(other).or_else(|| kubernetes::label(other)).or_else(|| freshness::label(other)).unwrap_or(other)
        }
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
    let kept = stored.as_ref().map(|view| Kept::of(&view.stored.object.settings, now)).unwrap_or_default();
    let submission = Submission::of(move || check(&fields.typed(), kept));
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
                submission.take_over(revision, saved, view.stored.revision, form, |form| fields.set(form));
            }
        });
    };
    let title =
        stored.as_ref().map_or("Add Secret Provider".to_owned(), |view| format!("Edit {}", view.stored.object.id));
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
                hint=move || view! { <ReferenceHint fields editing/> }
            />
            <Select name="manager" label="Secret Manager" value=fields.manager choices=managers fixed=editing/>
            <ManagerInputs fields kept/>
            <TestPanel test=test.state mend=test.mend/>
        </FormDialog>
    }
    .into_any()
}

/// What is stored of the provider that is edited.
#[derive(Clone, Copy, Default)]
struct Kept {
    /// Of a Vault: the method, and when its secret was set.
    vault: Option<StoredSecret>,
    /// Of a Vault: when the key of its TLS Client Certificate was set, and what time it is.
    tls_key: Option<(Millis, Millis)>,
    /// Of AWS: when the Secret Access Key was set, and what time it is.
    aws: Option<(Millis, Millis)>,
    session_token: bool,
    /// Of Kubernetes: when the token was set, and what time it is.
    kubernetes: Option<(Millis, Millis)>,
    /// A field that few need is set.
    advanced: bool,
}

impl Kept {
    fn of(settings: &Settings<Masked>, now: Millis) -> Self {
        match settings {
            Settings::Vault(vault) => Self {
                vault: Some(StoredSecret {
                    method: vault.auth.method(),
                    set_at: vault.auth.secret().map(|(_, secret)| secret.set_at),
                    now,
                }),
                tls_key: vault.client_certificate.as_ref().map(|client| (client.private_key.set_at, now)),
                advanced: vault.namespace.is_some()
                    || vault.ca_certificate.is_some()
                    || vault.server_name.is_some()
                    || vault.client_certificate.is_some()
                    || vault.timeout != Timeout::default(),
                ..Self::default()
            },
            Settings::Aws(aws) => Self::of_aws(aws, now),
            Settings::Kubernetes(kubernetes) => Self {
                kubernetes: kubernetes.token().map(|token| (token.set_at, now)),
                advanced: kubernetes.timeout != Timeout::default(),
                ..Self::default()
            },
        }
    }

    fn of_aws(aws: &AwsSettings<Masked>, now: Millis) -> Self {
        let has_token = aws.credentials.access_key().is_some_and(|key| key.session_token.is_some());
        Self {
            aws: aws.credentials.access_key().map(|key| (key.secret_access_key.set_at, now)),
            session_token: has_token,
            advanced: has_token || aws.endpoint_url.is_some() || aws.assume_role.is_some(),
            ..Self::default()
        }
    }
}

/// The fields of the chosen manager. What was typed for the other is kept until the dialog closes.
#[component]
fn ManagerInputs(fields: ProviderFields, kept: Kept) -> impl IntoView {
    let ProviderFields { manager, freshness, .. } = fields;
    let chosen = Memo::new(move |_| Manager::from_slug(&manager.get()).unwrap_or(Manager::Vault));
    move || match chosen.get() {
        Manager::Vault => view! {
            <VaultInputs fields=fields.vault stored=kept.vault/>
            <VaultAdvanced fields=fields.vault stored_key=kept.tls_key freshness open=kept.advanced/>
        }
        .into_any(),
        Manager::Aws => view! {
            <AwsInputs fields=fields.aws stored_secret=kept.aws/>
            <AwsAdvanced
                fields=fields.aws
                has_token=kept.session_token
                freshness
                open=kept.advanced
            />
        }
        .into_any(),
        Manager::Kubernetes => view! {
            <KubernetesInputs fields=fields.kubernetes stored_token=kept.kubernetes/>
            <KubernetesAdvanced fields=fields.kubernetes freshness open=kept.advanced/>
        }
        .into_any(),
    }
}

/// The domain's check, and that there is a secret to prove oneself with: typed, or stored for this method.
fn check(form: &ProviderForm, kept: Kept) -> Result<(), Vec<FieldProblem>> {
    let mut problems = form.parse().err().unwrap_or_default();
    let missing = match Manager::from_slug(&form.manager) {
        Some(Manager::Vault) => {
            form.vault.missing_secrets(kept.vault.map(|stored| stored.method), kept.tls_key.is_some())
        }
        Some(Manager::Aws) if kept.aws.is_none() && form.aws.lacks_secret() => {
            vec![FieldProblem::new("secret_access_key", "The Secret Access Key is needed here.")]
        }
        Some(Manager::Kubernetes) if kept.kubernetes.is_none() && form.kubernetes.lacks_secret() => {
            vec![FieldProblem::new("service_account_token", "The token is needed here.")]
        }
        Some(Manager::Aws | Manager::Kubernetes) | None => vec![],
    };
    let said: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
    problems.extend(missing.into_iter().filter(|missing| !said.contains(&missing.field)));
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The reference that the provider makes possible.
#[component]
fn ReferenceHint(fields: ProviderFields, editing: bool) -> impl IntoView {
    let manager = move || Manager::from_slug(&fields.manager.get()).unwrap_or(Manager::Vault);
    let id = move || match fields.id.get().trim() {
        "" => manager().example_id().to_owned(),
        id => id.to_owned(),
    };
    view! {
        "References begin with "
        <span class="ref-text">{move || format!("$secret://{}/{}/", manager().slug(), id())}</span>
        {editing.then_some(" The ID cannot be changed: references name it.")}
    }
    .into_any()
}
