//! The AWS Secrets Manager part of the provider dialog, in the tutorial's order and words.

use crate::forms::freshness::{FreshnessFields, FreshnessInputs};
use leptos::prelude::*;
use postern::provider::aws::{AwsForm, AwsMethod, EndpointUrl, OTHER_REGION, REGIONS, RoleForm};
use postern::provider::vault::FormSecret;
use postern::time::{Millis, duration_text};
use ui::{Choice, Disclosure, Select, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct AwsFields {
    pub region: RwSignal<String>,
    pub custom_region: RwSignal<String>,
    pub method: RwSignal<String>,
    pub access_key_id: RwSignal<String>,
    pub secret_access_key: RwSignal<String>,
    pub session_token: RwSignal<String>,
    pub endpoint_url: RwSignal<String>,
    pub role: RoleFields,
}

/// The fields of a role that is assumed, as typed.
#[derive(Clone, Copy)]
pub struct RoleFields {
    role_arn: RwSignal<String>,
    external_id: RwSignal<String>,
    session_name: RwSignal<String>,
    sts_endpoint_url: RwSignal<String>,
}

impl RoleFields {
    fn new(form: RoleForm) -> Self {
        Self {
            role_arn: RwSignal::new(form.role_arn),
            external_id: RwSignal::new(form.external_id),
            session_name: RwSignal::new(form.session_name),
            sts_endpoint_url: RwSignal::new(form.sts_endpoint_url),
        }
    }

    fn form(self) -> RoleForm {
        RoleForm {
            role_arn: self.role_arn.get(),
            external_id: self.external_id.get(),
            session_name: self.session_name.get(),
            sts_endpoint_url: self.sts_endpoint_url.get(),
        }
    }

    fn set(self, form: RoleForm) {
        self.role_arn.set(form.role_arn);
        self.external_id.set(form.external_id);
        self.session_name.set(form.session_name);
        self.sts_endpoint_url.set(form.sts_endpoint_url);
    }
}

impl AwsFields {
    pub fn new(form: AwsForm) -> Self {
        Self {
            region: RwSignal::new(form.region),
            custom_region: RwSignal::new(form.custom_region),
            method: RwSignal::new(form.method),
            access_key_id: RwSignal::new(form.access_key_id),
            secret_access_key: RwSignal::new(form.secret_access_key.0),
            session_token: RwSignal::new(form.session_token.0),
            endpoint_url: RwSignal::new(form.endpoint_url),
            role: RoleFields::new(form.role),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> AwsForm {
        AwsForm {
            region: self.region.get(),
            custom_region: self.custom_region.get(),
            method: self.method.get(),
            access_key_id: self.access_key_id.get(),
            secret_access_key: FormSecret(self.secret_access_key.get()),
            session_token: FormSecret(self.session_token.get()),
            endpoint_url: self.endpoint_url.get(),
            role: self.role.form(),
        }
    }

    pub fn set(self, form: AwsForm) {
        self.region.set(form.region);
        self.custom_region.set(form.custom_region);
        self.method.set(form.method);
        self.access_key_id.set(form.access_key_id);
        self.secret_access_key.set(form.secret_access_key.0);
        self.session_token.set(form.session_token.0);
        self.endpoint_url.set(form.endpoint_url);
        self.role.set(form.role);
    }
}

/// How the dialog names a field.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "region" => "Region",
        "custom_region" => "Custom region",
        "access_key_id" => "Access Key ID",
        "secret_access_key" => "Secret Access Key",
        "session_token" => "Session Token",
        "endpoint_url" => "Endpoint URL",
        "aws_method" => "Authentication Method",
        "role_arn" => "Role ARN",
        "external_id" => "External ID",
        "session_name" => "Session Name",
        "sts_endpoint_url" => "STS Endpoint URL",
        _ => return None,
    })
}

/// The fields every AWS provider needs.
#[component]
pub fn AwsInputs(
    fields: AwsFields,
    /// When the stored Secret Access Key was set, when there is one, and what time it is.
    stored_secret: Option<(Millis, Millis)>,
) -> impl IntoView {
    let listed = REGIONS.iter().map(|(code, name)| Choice::new(*code, format!("{code} - {name}")));
    let regions = listed.chain([Choice::new(OTHER_REGION, "Other...")]).collect::<Vec<_>>();
    let methods = AwsMethod::ALL.map(|method| Choice::new(method.slug(), method.label())).to_vec();
    let method_hint = move || match AwsMethod::from_slug(&fields.method.get()) {
        Some(AwsMethod::Ambient) => {
            "What the environment of the server gives: variables, a profile, a web identity, the role of the container or instance. Only where the server's configuration allows it."
        }
        _ => "",
    };
    let is_other = Memo::new(move |_| fields.region.get() == OTHER_REGION);
    let secret_hint = move || match stored_secret {
        Some((set_at, now)) => format!("Set {} ago; leave empty to keep.", duration_text(now.since(set_at) / 1000)),
        None => {
            "Stored encrypted; it is never shown again. Or $env://<NAME>. It is not sent to AWS: it signs requests."
                .to_owned()
        }
    };
    view! {
        <Select
            name="region"
            label="Region"
            value=fields.region
            choices=regions
            hint=|| "Where the secrets are. The same name in another region is another secret."
        />
        {move || {
            is_other
                .get()
                .then(|| {
                    view! {
                        <TextInput
                            name="custom_region"
                            label="Custom region"
                            value=fields.custom_region
                            required=true
                            mono=true
                            placeholder="cn-north-1"
                        />
                    }
                })
        }}
        <Select
            name="aws_method"
            label="Authentication Method"
            value=fields.method
            choices=methods
            hint=move || method_hint
        />
        <div class="for-method for-access-key">
            <TextInput
                name="access_key_id"
                label="Access Key ID"
                value=fields.access_key_id
                required=true
                mono=true
                placeholder="AKIAIOSFODNN7EXAMPLE"
                hint=|| "Of an IAM user who may read these secrets and nothing else."
            />
            <TextInput
                name="secret_access_key"
                label="Secret Access Key"
                kind="password"
                value=fields.secret_access_key
                required=stored_secret.is_none()
                mono=true
                hint=secret_hint
            />
        </div>
    }
    .into_any()
}

/// The fields few need.
#[component]
pub fn AwsAdvanced(
    fields: AwsFields,
    /// A Session Token is stored.
    has_token: bool,
    freshness: FreshnessFields,
    open: bool,
) -> impl IntoView {
    let token_hint = move || match has_token {
        true => "Set; leave empty to keep. A new Secret Access Key without a Session Token drops it.",
        false => "Only for temporary keys: the Access Key ID begins with ASIA. It ends with them.",
    };
    view! {
        <Disclosure label="Advanced" open>
            <div class="for-method for-access-key">
                <TextInput
                    name="session_token"
                    label="Session Token"
                    kind="password"
                    value=fields.session_token
                    mono=true
                    hint=token_hint
                />
            </div>
            <TextInput
                name="endpoint_url"
                label="Endpoint URL"
                kind="url"
                value=fields.endpoint_url
                mono=true
                placeholder="https://vpce-….vpce.amazonaws.com"
                hint=move || view! { <EndpointHint url=fields.endpoint_url/> }
            />
            <RoleInputs fields=fields.role/>
            <FreshnessInputs fields=freshness/>
        </Disclosure>
    }
    .into_any()
}

/// The role that secrets are read with, if it is not the credentials themselves.
#[component]
fn RoleInputs(fields: RoleFields) -> impl IntoView {
    view! {
        <TextInput
            name="role_arn"
            label="Role ARN"
            value=fields.role_arn
            mono=true
            placeholder="arn:aws:iam::123456789012:role/postern"
            hint=|| "A role to assume before secrets are read. Only where the server's configuration allows it. Empty for none."
        />
        <TextInput
            name="external_id"
            label="External ID"
            value=fields.external_id
            mono=true
            hint=|| "Where the role's trust policy wants one."
        />
        <TextInput
            name="session_name"
            label="Session Name"
            value=fields.session_name
            mono=true
            placeholder="postern"
            hint=|| "As CloudTrail shows it."
        />
        <TextInput
            name="sts_endpoint_url"
            label="STS Endpoint URL"
            kind="url"
            value=fields.sts_endpoint_url
            mono=true
            hint=|| "Where the role is assumed. Empty for AWS's own in the region."
        />
    }
    .into_any()
}

/// Warns where secrets would travel in the clear.
#[component]
fn EndpointHint(url: RwSignal<String>) -> impl IntoView {
    let risky = Memo::new(move |_| {
        url.with(|text| text.parse::<EndpointUrl>()).is_ok_and(|url| !url.is_https() && !url.is_loopback())
    });
    move || match risky.get() {
        true => {
            view! { <span class="text-warn">"Without https:// secrets travel unencrypted from another machine."</span> }
                .into_any()
        }
        false => "A VPC endpoint, or a server that speaks the same API. Empty for AWS's own.".into_any(),
    }
}
