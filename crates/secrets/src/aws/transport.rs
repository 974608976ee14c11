//! The HTTP that the SDK speaks through: ours, so that trust, limits and the names of failures are the
//! same as for every other manager. One address, no redirects, no proxies, nothing kept of an answer.

use super::TIMEOUT;
use crate::network::{CONNECT_TIMEOUT, Names, because};
use crate::tls;
use aws_sdk_secretsmanager::config::http::{HttpRequest, HttpResponse};
use aws_sdk_secretsmanager::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::body::Bytes;
use postern::provider::aws::is_denied_address;
use postern::resolve::UnreachableBecause;
use reqwest::{Response, Url};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// The largest answer read. A secret has at most 64 KiB (AWS's quota), a page of names less than this.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// The connections of one provider.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: Option<reqwest::Client>,
}

/// Why there was no answer, on its way through the SDK's errors.
#[derive(Debug, thiserror::Error)]
#[error("no usable answer")]
pub(super) struct NoAnswer(pub(super) UnreachableBecause);

impl Transport {
    pub(super) fn new() -> Self {
        let trust = tls::client_config(None, None).unwrap_or_else(|_| tls::trusting_nobody());
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .tcp_nodelay(true)
            .dns_resolver(Names(is_denied_address))
            .tls_backend_preconfigured(trust)
            .build();
        Self { http: http.ok() }
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, UnreachableBecause> {
        let http = self.http.ok_or(UnreachableBecause::NotUnderstood)?;
        let request = request.try_into_http1x().map_err(|_| UnreachableBecause::NotUnderstood)?;
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|_| UnreachableBecause::NotUnderstood)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        // An address in the URL, however it was written, is not looked up.
        if host.parse::<IpAddr>().is_ok_and(is_denied_address) {
            return Err(UnreachableBecause::NameNotFound { host });
        }
        let body = body.bytes().map(Bytes::copy_from_slice).ok_or(UnreachableBecause::NotUnderstood)?;
        let request = http.request(head.method, url).headers(head.headers).body(body);
        let response = request.send().await.map_err(|error| because(&error, &host, TIMEOUT))?;
        if response.status().is_redirection() {
            return Err(UnreachableBecause::Redirected);
        }
        into_sdk(response, &host).await
    }
}

/// The whole answer; its body is wiped when the SDK drops it.
async fn into_sdk(mut response: Response, host: &str) -> Result<HttpResponse, UnreachableBecause> {
    let expected = response.content_length().unwrap_or(0).min(MAX_BODY as u64);
    let mut body = Zeroizing::new(Vec::with_capacity(usize::try_from(expected).unwrap_or(0)));
    while let Some(chunk) = response.chunk().await.map_err(|error| because(&error, host, TIMEOUT))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(UnreachableBecause::NotUnderstood);
        }
        body.extend_from_slice(&chunk);
    }
    let status = response.status().as_u16().try_into().map_err(|_| UnreachableBecause::NotUnderstood)?;
    let mut answer = HttpResponse::new(status, SdkBody::from(Bytes::from_owner(body)));
    for (name, value) in response.headers() {
        if let Ok(value) = value.to_str() {
            answer.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(answer)
}

impl HttpConnector for Transport {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let transport = self.clone();
        HttpConnectorFuture::new(async move {
            transport.answer(request).await.map_err(|why| ConnectorError::other(NoAnswer(why).into(), None))
        })
    }
}

impl HttpClient for Transport {
    /// The SDK's own time limits are the same as ours.
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
