//! A secret that a plugin of the gateway uses: its value now, replaced in place whenever it changes, so that a
//! rotation needs no new snapshot and no request waits for one.

use crate::secret_ref::SecretRef;
use crate::sensitive::Plain;
use arc_swap::ArcSwap;
use async_trait::async_trait;
use std::fmt;
use std::sync::Arc;

/// What a secret stands for now.
#[derive(Clone, Debug)]
pub enum SecretNow {
    /// It may be used.
    Value(Plain),
    /// There is no value: whatever needs it refuses the request, and names the incident. The operator finds it in
    /// the log and on the References page.
    Unresolved { incident: String },
}

/// Reads a secret again that a server has refused: it may have been rotated a moment ago.
#[async_trait]
pub trait Reread: Send + Sync {
    /// What the reference stands for after a new read.
    async fn reread(&self, reference: &SecretRef) -> SecretNow;
}

/// One secret of one plugin.
pub struct LiveSecret {
    now: ArcSwap<SecretNow>,
    source: Option<(SecretRef, Arc<dyn Reread>)>,
}

impl LiveSecret {
    /// A secret typed in: it stays what it is.
    #[must_use]
    pub fn literal(now: SecretNow) -> Arc<Self> {
        Arc::new(Self { now: ArcSwap::from_pointee(now), source: None })
    }

    /// A reference, and what it stands for at this moment.
    #[must_use]
    pub fn reference(reference: SecretRef, now: SecretNow, reader: Arc<dyn Reread>) -> Arc<Self> {
        Arc::new(Self { now: ArcSwap::from_pointee(now), source: Some((reference, reader)) })
    }

    /// What it stands for now. Never waits.
    #[must_use]
    pub fn now(&self) -> Arc<SecretNow> {
        self.now.load_full()
    }

    /// Takes in what it stands for from now on.
    pub fn set(&self, now: SecretNow) {
        self.now.store(Arc::new(now));
    }

    /// Reads it again. Nothing to do for a literal.
    pub async fn reread(&self) {
        if let Some((reference, reader)) = &self.source {
            self.set(reader.reread(reference).await);
        }
    }
}

impl fmt::Debug for LiveSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reference = self.source.as_ref().map(|(reference, _)| reference.to_string());
        f.debug_struct("LiveSecret").field("reference", &reference).finish_non_exhaustive()
    }
}

/// Two of one reference are the same secret; two typed in are told apart by nothing that may be shown.
impl PartialEq for LiveSecret {
    fn eq(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Some((one, _)), Some((other, _))) => one == other,
            _ => std::ptr::eq(self, other),
        }
    }
}

impl Eq for LiveSecret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints_its_value() {
        let secret = LiveSecret::literal(SecretNow::Value(Plain::new("canary".to_owned())));
        assert!(!format!("{secret:?}{:?}", secret.now()).contains("canary"));
    }
}
