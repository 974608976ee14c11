//! The HTTP that the SDK speaks through: ours, so that trust, limits and the names of failures are the
//! same as for every other manager. One address, no redirects, no proxies, nothing kept of an answer.

use crate::network::{self, Limits, MetadataService};
use crate::tls;
use aws_sdk_secretsmanager::config::http::{HttpRequest, HttpResponse};
use aws_sdk_secretsmanager::config::{HttpClient, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper::body::Bytes;
use postern::resolve::UnreachableBecause;
use reqwest::{Response, Url};
use std::time::Duration;

/// The connections of one provider.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    http: Option<reqwest::Client>,
    metadata: MetadataService,
    /// Shorter for the chain's questions, which nobody may answer.
    limit: Duration,
}

/// Why there was no answer, on its way through the SDK's errors.
#[derive(Debug, thiserror::Error)]
#[error("no usable answer")]
pub(super) struct NoAnswer(pub(super) UnreachableBecause);

impl Transport {
    pub(super) fn new(metadata: MetadataService) -> Self {
        let trust = tls::client_config(None, None).unwrap_or_else(|_| tls::trusting_nobody());
        let limits = Limits::default();
        Self { http: network::client(trust, limits, None), metadata, limit: limits.total }
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, UnreachableBecause> {
        let http = self.http.ok_or(UnreachableBecause::NotUnderstood)?;
        let request = request.try_into_http1x().map_err(|_| UnreachableBecause::NotUnderstood)?;
        let (head, body) = request.into_parts();
        let url = Url::parse(&head.uri.to_string()).map_err(|_| UnreachableBecause::NotUnderstood)?;
        let body = body.bytes().map(Bytes::copy_from_slice).ok_or(UnreachableBecause::NotUnderstood)?;
        let request = http.request(head.method, url).headers(head.headers).timeout(self.limit).body(body);
        into_sdk(network::send_to(request, Limits::default(), self.metadata).await?).await
    }
}

/// The whole answer; its body is wiped when the SDK drops it.
async fn into_sdk(response: Response) -> Result<HttpResponse, UnreachableBecause> {
    let status = response.status().as_u16().try_into().map_err(|_| UnreachableBecause::NotUnderstood)?;
    let headers = response.headers().clone();
    let body = network::read_body(response, Limits::default()).await?;
    let mut answer = HttpResponse::new(status, SdkBody::from(Bytes::from_owner(body)));
    for (name, value) in &headers {
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
    /// The SDK's own time limits are the same as ours, or shorter.
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let read = settings.read_timeout().map(|read| read + settings.connect_timeout().unwrap_or_default());
        let limit = read.unwrap_or(self.limit).min(self.limit);
        SharedHttpConnector::new(Self { limit, ..self.clone() })
    }
}
