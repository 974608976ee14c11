//! A reference that is begun: what is typed of it names a provider, and a place below it.

use super::parse::{check_segments, parse_manager, parse_provider, segments};
use super::{MAX_LENGTH, SCHEME, SecretRef};
use crate::provider::{Manager, ProviderKey, kubernetes};
use crate::selection::Written;

/// A reference up to somewhere behind its provider: `$secret://vault/my-vault/consumer/al`.
///
/// What a place may be called is the reference's own grammar, so none can climb out of the provider's prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    provider: ProviderKey,
    path: Vec<String>,
    /// The text up to and with its last slash.
    place: String,
    begun: String,
}

impl Opening {
    /// Nothing where no provider is named yet, where extensions have begun, and where no reference can go on like
    /// that.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        let (place, begun) = text.rsplit_once('/')?;
        if text.len() > MAX_LENGTH || !text.starts_with(SCHEME) || Written::of(text).plain != text {
            return None;
        }
        let mut parts = segments(place.get(SCHEME.len()..)?).into_iter();
        let (manager, named) = parse_manager(parts.next(), place.len()).ok()?;
        let id = parse_provider(parts.next(), &named, place.len()).ok()?;
        let mut path = check_segments(parts).ok()?;
        match manager {
            Manager::Vault => path.retain(|segment| !segment.is_empty()),
            // They may be part of a secret's name.
            Manager::Aws => {}
            Manager::Kubernetes => kubernetes::check_place(&path).ok()?,
        }
        let provider = ProviderKey { manager, id };
        Some(Self { provider, path, place: format!("{place}/"), begun: begun.to_owned() })
    }

    /// The provider that it names.
    #[must_use]
    pub fn provider(&self) -> &ProviderKey {
        &self.provider
    }

    /// The segments between the provider and the last slash.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }

    /// The text up to and with the last slash: what every name below that place goes on from.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// What is typed behind the last slash.
    #[must_use]
    pub fn begun(&self) -> &str {
        &self.begun
    }

    /// The reference that ends with `name`; nothing where a reference cannot.
    #[must_use]
    pub fn ending(&self, name: &str) -> Option<String> {
        let text = format!("{}{name}", self.place);
        let reference: SecretRef = text.parse().ok()?;
        let is_whole = reference.pin().is_none() && reference.selector().is_plain();
        is_whole.then_some(text)
    }

    /// The text that goes on below `name`; nothing where no reference can.
    #[must_use]
    pub fn below(&self, name: &str) -> Option<String> {
        let text = format!("{}{name}/", self.place);
        // Any key will do to see whether it can be read back.
        let reference: SecretRef = format!("{text}key").parse().ok()?;
        let is_that = reference.path().last().is_some_and(|last| last == name)
            && reference.key() == "key"
            && reference.selector().is_plain();
        is_that.then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(&[&str], &str)>) {
        let opening = Opening::of(text);
        let got = opening.as_ref().map(|opening| {
            assert_eq!(format!("{}{}", opening.place(), opening.begun()), text);
            (opening.path().iter().map(String::as_str).collect::<Vec<_>>(), opening.begun())
        });
        assert_eq!(got, expected.map(|(path, begun)| (path.to_vec(), begun)), "{text}");
    }

    #[test]
    fn a_place_is_known_as_soon_as_the_provider_is() {
        check("$secret://vault/v/", Some((&[], "")));
        check("$secret://vault/v/con", Some((&[], "con")));
        check("$secret://vault/v/consumer/alice/", Some((&["consumer", "alice"], "")));
        check("$secret://vault/v//consumer//al", Some((&["consumer"], "al")));
        check("$secret://aws/a/prod//x", Some((&["prod", ""], "x")));
        check("$secret://kubernetes/k/team/", Some((&["team"], "")));
        check("$secret://kubernetes/k/", Some((&[], "")));
        for text in ["", "$secret:/", "$secret://", "$secret://vault", "$secret://vault/v", "$SECRET://vault/v/"] {
            check(text, None);
        }
    }

    #[test]
    fn no_place_is_outside_the_providers_prefix() {
        for path in ["..", ".", "a/..", "a/./b", "../../sys", "a\\..", "a;b", "a\n", " a"] {
            for manager in ["vault", "aws", "kubernetes"] {
                check(&format!("$secret://{manager}/p/{path}/"), None);
            }
        }
        // One segment, whatever it is decoded to elsewhere: it is encoded where it is sent.
        check("$secret://vault/v/%2e%2e/", Some((&["%2e%2e"], "")));
        check("$secret://vault/v/a%2Fb/", Some((&["a%2Fb"], "")));
        check("$secret://kubernetes/k/%2e%2e/", None);
        check("$secret://kubernetes/k/Team/", None);
        check("$secret://kubernetes/k/team/secret/key/", None);
        check("$secret://nonsense/v/", None);
        check("$secret://vault/no such/", None);
        check(&format!("$secret://vault/v/{}/", "a".repeat(MAX_LENGTH)), None);
    }

    #[test]
    fn extensions_have_no_names() {
        for text in ["$secret://vault/v/a/k?version=", "$secret://vault/v/a/k#/b", "$secret://vault/v/a/k#/b/c"] {
            check(text, None);
        }
    }

    #[test]
    fn names_that_no_reference_can_have_complete_nothing() {
        let at = |text: &str| Opening::of(text).unwrap();
        let vault = at("$secret://vault/v/a/k");
        for (name, ending, below) in [
            ("key", Some("$secret://vault/v/a/key"), Some("$secret://vault/v/a/key/")),
            ("a b", Some("$secret://vault/v/a/a b"), Some("$secret://vault/v/a/a b/")),
            ("a?version=2", None, Some("$secret://vault/v/a/a?version=2/")),
            ("a#", Some("$secret://vault/v/a/a#"), None),
            ("..", None, None),
            ("", None, None),
            (" a", None, None),
            ("a;b", None, None),
        ] {
            assert_eq!(vault.ending(name).as_deref(), ending, "{name}");
            assert_eq!(vault.below(name).as_deref(), below, "{name}");
        }
        assert_eq!(at("$secret://vault/v/").ending("key"), None, "Vault needs a path and a key");
        assert_eq!(at("$secret://aws/a/").ending("plain").as_deref(), Some("$secret://aws/a/plain"));
        assert_eq!(at("$secret://kubernetes/k/team/").below("Odd"), None);
    }
}
