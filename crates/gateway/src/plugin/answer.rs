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
            Self::KeyAuth(_)
            | Self::BasicAuth(_)
            | Self::JwtAuth(_)
            | Self::HmacAuth(_)
            | Self::LdapAuth(_)
            | Self::LdapUser
            | Self::AuthzCasdoor(_)
            | Self::LimitCount(_) => false,
        }
    }

    /// Changes an answer: the upstream server's, another plugin's, the gateway's own.
    async fn answer(&self, _answer: &mut Answer<'_>) {
        match self {
            Self::KeyAuth(_)
            | Self::BasicAuth(_)
            | Self::JwtAuth(_)
            | Self::HmacAuth(_)
            | Self::LdapAuth(_)
            | Self::LdapUser
            | Self::AuthzCasdoor(_)
            | Self::LimitCount(_) => {}
        }
    }
}

impl Installed {
    pub(crate) async fn answer(&self, answer: &mut Answer<'_>) {
        self.plugin.answer(answer).await;
    }
}
