//! Requests to an API server, and what each answer means.

use super::Place;
use crate::explain::Heard;
use crate::names::Names;
use crate::network::{self, Body, Limits};
use crate::{json, tls};
use postern::listing::NameKind;
use postern::provider::kubernetes::{
    IN_CLUSTER, KubernetesAccess, KubernetesFailure, KubernetesSettings, SERVICE_ACCOUNT,
};
use postern::resolve::{TlsProblem, UnreachableBecause};
use postern::sensitive::Plain;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The `data` of a Secret: each value in base64.
pub(super) type Secret = BTreeMap<String, Plain>;

const JSON: &str = "application/json";

/// Asks for a list without what is in its objects: names, labels, and no values.
const NAMES_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// The requests of one provider.
pub(super) struct Client {
    http: Option<reqwest::Client>,
    base: Option<Url>,
    token: Token,
    pub(super) limits: Limits,
    address: String,
    pub(super) heard: Heard,
    /// Why no request may be made at all.
    barred: Option<KubernetesFailure>,
}

enum Token {
    Own(Plain),
    /// Kubernetes replaces the file from time to time: it is read for each request.
    File(PathBuf),
}

impl Client {
    pub(super) fn new(settings: &KubernetesSettings<Plain>) -> Self {
        Self::at(settings, IN_CLUSTER, Path::new(SERVICE_ACCOUNT))
    }

    /// `in_cluster` and `account` are Kubernetes's own places, but for tests.
    pub(super) fn at(settings: &KubernetesSettings<Plain>, in_cluster: &str, account: &Path) -> Self {
        let limits = Limits::of(settings.timeout);
        let (address, token, trust) = match &settings.access {
            KubernetesAccess::Token { server, token, ca_certificate } => (
                server.to_string(),
                Token::Own(token.clone()),
                Ok(trust(server.url().is_https(), ca_certificate.as_deref())),
            ),
            KubernetesAccess::InCluster => {
                let authority = std::fs::read_to_string(account.join("ca.crt"));
                let trust = authority.map(|pem| tls::client_config(Some(&pem), None));
                (in_cluster.to_owned(), Token::File(account.join("token")), trust)
            }
        };
        let (trust, barred) = match trust {
            Ok(Ok(trust)) => (trust, None),
            Ok(Err(detail)) => {
                let why = UnreachableBecause::Tls { detail };
                let failure = KubernetesFailure::Unreachable { address: address.clone(), why };
                (tls::trusting_nobody(), Some(failure))
            }
            Err(_) => (tls::trusting_nobody(), Some(KubernetesFailure::NoServiceAccount)),
        };
        let http = network::client(trust, limits, None);
        Self { http, base: Url::parse(&address).ok(), token, limits, address, heard: Heard::default(), barred }
    }

    /// Where a Secret is read.
    pub(super) fn url(&self, place: &Place<'_>) -> Option<Url> {
        self.path(&["api", "v1", "namespaces", place.namespace, "secrets", place.secret])
    }

    fn path(&self, segments: &[&str]) -> Option<Url> {
        let mut url = self.base.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().extend(segments);
        Some(url)
    }

    pub(super) async fn read(&self, place: &Place<'_>) -> Result<Secret, KubernetesFailure> {
        let (namespace, secret) = (place.namespace.to_owned(), place.secret.to_owned());
        let url = self.url(place);
        let request = || format!("GET {}", url.as_ref().map_or("", |url| url.path()));
        let answer = self.send(Method::GET, url.clone(), None, JSON).await;
        self.heard.note(request, answer.as_ref().ok().map(|(status, _)| status.as_u16()));
        let (status, body) = answer?;
        match (status, refusal(&body)) {
            (StatusCode::OK, _) => parse(&body).ok_or_else(|| self.unreachable(UnreachableBecause::NotUnderstood)),
            (StatusCode::NOT_FOUND, Some(_)) => Err(KubernetesFailure::NotFound { namespace, secret }),
            (StatusCode::FORBIDDEN, Some(refusal)) => {
                Err(KubernetesFailure::Forbidden { namespace, secret, user: user_in(&refusal.message) })
            }
            (status, refusal) => Err(self.no_answer(status, refusal.is_some())),
        }
    }

    /// Adds the names of a namespace's Secrets.
    pub(super) async fn list(&self, namespace: &str, names: &mut Names) -> Result<(), KubernetesFailure> {
        let url = self.path(&["api", "v1", "namespaces", namespace, "secrets"]).map(|mut url| {
            url.query_pairs_mut().append_pair("limit", "500");
            url
        });
        let (status, body) = self.send(Method::GET, url, None, NAMES_ONLY).await?;
        match (status, refusal(&body)) {
            (StatusCode::OK, _) => {
                let Some(list) = parse_list(&body) else {
                    return Err(self.unreachable(UnreachableBecause::NotUnderstood));
                };
                names.is_cut = !list.metadata.rest.is_empty();
                names.add(NameKind::Secret, list.items.into_iter().map(|item| item.metadata.name));
            }
            (StatusCode::FORBIDDEN, Some(_)) => names.is_denied = true,
            (StatusCode::NOT_FOUND, Some(_)) => {}
            (status, refusal) => return Err(self.no_answer(status, refusal.is_some())),
        }
        Ok(())
    }

    /// Asks the API server about the token itself: `body` is what is asked.
    pub(super) async fn ask(
        &self,
        segments: &[&str],
        body: &serde_json::Value,
    ) -> Result<(StatusCode, Body), KubernetesFailure> {
        let (status, answer) = self.send(Method::POST, self.path(segments), Some(body), JSON).await?;
        match status {
            StatusCode::CREATED | StatusCode::OK | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Ok((status, answer))
            }
            status => Err(self.no_answer(status, refusal(&answer).is_some())),
        }
    }

    /// What a status means that is no answer to what was asked. `says_so`: it is the API server that says it.
    fn no_answer(&self, status: StatusCode, says_so: bool) -> KubernetesFailure {
        let in_cluster = matches!(self.token, Token::File(_));
        match status {
            StatusCode::UNAUTHORIZED if says_so => KubernetesFailure::Unauthorized { in_cluster },
            StatusCode::TOO_MANY_REQUESTS => self.unreachable(UnreachableBecause::Throttled),
            other => self.unreachable(UnreachableBecause::Status { status: other.as_u16() }),
        }
    }

    pub(super) fn unreachable(&self, why: UnreachableBecause) -> KubernetesFailure {
        KubernetesFailure::Unreachable { address: self.address.clone(), why }
    }

    async fn send(
        &self,
        method: Method,
        url: Option<Url>,
        body: Option<&serde_json::Value>,
        accept: &'static str,
    ) -> Result<(StatusCode, Body), KubernetesFailure> {
        if let Some(failure) = &self.barred {
            return Err(failure.clone());
        }
        let not_sent = || self.unreachable(UnreachableBecause::NotUnderstood);
        let http = self.http.as_ref().ok_or_else(not_sent)?;
        let request = http
            .request(method, url.ok_or_else(not_sent)?)
            .header(AUTHORIZATION, self.bearer().await?)
            .header(ACCEPT, accept);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let response = network::send(request, self.limits).await.map_err(|why| self.unreachable(why))?;
        let status = response.status();
        let body = network::read_body(response, self.limits).await.map_err(|why| self.unreachable(why))?;
        Ok((status, body))
    }

    /// A token that no header can carry is a wrong token.
    #[expect(clippy::disallowed_methods, reason = "sent as the bearer token")]
    async fn bearer(&self) -> Result<HeaderValue, KubernetesFailure> {
        let (token, in_cluster) = match &self.token {
            Token::Own(token) => (token.clone(), false),
            Token::File(path) => {
                let text = tokio::fs::read_to_string(path).await.map_err(|_| KubernetesFailure::NoServiceAccount)?;
                (Plain::new(text.trim().to_owned()), true)
            }
        };
        let header = Plain::new(format!("Bearer {}", token.expose()));
        let mut header =
            HeaderValue::from_str(header.expose()).map_err(|_| KubernetesFailure::Unauthorized { in_cluster })?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Whom the provider's connections trust.
fn trust(https: bool, ca_certificate: Option<&str>) -> Result<ClientConfig, TlsProblem> {
    if https { tls::client_config(ca_certificate, None) } else { Ok(tls::trusting_nobody()) }
}

/// A `Status`, which every refusal of an API server is. Its text is looked at and never shown.
#[derive(Deserialize)]
struct Refusal {
    kind: String,
    #[serde(default)]
    message: String,
}

fn refusal(body: &[u8]) -> Option<Refusal> {
    serde_json::from_slice::<Refusal>(body).ok().filter(|refusal| refusal.kind == "Status")
}

/// The user in `… is forbidden: User "system:serviceaccount:a:b" cannot get resource …`.
fn user_in(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("User \"")?;
    let (user, _) = rest.split_once('"')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || ":._@-".contains(c);
    (!user.is_empty() && user.len() <= 253 && user.chars().all(fits)).then(|| user.to_owned())
}

/// The values of a Secret. One without any has no `data` at all.
fn parse(body: &[u8]) -> Option<Secret> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        kind: String,
        #[serde(borrow, default)]
        data: Option<BTreeMap<String, &'a RawValue>>,
    }
    if !json::is_sound(body) {
        return None;
    }
    let answer: Answer<'_> = serde_json::from_slice(body).ok()?;
    let values = answer.data.unwrap_or_default().into_iter().map(|(key, raw)| {
        let text: String = serde_json::from_str(raw.get()).ok()?;
        Some((key, Plain::new(text)))
    });
    (answer.kind == "Secret").then(|| values.collect())?
}

/// A list of objects, as far as their names go.
#[derive(Deserialize)]
struct List {
    metadata: ListMetadata,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct ListMetadata {
    /// Not empty where there are more.
    #[serde(default, rename = "continue")]
    rest: String,
}

#[derive(Deserialize)]
struct Item {
    metadata: ItemMetadata,
}

#[derive(Deserialize)]
struct ItemMetadata {
    name: String,
}

fn parse_list(body: &[u8]) -> Option<List> {
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood() {
        for (body, keys) in [
            (r#"{"kind":"Secret","data":{"a":"eA==","b":""}}"#, Some(vec!["a", "b"])),
            (r#"{"kind":"Secret","metadata":{}}"#, Some(vec![])),
            (r#"{"kind":"Secret","data":null}"#, Some(vec![])),
            (r#"{"kind":"Secret","data":{"a":1}}"#, None),
            (r#"{"kind":"Secret","data":{"a":"x","a":"y"}}"#, None),
            (r#"{"kind":"Status"}"#, None),
            ("<html>", None),
        ] {
            let got = parse(body.as_bytes());
            let got: Option<Vec<&str>> = got.as_ref().map(|secret| secret.keys().map(String::as_str).collect());
            assert_eq!(got, keys, "{body}");
        }
    }

    #[test]
    fn the_user_of_a_refusal() {
        for (message, user) in [
            (
                "secrets \"a\" is forbidden: User \"system:serviceaccount:n:p\" cannot get resource",
                Some("system:serviceaccount:n:p"),
            ),
            ("User \"<script>\" cannot", None),
            ("User \"\" cannot", None),
            ("no", None),
        ] {
            assert_eq!(user_in(message).as_deref(), user, "{message}");
        }
    }

    /// The pod's token is Kubernetes's own file, read for each request.
    #[tokio::test]
    async fn in_a_cluster_the_token_is_what_the_file_holds_then() {
        let settings = KubernetesSettings { access: KubernetesAccess::InCluster, timeout: Default::default() };
        let account = tempfile::TempDir::new().unwrap();
        let place = Place { namespace: "n", secret: "s" };
        let client = Client::at(&settings, "https://127.0.0.1:1", account.path());
        assert_eq!(client.read(&place).await.unwrap_err(), KubernetesFailure::NoServiceAccount);
        let authority = rcgen::generate_simple_self_signed(vec!["k".to_owned()]).unwrap();
        std::fs::write(account.path().join("ca.crt"), authority.cert.pem()).unwrap();
        let client = Client::at(&settings, "https://127.0.0.1:1", account.path());
        assert_eq!(client.bearer().await.unwrap_err(), KubernetesFailure::NoServiceAccount);
        for token in ["first", "second"] {
            std::fs::write(account.path().join("token"), format!("{token}\n")).unwrap();
            let header = client.bearer().await.unwrap();
            assert_eq!(header.to_str().unwrap(), format!("Bearer {token}"));
            assert!(header.is_sensitive());
        }
        let failure = client.read(&place).await.unwrap_err();
        assert!(matches!(failure, KubernetesFailure::Unreachable { .. }), "{failure:?}");
    }
}
