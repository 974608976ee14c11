//! What the provider's token is, and why it was refused.

use super::Vault;
use super::client::Answer;
use super::mount::Found;
use postern::provider::vault::Mount;
use postern::resolve::{DeniedBecause, Failure, UnreachableBecause};
use serde::Deserialize;

/// What `auth/token/lookup-self` says of a token.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Token {
    /// Seconds left; 0 means for ever.
    pub(super) ttl: u64,
    #[serde(default)]
    pub(super) renewable: bool,
    #[serde(default)]
    pub(super) policies: Vec<String>,
    /// Policies through the token's identity.
    #[serde(default)]
    identity_policies: Option<Vec<String>>,
    /// Requests left; 0 means any number.
    #[serde(default)]
    pub(super) num_uses: u64,
    /// Seconds after which no renewal helps any more; 0 means never, unless Vault's own maximum says so.
    #[serde(default)]
    pub(super) explicit_max_ttl: u64,
    /// The namespace it belongs to, with a slash at its end. Nothing in the root namespace.
    #[serde(default)]
    namespace_path: Option<String>,
}

impl Token {
    /// The names of all its policies.
    pub(super) fn all_policies(&self) -> Vec<String> {
        self.policies.iter().chain(self.identity_policies.iter().flatten()).cloned().collect()
    }

    /// The token's namespace, where it cannot be used in `namespace`: a token serves its own and those below.
    fn elsewhere(&self, namespace: &str) -> Option<String> {
        let own = self.namespace_path.as_deref().unwrap_or_default().trim_matches('/');
        let is_below = own.is_empty() || format!("{namespace}/").starts_with(&format!("{own}/"));
        (!is_below).then(|| own.to_owned())
    }

    pub(super) fn is_root(&self) -> bool {
        self.policies.iter().any(|policy| policy == "root")
    }
}

/// What is known of the provider's token.
pub(super) enum TokenState {
    Good(Token),
    /// Good, but it may not look at itself: it was made without the `default` policy.
    Shy,
    /// Wrong, expired or revoked.
    Bad,
}

impl Vault {
    /// Asks Vault about the provider's token.
    pub(super) async fn token(&self) -> Result<TokenState, Failure> {
        match self.client.get(&["auth", "token", "lookup-self"].map(str::to_owned)).await? {
            Answer::Found(body) => match parse(&body) {
                Some(token) => Ok(TokenState::Good(token)),
                None => Err(self.client.unreachable(UnreachableBecause::NotUnderstood)),
            },
            // Only a good token is shown a mount.
            Answer::Absent(_) | Answer::Refused => match self.look().await? {
                Found::Seen { .. } => Ok(TokenState::Shy),
                // A token that has just been given by a login is no bad one.
                Found::Hidden if self.client.session.method().logs_in() => Ok(TokenState::Shy),
                Found::Hidden => Ok(TokenState::Bad),
            },
        }
    }

    /// Why the token was refused at `path`. An outage meanwhile leaves the reason unknown: the refusal stands.
    pub(super) async fn denied(&self, path: String, mount: &Mount) -> Failure {
        let why = match self.token().await {
            Ok(TokenState::Good(token)) => self
                .of_another_namespace(&token)
                .unwrap_or_else(|| DeniedBecause::policy_missing(token.all_policies(), mount, &self.settings.prefix)),
            Ok(TokenState::Bad) => self.client.refused_token().await,
            Ok(TokenState::Shy) | Err(_) => DeniedBecause::Unknown,
        };
        Failure::Denied { path, why }
    }

    /// Why a good token is of no use in the provider's namespace, if it is not.
    pub(super) fn of_another_namespace(&self, token: &Token) -> Option<DeniedBecause> {
        let provider = self.settings.namespace.clone().unwrap_or_default();
        token.elsewhere(&provider).map(|token| DeniedBecause::OtherNamespace { token, provider })
    }
}

pub(super) fn parse(body: &[u8]) -> Option<Token> {
    #[derive(Deserialize)]
    struct Answered {
        data: Token,
    }
    serde_json::from_slice::<Answered>(body).ok().map(|answer| answer.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_understood() {
        let token = parse(
            br#"{"data":{"id":"s.x","ttl":2764800,"renewable":true,"policies":["default","api7"],
                 "identity_policies":["team"],"num_uses":0,"expire_time":null}}"#,
        )
        .unwrap();
        assert_eq!((token.ttl, token.renewable, token.is_root()), (2_764_800, true, false));
        assert_eq!(token.all_policies(), ["default", "api7", "team"]);

        let root = parse(br#"{"data":{"ttl":0,"policies":["root"]}}"#).unwrap();
        assert!(root.is_root() && !root.renewable && root.num_uses == 0);

        for (own, namespace, expected) in [
            ("", "", None),
            ("", "team", None),
            ("team/", "team", None),
            ("team/", "team/a", None),
            ("team/", "", Some("team")),
            ("team/", "teams", Some("team")),
            ("team/a/", "team", Some("team/a")),
        ] {
            let text = format!(r#"{{"data":{{"ttl":0,"namespace_path":"{own}"}}}}"#);
            let token = parse(text.as_bytes()).unwrap();
            assert_eq!(token.elsewhere(namespace).as_deref(), expected, "{own} in {namespace}");
        }

        assert_eq!(parse(b"{}"), None);
        assert_eq!(parse(b"<html>"), None);
    }
}
