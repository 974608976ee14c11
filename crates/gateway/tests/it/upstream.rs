//! Upstream servers: one that records and answers, and scripted ones for what no good server does.

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// A request as the upstream saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body_length: usize,
    pub(crate) trailers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// An upstream server that records every request and answers 200.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    /// `/held` answers when this is notified.
    pub(crate) release: Arc<Notify>,
    /// How many requests are in `/held` or past it.
    pub(crate) held: watch::Receiver<usize>,
    holding: Arc<watch::Sender<usize>>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (holding, held) = watch::channel(0);
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            seen: Arc::default(),
            connections: Arc::default(),
            release: Arc::default(),
            held,
            holding: Arc::new(holding),
        };
        tokio::spawn(upstream.clone().accept(listener));
        upstream
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Seen {
        self.seen().pop().unwrap()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            let upstream = self.clone();
            let service = service_fn(move |request| upstream.clone().answer(request));
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let (head, body) = request.into_parts();
        let (body_length, trailers) = drain(body).await;
        let target = head.uri.to_string();
        let seen = Seen { method: head.method, target: target.clone(), headers: head.headers, body_length, trailers };
        self.seen.lock().unwrap().push(seen);
        if target == "/held" {
            self.holding.send_modify(|count| *count += 1);
            self.release.notified().await;
        }
        if let Some(mebibytes) = target.strip_prefix("/stream/") {
            return Ok(Response::new(stream(mebibytes.parse().unwrap())));
        }
        Ok(Response::builder()
            .status(StatusCode::OK)
            .header("connection", "x-hop")
            .header("x-hop", "for the gateway alone")
            .header("x-upstream", self.address.to_string())
            .body(Full::new(Bytes::from_static(b"from upstream")).boxed())
            .unwrap())
    }
}

/// How many bytes a body has, without keeping them, and its trailers.
pub(crate) async fn drain(mut body: Incoming) -> (usize, HeaderMap) {
    let (mut length, mut trailers) = (0, HeaderMap::new());
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
        trailers.extend(frame.into_trailers().unwrap_or_default());
    }
    (length, trailers)
}

/// Receives the next piece of what is sent; nothing when the other side has ended.
pub(crate) async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut buffer = vec![0; 64 * 1024];
    let length = stream.read(&mut buffer).await.unwrap_or(0);
    buffer.truncate(length);
    buffer
}

fn stream(mebibytes: usize) -> BoxBody<Bytes, Infallible> {
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    let frames = std::iter::repeat_n(chunk, mebibytes * 16).map(|chunk| Ok(Frame::data(chunk)));
    BoxBody::new(StreamBody::new(futures_util::stream::iter(frames)))
}

/// A server that runs `script` on each connection; the number tells which it is, from 0.
pub(crate) async fn scripted<F, Fut>(script: F) -> SocketAddr
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(script(number, stream));
        }
    });
    address
}
