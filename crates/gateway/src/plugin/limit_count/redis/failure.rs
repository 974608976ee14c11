//! What an error of Redis means: an outage is one thing, a refusal another.

use redis::{ErrorKind, RedisError};
use std::error::Error;
use std::sync::Arc;

/// Whether Redis knows the user and password not, or lets the user not count.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    error.kind() == ErrorKind::AuthenticationFailed || matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"))
}

/// Whether the server's certificate is not one to trust.
pub(super) fn is_untrusted(error: &RedisError) -> bool {
    // The crate holds what happened in an `Arc`, and an I/O error hides what it is made of.
    let shared: Option<&Arc<dyn Error + Send + Sync>> = error.source().and_then(|cause| cause.downcast_ref());
    let broken: Option<&std::io::Error> = shared.and_then(|cause| cause.downcast_ref());
    let inside = broken.and_then(std::io::Error::get_ref).and_then(|inside| inside.downcast_ref());
    matches!(inside, Some(rustls::Error::InvalidCertificate(_)))
}

/// Whether the connection is of no more use: everything but an answer, and the answers of a server that does not
/// know us any more, or is a replica now.
pub(super) fn ends_connection(error: &RedisError) -> bool {
    !matches!(error.kind(), ErrorKind::Server(_)) || is_refusal(error) || is_read_only(error)
}

/// A server that was a master and is one no more.
pub(super) fn is_read_only(error: &RedisError) -> bool {
    error.code() == Some("READONLY")
}

/// The kind and Redis' code; the text of an error could repeat what was sent.
pub(super) fn words(error: &RedisError) -> String {
    match error.code() {
        Some(code) => code.to_owned(),
        None if error.is_timeout() => "no answer in time".to_owned(),
        None => format!("{:?}", error.kind()),
    }
}
