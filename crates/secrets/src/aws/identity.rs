//! Who signs: the provider's own key, or what the SDK's chain finds where Postern runs; and a role assumed with
//! either. What was given for a time is kept by the SDK until shortly before it ends.
//!
//! What must never happen here: the chain asked without the server's configuration allowing it.

use super::refusal::{Trouble, credential_problem, plain_word, trouble_of};
use super::transport::Transport;
use crate::network::MetadataService;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{Result as Provided, future};
use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, ProvideCredentials, Region};
use postern::provider::aws::{
    AccessKey, AssumeRole, AwsCredentials, AwsFailure, AwsSettings, CredentialProblem, RoleProblem,
};
use postern::resolve::UnreachableBecause;
use postern::sensitive::Plain;
use std::time::{Duration, SystemTime};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tracing::instrument::WithSubscriber;
use tracing::subscriber::NoSubscriber;

/// How long the chain may look. On a machine that is none of a cloud's, its last question is answered by nobody.
const LOOKING: Duration = Duration::from_secs(4);

/// Who signs for one provider.
#[derive(Debug)]
pub(super) struct Identity {
    base: Base,
    role: Option<AssumeRole>,
    region: Region,
}

#[derive(Debug)]
enum Base {
    Key(Credentials),
    Chain(OnceCell<DefaultCredentialsChain>),
}

/// Why there is nobody to sign, on its way through the SDK's errors.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no credentials")]
pub(super) struct Nobody(pub(super) AwsFailure);

impl Identity {
    pub(super) fn of(settings: &AwsSettings<Plain>) -> Self {
        let base = match &settings.credentials {
            AwsCredentials::AccessKey(key) => Base::Key(credentials(key)),
            AwsCredentials::Ambient => Base::Chain(OnceCell::new()),
        };
        let region = Region::new(settings.region.to_string());
        Self { base, role: settings.assume_role.clone(), region }
    }

    async fn credentials(&self) -> Result<Credentials, AwsFailure> {
        let base = match &self.base {
            Base::Key(key) => key.clone(),
            Base::Chain(chain) => self.look(chain.get_or_init(|| self.chain()).await).await?,
        };
        match &self.role {
            Some(role) => self.assume(role, base).await,
            None => Ok(base),
        }
    }

    async fn chain(&self) -> DefaultCredentialsChain {
        let transport = Transport::new(MetadataService::Allowed);
        let config = ProviderConfig::without_region()
            .with_http_client(transport)
            .with_behavior_version(Some(BehaviorVersion::latest()));
        DefaultCredentialsChain::builder().configure(config).region(self.region.clone()).build().await
    }

    async fn look(&self, chain: &DefaultCredentialsChain) -> Result<Credentials, AwsFailure> {
        let found = timeout(LOOKING, chain.provide_credentials().with_subscriber(NoSubscriber::default())).await;
        let nothing = AwsFailure::Credentials { why: CredentialProblem::NoneFound };
        found.ok().and_then(Result::ok).ok_or(nothing)
    }

    async fn assume(&self, role: &AssumeRole, base: Credentials) -> Result<Credentials, AwsFailure> {
        let mut config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.region.clone())
            .credentials_provider(base)
            .retry_config(RetryConfig::disabled())
            .http_client(Transport::new(MetadataService::Barred));
        if let Some(url) = &role.sts_endpoint_url {
            config = config.endpoint_url(url.to_string());
        }
        let request = aws_sdk_sts::Client::from_conf(config.build())
            .assume_role()
            .role_arn(role.role_arn.as_str())
            .role_session_name(&role.session_name)
            .set_external_id(role.external_id.clone());
        let answer = request.send().with_subscriber(NoSubscriber::default()).await;
        let given = answer.map_err(|error| self.refused(role, trouble_of(&error)))?.credentials;
        let given = given.ok_or_else(|| self.unreachable(role, UnreachableBecause::NotUnderstood))?;
        let ends = SystemTime::try_from(given.expiration).ok();
        Ok(Credentials::new(given.access_key_id, given.secret_access_key, Some(given.session_token), ends, "postern"))
    }

    fn refused(&self, role: &AssumeRole, trouble: Trouble) -> AwsFailure {
        let refused = |why| AwsFailure::Role { role: role.role_arn.clone(), why };
        match trouble {
            Trouble::Lost(why) => self.unreachable(role, why),
            Trouble::Nobody(failure) => failure,
            Trouble::Unsendable => AwsFailure::Credentials { why: CredentialProblem::Unknown },
            Trouble::Code { code, message } => match (code.as_str(), credential_problem(&code, &message)) {
                (_, Some(why)) => AwsFailure::Credentials { why },
                ("AccessDenied" | "AccessDeniedException", None) => refused(RoleProblem::Denied),
                ("Throttling" | "ThrottlingException", None) => self.unreachable(role, UnreachableBecause::Throttled),
                (other, None) => refused(RoleProblem::Refused { code: plain_word(other) }),
            },
        }
    }

    fn unreachable(&self, role: &AssumeRole, why: UnreachableBecause) -> AwsFailure {
        let address = match &role.sts_endpoint_url {
            Some(url) => url.to_string(),
            None => format!("STS in {}", self.region),
        };
        AwsFailure::Unreachable { address, why }
    }

    async fn provide(&self) -> Provided {
        self.credentials().await.map_err(|failure| CredentialsError::provider_error(Nobody(failure)))
    }
}

impl ProvideCredentials for Identity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}

#[expect(clippy::disallowed_methods, reason = "signs requests; the SDK keeps them in wiped memory")]
fn credentials(key: &AccessKey<Plain>) -> Credentials {
    let token = key.session_token.as_ref().map(|token| token.expose().to_owned());
    Credentials::new(key.access_key_id.as_str(), key.secret_access_key.expose(), token, None, "postern")
}
