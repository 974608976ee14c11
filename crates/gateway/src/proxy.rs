//! One request, from top to bottom.

use crate::Messages;
use crate::body::ResponseBody;
use crate::client;
use crate::client_body::ClientBody;
use crate::echo;
use crate::headers;
use crate::host::Host;
use crate::own_answer::OwnAnswer;
use crate::path::RequestPath;
use crate::peer::Peer;
use crate::plugin::wolf_rbac::Asked;
use crate::plugin::{Access, Added, Answer, Chain, Changed, Scene, run};
use crate::record::Record;
use crate::reject::Reject;
use crate::request_body::RequestBody;
use crate::request_id::REQUEST_ID;
use crate::stats::Outcome;
use crate::table::Upstream;
use crate::tunnel;
use crate::upstream::{Answered, Outgoing};
use crate::worker::Worker;
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

/// Answers a request, whatever happens.
pub(crate) async fn answer(
    worker: Arc<Worker>,
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody>, Infallible> {
    let shared = &worker.shared;
    let mut record = Record::new(shared, Arc::clone(&peer), &request);
    shared.counters.begun();
    let mut added = Added::default();
    let mut answered = {
        // In place: all that a request needs while it lasts is large, and whoever it is handed to would copy it.
        let passing = pin!(pass(&worker, &peer, request, &mut record, &mut added));
        unless_it_panics(passing).await
    };
    record.refused_by = added.refused_by;
    let outcome = match &mut answered {
        Ok(_) => Outcome::Passed,
        Err(reject) => {
            if shared.config.messages == Messages::Apisix39 {
                reject.in_old_words();
            }
            record.refused(reject);
            reject.outcome()
        }
    };
    let mut response = answered.unwrap_or_else(Reject::into_response);
    added.put_into(response.headers_mut());
    response.headers_mut().insert(&REQUEST_ID, record.id.clone());
    for installed in &record.answering {
        installed.answer(&mut Answer { response: &mut response, record: &record }).await;
    }
    record.answered(response.status().as_u16(), outcome);
    Ok(response.map(|body| {
        let body = if record.method == Method::HEAD { body.without_content() } else { body };
        body.recorded(record)
    }))
}

/// The request's way through the gateway.
async fn pass(
    worker: &Worker,
    peer: &Peer,
    mut request: Request<Incoming>,
    record: &mut Record,
    added: &mut Added,
) -> Result<Response<ResponseBody>, Reject> {
    let config = &worker.shared.config;
    refuse_unforwardable(&request)?;
    let tunnel = tunnel::asked_for(&mut request);
    let (mut head, body) = request.into_parts();
    let body = RequestBody::Streaming(ClientBody::new(body, config)?);
    let client = client::address(&head.headers, peer, &config.trusted_proxies);
    record.client = client;

    // One host and one path, for matching and for the upstream alike.
    let host = Host::of(&head)?;
    let original = head.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("*"));
    let path = RequestPath::parse(original.path())?;
    let mut query = original.query().map(str::to_owned);

    // Before any plugin: what the client may not say, and what was meant for the gateway alone.
    headers::clean_request(&mut head.headers, peer);

    // The configuration of this moment decides; a later one is for later requests.
    let table = worker.shared.table.load_full();
    let route = match table.route(host.as_ref().map_or("", |h| &h.name), &head.method, &path) {
        Err(Reject::NoRoute) => None,
        found => Some(found?),
    };
    record.route = route.cloned();
    let global = table.global()?;
    let plan = route.map(|route| route.plan.as_ref().ok_or(Reject::NotEnforceable)).transpose()?;
    let scene = Scene {
        path: &path.literal,
        host: host.as_ref().map_or("", |h| &h.name),
        client,
        scheme: peer.scheme.to_str().unwrap_or_default(),
        has_clients_id: record.has_clients_id,
        route: route.map_or("", |route| route.id.as_str()),
        service: route.map_or("", |route| route.service.as_str()),
        counters: &worker.shared.limits,
        accounts: &worker.shared.accounts,
        redis: &worker.redis,
        directories: &worker.directories,
        http: &worker.http,
    };
    let mut access = Access {
        headers: &mut head.headers,
        query: &mut query,
        table: &table,
        method: &head.method,
        target: &original,
        host: host.as_ref().map(|host| &host.header),
        clock: &*worker.shared.clock,
        body_check: None,
        identity: None,
        changed: Changed::default(),
        endpoint: None,
        answer: added,
        scene: &scene,
    };
    let of_plan = plan.into_iter().flat_map(|plan| plan.plugins.answering());
    record.answered_by(global.answering().chain(of_plan), &access);
    run(global.rewrite(), &mut access).await?;
    let Some(plan) = plan else {
        run(global.access(), &mut access).await?;
        return Err(Reject::NoRoute);
    };
    let body = consult(&plan.plugins, global, &mut access, body, record).await?;
    let (endpoint, changed) = (access.endpoint, access.changed);
    let Changed { path: new_path, method: new_method, host: new_host } = changed;
    record.identity = access.identity;
    if let Some(endpoint) = endpoint {
        let asked = Asked { headers: &head.headers, query: query.as_deref(), table: &table, http: &worker.http };
        return endpoint.answer(&asked, body).await.map(OwnAnswer::into_response);
    }

    if record.identity.as_ref().is_some_and(|identity| !identity.is_anonymous) {
        worker.shared.counters.authenticated();
    }
    headers::clean_cookies(&mut head.headers);
    // HTTP/2, or an absolute target, which counts more than the line.
    let targets = host.as_ref().map(|host| &host.header).filter(|_| head.uri.authority().is_some());
    if let Some(host) = new_host.as_ref().or(targets) {
        head.headers.insert(http::header::HOST, host.clone());
    }
    head.method = new_method.unwrap_or(head.method);
    // The answer to HEAD tells the length of a body that does not follow.
    let has_no_body = head.method == Method::HEAD && record.method != Method::HEAD;
    let (identity, id) = (&record.identity, &record.id);
    let tell = |headers: &mut HeaderMap| {
        if let Some(identity) = identity {
            identity.tell(headers);
        }
        headers.insert(&REQUEST_ID, id.clone());
        headers::set_origin(headers, peer, client, host.as_ref().map(|host| &host.header));
    };

    let target = target(&original, new_path.as_deref().unwrap_or(&path.forwarded), query.as_deref())?;
    let answered = match &plan.upstream {
        Upstream::Echo => {
            tell(&mut head.headers);
            echo::answer(&head, &target, client, body).await
        }
        Upstream::Nodes(nodes) => {
            if tunnel.is_some() {
                if nodes.is_http2 {
                    return Err(Reject::NoTunnel);
                }
                tunnel::ask(&mut head.headers);
            }
            let sent = worker.pool.send(nodes, Outgoing { head, target, body, tell: &tell }).await;
            let Answered { response, node, hold } = sent.map_err(|failed| record.failed(failed))?;
            record.node = Some(node);
            tunnel::join(response, hold, tunnel)
        }
        Upstream::Withheld { incident } => Err(Reject::Unresolved { incident: incident.to_string() }),
    };
    answered.map(|response| if has_no_body { without_body(response) } else { response })
}

fn without_body(mut response: Response<ResponseBody>) -> Response<ResponseBody> {
    response.headers_mut().remove(CONTENT_LENGTH);
    response.map(ResponseBody::without_content)
}

/// The plugins of the route, of the consumer that they find, and the rest of those that run for every request.
async fn consult(
    of_route: &Chain,
    global: &Chain,
    access: &mut Access<'_>,
    body: RequestBody,
    record: &mut Record,
) -> Result<RequestBody, Reject> {
    // Who it is comes first, and a signed body is part of it: nobody uses up another's limit with a wrong one.
    run(of_route.rewrite(), access).await?;
    let body = match access.body_check.take() {
        Some(check) => check.run(access, body).await?,
        None => body,
    };
    let consumer = access.identity.as_ref().map(|identity| &identity.consumer.name);
    let Some(of_consumer) = consumer.map(|name| access.table.plugins_of(name)).transpose()?.flatten() else {
        run(global.access(), access).await?;
        run(of_route.access(), access).await?;
        return Ok(body);
    };
    // The consumer's replace those of the route; what it adds has not run yet.
    let merged = of_route.overlaid_by(of_consumer);
    record.answered_by(global.answering().chain(merged.answering()), access);
    run(merged.added_rewrite(), access).await?;
    run(global.access(), access).await?;
    run(merged.access(), access).await?;
    Ok(body)
}

/// What no gateway forwards: CONNECT and TRACE, and bodies in an encoding other than `chunked` (it would
/// be taken off here, and the upstream could not know).
fn refuse_unforwardable(request: &Request<Incoming>) -> Result<(), Reject> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Reject::MethodRefused);
    }
    let mut encodings = request.headers().get_all(TRANSFER_ENCODING).iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => Ok(()),
        (Some(one), None) if one.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(Reject::BadRequest("The body's Transfer-Encoding is not 'chunked'. The gateway knows no other.")),
    }
}

/// The path and query for the upstream. Most are as they came.
fn target(original: &PathAndQuery, path: &str, query: Option<&str>) -> Result<PathAndQuery, Reject> {
    if path == original.path() && query == original.query() {
        return Ok(original.clone());
    }
    let text = match query {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    PathAndQuery::try_from(text).map_err(|_| Reject::Internal)
}

/// A bug in one request must not end the others of its connection.
async fn unless_it_panics<T>(work: impl Future<Output = Result<T, Reject>>) -> Result<T, Reject> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("A request made the gateway panic; it was answered with 500");
        Err(Reject::Internal)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_becomes_an_answer() {
        let bug = async { std::panic::panic_any("a bug") };
        assert_eq!(unless_it_panics::<()>(bug).await, Err(Reject::Internal));
    }
}
