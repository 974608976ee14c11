//! The names below a path: what completes a reference while an operator writes it, where the user may list.

use super::client::{Content, Refusal};
use super::{Aws, names_of};
use crate::names::Names;
use postern::listing::NameKind;
use postern::provider::aws::{AwsFailure, candidates};

impl Aws {
    /// Names of secrets below `path`, one segment of each, and the keys of the secret of that name. `begun` is how
    /// the next segment begins, as far as that is known.
    pub(super) async fn below(&self, path: &[String], begun: &str) -> Result<Names, AwsFailure> {
        let mut names = Names::default();
        let place: String = path.iter().flat_map(|segment| [segment, "/"]).collect();
        match self.client.names(&format!("{place}{begun}")).await {
            Ok(listed) => {
                names.is_cut = listed.is_cut;
                let below = listed.names.iter().filter_map(|name| name.strip_prefix(&place));
                for name in below.filter(|name| !name.is_empty()) {
                    match name.split_once('/') {
                        Some((segment, _)) => names.add(NameKind::Path, [segment.to_owned()]),
                        None => names.add(NameKind::Secret, [name.to_owned()]),
                    }
                }
            }
            Err(Refusal::Denied | Refusal::Absent) => names.is_denied = true,
            Err(Refusal::Final(failure)) => return Err(failure),
        }
        names.add(NameKind::Key, self.keys_of(path).await);
        Ok(names)
    }

    /// The keys of the secret that the whole path names, if its text is a JSON object.
    async fn keys_of(&self, path: &[String]) -> Vec<String> {
        let Some(whole) = candidates(path).into_iter().find(|candidate| candidate.key.is_none()) else { return vec![] };
        match self.client.get(&whole.secret_id, None).await {
            Ok(Content::Text(text)) => names_of(&text),
            Ok(Content::Binary) | Err(_) => vec![],
        }
    }
}
