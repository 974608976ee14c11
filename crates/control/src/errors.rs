//! Errors of lower layers, in the operator's words.

use postern::certificate::Certificate;
use postern::consumer::Consumer;
use postern::control::ControlError;
use postern::credential::Credential;
use postern::provider::SecretProvider;
use postern::routing::{Route, Service};
use store::StoreError;

/// A fault of ours: the chain goes to the log under an incident id, the operator gets the id.
pub(crate) fn internal(error: impl std::error::Error) -> ControlError {
    let incident = uuid::Uuid::new_v4().simple().to_string()[..8].to_owned();
    let mut chain = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        chain = format!("{chain}: {cause}");
        source = cause.source();
    }
    tracing::error!(incident, error = chain, "internal error");
    ControlError::Internal { incident }
}

/// An object that can say what is wrong when the store refuses it.
pub(crate) trait Described {
    /// What it is: `secret provider`.
    const WHAT: &'static str;
    /// The form field that holds its name.
    const NAME_FIELD: &'static str = "name";
    /// Its name in messages.
    fn name(&self) -> String;

    /// The operator's error for the store's.
    fn describe(&self, error: StoreError) -> ControlError {
        match error {
            StoreError::NameTaken => ControlError::invalid(
                Self::NAME_FIELD,
                format!("There is a {} '{}' already: choose another name.", Self::WHAT, self.name()),
            ),
            StoreError::Gone => self.not_found(),
            other => internal(other),
        }
    }

    /// There is no such object.
    fn not_found(&self) -> ControlError {
        ControlError::NotFound { what: Self::WHAT.to_owned(), name: self.name() }
    }
}

impl<S> Described for SecretProvider<S> {
    const WHAT: &'static str = "secret provider";
    const NAME_FIELD: &'static str = "id";
    fn name(&self) -> String {
        self.key().to_string()
    }
}

impl Described for Consumer {
    const WHAT: &'static str = "consumer";
    fn name(&self) -> String {
        self.name.to_string()
    }
}

impl<S> Described for Credential<S> {
    const WHAT: &'static str = "credential";
    fn name(&self) -> String {
        self.name.to_string()
    }
}

impl<F> Described for Service<F> {
    const WHAT: &'static str = "service";
    fn name(&self) -> String {
        self.name.to_string()
    }
}

impl<F> Described for Route<F> {
    const WHAT: &'static str = "route";
    fn name(&self) -> String {
        self.name.to_string()
    }
}

impl<S> Described for Certificate<S> {
    const WHAT: &'static str = "certificate";
    fn name(&self) -> String {
        self.name.to_string()
    }
}

/// There is no object of that kind and name.
pub(crate) fn not_found(what: &str, name: impl ToString) -> ControlError {
    ControlError::NotFound { what: what.to_owned(), name: name.to_string() }
}
