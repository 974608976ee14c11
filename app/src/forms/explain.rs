//! Explain: what reading a reference goes through, step by step.

use crate::api;
use crate::error::AppError;
use crate::forms::at_once;
use crate::forms::provider_test::follow;
use crate::parts::diagnosis::{Test, TestPanel};
use crate::parts::group::group;
use leptos::prelude::*;
use postern::diagnosis::{Diagnosis, Remedy};
use postern::name::GroupName;
use postern::reference::Reference;
use postern::secret_ref::SecretRef;
use ui::{Button, Dialog, DialogBody, DialogFoot, Glyph, Look};

/// An explanation under way, of a text that may change meanwhile.
#[derive(Clone, Copy)]
pub struct Explain {
    pub state: RwSignal<Test>,
    pub run: Callback<()>,
    pub mend: Callback<Remedy>,
}

impl Explain {
    /// Explains what `text` is when it is asked to. Where it is being written, `respell` writes it anew.
    pub fn of(text: Signal<String>, respell: Option<Callback<String>>, on_change: Callback<()>) -> Self {
        let state = RwSignal::new(Test::NotBegun);
        let group = StoredValue::new(group());
        let now = move || text.get_untracked().trim().to_owned();
        let run = Callback::new(move |()| {
            let request = api::explain_reference(group.get_value(), now());
            let told = async move {
                let diagnosis = request.await?;
                Ok(if respell.is_some() { diagnosis } else { diagnosis.of_fixed_reference() })
            };
            follow(state, told, on_change);
        });
        let mend = Callback::new(move |remedy: Remedy| {
            if let Remedy::Respell { to } = &remedy {
                if let Some(respell) = respell {
                    respell.run(to.to_string());
                    run.run(());
                }
                return;
            }
            follow(state, mend_and_explain(group.get_value(), now(), remedy), on_change);
        });
        Self { state, run, mend }
    }
}

/// Saves the reference's provider with the remedy's change, then explains again.
async fn mend_and_explain(group: GroupName, text: String, remedy: Remedy) -> Result<Diagnosis, AppError> {
    if let Ok(reference) = text.parse::<SecretRef>() {
        api::mend_provider(group.clone(), reference.provider_key(), remedy).await?;
    }
    api::explain_reference(group, text).await
}

/// The button beside a reference that is being typed.
#[component]
pub fn ExplainButton(explain: Explain, #[prop(into)] disabled: Signal<bool>) -> impl IntoView {
    view! {
        <Button
            label="Explain"
            look=Look::Secondary
            glyph=Glyph::Explain
            small=true
            busy=Signal::derive(move || explain.state.get() == Test::Running)
            disabled
            on_press=explain.run
        />
    }
    .into_any()
}

/// Explains a reference in use at once.
#[component]
pub fn ExplainDialog(
    reference: Reference,
    /// Something was saved or learned.
    on_change: Callback<()>,
    /// Writes what was probably meant, where the reference is being written.
    #[prop(optional)]
    respell: Option<Callback<String>>,
    on_close: Callback<()>,
) -> impl IntoView {
    let text = RwSignal::new(reference.to_string());
    let respell = respell.map(|respell| {
        Callback::new(move |better: String| {
            text.set(better.clone());
            respell.run(better);
        })
    });
    let explain = Explain::of(text.into(), respell, on_change);
    at_once(explain.run);
    view! {
        <Dialog title="Explain" on_close wide=true title_id="explain-title">
            <DialogBody>
                <p class="ref-text text-sm wrap-anywhere">{move || text.get()}</p>
                <ExplainPanel explain/>
            </DialogBody>
            <DialogFoot dismiss="Close">
                <Button
                    label="Explain again"
                    look=Look::Primary
                    glyph=Glyph::Refresh
                    busy=Signal::derive(move || explain.state.get() == Test::Running)
                    on_press=explain.run
                />
            </DialogFoot>
        </Dialog>
    }
    .into_any()
}

/// The steps, and the one that failed.
#[component]
pub fn ExplainPanel(explain: Explain) -> impl IntoView {
    view! { <TestPanel test=explain.state mend=explain.mend label="Explanation" running="Reading the reference…"/> }
        .into_any()
}
