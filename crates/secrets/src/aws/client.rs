//! Requests to Secrets Manager, and what each refusal means.

use super::transport::{NoAnswer, Transport};
use crate::explain::Heard;
use crate::network::{Limits, timed_out};
use aws_sdk_secretsmanager::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::config::{
    BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::{Client as Sdk, Config};
use aws_smithy_runtime_api::client::result::ConnectorError;
use postern::provider::aws::{AwsFailure, AwsSettings, CredentialProblem};
use postern::resolve::UnreachableBecause;
use postern::sensitive::Plain;
use reqwest::Url;
use std::error::Error;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// How many names are looked at for one that was meant.
const PAGES_OF_NAMES: usize = 5;

/// The requests of one provider.
pub(super) struct Client {
    sdk: Sdk,
    pub(super) heard: Heard,
    settings: AwsSettings<Plain>,
}

/// What a secret holds.
#[derive(Debug)]
pub(super) enum Content {
    Text(Plain),
    Binary,
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
    pub(super) fn new(settings: AwsSettings<Plain>) -> Self {
        let total = Limits::default().total;
        let limits = TimeoutConfig::builder().operation_timeout(total).operation_attempt_timeout(total).build();
        let mut config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(settings.region.to_string()))
            .credentials_provider(credentials(&settings))
            .identity_cache(IdentityCache::no_cache())
            // The engine tries again, in its own time.
            .retry_config(RetryConfig::disabled())
            .timeout_config(limits)
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(Transport::new());
        if let Some(url) = &settings.endpoint_url {
            config = config.endpoint_url(url.to_string());
        }
        Self { sdk: Sdk::from_conf(config.build()), heard: Heard::default(), settings }
    }

    /// Reads the current version of a secret, by name or ARN.
    pub(super) async fn get(&self, secret_id: &str) -> Result<Content, Refusal> {
        // At its finest level the SDK logs requests, identities and answers: nobody listens to it.
        let request = self.sdk.get_secret_value().secret_id(secret_id).send();
        let answer = request.with_subscriber(NoSubscriber::default()).await;
        let status = match &answer {
            Ok(_) => Some(200),
            Err(error) => error.raw_response().map(|response| response.status().as_u16()),
        };
        self.heard.note(|| format!("GetSecretValue {secret_id}"), status);
        match answer {
            Ok(secret) => match (secret.secret_string, secret.secret_binary) {
                (Some(text), _) => Ok(Content::Text(Plain::new(text))),
                (None, Some(_)) => Ok(Content::Binary),
                // AWS answers with one of the two.
                (None, None) => Err(Refusal::Final(self.unreachable(UnreachableBecause::NotUnderstood))),
            },
            Err(error) => Err(self.refusal(&error, secret_id)),
        }
    }

    /// Names of secrets, where the user may list them; else none.
    pub(super) async fn names(&self) -> Vec<String> {
        let (mut names, mut next) = (Vec::new(), None);
        for _ in 0..PAGES_OF_NAMES {
            let request = self.sdk.list_secrets().max_results(100).set_next_token(next).send();
            let Ok(page) = request.with_subscriber(NoSubscriber::default()).await else { break };
            names.extend(page.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name));
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        names
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
        let status = error.raw_response().map(|response| response.status().as_u16());
        let lost = |why| Refusal::Final(self.unreachable(why));
        match error {
            SdkError::ServiceError(service) => match service.err().code() {
                Some(code) if status < Some(500) => {
                    self.by_code(code, service.err().message().unwrap_or_default(), secret_id)
                }
                _ => lost(no_meaning(status)),
            },
            SdkError::ResponseError(_) => lost(no_meaning(status)),
            SdkError::TimeoutError(_) => lost(timed_out(Limits::default().total)),
            SdkError::DispatchFailure(failure) => match no_answer(failure.as_connector_error()) {
                Some(why) => lost(why),
                None => unsendable(),
            },
            _ => unsendable(),
        }
    }

    /// By AWS's error code. `message` is AWS's own text: compared, never shown, since it may quote.
    fn by_code(&self, code: &str, message: &str, secret_id: &str) -> Refusal {
        let (region, secret) = (self.settings.region.clone(), secret_id.to_owned());
        let credentials = |why| Refusal::Final(AwsFailure::Credentials { why });
        match code {
            // AWS says the same of a secret that is there but has no AWSCURRENT.
            "ResourceNotFoundException" if message.contains("staging label") => {
                Refusal::Final(AwsFailure::NoCurrentVersion { region, secret })
            }
            "ResourceNotFoundException" => Refusal::Absent,
            "AccessDeniedException" if message.contains("KMS") => Refusal::Final(AwsFailure::Kms { secret }),
            "AccessDeniedException" => Refusal::Denied,
            "DecryptionFailure" | "DecryptionFailureException" => Refusal::Final(AwsFailure::Kms { secret }),
            "InvalidRequestException" if message.contains("delet") => {
                Refusal::Final(AwsFailure::ScheduledForDeletion { region, secret })
            }
            "UnrecognizedClientException" | "InvalidClientTokenId" | "MissingAuthenticationTokenException" => {
                credentials(CredentialProblem::Unknown)
            }
            "ExpiredTokenException" | "ExpiredToken" => credentials(CredentialProblem::Expired),
            "InvalidSignatureException" if message.contains("expired") || message.contains("not yet current") => {
                credentials(CredentialProblem::Clock)
            }
            "RequestExpired" | "RequestTimeTooSkewed" => credentials(CredentialProblem::Clock),
            "InvalidSignatureException" | "IncompleteSignatureException" | "SignatureDoesNotMatch" => {
                credentials(CredentialProblem::BadSignature)
            }
            "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => {
                Refusal::Final(self.unreachable(UnreachableBecause::Throttled))
            }
            other => Refusal::Final(AwsFailure::Refused { secret, code: plain_word(other) }),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "signs requests; the SDK keeps them in wiped memory")]
fn credentials(settings: &AwsSettings<Plain>) -> Credentials {
    let token = settings.session_token.as_ref().map(|token| token.expose().to_owned());
    Credentials::new(settings.access_key_id.as_str(), settings.secret_access_key.expose(), token, None, "postern")
}

/// An answer that is no answer of Secrets Manager.
fn no_meaning(status: Option<u16>) -> UnreachableBecause {
    match status {
        Some(status) if status != 200 => UnreachableBecause::Status { status },
        _ => UnreachableBecause::NotUnderstood,
    }
}

/// The SDK made no request of it: the keys hold a character that no header can carry, so they are wrong.
fn unsendable() -> Refusal {
    Refusal::Final(AwsFailure::Credentials { why: CredentialProblem::Unknown })
}

/// What our own transport said, from the depth of the SDK's error. Nothing when it was not asked.
fn no_answer(error: Option<&ConnectorError>) -> Option<UnreachableBecause> {
    let mut cause: Option<&(dyn Error + 'static)> = error.map(|error| error as _);
    while let Some(error) = cause {
        if let Some(NoAnswer(why)) = error.downcast_ref() {
            return Some(why.clone());
        }
        cause = error.source();
    }
    None
}

/// A code as it may be shown: what is not a word of AWS's is not repeated.
fn plain_word(code: &str) -> String {
    let is_word = code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric());
    if is_word { code.to_owned() } else { "an unknown error".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client() -> Client {
        Client::new(AwsSettings {
            region: "us-east-1".parse().unwrap(),
            endpoint_url: None,
            access_key_id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret_access_key: Plain::new("canary-secret".to_owned()),
            session_token: None,
        })
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

    #[tokio::test]
    async fn the_sdk_knows_the_endpoint_of_every_partition() {
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
