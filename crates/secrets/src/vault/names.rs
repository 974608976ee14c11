//! The names below a path: what completes a reference while an operator writes it, where the token may list. And what
//! stands near a secret that is not there, when an operator waits for an explanation.

use super::Vault;
use super::client::Answer;
use super::mount::Found;
use super::read::key_names;
use crate::names::Names;
use postern::listing::NameKind;
use postern::near::nearest;
use postern::provider::vault::{Kv, Mount};
use postern::resolve::Failure;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::collections::BTreeMap;

impl Vault {
    /// Paths, secrets and keys below `path`.
    ///
    /// # Errors
    /// There was no answer, or the login was refused.
    pub(super) async fn names(&self, path: &[String]) -> Result<Names, Failure> {
        let mounts = match (self.found().await?, self.settings.kv_version.chosen()) {
            (Found::Seen { mount, .. }, _) => vec![mount],
            (Found::Hidden, Some(chosen)) => vec![self.assumed(chosen)],
            (Found::Hidden, None) => vec![self.assumed(Kv::V2), self.assumed(Kv::V1)],
        };
        let mut names = Names::default();
        for mount in mounts {
            self.add_names(&mount, path, &mut names).await?;
            if !names.is_empty() {
                break;
            }
        }
        Ok(names)
    }

    async fn add_names(&self, mount: &Mount, path: &[String], names: &mut Names) -> Result<(), Failure> {
        match self.client.list(&self.beside_data(mount, path, "metadata")).await? {
            Answer::Found(body) => {
                let (paths, secrets) = listed(&body).into_iter().partition::<Vec<_>, _>(|name| name.ends_with('/'));
                names.add(NameKind::Path, paths.iter().map(|path| path.trim_end_matches('/').to_owned()));
                names.add(NameKind::Secret, secrets);
            }
            Answer::Absent(_) => {}
            Answer::Refused => names.is_denied = true,
        }
        // The prefix itself is no secret that a reference could name.
        if !path.is_empty() {
            names.add(NameKind::Key, self.keys_of(mount, path).await?);
        }
        Ok(())
    }

    /// The keys of the secret at `path`, if there is one. `subkeys` (KV version 2) answers without values; where it is
    /// refused, a read does.
    async fn keys_of(&self, mount: &Mount, path: &[String]) -> Result<Vec<String>, Failure> {
        let place = self.settings.locate(mount, path);
        if place.version == Kv::V2 {
            match self.client.get(&self.beside_data(mount, path, "subkeys")).await? {
                Answer::Found(body) => return Ok(subkeys(&body)),
                Answer::Absent(_) => return Ok(vec![]),
                Answer::Refused => {}
            }
        }
        Ok(match self.client.get(&place.segments).await? {
            Answer::Found(body) => key_names(&place, &body),
            Answer::Absent(_) | Answer::Refused => vec![],
        })
    }

    /// Where something else about the secrets below `path` is asked than their values: on version 2 another word
    /// stands in place of `data`.
    fn beside_data(&self, mount: &Mount, path: &[String], word: &str) -> Vec<String> {
        let mut place = self.settings.locate(mount, path);
        if place.version == Kv::V2
            && let Some(data) = place.segments.get_mut(mount.path.len())
        {
            word.clone_into(data);
        }
        place.segments
    }

    /// A secret beside `path` with a name like its last segment's: its path below the prefix.
    pub(super) async fn nearby(&self, path: &[String]) -> Option<Vec<String>> {
        let (name, parent) = path.split_last()?;
        let mount = self.known_mount()?;
        let Ok(Answer::Found(body)) = self.client.list(&self.beside_data(&mount, parent, "metadata")).await else {
            return None;
        };
        let names = listed(&body);
        let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches('/')).collect();
        let near = nearest(name, names.iter().copied())?;
        Some(parent.iter().map(String::as_str).chain([near]).map(str::to_owned).collect())
    }
}

#[derive(Deserialize)]
struct Answered<T> {
    data: T,
}

/// The names in the answer to LIST; a path's ends with a slash.
fn listed(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Listed {
        keys: Vec<String>,
    }
    serde_json::from_slice::<Answered<Listed>>(body).map(|answer| answer.data.keys).unwrap_or_default()
}

/// The names of a secret's keys; what is below them is its own business.
fn subkeys(body: &[u8]) -> Vec<String> {
    #[derive(Deserialize)]
    struct Subkeys {
        subkeys: BTreeMap<String, IgnoredAny>,
    }
    let answer = serde_json::from_slice::<Answered<Subkeys>>(body);
    answer.map(|answer| answer.data.subkeys.into_keys().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_from_what_vault_answers_and_from_nothing_else() {
        for (body, expected) in [
            (r#"{"data":{"keys":["a","b/"]},"lease_id":""}"#, vec!["a", "b/"]),
            (r#"{"data":{"keys":[1]}}"#, vec![]),
            (r#"{"data":null}"#, vec![]),
            ("<html>", vec![]),
        ] {
            assert_eq!(listed(body.as_bytes()), expected, "{body}");
        }
        for (body, expected) in [
            (r#"{"data":{"metadata":{"version":1},"subkeys":{"key":null,"db":{"password":null}}}}"#, vec!["db", "key"]),
            (r#"{"data":{"subkeys":null}}"#, vec![]),
            (r#"{"errors":[]}"#, vec![]),
        ] {
            assert_eq!(subkeys(body.as_bytes()), expected, "{body}");
        }
    }
}
