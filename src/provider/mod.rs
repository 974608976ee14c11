//! Secret providers: how a gateway group reaches a secret manager.
//!
//! A new manager is one new file (or folder) beside `vault.rs`, here, in `crates/secrets` and in `app/src/forms`,
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
use crate::sensitive::Entered;
use aws::{AwsForm, AwsSettings};
use kubernetes::{KubernetesForm, KubernetesSettings};
use serde::{Deserialize, Serialize};
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
    pub fn try_map<T, E>(&self, mut f: impl FnMut(&'static str, &S) -> Result<T, E>) -> Result<SecretProvider<T>, E> {
        Ok(SecretProvider {
            id: self.id.clone(),
            settings: match &self.settings {
                Settings::Vault(vault) => Settings::Vault(vault.try_map(&mut f)?),
                Settings::Aws(aws) => Settings::Aws(aws.try_map(&mut f)?),
                Settings::Kubernetes(kubernetes) => Settings::Kubernetes(kubernetes.try_map(&mut f)?),
            },
            freshness: self.freshness,
        })
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
