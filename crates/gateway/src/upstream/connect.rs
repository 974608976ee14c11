//! Opening a connection to an upstream server.

use super::tls::{HTTP2, UpstreamTls, alert, refuses_certificate, server_name};
use super::tls_stream::{Refusal, TlsStream};
use crate::worker::tune;
use futures_util::future::BoxFuture;
use http::Uri;
use http::uri::Authority;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use postern::provider::address;
use rustls::AlertDescription;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;

/// Opens connections, over TLS or not.
#[derive(Clone)]
pub(crate) struct Connector {
    timeout: Duration,
    reach: Reach,
    tls: Option<UpstreamTls>,
}

/// Which addresses may be connected to.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// Postern's own listeners, which never may.
    own: Arc<[SocketAddr]>,
    is_of_plugin: bool,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("the address is not host:port")]
    NoAddress,
    #[error("the name has no address")]
    UnknownName(#[source] io::Error),
    #[error("it is one of Postern's own listeners, which no route may reach")]
    Forbidden,
    #[error("it has {0}")]
    NoServer(&'static str),
    #[error("the connection was not accepted")]
    Refused(#[source] io::Error),
    #[error("its certificate is not accepted, or it does not speak TLS")]
    Tls(#[source] io::Error),
    #[error("it refuses the handshake: it may demand a client certificate, or share no cipher with the gateway")]
    HandshakeRefused(#[source] io::Error),
    #[error("it demands a client certificate, or does not accept the one it was shown: its alert is {0:?}")]
    CertificateRefused(AlertDescription),
    #[error("it does not agree on the protocol in the TLS handshake: HTTP/1.1 is the scheme HTTPS, HTTP/2 is gRPCs")]
    OtherProtocol,
    #[error("no HTTP/2 connection could be begun")]
    Http2(#[source] hyper::Error),
    #[error("it has no name that a certificate can have")]
    NoServerName,
    #[error("the gateway is stopping")]
    Stopping,
    #[error("no connection within {} s", .after.as_secs())]
    Timeout { after: Duration },
}

/// A connection to a server.
pub(crate) enum UpstreamStream {
    Plain(TokioIo<TcpStream>),
    Tls(Box<TlsStream>),
}

impl Connector {
    pub(crate) fn new(timeout: Duration, reach: Reach, tls: Option<UpstreamTls>) -> Self {
        Self { timeout, reach, tls }
    }

    pub(super) async fn connect(&self, server: &Authority) -> Result<UpstreamStream, ConnectError> {
        let after = self.timeout;
        let stream = tokio::time::timeout(after, self.open(server)).await;
        stream.map_err(|_| ConnectError::Timeout { after })?
    }

    async fn open(&self, server: &Authority) -> Result<UpstreamStream, ConnectError> {
        let stream = self.connect_to_any(server).await?;
        let Some(tls) = &self.tls else { return Ok(UpstreamStream::Plain(TokioIo::new(stream))) };
        let name = match &tls.server_name {
            Some(name) => name.clone(),
            None => server_name(server.host()).map_err(|_| ConnectError::NoServerName)?,
        };
        let stream = tls.connector.connect(name, stream).await.map_err(ConnectError::of_handshake)?;
        if tls.is_http2 && stream.get_ref().1.alpn_protocol() != Some(HTTP2) {
            return Err(ConnectError::OtherProtocol);
        }
        Ok(UpstreamStream::Tls(Box::new(TlsStream::new(stream))))
    }

    async fn connect_to_any(&self, server: &Authority) -> Result<TcpStream, ConnectError> {
        let host = server.host();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = server.port_u16().ok_or(ConnectError::NoAddress)?;
        self.reach.connect(host, port).await
    }
}

impl ConnectError {
    fn of_handshake(error: io::Error) -> Self {
        match alert(&error) {
            Some(alert) if refuses_certificate(alert) => Self::CertificateRefused(alert),
            // In TLS 1.2 this is also what a server says that demands a certificate and was shown none.
            Some(AlertDescription::HandshakeFailure) => Self::HandshakeRefused(error),
            Some(AlertDescription::NoApplicationProtocol) => Self::OtherProtocol,
            _ => Self::Tls(error),
        }
    }
}

impl Reach {
    /// All that upstreams may have, which is all but these listeners.
    pub(super) fn of_upstreams(own: &[SocketAddr]) -> Self {
        Self { own: own.into(), is_of_plugin: false }
    }

    /// What plugins may talk to: as upstreams, and nowhere where a cloud hands out credentials of the machine.
    pub(crate) fn of_plugins(own: &[SocketAddr]) -> Self {
        Self { own: own.into(), is_of_plugin: true }
    }

    /// A connection to the first of the host's addresses that takes one.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, ConnectError> {
        let addresses = tokio::net::lookup_host((host, port)).await.map_err(ConnectError::UnknownName)?;
        let mut error = ConnectError::NoAddress;
        for address in addresses {
            match self.connect_to(address).await {
                Ok(stream) => return Ok(stream),
                Err(why) => error = why,
            }
        }
        Err(error)
    }

    /// The host's addresses that may be connected to, for whoever connects by itself; at least one.
    pub(crate) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ConnectError> {
        let addresses = tokio::net::lookup_host((host, port)).await.map_err(ConnectError::UnknownName)?;
        let (mut permitted, mut error) = (Vec::new(), ConnectError::NoAddress);
        for address in addresses {
            match self.permit(address) {
                // Once connected it would be too late to look whose listener it is.
                Ok(()) if self.own.iter().any(|own| is_here(*own, address)) => error = ConnectError::Forbidden,
                Ok(()) => permitted.push(address),
                Err(why) => error = why,
            }
        }
        if permitted.is_empty() { Err(error) } else { Ok(permitted) }
    }

    fn permit(&self, address: SocketAddr) -> Result<(), ConnectError> {
        if self.own.iter().any(|own| is_same(*own, address)) {
            return Err(ConnectError::Forbidden);
        }
        match address::forbidden(address.ip()) {
            Some(what) if self.is_of_plugin => Err(ConnectError::NoServer(what.describe())),
            Some(_) | None => Ok(()),
        }
    }

    async fn connect_to(&self, address: SocketAddr) -> Result<TcpStream, ConnectError> {
        self.permit(address)?;
        let stream = TcpStream::connect(address).await.map_err(ConnectError::Refused)?;
        if self.own.iter().any(|own| is_own(*own, &stream)) {
            return Err(ConnectError::Forbidden);
        }
        let stream = stream.into_std().and_then(|stream| tune(&stream).and(Ok(stream)));
        stream.and_then(TcpStream::from_std).map_err(ConnectError::Refused)
    }
}

/// Whether connecting to `address` reaches a listener on `forbidden`, however either is written.
fn is_same(forbidden: SocketAddr, address: SocketAddr) -> bool {
    let (listener, target) = (forbidden.ip().to_canonical(), reached(address.ip()));
    forbidden.port() == address.port() && (listener == target || (listener.is_unspecified() && target.is_loopback()))
}

/// Connecting to "any address" reaches this machine's loopback address.
fn reached(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// Whether a connection has ended at a listener on every address of this machine: then both its ends have
/// the same address. Nothing has been sent yet.
fn is_own(forbidden: SocketAddr, stream: &TcpStream) -> bool {
    let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) else { return true };
    let same_machine = local.ip().to_canonical() == peer.ip().to_canonical();
    is_same(forbidden, peer)
        || (forbidden.ip().to_canonical().is_unspecified() && forbidden.port() == peer.port() && same_machine)
}

/// Whether `address` is one of this machine's, on which a listener on every address listens, too. Only an address of
/// this machine can be bound to.
fn is_here(own: SocketAddr, address: SocketAddr) -> bool {
    own.ip().to_canonical().is_unspecified()
        && own.port() == address.port()
        && UdpSocket::bind((address.ip().to_canonical(), 0)).is_ok()
}

/// For hyper-util's client, by which plugins ask servers of their own.
impl tower::Service<Uri> for Connector {
    type Response = UpstreamStream;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<UpstreamStream, ConnectError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move { connector.connect(uri.authority().ok_or(ConnectError::NoAddress)?).await })
    }
}

impl UpstreamStream {
    /// What the server will have said against the gateway's certificate.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Plain(_) => None,
            Self::Tls(stream) => Some(Arc::clone(&stream.refusal)),
        }
    }
}

impl Connection for UpstreamStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

macro_rules! each {
    ($self:ident, $stream:ident => $do:expr) => {
        match &mut *$self {
            UpstreamStream::Plain($stream) => $do,
            UpstreamStream::Tls($stream) => $do,
        }
    };
}

impl Read for UpstreamStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(context, buffer))
    }
}

impl Write for UpstreamStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(context, bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(context))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(context))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(context, slices))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_recognised_however_its_address_is_written() {
        for (forbidden, address, same) in [
            ("127.0.0.1:7080", "127.0.0.1:7080", true),
            ("127.0.0.1:7080", "[::ffff:127.0.0.1]:7080", true),
            ("127.0.0.1:7080", "0.0.0.0:7080", true),
            ("0.0.0.0:7080", "127.0.0.1:7080", true),
            ("0.0.0.0:7080", "127.9.9.9:7080", true),
            ("[::1]:7080", "[::]:7080", true),
            ("[::]:7080", "127.0.0.1:7080", true),
            ("127.0.0.1:7080", "127.0.0.1:7081", false),
            ("127.0.0.1:7080", "127.0.0.2:7080", false),
            ("0.0.0.0:7080", "192.0.2.1:7080", false),
        ] {
            assert_eq!(is_same(forbidden.parse().unwrap(), address.parse().unwrap()), same, "{forbidden} {address}");
        }
    }

    /// What is resolved for others to connect to: `Ok` when there is an address left.
    async fn check(reach: &Reach, host: &str, port: u16, is_open: bool) {
        let found = reach.resolve(host, port).await;
        assert_eq!(found.is_ok(), is_open, "{host}:{port}: {found:?}");
    }

    #[tokio::test]
    async fn what_no_plugin_connects_to_is_not_resolved_for_one() {
        let own: Vec<SocketAddr> = ["127.0.0.1:7080", "0.0.0.0:9080"].map(|own| own.parse().unwrap()).into();
        let (plugins, upstreams) = (Reach::of_plugins(&own), Reach::of_upstreams(&own));
        for (host, port, by_plugin, by_upstream) in [
            ("127.0.0.1", 6379, true, true),
            ("localhost", 6379, true, true),
            ("169.254.169.254", 80, false, true),
            // As inet_aton reads it.
            ("2852039166", 80, false, true),
            ("0xa9.254.169.254", 80, false, true),
            ("fe80::1", 6379, false, true),
            ("fd00:ec2::254", 80, false, true),
            ("100.100.100.200", 80, false, true),
            ("::ffff:169.254.169.254", 80, false, true),
            ("224.0.0.1", 80, false, true),
            ("0.0.0.0", 6379, false, true),
            ("127.0.0.1", 7080, false, false),
            ("localhost", 7080, false, false),
            ("::ffff:127.0.0.1", 7080, false, false),
            ("127.0.0.1", 9080, false, false),
            ("127.1.2.3", 9080, false, false),
            ("192.0.2.1", 9080, true, true),
        ] {
            check(&plugins, host, port, by_plugin).await;
            check(&upstreams, host, port, by_upstream).await;
        }
    }
}
