//! Dialogs: one dialog one file. Their state mirrors the form of the domain and is parsed by it.

pub mod aws;
pub mod certificate;
pub mod completion;
pub mod conflict;
pub mod consumer;
pub mod credential;
pub mod delete;
pub mod explain;
pub mod freshness;
pub mod kubernetes;
pub mod plain;
pub mod plugin;
pub mod provider;
pub mod provider_test;
pub mod review;
pub mod route;
pub mod secret_input;
pub mod service;
pub mod upstream;
pub mod vault;
pub mod vault_auth;
pub mod webhook;

use crate::error::AppError;
use crate::forms::conflict::ConflictPanel;
use leptos::prelude::*;
use postern::control::{ControlError, FieldChange};
use postern::problem::FieldProblem;
use std::future::Future;
use ui::{Button, Callout, Dialog, DialogBody, DialogFoot, ErrorSummary, Faults, Look, Tone};

/// What someone else changed, and the revision it has now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub current: u64,
    pub changes: Vec<FieldChange>,
}

/// For a dialog that asks as soon as it is open: in the browser, once.
pub(crate) fn at_once(run: Callback<()>) {
    Effect::new(move |first: Option<()>| {
        if first.is_none() {
            run.run(());
        }
    });
}

/// A form on its way to the server.
#[derive(Clone, Copy)]
pub struct Submission {
    pending: RwSignal<bool>,
    faults: Faults,
    conflict: RwSignal<Option<Conflict>>,
    failure: RwSignal<Option<AppError>>,
}

impl Submission {
    /// Begins a form that `check` checks, field by field.
    #[must_use]
    pub fn of(check: impl Fn() -> Result<(), Vec<FieldProblem>> + Send + Sync + 'static) -> Self {
        Self {
            pending: RwSignal::new(false),
            faults: Faults::provide(move || check().err().map(pairs).unwrap_or_default()),
            conflict: RwSignal::new(None),
            failure: RwSignal::new(None),
        }
    }

    /// Sends the form if nothing is wrong with it. `done` gets the answer; anything else is shown.
    pub fn send<T: 'static>(self, request: impl Future<Output = Result<T, AppError>> + 'static, done: Callback<T>) {
        if self.pending.get_untracked() || !self.faults.submit() {
            return;
        }
        self.pending.set(true);
        self.failure.set(None);
        leptos::task::spawn_local(async move {
            let answer = request.await;
            self.pending.try_set(false);
            match answer {
                Ok(answer) => {
                    // Nobody is there to be told when the dialog was closed meanwhile.
                    done.try_run(answer);
                }
                Err(error) => self.refuse(error),
            }
        });
    }

    /// Puts the stored version, of `stored_revision`, into the dialog: what someone else saved meanwhile.
    /// Does nothing when the dialog was closed while it was fetched.
    pub fn take_over<F: Clone + Send + Sync + 'static>(
        self,
        revision: RwSignal<u64>,
        saved: RwSignal<F>,
        stored_revision: u64,
        form: F,
        show: impl FnOnce(F),
    ) {
        if revision.try_set(stored_revision).is_none() {
            show(form.clone());
            saved.set(form);
            self.reset();
        }
    }

    fn refuse(self, error: AppError) {
        match error {
            AppError::Control(ControlError::Conflict { current, changes }) => {
                self.conflict.try_set(Some(Conflict { current, changes }));
            }
            AppError::Control(ControlError::Invalid { problems }) => self.faults.refuse(pairs(problems)),
            other => {
                self.failure.try_set(Some(other));
            }
        }
    }

    /// What is wrong, as far as it was told, by field; tracked.
    #[must_use]
    pub fn told(self) -> Vec<FieldProblem> {
        self.faults.all().into_iter().map(|(field, problem)| FieldProblem { field, problem }).collect()
    }

    /// Something was typed: what is mended is no longer told.
    pub fn recheck(self) {
        self.faults.recheck();
    }

    /// Shows faults that are known already, from a form posted without JavaScript.
    pub fn show(self, problems: Vec<FieldProblem>) {
        self.faults.refuse(pairs(problems));
    }

    /// The form starts anew: nothing was refused.
    pub fn reset(self) {
        self.conflict.set(None);
        self.failure.set(None);
        self.faults.refuse(Vec::new());
    }
}

fn pairs(problems: Vec<FieldProblem>) -> Vec<(String, String)> {
    problems.into_iter().map(|p| (p.field, p.problem)).collect()
}

/// A dialog with a form: fields, faults, a conflict if there is one, and the button that sends it.
#[component]
pub fn FormDialog(
    #[prop(into)] title: String,
    /// The submit button: `Add`, `Save` or `Enable`.
    verb: &'static str,
    submission: Submission,
    #[prop(into)] dirty: Signal<bool>,
    on_submit: Callback<()>,
    on_close: Callback<()>,
    /// How the dialog names a field, for the summary of faults.
    label: fn(&str) -> String,
    /// Leads from the summary of faults to a field, where that is more than giving it the focus.
    #[prop(optional)]
    seek: Option<Callback<String>>,
    /// Where the form goes when it is sent before hydration.
    #[prop(optional_no_strip)]
    plain_action: Option<&'static str>,
    #[prop(optional)] wide: bool,
    /// Loads what is stored now into the form; for a conflict.
    #[prop(optional)]
    on_reload: Option<Callback<()>>,
    /// Saves over this revision; for a conflict.
    #[prop(optional)]
    on_overwrite: Option<Callback<u64>>,
    /// At the left of the buttons.
    #[prop(optional, into)]
    aside: ViewFn,
    children: Children,
) -> impl IntoView {
    let send = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        on_submit.run(());
    };
    let Submission { pending, faults, conflict, failure } = submission;
    view! {
        <Dialog title on_close dirty wide>
            <form method="post" action=plain_action novalidate=true class="dialog-content" on:submit=send>
                <DialogBody>
                    <ErrorSummary faults label seek/>
                    {move || conflict.get().map(|conflict| view! { <ConflictPanel conflict on_reload on_overwrite/> })}
                    {move || {
                        failure
                            .get()
                            .map(|error| {
                                view! {
                                    <Callout tone=Tone::Danger role="alert">
                                        <p>{error.sentence()}</p>
                                    </Callout>
                                }
                            })
                    }}
                    {children()}
                </DialogBody>
                <DialogFoot aside>
                    <Button label=verb look=Look::Primary submit=true plain=plain_action.is_some() busy=pending/>
                </DialogFoot>
            </form>
        </Dialog>
    }
    .into_any()
}
