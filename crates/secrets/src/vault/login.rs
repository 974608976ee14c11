//! Logging in, renewing what a login gave, and giving it back.

use super::client::Client;
use super::session::{self, Grant, Held, Plan, Task};
use super::{token, token_file};
use crate::network::Body;
use postern::provider::vault::{AuthMethod, AuthMount, VaultAuth};
use postern::resolve::{DeniedBecause, Failure, LoginProblem, UnreachableBecause};
use postern::sensitive::Plain;
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

/// A login's request: the path below `/v1/`, and the body.
struct Login<'a> {
    segments: Vec<String>,
    body: BTreeMap<&'static str, &'a str>,
}

impl Client {
    /// The token to send; logs in where there is none.
    pub(super) async fn held(&self) -> Result<Arc<Held>, Failure> {
        match self.session.held() {
            Some(held) => Ok(held),
            None => self.held_instead_of(None).await,
        }
    }

    /// Another token than the one of the login `stale`. Whoever asks while someone logs in gets that answer.
    pub(super) async fn held_instead_of(&self, stale: Option<u64>) -> Result<Arc<Held>, Failure> {
        let called = Instant::now();
        let _turn = self.session.turn.lock().await;
        if let Some(settled) = self.session.settled(stale, called, Instant::now()) {
            return settled;
        }
        if let Some(file) = self.session.token_file() {
            return self.take_token_file(file).await;
        }
        let granted = self.log_in().await;
        let (address, method) = (&self.address, self.session.method().label());
        match granted {
            Ok(grant) => {
                tracing::info!(%address, method, "logged in to Vault at {address} with {method}");
                Ok(self.session.logged_in(grant, Instant::now()))
            }
            Err(failure) => {
                let why = failure.explain().what;
                tracing::warn!(%address, method, "the login to Vault at {address} with {method} failed: {why}");
                self.session.failed(&failure, Instant::now());
                Err(failure)
            }
        }
    }

    async fn log_in(&self) -> Result<Grant, Failure> {
        let service_account = self.service_account().await?;
        let Some(login) = login(self.session.auth(), &service_account) else {
            return Err(self.refused(LoginProblem::Credentials));
        };
        let (status, body) = self.post_openly(&login.segments, &login.body).await?;
        match status {
            StatusCode::OK => granted(&body).ok_or_else(|| self.unreachable(UnreachableBecause::NotUnderstood)),
            StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Err(self.refused(LoginProblem::Credentials)),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND => {
                Err(self.no_namespace(&body).unwrap_or_else(|| self.refused(LoginProblem::NotAllowed)))
            }
            other => Err(self.no_answer(other, &body)),
        }
    }

    /// The token of the pod's service account; empty where the method needs none. Kubernetes replaces the
    /// file from time to time, so it is read for each login.
    async fn service_account(&self) -> Result<Plain, Failure> {
        if self.session.method() != AuthMethod::Kubernetes {
            return Ok(Plain::new(String::new()));
        }
        let read = tokio::fs::read_to_string(&self.service_account).await;
        read.map(|text| Plain::new(text.trim().to_owned())).map_err(|_| self.refused(LoginProblem::NoServiceAccount))
    }

    fn refused(&self, why: LoginProblem) -> Failure {
        let method = self.session.method();
        let mount = self.session.auth().mount().cloned().unwrap_or_else(|| AuthMount::usual(method));
        Failure::Denied { path: format!("auth/{mount}/login"), why: DeniedBecause::LoginRefused { method, mount, why } }
    }

    /// Starts to keep the token alive for as long as this client lives.
    pub(super) fn keep_alive(self: &Arc<Self>) {
        self.session.keep_with(|| {
            let client = Arc::downgrade(self);
            AbortOnDropHandle::new(tokio::spawn(async {
                tokio::join!(keep(client.clone()), token_file::follow(client));
            }))
        });
    }

    /// Gives a token back that a login gave: nobody else has it.
    pub(super) async fn log_out(&self) {
        if !self.session.method().logs_in() {
            return;
        }
        if let Some(held) = self.session.held() {
            // If it fails, the token ends by itself.
            let _ = self.post_with(&held.token, &["auth", "token", "revoke-self"]).await;
        }
    }

    async fn tend(&self, task: Task) {
        let Some(held) = self.session.held() else { return };
        match task {
            Task::Look => self.look_at(&held).await,
            Task::Renew => self.renew(&held).await,
            Task::LogIn => {
                if self.held_instead_of(Some(held.serial)).await.is_err() {
                    self.session.postpone(Task::LogIn, Instant::now());
                }
            }
        }
    }

    /// Learns how long the provider's own token lives.
    async fn look_at(&self, held: &Held) {
        match self.look_up_self(&held.token).await {
            Ok((StatusCode::OK, body)) => match token::parse(&body) {
                Some(token) => self.session.granted(held, token.ttl, token.renewable, Instant::now()),
                None => self.session.leave(),
            },
            Ok(_) => self.session.leave(),
            Err(_) => self.session.postpone(Task::Look, Instant::now()),
        }
    }

    async fn renew(&self, held: &Held) {
        let address = &self.address;
        match self.post_with(&held.token, &["auth", "token", "renew-self"]).await {
            Ok((StatusCode::OK, body)) => match session::parse(&body) {
                Some(grant) => {
                    tracing::debug!(%address, "renewed the token for Vault at {address}");
                    self.session.granted(held, grant.lease_duration, grant.renewable, Instant::now());
                }
                None => self.session.postpone(Task::Renew, Instant::now()),
            },
            Ok((StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _)) => {
                tracing::warn!(%address, "Vault at {address} does not renew the token any more");
                self.session.not_renewed(Instant::now());
            }
            Ok(_) | Err(_) => self.session.postpone(Task::Renew, Instant::now()),
        }
    }
}

/// A token's life, until its client is gone.
async fn keep(client: Weak<Client>) {
    let Some(mut plans) = client.upgrade().map(|client| client.session.plans()) else { return };
    loop {
        plans.borrow_and_update();
        let Some(plan) = client.upgrade().map(|client| client.session.next()) else { return };
        tokio::select! {
            task = due(plan) => match client.upgrade() {
                Some(client) => client.tend(task).await,
                None => return,
            },
            changed = plans.changed() => if changed.is_err() { return },
        }
    }
}

async fn due(plan: Option<Plan>) -> Task {
    let Some(Plan { at, what }) = plan else { return std::future::pending().await };
    sleep_until(at).await;
    what
}

fn granted(body: &Body) -> Option<Grant> {
    session::parse(body).filter(|grant| !grant.client_token.is_empty())
}

/// The request that logs in; a provider's own token needs none.
#[expect(clippy::disallowed_methods, reason = "sent to Vault as the login's proof")]
fn login<'a>(auth: &'a VaultAuth<Plain>, service_account: &'a Plain) -> Option<Login<'a>> {
    let mut last = vec!["login".to_owned()];
    let (mount, body) = match auth {
        VaultAuth::Token { .. } | VaultAuth::TokenFile { .. } => return None,
        VaultAuth::AppRole { role_id, secret_id, mount } => {
            (mount, BTreeMap::from([("role_id", role_id.as_str()), ("secret_id", secret_id.expose())]))
        }
        VaultAuth::Userpass { username, password, mount } => {
            last.push(username.clone());
            (mount, BTreeMap::from([("password", password.expose())]))
        }
        VaultAuth::Kubernetes { role, mount } => {
            (mount, BTreeMap::from([("role", role.as_str()), ("jwt", service_account.expose())]))
        }
        VaultAuth::Jwt { role, jwt, mount } => {
            (mount, BTreeMap::from([("role", role.as_str()), ("jwt", jwt.expose())]))
        }
        // The proof is in the TLS handshake.
        VaultAuth::Cert { role, mount, .. } => (mount, role.iter().map(|role| ("name", role.as_str())).collect()),
    };
    let segments = ["auth".to_owned()].into_iter().chain(mount.segments().iter().cloned()).chain(last).collect();
    Some(Login { segments, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::provider::timeout::Timeout;
    use postern::provider::vault::{KvVersion, VaultSettings};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    /// A server that grants every login and passes on what was sent.
    async fn granting() -> (String, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sent, received) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let body = r#"{"auth":{"client_token":"t","lease_duration":60,"renewable":true,"policies":["default"]}}"#;
            let answer =
                format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = String::new();
                while !request.ends_with('}') {
                    let mut bytes = [0; 4096];
                    let length = stream.read(&mut bytes).await.unwrap();
                    request.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
                sent.send(request).unwrap();
            }
        });
        (url, received)
    }

    #[tokio::test]
    async fn kubernetes_logs_in_with_what_the_file_holds_then() {
        let (url, mut received) = granting().await;
        let settings = VaultSettings {
            kv_version: KvVersion::Auto,
            url: url.parse().unwrap(),
            prefix: "secret/api7".parse().unwrap(),
            auth: VaultAuth::Kubernetes { role: "r".to_owned(), mount: "team/k8s".parse().unwrap() },
            namespace: None,
            ca_certificate: None,
            server_name: None,
            client_certificate: None,
            timeout: Timeout::default(),
        };
        let mut client = Client::new(&settings, Ok(crate::tls::trusting_nobody()), &crate::Ambient::default());
        let file = tempfile::NamedTempFile::new().unwrap();
        client.service_account = file.path().to_owned();
        for (serial, token) in [(1, "first"), (2, "second")] {
            std::fs::write(file.path(), format!("{token}\n")).unwrap();
            let held = client.held_instead_of(Some(serial - 1)).await.unwrap();
            assert_eq!(held.serial, serial);
            let request = received.recv().await.unwrap();
            assert!(request.starts_with("POST /v1/auth/team/k8s/login "), "{request}");
            assert!(request.ends_with(&format!(r#"{{"jwt":"{token}","role":"r"}}"#)), "{request}");
        }
        client.service_account = "/nonexistent/token".into();
        let failure = client.held_instead_of(Some(2)).await.map(|_| ()).unwrap_err();
        assert!(failure.explain().what.contains("no service account's token"), "{failure:?}");
    }

    #[test]
    fn each_method_logs_in_at_its_mount() {
        let plain = |text: &str| Plain::new(text.to_owned());
        let mount = |text: &str| text.parse::<AuthMount>().unwrap();
        let account = plain("account");
        for (auth, path, body) in [
            (
                VaultAuth::AppRole { role_id: "r".to_owned(), secret_id: plain("s"), mount: mount("approle") },
                "auth/approle/login",
                r#"{"role_id":"r","secret_id":"s"}"#,
            ),
            (
                VaultAuth::Userpass { username: "a".to_owned(), password: plain("p"), mount: mount("team/users") },
                "auth/team/users/login/a",
                r#"{"password":"p"}"#,
            ),
            (
                VaultAuth::Kubernetes { role: "r".to_owned(), mount: mount("kubernetes") },
                "auth/kubernetes/login",
                r#"{"jwt":"account","role":"r"}"#,
            ),
            (
                VaultAuth::Jwt { role: "r".to_owned(), jwt: plain("j"), mount: mount("jwt") },
                "auth/jwt/login",
                r#"{"jwt":"j","role":"r"}"#,
            ),
            (
                VaultAuth::Cert {
                    certificate: String::new(),
                    private_key: plain("k"),
                    role: Some("r".to_owned()),
                    mount: mount("cert"),
                },
                "auth/cert/login",
                r#"{"name":"r"}"#,
            ),
        ] {
            let login = login(&auth, &account).unwrap();
            assert_eq!(login.segments.join("/"), path);
            assert_eq!(serde_json::to_string(&login.body).unwrap(), body);
        }
        assert!(login(&VaultAuth::Token { token: plain("t") }, &account).is_none());
    }
}
