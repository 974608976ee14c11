//! Explain: what reading one reference goes through, from its text to its value.

use crate::Inner;
use crate::config::{Config, open_provider};
use crate::errors::internal;
use postern::control::Answer;
use postern::diagnosis::{Diagnosis, Outcome, Stage, StageResult, Subject};
use postern::reason::Reason;
use postern::reference::Reference;
use postern::resolve::{Explanation, Failure};
use postern::secret_ref::{Reading, SecretRef, read};
use secrets::{Ambient, Environment};
use store::{SealError, Sealer};

impl Inner {
    pub(crate) async fn explain_reference(&self, text: &str) -> Answer<Diagnosis> {
        let around = Around { ambient: self.ambient(), environment: self.engine.environment() };
        explain(&self.config(), &self.sealer, text, &around).await.map_err(internal)
    }
}

/// What of this machine providers may use.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    pub(crate) ambient: Ambient,
    /// What references to the environment may read.
    pub(crate) environment: Environment,
}

/// Goes through every step, and stops at the first that fails.
///
/// # Errors
/// The provider's stored secret does not open.
pub(crate) async fn explain(
    config: &Config,
    sealer: &Sealer,
    text: &str,
    around: &Around,
) -> Result<Diagnosis, SealError> {
    let mut diagnosis = Diagnosis { subject: Subject::Reference, stages: vec![] };
    let reference = match parse(text.trim()) {
        Ok(Reference::Secret(reference)) => reference,
        Ok(Reference::Env(reference)) => {
            let found = format!("variable {}", reference.name());
            diagnosis.stages.push(at_once(Stage::Parse, Outcome::passed(found)));
            diagnosis.stages.extend(secrets::explain_variable(&around.environment, &reference));
            return Ok(diagnosis);
        }
        Err(outcome) => {
            diagnosis.stages.push(at_once(Stage::Parse, outcome));
            return Ok(diagnosis);
        }
    };
    diagnosis.stages.push(at_once(Stage::Parse, Outcome::passed(described(&reference))));
    let key = reference.provider_key();
    let Some(object) = config.providers.get(&key) else {
        let known = config.providers.keys().filter(|known| known.manager == key.manager);
        let known = known.map(|known| known.id.to_string()).collect();
        let failure = Failure::ProviderMissing { provider: key, known };
        diagnosis.stages.push(at_once(Stage::Provider, Outcome::from(&failure)));
        return Ok(diagnosis);
    };
    let provider = open_provider(object, sealer)?;
    let found = format!("{} at {}", key.manager.label(), provider.settings.address());
    diagnosis.stages.push(at_once(Stage::Provider, Outcome::passed(found)));
    diagnosis
        .stages
        .extend(secrets::explain(&provider.settings, &reference, &around.ambient, &around.environment).await);
    Ok(diagnosis)
}

fn parse(text: &str) -> Result<Reference, Outcome> {
    let failed = |reason: Reason, what: String| Outcome::failed(reason, Explanation::new(what, reason.remedy()));
    match read(text) {
        Reading::Reference(reference) => Ok(reference.into()),
        Reading::Env(reference) => Ok(reference.into()),
        Reading::Malformed(error) => Err(failed(error.problem.reason(), error.to_string())),
        Reading::NearMiss(why) => Err(failed(Reason::RefNotAReference, why.to_owned())),
        // What was typed may be a secret: it is not repeated.
        Reading::Literal => {
            Err(failed(Reason::RefNotAReference, "This does not begin with $secret://: it is a literal.".to_owned()))
        }
    }
}

/// `provider my-vault, path consumer/alice, key key`.
fn described(reference: &SecretRef) -> String {
    let key = match reference.key() {
        "" => String::new(),
        key => format!(", key {key}"),
    };
    format!("provider {}, path {}{key}", reference.provider(), reference.path().join("/"))
}

/// A step that takes no time.
fn at_once(stage: Stage, outcome: Outcome) -> StageResult {
    StageResult { stage, outcome, took_ms: 0 }
}
