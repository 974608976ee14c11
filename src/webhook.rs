//! The webhook of a provider: whoever holds its signing secret may have secrets read at once, because they know that
//! a value has changed. A call says nothing of values, and changes nothing: the worst it can do is one read too many.
//!
//! A call is signed like this, so that `openssl dgst -sha256 -hmac` and every other HMAC-SHA256 (RFC 2104) can do it:
//! `HMAC-SHA256(signing secret, timestamp + "." + body)`, as 64 hex digits.

use crate::provider::ProviderKey;
use serde::{Deserialize, Serialize};

/// Holds the seconds since 1970 at which the call was signed.
pub const TIMESTAMP_HEADER: &str = "postern-timestamp";

/// Holds `v1=` and the signature.
pub const SIGNATURE_HEADER: &str = "postern-signature";

/// How far a timestamp may be from the server's clock, in seconds, either way.
pub const WINDOW_SECONDS: u64 = 300;

/// The longest body, in bytes.
pub const BODY_LIMIT: usize = 16 * 1024;

/// What is stored of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook<S> {
    pub provider: ProviderKey,
    /// The signing secret.
    pub secret: S,
}

/// A call as it came.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The Secret Provider ID in the address.
    pub provider: &'a str,
    pub timestamp: Option<&'a str>,
    pub signature: Option<&'a str>,
    pub body: &'a [u8],
}

/// Why a call was not followed. None of these tells whether there is a provider of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("Too many calls: send this one again in a second.")]
    TooMany,
    #[error("The header Postern-Timestamp is missing, or is not the time in seconds since 1970.")]
    NoTimestamp,
    #[error("The header Postern-Signature is missing, or is not 'v1=' and 64 hex digits.")]
    NoSignature,
    #[error(
        "The timestamp is more than 300 s away from this server's clock: sign each call anew, and set both clocks."
    )]
    OutsideWindow,
    #[error(
        "The signature does not fit: check the signing secret, that '<timestamp>.<body>' is signed byte for byte, and \
         that the address ends with the ID of a provider that has a webhook."
    )]
    BadSignature,
    #[error("This call was received before: sign each call anew.")]
    Repeated,
    #[error("The body is neither empty nor JSON such as {{\"path\": \"consumer/alice\"}}.")]
    BadBody,
}

/// Which secrets a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of the provider's.
    All,
    /// Those whose path ends or begins like this one.
    At(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    path: String,
}

impl Call<'_> {
    /// When it was signed, as it says itself, in seconds since 1970.
    ///
    /// # Errors
    /// `NoTimestamp`.
    pub fn signed_at(&self) -> Result<u64, Refusal> {
        let digits = self.timestamp.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse().ok()).ok_or(Refusal::NoTimestamp)
    }

    /// The signature it came with.
    ///
    /// # Errors
    /// `NoSignature`.
    pub fn signed_with(&self) -> Result<[u8; 32], Refusal> {
        let hex = self.signature.and_then(|text| text.strip_prefix("v1=")).ok_or(Refusal::NoSignature)?;
        if hex.len() != 64 || !hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Refusal::NoSignature);
        }
        let mut signature = [0; 32];
        for (byte, digits) in signature.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| Refusal::NoSignature)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| Refusal::NoSignature)?;
        }
        Ok(signature)
    }

    /// Which secrets it is about.
    ///
    /// # Errors
    /// `BadBody`.
    pub fn wanted(&self) -> Result<Wanted, Refusal> {
        if self.body.trim_ascii().is_empty() {
            return Ok(Wanted::All);
        }
        let Body { path } = serde_json::from_slice(self.body).map_err(|_| Refusal::BadBody)?;
        let segments: Vec<String> =
            secret_name(&path).split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        if segments.is_empty() { Err(Refusal::BadBody) } else { Ok(Wanted::At(segments)) }
    }
}

/// The name in an ARN of AWS Secrets Manager, without the six characters that AWS adds to it
/// (`arn:aws:secretsmanager:<region>:<account>:secret:<name>-<6 characters>`); any other text as it is.
fn secret_name(path: &str) -> &str {
    let Some((_, name)) = path.split_once(":secret:").filter(|_| path.starts_with("arn:")) else { return path };
    match name.rsplit_once('-') {
        Some((name, added)) if added.len() == 6 => name,
        _ => name,
    }
}

impl Wanted {
    /// Whether a secret at `path`, below the provider's prefix, may be meant. Managers name secrets in longer ways
    /// than references do (`secret/data/api7/consumer/alice` for `consumer/alice`), and a folder stands for all in it.
    /// One too many costs a read; one too few would leave an old value in use.
    #[must_use]
    pub fn includes(&self, path: &[String]) -> bool {
        match self {
            Self::All => true,
            Self::At(named) => named.ends_with(path) || path.starts_with(named),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: Call<'static> = Call { provider: "my-vault", timestamp: None, signature: None, body: b"" };

    #[test]
    fn headers_that_are_none() {
        for text in [None, Some(""), Some("-1"), Some("+1"), Some("1.5"), Some("0x1"), Some("99999999999999999999")] {
            assert_eq!(Call { timestamp: text, ..CALL }.signed_at(), Err(Refusal::NoTimestamp), "{text:?}");
        }
        assert_eq!(Call { timestamp: Some("1700000000"), ..CALL }.signed_at(), Ok(1_700_000_000));
        let (short, signed, wide) = ("v1=00", format!("v1={}", "+0".repeat(32)), format!("v1={}", "é".repeat(32)));
        let (bare, other) = ("0".repeat(64), format!("v2={}", "0".repeat(64)));
        for text in [None, Some(""), Some(short), Some(&*bare), Some(&*other), Some(&*wide)] {
            assert_eq!(Call { signature: text, ..CALL }.signed_with(), Err(Refusal::NoSignature), "{text:?}");
        }
        // A sign is no hex digit.
        assert_eq!(Call { signature: Some(&signed), ..CALL }.signed_with(), Err(Refusal::NoSignature));
        let good = format!("v1={}", "0aF1".repeat(16));
        assert_eq!(Call { signature: Some(&good), ..CALL }.signed_with().unwrap()[..2], [0x0a, 0xf1]);
    }

    fn check(body: &str, path: &str, expected: Result<bool, Refusal>) {
        let path: Vec<String> = path.split('/').map(str::to_owned).collect();
        let got = Call { body: body.as_bytes(), ..CALL }.wanted().map(|wanted| wanted.includes(&path));
        assert_eq!(got, expected, "{body} for {path:?}");
    }

    #[test]
    fn bodies() {
        for body in
            ["{", "[]", "{}", "\"consumer\"", r#"{"path":""}"#, r#"{"path":"/"}"#, r#"{"path":1}"#, r#"{"paths":"a"}"#]
        {
            check(body, "consumer/alice", Err(Refusal::BadBody));
        }
        for (body, path, included) in [
            ("", "consumer/alice", true),
            (" \n", "consumer/alice", true),
            (r#"{"path":"consumer/alice"}"#, "consumer/alice", true),
            (r#"{"path":"/consumer//alice/"}"#, "consumer/alice", true),
            (r#"{"path":"secret/data/api7/consumer/alice"}"#, "consumer/alice", true),
            (r#"{"path":"consumer"}"#, "consumer/alice", true),
            (r#"{"path":"consumer/bob"}"#, "consumer/alice", false),
            (r#"{"path":"onsumer/alice"}"#, "consumer/alice", false),
            (r#"{"path":"alice-credentials"}"#, "alice-credentials", true),
            (r#"{"path":"arn:aws:secretsmanager:eu-west-1:1:secret:prod/alice-AbCdEf"}"#, "prod/alice", true),
            (r#"{"path":"arn:aws:secretsmanager:eu-west-1:1:secret:prod/alice"}"#, "prod/alice", true),
            (r#"{"path":"arn:aws:secretsmanager:eu-west-1:1:secret:prod/bob-AbCdEf"}"#, "prod/alice", false),
        ] {
            check(body, path, Ok(included));
        }
    }
}
