//! How fresh a provider's values must be: the fields that every secret manager has.

use leptos::prelude::*;
use ui::TextInput;

/// Refresh interval, and how long an outage is bridged.
#[component]
pub fn FreshnessInputs(ttl_seconds: RwSignal<String>, max_stale_seconds: RwSignal<String>) -> impl IntoView {
    view! {
        <TextInput
            name="ttl_seconds"
            label="Refresh interval (seconds)"
            value=ttl_seconds
            placeholder="300"
            hint=|| "Values are read again at the latest after this time."
        />
        <TextInput
            name="max_stale_seconds"
            label="Use last good value for (seconds)"
            value=max_stale_seconds
            placeholder="86400"
            hint=|| "How long an outage of the secret manager is bridged. After that the credentials stop working."
        />
    }
    .into_any()
}
