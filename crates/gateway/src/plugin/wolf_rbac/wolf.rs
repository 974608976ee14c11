//! Asking a Wolf server.

use super::{ESCAPED, HEADER};
use crate::http_client::{HttpClient, NoAnswer};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use percent_encoding::utf8_percent_encode;
use postern::plugin::wolf_rbac::WolfConsumer;
use postern::web_address::WebAddress;
use serde_json::Value;
use std::net::IpAddr;
use std::time::Duration;

/// How often a check is made that Wolf answers with a fault of its own, and the pause between.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(100);

/// A server, and whether its certificate is checked.
pub(super) struct Wolf {
    server: WebAddress,
    is_verified: bool,
}

/// What a user wants to do.
pub(super) struct Check<'a> {
    pub(super) appid: &'a str,
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    pub(super) client: IpAddr,
}

/// What Wolf says to a check.
pub(super) struct Answer {
    pub(super) may: bool,
    pub(super) status: StatusCode,
    /// Its words; empty where it has none.
    pub(super) reason: String,
    /// Who the user is, if it says so.
    pub(super) user: Value,
}

/// Why there is no answer of Wolf's.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("{0}")]
    NoAnswer(#[from] NoAnswer),
    #[error("its answers have the status {0}")]
    Status(StatusCode),
    #[error("its answer is not as documented")]
    Unexpected,
}

impl Failed {
    /// For the client.
    pub(super) fn message(&self) -> String {
        match self {
            Self::NoAnswer(_) => "request to wolf-server failed, err:no answer".to_owned(),
            Self::Status(status) => format!("request to wolf-server failed, status:{}", status.as_u16()),
            Self::Unexpected => "request to wolf-server failed, err:unexpected answer".to_owned(),
        }
    }
}

impl Wolf {
    pub(super) fn of(config: &WolfConsumer) -> Self {
        Self { server: config.server.clone(), is_verified: config.ssl_verify }
    }

    /// Whether the user of `token` may do that.
    pub(super) async fn check(&self, http: &HttpClient, token: &str, check: &Check<'_>) -> Result<Answer, Failed> {
        let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
        let path = format!(
            "/wolf/rbac/access_check?appID={}&resName={}&action={}&clientIP={}",
            escaped(check.appid),
            escaped(check.path),
            escaped(check.method),
            escaped(&check.client.to_string()),
        );
        let mut response = self.ask(http, Method::GET, &path, Some(token), None).await?;
        for _ in 1..TRIES {
            if !response.status().is_server_error() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            response = self.ask(http, Method::GET, &path, Some(token), None).await?;
        }
        let status = response.status();
        let body: Value = serde_json::from_slice(response.body()).unwrap_or_default();
        let may = status == StatusCode::OK && body["ok"] == true;
        if !may && !status.is_client_error() {
            return Err(if status == StatusCode::OK { Failed::Unexpected } else { Failed::Status(status) });
        }
        let reason = body["reason"].as_str().unwrap_or("check permission failed! parse response json failed!");
        Ok(Answer { may, status, reason: reason.to_owned(), user: body["data"]["userInfo"].clone() })
    }

    /// The JSON of an answer that has the status 200.
    pub(super) async fn json(
        &self,
        http: &HttpClient,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Value, Failed> {
        let response = self.ask(http, method, path, token, body).await?;
        if response.status() != StatusCode::OK {
            return Err(Failed::Status(response.status()));
        }
        serde_json::from_slice(response.body()).map_err(|_| Failed::Unexpected)
    }

    async fn ask(
        &self,
        http: &HttpClient,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response<Bytes>, Failed> {
        let mut request = Request::new(Full::from(body.map(Value::to_string).unwrap_or_default()));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.server).parse().map_err(|_| Failed::Unexpected)?;
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        request.headers_mut().insert(CONTENT_TYPE, json);
        if let Some(token) = token {
            let mut token = HeaderValue::from_str(token).map_err(|_| Failed::Unexpected)?;
            token.set_sensitive(true);
            request.headers_mut().insert(HEADER, token);
        }
        Ok(http.send_to(request, self.is_verified).await?)
    }
}
