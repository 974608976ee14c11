//! consumer-restriction: only some consumers may ask, or all but some (`apisix/plugins/consumer-restriction.lua`).

use super::Access;
use crate::reject::Reject;
use http::StatusCode;
use postern::plugin::consumer_restriction::{ConsumerRestrictionPlugin, Subject};

/// A consumer-restriction configuration, ready to run.
pub(crate) struct ConsumerRestriction {
    config: ConsumerRestrictionPlugin,
    refusal: Reject,
    /// For a request of which it is not known who it comes from.
    nobody: Reject,
}

impl ConsumerRestriction {
    pub(super) fn compile(config: ConsumerRestrictionPlugin) -> Result<Self, String> {
        let subject = config.subject.slug();
        let status = StatusCode::from_u16(config.rejected_code)
            .map_err(|_| format!("consumer-restriction: {} is no status", config.rejected_code))?;
        let message = config.rejected_msg.clone().unwrap_or_else(|| format!("The {subject} is forbidden."));
        let unknown = format!("The request is rejected, please check the {subject} for this request");
        Ok(Self {
            config,
            refusal: Reject::Refused { status, message: message.into() },
            nobody: Reject::Refused { status: StatusCode::UNAUTHORIZED, message: unknown.into() },
        })
    }

    pub(super) fn access(&self, access: &Access<'_>) -> Result<(), Reject> {
        let scene = access.scene;
        let who = match self.config.subject {
            Subject::ConsumerName => access.identity.as_ref().map(|identity| identity.consumer.name.as_str()),
            Subject::ServiceId => Some(scene.service),
            Subject::RouteId => Some(scene.route),
        };
        match who {
            None => Err(self.nobody.clone()),
            Some(who) if self.config.admits(who, access.method.as_str()) => Ok(()),
            Some(_) => Err(self.refusal.clone()),
        }
    }
}
