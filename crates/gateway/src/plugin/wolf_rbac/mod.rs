//! wolf-rbac: a request passes when Wolf says that its user may make it (`apisix/plugins/wolf-rbac.lua`).
//!
//! Wolf decides by the application inside its own token, and the consumer is found by the one that the client wrote
//! before it. What must never happen: a user of one application passes as another's consumer, so the user's own
//! applications must have this one (APISIX does not look).

mod api;
mod wolf;

pub(crate) use api::{Asked, Endpoint, endpoint};

use super::auth::{Several, authorization, only};
use super::{Access, Plugin, cookie, query};
use crate::identity::Identity;
use crate::own_answer::OwnAnswer;
use crate::reject::Reject;
use crate::table::Table;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use postern::plugin::PluginName;
use postern::plugin::wolf_rbac::{ABOUT, RbacToken, WolfConsumer};
use serde_json::{Value, json};
use std::borrow::Cow;
use wolf::{Check, Wolf};

const MISSING: &str = "Missing rbac token in request";
const MALFORMED: &str = "invalid rbac token: parse failed";
const NO_CONSUMER: &str = "Missing related consumer";
const UNKNOWN_APP: &str = "Invalid appid in rbac token";

const ARGUMENT: &str = "rbac_token";
const HEADER: HeaderName = HeaderName::from_static("x-rbac-token");

/// As `ngx.escape_uri`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An application, as the consumer that is it says.
pub(crate) struct Application {
    wolf: Wolf,
    /// `UserId`, `Username`, `Nickname`.
    headers: [HeaderName; 3],
}

impl Application {
    pub(super) fn compile(config: &WolfConsumer) -> Result<Self, String> {
        let name = |what: &str| {
            let name = format!("{}{what}", config.header_prefix);
            name.parse().map_err(|_| format!("wolf-rbac: '{name}' is not a header name"))
        };
        Ok(Self { wolf: Wolf::of(config), headers: [name("UserId")?, name("Username")?, name("Nickname")?] })
    }

    /// What the client may not say: the headers that tell who the user is, however they are spelled.
    fn remove_claims(&self, headers: &mut HeaderMap) {
        let is_claim =
            |name: &HeaderName| self.headers.iter().any(|own| name.as_str().replace('_', "-") == own.as_str());
        let claims: Vec<HeaderName> = headers.keys().filter(|name| is_claim(name)).cloned().collect();
        for claim in claims {
            headers.remove(claim);
        }
    }

    /// Tells the upstream server and the client who the user is.
    fn tell(&self, user: &User, access: &mut Access<'_>) {
        let nickname = user.nickname.as_ref().or(user.username.as_ref());
        let told = [user.id.clone(), user.username.clone(), nickname.map(|name| escaped(name))];
        for (name, text) in self.headers.iter().zip(told) {
            // A line break, for instance, is none that a header can have.
            let value = text
                .and_then(|text| HeaderValue::from_str(&text).or_else(|_| HeaderValue::from_str(&escaped(&text))).ok());
            if let Some(value) = value {
                access.headers.insert(name, value.clone());
                access.answer.insert(name, value);
            }
        }
    }
}

fn escaped(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// Lets the request pass, or refuses it.
pub(super) async fn access(access: &mut Access<'_>) -> Result<(), Reject> {
    let token = token(access.headers, access.query.as_deref())?;
    let token = RbacToken::read(&token).ok_or_else(|| refused(MALFORMED))?;
    let (identity, application) = application(access.table, token.appid)?;
    application.remove_claims(access.headers);
    let (path, method, client) = (access.scene.path, access.method.as_str(), access.scene.client);
    let check = Check { appid: token.appid, path, method, client };
    let answer = application.wolf.check(access.scene.http, token.wolf_token, &check).await.map_err(|why| {
        tracing::warn!(route = access.scene.route, "wolf-rbac: Wolf does not say whether the user may: {why}");
        Reject::Refused { status: StatusCode::INTERNAL_SERVER_ERROR, message: why.message().into() }
    })?;
    let user = User::of(&answer.user);
    if !answer.may {
        if let Some(user) = &user {
            application.tell(user, access);
        }
        return Err(no(answer.status, &answer.reason, user.as_ref()));
    }
    let user = user.filter(|user| user.applications.iter().any(|own| own == token.appid)).ok_or_else(|| {
        tracing::warn!(
            route = access.scene.route,
            "wolf-rbac: the user of the token is none of the application that it names"
        );
        refused(UNKNOWN_APP)
    })?;
    application.tell(&user, access);
    access.identity = Some(identity);
    Ok(())
}

/// The token of a request: the first place that has one counts, and has only one.
fn token(headers: &HeaderMap, query: Option<&str>) -> Result<String, Reject> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| refused(MALFORMED));
    let several = |_: Several| refused(MALFORMED);
    if let Some(value) = query.map(|query| query::find(query, ARGUMENT)).transpose().map_err(several)?.flatten() {
        return text(&value);
    }
    let of_header = match authorization(headers).map_err(several)? {
        Some(value) => Some(value),
        None => only(headers, &HEADER).map_err(several)?,
    };
    match of_header {
        Some(value) => text(value),
        None => {
            let found = cookie::find(headers, HEADER.as_str()).map_err(several)?;
            text(found.ok_or_else(|| refused(MISSING))?)
        }
    }
}

/// The consumer that is this application, and what it says of it.
fn application<'t>(table: &'t Table, appid: &str) -> Result<(Identity, &'t Application), Reject> {
    if !table.has_consumer_with(PluginName::WolfRbac) {
        return Err(refused(NO_CONSUMER));
    }
    let identity = table.known_as(ABOUT.slug, appid.as_bytes()).ok_or_else(|| refused(UNKNOWN_APP))?;
    let chain = table.plugins_of(&identity.consumer.name)?;
    match chain.and_then(|chain| chain.get(PluginName::WolfRbac)) {
        Some(Plugin::WolfApplication(application)) => Ok((identity, application)),
        _ => Err(refused(UNKNOWN_APP)),
    }
}

fn refused(message: &'static str) -> Reject {
    Reject::Unauthorized { denied: message.into(), challenge: None }
}

/// Wolf's own refusal, in its words.
fn no(status: StatusCode, reason: &str, user: Option<&User>) -> Reject {
    let mut body = json!({ "message": reason });
    if let Some(user) = user {
        body["username"] = json!(user.username);
        body["nickname"] = json!(user.nickname.as_ref().or(user.username.as_ref()));
    }
    Reject::Answered(Box::new(OwnAnswer::json(status, &body)))
}

/// Who the user is, in Wolf's words.
struct User {
    id: Option<String>,
    username: Option<String>,
    nickname: Option<String>,
    applications: Vec<String>,
}

impl User {
    fn of(value: &Value) -> Option<Self> {
        let user = value.as_object()?;
        let text = |name: &str| match user.get(name)? {
            Value::String(text) => Some(Cow::from(text.clone())),
            Value::Number(number) => Some(Cow::from(number.to_string())),
            _ => None,
        };
        let text = |name: &str| text(name).map(Cow::into_owned).filter(|text| !text.is_empty());
        let applications = user.get("appIDs").and_then(Value::as_array).into_iter().flatten();
        Some(Self {
            id: text("id"),
            username: text("username"),
            nickname: text("nickname"),
            applications: applications.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }
}
