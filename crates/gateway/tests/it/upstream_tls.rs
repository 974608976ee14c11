//! What the gateway shows of itself to upstream servers that ask for a certificate.

use crate::support::{Running, id, nodes, route, snapshot, start};
use crate::tls::Authority;
use http::{Request, Response, Version};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use postern::routing::{Nodes, NodesTls, Scheme, Upstream as Kind};
use postern::snapshot::{Snapshot, SnapshotCertificate};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const HTTP1: &[&[u8]] = &[b"http/1.1"];
const HTTP2: &[&[u8]] = &[b"h2", b"http/1.1"];

/// A server that demands a client certificate, and answers with the protocol and the number of the one it was shown.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(authority: &Authority, version: &'static SupportedProtocolVersion, alpn: &[&[u8]]) -> Self {
        let acceptor = TlsAcceptor::from(Arc::new(config(authority, version, alpn)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), connections: Arc::default() };
        let connections = Arc::clone(&server.connections);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
                    let number = String::from_utf8_lossy(&shown).split("number ").nth(1).unwrap()[..1].to_owned();
                    let service = service_fn(move |request| tell(request, number.clone()));
                    let server = auto::Builder::new(TokioExecutor::new());
                    // A gateway that lets go of the connection is no fault.
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        server
    }
}

async fn tell(request: Request<Incoming>, number: String) -> Result<Response<Full<Bytes>>, Infallible> {
    let protocol = if request.version() == Version::HTTP_2 { "HTTP/2" } else { "HTTP/1.1" };
    Ok(Response::new(Full::from(format!("{protocol}, number {number}"))))
}

fn config(authority: &Authority, version: &'static SupportedProtocolVersion, alpn: &[&[u8]]) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider)).build().unwrap();
    let (chain, key) = authority.issue(&["127.0.0.1"], 0);
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
    let mut config = config.with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// A configuration whose one service shows the certificate `mine`, if it `shows` one.
fn with(server: &Server, authority: &Authority, shows: bool, scheme: fn(NodesTls) -> Scheme) -> Snapshot {
    let Kind::Nodes(nodes) = nodes(&[(server.address, 1)]) else { unreachable!("nodes are nodes") };
    let tls = NodesTls { ca_certificate: Some(authority.pem()), client_cert_id: shows.then(|| id("mine")) };
    snapshot(Kind::Nodes(Nodes { scheme: scheme(tls), ..nodes }), vec![route("all", "/*")])
}

/// For no host: only upstream servers are shown it.
fn mine(authority: &Authority, number: u32) -> SnapshotCertificate {
    SnapshotCertificate { hosts: Vec::new(), ..authority.certify("mine", &["gateway.example"], number) }
}

fn showing(certificate: SnapshotCertificate, snapshot: Snapshot) -> Snapshot {
    Snapshot { certificates: [certificate].into(), ..snapshot }
}

async fn check(running: &Running, expected: (u16, &str)) {
    let answer = running.get("/").await;
    assert!(answer.status.as_u16() == expected.0 && answer.text().contains(expected.1), "{:?}", answer.summary());
}

const REFUSED: (u16, &str) = (502, "demands a client certificate, or does not accept the gateway's");

#[tokio::test]
async fn a_server_that_demands_a_certificate_gets_the_right_one_or_the_failure_is_named() {
    let (authority, other) = (Authority::new(), Authority::new());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (alpn, scheme, right) in [
            (HTTP1, Scheme::Https as fn(NodesTls) -> Scheme, (200, "HTTP/1.1, number 1")),
            (HTTP2, Scheme::Https, (200, "HTTP/1.1, number 1")),
            (HTTP2, Scheme::Grpcs, (200, "HTTP/2, number 1")),
        ] {
            let server = Server::start(&authority, version, alpn).await;
            let shows = |shows| with(&server, &authority, shows, scheme);
            // Whether the server's words or the end of its connection come first is up to the network.
            for _ in 0..20 {
                check(&start(shows(false)), REFUSED).await;
            }
            check(&start(showing(mine(&other, 1), shows(true))), REFUSED).await;
            check(&start(showing(mine(&authority, 1), shows(true))), right).await;
        }
    }
}

#[tokio::test]
async fn without_its_certificate_a_service_sends_nothing() {
    let authority = Authority::new();
    let server = Server::start(&authority, &rustls::version::TLS13, HTTP1).await;
    let snapshot = with(&server, &authority, true, Scheme::Https);
    check(&start(snapshot.clone()), (503, "cannot be enforced")).await;
    let withheld = Arc::new([(id("mine"), "0badcafe".to_owned())].into());
    let running = start(Snapshot { withheld: Arc::clone(&withheld), ..snapshot.clone() });
    check(&running, (503, "\"incident\":\"0badcafe\"")).await;
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
    // It comes, it is replaced, and it goes: each time the next request knows.
    running.publish(showing(mine(&authority, 1), Snapshot { revision: 2, ..snapshot.clone() })).await;
    check(&running, (200, "number 1")).await;
    running.publish(showing(mine(&authority, 2), Snapshot { revision: 3, ..snapshot.clone() })).await;
    check(&running, (200, "number 2")).await;
    running.publish(Snapshot { revision: 4, withheld, ..snapshot }).await;
    check(&running, (503, "0badcafe")).await;
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_server_that_does_not_choose_http_2_gets_no_request_in_it() {
    let authority = Authority::new();
    for alpn in [HTTP1, &[]] {
        let server = Server::start(&authority, &rustls::version::TLS13, alpn).await;
        let snapshot = with(&server, &authority, true, Scheme::Grpcs);
        check(&start(showing(mine(&authority, 1), snapshot)), (502, "could not be reached")).await;
    }
}

#[tokio::test]
async fn clients_are_not_shown_a_certificate_that_is_for_no_host() {
    let authority = Authority::new();
    let server = Server::start(&authority, &rustls::version::TLS13, HTTP1).await;
    let snapshot = showing(mine(&authority, 1), with(&server, &authority, true, Scheme::Https));
    let running = crate::tls::with_tls(snapshot);
    let stream = tokio::net::TcpStream::connect(running.gateway.tls_addr().unwrap()).await.unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config.with_no_client_auth()));
    let shaken = connector.connect("127.0.0.1".try_into().unwrap(), stream).await;
    assert!(shaken.unwrap_err().to_string().contains("alert"), "refused, not answered");
}
