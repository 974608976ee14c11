//! The reference grammar: `$secret://<manager>/<provider id>/<path>/<key>`.
//!
//! What the path means is the manager's business. With Vault the last segment is the key. With AWS
//! Secrets Manager a name may contain slashes and the key may be left out, so only a read tells where
//! the name ends (`provider::aws::candidates`). With Kubernetes it is namespace, Secret and key.
//!
//! This is the only place that knows `$secret://`. A [`SecretRef`] cannot hold an invalid reference.
//! The grammar is that of Apache APISIX 3.18 (`apisix/secret.lua`) with stricter decisions: no segment
//! may be `.` or `..` (in APISIX such a reference leaves the provider's prefix), and `\` and `;`, which
//! servers read differently, are refused rather than guessed at. Nothing is percent-decoded. What may stand
//! behind a reference (`?version=3`, `#/json/pointer`, …) is in [`crate::selection`].

mod opening;
mod parse;
mod problem;
mod reading;
#[cfg(test)]
mod tests;

pub use opening::Opening;
pub use problem::{RefError, RefProblem};
pub use reading::{Reading, read};

use crate::name::ProviderId;
use crate::provider::{Manager, ProviderKey};
use crate::selection::{Pin, Selector, suffix};
use crate::text_form::text_form;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How every reference begins. Case-sensitive.
pub const SCHEME: &str = "$secret://";

/// The longest reference, in bytes.
pub const MAX_LENGTH: usize = 1024;

/// A reference to one key of one secret of one provider.
///
/// With Vault, empty segments are dropped (`a//b` is `a/b`, as in APISIX), so the text form is canonical:
/// `parse(r.to_string()) == r`. With AWS they are kept: they may be part of a secret's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SecretRef {
    manager: Manager,
    provider: ProviderId,
    path: Vec<String>,
    pin: Option<Pin>,
    selector: Selector,
}

impl SecretRef {
    /// The secret manager the reference names.
    #[must_use]
    pub fn manager(&self) -> Manager {
        self.manager
    }

    /// The Secret Provider ID the reference names.
    #[must_use]
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// The secret provider it refers to, in whatever group.
    #[must_use]
    pub fn provider_key(&self) -> ProviderKey {
        ProviderKey { manager: self.manager, id: self.provider.clone() }
    }

    /// Whether it refers to that secret provider.
    #[must_use]
    pub fn is_of(&self, provider: &ProviderKey) -> bool {
        self.manager == provider.manager && self.provider == provider.id
    }

    /// The segments between provider and key: which secret. Never empty. With AWS, where that is known
    /// only after a read, all but the last segment, or the only one.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The last segment: which key inside the secret. Empty for an AWS reference of one segment, which
    /// means the whole secret.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.selector.key
    }

    /// The same with another path to the secret; nothing where that is none that a reference can have.
    #[must_use]
    pub fn with_path(&self, path: Vec<String>) -> Option<Self> {
        Self { path, ..self.clone() }.checked()
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Option<Self> {
        let selector = Selector { key: key.to_owned(), ..self.selector.clone() };
        Self { selector, ..self.clone() }.checked()
    }

    /// Names that a manager knows may be none that can be written in a reference.
    fn checked(self) -> Option<Self> {
        self.to_string().parse().ok().filter(|read| *read == self)
    }

    /// The version meant; none for the current one.
    #[must_use]
    pub fn pin(&self) -> Option<&Pin> {
        self.pin.as_ref()
    }

    /// The key, and what is done to its value.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}", self.manager.slug(), self.provider, self.path.join("/"))?;
        if !self.selector.key.is_empty() {
            write!(f, "/{}", self.selector.key)?;
        }
        f.write_str(&suffix(self.pin.as_ref(), &self.selector))
    }
}

text_form!(SecretRef);
