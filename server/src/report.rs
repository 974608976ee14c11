//! Diagnoses and reviews for the command line: as text for people, as JSON for programs. The JSON's shape is
//! part of the interface: docs/cli.md.

use crate::ask::Form;
use postern::access::{Excess, Review};
use postern::diagnosis::{Diagnosis, Outcome, StageResult, Subject};
use postern::reason::Reason;
use postern::resolve::Explanation;
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Report<'a> {
    subject: Subject,
    works: bool,
    headline: String,
    /// The code of what failed.
    reason: Option<Reason>,
    explanation: Option<&'a Explanation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<Vec<Step<'a>>>,
}

#[derive(Serialize)]
struct Step<'a> {
    step: &'static str,
    label: &'static str,
    outcome: &'static str,
    found: &'a str,
    took_ms: u64,
    reason: Option<Reason>,
    explanation: Option<&'a Explanation>,
}

#[derive(Serialize)]
struct Permissions<'a> {
    language: &'a str,
    policy: &'a str,
    /// `null` when the manager would not say.
    excess: Option<&'a [String]>,
}

/// What was gone through; its steps only if they are asked for.
pub(crate) fn diagnosis(diagnosis: &Diagnosis, steps: bool, form: Form) -> serde_json::Result<String> {
    match form {
        Form::Text => Ok(diagnosis_text(diagnosis, steps)),
        Form::Json => {
            let listed = || diagnosis.stages.iter().map(Step::of).collect();
            serde_json::to_string_pretty(&Report {
                subject: diagnosis.subject,
                works: diagnosis.works(),
                headline: diagnosis.headline(),
                reason: diagnosis.reason(),
                explanation: diagnosis.failure().map(|(_, explanation, _)| explanation),
                steps: steps.then(listed),
            })
        }
    }
}

/// What a provider needs and what it has too much.
pub(crate) fn review(review: &Review, form: Form) -> serde_json::Result<String> {
    let access = match review {
        Review::Done(access) => access,
        Review::Failed { failure } => return failed(failure.reason, &failure.explanation, form),
        Review::NotOffered => return Ok("Providers of this kind cannot be asked what they may do.".to_owned()),
    };
    let excess = match &access.excess {
        Excess::Unknown { .. } => None,
        Excess::Nothing | Excess::Found { .. } => Some(access.excess.sentences()),
    };
    match form {
        Form::Json => {
            serde_json::to_string_pretty(&Permissions { language: &access.language, policy: &access.policy, excess })
        }
        // What is not policy is a comment to Vault; JSON has none, so it stands there alone.
        Form::Text if access.policy.starts_with('{') => Ok(access.policy.clone()),
        Form::Text => {
            let comments = access.excess.sentences().iter().map(|sentence| format!("# {sentence}\n"));
            Ok(format!("{}{}", comments.collect::<String>(), access.policy))
        }
    }
}

fn failed(reason: Reason, explanation: &Explanation, form: Form) -> serde_json::Result<String> {
    match form {
        Form::Json => {
            serde_json::to_string_pretty(&serde_json::json!({ "reason": reason, "explanation": explanation }))
        }
        Form::Text => Ok(explained(reason, explanation)),
    }
}

fn diagnosis_text(diagnosis: &Diagnosis, steps: bool) -> String {
    let mut text = format!("{}\n", diagnosis.headline());
    for result in diagnosis.stages.iter().filter(|_| steps) {
        let Step { label, outcome, found, took_ms, .. } = Step::of(result);
        // Writing to a String does not fail.
        let _written = writeln!(text, "  {outcome:<8} {label:<21} {took_ms:>5} ms  {found}");
    }
    let told = diagnosis.stages.iter().filter_map(|result| match &result.outcome {
        Outcome::Failed { reason, explanation, .. } | Outcome::Warned { reason, explanation, .. } => {
            Some(explained(*reason, explanation))
        }
        Outcome::Passed { .. } | Outcome::Skipped { .. } => None,
    });
    for explained in told {
        let _written = write!(text, "\n{explained}");
    }
    text
}

fn explained(reason: Reason, explanation: &Explanation) -> String {
    let Explanation { what, fix, snippet } = explanation;
    let snippet = snippet.iter().flat_map(|snippet| snippet.lines()).map(|line| format!("  {line}\n"));
    format!("{reason}: {what}\n{fix}\n{}", snippet.collect::<String>())
}

impl<'a> Step<'a> {
    fn of(result: &'a StageResult) -> Self {
        let (outcome, found, told) = match &result.outcome {
            Outcome::Passed { found } => ("passed", found.as_str(), None),
            Outcome::Warned { found, reason, explanation } => ("warning", found.as_str(), Some((*reason, explanation))),
            Outcome::Failed { reason, explanation, .. } => ("failed", "", Some((*reason, explanation))),
            Outcome::Skipped { why } => ("skipped", why.as_str(), None),
        };
        Self {
            step: result.stage.slug(),
            label: result.stage.label(),
            outcome,
            found,
            took_ms: result.took_ms,
            reason: told.map(|(reason, _)| reason),
            explanation: told.map(|(_, explanation)| explanation),
        }
    }
}
