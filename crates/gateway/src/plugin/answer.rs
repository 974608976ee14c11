//! What plugins change of an answer on its way out, whoever gave it.

use super::Plugin;
use super::cors::Cors;
use super::request_id::RequestId;
use super::response_rewrite::ResponseRewrite;
use crate::body::ResponseBody;
use crate::record::Record;
use http::Response;

/// What a plugin sees, and may change, of an answer.
pub(crate) struct Answer<'a> {
    pub(crate) response: &'a mut Response<ResponseBody>,
    /// The request that it answers.
    pub(crate) record: &'a Record,
}

/// A plugin that changes answers.
enum Answering<'a> {
    RequestId(&'a RequestId),
    Cors(&'a Cors),
    ResponseRewrite(&'a ResponseRewrite),
}

impl Plugin {
    /// Whether it changes answers other than by the headers that it gives while the request passes.
    pub(crate) fn answers(&self) -> bool {
        self.answering().is_some()
    }

    /// Changes an answer: the upstream server's, another plugin's, the gateway's own.
    pub(crate) async fn answer(&self, answer: &mut Answer<'_>) {
        match self.answering() {
            Some(Answering::RequestId(plugin)) => plugin.answer(answer),
            Some(Answering::Cors(plugin)) => {
                if let Some(asked) = answer.record.kept.asked() {
                    plugin.answer(asked, answer.response.headers_mut());
                }
            }
            Some(Answering::ResponseRewrite(plugin)) => plugin.answer(answer).await,
            None => {}
        }
    }

    fn answering(&self) -> Option<Answering<'_>> {
        match self {
            Self::RequestId(plugin) => Some(Answering::RequestId(plugin)),
            Self::Cors(plugin) => Some(Answering::Cors(plugin)),
            Self::ResponseRewrite(plugin) => Some(Answering::ResponseRewrite(plugin)),
            Self::KeyAuth(_)
            | Self::BasicAuth(_)
            | Self::JwtAuth(_)
            | Self::HmacAuth(_)
            | Self::LdapAuth(_)
            | Self::LdapUser
            | Self::WolfRbac
            | Self::WolfApplication(_)
            | Self::PublicApi(_)
            | Self::AuthzCasdoor(_)
            | Self::LimitCount(_)
            | Self::IpRestriction(_)
            | Self::ConsumerRestriction(_)
            | Self::ProxyRewrite(_)
            | Self::Prometheus => None,
        }
    }
}
