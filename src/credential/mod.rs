//! Credentials: how a consumer proves who it is.

mod form;
mod jwt;

pub use form::{ALGORITHM, CredentialForm, FieldName, KEY, MAX_LITERAL, SecretFieldForm, Source};
pub use jwt::JwtAlgorithm;

use crate::name::{ConsumerName, DisplayName, JwtKey, KeyId, ObjectId, Username};
use crate::plugin::PluginName;
use crate::resolve::Failure;
use crate::rule::Rule;
use crate::sensitive::{Plain, SecretField};
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
    /// A signed token (`apisix/plugins/jwt-auth.lua`, RFC 7519).
    JwtAuth {
        key: JwtKey,
        algorithm: JwtAlgorithm,
        /// The secret or, for an algorithm that has one, the public key in PEM.
        secret: SecretField<S>,
        /// Whether the secret is Base64 of the bytes to use.
        base64_secret: bool,
        /// By how many seconds clocks may differ.
        lifetime_grace_period: u64,
    },
    /// A signed request (`apisix/plugins/hmac-auth.lua`).
    HmacAuth { key_id: KeyId, secret_key: SecretField<S> },
}

/// The types of credential, each with a tab of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialType {
    #[default]
    KeyAuth,
    BasicAuth,
    JwtAuth,
    HmacAuth,
}

impl CredentialType {
    /// Every type, in the order of the tabs.
    pub const ALL: [Self; 4] = [Self::KeyAuth, Self::BasicAuth, Self::JwtAuth, Self::HmacAuth];

    /// The plugin that accepts it.
    #[must_use]
    pub fn plugin(self) -> PluginName {
        match self {
            Self::KeyAuth => PluginName::KeyAuth,
            Self::BasicAuth => PluginName::BasicAuth,
            Self::JwtAuth => PluginName::JwtAuth,
            Self::HmacAuth => PluginName::HmacAuth,
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
            Self::JwtAuth => "JWT",
            Self::HmacAuth => "HMAC Authentication",
        }
    }

    /// The button that adds one.
    #[must_use]
    pub fn add_label(self) -> &'static str {
        match self {
            Self::KeyAuth => "Add Key Authentication Credential",
            Self::BasicAuth => "Add Basic Authentication Credential",
            Self::JwtAuth => "Add JWT Credential",
            Self::HmacAuth => "Add HMAC Authentication Credential",
        }
    }

    /// The title of an empty list.
    #[must_use]
    pub fn none_yet(self) -> &'static str {
        match self {
            Self::KeyAuth => "No key yet",
            Self::BasicAuth => "No password yet",
            Self::JwtAuth => "No JWT credential yet",
            Self::HmacAuth => "No HMAC credential yet",
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
            Self::JwtAuth => {
                "A token that the caller signs proves who calls. Its secret may stay in a secret provider; for a key pair, only the public key is needed."
            }
            Self::HmacAuth => {
                "A signature over each request proves who calls. The secret key is never sent, and may stay in a secret provider."
            }
        }
    }

    /// The columns of the list that only this type has; [`CredentialKind::cells`] are their texts.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::KeyAuth => &[],
            Self::BasicAuth => &["Username"],
            Self::JwtAuth => &["Key", "Algorithm"],
            Self::HmacAuth => &["Key ID"],
        }
    }

    /// What the tutorial calls a credential of this type.
    #[must_use]
    pub fn example_name(self) -> &'static str {
        match self {
            Self::KeyAuth => "primary-key",
            Self::BasicAuth => "primary-basic",
            Self::JwtAuth => "primary-jwt",
            Self::HmacAuth => "primary-hmac",
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
            Self::JwtAuth { .. } => CredentialType::JwtAuth,
            Self::HmacAuth { .. } => CredentialType::HmacAuth,
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
            Self::JwtAuth { key, .. } => Some(key.as_str()),
            Self::HmacAuth { key_id, .. } => Some(key_id.as_str()),
        }
    }

    /// What stands in the list's [`CredentialType::columns`].
    #[must_use]
    pub fn cells(&self) -> Vec<String> {
        match self {
            Self::KeyAuth { .. } => Vec::new(),
            Self::BasicAuth { username, .. } => vec![username.to_string()],
            Self::JwtAuth { key, algorithm, .. } => vec![key.to_string(), algorithm.to_string()],
            Self::HmacAuth { key_id, .. } => vec![key_id.to_string()],
        }
    }

    /// The field that proves it.
    #[must_use]
    pub fn secret(&self) -> &SecretField<S> {
        match self {
            Self::KeyAuth { key } => key,
            Self::BasicAuth { password, .. } => password,
            Self::JwtAuth { secret, .. } => secret,
            Self::HmacAuth { secret_key, .. } => secret_key,
        }
    }

    /// Whether the value of a reference may stand in that field.
    ///
    /// # Errors
    /// [`Failure::Unfit`]: it breaks the rule that a text typed in must not break either.
    pub fn check(&self, value: &Plain) -> Result<(), Failure> {
        #[expect(clippy::disallowed_methods, reason = "looked at by the rules of its field; nothing of it is kept")]
        form::fits(self.secret_field(), value.expose()).map_err(|rule| self.unfit(rule))
    }

    /// That the value of that field breaks a rule.
    #[must_use]
    pub fn unfit(&self, rule: Rule) -> Failure {
        Failure::Unfit { field: self.secret_field().label.to_owned(), rule }
    }

    /// What that field is called, in forms and where it is sealed.
    #[must_use]
    pub fn secret_field(&self) -> FieldName {
        match self {
            Self::KeyAuth { .. } => form::KEY,
            Self::BasicAuth { .. } => form::PASSWORD,
            Self::JwtAuth { algorithm, .. } => form::jwt_secret(*algorithm),
            Self::HmacAuth { .. } => form::SECRET_KEY,
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
                CredentialKind::JwtAuth { key, algorithm, base64_secret, lifetime_grace_period, .. } => {
                    CredentialKind::JwtAuth {
                        key: key.clone(),
                        algorithm: *algorithm,
                        secret,
                        base64_secret: *base64_secret,
                        lifetime_grace_period: *lifetime_grace_period,
                    }
                }
                CredentialKind::HmacAuth { key_id, .. } => {
                    CredentialKind::HmacAuth { key_id: key_id.clone(), secret_key: secret }
                }
            },
        })
    }
}
