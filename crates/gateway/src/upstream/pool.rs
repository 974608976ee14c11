//! Sending a request to one of the servers, and to another when that cannot do harm.

use super::Servers;
use super::alarm::Alarms;
use super::connections::{Broken, Connections, Lease, Unanswered};
use super::failure::{Failed, Failure};
use super::node::{InFlight, Node};
use crate::GatewayConfig;
use crate::body::{Progress, Upload};
use crate::reject::Reject;
use crate::request_body::RequestBody;
use http::header::{CONTENT_LENGTH, HOST, TE, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{self, Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body;
use hyper::body::Incoming;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What one worker sends requests with.
pub(crate) struct Pool {
    pub(super) worker: usize,
    pub(super) config: GatewayConfig,
    alarms: Alarms,
}

/// A request on its way out: its head, and the path and query it asks for.
pub(crate) struct Outgoing<'a> {
    pub(crate) head: Parts,
    pub(crate) target: PathAndQuery,
    pub(crate) body: RequestBody,
    /// Adds what only the gateway says. Done to each copy that is sent, so that none is kept of it.
    pub(crate) tell: &'a (dyn Fn(&mut HeaderMap) + Sync),
}

/// An answer that has begun, and who gave it.
pub(crate) struct Answered {
    pub(crate) response: Response<Incoming>,
    pub(crate) node: Arc<Node>,
    pub(crate) hold: Hold,
}

/// What an answer holds until it has ended: its connection, and its place among those in flight.
pub(crate) struct Hold {
    _connection: Lease,
    _in_flight: Option<InFlight>,
}

/// A request ready to be sent, with the progress of its body if it has one.
struct Message {
    request: Request<Upload>,
    progress: Option<Arc<Progress>>,
}

/// What it takes to send a request once more: a body that is here as a whole; and an idempotent method
/// (RFC 9110 §9.2.2), or a server that says that it did nothing with the request, which only HTTP/2 has words for.
struct Spare {
    head: Parts,
    body: RequestBody,
    is_idempotent: bool,
}

impl Pool {
    pub(crate) fn new(worker: usize, config: &GatewayConfig) -> Self {
        Self { worker, config: config.clone(), alarms: Alarms::default() }
    }

    pub(super) fn open(&self, servers: &Servers) -> Connections {
        let connector = servers.connector(&self.config);
        Connections::new(connector, servers.is_http2, servers.nodes().len(), self.config.upstream_idle_timeout)
    }

    /// Sends a request to the next server, and returns its answer as soon as it begins.
    ///
    /// It is sent again when that cannot do harm: to the next server when nothing of it was sent; and when there is a
    /// [`Spare`], once more to the same server when a kept connection turned out to be closed, and to the next one when
    /// it broke off before it answered or was silent for too long.
    pub(crate) async fn send(&self, servers: &Arc<Servers>, outgoing: Outgoing<'_>) -> Result<Answered, Failed> {
        let Outgoing { mut head, target, body, tell } = outgoing;
        let connections = servers.connections(self);
        let (limit, until) = (servers.read_timeout(&self.config), servers.retries_until());
        let keeps_host = servers.passes_host() && head.headers.contains_key(HOST);
        prepare(&mut head, target, &body, servers.is_http2);
        let spare = Spare::of(&head, &body, servers.is_http2);
        tell(&mut head.headers);
        let mut message = Message::new(head, body);
        let (mut may_be_stale, mut anew) = (spare.is_some(), false);
        let mut tried = Vec::new();
        let Some(mut index) = servers.next(&tried) else { return Err(Reject::Unreachable.into()) };
        loop {
            let node = servers.node(index);
            if !keeps_host {
                message.request.headers_mut().insert(HOST, servers.host_for(node));
            }
            if servers.is_http2 {
                address(&mut message.request, servers.tls.is_some())?;
            }
            let in_flight = servers.counts_requests().then(|| node.enter());
            let Message { request, progress } = message;
            let asking = pin!(connections.ask(index, node, request, anew));
            let (failure, unsent) = match in_time(asking, progress.as_deref(), limit, &self.alarms).await {
                Ok((response, connection)) => {
                    servers.learn(node, !is_overload(response.status()));
                    let hold = Hold { _connection: connection, _in_flight: in_flight };
                    return Ok(Answered { response, node: Arc::clone(node), hold });
                }
                Err(failed) => failed,
            };
            let copy = || spare.as_ref().filter(|spare| spare.suits(&failure)).and_then(|spare| spare.copy(tell));
            if may_be_stale
                && failure.is_stale_connection()
                && let Some(again) = copy()
            {
                (may_be_stale, anew, message) = (false, true, again);
                continue;
            }
            if failure.is_the_servers() {
                servers.learn(node, false);
            }
            if matches!(failure, Failure::Silent(_)) {
                connections.distrust(index);
            }
            tried.push(index);
            anew = false;
            let again = match unsent {
                Some(request) => Some(Message { request, progress }),
                None if failure.is_the_servers() => copy(),
                None => None,
            };
            let is_in_time = until.is_none_or(|until| Instant::now() < until);
            let next = if again.is_some() && is_in_time { servers.next(&tried) } else { None };
            let failed = failure.report(node);
            match (next, again) {
                (Some(next), Some(again)) => (index, message) = (next, again),
                _ => return Err(failed),
            }
        }
    }
}

impl Message {
    fn new(head: Parts, body: RequestBody) -> Self {
        let (upload, progress) = Upload::new(body);
        Self { request: Request::from_parts(head, upload), progress }
    }
}

impl Spare {
    fn of(head: &Parts, body: &RequestBody, is_http2: bool) -> Option<Self> {
        let is_idempotent = is_idempotent(&head.method);
        let body = body.again().filter(|_| is_idempotent || is_http2)?;
        Some(Self { head: head.clone(), body, is_idempotent })
    }

    fn suits(&self, failure: &Failure) -> bool {
        self.is_idempotent || failure.is_unprocessed()
    }

    fn copy(&self, tell: impl Fn(&mut HeaderMap)) -> Option<Message> {
        let (mut head, body) = (self.head.clone(), self.body.again()?);
        tell(&mut head.headers);
        Some(Message::new(head, body))
    }
}

/// The answer, unless the server is silent for longer than `limit`.
async fn in_time<T>(
    mut asking: Pin<&mut impl Future<Output = Result<T, Unanswered>>>,
    progress: Option<&Progress>,
    limit: Duration,
    alarms: &Alarms,
) -> Result<T, (Failure, Option<Request<Upload>>)> {
    let mut alarm = alarms.take();
    loop {
        // While the client is waited for, its own deadlines count, and the server may be silent.
        let silence = progress.filter(|progress| !progress.is_waiting_for_client()).map(Progress::silence);
        let patience = limit.saturating_sub(silence.unwrap_or_default());
        let answer = tokio::select! {
            biased;
            answer = &mut asking => Some(answer),
            () = alarm.wait(patience) => None,
        };
        match answer {
            Some(Ok(answer)) => return Ok(answer),
            Some(Err(Unanswered { why, unsent })) => {
                let client = progress.and_then(Progress::failure);
                return Err((
                    client.map_or_else(|| Failure::of(why), |reject| Failure::Upload(reject.clone())),
                    unsent,
                ));
            }
            // An upload that moves is no silence.
            None if progress.is_some_and(|p| p.is_waiting_for_client() || p.silence() < limit) => {}
            None => return Err((Failure::Silent(limit), None)),
        }
    }
}

impl Failure {
    fn of(why: Broken) -> Self {
        match why {
            Broken::Connect(error) => Self::Connect(error),
            Broken::Connection { error, was_kept, is_unprocessed } => Self::Broken { error, was_kept, is_unprocessed },
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

/// Makes the head one for an origin server. Without a line about its length, hyper takes a GET in HTTP/1.1 whose body
/// has no known one for one without a body.
fn prepare(head: &mut Parts, target: PathAndQuery, body: &RequestBody, is_http2: bool) {
    head.uri = Uri::from(target);
    head.version = if is_http2 { Version::HTTP_2 } else { Version::HTTP_11 };
    head.extensions = http::Extensions::new();
    let has_length = body.size_hint().exact().is_some();
    if !has_length {
        head.headers.remove(CONTENT_LENGTH);
    }
    if is_http2 {
        // The gateway passes trailers on, and servers of gRPC want to be told so.
        head.headers.insert(TE, HeaderValue::from_static("trailers"));
    } else if !has_length {
        head.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}

/// In HTTP/2 the host is part of what is asked for (RFC 9113 §8.3.1). A request that goes to the next server has it there.
pub(super) fn address<B>(request: &mut Request<B>, is_tls: bool) -> Result<(), Reject> {
    let Some(host) = request.headers_mut().remove(HOST) else { return Ok(()) };
    let authority = Authority::try_from(host.as_bytes())
        .map_err(|_| Reject::BadRequest("The Host of the request is not one that HTTP/2 can name."))?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(if is_tls { uri::Scheme::HTTPS } else { uri::Scheme::HTTP });
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Reject::Internal)?;
    Ok(())
}
