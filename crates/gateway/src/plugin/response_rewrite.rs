//! response-rewrite: the client gets another status, other headers or another body
//! (`apisix/plugins/response-rewrite.lua`).
//!
//! What must never happen here: an answer goes out half changed. What cannot be changed as configured is replaced by
//! an error.

use super::body_filter::BodyFilter;
use super::condition::When;
use super::fill::{Known, kept, of_requests};
use super::header_ops::HeaderOps;
use super::{Access, Answer};
use crate::body::ResponseBody;
use crate::record::Record;
use crate::reject::Reject;
use base64::Engine;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Bytes;
use postern::plugin::filled::AnyVariable;
use postern::plugin::response_rewrite::{ResponseRewritePlugin, is_bodiless};
use postern::plugin::variable::Variable;
use postern::snapshot::LiveField;
use std::borrow::Cow;

/// The longest body that filters look at, in bytes.
const LONGEST: usize = 8 * 1024 * 1024;

/// A response-rewrite configuration, ready to run.
pub(crate) struct ResponseRewrite {
    when: Option<When>,
    status: Option<StatusCode>,
    body: Option<Bytes>,
    headers: HeaderOps,
    filters: Vec<BodyFilter>,
    /// The variables of the request that conditions and headers name.
    of_requests: Vec<Variable>,
}

/// An answer, and what was kept of its request.
struct OfAnswer<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    record: &'a Record,
}

impl ResponseRewrite {
    pub(super) fn compile(config: &ResponseRewritePlugin<LiveField>) -> Result<Self, String> {
        let decoded = |text: &str| {
            let decoded = base64::engine::general_purpose::STANDARD.decode(text);
            decoded.map(Bytes::from).map_err(|_| "response-rewrite: body is not base64".to_owned())
        };
        let plain = |text: &str| Ok(Bytes::from(text.to_owned()));
        let body = config.body.as_deref().map(|text| if config.body_base64 { decoded(text) } else { plain(text) });
        let status = config.status_code.map(StatusCode::from_u16).transpose();
        let when = config.vars.as_ref().map(When::compile).transpose()?;
        let mut wanted: Vec<Variable> = config.headers.filled().flat_map(of_requests).cloned().collect();
        wanted.extend(when.iter().flat_map(When::of_requests).cloned());
        Ok(Self {
            when,
            status: status.map_err(|_| "response-rewrite: status_code is no status")?,
            body: body.transpose()?,
            headers: HeaderOps::compile("response-rewrite", &config.headers)?,
            filters: config.filters.iter().map(BodyFilter::compile).collect::<Result<_, _>>()?,
            of_requests: wanted,
        })
    }

    pub(super) fn of_requests(&self) -> &[Variable] {
        &self.of_requests
    }

    /// Filters look at bodies as they are, so the upstream server is asked for no compressed one.
    pub(super) fn access(&self, access: &mut Access<'_>) {
        if !self.filters.is_empty() {
            access.headers.remove(ACCEPT_ENCODING);
        }
    }

    pub(super) async fn answer(&self, answer: &mut Answer<'_>) {
        if answer.response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return;
        }
        if let Err(reject) = self.change(answer).await {
            *answer.response = reject.into_response();
        }
    }

    async fn change(&self, answer: &mut Answer<'_>) -> Result<(), Reject> {
        let response = &mut *answer.response;
        let known = OfAnswer { status: response.status(), headers: response.headers(), record: answer.record };
        if self.when.as_ref().is_some_and(|when| !when.holds(&known)) {
            return Ok(());
        }
        let headers = self.headers.work_out(&known)?;
        if let Some(status) = self.status {
            *response.status_mut() = status;
        }
        let body = std::mem::replace(response.body_mut(), ResponseBody::empty());
        let status = response.status().as_u16();
        *response.body_mut() = self.body(body, status, response.headers_mut(), &answer.record.method).await?;
        headers.apply(response.headers_mut());
        Ok(())
    }

    /// The body that the client gets, and what the headers say of it.
    async fn body(
        &self,
        body: ResponseBody,
        status: u16,
        headers: &mut HeaderMap,
        method: &Method,
    ) -> Result<ResponseBody, Reject> {
        if is_bodiless(status) {
            headers.remove(CONTENT_LENGTH);
            return Ok(ResponseBody::empty());
        }
        let replaced = match &self.body {
            Some(own) => own.clone(),
            None if self.filters.is_empty() => return Ok(body),
            None => self.filtered(body, headers).await?,
        };
        for name in [CONTENT_ENCODING, ETAG, LAST_MODIFIED] {
            headers.remove(name);
        }
        if *method == Method::HEAD && self.body.is_none() {
            // How long it would be was not asked for.
            headers.remove(CONTENT_LENGTH);
        } else {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(replaced.len()));
        }
        Ok(ResponseBody::whole(replaced))
    }

    async fn filtered(&self, body: ResponseBody, headers: &HeaderMap) -> Result<Bytes, Reject> {
        if headers.get(CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            tracing::warn!(
                "response-rewrite: an upstream server compressed its answer unasked, so filters cannot be run"
            );
            return Err(Reject::NotFiltered);
        }
        let collected = Limited::new(body, LONGEST).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                tracing::warn!("response-rewrite: an answer is longer than filters look at, {LONGEST} bytes");
                return Reject::NotFiltered;
            }
            Reject::BrokenUpstream
        });
        let mut bytes = collected?.to_bytes();
        for filter in &self.filters {
            if let Cow::Owned(changed) = filter.apply(&bytes) {
                bytes = Bytes::from(changed);
            }
        }
        Ok(bytes)
    }
}

impl Known for OfAnswer<'_> {
    fn value(&self, variable: &AnyVariable) -> Option<Cow<'_, str>> {
        let server = || self.record.node.as_ref().and_then(|node| node.name().rsplit_once(':'));
        match variable {
            AnyVariable::Status => Some(Cow::Owned(self.status.as_u16().to_string())),
            AnyVariable::SentHttp(name) => Some(String::from_utf8_lossy(self.headers.get(name)?.as_bytes())),
            AnyVariable::BalancerIp => server().map(|(host, _)| Cow::Borrowed(host)),
            AnyVariable::BalancerPort => server().map(|(_, port)| Cow::Borrowed(port)),
            AnyVariable::Request(variable) => kept(self.record, variable),
        }
    }
}
