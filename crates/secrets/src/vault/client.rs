//! Requests to Vault: one address, no redirects, bounded in time and size, and every way to fail named.

use crate::tls;
use postern::provider::vault::{VaultAuth, VaultSettings};
use postern::resolve::{DeniedBecause, Failure, UnreachableBecause};
use postern::sensitive::Plain;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::HeaderValue;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use rustls::ClientConfig;
use std::error::Error;
use std::time::Duration;
use zeroize::Zeroizing;

/// How long opening a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request may take, from its start to the end of its answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer read. A secret of Vault has at most 1 MiB (Vault's `max_request_size` is 32 MiB, the
/// storage entry's limit 1 MiB); this leaves room for the envelope and JSON's escapes.
const MAX_BODY: usize = 2 * 1024 * 1024;

/// An answer's body. Wiped when dropped.
pub(super) type Body = Zeroizing<Vec<u8>>;

/// What Vault answered to a request it understood.
#[derive(Debug)]
pub(super) enum Answer {
    /// 200.
    Found(Body),
    /// 404. The body may say what was deleted, or warn of a wrong KV version.
    Absent(Body),
    /// 403: the token is not accepted, or its policies do not allow it. Vault tells these not apart.
    Refused,
}

/// The requests of one provider. Its connections are used with these settings only.
pub(super) struct Client {
    http: Option<reqwest::Client>,
    base: Option<Url>,
    token: Plain,
    namespace: Option<String>,
    /// As failures name it.
    address: String,
    host: String,
}

impl Client {
    pub(super) fn new(settings: &VaultSettings<Plain>, trust: ClientConfig) -> Self {
        let VaultAuth::Token { token } = &settings.auth;
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .http1_only()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .tcp_nodelay(true)
            .dns_resolver(SystemNames)
            .tls_backend_preconfigured(trust)
            .build();
        Self {
            http: http.ok(),
            base: Url::parse(&settings.url.to_string()).ok(),
            token: token.clone(),
            namespace: settings.namespace.clone(),
            address: settings.url.to_string(),
            host: settings.url.host().to_owned(),
        }
    }

    /// The URL of a path below `/v1/`: each segment is encoded, so none can climb or end the path.
    pub(super) fn url(&self, segments: &[String]) -> Option<Url> {
        let mut url = self.base.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().push("v1").extend(segments);
        Some(url)
    }

    /// Reads `segments` with the provider's token.
    pub(super) async fn get(&self, segments: &[String]) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::GET, segments, &[])?).await
    }

    /// Reads version `version` of the secret at `segments`.
    pub(super) async fn get_version(&self, segments: &[String], version: u64) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::GET, segments, &[("version", &version.to_string())])?).await
    }

    /// Asks something that takes a JSON body and changes nothing.
    pub(super) async fn ask(&self, segments: &[String], body: &serde_json::Value) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::POST, segments, &[])?.json(body)).await
    }

    /// Reads `segments` with neither token nor namespace, whatever the status. For `sys/health`, which Vault
    /// has in its root namespace only.
    pub(super) async fn get_openly(
        &self,
        segments: &[String],
        query: &[(&str, &str)],
    ) -> Result<(StatusCode, Body), Failure> {
        self.send(self.request(Method::GET, segments, query)?).await
    }

    /// A failure to get an answer from this address.
    pub(super) fn unreachable(&self, why: UnreachableBecause) -> Failure {
        Failure::Unreachable { address: self.address.clone(), why }
    }

    /// The Vault at this address is sealed or not initialised.
    pub(super) fn sealed(&self) -> Failure {
        Failure::Sealed { address: self.address.clone() }
    }

    fn request(&self, method: Method, segments: &[String], query: &[(&str, &str)]) -> Result<RequestBuilder, Failure> {
        let no_such_host = || self.unreachable(UnreachableBecause::NameNotFound { host: self.host.clone() });
        let http = self.http.as_ref().ok_or_else(|| self.unreachable(UnreachableBecause::NotUnderstood))?;
        let url = self.url(segments).ok_or_else(no_such_host)?;
        // Vault's agents and proxies may insist on the header: a browser cannot be made to send it.
        Ok(http.request(method, url).query(query).header("x-vault-request", "true"))
    }

    async fn authorised(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        // A token that no header can carry is a wrong token.
        let Some(token) = self.token_header() else { return Ok(Answer::Refused) };
        let mut request = request.header("x-vault-token", token);
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", namespace);
        }
        let (status, body) = self.send(request).await?;
        match status {
            StatusCode::OK => Ok(Answer::Found(body)),
            StatusCode::NOT_FOUND => Ok(Answer::Absent(body)),
            StatusCode::FORBIDDEN => Ok(Answer::Refused),
            StatusCode::TOO_MANY_REQUESTS => Err(self.unreachable(UnreachableBecause::Throttled)),
            StatusCode::SERVICE_UNAVAILABLE if says_sealed(&body) => Err(self.sealed()),
            other => Err(self.unreachable(UnreachableBecause::Status { status: other.as_u16() })),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "sent as X-Vault-Token")]
    fn token_header(&self) -> Option<HeaderValue> {
        let mut token = HeaderValue::from_str(self.token.expose()).ok().filter(|token| !token.is_empty())?;
        token.set_sensitive(true);
        Some(token)
    }

    /// Sends, and once more when the connection was lost: one kept open from before may have died with a
    /// restarted Vault, and nothing sent here does harm twice.
    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Body), Failure> {
        let again = request.try_clone();
        let answer = match (self.send_once(request).await, again) {
            (Err(UnreachableBecause::ConnectionLost), Some(again)) => self.send_once(again).await,
            (answer, _) => answer,
        };
        answer.map_err(|why| self.unreachable(why))
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<(StatusCode, Body), UnreachableBecause> {
        let response = request.send().await.map_err(|error| self.because(&error))?;
        if response.status().is_redirection() {
            return Err(UnreachableBecause::Redirected);
        }
        let status = response.status();
        Ok((status, self.read_body(response).await?))
    }

    async fn read_body(&self, mut response: Response) -> Result<Body, UnreachableBecause> {
        let expected = response.content_length().unwrap_or(0).min(MAX_BODY as u64);
        let mut body = Body::new(Vec::with_capacity(usize::try_from(expected).unwrap_or(0)));
        while let Some(chunk) = response.chunk().await.map_err(|error| self.because(&error))? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(UnreachableBecause::NotUnderstood);
            }
            append(&mut body, &chunk);
        }
        Ok(body)
    }

    /// Names what went wrong. The HTTP library's own text is left out: it would quote the URL.
    fn because(&self, error: &reqwest::Error) -> UnreachableBecause {
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(why) = self.because_of(error) {
                return why;
            }
            cause = error.source();
        }
        if error.is_timeout() {
            let limit = if error.is_connect() { CONNECT_TIMEOUT } else { TIMEOUT };
            return UnreachableBecause::TimedOut { after_ms: millis(limit) };
        }
        UnreachableBecause::ConnectionLost
    }

    fn because_of(&self, error: &(dyn Error + 'static)) -> Option<UnreachableBecause> {
        if error.is::<NameNotFound>() {
            return Some(UnreachableBecause::NameNotFound { host: self.host.clone() });
        }
        if let Some(error) = error.downcast_ref::<rustls::Error>() {
            return Some(UnreachableBecause::Tls { detail: tls::problem(error, &self.host) });
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_parse().then_some(UnreachableBecause::NotUnderstood);
        }
        let error = error.downcast_ref::<std::io::Error>()?;
        // An I/O error's `source` skips the error it wraps.
        let inner = error.get_ref().and_then(|inner| self.because_of(inner));
        inner.or_else(|| because_of_io(error))
    }
}

/// What an error of the network means, where its kind says it.
pub(super) fn because_of_io(error: &std::io::Error) -> Option<UnreachableBecause> {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(UnreachableBecause::ConnectionRefused),
        // No route looks to the operator like a firewall that drops packets.
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some(UnreachableBecause::TimedOut { after_ms: millis(CONNECT_TIMEOUT) })
        }
        _ => None,
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
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

/// Vault answers 503 both when it is sealed and when it has no active node.
fn says_sealed(body: &[u8]) -> bool {
    errors(body).iter().any(|error| error.contains("sealed") || error.contains("not initialized"))
}

/// The `errors` of an answer, to be compared with known texts and never to be shown.
fn errors(body: &[u8]) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Errors {
        errors: Vec<String>,
    }
    serde_json::from_slice::<Errors>(body).map(|answer| answer.errors).unwrap_or_default()
}

/// The system's resolver, with an error that can be told from others.
struct SystemNames;

#[derive(Debug, thiserror::Error)]
#[error("the host name has no address")]
pub(super) struct NameNotFound;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| NameNotFound)?;
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

impl Answer {
    /// A refusal that says nothing more.
    pub(super) fn denied(path: &[String]) -> Failure {
        Failure::Denied { path: path.join("/"), why: DeniedBecause::Unknown }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::provider::vault::{KvVersion, VaultUrl};

    fn client(url: &str) -> Client {
        let settings = VaultSettings {
            kv_version: KvVersion::Auto,
            url: url.parse::<VaultUrl>().unwrap(),
            prefix: "secret/api7".parse().unwrap(),
            auth: VaultAuth::Token { token: Plain::new("canary-token".to_owned()) },
            namespace: None,
            ca_certificate: None,
        };
        Client::new(&settings, tls::trusting_nobody())
    }

    fn check(base: &str, segments: &[&str], expected: &str) {
        let segments: Vec<String> = segments.iter().map(|segment| (*segment).to_owned()).collect();
        let url = client(base).url(&segments).unwrap();
        assert_eq!(url.as_str(), expected);
        assert_eq!(url.host_str(), Url::parse(base).unwrap().host_str());
    }

    #[test]
    fn urls_keep_every_segment_and_the_base_path() {
        check("http://127.0.0.1:8200", &["secret", "data", "a"], "http://127.0.0.1:8200/v1/secret/data/a");
        check("https://v.example/vault/", &["kv", "a"], "https://v.example/vault/v1/kv/a");
        check("http://[::1]:8200", &["kv", "a"], "http://[::1]:8200/v1/kv/a");
        check("http://h", &["kv", "a b"], "http://h/v1/kv/a%20b");
    }

    #[test]
    fn no_segment_can_leave_the_path() {
        for (segment, encoded) in [
            ("a%2Fb", "a%252Fb"),
            ("%2e%2e", "%252e%252e"),
            ("a/b", "a%2Fb"),
            ("/evil", "%2Fevil"),
            ("http://evil/x", "http:%2F%2Fevil%2Fx"),
            ("a?b#c", "a%3Fb%23c"),
            ("...", "..."),
            ("ü", "%C3%BC"),
        ] {
            check("http://h", &["secret", segment, "x"], &format!("http://h/v1/secret/{encoded}/x"));
        }
    }

    #[test]
    fn sealed_is_told_from_other_unavailability() {
        for (body, sealed) in [
            (r#"{"errors":["Vault is sealed"]}"#, true),
            (r#"{"errors":["node not active but active cluster node not found"]}"#, false),
            ("<html>Vault is sealed</html>", false),
            ("", false),
        ] {
            assert_eq!(says_sealed(body.as_bytes()), sealed, "{body}");
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
