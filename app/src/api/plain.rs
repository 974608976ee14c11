//! The same, for plain HTML forms: before hydration, or without JavaScript. The answer is a redirect:
//! to what was made, or back to the dialog with what was wrong.

#![expect(clippy::too_many_arguments, reason = "the arguments are the fields of HTML forms")]

use crate::error::AppError;
use leptos::prelude::*;

/// Adds a consumer.
#[server(endpoint = "plain_add_consumer")]
pub async fn plain_add_consumer(
    group: String,
    #[server(default)] name: String,
    #[server(default)] description: String,
    #[server(default)] labels: String,
) -> Result<(), AppError> {
    use postern::consumer::ConsumerForm;
    let (group, paths) = answer::place(&group)?;
    let form = ConsumerForm { name, description, labels };
    let sent = [("name", &form.name), ("description", &form.description), ("labels", &form.labels)];
    let draft = answer::draft("consumer", &sent);
    match super::add_consumer(group, form).await {
        Ok(view) => answer::go(&paths.consumer_page(&view.stored.object.name)),
        Err(error) => answer::back(&format!("{}?add=consumer", paths.consumers()), draft, &error),
    }
    Ok(())
}

/// Adds a secret provider.
#[server(endpoint = "plain_add_provider")]
pub async fn plain_add_provider(
    group: String,
    #[server(default)] id: String,
    #[server(default)] manager: String,
    #[server(default)] kv_version: String,
    #[server(default)] url: String,
    #[server(default)] prefix: String,
    #[server(default)] auth_method: String,
    #[server(default)] token: String,
    #[server(default)] token_file: String,
    #[server(default)] role_id: String,
    #[server(default)] secret_id: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] role: String,
    #[server(default)] jwt: String,
    #[server(default)] certificate: String,
    #[server(default)] private_key: String,
    #[server(default)] mount: String,
    #[server(default)] namespace: String,
    #[server(default)] ca_certificate: String,
    #[server(default)] server_name: String,
    #[server(default)] tls_certificate: String,
    #[server(default)] tls_private_key: String,
    #[server(default)] timeout_seconds: String,
    #[server(default)] region: String,
    #[server(default)] custom_region: String,
    #[server(default)] aws_method: String,
    #[server(default)] access_key_id: String,
    #[server(default)] secret_access_key: String,
    #[server(default)] session_token: String,
    #[server(default)] endpoint_url: String,
    #[server(default)] role_arn: String,
    #[server(default)] external_id: String,
    #[server(default)] session_name: String,
    #[server(default)] sts_endpoint_url: String,
    #[server(default)] kubernetes_method: String,
    #[server(default)] api_server: String,
    #[server(default)] service_account_token: String,
    #[server(default)] kubernetes_ca_certificate: String,
    #[server(default)] kubernetes_timeout_seconds: String,
    #[server(default)] ttl_seconds: String,
    #[server(default)] max_stale_seconds: String,
    #[server(default)] denied_grace_seconds: String,
    #[server(default)] version_check_seconds: String,
    #[server(default)] keep_over_restart: String,
) -> Result<(), AppError> {
    use postern::provider::aws::{AwsForm, RoleForm};
    use postern::provider::kubernetes::KubernetesForm;
    use postern::provider::vault::{AuthForm, FormSecret, TlsForm, VaultForm};
    use postern::provider::{FreshnessForm, ProviderForm};
    let (group, paths) = answer::place(&group)?;
    let auth = AuthForm {
        method: auth_method,
        token: FormSecret(token),
        token_file,
        role_id,
        secret_id: FormSecret(secret_id),
        username,
        password: FormSecret(password),
        role,
        jwt: FormSecret(jwt),
        certificate,
        private_key: FormSecret(private_key),
        mount,
    };
    let kv_version_sent = !kv_version.is_empty();
    let tls = TlsForm { server_name, certificate: tls_certificate, private_key: FormSecret(tls_private_key) };
    let vault = VaultForm { kv_version, url, prefix, auth, namespace, ca_certificate, tls, timeout_seconds };
    let (secret_access_key, session_token) = (FormSecret(secret_access_key), FormSecret(session_token));
    // The fields of a manager that was not shown were not sent: it keeps what its form begins with.
    let vault = if kv_version_sent { vault } else { VaultForm::default() };
    let aws = match region.is_empty() {
        true => AwsForm::default(),
        false => AwsForm {
            region,
            custom_region,
            method: aws_method,
            access_key_id,
            secret_access_key,
            session_token,
            endpoint_url,
            role: RoleForm { role_arn, external_id, session_name, sts_endpoint_url },
        },
    };
    let kubernetes = KubernetesForm {
        method: kubernetes_method,
        server: api_server,
        token: FormSecret(service_account_token),
        ca_certificate: kubernetes_ca_certificate,
        timeout_seconds: kubernetes_timeout_seconds,
    };
    let freshness = FreshnessForm {
        ttl_seconds,
        max_stale_seconds,
        denied_grace_seconds,
        version_check_seconds,
        // A box that is not ticked is not sent.
        keep_over_restart: !keep_over_restart.is_empty(),
    };
    let form = ProviderForm { id, manager, vault, aws, kubernetes, freshness };
    let sent = [
        ("id", &form.id),
        ("manager", &form.manager),
        ("kubernetes_method", &form.kubernetes.method),
        ("api_server", &form.kubernetes.server),
        ("kubernetes_ca_certificate", &form.kubernetes.ca_certificate),
        ("kubernetes_timeout_seconds", &form.kubernetes.timeout_seconds),
        ("region", &form.aws.region),
        ("custom_region", &form.aws.custom_region),
        ("aws_method", &form.aws.method),
        ("role_arn", &form.aws.role.role_arn),
        ("external_id", &form.aws.role.external_id),
        ("session_name", &form.aws.role.session_name),
        ("sts_endpoint_url", &form.aws.role.sts_endpoint_url),
        ("access_key_id", &form.aws.access_key_id),
        ("endpoint_url", &form.aws.endpoint_url),
        ("kv_version", &form.vault.kv_version),
        ("url", &form.vault.url),
        ("prefix", &form.vault.prefix),
        ("auth_method", &form.vault.auth.method),
        ("token_file", &form.vault.auth.token_file),
        ("role_id", &form.vault.auth.role_id),
        ("username", &form.vault.auth.username),
        ("role", &form.vault.auth.role),
        ("certificate", &form.vault.auth.certificate),
        ("mount", &form.vault.auth.mount),
        ("namespace", &form.vault.namespace),
        ("ca_certificate", &form.vault.ca_certificate),
        ("server_name", &form.vault.tls.server_name),
        ("tls_certificate", &form.vault.tls.certificate),
        ("timeout_seconds", &form.vault.timeout_seconds),
        ("ttl_seconds", &form.freshness.ttl_seconds),
        ("max_stale_seconds", &form.freshness.max_stale_seconds),
        ("denied_grace_seconds", &form.freshness.denied_grace_seconds),
        ("version_check_seconds", &form.freshness.version_check_seconds),
        ("keep_over_restart", &keep_over_restart),
    ];
    let draft = answer::draft("provider", &sent);
    match super::add_provider(group, form).await {
        Ok(_) => answer::go(&paths.providers()),
        Err(error) => answer::back(&format!("{}?add=secret-provider", paths.providers()), draft, &error),
    }
    Ok(())
}

/// Adds a credential; `kind` says which of the fields its form had.
#[server(endpoint = "plain_add_credential")]
pub async fn plain_add_credential(
    group: String,
    consumer: String,
    #[server(default)] kind: String,
    #[server(default)] name: String,
    #[server(default)] username: String,
    #[server(default)] key_id: String,
    #[server(default)] algorithm: String,
    #[server(default)] secret_source: String,
    #[server(default)] key: String,
    #[server(default)] password: String,
    #[server(default)] secret: String,
    #[server(default)] public_key: String,
    #[server(default)] secret_key: String,
    #[server(default)] base64_secret: String,
    #[server(default)] lifetime_grace_period: String,
) -> Result<(), AppError> {
    use crate::forms::plain::source;
    use postern::credential::{ALGORITHM, CredentialForm, CredentialType, JwtAlgorithm, SecretFieldForm, Source};
    use postern::provider::vault::FormSecret;
    let (group, paths) = answer::place(&group)?;
    let consumer = consumer.parse().map_err(|_| AppError::not_found("consumer", &consumer))?;
    let kind = CredentialType::from_slug(&kind).ok_or_else(|| AppError::not_found("credential type", &kind))?;
    // The page before hydration has the field of the algorithm it was rendered with.
    let is_shared = JwtAlgorithm::from_name(&algorithm).is_none_or(JwtAlgorithm::is_shared);
    let jwt_secret = if is_shared || public_key.is_empty() { secret } else { public_key };
    let (identifier, secret) = match kind {
        CredentialType::KeyAuth => (String::new(), key),
        CredentialType::BasicAuth => (username, password),
        CredentialType::JwtAuth => (key, jwt_secret),
        CredentialType::HmacAuth => (key_id, secret_key),
    };
    let source = source(&secret_source);
    let secret = SecretFieldForm { source, text: FormSecret(secret) };
    let is_base64 = !base64_secret.is_empty();
    let form =
        CredentialForm { kind, name, identifier, algorithm, secret, base64_secret: is_base64, lifetime_grace_period };
    let mut sent = vec![("name", &form.name), ("secret_source", &secret_source), (ALGORITHM.name, &form.algorithm)];
    sent.extend([("base64_secret", &base64_secret), ("lifetime_grace_period", &form.lifetime_grace_period)]);
    sent.extend(CredentialForm::identifier_field(kind).map(|field| (field.name, &form.identifier)));
    if source == Source::Reference {
        sent.push((form.secret_field().name, &form.secret.text.0));
    }
    let draft = answer::draft(kind.slug(), &sent);
    let path = paths.consumer(&consumer, kind);
    match super::add_credential(group, consumer, form).await {
        Ok(_) => answer::go(&path),
        Err(error) => answer::back(&format!("{path}?add={}", kind.slug()), draft, &error),
    }
    Ok(())
}

#[cfg(feature = "ssr")]
mod answer {
    use crate::error::AppError;
    use crate::forms::plain::{Draft, write_cookie};
    use crate::paths::Paths;
    use http::header::LOCATION;
    use http::{HeaderValue, StatusCode};
    use leptos::prelude::*;
    use leptos_axum::ResponseOptions;
    use postern::name::GroupName;
    use postern::problem::FieldProblem;

    /// The group that the form names, and its addresses.
    pub(super) fn place(group: &str) -> Result<(GroupName, Paths), AppError> {
        let name: GroupName = group.parse().map_err(|_| AppError::not_found("gateway group", group))?;
        let paths = Paths::of(&name);
        Ok((name, paths))
    }

    /// What was typed, for the way back. The caller leaves secrets out.
    pub(super) fn draft(dialog: &str, sent: &[(&str, &String)]) -> Draft {
        let values = sent.iter().map(|(name, text)| ((*name).to_owned(), (*text).clone())).collect();
        Draft { dialog: dialog.to_owned(), values, problems: Vec::new() }
    }

    /// The answer is to look at `path`, which is one of our own.
    pub(super) fn go(path: &str) {
        if let (Some(response), Ok(path)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(path)) {
            response.set_status(StatusCode::SEE_OTHER);
            response.insert_header(LOCATION, path);
        }
    }

    /// Back to the dialog, with what was wrong.
    pub(super) fn back(path: &str, mut draft: Draft, error: &AppError) {
        draft.problems = match error.problems() {
            Some(problems) => problems.to_vec(),
            None => vec![FieldProblem::new("form", error.sentence())],
        };
        write_cookie(draft);
        go(path);
    }
}
