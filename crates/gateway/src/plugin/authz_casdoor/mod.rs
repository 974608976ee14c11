//! authz-casdoor: a browser whose user is not signed in is sent to Casdoor, and passes when it comes back with a code
//! that Casdoor changes for a token.
//!
//! What must never happen: a request passes without a session that this gateway group has sealed for this client and
//! this Casdoor; a browser is sent to a host that it did not ask; client_secret, code or token get into a log, an
//! answer, or a request to an upstream server.

mod session;
mod step;
mod token;

use super::{Access, cookie};
use crate::own_answer::OwnAnswer;
use crate::path::RequestPath;
use crate::reject::Reject;
use crate::sealed_cookie::LONGEST_CONTENT;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use postern::live::SecretNow;
use postern::plugin::authz_casdoor::AuthzCasdoorPlugin;
use postern::sensitive::Plain;
use postern::snapshot::LiveField;
use session::{Attempt, Session};
use std::fmt::Write as _;
use step::{Refusal, Step};
use token::Refused;

/// An authz-casdoor configuration, ready to run.
pub(crate) struct AuthzCasdoor {
    config: AuthzCasdoorPlugin<LiveField>,
    /// The callback's path as paths are matched.
    callback: String,
}

/// Who the gateway is to Casdoor now.
struct Client {
    id: Plain,
    secret: Plain,
}

impl AuthzCasdoor {
    pub(super) fn compile(config: &AuthzCasdoorPlugin<LiveField>) -> Result<Self, String> {
        let callback = RequestPath::parse(config.callback_url.path());
        let callback =
            callback.map_err(|_| "authz-casdoor: callback_url has a path that no request can have".to_owned())?;
        let endpoint = &config.endpoint_addr;
        if !endpoint.is_https() && !endpoint.is_loopback() {
            tracing::warn!(%endpoint, "authz-casdoor: client_secret goes to {endpoint} unencrypted");
        }
        Ok(Self { config: config.clone(), callback: callback.literal.into_owned() })
    }

    pub(super) async fn access(&self, access: &mut Access<'_>) -> Result<(), Reject> {
        let client = self.client()?;
        let session = self.session(&client, access)?;
        let query = access.target.query();
        match step::next(session.as_ref(), access.scene.path == self.callback, query, access.clock.now()) {
            Step::Pass => Ok(()),
            Step::SignIn => Err(self.sign_in(&client, session.unwrap_or_default(), access)?),
            Step::Redeem { attempt, code } => {
                let seconds = self.redeem(client, &code, access).await?;
                Err(self.welcome(attempt.clone(), session.unwrap_or_default(), seconds, access)?)
            }
            Step::Refuse(refusal) => {
                let route = access.scene.route;
                tracing::info!(route, "authz-casdoor: a browser came back without its sign-in: {}", refusal.message());
                Err(Reject::Refused { status: refusal.status(), message: refusal.message().into() })
            }
        }
    }

    /// Both secrets are needed whatever the request is: without one the configuration cannot be enforced.
    fn client(&self) -> Result<Client, Reject> {
        let value = |secret: &LiveField| match &*secret.now() {
            SecretNow::Value(value) if value.is_empty() => Err(Reject::NotEnforceable),
            SecretNow::Value(value) => Ok(value.clone()),
            SecretNow::Unresolved { incident } => Err(Reject::Unresolved { incident: incident.clone() }),
        };
        Ok(Client { id: value(&self.config.client_id)?, secret: value(&self.config.client_secret)? })
    }

    /// What the browser's cookie holds. One that does not open is none, and so are two.
    fn session(&self, client: &Client, access: &Access<'_>) -> Result<Option<Session>, Reject> {
        let name = client.cookie_name();
        let Ok(Some(value)) = cookie::find(access.headers, &name) else { return Ok(None) };
        let content = access.table.sessions()?.open(&self.purpose(client), value);
        Ok(content.and_then(|content| serde_json::from_slice(&content).ok()))
    }

    /// Another client, or another Casdoor, is another session; another secret is not.
    fn purpose<'a>(&'a self, client: &'a Client) -> [&'a str; 3] {
        #[expect(clippy::disallowed_methods, reason = "bound to the session, which does not contain it")]
        let client_id = client.id.expose();
        ["authz-casdoor", self.config.endpoint_addr.as_str(), client_id]
    }

    /// Sends the browser to Casdoor.
    fn sign_in(&self, client: &Client, session: Session, access: &mut Access<'_>) -> Result<Reject, Reject> {
        let mut random = [0; 32];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| Reject::Internal)?;
        let state = URL_SAFE_NO_PAD.encode(random);
        #[expect(clippy::disallowed_methods, reason = "OAuth 2 shows it to the browser (RFC 6749 section 4.1.1)")]
        let client_id = client.id.expose();
        let arguments = token::form(&[
            ("response_type", "code"),
            ("scope", "read"),
            ("state", &state),
            ("client_id", client_id),
            ("redirect_uri", self.config.callback_url.as_str()),
        ]);
        let location = format!("{}/login/oauth/authorize?{arguments}", self.config.endpoint_addr);
        let session = session.begin(state, access.target.as_str(), access.clock.now());
        self.remember(client, &session, access)?;
        redirect(&location)
    }

    /// Changes the code for a token, and forgets the token: for how many seconds it is good is all that counts. A
    /// secret that Casdoor refuses is read again, and tried once more if it is another one.
    async fn redeem(&self, client: Client, code: &str, access: &Access<'_>) -> Result<u64, Reject> {
        let route = access.scene.route;
        let first = self.ask(&client, code, access).await;
        let answer = match first {
            Ok(Err(Refused::InvalidClient)) => {
                self.config.client_secret.reread().await;
                let second = self.client()?;
                if second.secret.same_as(&client.secret) || !second.id.same_as(&client.id) {
                    first
                } else {
                    tracing::info!(route, "authz-casdoor: Casdoor refused client_secret, and there is a new one");
                    self.ask(&second, code, access).await
                }
            }
            answer => answer,
        };
        let failed = match answer {
            Ok(Ok(seconds)) => return Ok(seconds),
            Ok(Err(refused)) => refused.to_string(),
            Err(why) => format!("Casdoor cannot be asked: {why}"),
        };
        tracing::warn!(route, endpoint = %self.config.endpoint_addr, "authz-casdoor: nobody can sign in: {failed}");
        Err(Reject::Refused { status: StatusCode::SERVICE_UNAVAILABLE, message: NO_TOKEN.into() })
    }

    async fn ask(
        &self,
        client: &Client,
        code: &str,
        access: &Access<'_>,
    ) -> Result<Result<u64, Refused>, crate::http_client::NoAnswer> {
        let request = token::request(&self.config.endpoint_addr, code, &client.id, &client.secret);
        let request = request.ok_or(crate::http_client::NoAnswer::NoAddress)?;
        let response = access.scene.http.send(request).await?;
        Ok(token::lifetime(&response))
    }

    /// Back to the page that the user wanted.
    fn welcome(
        &self,
        attempt: Attempt,
        session: Session,
        seconds: u64,
        access: &mut Access<'_>,
    ) -> Result<Reject, Reject> {
        // The client may have been changed while Casdoor was asked; then the session is of no use.
        let client = self.client()?;
        let session = session.signed_in(&attempt, seconds, access.clock.now());
        self.remember(&client, &session, access)?;
        redirect(&attempt.target)
    }

    /// Puts the session into the browser's cookie.
    fn remember(&self, client: &Client, session: &Session, access: &mut Access<'_>) -> Result<(), Reject> {
        let content = serde_json::to_vec(session).map_err(|_| Reject::Internal)?;
        if content.len() > LONGEST_CONTENT {
            return Err(Reject::Internal);
        }
        let sealed = access.table.sessions()?.seal(&self.purpose(client), &content).ok_or(Reject::Internal)?;
        let (name, max_age) = (client.cookie_name(), session.max_age(access.clock.now()));
        let secure = if self.config.callback_url.is_https() { "; Secure" } else { "" };
        let line = format!("{name}={sealed}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}");
        let line = HeaderValue::from_str(&line).map_err(|_| Reject::Internal)?;
        access.answer.append(&SET_COOKIE, line);
        Ok(())
    }
}

const NO_TOKEN: &str = "Signing in failed: Casdoor gave no token. The operator finds the reason in the gateway's log.";

impl Client {
    /// As APISIX 3.18 names it.
    fn cookie_name(&self) -> String {
        #[expect(clippy::disallowed_methods, reason = "hashed")]
        let hash = digest(&SHA256, self.id.expose().as_bytes());
        hash.as_ref().iter().fold("authz_casdoor_session_".to_owned(), |mut name, byte| {
            // Writing to a text does not fail.
            let _written = write!(name, "{byte:02x}");
            name
        })
    }
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NoSession => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoCodeOrState | Self::InvalidState => StatusCode::BAD_REQUEST,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::NoSession => {
                "no session found: no sign-in is under way in this browser, or it took too long. Open the page you wanted again."
            }
            Self::NoCodeOrState => "Invalid code or state",
            Self::InvalidState => "invalid state",
        }
    }
}

fn redirect(location: &str) -> Result<Reject, Reject> {
    let location = HeaderValue::from_str(location).map_err(|_| Reject::Internal)?;
    Ok(Reject::Answered(Box::new(OwnAnswer::redirect(location))))
}
