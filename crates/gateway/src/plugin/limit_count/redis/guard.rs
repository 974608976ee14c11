//! To which addresses connections to Redis are opened, whoever names them: the configuration, a name server, a
//! cluster that says where a slot is, a sentinel that says who is master.
//!
//! What must never happen: an address that may not be connected to counts as an outage, which a configuration may let
//! requests pass for.

use crate::upstream::{ConnectError, Reach};
use redis::RedisFuture;
use redis::io::AsyncDNSResolver;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an address that was refused explains why there is no answer. A cluster's connection does not try at every
/// request, and hides why one of its own is missing.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Finds the addresses for the connections of one pool: all of them go through it.
#[derive(Clone)]
pub(super) struct Guard {
    reach: Reach,
    refused: Arc<Mutex<Option<(Instant, String)>>>,
}

impl Guard {
    pub(super) fn new(reach: Reach) -> Self {
        Self { reach, refused: Arc::default() }
    }

    /// What was refused a moment ago, in words for the log.
    pub(super) fn refused(&self) -> Option<String> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, what) = refused.as_ref().filter(|(at, _)| at.elapsed() < REMEMBERED)?;
        Some(what.clone())
    }

    async fn find(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let found = self.reach.resolve(host, port).await;
        if let Err(error @ (ConnectError::Forbidden | ConnectError::NoServer(_))) = &found {
            let what = format!("{host}:{port}: {error}");
            *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), what));
        }
        found
    }
}

impl AsyncDNSResolver for Guard {
    fn resolve<'a, 'b: 'a>(
        &'a self,
        host: &'b str,
        port: u16,
    ) -> RedisFuture<'a, Box<dyn Iterator<Item = SocketAddr> + Send + 'a>> {
        Box::pin(async move {
            let addresses = self.find(host, port).await.map_err(io::Error::other)?;
            Ok(Box::new(addresses.into_iter()) as Box<dyn Iterator<Item = SocketAddr> + Send>)
        })
    }
}
