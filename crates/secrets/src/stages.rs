//! The stages of Test Connection, one after the other.

use crate::network::millis;
use async_trait::async_trait;
use postern::diagnosis::{Outcome, Stage, StageResult};
use postern::resolve::Failure;
use tokio::time::Instant;

/// A test of one manager; keeps what a stage found for the later ones.
#[async_trait]
pub(crate) trait Staged: Send {
    async fn run(&mut self, stage: Stage) -> Result<Outcome, Failure>;
}

/// Runs `stages` in order, and stops at the first that fails.
pub(crate) async fn run(stages: &[Stage], mut test: impl Staged) -> Vec<StageResult> {
    let mut results = Vec::new();
    for stage in stages.iter().copied() {
        let begun = Instant::now();
        let outcome = test.run(stage).await.unwrap_or_else(|failure| Outcome::from(&failure));
        let failed = matches!(outcome, Outcome::Failed { .. });
        results.push(StageResult { stage, outcome, took_ms: millis(begun.elapsed()) });
        if failed {
            break;
        }
    }
    results
}
