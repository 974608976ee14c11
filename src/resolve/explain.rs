//! A failure in words: what happened, and what to do.

use super::network::explain_unreachable;
use super::refusal::explain_denied;
use super::{DeletedVersion, Explanation, Failure, InvalidBecause};
use crate::near::nearest;
use crate::provider::ProviderKey;
use crate::rule::Rule;

impl Failure {
    /// In words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        match self {
            Self::ProviderMissing { provider, known } => explain_provider_missing(provider, known),
            Self::NotFound { path, deleted } => explain_not_found(path, deleted.as_ref()),
            Self::Version { path, version, why } => why.explain(&logical(path), *version),
            Self::KeyMissing { path, key, present, version, last_seen } => {
                explain_key_missing(path, key, present, *version, *last_seen)
            }
            Self::Denied { path, why } => explain_denied(path, why),
            Self::Unreachable { address, why } => explain_unreachable(address, why),
            Self::Sealed { address } => Explanation::new(
                format!("Vault at {address} is sealed."),
                "Unseal it. Postern tries again by itself and uses the secrets as soon as Vault answers.",
            )
            .with("vault operator unseal"),
            Self::Invalid { path, why } => explain_invalid(path, why),
            Self::Aws(failure) => failure.explain(),
            Self::Kubernetes(failure) => failure.explain(),
            Self::Env(failure) => failure.explain(),
            Self::Unfit { field, rule } => explain_unfit(field, rule),
        }
    }
}

fn explain_provider_missing(provider: &ProviderKey, known: &[String]) -> Explanation {
    let what = format!("There is no secret provider {provider} in this gateway group.");
    let manager = provider.manager.label();
    match known {
        [] => Explanation::new(what, format!("Add {manager} as a secret provider with the ID '{}'.", provider.id)),
        ids => Explanation::new(
            what,
            format!(
                "Use one that exists ({}), or add {manager} as a secret provider with the ID '{}'.",
                ids.join(", "),
                provider.id
            ),
        ),
    }
}

/// The path as `vault kv` commands write it: without the `data/` of a version 2 request.
fn logical(path: &str) -> String {
    path.replacen("/data/", "/", 1)
}

fn explain_not_found(path: &str, deleted: Option<&DeletedVersion>) -> Explanation {
    match deleted {
        Some(DeletedVersion { version, destroyed: true, .. }) => Explanation::new(
            format!("Version {version} of the secret {} was destroyed.", logical(path)),
            "Write the secret again.",
        )
        .with(format!("vault kv put {} <key>=<value>", logical(path))),
        Some(DeletedVersion { version, deleted_at, .. }) => Explanation::new(
            format!("Version {version} of the secret {} was deleted{}.", logical(path), at(deleted_at)),
            "Restore the version, or write the secret again.",
        )
        .with(format!("vault kv undelete -versions={version} {}", logical(path))),
        None => Explanation::new(
            format!("Vault has no secret at {path}."),
            "Check the reference's path and the provider's Secret Prefix, or write the secret.",
        )
        .with(format!("vault kv put {} <key>=<value>", logical(path))),
    }
}

fn at(moment: &str) -> String {
    if moment.is_empty() { String::new() } else { format!(" at {moment}") }
}

fn explain_key_missing(
    path: &str,
    key: &str,
    present: &[String],
    version: Option<u64>,
    last_seen: Option<u64>,
) -> Explanation {
    let secret = match version {
        Some(version) => format!("The secret {} (version {version})", logical(path)),
        None => format!("The secret {}", logical(path)),
    };
    let keys = if present.is_empty() { "it has no keys".to_owned() } else { format!("it has {}", present.join(", ")) };
    let what = format!("{secret} has no key '{key}': {keys}.");
    let patch = format!("vault kv patch {} {key}=<value>", logical(path));
    match last_seen {
        Some(seen) => Explanation::new(
            what,
            format!(
                "Version {seen} still had '{key}'. 'vault kv put' replaces all keys of a secret; add the key back with 'vault kv patch', or put all keys at once."
            ),
        )
        .with(patch),
        None if key.contains(['?', '#']) => Explanation::new(
            what,
            "If the end of the reference is not meant as part of the key: Postern knows ?version=, ?stage=, ?decode=base64 and #/<pointer>; everything else is the key's name.",
        ),
        None => Explanation::new(
            what,
            format!(
                "{}Correct the key at the end of the reference, or add the key. 'vault kv put' replaces all keys of a secret; 'vault kv patch' adds to them.",
                did_you_mean(key, present)
            ),
        )
        .with(patch),
    }
}

/// `Did you mean 'key'? ` when one of the keys that are there looks like it.
pub(crate) fn did_you_mean(key: &str, present: &[String]) -> String {
    match nearest(key, present.iter().map(String::as_str)) {
        Some(near) => format!("Did you mean '{near}'? "),
        None => String::new(),
    }
}

fn explain_unfit(field: &str, rule: &Rule) -> Explanation {
    Explanation::new(
        format!("There is a value, but it breaks a rule of the field {field}. {}", rule.broken()),
        "Change the value at the secret manager, or refer to another key. Postern takes the new value by itself.",
    )
}

fn explain_invalid(path: &str, why: &InvalidBecause) -> Explanation {
    let secret = logical(path);
    match why {
        InvalidBecause::NotText { key, found } => Explanation::new(
            format!("The key '{key}' of {secret} holds {found}, not a text."),
            "Store the value as text.",
        )
        .with(format!("vault kv patch {secret} {key}=<value>")),
        InvalidBecause::Empty { key } => Explanation::new(
            format!("The key '{key}' of {secret} is empty, and an empty value never authenticates anyone."),
            "Store a value.",
        )
        .with(format!("vault kv patch {secret} {key}=<value>")),
        InvalidBecause::NotUsable { key } => Explanation::new(
            format!(
                "The key '{key}' of {secret} holds a value that no request can carry: it has control characters or is longer than 8 KiB."
            ),
            "Store a value without line breaks. A line break at the end often comes from 'echo'; use 'printf'.",
        ),
        InvalidBecause::WrongKvVersion { mount, chosen } => Explanation::new(
            format!(
                "The secret provider says KV version {}, but the mount {mount} is KV version {}.",
                chosen.number(),
                mount.version.number()
            ),
            format!("Switch the secret provider to KV version {}, or to Auto-detect.", mount.version.number()),
        ),
        InvalidBecause::Selection { key, steps, why } => why.explain(&format!("The key '{key}' of {secret}"), steps),
        InvalidBecause::NoNamespace { namespace } => Explanation::new(
            format!("Vault has no namespace '{namespace}'."),
            "Correct the Namespace of the secret provider (Advanced): write all of it, from the root, as in team-a/project. This lists what is there:",
        )
        .with("vault namespace list"),
    }
}
