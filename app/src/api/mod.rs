//! The server functions. Each is a sentence: who asks, what, one call.
//!
//! All are POST with JSON, except the `plain` ones, which take what an HTML form sends before
//! hydration. What an operator typed is parsed here by the same functions as in the browser.

mod certificates;
mod consumers;
pub mod plain;
mod providers;
mod services;

pub use certificates::*;
pub use consumers::*;
pub use providers::*;
pub use services::*;

use crate::codec::Json;
use crate::error::AppError;
use leptos::prelude::*;
use postern::control::{Overview, ReferenceView};
use postern::group::GatewayGroup;
use postern::instance::GatewayInstance;
use postern::name::GroupName;
use postern::reason::Reason;
use postern::time::Millis;
use serde::{Deserialize, Serialize};

/// An answer, and the moment it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timed<T> {
    pub now: Millis,
    pub data: T,
}

#[cfg(feature = "ssr")]
pub(crate) use session::{session, told};

#[cfg(feature = "ssr")]
mod session {
    use super::Timed;
    use crate::error::{AppError, tell_status};
    use leptos::prelude::*;
    use postern::control::{Answer, ControlPlane, Operator};
    use std::sync::Arc;

    /// Who asks, and whom.
    pub(crate) struct Session {
        pub(crate) control: Arc<dyn ControlPlane>,
        pub(crate) operator: Operator,
    }

    impl Session {
        /// Stamps an answer with the present moment.
        pub(crate) fn timed<T>(&self, answer: Answer<T>) -> Result<Timed<T>, AppError> {
            told(answer).map(|data| Timed { now: self.control.now(), data })
        }
    }

    /// The session of the request being answered. There is no sign-in yet: whoever can reach the
    /// dashboard is the operator.
    pub(crate) fn session() -> Result<Session, AppError> {
        let control = use_context::<Arc<dyn ControlPlane>>()
            .ok_or_else(|| AppError::Transport("This server has no control plane.".to_owned()))?;
        let operator = use_context::<Operator>().unwrap_or(Operator { name: "operator".to_owned() });
        Ok(Session { control, operator })
    }

    /// Passes an answer on; an error gives the response its status.
    pub(crate) fn told<T>(answer: Answer<T>) -> Result<T, AppError> {
        answer.map_err(|error| {
            let error = AppError::Control(error);
            tell_status(error.status());
            error
        })
    }
}

/// Lets what is rendered and every server function below reach the control plane.
#[cfg(feature = "ssr")]
pub fn provide_control(control: std::sync::Arc<dyn postern::control::ControlPlane>) {
    provide_context(control);
}

/// Problems of a form as the error of a server function.
#[cfg(feature = "ssr")]
pub(crate) fn invalid(problems: Vec<postern::problem::FieldProblem>) -> AppError {
    let error = AppError::Control(postern::control::ControlError::Invalid { problems });
    crate::error::tell_status(error.status());
    error
}

/// Every gateway group.
#[server(endpoint = "groups", input = Json, output = Json)]
pub async fn groups() -> Result<Vec<GatewayGroup>, AppError> {
    let session = session()?;
    told(session.control.groups(&session.operator).await)
}

/// What the overview shows.
#[server(endpoint = "overview", input = Json, output = Json)]
pub async fn overview_page(group: GroupName) -> Result<Timed<Overview>, AppError> {
    let session = session()?;
    session.timed(session.control.overview(&session.operator, &group).await)
}

/// Every use of a reference in the group.
#[server(endpoint = "references", input = Json, output = Json)]
pub async fn references(group: GroupName) -> Result<Timed<Vec<ReferenceView>>, AppError> {
    let session = session()?;
    session.timed(session.control.references(&session.operator, &group).await)
}

/// The group's gateway instances.
#[server(endpoint = "instances", input = Json, output = Json)]
pub async fn instances(group: GroupName) -> Result<Timed<Vec<GatewayInstance>>, AppError> {
    let session = session()?;
    session.timed(session.control.instances(&session.operator, &group).await)
}

/// A reason code in words. They come from the server: the browser's program carries the codes only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonText {
    pub reason: Reason,
    pub meaning: String,
    pub remedy: String,
}

/// Every reason code.
#[server(endpoint = "reasons", input = Json, output = Json)]
pub async fn reasons() -> Result<Timed<Vec<ReasonText>>, AppError> {
    let text = |reason: &Reason| ReasonText {
        reason: *reason,
        meaning: reason.meaning().to_owned(),
        remedy: reason.remedy().to_owned(),
    };
    session()?.timed(Ok(Reason::ALL.iter().map(text).collect()))
}
