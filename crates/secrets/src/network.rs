//! The way to every server: which addresses are connected to, how long each step may take, and what each
//! failure means.

use crate::tls;
use postern::provider::address::{forbidden, gives_aws_credentials};
use postern::provider::timeout::Timeout;
use postern::resolve::{TlsProblem, UnreachableBecause};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{RequestBuilder, Response, Url};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::error::Error;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long things may take with one provider.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Opening a connection, and each step of it.
    connect: Duration,
    /// A request, from its start to the end of its answer.
    pub(crate) total: Duration,
}

impl Limits {
    /// Two fifths of the whole are for the connection: 2 s of 5.
    pub(crate) fn of(timeout: Timeout) -> Self {
        let total = timeout.duration();
        Self { connect: total * 2 / 5, total }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Timeout::default())
    }
}

/// The largest answer read. A secret of Vault has at most 1 MiB (Vault's `max_request_size` is 32 MiB, the
/// storage entry's limit 1 MiB), one of AWS 64 KiB (AWS's quota); this leaves room for the envelope and
/// JSON's escapes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// An answer's body. Wiped when dropped.
pub(crate) type Body = Zeroizing<Vec<u8>>;

/// A client for one provider: no redirects, no proxies, no forbidden addresses, bounded in time. `host` is
/// where every name leads, for a provider whose certificate is for another name than its host's.
pub(crate) fn client(trust: ClientConfig, limits: Limits, host: Option<String>) -> Option<reqwest::Client> {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(limits.connect)
        .timeout(limits.total)
        .tcp_nodelay(true)
        .dns_resolver(Names { host })
        .tls_backend_preconfigured(trust)
        .build();
    client.ok()
}

/// Whether a request may go where AWS gives a machine its own credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetadataService {
    Barred,
    /// For the SDK's own chain, where the server's configuration allows that. By address only: no name may
    /// lead there.
    Allowed,
}

/// Sends, and refuses to be redirected.
pub(crate) async fn send(request: RequestBuilder, limits: Limits) -> Result<Response, UnreachableBecause> {
    send_to(request, limits, MetadataService::Barred).await
}

/// The same, with more that is allowed. A resolver is not asked about a URL with an address in it, so that
/// is judged here.
pub(crate) async fn send_to(
    request: RequestBuilder,
    limits: Limits,
    metadata: MetadataService,
) -> Result<Response, UnreachableBecause> {
    let (client, request) = request.build_split();
    let request = request.map_err(|_| UnreachableBecause::NotUnderstood)?;
    let host = host(request.url()).to_owned();
    let allowed = |address: &IpAddr| metadata == MetadataService::Allowed && gives_aws_credentials(*address);
    if let Some(why) = host.parse().ok().filter(|address| !allowed(address)).and_then(forbidden_address) {
        return Err(why);
    }
    let response = client.execute(request).await.map_err(|error| because(&error, &host, limits))?;
    if response.status().is_redirection() { Err(UnreachableBecause::Redirected) } else { Ok(response) }
}

/// The whole body of an answer that is not too large.
pub(crate) async fn read_body(mut response: Response, limits: Limits) -> Result<Body, UnreachableBecause> {
    let host = host(response.url()).to_owned();
    let expected = response.content_length().unwrap_or(0).min(MAX_BODY as u64);
    let mut body = Body::new(Vec::with_capacity(usize::try_from(expected).unwrap_or(0)));
    while let Some(chunk) = response.chunk().await.map_err(|error| because(&error, &host, limits))? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(UnreachableBecause::NotUnderstood);
        }
        append(&mut body, &chunk);
    }
    Ok(body)
}

/// Appends without leaving a copy behind: a vector that grows by itself frees its old memory unwiped.
fn append(body: &mut Body, chunk: &[u8]) {
    if body.capacity() < body.len() + chunk.len() {
        let mut larger = Body::new(Vec::with_capacity((body.len() + chunk.len()) * 2));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(chunk);
}

/// The host of a URL, an IPv6 address without its brackets. The URL's parser has turned other spellings of
/// IPv4 (`0x7f.1`, `2130706433`) into the usual one.
pub(crate) fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default().trim_matches(['[', ']'])
}

/// A server, to try the steps to it one at a time.
pub(crate) struct Place {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The name that its certificate is for: the host's, unless the provider says another.
    pub(crate) tls_name: String,
    pub(crate) limits: Limits,
}

impl Place {
    /// The addresses of the host.
    pub(crate) async fn addresses(&self) -> Result<Vec<SocketAddr>, UnreachableBecause> {
        within(self.limits.connect, resolve(&self.host, self.port)).await?
    }

    /// A connection to the first of `addresses` that opens one.
    pub(crate) async fn connect(
        &self,
        addresses: &[SocketAddr],
    ) -> Result<(TcpStream, SocketAddr), UnreachableBecause> {
        let mut last = UnreachableBecause::ConnectionRefused;
        for address in addresses {
            match within(self.limits.connect, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok((stream, *address)),
                Ok(Err(error)) => last = lost(&error, self.limits),
                Err(late) => last = late,
            }
        }
        Err(last)
    }

    /// Shakes hands on a new connection; answers the protocol's version.
    pub(crate) async fn shake_hands(
        &self,
        addresses: &[SocketAddr],
        trust: Result<ClientConfig, TlsProblem>,
    ) -> Result<&'static str, UnreachableBecause> {
        let tls = |detail| UnreachableBecause::Tls { detail };
        let trust = trust.map_err(tls)?;
        let name = ServerName::try_from(self.tls_name.clone());
        let name = name.map_err(|_| tls(TlsProblem::WrongName { host: self.tls_name.clone() }))?;
        let (stream, _) = self.connect(addresses).await?;
        let handshake = tokio_rustls::TlsConnector::from(Arc::new(trust)).connect(name, stream);
        let stream = within(self.limits.connect, handshake).await?.map_err(|error| {
            match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                Some(error) => tls(tls::problem(error, &self.tls_name)),
                None => lost(&error, self.limits),
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

/// What the system's resolver answers, if all of it may be connected to. At least one address.
async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, UnreachableBecause> {
    let not_found = || UnreachableBecause::NameNotFound { host: host.to_owned() };
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(|_| not_found())?.collect();
    match forbidden_among(found.iter().map(SocketAddr::ip)) {
        Some(why) => Err(why),
        None if found.is_empty() => Err(not_found()),
        None => Ok(found),
    }
}

/// The first of `addresses` that is never connected to: then none of them is.
fn forbidden_among(addresses: impl IntoIterator<Item = IpAddr>) -> Option<UnreachableBecause> {
    addresses.into_iter().find_map(forbidden_address)
}

fn forbidden_address(address: IpAddr) -> Option<UnreachableBecause> {
    forbidden(address).map(|kind| UnreachableBecause::ForbiddenAddress { address: address.to_string(), kind })
}

/// The system's resolver. What it answers is what is connected to: a name that leads elsewhere a moment
/// later changes nothing.
struct Names {
    /// Asked for in place of every name.
    host: Option<String>,
}

/// Why a name gave no address, on its way through the HTTP library's errors.
#[derive(Debug, thiserror::Error)]
#[error("no address to connect to")]
struct NoAddress(UnreachableBecause);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let host = self.host.clone().unwrap_or_else(|| name.as_str().to_owned());
        Box::pin(async move {
            let addresses = resolve(&host, 0).await.map_err(NoAddress)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Names what went wrong with a request. The HTTP library's own text is left out: it would quote the URL.
fn because(error: &reqwest::Error, host: &str, limits: Limits) -> UnreachableBecause {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(why) = because_of(error, host, limits) {
            return why;
        }
        cause = error.source();
    }
    if error.is_timeout() {
        return timed_out(if error.is_connect() { limits.connect } else { limits.total });
    }
    UnreachableBecause::ConnectionLost
}

fn because_of(error: &(dyn Error + 'static), host: &str, limits: Limits) -> Option<UnreachableBecause> {
    if let Some(NoAddress(why)) = error.downcast_ref() {
        return Some(why.clone());
    }
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(UnreachableBecause::Tls { detail: tls::problem(error, host) });
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_parse().then_some(UnreachableBecause::NotUnderstood);
    }
    let error = error.downcast_ref::<std::io::Error>()?;
    // An I/O error's `source` skips the error it wraps.
    error.get_ref().and_then(|inner| because_of(inner, host, limits)).or_else(|| because_of_io(error, limits))
}

fn because_of_io(error: &std::io::Error, limits: Limits) -> Option<UnreachableBecause> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(UnreachableBecause::ConnectionRefused),
        // No route looks to the operator like a firewall that drops packets.
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some(timed_out(limits.connect))
        }
        _ => None,
    }
}

fn lost(error: &std::io::Error, limits: Limits) -> UnreachableBecause {
    because_of_io(error, limits).unwrap_or(UnreachableBecause::ConnectionLost)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing is connected to: the time is over before it begins.
    #[tokio::test]
    async fn the_metadata_service_is_for_the_chain_alone() {
        let http = client(tls::trusting_nobody(), Limits::default(), None).unwrap();
        for (url, metadata, is_forbidden) in [
            ("http://169.254.169.254/latest/api/token", MetadataService::Barred, true),
            ("http://169.254.169.254/latest/api/token", MetadataService::Allowed, false),
            ("http://169.254.170.2/x", MetadataService::Allowed, false),
            ("http://[fd00:ec2::23]/x", MetadataService::Allowed, false),
            ("http://169.254.1.1/x", MetadataService::Allowed, true),
            ("http://100.100.100.200/x", MetadataService::Allowed, true),
            ("http://[::ffff:169.254.169.254]/x", MetadataService::Allowed, true),
        ] {
            let request = http.get(url).timeout(Duration::ZERO);
            let why = send_to(request, Limits::default(), metadata).await.unwrap_err();
            assert_eq!(matches!(why, UnreachableBecause::ForbiddenAddress { .. }), is_forbidden, "{url}: {why:?}");
        }
    }

    #[test]
    fn one_forbidden_address_of_a_name_is_enough() {
        for (addresses, is_forbidden) in [
            (vec!["10.0.0.1"], false),
            (vec!["10.0.0.1", "::1"], false),
            (vec!["10.0.0.1", "169.254.169.254"], true),
            (vec![], false),
        ] {
            let parsed = addresses.iter().map(|address| address.parse::<IpAddr>().unwrap());
            assert_eq!(forbidden_among(parsed).is_some(), is_forbidden, "{addresses:?}");
        }
    }

    #[test]
    fn a_body_grows_without_losing_anything() {
        let mut body = Body::default();
        for chunk in [&b"abc"[..], b"", b"defghij", b"k"] {
            append(&mut body, chunk);
        }
        assert_eq!(body.as_slice(), b"abcdefghijk");
    }
}
