//! Secret providers: add, save, delete, test, refresh.

use crate::config::{Change, Config, Deleted, Object, open_provider, provider_place};
use crate::errors::{Described, internal, not_found};
use crate::row::sealed_row;
use crate::views::{credential_name, mask_provider};
use crate::{Inner, TestResult};
use postern::access::Review;
use postern::control::{Answer, ControlError, ProviderView};
use postern::diagnosis::Diagnosis;
use postern::provider::aws::{AwsCredentials, AwsMethod};
use postern::provider::vault::AuthMethod;
use postern::provider::{Manager, ProviderKey, SecretProvider, Settings};
use postern::sensitive::{Entered, Plain, Sealed};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use store::{Kind, NewRow};

/// The longest wait for a refresh that an operator asked for.
const REFRESH_WAIT: Duration = Duration::from_secs(10);

impl Inner {
    pub(crate) fn providers(&self) -> Answer<Vec<ProviderView>> {
        let config = self.config();
        Ok(config.providers.values().map(|object| self.provider_view(&config, object)).collect())
    }

    pub(crate) fn provider(&self, key: &ProviderKey) -> Answer<ProviderView> {
        let config = self.config();
        Ok(self.provider_view(&config, stored_provider(&config, key)?))
    }

    pub(crate) async fn add_provider(&self, entered: SecretProvider<Entered>) -> Answer<ProviderView> {
        self.check_address(&entered)?;
        self.check_permission(&entered)?;
        let _changing = self.changing.lock().await;
        let id = uuid::Uuid::new_v4().to_string();
        let entered = settled(entered, None);
        let sealed = self.seal_provider(&id, &entered, None)?;
        let new = new_row(&id, &sealed)?;
        let row =
            self.storing(self.store.insert(&self.group, &new, self.now())).await.map_err(|e| sealed.describe(e))?;
        self.changed(Change::Saved(row)).await?;
        tracing::info!(provider = %sealed.key(), "added secret provider {}", sealed.key());
        self.provider(&sealed.key())
    }

    pub(crate) async fn save_provider(&self, revision: u64, entered: SecretProvider<Entered>) -> Answer<ProviderView> {
        self.check_address(&entered)?;
        self.check_permission(&entered)?;
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_provider(&config, &entered.key())?;
        let entered = settled(entered, Some(object));
        let sealed = self.seal_provider(&object.row, &entered, Some(object))?;
        let new = new_row(&object.row, &sealed)?;
        let saved = self.storing(self.store.update(&new, revision, self.now())).await;
        let row = self.answer_save(saved, &sealed, &object.row, revision).await?;
        self.forget_test(&sealed.key());
        self.changed(Change::Saved(row)).await?;
        tracing::info!(provider = %sealed.key(), "saved secret provider {}", sealed.key());
        self.provider(&sealed.key())
    }

    pub(crate) async fn delete_provider(&self, key: &ProviderKey, force: bool) -> Answer<()> {
        let _changing = self.changing.lock().await;
        let config = self.config();
        let object = stored_provider(&config, key)?;
        let by: Vec<String> = config
            .users(key)
            .map(|(credential, _)| {
                let name = credential_name(credential);
                format!("consumer {}, credential {}", name.consumer, name.credential)
            })
            .chain(config.certificates_of(key).map(|certificate| format!("certificate {}", certificate.name)))
            .chain(self.plugin_users(&config, key))
            .collect();
        if !by.is_empty() && !force {
            return Err(ControlError::InUse { by });
        }
        self.storing(self.store.delete(&object.row)).await.map_err(|e| object.stored.object.describe(e))?;
        self.forget_test(key);
        tracing::info!(provider = %key, "deleted secret provider {key}");
        self.changed(Change::Deleted(Deleted::Provider(key.clone()))).await
    }

    pub(crate) async fn test_provider(&self, entered: SecretProvider<Entered>) -> Answer<Diagnosis> {
        self.check_address(&entered)?;
        self.check_permission(&entered)?;
        let config = self.config();
        let stored = config.providers.get(&entered.key()).map(Arc::as_ref);
        let entered = settled(entered, stored);
        let plain = self.open_entered(&entered, stored)?;
        Ok(secrets::diagnose(&plain.settings, &self.ambient(), &self.engine.environment()).await)
    }

    pub(crate) async fn test_stored_provider(&self, key: &ProviderKey) -> Answer<Diagnosis> {
        let config = self.config();
        let plain = open_provider(stored_provider(&config, key)?, &self.sealer).map_err(internal)?;
        let diagnosis = secrets::diagnose(&plain.settings, &self.ambient(), &self.engine.environment()).await;
        let failure = diagnosis.failure().map(|(_, explanation, _)| explanation.what.clone());
        let result = TestResult { at: self.now(), failure };
        self.tests.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), result);
        Ok(diagnosis)
    }

    pub(crate) async fn review_provider(&self, key: &ProviderKey) -> Answer<Review> {
        let config = self.config();
        let plain = open_provider(stored_provider(&config, key)?, &self.sealer).map_err(internal)?;
        let review =
            secrets::review(&plain.settings, &config.references_of(key), &self.ambient(), &self.engine.environment())
                .await;
        if let Review::Done(access) = &review {
            let sentences = access.excess.sentences().to_vec();
            self.excess.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), sentences);
        }
        Ok(review)
    }

    pub(crate) async fn refresh_provider(&self, key: &ProviderKey) -> Answer<ProviderView> {
        stored_provider(&self.config(), key)?;
        // A manager that does not answer shows in the states; the button need not wait for it.
        let _in_time = tokio::time::timeout(REFRESH_WAIT, self.engine.refresh(&self.group, key)).await;
        self.publish();
        self.enforced().await;
        self.provider(key)
    }

    fn forget_test(&self, key: &ProviderKey) {
        self.tests.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        self.excess.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Seals what was typed; keeps what was not.
    fn seal_provider(
        &self,
        row: &str,
        entered: &SecretProvider<Entered>,
        stored: Option<&Object<SecretProvider<Sealed>>>,
    ) -> Answer<SecretProvider<Sealed>> {
        entered.try_map(|field, entered_secret| match entered_secret {
            Entered::Replace(typed) => {
                self.sealer.seal(provider_place(row, field), &typed.clone().into_plain(), self.now()).map_err(internal)
            }
            Entered::Keep => Ok(kept(field, entered, stored)?.1),
        })
    }

    /// Opens what Test Connection is to use.
    fn open_entered(
        &self,
        entered: &SecretProvider<Entered>,
        stored: Option<&Object<SecretProvider<Sealed>>>,
    ) -> Answer<SecretProvider<Plain>> {
        entered.try_map(|field, entered_secret| match entered_secret {
            Entered::Replace(typed) => Ok(typed.clone().into_plain()),
            Entered::Keep => {
                let (row, sealed) = kept(field, entered, stored)?;
                self.sealer.open(provider_place(&row, field), &sealed).map_err(internal)
            }
        })
    }

    /// What only the server's own configuration can allow.
    fn check_permission(&self, entered: &SecretProvider<Entered>) -> Answer<()> {
        let (group, ambient) = (&self.group, self.ambient());
        let (field, flag, setting, value) = match &entered.settings {
            Settings::Aws(aws) if aws.needs_permission() && !ambient.credentials => {
                let is_ambient = aws.credentials.method() == AwsMethod::Ambient;
                let field = if is_ambient { "aws_method" } else { "role_arn" };
                (field, "--ambient-credentials", "ambient_credentials", group.to_string())
            }
            Settings::Vault(vault) if vault.auth.method() == AuthMethod::TokenFile && ambient.token_files.is_none() => {
                ("token_file", "--token-files", "token_files", format!("{group}=/run/vault-agent"))
            }
            Settings::Aws(_) | Settings::Vault(_) | Settings::Kubernetes(_) => return Ok(()),
        };
        Err(ControlError::invalid(
            field,
            format!(
                "The server does not allow the gateway group {group} this. Who runs it can: {flag} {value}, or {setting} = \"{value}\" in its configuration file."
            ),
        ))
    }

    /// A secret manager is never one of our own listeners.
    fn check_address(&self, entered: &SecretProvider<Entered>) -> Answer<()> {
        let (field, host, port) = match &entered.settings {
            Settings::Vault(vault) => ("url", vault.url.host(), vault.url.port()),
            Settings::Aws(aws) => match &aws.endpoint_url {
                Some(url) => ("endpoint_url", url.host(), url.port()),
                None => return Ok(()),
            },
            Settings::Kubernetes(kubernetes) => match kubernetes.server() {
                Some(server) => ("api_server", server.url().host(), server.url().port()),
                None => return Ok(()),
            },
        };
        if self.is_own_address(host, port) {
            let manager = entered.settings.manager().label();
            return Err(ControlError::invalid(
                field,
                format!("This is Postern's own address; enter the address of {manager}."),
            ));
        }
        Ok(())
    }
}

/// The stored secret that an empty field keeps, and the row it is bound to. A stored secret is never
/// sent to another server than the one it was entered for.
fn kept(
    field: &str,
    entered: &SecretProvider<Entered>,
    stored: Option<&Object<SecretProvider<Sealed>>>,
) -> Answer<(String, Sealed)> {
    let missing = || ControlError::invalid(field, "This is needed here.");
    let object = stored.ok_or_else(missing)?;
    if !same_holder(&entered.settings, &object.stored.object.settings) {
        return Err(ControlError::invalid(field, changed_holder(entered.settings.manager())));
    }
    let mut found = None;
    let searched = object.stored.object.try_map(|name, sealed| {
        if name == field {
            found = Some(sealed.clone());
        }
        Ok::<_, std::convert::Infallible>(())
    });
    match searched {
        Ok(_) => found.map(|sealed| (object.row.to_string(), sealed)).ok_or_else(missing),
        Err(never) => match never {},
    }
}

/// Whether a stored secret may be used with both.
fn same_holder<A, B>(one: &Settings<A>, other: &Settings<B>) -> bool {
    match (one, other) {
        (Settings::Vault(one), Settings::Vault(other)) => one.same_holder(other),
        (Settings::Aws(one), Settings::Aws(other)) => one.same_holder(other),
        (Settings::Kubernetes(one), Settings::Kubernetes(other)) => one.same_holder(other),
        (Settings::Vault(_) | Settings::Aws(_) | Settings::Kubernetes(_), _) => false,
    }
}

fn changed_holder(manager: Manager) -> &'static str {
    match manager {
        Manager::Vault => {
            "Enter it again: the Vault Server URL or the TLS Server Name changed, and a stored secret is never sent to another server."
        }
        Manager::Aws => {
            "Enter it again: the Access Key ID or an Endpoint URL changed, and a stored secret serves only what it was entered for."
        }
        Manager::Kubernetes => {
            "Enter it again: the API Server Address changed, and a stored token is never sent to another server."
        }
    }
}

/// A Session Token to keep where none is stored is none.
fn settled(
    mut entered: SecretProvider<Entered>,
    stored: Option<&Object<SecretProvider<Sealed>>>,
) -> SecretProvider<Entered> {
    let stored_token = stored.and_then(|object| match &object.stored.object.settings {
        Settings::Aws(aws) => aws.credentials.access_key()?.session_token.as_ref(),
        Settings::Vault(_) | Settings::Kubernetes(_) => None,
    });
    if let Settings::Aws(aws) = &mut entered.settings
        && let AwsCredentials::AccessKey(key) = &mut aws.credentials
        && key.session_token == Some(Entered::Keep)
        && stored_token.is_none()
    {
        key.session_token = None;
    }
    entered
}

pub(crate) fn stored_provider<'a>(config: &'a Config, key: &ProviderKey) -> Answer<&'a Object<SecretProvider<Sealed>>> {
    config.providers.get(key).map(Arc::as_ref).ok_or_else(|| not_found("secret provider", key))
}

fn new_row(id: &str, provider: &SecretProvider<Sealed>) -> Answer<NewRow> {
    sealed_row(id, Kind::SecretProvider, None, provider.key().to_string(), provider, &mask_provider(provider))
}
