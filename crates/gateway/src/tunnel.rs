//! WebSocket: a connection that becomes a tunnel, but only after the upstream server has agreed.
//!
//! Nothing but `websocket` is passed on. An upgrade to `h2c` would carry further requests past the routes
//! and their plugins.

use crate::body::ResponseBody;
use crate::headers;
use crate::reject::Reject;
use crate::upstream::Hold;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// The client's half of a tunnel, if the request asks for one. Every other upgrade is ignored, as RFC 9110
/// §7.8 allows: the request goes on as an ordinary one.
pub(crate) fn asked_for(request: &mut Request<Incoming>) -> Option<OnUpgrade> {
    let headers = request.headers();
    let asks = request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && headers::lists(headers, &CONNECTION, "upgrade")
        && headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && headers.get_all(UPGRADE).iter().count() == 1
        && request.body().is_end_stream();
    asks.then(|| hyper::upgrade::on(request))
}

/// Asks the upstream server for the tunnel.
pub(crate) fn ask(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Joins both halves when the upstream server has agreed; its answer goes to the client either way.
///
/// # Errors
/// It switches protocols without having been asked to, or its body is encoded as no client could know.
pub(crate) fn join(
    mut response: Response<Incoming>,
    hold: Hold,
    client: Option<OnUpgrade>,
) -> Result<Response<ResponseBody>, Reject> {
    // Each hop says what it speaks itself (RFC 9110 §2.5); hyper makes it HTTP/1.0 for a client that knows no other.
    *response.version_mut() = Version::HTTP_11;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        clean(response.headers_mut())?;
        return Ok(response.map(|body| ResponseBody::upstream(body, hold)));
    }
    let agreed =
        response.headers().get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(client) = client.filter(|_| agreed) else {
        tracing::warn!("An upstream server switched protocols without having been asked to");
        return Err(Reject::BrokenUpstream);
    };
    clean(response.headers_mut())?;
    tokio::spawn(carry(client, hyper::upgrade::on(&mut response), hold));
    let (mut head, _) = response.into_parts();
    ask(&mut head.headers);
    Ok(Response::from_parts(head, ResponseBody::empty()))
}

fn clean(headers: &mut HeaderMap) -> Result<(), Reject> {
    headers::clean_answer(headers).map_err(|headers::Encoded| {
        tracing::warn!("An upstream server answered in a transfer encoding that nobody asked for");
        Reject::BrokenUpstream
    })
}

/// Carries bytes both ways; the request is in flight until then.
async fn carry(client: OnUpgrade, upstream: OnUpgrade, _hold: Hold) {
    let ends = match tokio::try_join!(client, upstream) {
        Ok(ends) => ends,
        Err(error) => return tracing::debug!(%error, "A tunnel was not opened"),
    };
    let (mut client, mut upstream) = (TokioIo::new(ends.0), TokioIo::new(ends.1));
    match tokio::io::copy_bidirectional(&mut client, &mut upstream).await {
        Ok((sent, received)) => tracing::debug!(sent, received, "A tunnel was closed"),
        Err(error) => tracing::debug!(%error, "A tunnel broke"),
    }
}
