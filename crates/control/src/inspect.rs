//! A look at what is stored, for the command line: reads the database and asks secret managers, changes
//! nothing, and needs no running server.

use crate::config::{Config, Object, open_provider};
use crate::explain::{Around, explain};
use crate::{KEY_FACT, OpenKeyError, StartError};
use postern::access::Review;
use postern::diagnosis::Diagnosis;
use postern::name::GroupName;
use postern::provider::{ProviderKey, SecretProvider};
use postern::sensitive::Sealed;
use secrets::{Ambient, Environment};
use std::collections::BTreeMap;
use std::path::Path;
use store::{MasterKey, SealError, Sealer, Store};

/// What was stored when it was opened.
pub struct Inspector {
    config: Config,
    sealer: Sealer,
    around: Around,
}

/// Why what is stored cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum InspectError {
    #[error(transparent)]
    Store(#[from] store::StoreError),
    #[error(transparent)]
    Key(#[from] OpenKeyError),
    #[error(transparent)]
    Unreadable(#[from] StartError),
    #[error("a stored secret cannot be opened")]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Which(#[from] WhichProvider),
    #[error("there is no master key yet: nothing was ever stored here")]
    Empty,
}

/// Why an ID names no provider.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhichProvider {
    #[error("there is no secret provider '{id}'; known: {}", listed(.known))]
    None { id: String, known: Vec<String> },
    #[error("more than one secret provider has that ID; write one of {}", .of.join(", "))]
    Several { of: Vec<String> },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Inspector {
    /// Reads the whole configuration of the group. The database is opened for reading only, so a server may
    /// run meanwhile; it is closed again before this returns.
    ///
    /// # Errors
    /// There is no database, its tables are another version's, or the master key is not the one it needs.
    pub async fn open(
        database_url: &str,
        master_key: &Path,
        ambient: &BTreeMap<GroupName, Ambient>,
        environment: Environment,
    ) -> Result<Self, InspectError> {
        let store = Store::open_to_read(database_url).await?;
        let read = Self::read(&store, master_key, ambient, environment).await;
        store.close().await;
        read
    }

    async fn read(
        store: &Store,
        master_key: &Path,
        ambient: &BTreeMap<GroupName, Ambient>,
        environment: Environment,
    ) -> Result<Self, InspectError> {
        // Without this fact the key would be made, and nothing is made here.
        let needed = store.fact(KEY_FACT).await?.ok_or(InspectError::Empty)?;
        let key = MasterKey::open(master_key, Some(&needed)).map_err(OpenKeyError::Key)?;
        let group = GroupName::default_group();
        let config = Config::read(&group, store, |_| (), |_, _, ()| ()).await?;
        let ambient = ambient.get(&group).cloned().unwrap_or_default();
        Ok(Self { config, sealer: Sealer::new(&key)?, around: Around { ambient, environment } })
    }

    /// Explains a reference.
    ///
    /// # Errors
    /// The provider's stored secret does not open.
    pub async fn explain(&self, text: &str) -> Result<Diagnosis, InspectError> {
        Ok(explain(&self.config, &self.sealer, text, &self.around).await?)
    }

    /// Test Connection of the stored provider of that ID, or of that manager and ID: `my-vault`,
    /// `vault/my-vault`.
    ///
    /// # Errors
    /// `Which`; or its stored secret does not open.
    pub async fn test(&self, id: &str) -> Result<Diagnosis, InspectError> {
        let provider = open_provider(self.find(id)?, &self.sealer)?;
        Ok(secrets::diagnose(&provider.settings, &self.around.ambient, &self.around.environment).await)
    }

    /// Least privilege of that provider, for the references in use.
    ///
    /// # Errors
    /// As [`Inspector::test`].
    pub async fn review(&self, id: &str) -> Result<Review, InspectError> {
        let object = self.find(id)?;
        let provider = open_provider(object, &self.sealer)?;
        let references = self.config.references_of(&object.stored.object.key());
        Ok(secrets::review(&provider.settings, &references, &self.around.ambient, &self.around.environment).await)
    }

    fn find(&self, id: &str) -> Result<&Object<SecretProvider<Sealed>>, WhichProvider> {
        let named = self.config.providers.iter().filter(|(key, _)| key.to_string() == id || key.id.as_str() == id);
        let names = |keys: &mut dyn Iterator<Item = &ProviderKey>| keys.map(ToString::to_string).collect();
        match named.collect::<Vec<_>>().as_slice() {
            [] => Err(WhichProvider::None { id: id.to_owned(), known: names(&mut self.config.providers.keys()) }),
            [(_, one)] => Ok(one),
            several => Err(WhichProvider::Several { of: names(&mut several.iter().map(|(key, _)| *key)) }),
        }
    }
}
