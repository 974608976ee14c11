//! The HashiCorp Vault part of the provider dialog, in the tutorial's order and words.

use crate::forms::freshness::{FreshnessFields, FreshnessInputs};
use crate::forms::vault_auth::{AuthFields, AuthInputs, StoredSecret};
use leptos::prelude::*;
use postern::provider::vault::{FormSecret, KvVersion, TlsForm, VaultForm, VaultUrl};
use postern::time::{Millis, duration_text};
use ui::{Choice, Disclosure, Select, TextArea, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct VaultFields {
    pub kv_version: RwSignal<String>,
    pub url: RwSignal<String>,
    pub prefix: RwSignal<String>,
    pub auth: AuthFields,
    pub namespace: RwSignal<String>,
    pub ca_certificate: RwSignal<String>,
    pub tls: TlsFields,
    pub timeout_seconds: RwSignal<String>,
}

/// The TLS fields as typed.
#[derive(Clone, Copy)]
pub struct TlsFields {
    server_name: RwSignal<String>,
    certificate: RwSignal<String>,
    private_key: RwSignal<String>,
}

impl TlsFields {
    fn new(form: TlsForm) -> Self {
        Self {
            server_name: RwSignal::new(form.server_name),
            certificate: RwSignal::new(form.certificate),
            private_key: RwSignal::new(form.private_key.0),
        }
    }

    fn form(self) -> TlsForm {
        TlsForm {
            server_name: self.server_name.get(),
            certificate: self.certificate.get(),
            private_key: FormSecret(self.private_key.get()),
        }
    }

    fn set(self, form: TlsForm) {
        self.server_name.set(form.server_name);
        self.certificate.set(form.certificate);
        self.private_key.set(form.private_key.0);
    }
}

impl VaultFields {
    pub fn new(form: VaultForm) -> Self {
        Self {
            kv_version: RwSignal::new(form.kv_version),
            url: RwSignal::new(form.url),
            prefix: RwSignal::new(form.prefix),
            auth: AuthFields::new(form.auth),
            namespace: RwSignal::new(form.namespace),
            ca_certificate: RwSignal::new(form.ca_certificate),
            tls: TlsFields::new(form.tls),
            timeout_seconds: RwSignal::new(form.timeout_seconds),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> VaultForm {
        VaultForm {
            kv_version: self.kv_version.get(),
            url: self.url.get(),
            prefix: self.prefix.get(),
            auth: self.auth.form(),
            namespace: self.namespace.get(),
            ca_certificate: self.ca_certificate.get(),
            tls: self.tls.form(),
            timeout_seconds: self.timeout_seconds.get(),
        }
    }

    pub fn set(self, form: VaultForm) {
        self.kv_version.set(form.kv_version);
        self.url.set(form.url);
        self.prefix.set(form.prefix);
        self.auth.set(form.auth);
        self.namespace.set(form.namespace);
        self.ca_certificate.set(form.ca_certificate);
        self.tls.set(form.tls);
        self.timeout_seconds.set(form.timeout_seconds);
    }
}

/// The fields every Vault provider needs.
#[component]
pub fn VaultInputs(
    fields: VaultFields,
    /// What is stored already, when a provider is edited.
    stored: Option<StoredSecret>,
) -> impl IntoView {
    let versions = KvVersion::ALL.map(|version| Choice::new(version.slug(), version.label())).to_vec();
    view! {
        <Select
            name="kv_version"
            label="KV Version"
            value=fields.kv_version
            choices=versions
            hint=|| "Not sure? Auto-detect asks Vault, and Test Connection tells."
        />
        <TextInput
            name="url"
            label="Vault Server URL"
            kind="url"
            value=fields.url
            required=true
            mono=true
            placeholder="http://127.0.0.1:8200"
            hint=move || view! { <UrlHint url=fields.url/> }
        />
        <TextInput
            name="prefix"
            label="Secret Prefix"
            value=fields.prefix
            required=true
            mono=true
            placeholder="secret/api7"
            hint=|| "The mount and the path below it. References go on from here."
        />
        <AuthInputs fields=fields.auth stored/>
    }
    .into_any()
}

/// Warns where a token would travel in the clear.
#[component]
fn UrlHint(url: RwSignal<String>) -> impl IntoView {
    let risky = Memo::new(move |_| {
        url.with(|text| text.parse::<VaultUrl>()).is_ok_and(|url| !url.is_https() && !url.is_loopback())
    });
    move || {
        risky.get().then(|| {
            view! { <span class="text-warn">"Without https:// every secret travels unencrypted to another machine."</span> }
        })
    }
}

/// The fields few need.
#[component]
pub fn VaultAdvanced(
    fields: VaultFields,
    /// When the stored key of the TLS Client Certificate was set, when there is one, and what time it is.
    stored_key: Option<(Millis, Millis)>,
    freshness: FreshnessFields,
    open: bool,
) -> impl IntoView {
    view! {
        <Disclosure label="Advanced" open>
            <TextInput
                name="namespace"
                label="Namespace"
                value=fields.namespace
                mono=true
                hint=|| "Sent as X-Vault-Namespace. Empty for none."
            />
            <TextArea
                name="ca_certificate"
                label="CA Certificate"
                value=fields.ca_certificate
                mono=true
                placeholder="-----BEGIN CERTIFICATE-----"
                hint=|| "PEM. Replaces the system's certificate authorities for this provider."
            />
            <TextInput
                name="server_name"
                label="TLS Server Name"
                value=fields.tls.server_name
                mono=true
                placeholder="vault.example.com"
                hint=|| "The name that Vault's certificate is for. Empty: the one in the Vault Server URL."
            />
            <ClientCertificateInputs fields=fields.tls stored_key/>
            <TextInput
                name="timeout_seconds"
                label="Timeout (seconds)"
                value=fields.timeout_seconds
                placeholder="5"
                hint=|| "How long a request may take, from 1 to 60."
            />
            <FreshnessInputs fields=freshness/>
        </Disclosure>
    }
    .into_any()
}

/// What is shown in the TLS handshake, whatever the login: but for the one that has a certificate of its own.
#[component]
fn ClientCertificateInputs(fields: TlsFields, stored_key: Option<(Millis, Millis)>) -> impl IntoView {
    let key_hint = move || match stored_key {
        Some((set_at, now)) => format!("Set {} ago; leave empty to keep.", duration_text(now.since(set_at) / 1000)),
        None => "Stored encrypted; it is never shown again.".to_owned(),
    };
    view! {
        <div class="for-method for-token for-approle for-userpass for-kubernetes for-jwt">
            <TextArea
                name="tls_certificate"
                label="TLS Client Certificate"
                value=fields.certificate
                mono=true
                placeholder="-----BEGIN CERTIFICATE-----"
                hint=|| "PEM. Only where the server, or what stands before it, demands one."
            />
            <TextArea
                name="tls_private_key"
                label="TLS Client Key"
                value=fields.private_key
                mono=true
                placeholder="-----BEGIN PRIVATE KEY-----"
                hint=key_hint
            />
        </div>
    }
    .into_any()
}
