//! The way to a server, one step at a time, and what each failure means.

use crate::tls;
use postern::resolve::{TlsProblem, UnreachableBecause};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls::pki_types::ServerName;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long opening a connection may take.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether requests are never sent to an address.
pub(crate) type Denied = fn(IpAddr) -> bool;

/// A server by name or address, and the addresses that it must not have.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) denied: Denied,
}

impl Place {
    /// The addresses of the host.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, UnreachableBecause> {
        let lookup = tokio::net::lookup_host((self.host.as_str(), self.port));
        let not_found = || UnreachableBecause::NameNotFound { host: self.host.clone() };
        let found = within(CONNECT_TIMEOUT, lookup).await?.map_err(|_| not_found())?;
        let found: Vec<SocketAddr> = found.filter(|address| !(self.denied)(address.ip())).collect();
        if found.is_empty() { Err(not_found()) } else { Ok(found) }
    }

    /// A connection to the first of `addresses` that opens one.
    pub(crate) async fn connect(
        &self,
        addresses: &[SocketAddr],
    ) -> Result<(TcpStream, SocketAddr), UnreachableBecause> {
        let mut last = UnreachableBecause::ConnectionRefused;
        for address in addresses {
            match within(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok((stream, *address)),
                Ok(Err(error)) => last = lost(&error),
                Err(late) => last = late,
            }
        }
        Err(last)
    }

    /// Shakes hands on a new connection with the system's trust; answers the protocol's version.
    pub(crate) async fn shake_hands(&self, addresses: &[SocketAddr]) -> Result<&'static str, UnreachableBecause> {
        let tls = |detail| UnreachableBecause::Tls { detail };
        let config = tls::client_config(None, None).map_err(|_| tls(TlsProblem::Other))?;
        let name = ServerName::try_from(self.host.clone());
        let name = name.map_err(|_| tls(TlsProblem::WrongName { host: self.host.clone() }))?;
        let (stream, _) = self.connect(addresses).await?;
        let handshake = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream);
        let stream = within(CONNECT_TIMEOUT, handshake).await?.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => tls(tls::problem(error, &self.host)),
                None => lost(&error),
            }
        })?;
        Ok(match stream.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            _ => "TLS 1.2",
        })
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, UnreachableBecause> {
    timeout(limit, work).await.map_err(|_| timed_out(limit))
}

pub(crate) fn timed_out(limit: Duration) -> UnreachableBecause {
    UnreachableBecause::TimedOut { after_ms: millis(limit) }
}

/// Whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Names what went wrong with a request. The HTTP library's own text is left out: it would quote the URL.
/// `limit` is what the whole request was given.
pub(crate) fn because(error: &reqwest::Error, host: &str, limit: Duration) -> UnreachableBecause {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(why) = because_of(error, host) {
            return why;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return timed_out(if error.is_connect() { CONNECT_TIMEOUT } else { limit });
    }
    UnreachableBecause::ConnectionLost
}

fn because_of(error: &(dyn Error + 'static), host: &str) -> Option<UnreachableBecause> {
    if error.is::<NameNotFound>() {
        return Some(UnreachableBecause::NameNotFound { host: host.to_owned() });
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(UnreachableBecause::Tls { detail: tls::problem(error, host) });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_parse().then_some(UnreachableBecause::NotUnderstood);
    }
    let error = error.downcast_ref::<std::io::Error>()?;
    // An I/O error's `source` skips the error it wraps.
    error.get_ref().and_then(|inner| because_of(inner, host)).or_else(|| because_of_io(error))
}

fn because_of_io(error: &std::io::Error) -> Option<UnreachableBecause> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(UnreachableBecause::ConnectionRefused),
        // No route looks to the operator like a firewall that drops packets.
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some(timed_out(CONNECT_TIMEOUT))
        }
        _ => None,
    }
}

fn lost(error: &std::io::Error) -> UnreachableBecause {
    because_of_io(error).unwrap_or(UnreachableBecause::ConnectionLost)
}

/// The system's resolver without the denied addresses. What it answers is what is connected to, so a
/// name cannot change its mind in between. It is not asked about a URL with an address in it.
pub(crate) struct Names(pub(crate) Denied);

#[derive(Debug, thiserror::Error)]
#[error("the host name has no address")]
struct NameNotFound;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let denied = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NameNotFound)?;
            let found: Vec<SocketAddr> = found.filter(|address| !denied(address.ip())).collect();
            if found.is_empty() {
                return Err(NameNotFound.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}
