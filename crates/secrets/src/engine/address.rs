//! Which secret is meant.

use postern::name::GroupName;
use postern::provider::ProviderKey;
use postern::secret_ref::SecretRef;
use postern::selection::Pin;
use serde::{Deserialize, Serialize};

/// Which secret: one read answers all its keys. Those of one provider stand together in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Address {
    pub(super) group: GroupName,
    pub(super) provider: ProviderKey,
    pub(super) path: Vec<String>,
    /// The version that is read; none for the current one.
    pub(super) pin: Option<Pin>,
}

impl Address {
    /// The secret that answers `reference`.
    #[must_use]
    pub fn of(group: &GroupName, reference: &SecretRef) -> Self {
        let (provider, path) = (reference.provider_key(), reference.path().to_vec());
        Self { group: group.clone(), provider, path, pin: reference.pin().cloned() }
    }

    /// Stands before every secret of a provider.
    #[must_use]
    pub fn first_of(group: &GroupName, provider: &ProviderKey) -> Self {
        Self { group: group.clone(), provider: provider.clone(), path: Vec::new(), pin: None }
    }

    /// Whether it is a secret of that provider.
    #[must_use]
    pub fn is_of(&self, group: &GroupName, provider: &ProviderKey) -> bool {
        self.group == *group && self.provider == *provider
    }
}
