//! The control plane over a real database; the secret manager is an address where nobody answers, except
//! where a literal key needs none.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod canary;
mod certificates;
mod credentials;
mod known;
mod lists;
mod plugin_sets;
mod plugins;
mod unfit;

use backends::OpenBao;
use control::{Control, InstanceFacts, Parts, RunningGateway};
use postern::consumer::{Consumer, ConsumerForm};
use postern::control::{ControlError, ControlPlane, Operator, PluginOwner, ProviderView};
use postern::credential::{Credential, CredentialForm, CredentialType, SecretFieldForm, Source};
use postern::fingerprint::FingerprintKey;
use postern::listing::Listing;
use postern::name::{GroupName, ObjectId};
use postern::page::PageQuery;
use postern::plugin::{PluginConfig, PluginName, Plugins};
use postern::problem::FieldProblem;
use postern::provider::aws::AwsForm;
use postern::provider::kubernetes::KubernetesForm;
use postern::provider::vault::{AuthForm, AuthMethod, FormSecret, TlsForm, VaultForm};
use postern::provider::{Manager, ProviderForm, ProviderKey, SecretProvider, Settings};
use postern::resolve::{ReferenceCheck, StateName};
use postern::routing::{NodesForm, RouteForm, ServiceForm, UpstreamChoice};
use postern::sensitive::Entered;
use postern::session_key::SessionKey;
use postern::time::{Clock, Millis};
use secrets::{Engine, Environment};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::{Kind, NewRow, Sealer, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// A clock that moves on by a millisecond each time it is asked.
struct Ticks(AtomicU64);

impl Clock for Ticks {
    fn now(&self) -> Millis {
        Millis(1_700_000_000_000 + self.0.fetch_add(1, Ordering::Relaxed))
    }
}

struct FixedGateway;

impl RunningGateway for FixedGateway {
    fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], 9080).into()
    }
    fn tls_address(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], 9443).into())
    }
    fn applied_revision(&self) -> u64 {
        u64::MAX
    }
    fn authenticated_seen(&self) -> bool {
        false
    }
}

struct World {
    control: Control,
    store: Store,
    stop: CancellationToken,
    fingerprints: FingerprintKey,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::over(TempDir::new().unwrap()).await
    }

    async fn over(folder: TempDir) -> Self {
        let stop = CancellationToken::new();
        let store = Store::open(&format!("sqlite:{}", folder.path().join("p.db").display())).await.unwrap();
        let key = control::open_master_key(&store, &folder.path().join("master.key")).await.unwrap();
        let fingerprints = FingerprintKey::new([3; 32]);
        let clock: Arc<dyn Clock> = Arc::new(Ticks(AtomicU64::new(0)));
        let engine = Engine::start(clock.clone(), fingerprints.clone(), stop.clone());
        let variable = (OsString::from("POSTERN_SECRET_ALICE"), OsString::from("key-of-the-environment"));
        engine.set_environment(Environment::of("POSTERN_SECRET_", [variable]));
        let parts = Parts {
            store: store.clone(),
            sealer: Sealer::new(&key).unwrap(),
            engine,
            clock,
            fingerprints: fingerprints.clone(),
            session_key: SessionKey::new(key.derive("sessions of browsers 1").unwrap()),
            own_addresses: vec![([127, 0, 0, 1], 7080).into()],
            ambient: BTreeMap::new(),
            instance: InstanceFacts { id: "i".to_owned(), version: "0".to_owned(), started_at: Millis(0) },
        };
        let control = Control::start(parts, stop.clone()).await.unwrap();
        control.attach(Arc::new(FixedGateway));
        Self { control, store, stop, fingerprints, folder }
    }

    async fn restart(self) -> Self {
        self.stop.cancel();
        self.store.close().await;
        Self::over(self.folder).await
    }

    /// Whether the gateway would let a request with this key pass, and as whom.
    fn owner(&self, key: &str) -> Option<String> {
        let snapshot = self.control.snapshots().borrow().clone();
        let wanted = self.fingerprints.of_key(key.as_bytes());
        snapshot.keys.get(&wanted).map(|key| key.consumer.name.to_string())
    }
}

fn op() -> Operator {
    Operator { name: "test".to_owned() }
}

fn group() -> GroupName {
    GroupName::default_group()
}

fn id(text: &str) -> ObjectId {
    text.parse().unwrap()
}

/// Port 9 of loopback: nobody answers.
fn provider_form(token: &str) -> ProviderForm {
    ProviderForm {
        id: "my-vault".to_owned(),
        vault: VaultForm {
            url: "http://127.0.0.1:9".to_owned(),
            prefix: "secret/api7".to_owned(),
            auth: AuthForm { token: FormSecret(token.to_owned()), ..AuthForm::default() },
            ..VaultForm::default()
        },
        ..ProviderForm::default()
    }
}

fn provider(token: &str) -> SecretProvider<Entered> {
    provider_form(token).parse().unwrap()
}

fn provider_key() -> ProviderKey {
    provider("").key()
}

fn consumer(name: &str) -> Consumer {
    ConsumerForm { name: name.to_owned(), ..ConsumerForm::default() }.parse().unwrap()
}

fn credential(consumer: &str, name: &str, source: Source, text: &str) -> Credential<Entered> {
    let secret = SecretFieldForm { source, text: FormSecret(text.to_owned()) };
    let form = CredentialForm { name: name.to_owned(), secret, ..CredentialForm::new(CredentialType::KeyAuth) };
    form.parse(id("new"), consumer.parse().unwrap()).unwrap()
}

fn literal(consumer: &str, name: &str, key: &str) -> Credential<Entered> {
    credential(consumer, name, Source::ManuallyInput, key)
}

const REFERENCE: &str = "$secret://vault/my-vault/consumer/alice/key";

fn fields(error: ControlError) -> Vec<String> {
    match error {
        ControlError::Invalid { problems } => problems.into_iter().map(|p| p.field).collect(),
        other => panic!("expected field problems, got {other:?}"),
    }
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| std::fs::read(entry.unwrap().path()).ok())
        .any(|content| content.windows(needle.len()).any(|window| window == needle))
}

#[tokio::test]
async fn a_provider_needs_its_token_once_and_keeps_it_for_its_own_server_only() {
    let w = World::new().await;
    assert_eq!(fields(w.control.add_provider(&op(), &group(), provider("")).await.unwrap_err()), ["token"]);
    w.control.add_provider(&op(), &group(), provider("canary-token")).await.unwrap();
    let again = w.control.add_provider(&op(), &group(), provider("x")).await.unwrap_err();
    assert_eq!(fields(again), ["id"]);

    let mut form = provider_form("");
    form.vault.prefix = "secret/other".to_owned();
    let saved = w.control.save_provider(&op(), &group(), 1, form.parse().unwrap()).await.unwrap();
    assert_eq!(saved.stored.revision, 2);

    form.vault.url = "http://127.0.0.2:9".to_owned();
    for moved in [form.parse().unwrap()] {
        let save = w.control.save_provider(&op(), &group(), 2, moved).await.unwrap_err();
        assert_eq!(fields(save), ["token"]);
    }
    let test = w.control.test_provider(&op(), &group(), form.parse().unwrap()).await.unwrap_err();
    assert_eq!(fields(test), ["token"], "a test must not carry the stored token to another server");
}

/// A provider of each method that has a secret, with that secret typed or left empty.
fn provider_by(method: AuthMethod, secret: &str, url: &str) -> Result<SecretProvider<Entered>, Vec<FieldProblem>> {
    let secret = || FormSecret(secret.to_owned());
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let mut form = provider_form("");
    url.clone_into(&mut form.vault.url);
    form.vault.auth = AuthForm {
        method: method.slug().to_owned(),
        token: secret(),
        token_file: "token".to_owned(),
        role_id: "role".to_owned(),
        secret_id: secret(),
        username: "user".to_owned(),
        password: secret(),
        role: "role".to_owned(),
        jwt: secret(),
        certificate: pem.to_owned(),
        private_key: secret(),
        mount: String::new(),
    };
    form.parse()
}

#[tokio::test]
async fn the_secret_of_every_method_stays_where_it_belongs() {
    let here = "https://127.0.0.1:9";
    let w = World::new().await;
    let mut revision = None;
    for method in AuthMethod::ALL {
        let Some(field) = method.secret_field().map(|field| field.name) else { continue };
        let canary = match method {
            AuthMethod::Jwt => "canary.canary.canary",
            AuthMethod::Cert => "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----",
            AuthMethod::Token
            | AuthMethod::TokenFile
            | AuthMethod::AppRole
            | AuthMethod::Userpass
            | AuthMethod::Kubernetes => "canary-secret",
        };
        let empty = |url| provider_by(method, "", url).unwrap();
        let typed = provider_by(method, canary, here).unwrap();
        let stored = match revision {
            None => w.control.add_provider(&op(), &group(), typed).await.unwrap(),
            Some(revision) => {
                let another = w.control.save_provider(&op(), &group(), revision, empty(here)).await.unwrap_err();
                assert_eq!(fields(another), [field], "another method's secret is not taken for it");
                w.control.save_provider(&op(), &group(), revision, typed).await.unwrap()
            }
        };
        let shown = serde_json::to_string(&stored).unwrap();
        assert!(!shown.contains("canary"), "{shown}");
        assert!(!contains(w.folder.path(), b"canary"), "{method:?}");

        let kept = w.control.save_provider(&op(), &group(), stored.stored.revision, empty(here)).await.unwrap();
        let elsewhere = empty("https://127.0.0.1:10");
        let saved =
            w.control.save_provider(&op(), &group(), kept.stored.revision, elsewhere.clone()).await.unwrap_err();
        assert_eq!(fields(saved), [field]);
        let tested = w.control.test_provider(&op(), &group(), elsewhere).await.unwrap_err();
        assert_eq!(fields(tested), [field], "a test must not carry it to another server");
        revision = Some(kept.stored.revision);
    }
}

#[tokio::test]
async fn the_key_of_a_client_certificate_is_kept_for_its_own_server_and_dropped_with_it() {
    let w = World::new().await;
    let form = |certificate: &str, key: &str, server_name: &str| {
        let mut form = provider_form("");
        form.vault.url = "https://127.0.0.1:9".to_owned();
        form.vault.tls = TlsForm {
            server_name: server_name.to_owned(),
            certificate: certificate.to_owned(),
            private_key: FormSecret(key.to_owned()),
        };
        form
    };
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----";
    let save = |revision: u64, form: ProviderForm| {
        let entered = form.parse().unwrap();
        let w = &w;
        async move { w.control.save_provider(&op(), &group(), revision, entered).await }
    };
    let mut first = form("", "", "v.internal");
    first.vault.auth.token = FormSecret("t".to_owned());
    w.control.add_provider(&op(), &group(), first.parse().unwrap()).await.unwrap();
    assert_eq!(fields(save(1, form(pem, "", "v.internal")).await.unwrap_err()), ["tls_private_key"]);
    let saved = save(1, form(pem, key, "v.internal")).await.unwrap();
    assert!(!serde_json::to_string(&saved).unwrap().contains("canary"));
    assert!(!contains(w.folder.path(), b"canary"));
    save(2, form(pem, "", "v.internal")).await.unwrap();
    // The token comes first; the key would be asked for next.
    let moved = form(pem, "", "w.internal");
    assert_eq!(fields(save(3, moved.clone()).await.unwrap_err()), ["token"]);
    let test = w.control.test_provider(&op(), &group(), moved.parse().unwrap()).await.unwrap_err();
    assert_eq!(fields(test), ["token"], "a test must not carry the stored token to another name");
    save(3, form("", "", "v.internal")).await.unwrap();
    assert_eq!(fields(save(4, form(pem, "", "v.internal")).await.unwrap_err()), ["tls_private_key"]);
}

/// Port 9 of loopback: nobody answers.
fn aws_form(secret: &str, token: &str) -> ProviderForm {
    ProviderForm {
        id: "my-secrets-manager".to_owned(),
        manager: "aws".to_owned(),
        aws: AwsForm {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: FormSecret(secret.to_owned()),
            session_token: FormSecret(token.to_owned()),
            endpoint_url: "http://127.0.0.1:9".to_owned(),
            ..AwsForm::default()
        },
        ..ProviderForm::default()
    }
}

#[tokio::test]
async fn an_aws_provider_keeps_its_secrets_for_its_own_key_and_endpoint_only() {
    let w = World::new().await;
    let add = |form: ProviderForm| {
        let entered = form.parse().unwrap();
        let w = &w;
        async move { w.control.add_provider(&op(), &group(), entered).await }
    };
    assert_eq!(fields(add(aws_form("", "")).await.unwrap_err()), ["secret_access_key"]);
    add(aws_form("canary-secret", "canary-session")).await.unwrap();
    assert!(!contains(w.folder.path(), b"canary"));
    let has_token = |view: &ProviderView| match &view.stored.object.settings {
        Settings::Aws(aws) => aws.credentials.access_key().unwrap().session_token.is_some(),
        Settings::Vault(_) | Settings::Kubernetes(_) => panic!("{view:?}"),
    };
    let save = |revision: u64, form: ProviderForm| {
        let entered = form.parse().unwrap();
        let w = &w;
        async move { w.control.save_provider(&op(), &group(), revision, entered).await }
    };
    let kept = save(1, aws_form("", "")).await.unwrap();
    assert!(has_token(&kept), "empty fields keep both");
    let replaced = save(2, aws_form("canary-other", "")).await.unwrap();
    assert!(!has_token(&replaced), "a new key without a token has none");
    let saved = save(3, aws_form("", "")).await.unwrap();
    assert!(!has_token(&saved), "there is nothing to keep");

    let mut other_key = aws_form("", "");
    other_key.aws.access_key_id = "AKIAOTHER".to_owned();
    let mut other_endpoint = aws_form("", "");
    other_endpoint.aws.endpoint_url = String::new();
    for form in [other_key, other_endpoint] {
        assert_eq!(fields(save(4, form.clone()).await.unwrap_err()), ["secret_access_key"]);
        let test = w.control.test_provider(&op(), &group(), form.parse().unwrap()).await.unwrap_err();
        assert_eq!(fields(test), ["secret_access_key"]);
    }
    let mut own = aws_form("x", "");
    own.id = "own".to_owned();
    own.aws.endpoint_url = "http://localhost:7080".to_owned();
    assert_eq!(fields(add(own).await.unwrap_err()), ["endpoint_url"]);
    let mut elsewhere = aws_form("", "");
    elsewhere.aws.region = "eu-west-1".to_owned();
    save(4, elsewhere).await.unwrap();
    let restarted = w.restart().await;
    let key = ProviderKey { manager: Manager::Aws, id: "my-secrets-manager".parse().unwrap() };
    let diagnosis = restarted.control.test_stored_provider(&op(), &group(), &key).await.unwrap();
    assert!(format!("{diagnosis:?}").contains("refused"), "{diagnosis:?}");
}

#[tokio::test]
async fn a_kubernetes_provider_keeps_its_token_for_its_own_server_only() {
    let w = World::new().await;
    let form = |method: &str, server: &str, token: &str| {
        let kubernetes = KubernetesForm {
            method: method.to_owned(),
            server: server.to_owned(),
            token: FormSecret(token.to_owned()),
            ..KubernetesForm::default()
        };
        let (id, manager) = ("my-k8s".to_owned(), "kubernetes".to_owned());
        ProviderForm { id, manager, kubernetes, ..ProviderForm::default() }.parse().unwrap()
    };
    let (here, there) = ("https://127.0.0.1:9", "https://127.0.0.1:10");
    let field = ["service_account_token"];
    assert_eq!(fields(w.control.add_provider(&op(), &group(), form("token", here, "")).await.unwrap_err()), field);
    let own = form("token", "https://localhost:7080", "t");
    assert_eq!(fields(w.control.add_provider(&op(), &group(), own).await.unwrap_err()), ["api_server"]);
    let added = w.control.add_provider(&op(), &group(), form("token", here, "canary-token")).await.unwrap();
    assert!(!serde_json::to_string(&added).unwrap().contains("canary"));
    assert!(!contains(w.folder.path(), b"canary"));
    w.control.save_provider(&op(), &group(), 1, form("token", here, "")).await.unwrap();
    let moved = w.control.save_provider(&op(), &group(), 2, form("token", there, "")).await.unwrap_err();
    assert_eq!(fields(moved), field);
    let tested = w.control.test_provider(&op(), &group(), form("token", there, "")).await.unwrap_err();
    assert_eq!(fields(tested), field);
    w.control.save_provider(&op(), &group(), 2, form("in_cluster", "", "")).await.unwrap();
    let back = w.control.save_provider(&op(), &group(), 3, form("token", here, "")).await.unwrap_err();
    assert_eq!(fields(back), field, "it was dropped with its address");
}

/// Whoever adds providers must not thereby get what the machine may do.
#[tokio::test]
async fn the_machine_s_own_credentials_need_the_server_s_leave() {
    let w = World::new().await;
    let mut ambient = aws_form("", "");
    ambient.aws.method = "ambient".to_owned();
    let mut role = aws_form("canary", "");
    role.aws.role.role_arn = "arn:aws:iam::123456789012:role/r".to_owned();
    let mut file = provider_form("");
    file.vault.auth.method = "token_file".to_owned();
    file.vault.auth.token_file = "token".to_owned();
    let (credentials, files) = ("--ambient-credentials default", "--token-files default=/run/vault-agent");
    for (form, field, flag) in
        [(ambient, "aws_method", credentials), (role, "role_arn", credentials), (file, "token_file", files)]
    {
        let refused = w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap_err();
        assert!(format!("{refused:?}").contains(flag), "{refused:?}");
        assert_eq!(fields(refused), [field]);
        let tested = w.control.test_provider(&op(), &group(), form.parse().unwrap()).await.unwrap_err();
        assert_eq!(fields(tested), [field]);
    }
}

#[tokio::test]
async fn the_second_of_two_operators_is_shown_what_the_first_changed() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("t1")).await.unwrap();
    let mut first = provider_form("t2");
    first.vault.prefix = "secret/first".to_owned();
    w.control.save_provider(&op(), &group(), 1, first.parse().unwrap()).await.unwrap();
    let mut second = provider_form("");
    second.vault.prefix = "secret/second".to_owned();
    let error = w.control.save_provider(&op(), &group(), 1, second.parse().unwrap()).await.unwrap_err();
    let ControlError::Conflict { current: 2, changes } = error else { panic!("{error:?}") };
    let changed: Vec<_> = changes.iter().map(|c| c.field.as_str()).collect();
    assert_eq!(changed, ["Secret Prefix", "Token"]);
    assert_eq!((changes[0].was.as_str(), changes[0].now.as_str()), ("secret/api7", "secret/first"));
    let stored = w.control.provider(&op(), &group(), &provider_key()).await.unwrap();
    assert_eq!(ProviderForm::of(&stored.stored.object).vault.prefix, "secret/first");
}

#[tokio::test]
async fn our_own_listeners_are_neither_upstream_nor_vault() {
    let w = World::new().await;
    for address in
        ["127.0.0.1:7080", "localhost:9080", "127.0.0.1:9080", "0.0.0.0:7080", "[::1]:9080", "127.0.0.1:9443"]
    {
        let form = ServiceForm {
            name: "loop".to_owned(),
            upstream: UpstreamChoice::Nodes,
            nodes: NodesForm { nodes: format!("example.com:80\n{address}"), ..NodesForm::default() },
        };
        let service = form.parse(id("new"), Plugins::new()).unwrap();
        let error = w.control.add_service(&op(), &group(), service).await.unwrap_err();
        assert_eq!(fields(error), ["nodes"], "{address}");
    }
    let form = ServiceForm {
        name: "unreadable".to_owned(),
        upstream: UpstreamChoice::Nodes,
        nodes: NodesForm {
            nodes: "example.com:443".to_owned(),
            scheme: "https".to_owned(),
            ca_certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----".to_owned(),
            ..NodesForm::default()
        },
    };
    let service = form.parse(id("new"), Plugins::new()).unwrap();
    assert_eq!(fields(w.control.add_service(&op(), &group(), service).await.unwrap_err()), ["ca_certificate"]);
    let mut form = provider_form("t");
    form.vault.url = "http://localhost:7080".to_owned();
    assert_eq!(fields(w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap_err()), ["url"]);
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let w = World::new().await;
    fn gone(error: ControlError) {
        assert!(matches!(error, ControlError::NotFound { .. }), "{error:?}");
    }
    gone(w.control.consumers(&op(), &"other".parse().unwrap(), &PageQuery::default()).await.unwrap_err());
    gone(w.control.provider(&op(), &group(), &provider_key()).await.unwrap_err());
    gone(w.control.add_credential(&op(), &group(), literal("Bob", "k", "x")).await.unwrap_err());
    gone(w.control.service(&op(), &group(), &id("x")).await.unwrap_err());
    gone(w.control.delete_credential(&op(), &group(), &id("x")).await.unwrap_err());
    let owner = PluginOwner::Service(id("x"));
    gone(w.control.remove_plugin(&op(), &group(), &owner, PluginName::KeyAuth).await.unwrap_err());
}

#[tokio::test]
async fn a_reference_that_does_not_resolve_authenticates_nobody() {
    let w = World::new().await;
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    let reference = || credential("Alice", "primary-key", Source::Reference, REFERENCE);
    let unknown = w.control.add_credential(&op(), &group(), reference()).await.unwrap_err();
    assert_eq!(fields(unknown), ["key"], "the provider must exist");
    w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
    let view = w.control.add_credential(&op(), &group(), reference()).await.unwrap();
    assert_eq!(view.state.unwrap().name, StateName::Unreachable);
    for key in [REFERENCE, "", "alice-primary-key", "key", "None", "null"] {
        assert_eq!(w.owner(key), None, "{key:?}");
    }
    let overview = w.control.overview(&op(), &group()).await.unwrap();
    assert_eq!((overview.references, overview.references_resolved), (1, 0));
    assert!(!overview.attention.is_empty());
    assert_eq!(w.control.consumers(&op(), &group(), &PageQuery::default()).await.unwrap().rows[0].unarmed, 1);
}

/// F05 and F07 of `tests/vectors`.
#[tokio::test]
async fn a_key_may_come_from_the_environment_and_no_text_stands_for_one_that_does_not() {
    let run: BTreeMap<String, Vec<String>> =
        serde_json::from_str(include_str!("../../../../tests/vectors/run.json")).unwrap();
    assert_eq!(run["control"], ["F05", "F07"]);
    let w = World::new().await;
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    for (name, reference, state) in [
        ("set", "$ENV://POSTERN_SECRET_ALICE", StateName::Ok),
        ("missing", "$env://POSTERN_SECRET_MISSING", StateName::NotFound),
        ("outside", "$env://MISSING", StateName::Denied),
    ] {
        let credential = credential("Alice", name, Source::Reference, reference);
        let view = w.control.add_credential(&op(), &group(), credential).await.unwrap();
        assert_eq!(view.state.unwrap().name, state, "{reference}");
        match w.control.check_reference(&op(), &group(), reference).await.unwrap() {
            ReferenceCheck::Checked { state: checked, .. } => assert_eq!(checked.name, state, "{reference}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(w.owner("key-of-the-environment").as_deref(), Some("Alice"));
    for text in ["$env://MISSING", "$env://POSTERN_SECRET_MISSING", "$ENV://POSTERN_SECRET_ALICE", ""] {
        assert_eq!(w.owner(text), None, "{text:?}");
    }
    let references = w.control.references(&op(), &group()).await.unwrap();
    let named: Vec<String> = references.iter().map(|view| view.reference.to_string()).collect();
    assert_eq!(named, ["$env://MISSING", "$env://POSTERN_SECRET_ALICE", "$env://POSTERN_SECRET_MISSING"]);
    let w = w.restart().await;
    assert_eq!(w.owner("key-of-the-environment").as_deref(), Some("Alice"));
}

#[tokio::test]
async fn texts_that_are_no_references_are_explained() {
    let w = World::new().await;
    for (text, code) in [
        ("$Secret://vault/v/a/k", "ref.not_a_reference"),
        ("$secret://vault", "ref.missing_provider_id"),
        ("alice", "ref.not_a_reference"),
    ] {
        match w.control.check_reference(&op(), &group(), text).await.unwrap() {
            ReferenceCheck::Malformed { reason, .. } => assert_eq!(reason.code(), code),
            other => panic!("{other:?}"),
        }
    }
    match w.control.check_reference(&op(), &group(), REFERENCE).await.unwrap() {
        ReferenceCheck::Checked { state, .. } => assert_eq!(state.name, StateName::ProviderMissing),
        other => panic!("{other:?}"),
    }
}

/// Providers first, then what is in use below the one named; names only where a provider is there to be asked.
#[tokio::test]
async fn what_is_in_use_completes_a_reference_part_by_part() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    for (name, reference) in [("primary-key", REFERENCE), ("of-environment", "$env://POSTERN_SECRET_ALICE")] {
        let credential = credential("Alice", name, Source::Reference, reference);
        w.control.add_credential(&op(), &group(), credential).await.unwrap();
    }
    let provider = "$secret://vault/my-vault/";
    for (text, providers, references) in [
        ("", vec![provider], vec!["$env://POSTERN_SECRET_ALICE"]),
        ("$secret://", vec![provider], vec!["$env://POSTERN_SECRET_ALICE"]),
        (provider, vec![], vec![REFERENCE]),
        ("$secret://vault/my-vault/nothing/", vec![], vec![]),
        ("$secret://vault/my-vault/../", vec![provider], vec!["$env://POSTERN_SECRET_ALICE"]),
    ] {
        let using = w.control.in_use(&op(), &group(), text).await.unwrap();
        let named: Vec<&str> = using.providers.iter().map(|(text, _)| text.as_str()).collect();
        let used: Vec<&str> = using.references.iter().map(String::as_str).collect();
        assert_eq!((named, used), (providers, references), "{text:?}");
    }
    for text in
        ["", "alice", "$secret://vault/missing/", "$secret://vault/my-vault/../", "$secret://vault/my-vault/a/k#/"]
    {
        assert_eq!(w.control.list_names(&op(), &group(), text).await.unwrap(), Listing::Unknown, "{text:?}");
    }
}

#[tokio::test]
async fn a_provider_in_use_is_deleted_only_by_force() {
    let w = World::new().await;
    w.control.add_provider(&op(), &group(), provider("t")).await.unwrap();
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    let reference = credential("Alice", "primary-key", Source::Reference, REFERENCE);
    w.control.add_credential(&op(), &group(), reference).await.unwrap();
    let refused = w.control.delete_provider(&op(), &group(), &provider_key(), false).await.unwrap_err();
    assert_eq!(refused, ControlError::InUse { by: vec!["consumer Alice, credential primary-key".to_owned()] });
    w.control.delete_provider(&op(), &group(), &provider_key(), true).await.unwrap();
    let state = w.control.references(&op(), &group()).await.unwrap()[0].state.name;
    assert_eq!(state, StateName::ProviderMissing);
}

#[tokio::test]
async fn one_key_cannot_be_two_credentials() {
    let w = World::new().await;
    for name in ["Alice", "Bob"] {
        w.control.add_consumer(&op(), &group(), consumer(name)).await.unwrap();
    }
    w.control.add_credential(&op(), &group(), literal("Alice", "k", "same")).await.unwrap();
    let error = w.control.add_credential(&op(), &group(), literal("Bob", "k", "same")).await.unwrap_err();
    assert_eq!(fields(error), ["key"]);
    let taken = w.control.add_credential(&op(), &group(), literal("Alice", "k", "other")).await.unwrap_err();
    assert_eq!(fields(taken), ["name"]);
    assert_eq!(w.owner("same").as_deref(), Some("Alice"));
}

#[tokio::test]
async fn a_literal_key_works_survives_a_restart_and_is_never_on_disk() {
    let w = World::new().await;
    w.control.add_consumer(&op(), &group(), consumer("Alice")).await.unwrap();
    let added = w.control.add_credential(&op(), &group(), literal("Alice", "k", "canary-literal-key")).await.unwrap();
    assert_eq!(w.owner("canary-literal-key").as_deref(), Some("Alice"));
    let shown = serde_json::to_string(&added).unwrap();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(!contains(w.folder.path(), b"canary-literal-key"));

    let w = w.restart().await;
    assert_eq!(w.owner("canary-literal-key").as_deref(), Some("Alice"));
    let stored = &w.control.credentials(&op(), &group(), &"Alice".parse().unwrap()).await.unwrap()[0].stored;
    let mut renamed = literal("Alice", "renamed", "");
    renamed.id = stored.object.id.clone();
    w.control.save_credential(&op(), &group(), stored.revision, renamed).await.unwrap();
    assert_eq!(w.owner("canary-literal-key").as_deref(), Some("Alice"), "an empty field keeps the key");
    w.control.delete_consumer(&op(), &group(), &"Alice".parse().unwrap()).await.unwrap();
    assert_eq!(w.owner("canary-literal-key"), None);
}

#[tokio::test]
async fn plugins_are_kept_when_the_service_is_saved() {
    let w = World::new().await;
    let form = ServiceForm { name: "httpbin".to_owned(), ..ServiceForm::default() };
    let service = w.control.add_service(&op(), &group(), form.parse(id("new"), Plugins::new()).unwrap()).await.unwrap();
    let service_id = service.stored.object.id;
    let owner = PluginOwner::Service(service_id.clone());
    let plugin = |json| PluginConfig::parse(PluginName::KeyAuth, json).unwrap();
    let anonymous = plugin("{\"anonymous_consumer\":\"nobody\"}");
    let error = w.control.set_plugin(&op(), &group(), &owner, 1, anonymous).await.unwrap_err();
    assert_eq!(fields(error), ["/anonymous_consumer"]);
    w.control.set_plugin(&op(), &group(), &owner, 1, plugin("{}")).await.unwrap();
    let stale = w.control.set_plugin(&op(), &group(), &owner, 1, plugin("{}")).await.unwrap_err();
    assert!(matches!(stale, ControlError::Conflict { current: 2, .. }));
    let renamed = ServiceForm { name: "renamed".to_owned(), ..ServiceForm::default() };
    let renamed = renamed.parse(service_id.clone(), Plugins::new()).unwrap();
    let saved = w.control.save_service(&op(), &group(), 2, renamed).await.unwrap();
    assert!(saved.stored.object.plugins.contains_key(&PluginName::KeyAuth));

    let route = RouteForm { name: "ip".to_owned(), path: "/ip".to_owned(), ..RouteForm::default() };
    let route = route.parse(id("new"), service_id.clone(), Plugins::new()).unwrap();
    w.control.add_route(&op(), &group(), route).await.unwrap();
    let snapshot = w.control.snapshots().borrow().clone();
    assert_eq!((snapshot.routes.len(), snapshot.services.len()), (1, 1));
    w.control.delete_service(&op(), &group(), &service_id).await.unwrap();
    assert!(w.control.snapshots().borrow().routes.is_empty(), "its routes go with it");
}

#[tokio::test]
async fn a_thousand_references_into_twenty_secrets_are_twenty_reads() {
    let bao = OpenBao::shared().await;
    let w = World::new().await;
    let mut form = provider_form(bao.root());
    (form.vault.url, form.vault.prefix) = (bao.url(), "secret/crowd".to_owned());
    w.control.add_provider(&op(), &group(), form.parse().unwrap()).await.unwrap();
    for secret in 0..20 {
        let key = |key: usize| (format!("key-{key}"), format!("key {key} of {secret}").into());
        bao.put(&format!("crowd/{secret}"), (0..50).map(key).collect::<serde_json::Map<_, _>>().into()).await;
    }
    let rows = (0..1_000).flat_map(|n| {
        let name = format!("consumer-{n}");
        let alone = consumer(&name);
        let credential = serde_json::json!({
            "id": format!("credential-{n}"), "consumer": name, "name": "key",
            "kind": { "type": "key-auth", "key": { "source": "reference", "value": format!("$secret://vault/my-vault/{}/key-{}", n / 50, n % 50) } },
        });
        let row = |id: String, kind, parent, name: String, spec: String| {
            NewRow { id, kind, parent, name, masked: spec.clone(), spec, search: None }
        };
        let parent = format!("row-{n}");
        [
            row(parent.clone(), Kind::Consumer, None, name, serde_json::to_string(&alone).unwrap()),
            row(format!("credential-{n}"), Kind::Credential, Some(parent), "key-auth/key".to_owned(), credential.to_string()),
        ]
    });
    w.store.insert_all(&group(), &rows.collect::<Vec<_>>(), Millis(0)).await.unwrap();
    assert_eq!(bao.reads_below("secret/data/crowd/"), 0);

    let w = w.restart().await;
    let mut snapshots = w.control.snapshots();
    let all = snapshots.wait_for(|snapshot| snapshot.keys.len() == 1_000);
    tokio::time::timeout(std::time::Duration::from_secs(60), all).await.unwrap().unwrap();
    assert_eq!(w.owner("key 7 of 3").as_deref(), Some("consumer-157"));
    assert_eq!(bao.reads_below("secret/data/crowd/"), 20);
}
