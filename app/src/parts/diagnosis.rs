//! Test Connection and Explain: what each stage found.

use crate::error::AppError;
use crate::parts::explanation::Explained;
use leptos::html;
use leptos::prelude::*;
use postern::diagnosis::{Diagnosis, Outcome, Remedy, StageResult};
use ui::{Badge, Button, Glyph, Icon, Look, Tone};

/// A test: not begun, running, or ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Test {
    #[default]
    NotBegun,
    Running,
    Ended(Diagnosis),
    Lost(AppError),
}

/// The step that failed.
const FAILED: &str = ".stage[data-failed]";

/// The panel below a provider's fields, or in a dialog of its own.
#[component]
pub fn TestPanel(
    test: RwSignal<Test>,
    /// Makes the change that mends the failure, and tests again.
    mend: Callback<Remedy>,
    #[prop(default = "Test result")] label: &'static str,
    #[prop(default = "Testing the connection…")] running: &'static str,
) -> impl IntoView {
    let panel = NodeRef::<html::Div>::new();
    // The panel may stand below what is visible of the dialog, and be longer than that.
    Effect::new(move |_| {
        if test.with(|test| *test != Test::NotBegun)
            && let Some(panel) = panel.get_untracked()
        {
            request_animation_frame(move || match panel.query_selector(FAILED) {
                Ok(Some(failed)) => failed.scroll_into_view_with_bool(false),
                Ok(None) | Err(_) => panel.scroll_into_view_with_bool(false),
            });
        }
    });
    view! {
        <div role="status" aria-label=label class="empty:hidden" node_ref=panel>
            {move || match test.get() {
                Test::NotBegun => ().into_any(),
                Test::Running => view! { <Running text=running/> }.into_any(),
                Test::Ended(diagnosis) => view! { <Ended diagnosis mend/> }.into_any(),
                Test::Lost(error) => view! { <p class="text-danger">{error.sentence()}</p> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

#[component]
fn Running(text: &'static str) -> impl IntoView {
    view! {
        <p class="flex items-center gap-2 text-muted">
            <Icon glyph=Glyph::Busy class="spin"/>
            {text}
        </p>
    }
    .into_any()
}

#[component]
fn Ended(diagnosis: Diagnosis, mend: Callback<Remedy>) -> impl IntoView {
    let (tone, word) = verdict(&diagnosis);
    let headline = diagnosis.headline();
    let stages = diagnosis.stages.into_iter().map(|result| view! { <Stage result mend/> }).collect_view();
    view! {
        <div class="card card-pad">
            <p class="mb-2 flex flex-wrap items-center gap-2 font-medium">
                <Badge tone word/>
                <span>{headline}</span>
            </p>
            <ol class="stages">{stages}</ol>
        </div>
    }
    .into_any()
}

fn verdict(diagnosis: &Diagnosis) -> (Tone, &'static str) {
    match (diagnosis.failure(), diagnosis.warns()) {
        (Some(_), _) => (Tone::Danger, "Fails"),
        (None, true) => (Tone::Warn, "Works, with a warning"),
        (None, false) => (Tone::Ok, "Works"),
    }
}

#[component]
fn Stage(result: StageResult, mend: Callback<Remedy>) -> impl IntoView {
    let StageResult { stage, outcome, took_ms } = result;
    let (ink, glyph, word, found) = match &outcome {
        Outcome::Passed { found } => (Tone::Ok.ink(), Glyph::Ok, "passed", found.clone()),
        Outcome::Warned { found, .. } => (Tone::Warn.ink(), Glyph::Warn, "warning", found.clone()),
        Outcome::Failed { .. } => (Tone::Danger.ink(), Glyph::Danger, "failed", "Failed".to_owned()),
        Outcome::Skipped { why } => (Tone::Quiet.ink(), Glyph::Skipped, "skipped", why.clone()),
    };
    let more = match outcome {
        Outcome::Failed { reason, explanation, remedy } => Some((reason, explanation, remedy)),
        Outcome::Warned { reason, explanation, .. } => Some((reason, explanation, None)),
        Outcome::Passed { .. } | Outcome::Skipped { .. } => None,
    };
    let is_failed = word == "failed";
    view! {
        <li class="stage" data-failed=is_failed>
            <span class=format!("contents {ink}")>
                <Icon glyph/>
            </span>
            <span class="font-medium">
                {stage.label()}
                <span class="sr-only">" " {word}</span>
            </span>
            <span class=format!("stage-found wrap-anywhere {}", if is_failed { ink } else { "text-muted" })>
                {found}
            </span>
            <span class="stage-time">{took_ms} " ms"</span>
            {more
                .map(|(reason, explanation, remedy)| {
                    view! {
                        <div class="stage-more">
                            <Explained reason explanation/>
                            {remedy.map(|remedy| view! { <RemedyButton remedy mend/> })}
                        </div>
                    }
                })}
        </li>
    }
    .into_any()
}

#[component]
fn RemedyButton(remedy: Remedy, mend: Callback<Remedy>) -> impl IntoView {
    view! {
        <div>
            <Button
                label=remedy.label()
                look=Look::Primary
                on_press=Callback::new(move |()| mend.run(remedy.clone()))
            />
        </div>
    }
    .into_any()
}
