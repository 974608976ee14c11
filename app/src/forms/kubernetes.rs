//! The Kubernetes Secrets part of the provider dialog.

use crate::forms::freshness::{FreshnessFields, FreshnessInputs};
use leptos::prelude::*;
use postern::provider::kubernetes::{ApiServerAddress, KubernetesForm, KubernetesMethod};
use postern::provider::vault::FormSecret;
use postern::time::{Millis, duration_text};
use ui::{Choice, Disclosure, Select, TextArea, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct KubernetesFields {
    method: RwSignal<String>,
    server: RwSignal<String>,
    token: RwSignal<String>,
    ca_certificate: RwSignal<String>,
    timeout_seconds: RwSignal<String>,
}

impl KubernetesFields {
    pub fn new(form: KubernetesForm) -> Self {
        Self {
            method: RwSignal::new(form.method),
            server: RwSignal::new(form.server),
            token: RwSignal::new(form.token.0),
            ca_certificate: RwSignal::new(form.ca_certificate),
            timeout_seconds: RwSignal::new(form.timeout_seconds),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> KubernetesForm {
        KubernetesForm {
            method: self.method.get(),
            server: self.server.get(),
            token: FormSecret(self.token.get()),
            ca_certificate: self.ca_certificate.get(),
            timeout_seconds: self.timeout_seconds.get(),
        }
    }

    pub fn set(self, form: KubernetesForm) {
        self.method.set(form.method);
        self.server.set(form.server);
        self.token.set(form.token.0);
        self.ca_certificate.set(form.ca_certificate);
        self.timeout_seconds.set(form.timeout_seconds);
    }
}

/// How the dialog names a field.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "kubernetes_method" => "Authentication Method",
        "api_server" => "API Server Address",
        "service_account_token" => "Token",
        "kubernetes_ca_certificate" => "CA Certificate",
        "kubernetes_timeout_seconds" => "Timeout (seconds)",
        _ => return None,
    })
}

/// The fields every Kubernetes provider needs.
#[component]
pub fn KubernetesInputs(
    fields: KubernetesFields,
    /// When the stored token was set, when there is one, and what time it is.
    stored_token: Option<(Millis, Millis)>,
) -> impl IntoView {
    let methods = KubernetesMethod::ALL.map(|method| Choice::new(method.slug(), method.label())).to_vec();
    let token_hint = move || match stored_token {
        Some((set_at, now)) => format!("Set {} ago; leave empty to keep.", duration_text(now.since(set_at) / 1000)),
        None => "Of a service account that may read these Secrets and nothing else. Stored encrypted.".to_owned(),
    };
    view! {
        <Select
            name="kubernetes_method"
            label="Authentication Method"
            value=fields.method
            choices=methods
            hint=|| "In-cluster: the cluster that Postern runs in, as the service account of its pod."
        />
        <div class="for-method for-api-server">
            <TextInput
                name="api_server"
                label="API Server Address"
                kind="url"
                value=fields.server
                required=true
                mono=true
                placeholder="https://10.0.0.1:6443"
                hint=move || view! { <ServerHint server=fields.server/> }
            />
            <TextInput
                name="service_account_token"
                label="Token"
                kind="password"
                value=fields.token
                required=stored_token.is_none()
                mono=true
                hint=token_hint
            />
            <TextArea
                name="kubernetes_ca_certificate"
                label="CA Certificate"
                value=fields.ca_certificate
                mono=true
                placeholder="-----BEGIN CERTIFICATE-----"
                hint=|| "PEM. The cluster's own authority; replaces the system's for this provider."
            />
        </div>
    }
    .into_any()
}

/// The fields few need.
#[component]
pub fn KubernetesAdvanced(fields: KubernetesFields, freshness: FreshnessFields, open: bool) -> impl IntoView {
    view! {
        <Disclosure label="Advanced" open>
            <TextInput
                name="kubernetes_timeout_seconds"
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

/// Warns where a token would travel in the clear.
#[component]
fn ServerHint(server: RwSignal<String>) -> impl IntoView {
    let risky = Memo::new(move |_| {
        server
            .with(|text| text.parse::<ApiServerAddress>())
            .is_ok_and(|server| !server.url().is_https() && !server.url().is_loopback())
    });
    move || {
        risky.get().then(|| {
            view! { <span class="text-warn">"Without https:// every secret travels unencrypted to another machine."</span> }
        })
    }
}
