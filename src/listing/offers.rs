//! What is offered behind what is typed: the providers first, then, one part after the other, what is in use and what
//! the provider lists.

use super::{Listing, Name, NameKind};
use crate::provider::Manager;
use crate::secret_ref::{Opening, SCHEME};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Of more references in use than these, the first complete what is typed.
const MOST_IN_USE: usize = 1000;

/// One way to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// The whole text, with what is typed.
    pub text: String,
    /// A word or two beside it.
    pub detail: String,
    /// It is a reference; else it goes on.
    pub is_whole: bool,
    /// A secret manager named it; else it is in use.
    pub is_listed: bool,
}

/// What is in use in the gateway group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Using {
    /// The text that a reference to each provider begins with, and how it fares.
    pub providers: Vec<(String, String)>,
    pub references: BTreeSet<String>,
}

impl Using {
    /// No more references than can be told.
    #[must_use]
    pub fn cut(mut self) -> Self {
        if let Some(first_left_out) = self.references.iter().nth(MOST_IN_USE).cloned() {
            self.references.split_off(&first_left_out);
        }
        self
    }
}

/// What may follow `typed`. `listing` is what its provider answered for the place, once it has.
#[must_use]
pub fn offers(typed: &str, using: &Using, listing: Option<&Listing>) -> Vec<Offer> {
    let mut offers = providers(typed, using);
    offers.extend(in_use(typed, using));
    let mut texts: BTreeSet<String> = offers.iter().map(|offer| offer.text.clone()).collect();
    let listed = listed(typed, listing).into_iter().filter(|offer| texts.insert(offer.text.clone()));
    offers.extend(listed);
    offers
}

fn providers(typed: &str, using: &Using) -> Vec<Offer> {
    let begun = using.providers.iter().filter(|(text, _)| goes_on(typed, text));
    let offer = |(text, health): &(String, String)| Offer {
        text: text.clone(),
        detail: health.clone(),
        is_whole: false,
        is_listed: false,
    };
    begun.map(offer).collect()
}

/// Of several references below one path the path, and what is below it next.
fn in_use(typed: &str, using: &Using) -> Vec<Offer> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let begun = using.references.iter().filter(|text| goes_on(typed, text));
    for text in begun {
        let from = typed.len().max(SCHEME.len());
        let slash = text.get(from..).and_then(|rest| rest.find('/')).map(|at| from + at);
        let path = slash.map_or(text.as_str(), |slash| &text[..=slash]);
        paths.entry(path).or_default().push(text);
    }
    let offer = |(path, texts): (&str, Vec<&str>)| match texts.as_slice() {
        [only] => {
            Some(Offer { text: (*only).to_owned(), detail: "in use".to_owned(), is_whole: true, is_listed: false })
        }
        // Managers and providers are offered as such.
        _ if path.matches('/').count() < PROVIDER_SLASHES + 1 => None,
        texts => Some(Offer {
            text: path.to_owned(),
            detail: format!("{} in use", texts.len()),
            is_whole: false,
            is_listed: false,
        }),
    };
    paths.into_iter().filter_map(offer).collect()
}

/// In `$secret://vault/my-vault/`.
const PROVIDER_SLASHES: usize = 4;

fn listed(typed: &str, listing: Option<&Listing>) -> Vec<Offer> {
    let (Some(opening), Some(Listing::Names { names, .. })) = (Opening::of(typed), listing) else { return vec![] };
    let offers = names.iter().flat_map(|name| ways(&opening, name));
    offers.filter(|offer| goes_on(typed, &offer.text)).collect()
}

/// How a reference goes on with a name. With AWS a secret may be meant as a whole.
fn ways(opening: &Opening, name: &Name) -> Vec<Offer> {
    let offer = |text: Option<String>, detail: &str, is_whole: bool| {
        text.map(|text| Offer { text, detail: detail.to_owned(), is_whole, is_listed: true })
    };
    let below = |detail| offer(opening.below(&name.text), detail, false);
    let ending = |detail| offer(opening.ending(&name.text), detail, true);
    let ways = match (name.kind, opening.provider().manager) {
        (NameKind::Key, _) => [ending("key"), None],
        (NameKind::Path, _) => [below("path"), None],
        (NameKind::Secret, Manager::Aws) => [ending("secret, as a whole"), below("secret, by key")],
        (NameKind::Secret, Manager::Vault | Manager::Kubernetes) => [below("secret"), None],
    };
    ways.into_iter().flatten().collect()
}

fn goes_on(typed: &str, text: &str) -> bool {
    text.starts_with(typed) && text != typed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn using() -> Using {
        let providers = ["vault/my-vault/", "aws/my-aws/"];
        let references = ["vault/my-vault/redis/password", "vault/my-vault/redis/username", "vault/my-vault/jack/key"];
        Using {
            providers: providers.map(|text| (format!("{SCHEME}{text}"), "Healthy".to_owned())).into(),
            references: references.map(|text| format!("{SCHEME}{text}")).into(),
        }
    }

    fn check(typed: &str, listing: Option<&Listing>, expected: &[(&str, &str)]) {
        let offers = offers(&format!("{SCHEME}{typed}"), &using(), listing);
        let got: Vec<(&str, &str)> =
            offers.iter().map(|offer| (&offer.text[SCHEME.len()..], offer.detail.as_str())).collect();
        assert_eq!(got, expected, "{typed}");
        for Offer { text, is_whole, .. } in offers {
            assert_eq!(is_whole, !text.ends_with('/'), "{text}");
        }
    }

    fn names(names: &[(NameKind, &str)]) -> Listing {
        let names = names.iter().map(|(kind, text)| Name::new(*kind, *text)).collect();
        Listing::Names { names, is_cut: false }
    }

    #[test]
    fn what_is_in_use_is_offered_part_by_part() {
        let jack = ("vault/my-vault/jack/key", "in use");
        check("", None, &[("vault/my-vault/", "Healthy"), ("aws/my-aws/", "Healthy")]);
        check("va", None, &[("vault/my-vault/", "Healthy")]);
        check("vault/my-vault/", None, &[jack, ("vault/my-vault/redis/", "2 in use")]);
        check("vault/my-vault/j", None, &[jack]);
        check(
            "vault/my-vault/redis/",
            None,
            &[("vault/my-vault/redis/password", "in use"), ("vault/my-vault/redis/username", "in use")],
        );
        check("vault/my-vault/jack/key", None, &[]);
        assert_eq!(offers("plain", &using(), None), []);
    }

    #[test]
    fn what_is_listed_follows_and_stands_once() {
        let listing = names(&[(NameKind::Path, "consumer"), (NameKind::Secret, "redis"), (NameKind::Secret, "..")]);
        check(
            "vault/my-vault/",
            Some(&listing),
            &[
                ("vault/my-vault/jack/key", "in use"),
                ("vault/my-vault/redis/", "2 in use"),
                ("vault/my-vault/consumer/", "path"),
            ],
        );
        check("vault/my-vault/c", Some(&listing), &[("vault/my-vault/consumer/", "path")]);
        let keys = names(&[(NameKind::Key, "password"), (NameKind::Key, "port")]);
        check("vault/my-vault/redis/po", Some(&keys), &[("vault/my-vault/redis/port", "key")]);
        check("vault/my-vault/x/", Some(&Listing::Denied), &[]);
    }

    #[test]
    fn a_secret_of_aws_may_be_meant_as_a_whole() {
        let listing = names(&[(NameKind::Secret, "plain"), (NameKind::Path, "prod")]);
        check(
            "aws/my-aws/p",
            Some(&listing),
            &[
                ("aws/my-aws/plain", "secret, as a whole"),
                ("aws/my-aws/plain/", "secret, by key"),
                ("aws/my-aws/prod/", "path"),
            ],
        );
    }
}
