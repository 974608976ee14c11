//! cors: browsers may let pages of other origins read the answers (`apisix/plugins/cors.lua`, the Fetch standard).
//!
//! It keeps nobody from asking: a browser is told what its pages may read, and other clients do not care.

use super::Access;
use crate::own_answer::OwnAnswer;
use crate::reject::Reject;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use postern::plugin::cors::CorsPlugin;
use postern::plugin::pattern::{Pattern, PatternOptions};
use regex::bytes::Regex;

static TIMING_ALLOW_ORIGIN: HeaderName = HeaderName::from_static("timing-allow-origin");

/// A cors configuration, ready to run.
pub(crate) struct Cors {
    origins: Origins,
    timing_origins: Option<Origins>,
    methods: HeaderValue,
    /// Nothing: whichever the browser asks for.
    headers: Option<HeaderValue>,
    expose_headers: Option<HeaderValue>,
    max_age: HeaderValue,
    allows_credentials: bool,
}

/// Whose pages may read.
enum Origins {
    /// `*`: everybody's, by that word.
    All,
    /// `**`: everybody's, by their names.
    Each,
    These(Vec<HeaderValue>),
    Found(Vec<Regex>),
}

/// What a browser said of the page, as it came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    origin: Option<HeaderValue>,
    headers: Option<HeaderValue>,
}

impl Asked {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self { origin: headers.get(ORIGIN).cloned(), headers: headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned() }
    }
}

impl Cors {
    pub(super) fn compile(config: &CorsPlugin) -> Result<Self, String> {
        const EVERY_METHOD: &str = "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE";
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| format!("cors: '{text}' has characters that no header may have"))
        };
        let methods = if config.allow_methods == "**" { EVERY_METHOD } else { &config.allow_methods };
        let timing = match (&config.timing_allow_origins, &config.timing_allow_origins_by_regex) {
            (None, None) => None,
            (origins, patterns) => Some(Origins::compile(origins.as_deref().unwrap_or_default(), patterns.as_deref())?),
        };
        Ok(Self {
            origins: Origins::compile(&config.allow_origins, config.allow_origins_by_regex.as_deref())?,
            timing_origins: timing,
            methods: value(methods)?,
            headers: if config.allow_headers == "**" { None } else { Some(value(&config.allow_headers)?) },
            expose_headers: config.expose_headers.as_deref().map(value).transpose()?,
            max_age: HeaderValue::from(config.max_age),
            allows_credentials: config.allow_credential,
        })
    }

    /// A browser that asks whether it may is answered here: it sends no credentials with the question.
    pub(super) fn access(access: &Access<'_>) -> Result<(), Reject> {
        if *access.method != Method::OPTIONS {
            return Ok(());
        }
        Err(Reject::Answered(Box::new(OwnAnswer::empty(StatusCode::OK))))
    }

    /// Says in the answer what may be read. What the upstream server says of it gives way.
    pub(super) fn answer(&self, asked: &Asked, headers: &mut HeaderMap) {
        if self.origins.vary() {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(timing) = &self.timing_origins
            && let Some(allowed) = timing.allowed(asked.origin.as_ref())
        {
            headers.insert(&TIMING_ALLOW_ORIGIN, allowed);
        }
        let Some(allowed) = self.origins.allowed(asked.origin.as_ref()) else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
        headers.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        match self.headers.as_ref().or(asked.headers.as_ref()) {
            Some(allowed) => drop(headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed.clone())),
            None => drop(headers.remove(ACCESS_CONTROL_ALLOW_HEADERS)),
        }
        if let Some(exposed) = &self.expose_headers {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
        if self.allows_credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

impl Origins {
    fn compile(origins: &str, patterns: Option<&[Pattern]>) -> Result<Self, String> {
        if let Some(patterns) = patterns {
            let compiled = patterns.iter().map(|pattern| pattern.compile(PatternOptions::default()));
            return compiled.collect::<Result<_, _>>().map(Self::Found).map_err(|error| format!("cors: {error}"));
        }
        let value = |origin: &str| {
            HeaderValue::from_str(origin)
                .map_err(|_| format!("cors: '{origin}' has characters that no header may have"))
        };
        match origins {
            "*" => Ok(Self::All),
            "**" => Ok(Self::Each),
            origins => origins.split(',').map(value).collect::<Result<_, _>>().map(Self::These),
        }
    }

    /// Whether answers to several origins differ, so that caches must tell them apart.
    fn vary(&self) -> bool {
        !matches!(self, Self::All)
    }

    /// What the answer to a page of that origin says; nothing when it may not read it.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match (self, origin) {
            (Self::All, _) | (Self::Each, None) => Some(HeaderValue::from_static("*")),
            (Self::Each, Some(origin)) => Some(origin.clone()),
            // With one origin there is nothing to choose, as in APISIX; a browser compares for itself.
            (Self::These(these), _) if these.len() == 1 => these.first().cloned(),
            (Self::These(these), Some(origin)) => these.contains(origin).then(|| origin.clone()),
            (Self::Found(patterns), Some(origin)) => {
                patterns.iter().any(|pattern| pattern.is_match(origin.as_bytes())).then(|| origin.clone())
            }
            (Self::These(_) | Self::Found(_), None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postern::plugin::{PluginConfig, PluginName};

    fn cors(json: &str) -> Cors {
        Cors::compile(&PluginConfig::parse(PluginName::Cors, json).unwrap().settings().unwrap()).unwrap()
    }

    /// The headers that an answer to a page of `origin` gets, as `name: value`, without what the defaults are.
    fn answer(json: &str, origin: Option<&'static str>) -> Vec<String> {
        let asked =
            Asked { origin: origin.map(HeaderValue::from_static), headers: Some(HeaderValue::from_static("x-asked")) };
        let mut headers = HeaderMap::new();
        cors(json).answer(&asked, &mut headers);
        let lines = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
        let short = lines.map(|line| line.replace("access-control-", ""));
        let mut told: Vec<String> =
            short.filter(|line| !["allow-methods: *", "max-age: 5"].contains(&line.as_str())).collect();
        told.sort();
        told
    }

    #[test]
    fn whose_pages_may_read() {
        let (a, b) = (Some("https://a.test"), Some("https://b.test"));
        for (json, origin, expected) in [
            (r#"{}"#, a, &["allow-headers: *", "allow-origin: *"][..]),
            (r#"{}"#, None, &["allow-headers: *", "allow-origin: *"]),
            (r#"{"allow_origins": "**"}"#, a, &["allow-headers: *", "allow-origin: https://a.test", "vary: Origin"]),
            (r#"{"allow_origins": "**"}"#, None, &["allow-headers: *", "allow-origin: *", "vary: Origin"]),
            (
                r#"{"allow_origins": "https://a.test"}"#,
                b,
                &["allow-headers: *", "allow-origin: https://a.test", "vary: Origin"],
            ),
            (
                r#"{"allow_origins": "https://a.test,https://c.test"}"#,
                a,
                &["allow-headers: *", "allow-origin: https://a.test", "vary: Origin"],
            ),
            (r#"{"allow_origins": "https://a.test,https://c.test"}"#, b, &["vary: Origin"]),
            (r#"{"allow_origins": "https://a.test,https://c.test"}"#, None, &["vary: Origin"]),
            (r#"{"allow_origins": "null"}"#, None, &["allow-headers: *", "allow-origin: null", "vary: Origin"]),
            (
                r#"{"allow_origins_by_regex": ["^https://[ab]\\.test$"]}"#,
                b,
                &["allow-headers: *", "allow-origin: https://b.test", "vary: Origin"],
            ),
            (
                r#"{"allow_origins_by_regex": ["^https://c\\.test$", "b"]}"#,
                b,
                &["allow-headers: *", "allow-origin: https://b.test", "vary: Origin"],
            ),
            (r#"{"allow_origins_by_regex": ["^https://c\\.test$"]}"#, b, &["vary: Origin"]),
            (r#"{"allow_origins_by_regex": ["a"]}"#, None, &["vary: Origin"]),
            (r#"{"allow_headers": "**"}"#, a, &["allow-headers: x-asked", "allow-origin: *"]),
            (
                r#"{"allow_headers": "x-a,x-b", "expose_headers": "x-c"}"#,
                a,
                &["allow-headers: x-a,x-b", "allow-origin: *", "expose-headers: x-c"],
            ),
            (
                r#"{"allow_origins": "**", "allow_methods": "**", "allow_headers": "**", "allow_credential": true, "max_age": -1}"#,
                a,
                &[
                    "allow-credentials: true",
                    "allow-headers: x-asked",
                    "allow-methods: GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE",
                    "allow-origin: https://a.test",
                    "max-age: -1",
                    "vary: Origin",
                ],
            ),
            (r#"{"timing_allow_origins": "*"}"#, a, &["allow-headers: *", "allow-origin: *", "timing-allow-origin: *"]),
            (r#"{"timing_allow_origins_by_regex": ["a"]}"#, b, &["allow-headers: *", "allow-origin: *"]),
        ] {
            assert_eq!(answer(json, origin), expected, "{json} {origin:?}");
        }
    }

    #[test]
    fn what_the_upstream_server_says_gives_way_where_the_configuration_says_something() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("access-control-allow-origin", "https://evil.test"),
            ("access-control-expose-headers", "x-mine"),
            ("vary", "Accept"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        cors(r#"{"allow_origins": "https://a.test"}"#).answer(&Asked::default(), &mut headers);
        assert_eq!(headers["access-control-allow-origin"], "https://a.test");
        assert_eq!(headers["access-control-expose-headers"], "x-mine");
        assert_eq!(headers.get_all("vary").iter().collect::<Vec<_>>(), ["Accept", "Origin"]);
    }
}
