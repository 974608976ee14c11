//! What an error of the SDK is, in our words: for requests to Secrets Manager and to STS alike.

use super::identity::Nobody;
use super::transport::NoAnswer;
use crate::network::{Limits, timed_out};
use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use postern::provider::aws::{AwsFailure, CredentialProblem};
use postern::resolve::UnreachableBecause;
use std::error::Error;

/// What stands between a request and its answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// AWS's error code. `message` is AWS's own text: compared, never shown, since it may quote.
    Code { code: String, message: String },
    /// No answer, or none that has a meaning.
    Lost(UnreachableBecause),
    /// There was nobody to sign.
    Nobody(AwsFailure),
    /// The SDK made no request of it: the keys hold a character that no header can carry, so they are wrong.
    Unsendable,
}

pub(super) fn trouble_of<E>(error: &SdkError<E, HttpResponse>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    match error {
        SdkError::ServiceError(service) => match service.err().code() {
            Some(code) if status < Some(500) => {
                Trouble::Code { code: code.to_owned(), message: service.err().message().unwrap_or_default().to_owned() }
            }
            _ => Trouble::Lost(no_meaning(status)),
        },
        SdkError::ResponseError(_) => Trouble::Lost(no_meaning(status)),
        SdkError::TimeoutError(_) => Trouble::Lost(timed_out(Limits::default().total)),
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(|error| error as &(dyn Error + 'static));
            if let Some(NoAnswer(why)) = find(cause) {
                return Trouble::Lost(why.clone());
            }
            find::<Nobody>(cause).map_or(Trouble::Unsendable, |nobody| Trouble::Nobody(nobody.0.clone()))
        }
        _ => Trouble::Unsendable,
    }
}

/// An error of ours, from the depth of the SDK's.
fn find<'a, T: Error + 'static>(mut cause: Option<&'a (dyn Error + 'static)>) -> Option<&'a T> {
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// An answer that is no answer of AWS's.
fn no_meaning(status: Option<u16>) -> UnreachableBecause {
    match status {
        Some(status) if status != 200 => UnreachableBecause::Status { status },
        _ => UnreachableBecause::NotUnderstood,
    }
}

/// What a code says of who asks. Secrets Manager and STS have different words for the same.
pub(super) fn credential_problem(code: &str, message: &str) -> Option<CredentialProblem> {
    let late = message.contains("expired") || message.contains("not yet current");
    Some(match code {
        "UnrecognizedClientException" | "InvalidClientTokenId" | "MissingAuthenticationTokenException" => {
            CredentialProblem::Unknown
        }
        "ExpiredTokenException" | "ExpiredToken" => CredentialProblem::Expired,
        "InvalidSignatureException" | "SignatureDoesNotMatch" if late => CredentialProblem::Clock,
        "RequestExpired" | "RequestTimeTooSkewed" => CredentialProblem::Clock,
        "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "SignatureDoesNotMatch" => CredentialProblem::BadSignature,
        _ => return None,
    })
}

/// A code as it may be shown: what is not a word of AWS's is not repeated.
pub(super) fn plain_word(code: &str) -> String {
    let is_word = code.len() <= 64 && code.chars().all(|c| c.is_ascii_alphanumeric());
    if is_word { code.to_owned() } else { "an unknown error".to_owned() }
}
