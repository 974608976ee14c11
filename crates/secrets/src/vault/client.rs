//! Requests to Vault: one address, no redirects, bounded in time and size, and every way to fail named.

use super::session::{Held, Session};
use crate::network::{self, Body, Limits};
use crate::{Ambient, tls};
use postern::provider::vault::{SERVICE_ACCOUNT_TOKEN, ServerName, VaultSettings};
use postern::resolve::{DeniedBecause, Failure, InvalidBecause, TlsProblem, UnreachableBecause};
use postern::sensitive::Plain;
use reqwest::header::{HOST, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use rustls::ClientConfig;
use std::path::PathBuf;
use tokio::time::Instant;

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

impl Answer {
    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Found(_) => StatusCode::OK,
            Self::Absent(_) => StatusCode::NOT_FOUND,
            Self::Refused => StatusCode::FORBIDDEN,
        }
    }
}

/// The requests of one provider. Its connections are used with these settings only.
pub(super) struct Client {
    http: Option<reqwest::Client>,
    base: Option<Url>,
    pub(super) session: Session,
    /// The folder of token files, if there may be any.
    pub(super) token_files: Option<PathBuf>,
    /// Where the token of the pod's service account is.
    pub(super) service_account: PathBuf,
    namespace: Option<String>,
    /// As failures name it.
    pub(super) address: String,
    host: String,
    /// The name that its certificate is for, where that is not the host's.
    server_name: Option<ServerName>,
    pub(super) limits: Limits,
    /// Why no request may be made at all.
    barred: Option<UnreachableBecause>,
}

impl Client {
    /// What `trust` could not be made of bars every request.
    pub(super) fn new(
        settings: &VaultSettings<Plain>,
        trust: Result<ClientConfig, TlsProblem>,
        ambient: &Ambient,
    ) -> Self {
        let (trust, barred) = match trust {
            Ok(trust) => (trust, None),
            Err(detail) => (tls::trusting_nobody(), Some(UnreachableBecause::Tls { detail })),
        };
        let limits = Limits::of(settings.timeout);
        let server_name = settings.server_name.clone().filter(|_| settings.url.is_https());
        let host = settings.url.host().to_owned();
        Self {
            http: network::client(trust, limits, server_name.is_some().then(|| host.clone())),
            base: Url::parse(&settings.url.to_string()).ok(),
            session: Session::new(settings.auth.clone()),
            token_files: ambient.token_files.clone(),
            service_account: SERVICE_ACCOUNT_TOKEN.into(),
            namespace: settings.namespace.clone(),
            address: settings.url.to_string(),
            host,
            server_name,
            limits,
            barred,
        }
    }

    /// The URL of a path below `/v1/`: each segment is encoded, so none can climb or end the path.
    pub(super) fn url(&self, segments: &[String]) -> Option<Url> {
        below_v1(self.base.as_ref()?, segments)
    }

    /// Reads `segments` with the provider's token.
    pub(super) async fn get(&self, segments: &[String]) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::GET, segments, &[])?).await
    }

    /// Reads version `version` of the secret at `segments`.
    pub(super) async fn get_version(&self, segments: &[String], version: u64) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::GET, segments, &[("version", &version.to_string())])?).await
    }

    /// Lists the names below `segments`.
    pub(super) async fn list(&self, segments: &[String]) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::GET, segments, &[("list", "true")])?).await
    }

    /// Asks something that takes a JSON body and changes nothing.
    pub(super) async fn ask(&self, segments: &[String], body: &serde_json::Value) -> Result<Answer, Failure> {
        self.authorised(self.request(Method::POST, segments, &[])?.json(body)).await
    }

    /// Writes `body` without a token: a login.
    pub(super) async fn post_openly(
        &self,
        segments: &[String],
        body: &impl serde::Serialize,
    ) -> Result<(StatusCode, Body), Failure> {
        self.send(self.in_namespace(self.request(Method::POST, segments, &[])?.json(body))).await
    }

    /// Writes nothing to `segments` with this very token, whatever the status: what Vault offers a token to
    /// do about itself.
    pub(super) async fn post_with(&self, token: &Plain, segments: &[&str]) -> Result<(StatusCode, Body), Failure> {
        let segments: Vec<String> = segments.iter().map(|&segment| segment.to_owned()).collect();
        let request = self.request(Method::POST, &segments, &[])?.json(&serde_json::json!({}));
        self.send_with(token, request).await
    }

    /// What Vault says of this very token, whatever the status.
    pub(super) async fn look_up_self(&self, token: &Plain) -> Result<(StatusCode, Body), Failure> {
        let request = self.request(Method::GET, &["auth", "token", "lookup-self"].map(str::to_owned), &[])?;
        self.send_with(token, request).await
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
        if let Some(why) = &self.barred {
            return Err(self.unreachable(why.clone()));
        }
        let no_such_host = || self.unreachable(UnreachableBecause::NameNotFound { host: self.host.clone() });
        let http = self.http.as_ref().ok_or_else(|| self.unreachable(UnreachableBecause::NotUnderstood))?;
        let url = self.url(segments).ok_or_else(no_such_host)?;
        let request = self.named(http, method, url).ok_or_else(no_such_host)?;
        // Vault's agents and proxies may insist on the header: a browser cannot be made to send it.
        Ok(request.query(query).header("x-vault-request", "true"))
    }

    /// A request to `url`. The HTTP library asks for the URL's host in the TLS handshake: where another name is
    /// wanted there, that stands in the URL, its resolver leads to the host, and the host in the header.
    fn named(&self, http: &reqwest::Client, method: Method, mut url: Url) -> Option<RequestBuilder> {
        let Some(name) = &self.server_name else { return Some(http.request(method, url)) };
        let authority = HeaderValue::from_str(url.authority()).ok()?;
        url.set_host(Some(name.as_str())).ok()?;
        Some(http.request(method, url).header(HOST, authority))
    }

    /// Sends with the token in use. Where that was refused because it has ended, and another can be had,
    /// once more with that.
    async fn authorised(&self, request: RequestBuilder) -> Result<Answer, Failure> {
        let again = request.try_clone();
        let held = self.held().await?;
        let answer = self.judged(self.send_with(&held.token, request).await?)?;
        match again {
            Some(again) if matches!(answer, Answer::Refused) && self.has_ended(&held).await => {
                let held = self.held_instead_of(Some(held.serial)).await?;
                self.judged(self.send_with(&held.token, again).await?)
            }
            _ => Ok(answer),
        }
    }

    /// Whether a refusal is for want of a living token, and a login may help.
    async fn has_ended(&self, held: &Held) -> bool {
        if let Some(file) = self.session.token_file() {
            return self.read_token_file(file).await.is_ok_and(|token| !token.same_as(&held.token));
        }
        if !self.session.method().logs_in() {
            return false;
        }
        if !held.may_look {
            return held.may_have_ended(Instant::now());
        }
        matches!(self.look_up_self(&held.token).await, Ok((StatusCode::FORBIDDEN, _)))
    }

    /// A token that no header can carry is a wrong token.
    async fn send_with(&self, token: &Plain, request: RequestBuilder) -> Result<(StatusCode, Body), Failure> {
        match token_header(token) {
            Some(token) => self.send(self.in_namespace(request.header("x-vault-token", token))).await,
            None => Ok((StatusCode::FORBIDDEN, Body::default())),
        }
    }

    fn in_namespace(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.namespace {
            Some(namespace) => request.header("x-vault-namespace", namespace),
            None => request,
        }
    }

    fn judged(&self, (status, body): (StatusCode, Body)) -> Result<Answer, Failure> {
        match status {
            StatusCode::OK => Ok(Answer::Found(body)),
            StatusCode::NOT_FOUND => match self.no_namespace(&body) {
                Some(failure) => Err(failure),
                None => Ok(Answer::Absent(body)),
            },
            StatusCode::FORBIDDEN => Ok(Answer::Refused),
            other => Err(self.no_answer(other, &body)),
        }
    }

    /// Vault answers 404 both where it has no such namespace, and says so, and where nothing is in it.
    pub(super) fn no_namespace(&self, body: &[u8]) -> Option<Failure> {
        let namespace = self.namespace.clone()?;
        let says_so = errors(body).iter().any(|error| error.contains("namespace not found"));
        says_so.then(|| Failure::Invalid { path: String::new(), why: InvalidBecause::NoNamespace { namespace } })
    }

    /// What a status means that is no answer to what was asked.
    pub(super) fn no_answer(&self, status: StatusCode, body: &[u8]) -> Failure {
        match status {
            StatusCode::TOO_MANY_REQUESTS => self.unreachable(UnreachableBecause::Throttled),
            StatusCode::SERVICE_UNAVAILABLE if says_sealed(body) => self.sealed(),
            other => self.unreachable(UnreachableBecause::Status { status: other.as_u16() }),
        }
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
        let response = network::send(request, self.limits).await?;
        let status = response.status();
        Ok((status, network::read_body(response, self.limits).await?))
    }
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

#[expect(clippy::disallowed_methods, reason = "sent as X-Vault-Token")]
fn token_header(token: &Plain) -> Option<HeaderValue> {
    let mut token = HeaderValue::from_str(token.expose()).ok().filter(|token| !token.is_empty())?;
    token.set_sensitive(true);
    Some(token)
}

impl Answer {
    /// A refusal that says nothing more.
    pub(super) fn denied(path: &[String]) -> Failure {
        Failure::Denied { path: path.join("/"), why: DeniedBecause::Unknown }
    }
}

fn below_v1(base: &Url, segments: &[String]) -> Option<Url> {
    let mut url = base.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push("v1").extend(segments);
    Some(url)
}

/// The URL of a reference has the provider's host, its base path, `v1`, then one part for each segment.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz_url(settings: &VaultSettings<Plain>, segments: &[String]) {
    let Ok(base) = Url::parse(&settings.url.to_string()) else { return };
    let Some(url) = below_v1(&base, segments) else { return };
    assert_eq!((base.scheme(), base.host(), base.port()), (url.scheme(), url.host(), url.port()), "{url}");
    assert_eq!((url.query(), url.fragment(), url.username()), (None, None, ""), "{url}");
    let parts = |url: &Url| -> Vec<String> {
        let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    };
    let (before, all) = (parts(&base), parts(&url));
    assert_eq!(all.len(), before.len() + 1 + segments.len(), "{url} from {segments:?}");
    assert!(all.starts_with(&before) && all[before.len()] == "v1", "{url}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::provider::timeout::Timeout;
    use postern::provider::vault::{KvVersion, VaultAuth, VaultUrl};

    fn client(url: &str) -> Client {
        let settings = VaultSettings {
            kv_version: KvVersion::Auto,
            url: url.parse::<VaultUrl>().unwrap(),
            prefix: "secret/api7".parse().unwrap(),
            auth: VaultAuth::Token { token: Plain::new("canary-token".to_owned()) },
            namespace: None,
            ca_certificate: None,
            server_name: None,
            client_certificate: None,
            timeout: Timeout::default(),
        };
        Client::new(&settings, Ok(tls::trusting_nobody()), &Ambient::default())
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

    /// Every spelling of an address that is never connected to.
    #[tokio::test]
    async fn forbidden_hosts_bar_every_request() {
        for (url, found) in [
            ("http://169.254.169.254", "169.254.169.254"),
            ("http://0xa9.0xfe.0xa9.0xfe", "169.254.169.254"),
            ("http://2852039166:8200", "169.254.169.254"),
            ("http://0251.0376.0251.0376", "169.254.169.254"),
            ("http://[::ffff:169.254.169.254]", "::ffff:169.254.169.254"),
            ("http://[fe80::1]:8200", "fe80::1"),
            ("http://[fd00:ec2::254]", "fd00:ec2::254"),
            ("http://100.100.100.200", "100.100.100.200"),
            ("http://0:8200", "0.0.0.0"),
            ("http://[::]", "::"),
            ("https://224.0.0.1", "224.0.0.1"),
        ] {
            let failure = client(url).get(&["secret".to_owned()]).await.unwrap_err();
            let Failure::Unreachable { why: UnreachableBecause::ForbiddenAddress { address, .. }, .. } = failure else {
                panic!("{url}: {failure:?}")
            };
            assert_eq!(address, found, "{url}");
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
}
