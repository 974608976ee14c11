//! What stands near a secret that is not there. The one question here that lists, asked only when an operator
//! waits for an explanation, and only where the token may.

use super::Vault;
use super::client::Answer;
use postern::near::nearest;
use postern::provider::vault::Kv;
use serde::Deserialize;

impl Vault {
    /// A secret beside `path` with a name like its last segment's: its path below the prefix.
    pub(super) async fn nearby(&self, path: &[String]) -> Option<Vec<String>> {
        let (name, parent) = path.split_last()?;
        let names = self.names_below(parent).await?;
        let names: Vec<&str> = names.iter().map(|name| name.trim_end_matches('/')).collect();
        let near = nearest(name, names.iter().copied())?;
        Some(parent.iter().map(String::as_str).chain([near]).map(str::to_owned).collect())
    }

    async fn names_below(&self, parent: &[String]) -> Option<Vec<String>> {
        #[derive(Deserialize)]
        struct Answered {
            data: Listed,
        }
        #[derive(Deserialize)]
        struct Listed {
            keys: Vec<String>,
        }
        let mount = self.known_mount()?;
        let mut place = self.settings.locate(&mount, parent);
        if place.version == Kv::V2
            && let Some(data) = place.segments.get_mut(mount.path.len())
        {
            "metadata".clone_into(data);
        }
        match self.client.list(&place.segments).await {
            Ok(Answer::Found(body)) => serde_json::from_slice::<Answered>(&body).ok().map(|answer| answer.data.keys),
            Ok(Answer::Absent(_) | Answer::Refused) | Err(_) => None,
        }
    }
}
