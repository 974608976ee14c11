//! Secret providers: how a gateway group reaches a secret manager.
//!
//! A new manager is one new file (or folder) beside `aws`, here, in `crates/secrets` and in `app/src/forms`,
//! plus the match arms the compiler then asks for.

mod activity;
pub mod address;
pub mod aws;
mod freshness;
pub mod kubernetes;
pub mod timeout;
pub mod vault;

pub use activity::{ProviderActivity, VersionCheck};
pub use freshness::{Freshness, FreshnessForm};

use crate::name::ProviderId;
use crate::problem::{FieldProblem, Problems};
use crate::secret_ref::Reading;
use crate::sensitive::Entered;
use aws::{AwsForm, AwsSettings};
use kubernetes::{KubernetesForm, KubernetesSettings};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use vault::{VaultForm, VaultSettings};

/// A kind of secret manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Manager {
    Vault,
    Aws,
    Kubernetes,
}

impl Manager {
    /// Every manager, in the order the dialog offers them.
    pub const ALL: [Self; 3] = [Self::Vault, Self::Aws, Self::Kubernetes];

    /// How references name it.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Aws => "aws",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// How the dashboard names it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Vault => "HashiCorp Vault",
            Self::Aws => "AWS Secrets Manager",
            Self::Kubernetes => "Kubernetes Secrets",
        }
    }

    /// What stands behind the provider's id in its references.
    #[must_use]
    pub fn reference_form(self) -> &'static str {
        match self {
            Self::Vault => "<path>/<key>",
            Self::Aws => "<secret name>/<key>",
            Self::Kubernetes => "<namespace>/<secret>/<key>",
        }
    }

    /// The Secret Provider ID of the examples.
    #[must_use]
    pub fn example_id(self) -> &'static str {
        match self {
            Self::Vault => "my-vault",
            Self::Aws => "my-secrets-manager",
            Self::Kubernetes => "my-k8s",
        }
    }

    /// What the examples' reference has behind the provider's id, as in the tutorials.
    #[must_use]
    pub fn example_path(self) -> &'static str {
        match self {
            Self::Vault => "consumer/alice/key",
            Self::Aws => "alice-credentials/alice-key-auth",
            Self::Kubernetes => "default/alice-credentials/alice-key-auth",
        }
    }

    /// The manager of that slug. Case matters, as in APISIX.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|m| m.slug() == slug)
    }
}

/// A secret provider: its id, how to reach it, and how fresh its values must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretProvider<S> {
    pub id: ProviderId,
    pub settings: Settings<S>,
    pub freshness: Freshness,
}

/// What is particular to each manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "manager", rename_all = "snake_case")]
pub enum Settings<S> {
    Vault(VaultSettings<S>),
    Aws(AwsSettings<S>),
    Kubernetes(KubernetesSettings<S>),
}

impl<S> Settings<S> {
    /// Which manager these settings are for.
    #[must_use]
    pub fn manager(&self) -> Manager {
        match self {
            Self::Vault(_) => Manager::Vault,
            Self::Aws(_) => Manager::Aws,
            Self::Kubernetes(_) => Manager::Kubernetes,
        }
    }

    /// Converts the holder of every secret in them. `f` gets the field's name.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map<T, E>(&self, mut f: impl FnMut(&'static str, &S) -> Result<T, E>) -> Result<Settings<T>, E> {
        Ok(match self {
            Self::Vault(vault) => Settings::Vault(vault.try_map(&mut f)?),
            Self::Aws(aws) => Settings::Aws(aws.try_map(&mut f)?),
            Self::Kubernetes(kubernetes) => Settings::Kubernetes(kubernetes.try_map(&mut f)?),
        })
    }

    /// Where the manager is, as the operator wrote it.
    #[must_use]
    pub fn address(&self) -> String {
        match self {
            Self::Vault(vault) => vault.url.to_string(),
            Self::Aws(aws) => aws.address(),
            Self::Kubernetes(kubernetes) => kubernetes.address(),
        }
    }
}

impl<S> SecretProvider<S> {
    /// What identifies it in its group: manager and id, as in APISIX.
    #[must_use]
    pub fn key(&self) -> ProviderKey {
        ProviderKey { manager: self.settings.manager(), id: self.id.clone() }
    }

    /// Converts the holder of every secret in it. `f` gets the field's name, which binds a sealed
    /// value to its place.
    ///
    /// # Errors
    /// The first error of `f`.
    pub fn try_map<T, E>(&self, f: impl FnMut(&'static str, &S) -> Result<T, E>) -> Result<SecretProvider<T>, E> {
        Ok(SecretProvider { id: self.id.clone(), settings: self.settings.try_map(f)?, freshness: self.freshness })
    }
}

/// Manager and id together name one provider of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProviderKey {
    pub manager: Manager,
    pub id: ProviderId,
}

impl std::fmt::Display for ProviderKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.manager.slug(), self.id)
    }
}

/// The provider dialog as typed. Every field is text, so a plain HTML form can post it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderForm {
    pub id: String,
    /// The manager's slug.
    pub manager: String,
    pub vault: VaultForm,
    pub aws: AwsForm,
    pub kubernetes: KubernetesForm,
    pub freshness: FreshnessForm,
}

impl Default for ProviderForm {
    fn default() -> Self {
        Self {
            id: String::new(),
            manager: Manager::Vault.slug().to_owned(),
            vault: VaultForm::default(),
            aws: AwsForm::default(),
            kubernetes: KubernetesForm::default(),
            freshness: FreshnessForm::default(),
        }
    }
}

impl ProviderForm {
    /// Checks every field and says what is wrong with each.
    ///
    /// # Errors
    /// One problem for each field at fault; fields are named as in this struct.
    pub fn parse(&self) -> Result<SecretProvider<Entered>, Vec<FieldProblem>> {
        let mut problems = Problems::default();
        let id = problems.check("id", self.id.trim().parse());
        let settings = match Manager::from_slug(&self.manager) {
            Some(Manager::Vault) => self.vault.parse(&mut problems).map(Settings::Vault),
            Some(Manager::Aws) => self.aws.parse(&mut problems).map(Settings::Aws),
            Some(Manager::Kubernetes) => self.kubernetes.parse(&mut problems).map(Settings::Kubernetes),
            None => {
                problems.add("manager", "Choose one of the listed secret managers.");
                None
            }
        };
        if let Some(settings) = &settings {
            check_references(settings, &mut problems);
        }
        let freshness = self.freshness.parse(&mut problems);
        let provider = (|| Some(SecretProvider { id: id?, settings: settings?, freshness: freshness? }))();
        problems.finish(provider)
    }

    /// The form that edits `provider`. Secret fields are empty, which keeps what is stored.
    #[must_use]
    pub fn of<S>(provider: &SecretProvider<S>) -> Self {
        let mut form = Self {
            id: provider.id.to_string(),
            manager: provider.settings.manager().slug().to_owned(),
            freshness: FreshnessForm::of(provider.freshness),
            ..Self::default()
        };
        match &provider.settings {
            Settings::Vault(vault) => form.vault = VaultForm::of(vault),
            Settings::Aws(aws) => form.aws = AwsForm::of(aws),
            Settings::Kubernetes(kubernetes) => form.kubernetes = KubernetesForm::of(kubernetes),
        }
        form
    }
}

/// A secret of a provider may stand in the environment, but never in a secret manager.
fn check_references(settings: &Settings<Entered>, problems: &mut Problems) {
    let Ok(_) = settings.try_map(|field, secret| {
        let Entered::Replace(typed) = secret else { return Ok::<_, Infallible>(()) };
        match typed.reads_as() {
            Reading::Literal | Reading::Env(_) => {}
            Reading::Malformed(error) => problems.add(field, error.to_string()),
            Reading::NearMiss(why) => problems.add(field, why),
            Reading::Reference(_) => problems.add(
                field,
                "What a secret provider needs itself cannot come from one: enter it, or refer to the environment with $env://<NAME>.",
            ),
        }
        Ok(())
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault::FormSecret;

    fn check(token: &str, expected: Result<(), &str>) {
        let form = ProviderForm {
            id: "my-vault".to_owned(),
            vault: VaultForm {
                url: "http://127.0.0.1:8200".to_owned(),
                prefix: "secret/api7".to_owned(),
                auth: vault::AuthForm { token: FormSecret(token.to_owned()), ..vault::AuthForm::default() },
                ..VaultForm::default()
            },
            ..ProviderForm::default()
        };
        match (form.parse(), expected) {
            (Ok(_), Ok(())) => {}
            (Err(problems), Err(part)) => {
                assert!(problems[0].field == "token" && problems[0].problem.contains(part), "{token}: {problems:?}");
            }
            (got, _) => panic!("{token}: {got:?}"),
        }
    }

    #[test]
    fn a_providers_own_secret_may_come_from_the_environment_only() {
        check("s.token", Ok(()));
        check("$env://POSTERN_SECRET_TOKEN", Ok(()));
        check("$ENV://POSTERN_SECRET_VAULT/token", Ok(()));
        check("$secret://vault/other/a/token", Err("cannot come from one"));
        check("$secret://vault/other", Err("add /<path>/<key>"));
        check("$env://", Err("name of the environment variable"));
        check("$env:/A", Err("write $env://<NAME>"));
    }
}
