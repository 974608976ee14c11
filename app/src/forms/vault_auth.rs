//! How Postern proves itself to Vault: the method, and the fields of each.
//!
//! All fields are always in the page, and the style sheet shows those of the chosen method: so the form
//! works before hydration too.

use leptos::prelude::*;
use postern::provider::vault::{AuthForm, AuthMethod, FormSecret};
use postern::time::{Millis, duration_text};
use ui::{Choice, Select, TextArea, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct AuthFields {
    method: RwSignal<String>,
    token: RwSignal<String>,
    token_file: RwSignal<String>,
    role_id: RwSignal<String>,
    secret_id: RwSignal<String>,
    username: RwSignal<String>,
    password: RwSignal<String>,
    role: RwSignal<String>,
    jwt: RwSignal<String>,
    certificate: RwSignal<String>,
    private_key: RwSignal<String>,
    mount: RwSignal<String>,
}

impl AuthFields {
    pub fn new(form: AuthForm) -> Self {
        Self {
            method: RwSignal::new(form.method),
            token: RwSignal::new(form.token.0),
            token_file: RwSignal::new(form.token_file),
            role_id: RwSignal::new(form.role_id),
            secret_id: RwSignal::new(form.secret_id.0),
            username: RwSignal::new(form.username),
            password: RwSignal::new(form.password.0),
            role: RwSignal::new(form.role),
            jwt: RwSignal::new(form.jwt.0),
            certificate: RwSignal::new(form.certificate),
            private_key: RwSignal::new(form.private_key.0),
            mount: RwSignal::new(form.mount),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> AuthForm {
        AuthForm {
            method: self.method.get(),
            token: FormSecret(self.token.get()),
            token_file: self.token_file.get(),
            role_id: self.role_id.get(),
            secret_id: FormSecret(self.secret_id.get()),
            username: self.username.get(),
            password: FormSecret(self.password.get()),
            role: self.role.get(),
            jwt: FormSecret(self.jwt.get()),
            certificate: self.certificate.get(),
            private_key: FormSecret(self.private_key.get()),
            mount: self.mount.get(),
        }
    }

    pub fn set(self, form: AuthForm) {
        self.method.set(form.method);
        self.token.set(form.token.0);
        self.token_file.set(form.token_file);
        self.role_id.set(form.role_id);
        self.secret_id.set(form.secret_id.0);
        self.username.set(form.username);
        self.password.set(form.password.0);
        self.role.set(form.role);
        self.jwt.set(form.jwt.0);
        self.certificate.set(form.certificate);
        self.private_key.set(form.private_key.0);
        self.mount.set(form.mount);
    }
}

/// The secret that is stored already.
#[derive(Clone, Copy)]
pub struct StoredSecret {
    pub method: AuthMethod,
    /// Nothing for a method without a secret.
    pub set_at: Option<Millis>,
    /// What time it is.
    pub now: Millis,
}

/// The method and its fields.
#[component]
pub fn AuthInputs(fields: AuthFields, stored: Option<StoredSecret>) -> impl IntoView {
    let methods = AuthMethod::ALL.map(|method| Choice::new(method.slug(), method.label())).to_vec();
    let is_stored = move |method| stored.is_some_and(|stored| stored.method == method);
    let secret_hint = move |method| match stored.filter(|stored| stored.method == method) {
        Some(StoredSecret { set_at: Some(set_at), now, .. }) => {
            format!("Set {} ago; leave empty to keep.", duration_text(now.since(set_at) / 1000))
        }
        _ => "Stored encrypted; it is never shown again. Or $env://<NAME>, to read it from the environment.".to_owned(),
    };
    let role_hint = move || match AuthMethod::from_slug(&fields.method.get()) {
        Some(AuthMethod::Cert) => "May stay empty: Vault then tries every role.",
        Some(AuthMethod::Kubernetes) => "The role in Vault. Postern logs in with its pod's service account.",
        _ => "The role in Vault.",
    };
    let mount_hint = move || {
        let usual = AuthMethod::from_slug(&fields.method.get()).map_or("", AuthMethod::slug);
        format!("Where the method is mounted, below auth/. Empty for {usual}.")
    };
    view! {
        <Select name="auth_method" label="Authentication Method" value=fields.method choices=methods/>
        <div class="for-method for-token">
            <TextInput
                name="token"
                label="Token"
                kind="password"
                value=fields.token
                required=!is_stored(AuthMethod::Token)
                mono=true
                hint=move || secret_hint(AuthMethod::Token)
            />
        </div>
        <div class="for-method for-token-file">
            <TextInput
                name="token_file"
                label="Token File"
                value=fields.token_file
                required=true
                mono=true
                placeholder="my-vault/token"
                hint=|| "Below the folder that the server's setting token_files names. Read anew whenever it changes."
            />
        </div>
        <div class="for-method for-approle">
            <TextInput name="role_id" label="Role ID" value=fields.role_id required=true mono=true/>
            <TextInput
                name="secret_id"
                label="Secret ID"
                kind="password"
                value=fields.secret_id
                required=!is_stored(AuthMethod::AppRole)
                mono=true
                hint=move || secret_hint(AuthMethod::AppRole)
            />
        </div>
        <div class="for-method for-userpass">
            <TextInput name="username" label="Username" value=fields.username required=true mono=true/>
            <TextInput
                name="password"
                label="Password"
                kind="password"
                value=fields.password
                required=!is_stored(AuthMethod::Userpass)
                mono=true
                hint=move || secret_hint(AuthMethod::Userpass)
            />
        </div>
        <div class="for-method for-cert">
            <TextArea
                name="certificate"
                label="Client Certificate"
                value=fields.certificate
                required=true
                mono=true
                placeholder="-----BEGIN CERTIFICATE-----"
                hint=|| "PEM: the certificate, and what stands between it and its authority."
            />
            <TextArea
                name="private_key"
                label="Private Key"
                value=fields.private_key
                required=!is_stored(AuthMethod::Cert)
                mono=true
                placeholder="-----BEGIN PRIVATE KEY-----"
                hint=move || secret_hint(AuthMethod::Cert)
            />
        </div>
        <div class="for-method for-kubernetes for-jwt for-cert">
            <TextInput name="role" label="Role" value=fields.role mono=true hint=move || role_hint/>
        </div>
        <div class="for-method for-jwt">
            <TextInput
                name="jwt"
                label="JWT"
                kind="password"
                value=fields.jwt
                required=!is_stored(AuthMethod::Jwt)
                mono=true
                hint=move || secret_hint(AuthMethod::Jwt)
            />
        </div>
        <div class="for-method for-approle for-userpass for-kubernetes for-jwt for-cert">
            <TextInput name="mount" label="Mount Path" value=fields.mount mono=true hint=move || mount_hint/>
        </div>
    }
    .into_any()
}
