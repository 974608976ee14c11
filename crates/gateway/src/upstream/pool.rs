//! Sending a request to one of the servers, and to another when that cannot do harm.

use super::Servers;
use super::connect::{Connector, Used};
use super::failure::Failure;
use super::node::{InFlight, Node};
use crate::GatewayConfig;
use crate::body::{Progress, Upload};
use crate::reject::Reject;
use crate::request_body::RequestBody;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The connections of one worker to the servers of one upstream, kept and used again.
pub(super) type Client = hyper_util::client::legacy::Client<Connector, Upload>;

/// What one worker sends requests with.
pub(crate) struct Pool {
    pub(super) worker: usize,
    pub(super) config: GatewayConfig,
}

/// A request on its way out: its head, and the path and query it asks for.
pub(crate) struct Outgoing {
    pub(crate) head: http::request::Parts,
    pub(crate) target: PathAndQuery,
    pub(crate) body: RequestBody,
}

/// An answer that has begun, and who gave it.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) node: Arc<Node>,
    /// To be kept until the answer has ended.
    pub(crate) in_flight: Option<InFlight>,
}

impl Pool {
    pub(crate) fn new(worker: usize, config: &GatewayConfig) -> Self {
        Self { worker, config: config.clone() }
    }

    pub(super) fn open(&self, servers: &Servers) -> Client {
        hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(self.config.upstream_idle_timeout)
            .pool_max_idle_per_host(320) // APISIX's keepalive_pool
            .http1_max_buf_size(256 * 1024)
            .set_host(false)
            .build(servers.connector(&self.config))
    }

    /// Sends a request to the next server, and returns its answer as soon as it begins.
    ///
    /// It is sent again when that cannot do harm: to the next server when nothing of it was sent; once more
    /// to the same one when a kept connection turned out to be closed, and to the next one when it broke off
    /// before it answered or was silent for too long, the last three only with an idempotent method (RFC 9110 §9.2.2)
    /// and a body, if any, that is here as a whole.
    pub(crate) async fn send(&self, servers: &Arc<Servers>, outgoing: Outgoing) -> Result<Answered, Reject> {
        let Outgoing { head, target, body } = outgoing;
        let client = servers.client(self);
        let limit = servers.read_timeout(&self.config);
        let copy = body.again().filter(|_| is_idempotent(&head.method));
        let until = servers.retries_until();
        let (mut body, mut progress) = Upload::new(body);
        let mut stale_once = copy.is_some();
        let mut tried = Vec::new();
        let mut index = servers.next(&tried).ok_or(Reject::Unreachable)?;
        loop {
            let node = servers.node(index);
            let in_flight = servers.counts_requests().then(|| node.enter());
            let request = request(head.clone(), &target, servers, node, body)?;
            let failure = match attempt(client, request, progress.as_deref(), limit).await {
                Ok(response) => {
                    servers.learn(node, !is_overload(response.status()));
                    return Ok(Answered { response, node: Arc::clone(node), in_flight });
                }
                Err(failure) => failure,
            };
            let copied = || copy.as_ref().and_then(RequestBody::again).map(Upload::new);
            if stale_once
                && failure.is_stale_connection()
                && let Some(again) = copied()
            {
                stale_once = false;
                (body, progress) = again;
                continue;
            }
            if failure.is_the_servers() {
                servers.learn(node, false);
            }
            tried.push(index);
            let again = if failure.is_unreachable() {
                unsent(progress)
            } else if failure.is_unanswered() {
                copied()
            } else {
                None
            };
            let in_time = until.is_none_or(|until| Instant::now() < until);
            let next = if again.is_some() && in_time { servers.next(&tried) } else { None };
            let reject = failure.report(node);
            match (next, again) {
                (Some(next), Some(again)) => (index, (body, progress)) = (next, again),
                _ => return Err(reject),
            }
        }
    }
}

/// The body of a request of which nothing was sent.
fn unsent(progress: Option<Arc<Progress>>) -> Option<(Upload, Option<Arc<Progress>>)> {
    let Some(progress) = progress else { return Some((Upload::none(), None)) };
    Some((Upload::taken_back(&progress)?, Some(progress)))
}

async fn attempt(
    client: &Client,
    request: Request<Upload>,
    progress: Option<&Progress>,
    limit: Duration,
) -> Result<Response<Incoming>, Failure> {
    let mut answer = std::pin::pin!(client.request(request));
    loop {
        // While the client is waited for, its own deadlines count, and the server may be silent.
        let silence = progress.filter(|progress| !progress.is_waiting_for_client()).map(Progress::silence);
        let patience = limit.saturating_sub(silence.unwrap_or_default());
        match tokio::time::timeout(patience, &mut answer).await {
            Ok(Ok(response)) => {
                response.extensions().get::<Used>().inspect(|used| used.mark());
                return Ok(response);
            }
            Ok(Err(error)) => {
                let client = progress.and_then(Progress::failure);
                return Err(client.map_or(Failure::Client(error), |reject| Failure::Upload(reject.clone())));
            }
            // An upload that moves is no silence.
            Err(_) if progress.is_some_and(|p| p.is_waiting_for_client() || p.silence() < limit) => {}
            Err(_) => return Err(Failure::Silent(limit)),
        }
    }
}

/// GET, HEAD, OPTIONS, PUT, DELETE (RFC 9110 §9.2.2; TRACE is not forwarded).
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

/// Whether a server says itself that it cannot answer now. A 500 may be the fault of one page.
fn is_overload(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

fn request(
    mut head: http::request::Parts,
    target: &PathAndQuery,
    servers: &Servers,
    node: &Node,
    body: Upload,
) -> Result<Request<Upload>, Reject> {
    let mut uri = http::uri::Parts::default();
    // Whether TLS is spoken is the connector's business.
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(node.authority.clone());
    uri.path_and_query = Some(target.clone());
    head.uri = Uri::from_parts(uri).map_err(|_| Reject::Internal)?;
    head.version = Version::HTTP_11;
    head.extensions = http::Extensions::new();
    if !servers.passes_host() || !head.headers.contains_key(HOST) {
        head.headers.insert(HOST, servers.host_for(node));
    }
    frame(&mut head.headers, &body);
    Ok(Request::from_parts(head, body))
}

/// Without this line hyper takes a GET whose body has no known length for one without a body.
fn frame(headers: &mut http::HeaderMap, body: &Upload) {
    use http_body::Body;
    if body.size_hint().exact().is_none() {
        headers.remove(CONTENT_LENGTH);
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
