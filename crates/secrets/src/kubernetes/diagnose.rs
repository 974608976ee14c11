//! Test Connection: is there a way to the API server, whom does it take us for, may that one read Secrets?
//!
//! Asks about itself only (`selfsubjectreviews`, `selfsubjectaccessreviews`): reads no Secret, lists nothing.

use super::Kubernetes;
use crate::network;
use crate::stages::{self, Staged};
use crate::tls;
use async_trait::async_trait;
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::provider::kubernetes::{KubernetesAccess, KubernetesFailure, read_rule};
use postern::reason::Reason;
use postern::resolve::{Explanation, Failure, UnreachableBecause};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;

/// Runs `stages` in order, and stops at the first that fails.
pub(super) async fn diagnose(kubernetes: &Kubernetes, stages: &[Stage]) -> Vec<StageResult> {
    let test = Test { kubernetes, addresses: vec![], user: None };
    stages::run(stages, test).await
}

/// What earlier stages found, for the later ones.
struct Test<'a> {
    kubernetes: &'a Kubernetes,
    addresses: Vec<SocketAddr>,
    user: Option<String>,
}

#[async_trait]
impl Staged for Test<'_> {
    async fn run(&mut self, stage: Stage) -> Result<Outcome, Failure> {
        self.stage(stage).await.map_err(Failure::Kubernetes)
    }
}

impl Test<'_> {
    async fn stage(&mut self, stage: Stage) -> Result<Outcome, KubernetesFailure> {
        match stage {
            Stage::Address => self.address().await,
            Stage::Connect => self.connect().await,
            Stage::Tls => self.tls().await,
            Stage::Token => self.token().await,
            Stage::Read => self.read().await,
            // Stages of other managers, and of Explain.
            Stage::Health
            | Stage::AccessKey
            | Stage::Mount
            | Stage::Parse
            | Stage::Provider
            | Stage::Request
            | Stage::Answer
            | Stage::Key
            | Stage::Check
            | Stage::Field => Ok(Outcome::Skipped { why: "not a question for Kubernetes".to_owned() }),
        }
    }

    fn lost(&self, why: UnreachableBecause) -> KubernetesFailure {
        self.kubernetes.client.unreachable(why)
    }

    fn place(&self) -> Result<network::Place, KubernetesFailure> {
        let address = self.kubernetes.settings.address();
        let url = Url::parse(&address);
        let url = url.map_err(|_| self.lost(UnreachableBecause::NameNotFound { host: address }))?;
        let host = network::host(&url).to_owned();
        let port = url.port_or_known_default().unwrap_or(443);
        Ok(network::Place { tls_name: host.clone(), host, port, limits: self.kubernetes.client.limits })
    }

    async fn address(&mut self) -> Result<Outcome, KubernetesFailure> {
        self.addresses = self.place()?.addresses().await.map_err(|why| self.lost(why))?;
        let found: Vec<String> = self.addresses.iter().map(|address| address.ip().to_string()).collect();
        Ok(Outcome::passed(found.join(", ")))
    }

    async fn connect(&self) -> Result<Outcome, KubernetesFailure> {
        let connected = self.place()?.connect(&self.addresses).await;
        connected.map(|(_, address)| Outcome::passed(address.to_string())).map_err(|why| self.lost(why))
    }

    async fn tls(&self) -> Result<Outcome, KubernetesFailure> {
        let KubernetesAccess::Token { server, ca_certificate, .. } = &self.kubernetes.settings.access else {
            return Ok(Outcome::Skipped { why: "in the cluster, with the cluster's own authority".to_owned() });
        };
        if !server.url().is_https() {
            return Ok(without_tls(server.url().is_loopback()));
        }
        let trust = tls::client_config(ca_certificate.as_deref(), None);
        let version = self.place()?.shake_hands(&self.addresses, trust).await.map_err(|why| self.lost(why))?;
        let by = if ca_certificate.is_some() { "the CA Certificate given here" } else { "this system" };
        Ok(Outcome::passed(format!("{version}, certificate trusted by {by}")))
    }

    /// API servers before 1.28 have no such question; they say 404 to a good token.
    async fn token(&mut self) -> Result<Outcome, KubernetesFailure> {
        let question = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let segments = ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"];
        let (status, body) = self.kubernetes.client.ask(&segments, &question).await?;
        self.user = user(status, &body);
        Ok(Outcome::passed(match &self.user {
            Some(user) => format!("accepted, as {user}"),
            None => "accepted".to_owned(),
        }))
    }

    async fn read(&self) -> Result<Outcome, KubernetesFailure> {
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": { "verb": "get", "resource": "secrets" } },
        });
        let segments = ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"];
        let (_, body) = self.kubernetes.client.ask(&segments, &question).await?;
        if is_allowed(&body) {
            return Ok(Outcome::passed("may read Secrets in every namespace"));
        }
        let explanation = Explanation::new(
            "The user may not read every Secret of the cluster. If a role names certain Secrets, that is as it should be.",
            "Check a reference to see whether its Secret may be read. If not, let somebody who may do so apply this, with the names filled in:",
        );
        let rule = read_rule("<namespace>", "<secret>", self.user.as_deref());
        Ok(Outcome::warned(Reason::KubernetesReadUnknown, "not every Secret", explanation.with(rule)))
    }
}

fn without_tls(loopback: bool) -> Outcome {
    if loopback {
        return Outcome::Skipped { why: "http:// has no TLS; the connection stays on this machine".to_owned() };
    }
    let explanation = Explanation::new(
        "The token and every secret travel unencrypted to another machine.",
        "Write https:// in the API Server Address.",
    );
    Outcome::warned(Reason::NetworkNotEncrypted, "not encrypted", explanation)
}

fn user(status: StatusCode, body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Answer {
        status: Reviewed,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Reviewed {
        user_info: UserInfo,
    }
    #[derive(Deserialize)]
    struct UserInfo {
        username: String,
    }
    let answer = serde_json::from_slice::<Answer>(body).ok().filter(|_| status.is_success())?;
    Some(answer.status.user_info.username)
}

fn is_allowed(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Answer {
        status: Reviewed,
    }
    #[derive(Deserialize)]
    struct Reviewed {
        allowed: bool,
    }
    serde_json::from_slice::<Answer>(body).is_ok_and(|answer| answer.status.allowed)
}
