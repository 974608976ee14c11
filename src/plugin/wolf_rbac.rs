//! wolf-rbac: a request passes when Wolf says that its user may (`apisix/plugins/wolf-rbac.lua`). The token in the
//! request names an application; the consumer that is this application says where its Wolf is.

use super::about::{About, KnownBy, OnConsumer, Phase, ServerAt, nothing_more};
use super::schema::{Field, Form, Kind};
use crate::web_address::WebAddress;
use serde::Deserialize;
use serde_json::{Map, Value};

/// What is told of it.
pub const ABOUT: About = About {
    slug: "wolf-rbac",
    label: "Wolf RBAC",
    summary: "Lets only requests pass whose user may make them, as the Wolf server of their application says.",
    consequence_of_removal: "Requests pass without a token of Wolf",
    priority: 2555,
    phase: Phase::Rewrite,
    authenticates: true,
    servers,
    on_consumer: OnConsumer::With {
        fields: CONSUMER_FIELDS,
        check: nothing_more,
        example: CONSUMER_EXAMPLE,
        known_by: Some(KnownBy { field: APPID, read: found_by }),
    },
    ..About::BASE
};

/// What requests of a consumer are found by.
pub const APPID: &str = "appid";

const CONSUMER_EXAMPLE: &str =
    "{\n  \"appid\": \"$secret://vault/my-vault/consumer/alice/appid\",\n  \"server\": \"http://127.0.0.1:12180\"\n}";

/// Field names and defaults as in APISIX 3.18, but that `appid` must be there: its default, `unset`, would let every
/// consumer be the same application.
const CONSUMER_FIELDS: &[Field] = &[
    Field::new(APPID, Kind::Form(&APP), "The application at Wolf that this consumer is.")
        .secret()
        .needed("wolf-rbac needs appid: which application at Wolf this consumer is."),
    Field::new("server", Kind::Form(&SERVER), "Wolf's address.").or("\"http://127.0.0.1:12180\"").server(),
    Field::new(
        "header_prefix",
        Kind::Form(&PREFIX),
        "What UserId, Username and Nickname are called in the headers that tell who the user is.",
    )
    .or("\"X-\""),
    Field::new("ssl_verify", Kind::Boolean, "Whether the certificate of an https server is checked.").or("false"),
];

/// On a consumer; a service or route names none.
fn servers(fields: &Map<String, Value>) -> Vec<ServerAt> {
    let server = fields.get("server").and_then(Value::as_str).and_then(|text| text.parse::<WebAddress>().ok());
    server.map(|at| ServerAt::new("/server", at.host(), at.port())).into_iter().collect()
}

const APP: Form = Form { pattern: "^[^#\\s]{1,256}$", read: |text| found_by(text).map(drop) };

const SERVER: Form = Form {
    pattern: "^https?://[^?#@\\\\\\s]*[^/?#@\\\\\\s]$",
    read: |text| text.parse::<WebAddress>().map(drop).map_err(|error| error.to_string()),
};

const PREFIX: Form = Form { pattern: "^[A-Za-z0-9-]{1,64}$", read: prefix };

fn prefix(text: &str) -> Result<(), String> {
    let is_name =
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if !is_name {
        return Err("This is how headers begin: 1 to 64 letters, digits and '-', such as X-Wolf-.".to_owned());
    }
    if text.eq_ignore_ascii_case("X-Consumer-") {
        return Err("The gateway itself tells the upstream server the consumer in X-Consumer-Username.".to_owned());
    }
    Ok(())
}

/// Configuration on a consumer; `appid` is what it is found by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WolfConsumer {
    pub server: WebAddress,
    pub header_prefix: String,
    pub ssl_verify: bool,
}

/// The name that a consumer's `appid` is looked up by: itself.
///
/// # Errors
/// A sentence that names the rule it breaks, and nothing of the value.
pub fn found_by(appid: &str) -> Result<String, String> {
    let is_plain = |c: char| c != '#' && !c.is_control() && !c.is_whitespace();
    if (1..=256).contains(&appid.len()) && appid.chars().all(is_plain) {
        return Ok(appid.to_owned());
    }
    Err("An appid has 1 to 256 characters, and no '#' and no blanks.".to_owned())
}

/// `V1#<appid>#<token of Wolf>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RbacToken<'t> {
    pub appid: &'t str,
    pub wolf_token: &'t str,
}

impl<'t> RbacToken<'t> {
    /// `None` for anything else.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        let (appid, wolf_token) = text.strip_prefix("V1#")?.split_once('#')?;
        let is_token = !wolf_token.is_empty() && wolf_token.bytes().all(|byte| byte.is_ascii_graphic());
        (!appid.is_empty() && is_token).then_some(Self { appid, wolf_token })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::{Placement, PluginConfig, PluginName};
    use serde_json::json;

    #[test]
    fn a_token_is_an_application_and_what_wolf_gave() {
        for (text, expected) in [
            ("V1#myapp#a.b.c", Some(("myapp", "a.b.c"))),
            ("V1#my app#a#b", Some(("my app", "a#b"))),
            ("V1#myapp#", None),
            ("V1##a.b.c", None),
            ("V1#myapp", None),
            ("V2#myapp#a.b.c", None),
            ("v1#myapp#a.b.c", None),
            ("Bearer V1#myapp#a.b.c", None),
            ("V1#myapp#a b", None),
            ("V1#myapp#a\r\nx: y", None),
            ("", None),
        ] {
            assert_eq!(RbacToken::read(text).map(|token| (token.appid, token.wolf_token)), expected, "{text:?}");
        }
    }

    #[test]
    fn a_consumers_configuration_is_checked_field_by_field() {
        for (config, path, part) in [
            (json!({}), "/appid", "needs appid"),
            (json!({"appid": ""}), "/appid", "not empty"),
            (json!({"appid": "a#b"}), "/appid", "no '#'"),
            (json!({"appid": "$SECRET://vault/my-vault/a/b"}), "/appid", "$secret"),
            (json!({"appid": "a", "server": "wolf:12180"}), "/server", "http"),
            (json!({"appid": "a", "server": "http://wolf:12180/"}), "/server", "'/'"),
            (json!({"appid": "a", "server": "$secret://vault/my-vault/a/b"}), "/server", "not resolved"),
            (json!({"appid": "a", "header_prefix": "X Y"}), "/header_prefix", "letters"),
            (json!({"appid": "a", "header_prefix": "x-consumer-"}), "/header_prefix", "X-Consumer-Username"),
            (json!({"appid": "a", "ssl_verify": "yes"}), "/ssl_verify", "true or false"),
        ] {
            let parsed = PluginConfig::parse_for(Placement::Consumer, PluginName::WolfRbac, &config.to_string());
            let problems = parsed.unwrap_err();
            assert_eq!((problems.len(), problems[0].field.as_str()), (1, path), "{config}: {problems:?}");
            assert!(problems[0].problem.contains(part), "{config}: {problems:?}");
        }
    }

    #[test]
    fn what_is_left_out_is_as_in_apisix() {
        let reference = r#"{"appid": "$secret://vault/my-vault/consumer/alice/appid"}"#;
        let config = PluginConfig::parse_for(Placement::Consumer, PluginName::WolfRbac, reference).unwrap();
        assert_eq!(config.references().count(), 1);
        let settings: WolfConsumer = config.settings().unwrap();
        assert_eq!(settings.server.as_str(), "http://127.0.0.1:12180");
        assert_eq!((settings.header_prefix.as_str(), settings.ssl_verify), ("X-", false));
        PluginConfig::parse(PluginName::WolfRbac, "{}").unwrap();
        assert!(PluginConfig::parse(PluginName::WolfRbac, reference).is_err(), "a route has no appid");
    }
}
