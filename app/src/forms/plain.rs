//! Forms sent before hydration, or without JavaScript: what was typed and what was wrong with it come
//! back to the dialog in a cookie that lives for one page. Secrets are never in it.

use crate::forms::Submission;
use leptos::prelude::*;
use postern::consumer::ConsumerForm;
use postern::credential::{CredentialForm, CredentialType, SecretFieldForm, Source};
use postern::problem::FieldProblem;
use postern::provider::ProviderForm;
use postern::provider::vault::FormSecret;
use serde::{Deserialize, Serialize};

/// A refused form on its way back to its dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Which dialog: `provider`, `consumer`, or a credential's type.
    pub dialog: String,
    /// Field names and texts, without secrets.
    pub values: Vec<(String, String)>,
    pub problems: Vec<FieldProblem>,
}

#[derive(Clone)]
struct Returned(StoredValue<Draft>);

/// Takes over what a refused form left, for the dialogs below.
pub fn provide_draft() {
    let draft = SharedValue::new(read_cookie).into_inner();
    provide_context(Returned(StoredValue::new(draft)));
}

/// What was refused in this dialog, if something was. It is there once.
pub fn take_draft(dialog: &str) -> Draft {
    let Some(Returned(stored)) = use_context::<Returned>() else { return Draft::default() };
    if stored.with_value(|draft| draft.dialog != dialog) {
        return Draft::default();
    }
    let draft = stored.get_value();
    // The server renders a page once, but may build it more than once.
    if cfg!(not(feature = "ssr")) {
        stored.set_value(Draft::default());
    }
    draft
}

impl Draft {
    fn text(&self, field: &str) -> String {
        self.values.iter().find(|(name, _)| name == field).map(|(_, text)| text.clone()).unwrap_or_default()
    }

    /// Shows what was wrong, if anything was.
    pub fn show(&self, submission: Submission) {
        if !self.problems.is_empty() {
            submission.show(self.problems.clone());
        }
    }

    pub fn consumer(&self) -> ConsumerForm {
        ConsumerForm { name: self.text("name"), description: self.text("description"), labels: self.text("labels") }
    }

    pub fn provider(&self) -> ProviderForm {
        let mut form = ProviderForm::default();
        if self.values.is_empty() {
            return form;
        }
        form.id = self.text("id");
        form.manager = self.text("manager");
        form.kubernetes.method = self.text("kubernetes_method");
        form.kubernetes.server = self.text("api_server");
        form.kubernetes.ca_certificate = self.text("kubernetes_ca_certificate");
        form.kubernetes.timeout_seconds = self.text("kubernetes_timeout_seconds");
        form.aws.region = self.text("region");
        form.aws.custom_region = self.text("custom_region");
        form.aws.method = self.text("aws_method");
        form.aws.role.role_arn = self.text("role_arn");
        form.aws.role.external_id = self.text("external_id");
        form.aws.role.session_name = self.text("session_name");
        form.aws.role.sts_endpoint_url = self.text("sts_endpoint_url");
        form.aws.access_key_id = self.text("access_key_id");
        form.aws.endpoint_url = self.text("endpoint_url");
        form.vault.kv_version = self.text("kv_version");
        form.vault.url = self.text("url");
        form.vault.prefix = self.text("prefix");
        form.vault.auth.method = self.text("auth_method");
        form.vault.auth.token_file = self.text("token_file");
        form.vault.auth.role_id = self.text("role_id");
        form.vault.auth.username = self.text("username");
        form.vault.auth.role = self.text("role");
        form.vault.auth.certificate = self.text("certificate");
        form.vault.auth.mount = self.text("mount");
        form.vault.namespace = self.text("namespace");
        form.vault.ca_certificate = self.text("ca_certificate");
        form.vault.tls.server_name = self.text("server_name");
        form.vault.tls.certificate = self.text("tls_certificate");
        form.vault.timeout_seconds = self.text("timeout_seconds");
        form.freshness.ttl_seconds = self.text("ttl_seconds");
        form.freshness.max_stale_seconds = self.text("max_stale_seconds");
        form.freshness.denied_grace_seconds = self.text("denied_grace_seconds");
        form.freshness.version_check_seconds = self.text("version_check_seconds");
        form.freshness.keep_over_restart = !self.text("keep_over_restart").is_empty();
        form
    }

    pub fn credential(&self, kind: CredentialType) -> CredentialForm {
        let mut form = CredentialForm::new(kind);
        form.name = self.text("name");
        form.identifier = CredentialForm::identifier_field(kind).map(|field| self.text(field.name)).unwrap_or_default();
        if !self.values.is_empty() && kind == CredentialType::JwtAuth {
            form.algorithm = self.text("algorithm");
            form.lifetime_grace_period = self.text("lifetime_grace_period");
            form.base64_secret = !self.text("base64_secret").is_empty();
        }
        let text = FormSecret(self.text(form.secret_field().name));
        form.secret = SecretFieldForm { source: source(&self.text("secret_source")), text };
        form
    }
}

/// The radio that was chosen.
#[must_use]
pub fn source(slug: &str) -> Source {
    Source::ALL.into_iter().find(|source| source.slug() == slug).unwrap_or_default()
}

#[cfg(not(feature = "ssr"))]
fn read_cookie() -> Draft {
    Draft::default()
}

#[cfg(feature = "ssr")]
use cookie::read_cookie;
#[cfg(feature = "ssr")]
pub(crate) use cookie::write_cookie;

#[cfg(feature = "ssr")]
mod cookie {
    use super::Draft;
    use http::HeaderValue;
    use http::header::{COOKIE, SET_COOKIE};
    use http::request::Parts;
    use leptos::prelude::*;
    use leptos_axum::ResponseOptions;

    const NAME: &str = "postern-draft";
    /// Browsers keep cookies of 4 KiB.
    const MOST: usize = 3800;

    /// The draft of the request being answered; it is asked to be forgotten.
    pub(super) fn read_cookie() -> Draft {
        let Some(parts) = use_context::<Parts>() else { return Draft::default() };
        let cookies = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let found = cookies.flat_map(|line| line.split("; ")).find_map(|pair| pair.strip_prefix("postern-draft="));
        let Some(hex) = found else { return Draft::default() };
        set("", 0);
        decode(hex).unwrap_or_default()
    }

    /// Sends the draft back with the response being made. What does not fit is left out.
    pub(crate) fn write_cookie(mut draft: Draft) {
        if encode(&draft).len() > MOST {
            draft.values.retain(|(_, text)| text.len() < 200);
        }
        if encode(&draft).len() > MOST {
            draft.values.clear();
        }
        set(&encode(&draft), 60);
    }

    fn set(value: &str, seconds: u32) {
        let cookie = format!("{NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
        if let (Some(response), Ok(cookie)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
            response.append_header(SET_COOKIE, cookie);
        }
    }

    fn encode(draft: &Draft) -> String {
        let json = serde_json::to_vec(draft).unwrap_or_default();
        json.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn decode(hex: &str) -> Option<Draft> {
        let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let json: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
        serde_json::from_slice(&json?).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_draft_survives_the_cookie() {
            let draft = Draft {
                dialog: "consumer".to_owned(),
                values: vec![("name".to_owned(), "Ä; \"x\"".to_owned())],
                problems: vec![postern::problem::FieldProblem::new("name", "no")],
            };
            assert_eq!(decode(&encode(&draft)), Some(draft));
            for broken in ["", "7", "zz", "7b", "ä"] {
                assert_eq!(decode(broken), None, "{broken}");
            }
        }
    }
}
