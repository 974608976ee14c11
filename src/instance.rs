//! A gateway instance: one process that answers requests for a gateway group.

use crate::time::Millis;
use serde::{Deserialize, Serialize};

/// What one gateway instance says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayInstance {
    /// Random, made at each start.
    pub id: String,
    /// Version of the program, `0.1.0`.
    pub version: String,
    /// Where it answers requests, `127.0.0.1:9080`.
    pub address: String,
    pub started_at: Millis,
    /// When it last said that it lives.
    pub seen_at: Millis,
    /// The configuration revision it enforces.
    pub applied_revision: u64,
    /// The configuration revision it should enforce.
    pub wanted_revision: u64,
}

/// Milliseconds of silence after which an instance counts as offline.
pub const OFFLINE_AFTER: u64 = 15_000;

impl GatewayInstance {
    /// Whether it has been heard of lately.
    #[must_use]
    pub fn is_online(&self, now: Millis) -> bool {
        now.since(self.seen_at) < OFFLINE_AFTER
    }
}
