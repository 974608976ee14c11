//! Requests that plugins make to servers of the operator's: answered whole, in time and within a size, or not at all.
//!
//! What must never happen: a redirect is followed (a secret would go to whoever it names), a certificate is not
//! checked unless the operator said so, one of Postern's own listeners is called.

use crate::GatewayConfig;
use crate::upstream::{ConnectError, Connector, Reach, Trust, UpstreamTls};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::OnceLock;
use std::time::Duration;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 256 * 1024;

/// How long a server has for its whole answer, connecting included.
const PATIENCE: Duration = Duration::from_secs(10);

/// One worker's connections.
pub(crate) struct HttpClient {
    config: GatewayConfig,
    plain: OnceLock<Client<Connector, Full<Bytes>>>,
    /// Reading the system's certificate authorities takes a while, and most gateways never need them.
    tls: OnceLock<Result<Client<Connector, Full<Bytes>>, String>>,
    /// Certificates are not checked.
    trusting: OnceLock<Result<Client<Connector, Full<Bytes>>, String>>,
}

/// Why there is no answer. The texts are for the log: none has anything of what was sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("the address has no host")]
    NoAddress,
    #[error("nobody can be trusted: {0}")]
    NoTrust(String),
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("it broke off, or does not speak HTTP")]
    Broken,
    #[error("its answer is longer than {LONGEST_ANSWER} bytes")]
    TooLong,
    #[error("no whole answer within {} ms", .0.as_millis())]
    Slow(Duration),
}

impl HttpClient {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        Self { config: config.clone(), plain: OnceLock::new(), tls: OnceLock::new(), trusting: OnceLock::new() }
    }

    /// Sends `request`, whose URI is absolute, and reads the answer to its end.
    ///
    /// # Errors
    /// There is none that can be used. A status is no error.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, NoAnswer> {
        self.send_to(request, true).await
    }

    /// The same; with `is_verified` off to whatever server is at the address.
    ///
    /// # Errors
    /// As [`HttpClient::send`].
    pub(crate) async fn send_to(
        &self,
        request: Request<Full<Bytes>>,
        is_verified: bool,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let limit = PATIENCE.min(self.config.response_timeout);
        tokio::time::timeout(limit, self.answer(request, is_verified)).await.map_err(|_| NoAnswer::Slow(limit))?
    }

    async fn answer(&self, mut request: Request<Full<Bytes>>, is_verified: bool) -> Result<Response<Bytes>, NoAnswer> {
        let is_tls = request.uri().scheme_str() == Some("https");
        *request.uri_mut() = with_port(request.uri(), is_tls)?;
        let response = self.client(is_tls, is_verified)?.request(request).await.map_err(|error| unreachable(&error))?;
        let (head, body) = response.into_parts();
        let read = Limited::new(body, LONGEST_ANSWER).collect().await;
        let body =
            read.map_err(|error| if error.is::<LengthLimitError>() { NoAnswer::TooLong } else { NoAnswer::Broken })?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    fn client(&self, is_tls: bool, is_verified: bool) -> Result<&Client<Connector, Full<Bytes>>, NoAnswer> {
        if !is_tls {
            return Ok(self.plain.get_or_init(|| self.open(None)));
        }
        let (client, trust) = if is_verified { (&self.tls, Trust::System) } else { (&self.trusting, Trust::Anyone) };
        let client = client.get_or_init(|| UpstreamTls::trusting(trust).map(|tls| self.open(Some(tls))));
        client.as_ref().map_err(|why| NoAnswer::NoTrust(why.clone()))
    }

    fn open(&self, tls: Option<UpstreamTls>) -> Client<Connector, Full<Bytes>> {
        let GatewayConfig { connect_timeout, forbidden_upstreams, upstream_idle_timeout, .. } = &self.config;
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(*upstream_idle_timeout)
            .build(Connector::new(*connect_timeout, Reach::of_plugins(forbidden_upstreams), tls))
    }
}

/// The connector needs a port. `Host` leaves a scheme's own port out all the same.
fn with_port(uri: &Uri, is_tls: bool) -> Result<Uri, NoAnswer> {
    if uri.port().is_some() {
        return Ok(uri.clone());
    }
    let host = uri.host().ok_or(NoAnswer::NoAddress)?;
    let authority = format!("{host}:{}", if is_tls { 443 } else { 80 });
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(authority.parse().map_err(|_| NoAnswer::NoAddress)?);
    Uri::from_parts(parts).map_err(|_| NoAnswer::NoAddress)
}

fn unreachable(error: &hyper_util::client::legacy::Error) -> NoAnswer {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<ConnectError>());
    source.map_or(NoAnswer::Broken, |why| NoAnswer::Unreachable(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemes_own_port_is_made_explicit() {
        for (uri, expected) in [
            ("http://h/x", "http://h:80/x"),
            ("https://h/x?y", "https://h:443/x?y"),
            ("https://[::1]/x", "https://[::1]:443/x"),
            ("https://h:8443/x", "https://h:8443/x"),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(with_port(&uri, uri.scheme_str() == Some("https")).unwrap(), expected);
        }
    }
}
