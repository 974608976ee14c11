//! What the gateway takes from its clients, and tells them: the settings of its limits, of whom it believes, and of
//! whose words it uses.

use gateway::{GatewayConfig, IpNet, Messages};
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A day: longer waits are a mistake of unit.
const SECONDS: RangeInclusive<u64> = 1..=86_400;
/// hyper reads at least 8 KiB at once, and holds a head in memory as a whole.
const HEAD_BYTES: RangeInclusive<u64> = 8192..=1_048_576;
const HEADERS: RangeInclusive<u64> = 1..=1000;

/// The flags, and the environment variables of the same names.
#[derive(clap::Args, Default)]
pub(crate) struct LimitArgs {
    /// How long a client may take for the head of a request, and how long its connection may rest between two, in
    /// seconds; then the gateway closes it [default: 60].
    #[arg(long, value_name = "SECONDS", env = "POSTERN_GATEWAY_HEADER_TIMEOUT")]
    gateway_header_timeout: Option<String>,
    /// The longest head of a request, in bytes; longer ones get 431 [default: 32768].
    #[arg(long, value_name = "BYTES", env = "POSTERN_GATEWAY_MAX_HEAD")]
    gateway_max_head: Option<String>,
    /// The most header lines of a request; more get 431 [default: 100].
    #[arg(long, value_name = "NUMBER", env = "POSTERN_GATEWAY_MAX_HEADERS")]
    gateway_max_headers: Option<String>,
    /// How long a client may pause while it sends a body, in seconds, then it gets 408; and how long it may take nothing
    /// of an answer, then its connection ends [default: 60].
    #[arg(long, value_name = "SECONDS", env = "POSTERN_GATEWAY_BODY_IDLE_TIMEOUT")]
    gateway_body_idle_timeout: Option<String>,
    /// How long a client may take for a whole body, in seconds, or off; then it gets 408 [default: 3600].
    #[arg(long, value_name = "SECONDS", env = "POSTERN_GATEWAY_BODY_TIMEOUT")]
    gateway_body_timeout: Option<String>,
    /// The longest body of a request, in bytes, or off; longer ones get 413 [default: off].
    #[arg(long, value_name = "BYTES", env = "POSTERN_GATEWAY_MAX_BODY")]
    gateway_max_body: Option<String>,
    /// Proxies in front of the gateway, addresses or networks with commas between them: what they say in
    /// X-Forwarded-* is believed [default: none].
    #[arg(long, value_name = "NETWORKS", env = "POSTERN_GATEWAY_TRUSTED_PROXIES")]
    gateway_trusted_proxies: Option<String>,
    /// Whose words clients get where versions of APISIX differ: 3.18, or 3.9, which says "Missing API key found in
    /// request" as API7's documents do [default: 3.18].
    #[arg(long, value_name = "VERSION", env = "POSTERN_GATEWAY_MESSAGES")]
    gateway_messages: Option<String>,
}

/// The same as text, from all sources.
#[derive(Default)]
pub(crate) struct LimitTexts {
    pub(crate) gateway_header_timeout: Option<String>,
    pub(crate) gateway_max_head: Option<String>,
    pub(crate) gateway_max_headers: Option<String>,
    pub(crate) gateway_body_idle_timeout: Option<String>,
    pub(crate) gateway_body_timeout: Option<String>,
    pub(crate) gateway_max_body: Option<String>,
    pub(crate) gateway_trusted_proxies: Option<String>,
    pub(crate) gateway_messages: Option<String>,
}

/// Limits that can be enforced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientLimits {
    header_timeout: Duration,
    max_head_bytes: usize,
    max_headers: usize,
    body_idle_timeout: Duration,
    body_timeout: Option<Duration>,
    max_body_bytes: Option<u64>,
    trusted_proxies: Vec<IpNet>,
    messages: Messages,
}

impl LimitArgs {
    /// Names as in the file, and what was given.
    pub(crate) fn given(self) -> [(&'static str, Option<String>); 8] {
        [
            ("gateway_header_timeout", self.gateway_header_timeout),
            ("gateway_max_head", self.gateway_max_head),
            ("gateway_max_headers", self.gateway_max_headers),
            ("gateway_body_idle_timeout", self.gateway_body_idle_timeout),
            ("gateway_body_timeout", self.gateway_body_timeout),
            ("gateway_max_body", self.gateway_max_body),
            ("gateway_trusted_proxies", self.gateway_trusted_proxies),
            ("gateway_messages", self.gateway_messages),
        ]
    }
}

impl ClientLimits {
    /// # Errors
    /// The setting at fault, and what was expected.
    pub(crate) fn from_texts(texts: &LimitTexts) -> Result<Self, String> {
        let usual = GatewayConfig::default();
        let seconds = |flag, text: &Option<String>, usual| {
            number(flag, text.as_deref(), SECONDS).map(|given| given.map_or(usual, Duration::from_secs))
        };
        let count = |flag, text: &Option<String>, range, usual| {
            let given = number(flag, text.as_deref(), range)?;
            Ok::<usize, String>(given.and_then(|given| usize::try_from(given).ok()).unwrap_or(usual))
        };
        Ok(Self {
            header_timeout: seconds("gateway-header-timeout", &texts.gateway_header_timeout, usual.header_timeout)?,
            max_head_bytes: count("gateway-max-head", &texts.gateway_max_head, HEAD_BYTES, usual.max_head_bytes)?,
            max_headers: count("gateway-max-headers", &texts.gateway_max_headers, HEADERS, usual.max_headers)?,
            body_idle_timeout: seconds(
                "gateway-body-idle-timeout",
                &texts.gateway_body_idle_timeout,
                usual.body_idle_timeout,
            )?,
            body_timeout: or_off(texts.gateway_body_timeout.as_deref(), usual.body_timeout, |text| {
                let given = number("gateway-body-timeout", Some(text), SECONDS)?;
                Ok(given.map(Duration::from_secs))
            })?,
            max_body_bytes: or_off(texts.gateway_max_body.as_deref(), usual.max_body_bytes, |text| {
                number("gateway-max-body", Some(text), 1..=u64::MAX)
            })?,
            trusted_proxies: networks(texts.gateway_trusted_proxies.as_deref().unwrap_or_default())?,
            messages: texts.gateway_messages.as_deref().map_or(Ok(usual.messages), messages)?,
        })
    }

    /// `config` with these limits.
    pub(crate) fn applied_to(self, config: GatewayConfig) -> GatewayConfig {
        GatewayConfig {
            header_timeout: self.header_timeout,
            max_head_bytes: self.max_head_bytes,
            max_headers: self.max_headers,
            body_idle_timeout: self.body_idle_timeout,
            body_timeout: self.body_timeout,
            max_body_bytes: self.max_body_bytes,
            trusted_proxies: self.trusted_proxies,
            messages: self.messages,
            ..config
        }
    }
}

fn or_off<T>(
    text: Option<&str>,
    usual: Option<T>,
    read: impl Fn(&str) -> Result<Option<T>, String>,
) -> Result<Option<T>, String> {
    match text.map(str::trim) {
        None => Ok(usual),
        Some("off") => Ok(None),
        Some(text) => read(text),
    }
}

fn number(flag: &str, text: Option<&str>, range: RangeInclusive<u64>) -> Result<Option<u64>, String> {
    let Some(text) = text else { return Ok(None) };
    let number = text.trim().parse().ok().filter(|number| range.contains(number));
    let (least, most) = (range.start(), range.end());
    number.map(Some).ok_or_else(|| format!("--{flag}: expected a whole number from {least} to {most}, got '{text}'."))
}

fn messages(text: &str) -> Result<Messages, String> {
    match text.trim() {
        "3.18" => Ok(Messages::Apisix318),
        "3.9" => Ok(Messages::Apisix39),
        _ => Err(format!("--gateway-messages: expected 3.18 or 3.9, got '{text}'.")),
    }
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let network = |text: &str| {
        let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map_err(|_| {
            format!("--gateway-trusted-proxies: expected addresses or networks such as 10.0.0.0/8, got '{text}'.")
        })
    };
    text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_the_gateways_default() {
        let limits = ClientLimits::from_texts(&LimitTexts::default()).unwrap();
        let (usual, config) =
            (GatewayConfig::default(), limits.applied_to(GatewayConfig { workers: 1, ..GatewayConfig::default() }));
        assert_eq!(format!("{config:?}"), format!("{:?}", GatewayConfig { workers: 1, ..usual }));
    }

    #[test]
    fn what_is_given_is_enforced() {
        let text = |text: &str| Some(text.to_owned());
        let limits = ClientLimits::from_texts(&LimitTexts {
            gateway_header_timeout: text("5"),
            gateway_max_head: text("8192"),
            gateway_max_headers: text("20"),
            gateway_body_idle_timeout: text("7"),
            gateway_body_timeout: text("off"),
            gateway_max_body: text("1048576"),
            gateway_trusted_proxies: text("10.0.0.0/8, 192.0.2.7"),
            gateway_messages: text("3.9"),
        });
        let expected = ClientLimits {
            header_timeout: Duration::from_secs(5),
            max_head_bytes: 8192,
            max_headers: 20,
            body_idle_timeout: Duration::from_secs(7),
            body_timeout: None,
            max_body_bytes: Some(1_048_576),
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "192.0.2.7/32".parse().unwrap()],
            messages: Messages::Apisix39,
        };
        assert_eq!(limits, Ok(expected));
    }
}
