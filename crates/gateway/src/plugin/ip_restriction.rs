//! ip-restriction: only some addresses may ask, or all but some (`apisix/plugins/ip-restriction.lua`).
//!
//! The address is that of the connection. What a client says of itself in `X-Forwarded-For` counts for nothing.

use super::Access;
use crate::reject::Reject;
use http::StatusCode;
use postern::plugin::ip_restriction::IpRestrictionPlugin;

/// An ip-restriction configuration, ready to run.
pub(crate) struct IpRestriction {
    config: IpRestrictionPlugin,
    refusal: Reject,
}

impl IpRestriction {
    pub(super) fn compile(config: IpRestrictionPlugin) -> Result<Self, String> {
        let status = StatusCode::from_u16(config.response_code)
            .map_err(|_| format!("ip-restriction: {} is no status", config.response_code))?;
        let refusal = Reject::Refused { status, message: config.message.clone().into() };
        Ok(Self { config, refusal })
    }

    pub(super) fn access(&self, access: &Access<'_>) -> Result<(), Reject> {
        if self.config.admits(access.scene.client) { Ok(()) } else { Err(self.refusal.clone()) }
    }
}
