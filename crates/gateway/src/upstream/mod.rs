//! Upstream servers: which one is next, and a worker's connections to them.

use crate::GatewayConfig;
use crate::body::{Progress, Upload};
use crate::reject::Reject;
use connect::{ConnectError, Connector, Used};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use postern::routing;
use std::error::Error as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

mod connect;

/// The longest turn of a round robin. Weights whose turn would be longer are rounded to it.
const LONGEST_TURN: u64 = 10_000;

/// The servers of one upstream, taken in turn by weight.
///
/// The smooth weighted round robin (nginx's: the server that is furthest behind its share is next) is played
/// once when it is made; a request only counts on, so no request waits for another.
pub(crate) struct RoundRobin {
    /// What it was made of.
    source: Vec<routing::Node>,
    nodes: Vec<Node>,
    /// One whole turn: indexes of `nodes`.
    turn: Vec<usize>,
    next: AtomicUsize,
}

/// One upstream server.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    authority: Authority,
    /// Sent as `Host` for a request that has none.
    host: HeaderValue,
}

impl RoundRobin {
    /// `None` when no node has a weight above 0, or one has no valid address.
    pub(crate) fn new(source: &[routing::Node]) -> Option<Self> {
        let weighty: Vec<&routing::Node> = source.iter().filter(|node| node.weight > 0).collect();
        let nodes = weighty.iter().map(|node| Node::new(node)).collect::<Option<Vec<_>>>()?;
        let turn = one_turn(&weighty.iter().map(|node| u64::from(node.weight)).collect::<Vec<_>>());
        (!turn.is_empty()).then(|| Self { source: source.to_vec(), nodes, turn, next: AtomicUsize::new(0) })
    }

    pub(crate) fn is_for(&self, nodes: &[routing::Node]) -> bool {
        self.source == nodes
    }

    fn next(&self) -> usize {
        self.turn[self.next.fetch_add(1, Ordering::Relaxed) % self.turn.len()]
    }

    /// Every node once, the one whose turn it is first.
    fn order(&self) -> impl Iterator<Item = &Node> {
        let first = self.next();
        (0..self.nodes.len()).map(move |offset| &self.nodes[(first + offset) % self.nodes.len()])
    }
}

impl Node {
    fn new(node: &routing::Node) -> Option<Self> {
        let authority: Authority = node.authority().parse().ok()?;
        let host = HeaderValue::from_str(authority.as_str()).ok()?;
        Some(Self { authority, host })
    }
}

fn one_turn(weights: &[u64]) -> Vec<usize> {
    let shares = shares(weights);
    let total: u64 = shares.iter().sum();
    let mut behind: Vec<i64> = vec![0; shares.len()];
    (0..total).filter_map(|_| step(&shares, &mut behind, total)).collect()
}

/// One step of the smooth weighted round robin.
fn step(shares: &[u64], behind: &mut [i64], total: u64) -> Option<usize> {
    for (behind, share) in behind.iter_mut().zip(shares) {
        *behind += i64::try_from(*share).ok()?;
    }
    // The first of equals, as nginx does.
    let next = (0..behind.len()).rev().max_by_key(|index| behind[*index])?;
    behind[next] -= i64::try_from(total).ok()?;
    Some(next)
}

/// The weights in lowest terms, rounded if their sum is still above [`LONGEST_TURN`]; none becomes 0.
fn shares(weights: &[u64]) -> Vec<u64> {
    let divisor = weights.iter().fold(0, |a, b| greatest_common_divisor(a, *b)).max(1);
    let lowest: Vec<u64> = weights.iter().map(|weight| weight / divisor).collect();
    let total: u64 = lowest.iter().sum();
    if total <= LONGEST_TURN {
        return lowest;
    }
    lowest.iter().map(|weight| (weight * LONGEST_TURN / total).max(1)).collect()
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// One worker's connections to upstream servers, kept and used again.
pub(crate) struct Pool {
    client: Client<Connector, Upload>,
    response_timeout: Duration,
}

/// A request on its way out: its head, and the path and query it asks for.
pub(crate) struct Outgoing {
    pub(crate) head: http::request::Parts,
    pub(crate) target: PathAndQuery,
    pub(crate) body: Incoming,
}

impl Pool {
    pub(crate) fn new(config: &GatewayConfig) -> Self {
        let connector = Connector::new(config.connect_timeout, config.forbidden_upstreams.clone());
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(config.upstream_idle_timeout)
            .pool_max_idle_per_host(320) // APISIX's keepalive_pool
            .http1_max_buf_size(256 * 1024)
            .set_host(false)
            .build(connector);
        Self { client, response_timeout: config.response_timeout }
    }

    /// Sends a request to the next server, and returns its answer as soon as it begins.
    ///
    /// A request without a body is sent again when that cannot do harm: to the next server when this one
    /// cannot be connected to, and once more to the same one when a kept connection turned out to be closed
    /// and the method is idempotent (RFC 9110 §9.2.2).
    pub(crate) async fn send(&self, nodes: &RoundRobin, outgoing: Outgoing) -> Result<Response<Incoming>, Reject> {
        let Outgoing { head, target, body } = outgoing;
        let (body, progress) = Upload::new(body);
        let mut order = nodes.order();
        let Some(mut node) = order.next() else { return Err(Reject::Unreachable) };
        if progress.is_some() {
            let request = request(head, &target, node, body)?;
            return self.attempt(request, progress.as_deref()).await.map_err(|failure| failure.report(node));
        }
        let mut again = is_idempotent(&head.method);
        loop {
            let request = request(head.clone(), &target, node, Upload::none())?;
            let failure = match self.attempt(request, None).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let stale = again && failure.is_stale_connection();
            let unreachable = failure.is_unreachable();
            if stale {
                again = false;
                continue;
            }
            let reject = failure.report(node);
            match order.next() {
                Some(other) if unreachable => node = other,
                _ => return Err(reject),
            }
        }
    }

    async fn attempt(
        &self,
        request: Request<Upload>,
        progress: Option<&Progress>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut answer = std::pin::pin!(self.client.request(request));
        loop {
            let silence = progress.map_or(Duration::ZERO, Progress::silence);
            match tokio::time::timeout(self.response_timeout.saturating_sub(silence), &mut answer).await {
                Ok(Ok(response)) => {
                    response.extensions().get::<Used>().inspect(|used| used.mark());
                    return Ok(response);
                }
                Ok(Err(_)) if progress.is_some_and(Progress::has_failed) => return Err(Failure::BrokenUpload),
                Ok(Err(error)) => return Err(Failure::Client(error)),
                Err(_) => match progress {
                    // An upload that moves is no silence.
                    Some(progress) if progress.silence() < self.response_timeout => {}
                    Some(progress) if progress.is_waiting_for_client() => return Err(Failure::SlowUpload),
                    _ => return Err(Failure::Silent(self.response_timeout)),
                },
            }
        }
    }
}

/// Why an attempt gave no answer.
enum Failure {
    Client(Error),
    Silent(Duration),
    SlowUpload,
    BrokenUpload,
}

impl Failure {
    fn connect_error(&self) -> Option<&ConnectError> {
        let Self::Client(error) = self else { return None };
        let mut source = error.source();
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<ConnectError>() {
                return Some(error);
            }
            source = error.source();
        }
        None
    }

    fn is_unreachable(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_connect())
    }

    /// Whether a connection that had answered before was closed under this request.
    fn is_stale_connection(&self) -> bool {
        let Self::Client(error) = self else { return false };
        let mut extensions = http::Extensions::new();
        if let Some(connected) = error.connect_info() {
            connected.get_extras(&mut extensions);
        }
        extensions.get::<Used>().is_some_and(Used::is_marked)
    }

    /// Logs the cause, and turns it into what the client may know.
    fn report(self, node: &Node) -> Reject {
        let server = &node.authority;
        match &self {
            Self::SlowUpload => return Reject::BodyTooSlow,
            Self::BrokenUpload => {
                return Reject::BadRequest("The body of the request broke off, or is not framed as HTTP requires.");
            }
            Self::Silent(after) => {
                tracing::warn!(%server, "Upstream {server} did not begin to answer within {} s", after.as_secs());
                return Reject::SlowUpstream;
            }
            Self::Client(_) => {}
        }
        match (self.connect_error(), &self) {
            (Some(ConnectError::Timeout { after }), _) => {
                tracing::warn!(%server, "Upstream {server} could not be connected to within {} s", after.as_secs());
                Reject::SlowUpstream
            }
            (Some(error), _) => {
                tracing::warn!(%server, cause = ?error.source(), "Upstream {server}: {error}");
                Reject::Unreachable
            }
            (None, Self::Client(error)) => {
                tracing::warn!(%server, %error, cause = ?error.source(), "Upstream {server} broke off before it answered");
                Reject::BrokenUpstream
            }
            (None, _) => Reject::BrokenUpstream,
        }
    }
}

/// GET, HEAD, OPTIONS, PUT, DELETE (RFC 9110 §9.2.2; TRACE is not forwarded).
fn is_idempotent(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE)
}

fn request(
    mut head: http::request::Parts,
    target: &PathAndQuery,
    node: &Node,
    body: Upload,
) -> Result<Request<Upload>, Reject> {
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(node.authority.clone());
    uri.path_and_query = Some(target.clone());
    head.uri = Uri::from_parts(uri).map_err(|_| Reject::Internal)?;
    head.version = Version::HTTP_11;
    head.extensions = http::Extensions::new();
    if !head.headers.contains_key(http::header::HOST) {
        head.headers.insert(http::header::HOST, node.host.clone());
    }
    frame(&mut head.headers, &body);
    Ok(Request::from_parts(head, body))
}

/// Without this line hyper takes a GET whose body has no known length for one without a body.
fn frame(headers: &mut http::HeaderMap, body: &Upload) {
    use http_body::Body;
    if body.size_hint().exact().is_none() {
        headers.remove(http::header::CONTENT_LENGTH);
        headers.insert(http::header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

#[cfg(test)]
mod tests;
