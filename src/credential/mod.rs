//! Credentials: how a consumer proves who it is.

mod form;

pub use form::{CredentialForm, FieldName, MAX_LITERAL, SecretFieldForm, Source};

use crate::name::{ConsumerName, DisplayName, ObjectId, Username};
use crate::plugin::PluginName;
use crate::sensitive::SecretField;
use serde::{Deserialize, Serialize};

/// One credential of one consumer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential<S> {
    /// Sent upstream as `X-Credential-Identifier`.
    pub id: ObjectId,
    pub consumer: ConsumerName,
    /// Unique among the consumer's credentials of the same type.
    pub name: DisplayName,
    pub kind: CredentialKind<S>,
}

/// What kind of proof it is. Each has one secret; all but a key also have a name that requests give, which
/// no two credentials of a type share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum CredentialKind<S> {
    /// A key in a header or query parameter (`apisix/plugins/key-auth.lua`).
    KeyAuth { key: SecretField<S> },
    /// Username and password (`apisix/plugins/basic-auth.lua`, RFC 7617).
    BasicAuth { username: Username, password: SecretField<S> },
}

/// The types of credential, each with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialType {
    #[default]
    KeyAuth,
    BasicAuth,
}

impl CredentialType {
    /// Every type, in the order of the tabs.
    pub const ALL: [Self; 2] = [Self::KeyAuth, Self::BasicAuth];

    /// The plugin that accepts it.
    #[must_use]
    pub fn plugin(self) -> PluginName {
        match self {
            Self::KeyAuth => PluginName::KeyAuth,
            Self::BasicAuth => PluginName::BasicAuth,
        }
    }

    /// The machine name, which is its plugin's: `key-auth`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        self.plugin().slug()
    }

    /// The tab's words.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::KeyAuth => "Key Authentication",
            Self::BasicAuth => "Basic Authentication",
        }
    }

    /// The button that adds one.
    #[must_use]
    pub fn add_label(self) -> &'static str {
        match self {
            Self::KeyAuth => "Add Key Authentication Credential",
            Self::BasicAuth => "Add Basic Authentication Credential",
        }
    }

    /// The title of an empty list.
    #[must_use]
    pub fn none_yet(self) -> &'static str {
        match self {
            Self::KeyAuth => "No key yet",
            Self::BasicAuth => "No password yet",
        }
    }

    /// What it is good for, in a sentence or two.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::KeyAuth => "A key proves who calls. Type one in, or refer to one that stays in a secret provider.",
            Self::BasicAuth => {
                "A username and its password prove who calls. The password may stay in a secret provider."
            }
        }
    }

    /// The columns of the list that only this type has; [`CredentialKind::cells`] are their texts.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::KeyAuth => &[],
            Self::BasicAuth => &["Username"],
        }
    }

    /// What the tutorial calls a credential of this type.
    #[must_use]
    pub fn example_name(self) -> &'static str {
        match self {
            Self::KeyAuth => "primary-key",
            Self::BasicAuth => "primary-basic",
        }
    }

    /// What a request is recognised by: the field that no two credentials of the type may share.
    #[must_use]
    pub fn found_by(self) -> &'static str {
        CredentialForm::identifier_field(self).unwrap_or(form::KEY).label
    }

    /// The type of that machine name.
    #[must_use]
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }
}

impl<S> CredentialKind<S> {
    /// Its type.
    #[must_use]
    pub fn credential_type(&self) -> CredentialType {
        match self {
            Self::KeyAuth { .. } => CredentialType::KeyAuth,
            Self::BasicAuth { .. } => CredentialType::BasicAuth,
        }
    }

    /// The machine name of its type.
    #[must_use]
    pub fn slug(&self) -> &'static str {
        self.credential_type().slug()
    }

    /// The name that requests give, if there is one besides the secret: the Username.
    #[must_use]
    pub fn identifier(&self) -> Option<&str> {
        match self {
            Self::KeyAuth { .. } => None,
            Self::BasicAuth { username, .. } => Some(username.as_str()),
        }
    }

    /// What stands in the list's [`CredentialType::columns`].
    #[must_use]
    pub fn cells(&self) -> Vec<String> {
        match self {
            Self::KeyAuth { .. } => Vec::new(),
            Self::BasicAuth { username, .. } => vec![username.to_string()],
        }
    }

    /// The field that proves it.
    #[must_use]
    pub fn secret(&self) -> &SecretField<S> {
        match self {
            Self::KeyAuth { key } => key,
            Self::BasicAuth { password, .. } => password,
        }
    }

    /// What that field is called, in forms and where it is sealed.
    #[must_use]
    pub fn secret_field(&self) -> FieldName {
        match self {
            Self::KeyAuth { .. } => form::KEY,
            Self::BasicAuth { .. } => form::PASSWORD,
        }
    }
}

impl<S> Credential<S> {
    /// Converts the holder of the secret in it; `f` is told the field's name.
    ///
    /// # Errors
    /// Whatever `f` answers.
    pub fn try_map<T, E>(&self, f: impl FnOnce(&'static str, &S) -> Result<T, E>) -> Result<Credential<T>, E> {
        let secret = self.kind.secret().try_map(f, self.kind.secret_field().name)?;
        Ok(Credential {
            id: self.id.clone(),
            consumer: self.consumer.clone(),
            name: self.name.clone(),
            kind: match &self.kind {
                CredentialKind::KeyAuth { .. } => CredentialKind::KeyAuth { key: secret },
                CredentialKind::BasicAuth { username, .. } => {
                    CredentialKind::BasicAuth { username: username.clone(), password: secret }
                }
            },
        })
    }
}
