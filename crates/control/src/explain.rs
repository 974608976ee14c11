//! Explain: what reading one reference goes through, from its text to its value.

use crate::Inner;
use crate::config::{Config, open_provider};
use crate::errors::internal;
use crate::proof::fits;
use postern::control::Answer;
use postern::diagnosis::{Diagnosis, Outcome, Stage, StageResult, Subject};
use postern::plugin::SecretPlace;
use postern::reason::Reason;
use postern::reference::Reference;
use postern::resolve::{Explanation, Failure};
use postern::secret_ref::{Reading, SecretRef, read};
use postern::sensitive::Plain;
use secrets::{Ambient, Environment};
use std::collections::BTreeSet;
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
            let explained = secrets::explain_variable(&around.environment, &reference);
            diagnosis.stages.extend(explained.stages);
            diagnosis.stages.extend(fields(config, &reference.into(), explained.value.as_ref()));
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
    let explained = secrets::explain(&provider.settings, &reference, &around.ambient, &around.environment).await;
    diagnosis.stages.extend(explained.stages);
    diagnosis.stages.extend(fields(config, &reference.into(), explained.value.as_ref()));
    Ok(diagnosis)
}

/// Whether the value fits the fields that hold the reference; nothing where there is no value, or no such field.
fn fields(config: &Config, reference: &Reference, value: Option<&Plain>) -> Option<StageResult> {
    let value = value?;
    let of_credentials = config.credentials.values().map(|object| &object.stored.object.kind);
    let of_credentials = of_credentials.filter(|kind| kind.secret().reference() == Some(reference));
    let of_credentials = of_credentials.map(|kind| (kind.secret_field().label.to_owned(), fits(kind, value)));
    let of_plugins = config.plugin_references().filter(|(_, _, other)| *other == reference);
    let of_plugins = of_plugins.map(|(owner, (plugin, at), _)| {
        let place = SecretPlace { plugin: *plugin, placement: owner.placement(), at: at.clone() };
        (format!("{at} of {}", plugin.label()), place.check(value))
    });
    let of_certificates = config.certificates.values().flat_map(|object| object.stored.object.fields());
    let of_certificates = of_certificates.filter(|(_, text)| text.reference() == Some(reference));
    let of_certificates = of_certificates.map(|(field, _)| (field.label().to_owned(), field.check(value)));
    let mut names = BTreeSet::new();
    for (name, checked) in of_credentials.chain(of_plugins).chain(of_certificates) {
        if let Err(failure) = checked {
            return Some(at_once(Stage::Field, Outcome::from(&failure)));
        }
        names.insert(name);
    }
    let names: Vec<String> = names.into_iter().collect();
    (!names.is_empty()).then(|| at_once(Stage::Field, Outcome::passed(format!("it fits {}", names.join(", ")))))
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
