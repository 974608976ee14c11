//! How fresh a provider's values must be: the fields that every secret manager has.

use leptos::prelude::*;
use postern::provider::FreshnessForm;
use ui::{Checkbox, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct FreshnessFields {
    ttl_seconds: RwSignal<String>,
    max_stale_seconds: RwSignal<String>,
    denied_grace_seconds: RwSignal<String>,
    version_check_seconds: RwSignal<String>,
    keep_over_restart: RwSignal<bool>,
}

impl FreshnessFields {
    pub fn new(form: FreshnessForm) -> Self {
        Self {
            ttl_seconds: RwSignal::new(form.ttl_seconds),
            max_stale_seconds: RwSignal::new(form.max_stale_seconds),
            denied_grace_seconds: RwSignal::new(form.denied_grace_seconds),
            version_check_seconds: RwSignal::new(form.version_check_seconds),
            keep_over_restart: RwSignal::new(form.keep_over_restart),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> FreshnessForm {
        FreshnessForm {
            ttl_seconds: self.ttl_seconds.get(),
            max_stale_seconds: self.max_stale_seconds.get(),
            denied_grace_seconds: self.denied_grace_seconds.get(),
            version_check_seconds: self.version_check_seconds.get(),
            keep_over_restart: self.keep_over_restart.get(),
        }
    }

    pub fn set(self, form: FreshnessForm) {
        self.ttl_seconds.set(form.ttl_seconds);
        self.max_stale_seconds.set(form.max_stale_seconds);
        self.denied_grace_seconds.set(form.denied_grace_seconds);
        self.version_check_seconds.set(form.version_check_seconds);
        self.keep_over_restart.set(form.keep_over_restart);
    }
}

/// How the dialog names a field.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "ttl_seconds" => "Refresh interval (seconds)",
        "max_stale_seconds" => "Use last good value for (seconds)",
        "denied_grace_seconds" => "After a refusal, use it for (seconds)",
        "version_check_seconds" => "Look for new versions every (seconds)",
        "keep_over_restart" => "Keep last good values over a restart",
        _ => return None,
    })
}

/// Refresh interval, and how long an old value stands in.
#[component]
pub fn FreshnessInputs(fields: FreshnessFields) -> impl IntoView {
    view! {
        <TextInput
            name="ttl_seconds"
            label="Refresh interval (seconds)"
            value=fields.ttl_seconds
            placeholder="300"
            hint=|| "Values are read again at the latest after this time."
        />
        <TextInput
            name="max_stale_seconds"
            label="Use last good value for (seconds)"
            value=fields.max_stale_seconds
            placeholder="86400"
            hint=|| "How long an outage of the secret manager is bridged. After that the credentials stop working."
        />
        <TextInput
            name="denied_grace_seconds"
            label="After a refusal, use it for (seconds)"
            value=fields.denied_grace_seconds
            placeholder="300"
            hint=|| "When the token has expired or a policy no longer allows the read. 0 stops the credentials at once; a deleted secret or key always does."
        />
        <TextInput
            name="version_check_seconds"
            label="Look for new versions every (seconds)"
            value=fields.version_check_seconds
            placeholder="30"
            hint=|| "Vault with KV version 2, where the policy lets the token read metadata/. 0 to leave it to the refresh interval."
        />
        <div class="field">
            <Checkbox
                name="keep_over_restart"
                label="Keep last good values over a restart".to_owned()
                form_value="true".to_owned()
                value=fields.keep_over_restart
            />
            <p class="hint">"Encrypted, in Postern's data folder. Without it nothing works after a restart while the secret manager is away."</p>
        </div>
    }
    .into_any()
}
