//! Requests to Secrets Manager, and what each refusal means.

use super::identity::Identity;
use super::refusal::{Trouble, credential_problem, plain_word, trouble_of};
use super::transport::Transport;
use crate::Ambient;
use crate::explain::Heard;
use crate::network::{Limits, MetadataService};
use aws_sdk_secretsmanager::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, IdentityCache, Region, StalledStreamProtectionConfig};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType};
use aws_sdk_secretsmanager::{Client as Sdk, Config};
use postern::provider::aws::{AwsFailure, AwsSettings, CredentialProblem};
use postern::resolve::UnreachableBecause;
use postern::selection::Pin;
use postern::sensitive::Plain;
use reqwest::Url;
use std::error::Error;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// How many pages of names are looked at, for one that was meant or to complete what is typed.
const PAGES_OF_NAMES: usize = 5;

/// The requests of one provider.
pub(super) struct Client {
    sdk: Sdk,
    pub(super) heard: Heard,
    settings: AwsSettings<Plain>,
    /// The server's configuration does not allow what these settings need.
    barred: bool,
}

/// What a secret holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(Plain),
    Binary,
}

/// Names that a list gave.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) names: Vec<String>,
    /// There are more.
    pub(super) is_cut: bool,
}

/// Why a secret was not given.
#[derive(Debug)]
pub(super) enum Refusal {
    /// There is none of that name.
    Absent,
    /// The user may not read it, or may not know whether it is there.
    Denied,
    /// A refusal that another name would not change, or that says the secret is there.
    Final(AwsFailure),
}

impl Client {
    pub(super) fn new(settings: AwsSettings<Plain>, ambient: &Ambient) -> Self {
        let barred = settings.needs_permission() && !ambient.credentials;
        // Each request has its own limit; with a role and a chain there may be three, one after the other.
        let total = Limits::default().total * if settings.needs_permission() { 3 } else { 1 };
        let identities = match settings.needs_permission() {
            true => IdentityCache::lazy().load_timeout(total).build(),
            false => IdentityCache::no_cache(),
        };
        let limits = TimeoutConfig::builder().operation_timeout(total).operation_attempt_timeout(total).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.to_string()))
            .credentials_provider(Identity::of(&settings))
            .identity_cache(identities)
            // The engine tries again, in its own time.
            .retry_config(RetryConfig::disabled())
            .timeout_config(limits)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Transport::new(MetadataService::Barred));
        if let Some(url) = &settings.endpoint_url {
            config = config.endpoint_url(url.to_string());
        }
        Self { sdk: Sdk::from_conf(config.build()), heard: Heard::default(), settings, barred }
    }

    /// Reads a secret, by name or ARN: the version that `pin` names, or the current one.
    pub(super) async fn get(&self, secret_id: &str, pin: Option<&Pin>) -> Result<Content, Refusal> {
        if self.barred {
            return Err(Refusal::Final(AwsFailure::Credentials { why: CredentialProblem::NotAllowed }));
        }
        let request = self.sdk.get_secret_value().secret_id(secret_id);
        let request = match pin {
            None => request,
            Some(Pin::VersionId(id)) => request.version_id(id),
            Some(Pin::Version(number)) => request.version_id(number.to_string()),
            Some(Pin::Stage(stage)) => request.version_stage(stage),
        };
        // At its finest level the SDK logs requests, identities and answers: nobody listens to it.
        let answer = request.send().with_subscriber(NoSubscriber::default()).await;
        let status = match &answer {
            Ok(_) => Some(200),
            Err(error) => error.raw_response().map(|response| response.status().as_u16()),
        };
        let version = || pin.map(|pin| format!(", {pin}")).unwrap_or_default();
        self.heard.note(|| format!("GetSecretValue {secret_id}{}", version()), status);
        match answer {
            Ok(secret) => match (secret.secret_string, secret.secret_binary) {
                (Some(text), _) => Ok(Content::Text(Plain::new(text))),
                (None, Some(_)) => Ok(Content::Binary),
                // AWS answers with one of the two.
                (None, None) => Err(Refusal::Final(self.unreachable(UnreachableBecause::NotUnderstood))),
            },
            Err(error) => Err(match self.refusal(&error, secret_id) {
                // AWS says the same of a secret that has no such version.
                Refusal::Final(AwsFailure::NoCurrentVersion { region, secret }) if let Some(pin) = pin => {
                    Refusal::Final(AwsFailure::NoSuchVersion { region, secret, pin: pin.to_string() })
                }
                refusal => refusal,
            }),
        }
    }

    /// Names of secrets that begin with `start`, where the user may list them.
    pub(super) async fn names(&self, start: &str) -> Result<Listed, Refusal> {
        if self.barred {
            return Err(Refusal::Final(AwsFailure::Credentials { why: CredentialProblem::NotAllowed }));
        }
        let mut listed = Listed { names: Vec::new(), is_cut: false };
        if !may_begin_a_name(start) {
            return Ok(listed);
        }
        let by_name = || Filter::builder().key(FilterNameStringType::Name).values(start).build();
        let filter = (!start.is_empty()).then(|| vec![by_name()]);
        let mut next = None;
        for _ in 0..PAGES_OF_NAMES {
            let request = self.sdk.list_secrets().max_results(100).set_filters(filter.clone()).set_next_token(next);
            let page = request.send().with_subscriber(NoSubscriber::default()).await;
            let page = page.map_err(|error| self.refusal(&error, start))?;
            listed.names.extend(page.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name));
            next = page.next_token;
            if next.is_none() {
                return Ok(listed);
            }
        }
        Ok(Listed { is_cut: true, ..listed })
    }

    /// Where requests go: the Endpoint URL, or what the SDK's rules have for the region's partition.
    pub(super) async fn endpoint(&self) -> Option<Url> {
        if let Some(url) = &self.settings.endpoint_url {
            return Url::parse(&url.to_string()).ok();
        }
        let region = Params::builder().region(self.settings.region.to_string()).build().ok()?;
        let endpoint = DefaultResolver::new().resolve_endpoint(&region).await.ok()?;
        Url::parse(endpoint.url()).ok()
    }

    pub(super) fn unreachable(&self, why: UnreachableBecause) -> AwsFailure {
        AwsFailure::Unreachable { address: self.settings.address(), why }
    }

    fn refusal<E>(&self, error: &SdkError<E, HttpResponse>, secret_id: &str) -> Refusal
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match trouble_of(error) {
            Trouble::Code { code, message } => self.by_code(&code, &message, secret_id),
            Trouble::Lost(why) => Refusal::Final(self.unreachable(why)),
            Trouble::Nobody(failure) => Refusal::Final(failure),
            Trouble::Unsendable => Refusal::Final(AwsFailure::Credentials { why: CredentialProblem::Unknown }),
        }
    }

    /// By AWS's error code. `message` is AWS's own text: compared, never shown, since it may quote.
    fn by_code(&self, code: &str, message: &str, secret_id: &str) -> Refusal {
        let (region, secret) = (self.settings.region.clone(), secret_id.to_owned());
        if let Some(why) = credential_problem(code, message) {
            return Refusal::Final(AwsFailure::Credentials { why });
        }
        match code {
            // AWS says the same of a secret that is there but has no AWSCURRENT.
            "ResourceNotFoundException" if message.contains("staging label") || message.contains("VersionId") => {
                Refusal::Final(AwsFailure::NoCurrentVersion { region, secret })
            }
            "ResourceNotFoundException" => Refusal::Absent,
            "AccessDeniedException" if message.contains("KMS") => Refusal::Final(AwsFailure::Kms { secret }),
            "AccessDeniedException" => Refusal::Denied,
            "DecryptionFailure" | "DecryptionFailureException" => Refusal::Final(AwsFailure::Kms { secret }),
            "InvalidRequestException" if message.contains("delet") => {
                Refusal::Final(AwsFailure::ScheduledForDeletion { region, secret })
            }
            "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => {
                Refusal::Final(self.unreachable(UnreachableBecause::Throttled))
            }
            other => Refusal::Final(AwsFailure::Refused { secret, code: plain_word(other) }),
        }
    }
}

/// Whether a name may begin like that: AWS would refuse to look for another, and reads a `!` as "all but these".
fn may_begin_a_name(start: &str) -> bool {
    start.len() <= 512 && start.chars().all(|c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c))
}

/// An error with this code and message has a meaning.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_error(code: &str, message: &str) {
    use postern::provider::aws::{AccessKey, AwsCredentials};
    const CANARY: &str = "canary-4711";
    static CLIENT: std::sync::OnceLock<Option<Client>> = std::sync::OnceLock::new();
    let client = CLIENT.get_or_init(|| {
        let key = AccessKey {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().ok()?,
            secret_access_key: Plain::new("s".to_owned()),
            session_token: None,
        };
        let credentials = AwsCredentials::AccessKey(key);
        let settings =
            AwsSettings { region: "us-east-1".parse().ok()?, endpoint_url: None, credentials, assume_role: None };
        Some(Client::new(settings, &Ambient::default()))
    });
    let Some(Refusal::Final(failure)) =
        client.as_ref().map(|client| client.by_code(code, &format!("{message} {CANARY}"), "name"))
    else {
        return;
    };
    let explanation = failure.explain();
    assert!(!explanation.what.is_empty() && !explanation.fix.is_empty(), "{failure:?}");
    assert!(!format!("{failure:?}{explanation:?}").contains(CANARY), "{failure:?} repeats the message");
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::provider::aws::{AccessKey, AwsCredentials};

    fn client() -> Client {
        let settings = AwsSettings {
            region: "us-east-1".parse().unwrap(),
            endpoint_url: None,
            credentials: AwsCredentials::AccessKey(AccessKey {
                access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
                secret_access_key: Plain::new("canary-secret".to_owned()),
                session_token: None,
            }),
            assume_role: None,
        };
        Client::new(settings, &Ambient::default())
    }

    /// Codes and texts as in AWS's documentation and answers.
    #[test]
    fn every_code_of_aws_has_its_meaning() {
        for (code, message, expected) in [
            ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", "Absent"),
            (
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
                "NoCurrentVersion",
            ),
            (
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for VersionId: canary",
                "NoCurrentVersion",
            ),
            ("AccessDeniedException", "User: arn:aws:iam::1:user/u is not authorized to perform", "Denied"),
            ("AccessDeniedException", "Access to KMS is not allowed", "Kms"),
            ("DecryptionFailure", "", "Kms"),
            (
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
                "ScheduledForDeletion",
            ),
            ("InvalidRequestException", "Something else.", "Refused"),
            ("UnrecognizedClientException", "The security token included in the request is invalid.", "Unknown"),
            ("ExpiredTokenException", "The security token included in the request is expired", "Expired"),
            ("InvalidSignatureException", "The request signature we calculated does not match", "BadSignature"),
            ("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier than", "Clock"),
            ("InvalidSignatureException", "Signature not yet current: 20260101T000000Z is", "Clock"),
            ("ThrottlingException", "Rate exceeded", "Throttled"),
            ("InvalidParameterException", "", "InvalidParameterException"),
            ("canary <b>", "", "an unknown error"),
        ] {
            let refusal = format!("{:?}", client().by_code(code, message, "name"));
            assert!(refusal.contains(expected), "{code}, {message}: {refusal}");
            assert!(!refusal.contains("canary"), "{refusal}");
        }
    }

    /// A20 of `tests/vectors`.
    #[tokio::test]
    async fn the_sdk_knows_the_endpoint_of_every_partition() {
        let run = include_str!("../../../../tests/vectors/run.json");
        let run: std::collections::BTreeMap<String, Vec<String>> = serde_json::from_str(run).unwrap();
        assert_eq!(run["secrets_aws_client"], ["A20"]);
        for (region, host) in [
            ("us-east-1", "secretsmanager.us-east-1.amazonaws.com"),
            ("cn-north-1", "secretsmanager.cn-north-1.amazonaws.com.cn"),
            ("us-gov-west-1", "secretsmanager.us-gov-west-1.amazonaws.com"),
        ] {
            let mut client = client();
            client.settings.region = region.parse().unwrap();
            assert_eq!(client.endpoint().await.unwrap().host_str(), Some(host));
        }
    }
}
