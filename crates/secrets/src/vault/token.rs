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
}

impl Token {
    /// The names of all its policies.
    pub(super) fn all_policies(&self) -> Vec<String> {
        self.policies.iter().chain(self.identity_policies.iter().flatten()).cloned().collect()
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
            Ok(TokenState::Good(token)) => {
                DeniedBecause::policy_missing(token.all_policies(), mount, &self.settings.prefix)
            }
            Ok(TokenState::Bad) => DeniedBecause::TokenInvalid,
            Ok(TokenState::Shy) | Err(_) => DeniedBecause::Unknown,
        };
        Failure::Denied { path, why }
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

        assert_eq!(parse(b"{}"), None);
        assert_eq!(parse(b"<html>"), None);
    }
}
