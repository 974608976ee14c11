//! The HashiCorp Vault part of the provider dialog, in the tutorial's order and words.

use crate::forms::freshness::{FreshnessFields, FreshnessInputs};
use crate::forms::vault_auth::{AuthFields, AuthInputs, StoredSecret};
use leptos::prelude::*;
use postern::provider::vault::{KvVersion, VaultForm, VaultUrl};
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
        }
    }

    pub fn set(self, form: VaultForm) {
        self.kv_version.set(form.kv_version);
        self.url.set(form.url);
        self.prefix.set(form.prefix);
        self.auth.set(form.auth);
        self.namespace.set(form.namespace);
        self.ca_certificate.set(form.ca_certificate);
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
            <FreshnessInputs fields=freshness/>
        </Disclosure>
    }
    .into_any()
}
