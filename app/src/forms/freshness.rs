//! How fresh a provider's values must be: the fields that every secret manager has.

use leptos::prelude::*;
use postern::provider::FreshnessForm;
use ui::TextInput;

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct FreshnessFields {
    ttl_seconds: RwSignal<String>,
    max_stale_seconds: RwSignal<String>,
    denied_grace_seconds: RwSignal<String>,
}

impl FreshnessFields {
    pub fn new(form: FreshnessForm) -> Self {
        Self {
            ttl_seconds: RwSignal::new(form.ttl_seconds),
            max_stale_seconds: RwSignal::new(form.max_stale_seconds),
            denied_grace_seconds: RwSignal::new(form.denied_grace_seconds),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> FreshnessForm {
        FreshnessForm {
            ttl_seconds: self.ttl_seconds.get(),
            max_stale_seconds: self.max_stale_seconds.get(),
            denied_grace_seconds: self.denied_grace_seconds.get(),
        }
    }

    pub fn set(self, form: FreshnessForm) {
        self.ttl_seconds.set(form.ttl_seconds);
        self.max_stale_seconds.set(form.max_stale_seconds);
        self.denied_grace_seconds.set(form.denied_grace_seconds);
    }
}

/// How the dialog names a field.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "ttl_seconds" => "Refresh interval (seconds)",
        "max_stale_seconds" => "Use last good value for (seconds)",
        "denied_grace_seconds" => "After a refusal, use it for (seconds)",
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
    }
    .into_any()
}
