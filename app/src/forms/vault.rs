//! The HashiCorp Vault part of the provider dialog, in the tutorial's order and words.

use crate::forms::freshness::FreshnessInputs;
use leptos::prelude::*;
use postern::provider::vault::{FormSecret, KvVersion, VaultForm, VaultUrl};
use postern::time::{Millis, duration_text};
use ui::{Choice, Disclosure, Select, TextArea, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct VaultFields {
    pub kv_version: RwSignal<String>,
    pub url: RwSignal<String>,
    pub prefix: RwSignal<String>,
    pub auth_method: RwSignal<String>,
    pub token: RwSignal<String>,
    pub namespace: RwSignal<String>,
    pub ca_certificate: RwSignal<String>,
}

impl VaultFields {
    pub fn new(form: VaultForm) -> Self {
        Self {
            kv_version: RwSignal::new(form.kv_version),
            url: RwSignal::new(form.url),
            prefix: RwSignal::new(form.prefix),
            auth_method: RwSignal::new(form.auth_method),
            token: RwSignal::new(form.token.0),
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
            auth_method: self.auth_method.get(),
            token: FormSecret(self.token.get()),
            namespace: self.namespace.get(),
            ca_certificate: self.ca_certificate.get(),
        }
    }

    pub fn set(self, form: VaultForm) {
        self.kv_version.set(form.kv_version);
        self.url.set(form.url);
        self.prefix.set(form.prefix);
        self.auth_method.set(form.auth_method);
        self.token.set(form.token.0);
        self.namespace.set(form.namespace);
        self.ca_certificate.set(form.ca_certificate);
    }
}

/// The fields every Vault provider needs.
#[component]
pub fn VaultInputs(
    fields: VaultFields,
    /// When the stored token was set, when there is one, and what time it is.
    stored_token: Option<(Millis, Millis)>,
) -> impl IntoView {
    let versions = KvVersion::ALL.map(|version| Choice::new(version.slug(), version.label())).to_vec();
    let methods = vec![Choice::new("token", "Token")];
    let token_hint = move || match stored_token {
        Some((set_at, now)) => format!("Set {} ago; leave empty to keep.", duration_text(now.since(set_at) / 1000)),
        None => "Stored encrypted; it is never shown again.".to_owned(),
    };
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
        <Select name="auth_method" label="Authentication Method" value=fields.auth_method choices=methods/>
        <TextInput
            name="token"
            label="Token"
            kind="password"
            value=fields.token
            required=stored_token.is_none()
            mono=true
            hint=token_hint
        />
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
            view! { <span class="text-warn">"Without https:// the token travels unencrypted to another machine."</span> }
        })
    }
}

/// The fields few need.
#[component]
pub fn VaultAdvanced(
    fields: VaultFields,
    ttl_seconds: RwSignal<String>,
    max_stale_seconds: RwSignal<String>,
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
            <FreshnessInputs ttl_seconds max_stale_seconds/>
        </Disclosure>
    }
    .into_any()
}
