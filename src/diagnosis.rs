//! Test Connection and Explain: the steps that a provider, or the reading of one reference, goes through, each
//! with its result, time, reason and fix.

use crate::provider::vault::KvVersion;
use crate::provider::{Manager, ProviderForm};
use crate::reason::Reason;
use crate::resolve::{Explanation, Failure, InvalidBecause};
use crate::secret_ref::SecretRef;
use serde::{Deserialize, Serialize};

/// One step of Test Connection or of Explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The host name has addresses.
    Address,
    /// A TCP connection opens.
    Connect,
    /// The certificate is good; skipped for `http://`.
    Tls,
    /// Vault is initialised and unsealed.
    Health,
    /// The token is accepted: its life, whether it can be renewed, its policies.
    Token,
    /// There are credentials, and AWS accepts them: they are known, the signature is good, the session has not expired.
    AccessKey,
    /// The mount behind the prefix and its real KV version.
    Mount,
    /// Secrets may be read. The last stage of Test Connection.
    Read,
    /// The text is a reference.
    Parse,
    /// The gateway group has the provider that the reference names.
    Provider,
    /// What is asked of the manager.
    Request,
    /// What the manager answers.
    Answer,
    /// Which part of the secret is meant.
    Key,
    /// The value can be used.
    Check,
    /// The value fits the fields that hold the reference. The last stage of Explain, where there are such.
    Field,
}

impl Stage {
    /// The stages of a manager, in the order they run.
    #[must_use]
    pub fn of(manager: Manager) -> &'static [Self] {
        match manager {
            Manager::Vault => {
                &[Self::Address, Self::Connect, Self::Tls, Self::Health, Self::Token, Self::Mount, Self::Read]
            }
            Manager::Aws => &[Self::Address, Self::Connect, Self::Tls, Self::AccessKey, Self::Read],
            Manager::Kubernetes => &[Self::Address, Self::Connect, Self::Tls, Self::Token, Self::Read],
        }
    }

    /// What Explain goes through before the secret is read: the way to the manager, and who asks.
    #[must_use]
    pub fn before_reading(manager: Manager) -> &'static [Self] {
        let stages = Self::of(manager);
        stages.strip_suffix(&[Self::Read]).unwrap_or(stages)
    }

    /// For the command line's JSON: `access_key`.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Health => "health",
            Self::Token => "token",
            Self::AccessKey => "access_key",
            Self::Mount => "mount",
            Self::Read => "read",
            Self::Parse => "parse",
            Self::Provider => "provider",
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Key => "key",
            Self::Check => "check",
            Self::Field => "field",
        }
    }

    /// As the result panel shows it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Address => "Address",
            Self::Connect => "Connect",
            Self::Tls => "TLS",
            Self::Health => "Vault health",
            Self::Token => "Token",
            Self::AccessKey => "AWS credentials",
            Self::Mount => "Mount and KV version",
            Self::Read => "Read permission",
            Self::Parse => "Reference",
            Self::Provider => "Secret provider",
            Self::Request => "Request",
            Self::Answer => "Answer",
            Self::Key => "Key",
            Self::Check => "Value",
            Self::Field => "Field",
        }
    }
}

/// How one stage ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageResult {
    pub stage: Stage,
    pub outcome: Outcome,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// What a stage found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// As it should be; `found` says what is there (`KV version 2 at secret/`).
    Passed { found: String },
    /// It works, but the operator should know.
    Warned { reason: Reason, found: String, explanation: Explanation },
    /// It does not work; later stages were not tried. `remedy` is a change Postern offers to make.
    Failed { reason: Reason, explanation: Explanation, remedy: Option<Remedy> },
    /// Nothing to test here, and why (`http:// has no TLS`).
    Skipped { why: String },
}

impl Outcome {
    /// As it should be.
    pub fn passed(found: impl Into<String>) -> Self {
        Self::Passed { found: found.into() }
    }

    /// It works, with a reason to look at it.
    pub fn warned(reason: Reason, found: impl Into<String>, explanation: Explanation) -> Self {
        Self::Warned { reason, found: found.into(), explanation }
    }

    /// It does not work, for a reason that no [`Failure`] has.
    #[must_use]
    pub fn failed(reason: Reason, explanation: Explanation) -> Self {
        Self::Failed { reason, explanation, remedy: None }
    }
}

impl From<&Failure> for Outcome {
    fn from(failure: &Failure) -> Self {
        Self::Failed { reason: failure.reason(), explanation: failure.explain(), remedy: Remedy::of(failure) }
    }
}

/// A change that mends a failure, offered as a button.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Remedy {
    /// Of the provider.
    SwitchKvVersion { to: KvVersion },
    /// Of the reference, where it is being written: what was probably meant.
    Respell { to: Box<SecretRef> },
}

impl Remedy {
    /// The change that mends a failure, where Postern can make it.
    fn of(failure: &Failure) -> Option<Self> {
        match failure {
            Failure::Invalid { why: InvalidBecause::WrongKvVersion { mount, .. }, .. } => {
                Some(Self::SwitchKvVersion { to: mount.version.choice() })
            }
            _ => None,
        }
    }

    /// Makes the change in a provider's form. A change of the reference is none of its provider.
    pub fn mend(&self, form: &mut ProviderForm) {
        match self {
            Self::SwitchKvVersion { to } => to.slug().clone_into(&mut form.vault.kv_version),
            Self::Respell { .. } => {}
        }
    }

    /// The button's words.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::SwitchKvVersion { to } => format!("Switch to {}", to.label()),
            Self::Respell { to } => format!("Use {to}"),
        }
    }
}

/// What was gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Test Connection: a secret provider.
    #[default]
    Provider,
    /// Explain: one reference.
    Reference,
}

/// All that was gone through: the stages that ran, in order. The first failure is the last entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    pub subject: Subject,
    pub stages: Vec<StageResult>,
}

impl Diagnosis {
    /// The failed stage, if one failed.
    #[must_use]
    pub fn failure(&self) -> Option<(Stage, &Explanation, Option<&Remedy>)> {
        self.stages.iter().find_map(|result| match &result.outcome {
            Outcome::Failed { explanation, remedy, .. } => Some((result.stage, explanation, remedy.as_ref())),
            _ => None,
        })
    }

    /// Without remedies that write the reference anew, for where it is not being written.
    #[must_use]
    pub fn of_fixed_reference(mut self) -> Self {
        for result in &mut self.stages {
            if let Outcome::Failed { remedy, .. } = &mut result.outcome {
                remedy.take_if(|remedy| matches!(remedy, Remedy::Respell { .. }));
            }
        }
        self
    }

    /// Whether every stage ran, to the last one, and none failed.
    #[must_use]
    pub fn works(&self) -> bool {
        let is_last = |stage| match self.subject {
            Subject::Provider => stage == Stage::Read,
            Subject::Reference => matches!(stage, Stage::Check | Stage::Field),
        };
        self.failure().is_none() && self.stages.last().is_some_and(|result| is_last(result.stage))
    }

    /// Whether a stage passed with a warning.
    #[must_use]
    pub fn warns(&self) -> bool {
        self.stages.iter().any(|result| matches!(result.outcome, Outcome::Warned { .. }))
    }

    /// The banner: one sentence.
    #[must_use]
    pub fn headline(&self) -> String {
        let (works, fails) = match self.subject {
            Subject::Provider => ("The secret provider works", "The secret provider does not work"),
            Subject::Reference => ("The reference gives a value", "The reference gives no value"),
        };
        match self.failure() {
            Some((Stage::Field, ..)) => "The reference gives a value, but not one that its field can use.".to_owned(),
            Some((stage, ..)) => format!("{fails}: {} failed.", stage.label()),
            None if self.warns() => format!("{works}, with a warning."),
            None => format!("{works}."),
        }
    }

    /// The code of the failure, if there is one.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.stages.iter().find_map(|result| match result.outcome {
            Outcome::Failed { reason, .. } => Some(reason),
            Outcome::Passed { .. } | Outcome::Warned { .. } | Outcome::Skipped { .. } => None,
        })
    }
}
