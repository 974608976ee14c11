//! The active check: asks every server at an interval how it fares, apart from the threads that answer.

use super::Servers;
use super::connect::Connector;
use super::node::Node;
use super::pool::address;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioExecutor;
use postern::routing::ActiveCheck;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often a server must agree before its state changes, and what it said lately.
struct Verdict {
    successes: u32,
    failures: u32,
}

/// Checks the servers until their upstream is no longer configured.
pub(super) async fn keep(servers: Weak<Servers>, check: ActiveCheck, connector: Connector) {
    let mut ticks = interval(Duration::from_secs(check.interval.into()));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut verdicts = Vec::new();
    loop {
        ticks.tick().await;
        let Some(servers) = servers.upgrade() else { return };
        verdicts.resize_with(servers.nodes().len(), || Verdict { successes: 0, failures: 0 });
        let answers = servers.nodes().iter().map(|node| is_well(&servers, node, &check, connector.clone()));
        let answers = futures_util::future::join_all(answers).await;
        for ((node, verdict), is_well) in servers.nodes().iter().zip(&mut verdicts).zip(answers) {
            verdict.add(node, is_well, &check);
        }
    }
}

impl Verdict {
    fn add(&mut self, node: &Node, is_well: bool, check: &ActiveCheck) {
        (self.successes, self.failures) =
            if is_well { (self.successes.saturating_add(1), 0) } else { (0, self.failures.saturating_add(1)) };
        let server = node.name();
        if self.failures >= check.unhealthy_after && node.judge(false) {
            tracing::warn!(%server, "Upstream {server} failed {} checks and gets no requests", self.failures);
        }
        if self.successes >= check.healthy_after && node.judge(true) {
            tracing::info!(%server, "Upstream {server} passed {} checks and gets requests again", self.successes);
        }
    }
}

async fn is_well(servers: &Servers, node: &Arc<Node>, check: &ActiveCheck, connector: Connector) -> bool {
    let limit = Duration::from_secs(check.interval.into());
    let status = timeout(limit, ask(servers, node, check, connector)).await.ok().flatten();
    status.is_some_and(|status| (200..400).contains(&status))
}

/// The status of the answer, if there is one.
async fn ask(servers: &Servers, node: &Node, check: &ActiveCheck, connector: Connector) -> Option<u16> {
    let path: PathAndQuery = check.path.parse().ok()?;
    let mut request = Request::get(Uri::from(path))
        .header(HOST, servers.host_for(node))
        .header(USER_AGENT, HeaderValue::from_static("postern-health-check"))
        .body(Empty::<Bytes>::new())
        .ok()?;
    let stream = connector.connect(&node.authority).await.ok()?;
    if servers.is_http2 {
        address(&mut request, servers.tls.is_some()).ok()?;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await.ok()?;
        return status(sender.send_request(request), connection).await;
    }
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let (mut sender, connection) = http1::handshake(stream).await.ok()?;
    status(sender.send_request(request), connection).await
}

/// The connection ends with this function, read to its end or not.
async fn status<B>(
    answer: impl Future<Output = hyper::Result<Response<B>>>,
    connection: impl Future<Output = hyper::Result<()>>,
) -> Option<u16> {
    let mut answer = std::pin::pin!(answer);
    let answer = tokio::select! {
        answer = &mut answer => answer,
        // It may have brought the answer and closed in one go.
        _ = connection => answer.await,
    };
    answer.ok().map(|answer| answer.status().as_u16())
}
