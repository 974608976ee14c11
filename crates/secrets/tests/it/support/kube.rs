//! A Kubernetes API server, as far as Secrets go. No real one can be had from the registries that the tests install
//! from, so this one keeps to the documented API: bearer tokens, roles checked before existence, `Status` as refusal.

use super::authority::Authority;
use super::{House, PATIENCE, group};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use postern::provider::kubernetes::{KubernetesAccess, KubernetesSettings};
use postern::provider::timeout::Timeout;
use postern::provider::{Freshness, Manager, ProviderKey, SecretProvider, Settings};
use postern::resolve::ReferenceState;
use postern::secret_ref::SecretRef;
use postern::sensitive::Plain;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrets::{Ambient, ProviderConfig};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::AbortOnDropHandle;

/// The API server; it ends when dropped.
pub(crate) struct Kube {
    authority: Authority,
    acceptor: TlsAcceptor,
    port: u16,
    state: Arc<Mutex<State>>,
    task: Option<AbortOnDropHandle<()>>,
}

#[derive(Default)]
struct State {
    /// Token → user.
    users: BTreeMap<String, String>,
    /// User, namespace and Secret; `*` for all.
    rules: BTreeSet<[String; 3]>,
    /// Namespace and name → `data`.
    secrets: BTreeMap<[String; 2], Value>,
    calls: Vec<String>,
}

impl Kube {
    pub(crate) async fn start() -> Self {
        let authority = Authority::new();
        let issued = authority.server("127.0.0.1");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let chain = vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_no_client_auth().with_single_cert(chain, key).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let mut kube = Self { authority, acceptor, port: 0, state: Arc::default(), task: None };
        kube.up().await;
        kube
    }

    /// Listens: on the port of before, if there was one.
    pub(crate) async fn up(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (acceptor, state) = (self.acceptor.clone(), self.state.clone());
        self.task = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, state) = (acceptor.clone(), state.clone());
                connections.spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, &state).await;
                    }
                });
            }
        })));
    }

    pub(crate) async fn down(&mut self) {
        let task = self.task.take().unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    }

    pub(crate) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ca(&self) -> String {
        self.authority.pem()
    }

    /// A service account of the namespace `gateway`, and its token.
    pub(crate) fn account(&self, name: &str) -> String {
        let token = format!("canary.{name}.token");
        self.state().users.insert(token.clone(), format!("system:serviceaccount:gateway:{name}"));
        token
    }

    /// The token is no longer accepted.
    pub(crate) fn revoke(&self, token: &str) {
        self.state().users.remove(token);
    }

    /// A role and its binding: the account may get the Secret; `*` for all.
    pub(crate) fn allow(&self, account: &str, namespace: &str, secret: &str) {
        let user = format!("system:serviceaccount:gateway:{account}");
        self.state().rules.insert([user, namespace.to_owned(), secret.to_owned()]);
    }

    /// Makes or replaces a Secret from texts.
    pub(crate) fn put(&self, namespace: &str, name: &str, texts: &[(&str, &[u8])]) {
        let data: BTreeMap<&str, String> = texts.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
        self.state().secrets.insert([namespace.to_owned(), name.to_owned()], json!(data));
    }

    /// `GET /api/v1/…` of every request so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn settings(&self, token: &str) -> KubernetesSettings<Plain> {
        KubernetesSettings {
            access: KubernetesAccess::Token {
                server: self.url().parse().unwrap(),
                token: Plain::new(token.to_owned()),
                ca_certificate: Some(self.ca()),
            },
            timeout: Timeout::default(),
        }
    }
}

/// Answers one request after the other.
async fn serve(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, state: &Mutex<State>) {
    let mut buffer = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
            }
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let field = |name: &str| {
            let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let length = field("content-length").map_or(0, |text| text.parse().unwrap());
        while buffer.len() < length {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        buffer.drain(..length);
        let (status, answer) = state.lock().unwrap().answer(&head, field("authorization"), field("accept"));
        let body = answer.to_string();
        let head =
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
        if stream.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

impl State {
    fn answer(&mut self, head: &str, authorization: Option<String>, accept: Option<String>) -> (u16, Value) {
        let mut words = head.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap().to_owned());
        self.calls.push(format!("{method} {path}"));
        let token = authorization.and_then(|text| text.strip_prefix("Bearer ").map(str::to_owned));
        let Some(user) = token.and_then(|token| self.users.get(&token).cloned()) else {
            return refused(401, "Unauthorized", "Unauthorized");
        };
        match path.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice() {
            ["api", "v1", "namespaces", namespace, "secrets", name] if method == "GET" => {
                self.secret(&user, namespace, name)
            }
            ["api", "v1", "namespaces", namespace, secrets] if method == "GET" && secrets.starts_with("secrets?") => {
                self.list(&user, namespace, accept.as_deref())
            }
            ["apis", "authentication.k8s.io", "v1", "selfsubjectreviews"] if method == "POST" => (
                201,
                json!({ "kind": "SelfSubjectReview", "status": { "userInfo": { "username": user, "groups": ["system:authenticated"] } } }),
            ),
            ["apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews"] if method == "POST" => {
                let allowed = self.may(&user, "*", "*");
                (201, json!({ "kind": "SelfSubjectAccessReview", "status": { "allowed": allowed } }))
            }
            _ => refused(404, "NotFound", "the server could not find the requested resource"),
        }
    }

    /// With `list` on secrets (here: who may get all of a namespace). Without values, where that is asked for.
    fn list(&self, user: &str, namespace: &str, accept: Option<&str>) -> (u16, Value) {
        if !self.may(user, namespace, "*") {
            let message = format!("secrets is forbidden: User \"{user}\" cannot list resource \"secrets\"");
            return refused(403, "Forbidden", &message);
        }
        let names_only = accept.is_some_and(|accept| accept.contains("as=PartialObjectMetadataList"));
        let here = self.secrets.iter().filter(|([space, _], _)| space == namespace);
        let items: Vec<Value> = here
            .map(|([_, name], data)| match names_only {
                true => json!({ "metadata": { "name": name, "namespace": namespace } }),
                false => json!({ "metadata": { "name": name, "namespace": namespace }, "data": data }),
            })
            .collect();
        let kind = if names_only { "PartialObjectMetadataList" } else { "SecretList" };
        (200, json!({ "kind": kind, "metadata": { "resourceVersion": "1" }, "items": items }))
    }

    fn may(&self, user: &str, namespace: &str, secret: &str) -> bool {
        let matches = |rule: &str, asked: &str| rule == "*" || rule == asked;
        self.rules.iter().any(|[who, space, name]| who == user && matches(space, namespace) && matches(name, secret))
    }

    fn secret(&self, user: &str, namespace: &str, name: &str) -> (u16, Value) {
        if !self.may(user, namespace, name) {
            let message = format!(
                "secrets \"{name}\" is forbidden: User \"{user}\" cannot get resource \"secrets\" in API group \"\" in the namespace \"{namespace}\""
            );
            return refused(403, "Forbidden", &message);
        }
        match self.secrets.get(&[namespace.to_owned(), name.to_owned()]) {
            None => refused(404, "NotFound", &format!("secrets \"{name}\" not found")),
            Some(data) => {
                let metadata = json!({ "name": name, "namespace": namespace, "resourceVersion": "1" });
                (
                    200,
                    json!({ "kind": "Secret", "apiVersion": "v1", "metadata": metadata, "data": data, "type": "Opaque" }),
                )
            }
        }
    }
}

fn refused(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    (code, status)
}

/// An engine with the provider `kubernetes/my-k8s` in the group `default`.
pub(crate) struct Cluster {
    pub(crate) house: House,
}

impl Cluster {
    pub(crate) fn new(settings: KubernetesSettings<Plain>) -> Self {
        let cluster = Self { house: House::empty() };
        let freshness = Freshness { ttl_seconds: 1, ..super::FRESHNESS };
        let provider =
            SecretProvider { id: "my-k8s".parse().unwrap(), settings: Settings::Kubernetes(settings), freshness };
        let config = ProviderConfig { group: group(), provider, revision: 1, ambient: Ambient::default() };
        cluster.house.engine.set_providers(vec![config]);
        cluster
    }

    pub(crate) async fn check(&self, path: &str) -> ReferenceState {
        self.house.engine.check(&group(), &reference(path)).await
    }

    pub(crate) fn watch(&self, paths: &[&str]) {
        self.house.engine.watch(paths.iter().map(|path| (group(), reference(path))).collect());
    }

    pub(crate) async fn refresh(&self) {
        let key = ProviderKey { manager: Manager::Kubernetes, id: "my-k8s".parse().unwrap() };
        self.house.engine.refresh(&group(), &key).await;
    }

    /// The value that may be used now, and the state's name.
    #[expect(clippy::disallowed_methods, reason = "the test compares it with what it stored")]
    pub(crate) fn current(&self, path: &str) -> (Option<String>, &'static str) {
        let (value, state) = self.house.engine.current(&group(), &reference(path));
        (value.map(|value| value.expose().to_owned()), state.name().slug())
    }

    /// Waits, by the engine's own ticks, until value and state's name of a watched reference are these.
    pub(crate) async fn until(&self, path: &str, value: Option<&str>, name: &str) {
        let mut changes = self.house.engine.changes();
        let reached = async {
            while self.current(path) != (value.map(str::to_owned), name) {
                changes.changed().await.unwrap();
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        assert!(reached.is_ok(), "{path} never became {name} with {value:?}: {:?}", self.current(path));
    }
}

/// `team/alice/key` of `my-k8s`.
pub(crate) fn reference(path: &str) -> SecretRef {
    format!("$secret://kubernetes/my-k8s/{path}").parse().unwrap()
}
