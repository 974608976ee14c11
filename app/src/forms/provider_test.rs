//! Test Connection, from the provider dialog and from the list.

use crate::api;
use crate::error::AppError;
use crate::forms::Submission;
use crate::forms::at_once;
use crate::forms::provider::ProviderFields;
use crate::go::Go;
use crate::parts::diagnosis::{Test, TestPanel};
use crate::parts::group::group;
use leptos::prelude::*;
use postern::diagnosis::{Diagnosis, Remedy};
use postern::name::GroupName;
use postern::provider::{ProviderForm, ProviderKey};
use std::future::Future;
use ui::{Button, Dialog, DialogBody, DialogFoot, Glyph, Look};

/// The test of what is in the dialog.
#[derive(Clone, Copy)]
pub struct ProviderTest {
    pub state: RwSignal<Test>,
    pub run: Callback<()>,
    pub mend: Callback<Remedy>,
}

impl ProviderTest {
    pub fn of(fields: ProviderFields, submission: Submission) -> Self {
        let state = RwSignal::new(Test::NotBegun);
        let group = StoredValue::new(group());
        let run = Callback::new(move |()| {
            let form = fields.typed();
            start(state, api::test_provider(group.get_value(), form), submission);
        });
        let mend = Callback::new(move |remedy: Remedy| {
            let mut form = fields.typed();
            remedy.mend(&mut form);
            fields.set(form);
            run.run(());
        });
        // What was tested is not what stands there now.
        Effect::new(move |before: Option<ProviderForm>| {
            let now = fields.form();
            if before.is_some_and(|before| before != now)
                && state.with_untracked(|test| matches!(test, Test::Ended(_) | Test::Lost(_)))
            {
                state.set(Test::NotBegun);
            }
            now
        });
        Self { state, run, mend }
    }
}

/// Runs a test; problems of fields are shown at the fields.
fn start(
    state: RwSignal<Test>,
    request: impl Future<Output = Result<Diagnosis, AppError>> + 'static,
    submission: Submission,
) {
    if state.get_untracked() == Test::Running {
        return;
    }
    state.set(Test::Running);
    leptos::task::spawn_local(async move {
        let ended = match request.await {
            Ok(diagnosis) => Test::Ended(diagnosis),
            Err(error) => match error.problems() {
                Some(problems) => {
                    submission.show(problems.to_vec());
                    Test::NotBegun
                }
                None => Test::Lost(error),
            },
        };
        state.try_set(ended);
    });
}

/// The dialog's Test Connection button.
#[component]
pub fn TestButton(test: ProviderTest) -> impl IntoView {
    view! {
        <Button
            label="Test Connection"
            glyph=Glyph::Test
            busy=Signal::derive(move || test.state.get() == Test::Running)
            on_press=test.run
        />
    }
    .into_any()
}

/// Tests a stored provider at once; a remedy is saved and tested again.
#[component]
pub fn StoredTestDialog(
    key: ProviderKey,
    /// Something was saved or learned.
    on_change: Callback<()>,
) -> impl IntoView {
    let go = Go::here();
    let group = StoredValue::new(group());
    let title = format!("Test Connection: {}", key.id);
    let key = StoredValue::new(key);
    let state = RwSignal::new(Test::NotBegun);
    let run = Callback::new(move |()| {
        follow(state, api::test_stored_provider(group.get_value(), key.get_value()), on_change);
    });
    let mend = Callback::new(move |remedy: Remedy| {
        follow(state, mend_stored(group.get_value(), key.get_value(), remedy), on_change);
    });
    at_once(run);
    view! {
        <Dialog title on_close=go.closing() wide=true>
            <DialogBody>
                <TestPanel test=state mend/>
            </DialogBody>
            <DialogFoot dismiss="Close">
                <Button
                    label="Test again"
                    look=Look::Primary
                    glyph=Glyph::Refresh
                    busy=Signal::derive(move || state.get() == Test::Running)
                    on_press=run
                />
            </DialogFoot>
        </Dialog>
    }
    .into_any()
}

/// Shows how a test goes and ends; one at a time.
pub(crate) fn follow(
    state: RwSignal<Test>,
    request: impl Future<Output = Result<Diagnosis, AppError>> + 'static,
    on_change: Callback<()>,
) {
    if state.get_untracked() == Test::Running {
        return;
    }
    state.set(Test::Running);
    leptos::task::spawn_local(async move {
        let ended = request.await.map_or_else(Test::Lost, Test::Ended);
        state.try_set(ended);
        on_change.try_run(());
    });
}

/// Saves the stored provider with the remedy's change, then tests it.
async fn mend_stored(group: GroupName, key: ProviderKey, remedy: Remedy) -> Result<Diagnosis, AppError> {
    api::mend_provider(group.clone(), key.clone(), remedy).await?;
    api::test_stored_provider(group, key).await
}
