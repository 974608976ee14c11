//! request-id: what the id of each request is like, and in which header it stands (`apisix/plugins/request-id.lua`).

use super::{Access, Answer, ids};
use crate::request_id::{REQUEST_ID, is_id};
use http::{HeaderName, HeaderValue};
use postern::plugin::request_id::RequestIdPlugin;

/// A request-id configuration, ready to run.
pub(crate) struct RequestId {
    /// Another than the gateway's own.
    header: Option<HeaderName>,
    config: RequestIdPlugin,
}

impl RequestId {
    pub(super) fn compile(config: RequestIdPlugin) -> Result<Self, String> {
        let header = (!config.is_of_gateway()).then(|| super::auth::header_name("request-id", &config.header_name));
        Ok(Self { header: header.transpose()?, config })
    }

    /// The id that the gateway itself names the request by, where the client sent none and this plugin says what it
    /// is like.
    pub(super) fn id_of_gateway(&self, access: &Access<'_>) -> Option<HeaderValue> {
        (self.header.is_none() && !access.scene.has_clients_id).then(|| self.new_id(access))
    }

    /// Puts an id into a header of its own, unless the client sent one that can stand in a log.
    pub(super) fn access(&self, access: &mut Access<'_>) {
        let Some(header) = &self.header else { return };
        let mut sent = access.headers.get_all(header).iter();
        let id = match (sent.next(), sent.next()) {
            (Some(one), None) if is_id(one.as_bytes()) => one.clone(),
            _ => self.new_id(access),
        };
        access.headers.insert(header, id.clone());
        if self.config.include_in_response {
            access.answer.insert(header, id);
        }
    }

    /// The gateway's own id stands in every answer, unless this plugin says otherwise.
    pub(super) fn answer(&self, answer: &mut Answer<'_>) {
        if self.header.is_none() && !self.config.include_in_response {
            answer.response.headers_mut().remove(&REQUEST_ID);
        }
    }

    fn new_id(&self, access: &Access<'_>) -> HeaderValue {
        ids::new(self.config.algorithm, &self.config.range_id, access.clock.now())
    }
}
