//! Test Connection: is there a way to AWS, does it know the access key, may its user read?
//!
//! Asks for one secret that is not there: what AWS says to that tells all of it. Lists nothing.

use super::Aws;
use super::client::Refusal;
use crate::network::{Limits, Place, host};
use crate::stages::{self, Staged};
use crate::tls;
use async_trait::async_trait;
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::provider::aws::{AwsFailure, read_policy};
use postern::reason::Reason;
use postern::resolve::{Explanation, Failure, UnreachableBecause};
use std::net::SocketAddr;

/// A name that no secret should have.
const PROBE: &str = "postern-connection-test";

/// Runs `stages` in order, and stops at the first that fails.
pub(super) async fn diagnose(aws: &Aws, stages: &[Stage]) -> Vec<StageResult> {
    let test = Test { aws, place: None, https: true, addresses: vec![], may_read: false };
    stages::run(stages, test).await
}

/// What earlier stages found, for the later ones.
struct Test<'a> {
    aws: &'a Aws,
    place: Option<Place>,
    https: bool,
    addresses: Vec<SocketAddr>,
    may_read: bool,
}

#[async_trait]
impl Staged for Test<'_> {
    async fn run(&mut self, stage: Stage) -> Result<Outcome, Failure> {
        self.stage(stage).await.map_err(Failure::Aws)
    }
}

impl Test<'_> {
    async fn stage(&mut self, stage: Stage) -> Result<Outcome, AwsFailure> {
        match stage {
            Stage::Address => self.address().await,
            Stage::Connect => self.connect().await,
            Stage::Tls => self.tls().await,
            Stage::AccessKey => self.access_key().await,
            Stage::Read => Ok(self.read()),
            // Stages of other managers, and of Explain.
            Stage::Health
            | Stage::Token
            | Stage::Mount
            | Stage::Parse
            | Stage::Provider
            | Stage::Request
            | Stage::Answer
            | Stage::Key
            | Stage::Check
            | Stage::Field => Ok(Outcome::Skipped { why: "not a question for AWS".to_owned() }),
        }
    }

    fn place(&self) -> Result<&Place, AwsFailure> {
        self.place.as_ref().ok_or_else(|| self.no_endpoint())
    }

    fn no_endpoint(&self) -> AwsFailure {
        self.lost(UnreachableBecause::NameNotFound { host: self.aws.settings.address() })
    }

    fn lost(&self, why: UnreachableBecause) -> AwsFailure {
        self.aws.client.unreachable(why)
    }

    async fn address(&mut self) -> Result<Outcome, AwsFailure> {
        let url = self.aws.client.endpoint().await.ok_or_else(|| self.no_endpoint())?;
        let port = url.port_or_known_default().unwrap_or(443);
        let host = host(&url).to_owned();
        let place = Place { tls_name: host.clone(), host, port, limits: Limits::default() };
        self.https = url.scheme() == "https";
        self.addresses = place.addresses().await.map_err(|why| self.lost(why))?;
        let found: Vec<String> = self.addresses.iter().map(|address| address.ip().to_string()).collect();
        let found = match found.join(", ") {
            addresses if addresses == place.host => addresses,
            addresses => format!("{}: {addresses}", place.host),
        };
        self.place = Some(place);
        Ok(Outcome::passed(found))
    }

    async fn connect(&self) -> Result<Outcome, AwsFailure> {
        let connected = self.place()?.connect(&self.addresses).await;
        connected.map(|(_, address)| Outcome::passed(address.to_string())).map_err(|why| self.lost(why))
    }

    async fn tls(&self) -> Result<Outcome, AwsFailure> {
        if !self.https {
            return Ok(without_tls(self.aws.settings.endpoint_url.as_ref().is_some_and(|url| url.is_loopback())));
        }
        let version = self.place()?.shake_hands(&self.addresses, tls::client_config(None, None)).await;
        let version = version.map_err(|why| self.lost(why))?;
        Ok(Outcome::passed(format!("{version}, certificate trusted by this system")))
    }

    async fn access_key(&mut self) -> Result<Outcome, AwsFailure> {
        match self.aws.client.get(PROBE, None).await {
            Ok(_) | Err(Refusal::Absent) => self.may_read = true,
            Err(Refusal::Denied) => self.may_read = false,
            // These say that the user may read it and that it is there.
            Err(Refusal::Final(
                AwsFailure::ScheduledForDeletion { .. } | AwsFailure::NoCurrentVersion { .. } | AwsFailure::Kms { .. },
            )) => self.may_read = true,
            Err(Refusal::Final(failure)) => return Err(failure),
        }
        let settings = &self.aws.settings;
        let who =
            settings.credentials.holder().map_or_else(|| "what the environment gives".to_owned(), ToString::to_string);
        let who = match &settings.assume_role {
            Some(role) => format!("{}, assumed with {who},", role.role_arn),
            None => who,
        };
        let found = format!("{who} is accepted in {}", settings.region);
        let is_temporary = settings.credentials.access_key().is_some_and(|key| key.session_token.is_some());
        Ok(match is_temporary {
            false => Outcome::passed(found),
            true => Outcome::Warned {
                reason: Reason::AwsTemporaryKeys,
                found,
                explanation: Explanation::new(
                    "These are temporary keys: when their session ends, no secret can be read.",
                    "For a gateway that runs for long, use the keys of an IAM user who may read these secrets only.",
                ),
            },
        })
    }

    fn read(&self) -> Outcome {
        if self.may_read {
            return Outcome::passed(format!("may read secrets in {}", self.aws.settings.region));
        }
        Outcome::Warned {
            reason: Reason::AwsReadUnknown,
            found: "not every secret".to_owned(),
            explanation: Explanation::new(
                format!("The user may not read a secret named {PROBE}. If a policy names certain secrets only, that is as it should be."),
                "Check a reference to see whether its secret may be read. If not, add this to the user's policies, with the secret's name:",
            )
            .with(read_policy(&self.aws.settings.region, "<secret name>")),
        }
    }
}

fn without_tls(loopback: bool) -> Outcome {
    if loopback {
        return Outcome::Skipped { why: "http:// has no TLS; the connection stays on this machine".to_owned() };
    }
    Outcome::Warned {
        reason: Reason::NetworkNotEncrypted,
        found: "not encrypted".to_owned(),
        explanation: Explanation::new(
            "Every secret travels unencrypted to another machine.",
            "Write https:// in the Endpoint URL.",
        ),
    }
}
