//! What the browser is told when something was not done.

use crate::codec::JsonText;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use postern::control::ControlError;
use postern::problem::FieldProblem;
use serde::{Deserialize, Serialize};

/// Why an answer is missing. The browser matches on it; nothing parses its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", content = "why", rename_all = "snake_case")]
pub enum AppError {
    /// The control plane said no.
    #[error(transparent)]
    Control(ControlError),
    /// The question or the answer got lost on the way.
    #[error("{0}")]
    Transport(String),
}

impl From<ControlError> for AppError {
    fn from(error: ControlError) -> Self {
        Self::Control(error)
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonText;

    /// The framework's own texts repeat what was sent, so none of them is passed on.
    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        use ServerFnErrorErr as E;
        const UNREADABLE: &str = "Postern could not read the request. Reload the page and try again.";
        let sentence = match error {
            E::Request(_) => "Postern cannot be reached. Check that it is running, then try again.",
            E::Args(_) | E::MissingArg(_) => {
                tell_status(400);
                UNREADABLE
            }
            // What could not be read is the request on the server, and the answer in the browser.
            E::Deserialization(_) if cfg!(feature = "ssr") => {
                tell_status(400);
                UNREADABLE
            }
            E::Deserialization(_) => "The answer could not be read. Reload the page: Postern may have been updated.",
            E::Response(_) => "The answer was not what this page expects. Reload the page.",
            E::Registration(_)
            | E::UnsupportedRequestMethod(_)
            | E::ServerError(_)
            | E::MiddlewareError(_)
            | E::Serialization(_) => "Postern could not answer. Its log says why.",
        };
        Self::Transport(sentence.to_owned())
    }
}

impl AppError {
    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str, name: &str) -> Self {
        tell_status(404);
        Self::Control(ControlError::NotFound { what: what.to_owned(), name: name.to_owned() })
    }

    /// The fields at fault, when that is what was wrong.
    #[must_use]
    pub fn problems(&self) -> Option<&[FieldProblem]> {
        match self {
            Self::Control(ControlError::Invalid { problems }) => Some(problems),
            _ => None,
        }
    }

    /// What happened, for a page or a dialog.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Control(ControlError::Internal { incident }) => {
                format!("Something went wrong inside Postern. The log has the details under {incident}.")
            }
            Self::Control(ControlError::InUse { by }) => format!("Still in use by {}.", by.join(", ")),
            Self::Control(ControlError::NotFound { what, name }) => {
                format!("There is no {what} '{name}'. It may have been deleted meanwhile.")
            }
            Self::Control(ControlError::Invalid { problems }) => {
                problems.iter().map(|p| p.problem.clone()).collect::<Vec<_>>().join(" ")
            }
            Self::Control(ControlError::Conflict { .. }) => "Someone else changed this meanwhile.".to_owned(),
            Self::Transport(sentence) => sentence.clone(),
        }
    }

    /// The HTTP status that says the same.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Control(ControlError::Invalid { .. }) => 422,
            Self::Control(ControlError::NotFound { .. }) => 404,
            Self::Control(ControlError::Conflict { .. } | ControlError::InUse { .. }) => 409,
            Self::Control(ControlError::Internal { .. }) | Self::Transport(_) => 500,
        }
    }
}

/// Gives the response being made this status. Does nothing in the browser.
pub(crate) fn tell_status(status: u16) {
    #[cfg(feature = "ssr")]
    if let (Some(response), Ok(status)) =
        (leptos::prelude::use_context::<leptos_axum::ResponseOptions>(), http::StatusCode::from_u16(status))
    {
        response.set_status(status);
    }
    #[cfg(not(feature = "ssr"))]
    let _ = status;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_never_repeated() {
        for error in [
            ServerFnErrorErr::Args("invalid type: string \"canary\"".to_owned()),
            ServerFnErrorErr::Deserialization("canary".to_owned()),
            ServerFnErrorErr::ServerError("canary".to_owned()),
            ServerFnErrorErr::Request("canary".to_owned()),
        ] {
            let told = AppError::from_server_fn_error(error);
            assert!(!format!("{told:?} {told} {}", told.sentence()).contains("canary"), "{told:?}");
        }
    }

    #[test]
    fn errors_survive_the_way_to_the_browser() {
        for error in [
            AppError::Control(ControlError::invalid("url", "no")),
            AppError::Control(ControlError::Conflict { current: 3, changes: vec![] }),
            AppError::Transport("lost".to_owned()),
        ] {
            assert_eq!(AppError::de(error.ser()), error);
        }
    }
}
