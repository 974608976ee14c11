//! What plugins change of an answer on its way out, whoever gave it.

use super::{Installed, Plugin};
use crate::body::ResponseBody;
use crate::record::Record;
use http::Response;

/// What a plugin sees, and may change, of an answer.
pub(crate) struct Answer<'a> {
    pub(crate) response: &'a mut Response<ResponseBody>,
    /// The request that it answers.
    pub(crate) record: &'a Record,
}

impl Plugin {
    /// Whether it changes answers other than by the headers that it gives while the request passes.
    pub(crate) fn answers(&self) -> bool {
        match self {
            Self::RequestId(_) | Self::Cors(_) | Self::ResponseRewrite(_) => true,
            Self::KeyAuth(_)
            | Self::BasicAuth(_)
            | Self::JwtAuth(_)
            | Self::HmacAuth(_)
            | Self::LdapAuth(_)
            | Self::LdapUser
            | Self::AuthzCasdoor(_)
            | Self::LimitCount(_)
            | Self::IpRestriction(_)
            | Self::ConsumerRestriction(_)
            | Self::ProxyRewrite(_)
            | Self::Prometheus => false,
        }
    }

    /// Changes an answer: the upstream server's, another plugin's, the gateway's own.
    async fn answer(&self, answer: &mut Answer<'_>) {
        match self {
            Self::RequestId(plugin) => plugin.answer(answer),
            Self::Cors(plugin) => plugin.answer(answer.record.kept.asked(), answer.response.headers_mut()),
            Self::ResponseRewrite(plugin) => plugin.answer(answer).await,
            Self::KeyAuth(_)
            | Self::BasicAuth(_)
            | Self::JwtAuth(_)
            | Self::HmacAuth(_)
            | Self::LdapAuth(_)
            | Self::LdapUser
            | Self::AuthzCasdoor(_)
            | Self::LimitCount(_)
            | Self::IpRestriction(_)
            | Self::ConsumerRestriction(_)
            | Self::ProxyRewrite(_)
            | Self::Prometheus => {}
        }
    }
}

impl Installed {
    pub(crate) async fn answer(&self, answer: &mut Answer<'_>) {
        self.plugin.answer(answer).await;
    }
}
