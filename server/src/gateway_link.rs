//! The gateway as the control plane may know it.

use control::RunningGateway;
use gateway::Gateway;
use std::net::SocketAddr;
use std::sync::Arc;

/// The running gateway.
pub(crate) struct GatewayLink(pub(crate) Arc<Gateway>);

impl RunningGateway for GatewayLink {
    fn address(&self) -> SocketAddr {
        self.0.local_addr()
    }

    fn applied_revision(&self) -> u64 {
        self.0.applied_revision()
    }

    fn authenticated_seen(&self) -> bool {
        self.0.stats().authenticated_seen
    }
}
