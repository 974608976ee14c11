//! The gateway as the control plane may know it.

use control::RunningGateway;
use gateway::Gateway;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The running gateway, until it is taken out to be shut down.
pub(crate) struct GatewayLink {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    applied: watch::Receiver<u64>,
    gateway: Mutex<Option<Gateway>>,
}

impl GatewayLink {
    pub(crate) fn new(gateway: Gateway) -> Self {
        Self {
            address: gateway.local_addr(),
            tls_address: gateway.tls_addr(),
            applied: gateway.applied(),
            gateway: Mutex::new(Some(gateway)),
        }
    }

    /// The gateway's metrics, in Prometheus's text format; empty once it is taken.
    pub(crate) fn metrics(&self) -> String {
        let gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner);
        gateway.as_ref().map(Gateway::metrics).unwrap_or_default()
    }

    /// The gateway, once.
    pub(crate) fn take(&self) -> Option<Gateway> {
        self.gateway.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl RunningGateway for GatewayLink {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    fn applied_revision(&self) -> u64 {
        *self.applied.borrow()
    }

    fn authenticated_seen(&self) -> bool {
        let gateway = self.gateway.lock().unwrap_or_else(PoisonError::into_inner);
        gateway.as_ref().is_some_and(|gateway| gateway.stats().authenticated_seen)
    }
}
