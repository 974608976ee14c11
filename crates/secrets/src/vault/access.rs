//! What the token needs for the secrets in use, and what it may do beyond that. Asks about paths; reads and
//! writes nothing.

use super::Vault;
use super::client::Answer;
use super::mount::Found;
use super::token::TokenState;
use postern::access::{Access, Excess};
use postern::provider::vault::{Kv, Mount, ReadPath, least_policy, read_policy};
use postern::resolve::Failure;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many paths in use are asked about.
const ASKED: usize = 200;

/// A name that no secret, policy or mount should have.
const PROBE: &str = "postern-permission-probe";

/// Paths that no reader of secrets needs, and what it means to have one.
const TELL_TALES: [(&str, &str); 5] = [
    ("sys/policies/acl", "It may write policies, and so give itself every right."),
    ("sys/auth", "It may enable authentication methods."),
    ("sys/mounts", "It may mount secrets engines."),
    ("auth/token/create-orphan", "It may create tokens that outlive it."),
    ("sys/raw", "It may read Vault's own storage."),
];

impl Vault {
    /// The policy that reading `paths` takes, and what the token has beyond it.
    pub(super) async fn permissions(&self, paths: &BTreeSet<Vec<String>>) -> Result<Access, Failure> {
        let mount = match self.look().await? {
            Found::Seen { mount, .. } => mount,
            Found::Hidden => self.assumed(self.settings.kv_version.chosen().unwrap_or(Kv::V2)),
        };
        let places: Vec<ReadPath> = paths.iter().map(|path| self.settings.locate(&mount, path)).collect();
        let policy = match places.is_empty() {
            true => read_policy(&mount, &self.settings.prefix),
            false => least_policy(&mount, &places),
        };
        let excess = self.excess(&mount, &places).await?;
        Ok(Access { language: "Vault policy (HCL)".to_owned(), policy, excess })
    }

    async fn excess(&self, mount: &Mount, places: &[ReadPath]) -> Result<Excess, Failure> {
        if let TokenState::Good(token) = self.token().await?
            && token.is_root()
        {
            return Ok(Excess::of(vec!["It is a root token: it may do everything in Vault.".to_owned()]));
        }
        let own: Vec<String> = places.iter().take(ASKED).map(ToString::to_string).collect();
        let beside = self.beside(mount);
        let probes = TELL_TALES.map(|(path, _)| format!("{path}/{PROBE}"));
        let asked: Vec<&String> = own.iter().chain(&beside).chain(&probes).collect();
        let question = serde_json::json!({ "paths": asked });
        let answer = self.client.ask(&["sys", "capabilities-self"].map(str::to_owned), &question).await?;
        let granted = match &answer {
            Answer::Found(body) => capabilities(body),
            Answer::Absent(_) | Answer::Refused => None,
        };
        let Some(granted) = granted else {
            let why = "The token may not ask what it may do; attach the 'default' policy to it.".to_owned();
            return Ok(Excess::Unknown { why });
        };
        let mut what = Vec::new();
        for path in &own {
            let more: Vec<&str> = beyond(&granted, path, &["read", "list", "deny"]).collect();
            if !more.is_empty() {
                what.push(format!("It may not only read {path} but also {}.", more.join(", ")));
            }
        }
        if beside.iter().any(|path| beyond(&granted, path, &["list", "deny"]).next().is_some()) {
            let prefix = &self.settings.prefix;
            what.push(format!("It may reach other secrets of the mount {mount} than those below {prefix}."));
        }
        let told = TELL_TALES.iter().zip(&probes);
        let told = told.filter(|(_, path)| beyond(&granted, path, &["list", "deny"]).next().is_some());
        what.extend(told.map(|((_, sentence), _)| (*sentence).to_owned()));
        Ok(Excess::of(what))
    }

    /// A secret beside the prefix, in the same mount; none where the prefix is the whole mount.
    fn beside(&self, mount: &Mount) -> Option<String> {
        if self.settings.prefix.below(mount).is_empty() {
            return None;
        }
        let data = match mount.version {
            Kv::V1 => "",
            Kv::V2 => "data/",
        };
        Some(format!("{mount}{data}{PROBE}"))
    }
}

/// What is granted at `path` besides `needed`.
fn beyond<'a>(
    granted: &'a BTreeMap<String, Vec<String>>,
    path: &str,
    needed: &'static [&'static str],
) -> impl Iterator<Item = &'a str> {
    let granted = granted.get(path).into_iter().flatten().map(String::as_str);
    granted.filter(move |capability| !needed.contains(capability))
}

/// What `sys/capabilities-self` says of each path.
pub(super) fn capabilities(body: &[u8]) -> Option<BTreeMap<String, Vec<String>>> {
    #[derive(Deserialize)]
    struct Answered {
        data: BTreeMap<String, Vec<String>>,
    }
    serde_json::from_slice::<Answered>(body).ok().map(|answered| answered.data)
}
