//! HTTP/2 to upstream servers, as gRPC needs it.

use crate::support::{Running, closed_address, nodes, read, route, snapshot, start_with, until};
use crate::upstream::{receive, scripted};
use futures_util::{Stream, StreamExt};
use gateway::GatewayConfig;
use http::header::{HOST, TE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, BodyStream, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use postern::routing::{ActiveCheck, Nodes, Scheme, Upstream as Kind};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

type Body = BoxBody<Bytes, Infallible>;

/// What comes through a channel, as it comes.
fn receiver_stream<T>(receiver: mpsc::UnboundedReceiver<T>) -> impl Stream<Item = T> {
    futures_util::stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) })
}

/// A server of HTTP/2 alone, that tells what it saw.
#[derive(Clone)]
struct Grpc {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<http::request::Parts>>>,
    connections: Arc<AtomicUsize>,
    held: Arc<AtomicUsize>,
    release: Arc<Notify>,
}

impl Grpc {
    /// It lets a client have so many requests at a time on a connection.
    async fn start(streams: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap(),
            heads: Arc::default(),
            connections: Arc::default(),
            held: Arc::default(),
            release: Arc::default(),
        };
        let this = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                this.connections.fetch_add(1, Ordering::SeqCst);
                let answering = this.clone();
                let service = service_fn(move |request| answering.clone().answer(request));
                let mut http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(http2.max_concurrent_streams(streams).serve_connection(TokioIo::new(stream), service));
            }
        });
        server
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        self.heads.lock().unwrap().push(head);
        Ok(match path.as_str() {
            "/held" => {
                self.held.fetch_add(1, Ordering::SeqCst);
                self.release.notified().await;
                Response::new(Full::default().boxed())
            }
            // An error before there is any message: head and trailers in one (gRPC over HTTP/2, "Trailers-Only").
            "/pkg.Service/Missing" => {
                Response::builder().header("grpc-status", "5").body(Empty::new().boxed()).unwrap()
            }
            // Sends back each message as it comes, then the trailers, with its own.
            _ => Response::builder().header("content-type", "application/grpc").body(echo(body)).unwrap(),
        })
    }
}

fn echo(body: Incoming) -> Body {
    let frames = BodyStream::new(body).map(|frame| match frame.unwrap().into_data() {
        Ok(data) => Frame::data(data),
        Err(ends) => {
            let mut trailers = ends.into_trailers().unwrap();
            trailers.insert("grpc-status", HeaderValue::from_static("7"));
            Frame::trailers(trailers)
        }
    });
    BodyExt::boxed(StreamBody::new(frames.map(Ok)))
}

fn trailers(name: &'static str, value: &'static str) -> Frame<Bytes> {
    Frame::trailers(HeaderMap::from_iter([(name.parse().unwrap(), HeaderValue::from_static(value))]))
}

fn over_http2(nodes: Nodes) -> Running {
    let config = GatewayConfig { workers: 1, ..GatewayConfig::default() };
    start_with(config, snapshot(Kind::Nodes(nodes), vec![route("all", "/*")]))
}

fn to(addresses: &[SocketAddr]) -> Nodes {
    let Kind::Nodes(nodes) = nodes(&addresses.iter().map(|address| (*address, 1)).collect::<Vec<_>>()) else {
        unreachable!("nodes are nodes")
    };
    Nodes { scheme: Scheme::Grpc, ..nodes }
}

/// A client that begins with HTTP/2, as gRPC's do without TLS.
async fn client(running: &Running) -> SendRequest<Body> {
    let stream = TokioIo::new(TcpStream::connect(running.address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn call(path: &str, body: Body) -> Request<Body> {
    let request = Request::post(format!("http://api.example{path}")).header(TE, "trailers");
    request.header("content-type", "application/grpc").body(body).unwrap()
}

#[tokio::test]
async fn a_unary_call_passes_with_its_message_and_the_trailers_of_both_sides() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[server.address]));
    let mut client = client(&running).await;
    let frames = [Frame::data(Bytes::from_static(b"\0\0\0\0\x01x")), trailers("x-client", "1")];
    let message = BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames.map(Ok))));
    let answer = client.send_request(call("/pkg.Service/Echo?a=b", message)).await.unwrap();
    assert_eq!(
        (answer.status(), answer.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "application/grpc")
    );
    let body = answer.into_body().collect().await.unwrap();
    let ends = body.trailers().unwrap();
    assert_eq!(
        (&ends["x-client"], &ends["grpc-status"]),
        (&HeaderValue::from_static("1"), &HeaderValue::from_static("7"))
    );
    assert_eq!(body.to_bytes(), &b"\0\0\0\0\x01x"[..]);
    let head = server.heads.lock().unwrap().pop().unwrap();
    assert_eq!(
        (head.version, head.uri.to_string().as_str()),
        (Version::HTTP_2, "http://api.example/pkg.Service/Echo?a=b")
    );
    assert_eq!((&head.headers[TE], head.headers.get(HOST)), (&HeaderValue::from_static("trailers"), None));
    assert_eq!(head.headers["x-forwarded-for"], "127.0.0.1");
}

#[tokio::test]
async fn an_error_without_a_message_is_passed_on() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[server.address]));
    let answer = client(&running).await.send_request(call("/pkg.Service/Missing", Empty::new().boxed())).await.unwrap();
    assert_eq!((answer.status(), &answer.headers()["grpc-status"]), (StatusCode::OK, &HeaderValue::from_static("5")));
    assert!(answer.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn messages_pass_in_both_directions_while_the_call_lasts() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[server.address]));
    let (messages, body) = mpsc::unbounded_channel();
    let body = BodyExt::boxed(StreamBody::new(receiver_stream(body)));
    let mut client = client(&running).await;
    messages.send(Ok(Frame::data(Bytes::from_static(b"0")))).unwrap();
    let mut answer = client.send_request(call("/pkg.Service/Echo", body)).await.unwrap().into_body();
    for message in [&b"0"[..], b"1", b"2"] {
        if message != b"0" {
            messages.send(Ok(Frame::data(Bytes::copy_from_slice(message)))).unwrap();
        }
        assert_eq!(answer.frame().await.unwrap().unwrap().into_data().unwrap(), message);
    }
    messages.send(Ok(trailers("x-client", "1"))).unwrap();
    drop(messages);
    assert_eq!(answer.frame().await.unwrap().unwrap().into_trailers().unwrap()["grpc-status"], "7");
}

#[tokio::test]
async fn a_client_of_http_1_is_answered_too() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[server.address]));
    let answer =
        running.send(running.request("PUT", "/x").body(Full::new(Bytes::from_static(b"hello"))).unwrap()).await;
    assert_eq!(answer.summary(), (200, "hello"));
    let head = server.heads.lock().unwrap().pop().unwrap();
    assert_eq!(head.headers["content-length"], "5");
    assert_eq!(head.uri.authority().unwrap().as_str(), running.address.to_string());
}

#[tokio::test]
async fn no_websocket_passes() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[server.address]));
    let answer =
        running.raw("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 501") && answer.contains("no WebSocket"), "{answer}");
    assert!(server.heads.lock().unwrap().is_empty());
}

#[tokio::test]
async fn requests_share_a_connection_as_far_as_the_server_allows() {
    for (streams, connections) in [(100, 1), (2, 3)] {
        let server = Grpc::start(streams).await;
        let running = over_http2(to(&[server.address]));
        let mut client = client(&running).await;
        // With the first answer it is known how many the server allows.
        client.send_request(call("/pkg.Service/Missing", Empty::new().boxed())).await.unwrap();
        let waiting: Vec<_> = (0..6).map(|_| client.send_request(call("/held", Empty::new().boxed()))).collect();
        let waiting = tokio::spawn(futures_util::future::join_all(waiting));
        until("all six are with the server", || server.held.load(Ordering::SeqCst) == 6).await;
        assert_eq!(server.connections.load(Ordering::SeqCst), connections);
        server.release.notify_waiters();
        assert!(waiting.await.unwrap().into_iter().all(|answer| answer.unwrap().status() == 200));
    }
}

#[tokio::test]
async fn an_active_check_asks_in_http_2() {
    let server = Grpc::start(100).await;
    let check = ActiveCheck { path: "/health".to_owned(), interval: 1, healthy_after: 1, unhealthy_after: 1 };
    let running = over_http2(Nodes { active_check: Some(check), ..to(&[server.address, closed_address()]) });
    until("the closed one is found out", || {
        running.gateway.upstream_states().iter().map(|state| state.is_healthy).collect::<Vec<_>>() == [true, false]
    })
    .await;
    assert_eq!(server.heads.lock().unwrap()[0].uri.path(), "/health");
}

const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// A head of `:status: 200` and nothing else (RFC 7541, Appendix A).
const OK: u8 = 0x88;

/// A frame of a stream (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

fn answer(stream: u32) -> Vec<u8> {
    frame(1, 5, stream, &[OK])
}

fn reset(stream: u32, reason: u32) -> Vec<u8> {
    frame(3, 0, stream, &reason.to_be_bytes())
}

fn go_away(last: u32, reason: u32) -> Vec<u8> {
    frame(7, 0, 0, &[last.to_be_bytes(), reason.to_be_bytes()].concat())
}

/// What the head of a request on that stream is answered with.
type Script = fn(u32) -> Vec<Vec<u8>>;

/// Where a script ends the connection.
const END: Vec<u8> = Vec::new();

/// Serves one connection: answers the head of each request with what `script` says.
async fn serve(mut stream: TcpStream, script: impl Fn(u32) -> Vec<Vec<u8>>) {
    let mut preface = [0; 24];
    if stream.read_exact(&mut preface).await.is_err() || stream.write_all(SETTINGS).await.is_err() {
        return;
    }
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let number = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        match head[3] {
            1 => {
                let frames = script(number);
                stream.write_all(&frames.concat()).await.unwrap();
                if frames.contains(&END) {
                    return;
                }
            }
            // Settings are acknowledged.
            4 if head[4] == 0 => stream.write_all(&frame(4, 1, 0, &[])).await.unwrap(),
            _ => {}
        }
    }
}

/// What becomes of two requests, one after the other, when the first connections of their only server do as told
/// and later ones answer.
async fn check(first: &'static [Script], method: &str, expected: [u16; 2]) {
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    let address = scripted(move |number, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        serve(stream, move |stream| first.get(number).map_or_else(|| vec![answer(stream)], |script| script(stream)))
    })
    .await;
    let running = over_http2(to(&[address]));
    let mut got = [0; 2];
    for status in &mut got {
        let response = running.begin(running.request(method, "/").body(Full::default()).unwrap()).await;
        *status = read(response).await.status.as_u16();
    }
    assert_eq!(got, expected, "{method}, after {} connections", connections.load(Ordering::SeqCst));
}

/// The codes of RFC 9113 §7.
const NO_ERROR: u32 = 0;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

#[tokio::test]
async fn what_the_server_did_not_begin_is_sent_again_whatever_the_method() {
    for method in ["GET", "POST"] {
        check(&[|stream| vec![reset(stream, REFUSED_STREAM)]], method, [200, 200]).await;
        check(&[|_| vec![go_away(0, NO_ERROR)]], method, [200, 200]).await;
        check(&[|_| vec![go_away(0, ENHANCE_YOUR_CALM)]], method, [200, 200]).await;
        // It refuses once more: one server is asked twice, not for ever.
        const REFUSES: Script = |stream| vec![reset(stream, REFUSED_STREAM)];
        check(&[REFUSES, REFUSES], method, [502, 200]).await;
    }
}

#[tokio::test]
async fn what_the_server_may_have_done_is_repeated_only_when_that_cannot_do_harm() {
    for method in ["GET", "POST"] {
        const FIRST: Script = |stream| vec![if stream == 1 { reset(1, INTERNAL_ERROR) } else { answer(stream) }];
        check(&[FIRST], method, [502, 200]).await;
        check(&[|_| vec![END]], method, [502, 200]).await;
        check(&[|stream| vec![go_away(stream, NO_ERROR), END]], method, [502, 200]).await;
    }
    // A connection that was of use before has closed under the second request.
    const ONCE: Script = |stream| if stream == 1 { vec![answer(1)] } else { vec![END] };
    check(&[ONCE], "GET", [200, 200]).await;
    check(&[ONCE], "POST", [200, 502]).await;
}

#[tokio::test]
async fn after_go_away_requests_take_a_new_connection() {
    const LEAVES: Script = |stream| vec![answer(stream), go_away(stream, NO_ERROR)];
    for method in ["GET", "POST"] {
        check(&[LEAVES], method, [200, 200]).await;
        check(&[LEAVES, LEAVES], method, [200, 200]).await;
    }
    // What it has begun it may still finish.
    check(&[|stream| vec![go_away(stream, NO_ERROR), answer(stream)]], "POST", [200, 200]).await;
}

#[tokio::test]
async fn a_server_that_breaks_off_in_the_middle_breaks_the_answer() {
    // The first answer is torn when the second request comes.
    const TEARS: Script = |stream| match stream {
        1 => vec![frame(1, 4, 1, &[OK]), frame(0, 0, 1, b"half")],
        _ => vec![reset(1, INTERNAL_ERROR), answer(stream)],
    };
    let address = scripted(|_, stream| serve(stream, TEARS)).await;
    let running = over_http2(to(&[address]));
    let mut client = client(&running).await;
    let mut torn = client.send_request(call("/", Empty::new().boxed())).await.unwrap().into_body();
    assert_eq!(torn.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
    let other = client.send_request(call("/", Empty::new().boxed())).await.unwrap();
    assert_eq!(other.status(), 200);
    assert!(torn.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_of_http_1_alone_is_a_failure_and_not_a_wait() {
    let http1 = scripted(|_, mut stream| async move {
        receive(&mut stream).await;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        while !receive(&mut stream).await.is_empty() {}
    })
    .await;
    let running = over_http2(to(&[http1]));
    let answer = running.get("/").await;
    assert_eq!((answer.status.as_u16(), answer.text().contains("broke off")), (502, true), "{}", answer.text());
}

#[tokio::test]
async fn another_server_is_asked_when_one_cannot_be_reached() {
    let server = Grpc::start(100).await;
    let running = over_http2(to(&[closed_address(), server.address]));
    for _ in 0..4 {
        let request = running.request("POST", "/x").body(Full::new(Bytes::from_static(b"hello"))).unwrap();
        assert_eq!(running.send(request).await.summary(), (200, "hello"));
    }
    assert_eq!(server.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_connection_on_which_a_server_was_silent_is_not_used_again() {
    const SILENT: Script = |_| vec![frame(6, 0, 0, &[0; 8])];
    let address = scripted(|number, stream| {
        serve(stream, move |stream| if number == 0 { SILENT(stream) } else { vec![answer(stream)] })
    })
    .await;
    let running = over_http2(Nodes { read_timeout: Some(1), ..to(&[address]) });
    assert_eq!(running.get("/").await.status, 504);
    assert_eq!(running.get("/").await.status, 200);
}
