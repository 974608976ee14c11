//! The three endpoints of wolf-rbac, reached through public-api: signing in, changing one's password, who one is.

use super::wolf::{Failed, Wolf};
use super::{Application, UNKNOWN_APP, User, refused, token};
use crate::http_client::HttpClient;
use crate::own_answer::OwnAnswer;
use crate::reject::Reject;
use crate::request_body::RequestBody;
use crate::table::Table;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use postern::plugin::wolf_rbac::RbacToken;
use serde_json::{Map, Value, json};

/// The longest body that is read, in bytes.
const LONGEST: usize = 64 * 1024;

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Login,
    ChangePassword,
    UserInfo,
}

/// What an endpoint needs of a request and of the gateway.
pub(crate) struct Asked<'a> {
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: Option<&'a str>,
    pub(crate) table: &'a Table,
    pub(crate) http: &'a HttpClient,
}

/// The endpoint of that path and method, if there is one.
pub(crate) fn endpoint(method: &Method, path: &str) -> Option<Endpoint> {
    match (method, path.strip_prefix("/apisix/plugin/wolf-rbac/")?) {
        (&Method::POST, "login") => Some(Endpoint::Login),
        (&Method::PUT, "change_pwd") => Some(Endpoint::ChangePassword),
        (&Method::GET, "user_info") => Some(Endpoint::UserInfo),
        _ => None,
    }
}

impl Endpoint {
    /// # Errors
    /// What the client is told in place of what it asked for.
    pub(crate) async fn answer(self, asked: &Asked<'_>, body: RequestBody) -> Result<OwnAnswer, Reject> {
        let body = match self {
            Self::Login => login(asked, body).await?,
            Self::ChangePassword => change_password(asked, body).await?,
            Self::UserInfo => user_info(asked).await?,
        };
        Ok(OwnAnswer::json(StatusCode::OK, &body))
    }
}

async fn login(asked: &Asked<'_>, body: RequestBody) -> Result<Value, Reject> {
    let arguments = arguments(asked.headers, body).await?;
    let appid = arguments.get("appid").and_then(Value::as_str).filter(|appid| !appid.is_empty());
    let appid = appid.ok_or_else(|| bad("appid is missing"))?.to_owned();
    let wolf = wolf(asked, &appid)?;
    let body = Value::Object(arguments);
    let data = said_yes(wolf.json(asked.http, Method::POST, "/wolf/rbac/login.rest", None, Some(&body)).await)?;
    let token = data["token"].as_str().ok_or_else(|| failed(&Failed::Unexpected))?;
    Ok(json!({"rbac_token": format!("V1#{appid}#{token}"), "user_info": data["userInfo"]}))
}

async fn change_password(asked: &Asked<'_>, body: RequestBody) -> Result<Value, Reject> {
    let text = token(asked.headers, asked.query)?;
    let token = read(&text)?;
    let wolf = wolf(asked, token.appid)?;
    let body = Value::Object(arguments(asked.headers, body).await?);
    let path = "/wolf/rbac/change_pwd";
    said_yes(wolf.json(asked.http, Method::POST, path, Some(token.wolf_token), Some(&body)).await)?;
    Ok(json!({"message": "success to change password"}))
}

async fn user_info(asked: &Asked<'_>) -> Result<Value, Reject> {
    let text = token(asked.headers, asked.query)?;
    let token = read(&text)?;
    let wolf = wolf(asked, token.appid)?;
    let path = "/wolf/rbac/user_info";
    let data = said_yes(wolf.json(asked.http, Method::GET, path, Some(token.wolf_token), None).await)?;
    let user = User::of(&data["userInfo"]).ok_or_else(|| failed(&Failed::Unexpected))?;
    if !user.applications.iter().any(|own| own == token.appid) {
        return Err(refused(UNKNOWN_APP));
    }
    Ok(json!({"user_info": data["userInfo"]}))
}

fn read(token: &str) -> Result<RbacToken<'_>, Reject> {
    RbacToken::read(token).ok_or_else(|| refused(super::MALFORMED))
}

fn wolf<'t>(asked: &Asked<'t>, appid: &str) -> Result<&'t Wolf, Reject> {
    let found = super::application(asked.table, appid);
    found.map(|(_, Application { wolf, .. })| wolf).map_err(|reject| match reject {
        Reject::Unauthorized { .. } => bad("appid not found"),
        other => other,
    })
}

/// The fields of a body: JSON, or a form as browsers send it.
async fn arguments(headers: &HeaderMap, body: RequestBody) -> Result<Map<String, Value>, Reject> {
    let body = body.read(LONGEST, Reject::BodyOverLimit).await?;
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.contains("application/json") {
        return serde_json::from_slice(&body).map_err(|_| bad("invalid request"));
    }
    let text = std::str::from_utf8(&body).map_err(|_| bad("invalid request"))?;
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    Ok(pairs.map(|(name, value)| (decoded(name), Value::String(decoded(value)))).collect())
}

/// What Wolf has to say when it says yes. A no is its word too, and comes with the status 200, as from Wolf itself.
fn said_yes(answer: Result<Value, Failed>) -> Result<Value, Reject> {
    let mut answer = answer.map_err(|why| failed(&why))?;
    if answer["ok"] == true {
        return Ok(answer["data"].take());
    }
    let body = json!({"message": "request to wolf-server failed!", "reason": answer["reason"]});
    Err(Reject::Answered(Box::new(OwnAnswer::json(StatusCode::OK, &body))))
}

fn failed(why: &Failed) -> Reject {
    tracing::warn!("wolf-rbac: Wolf cannot be asked: {why}");
    Reject::Refused { status: StatusCode::INTERNAL_SERVER_ERROR, message: "request to wolf-server failed!".into() }
}

fn bad(message: &'static str) -> Reject {
    Reject::Refused { status: StatusCode::BAD_REQUEST, message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_method_and_a_path() {
        for (method, path, expected) in [
            (Method::POST, "/apisix/plugin/wolf-rbac/login", Some(Endpoint::Login)),
            (Method::PUT, "/apisix/plugin/wolf-rbac/change_pwd", Some(Endpoint::ChangePassword)),
            (Method::GET, "/apisix/plugin/wolf-rbac/user_info", Some(Endpoint::UserInfo)),
            (Method::GET, "/apisix/plugin/wolf-rbac/login", None),
            (Method::POST, "/apisix/plugin/wolf-rbac/login/", None),
            (Method::POST, "/apisix/plugin/other/login", None),
            (Method::POST, "/", None),
        ] {
            assert_eq!(endpoint(&method, path), expected, "{method} {path}");
        }
    }
}
