//! A sensitive field: typed in, or referred to. Its legend names both the group and its one textbox.

use crate::api::{self, Timed};
use crate::error::AppError;
use crate::forms::completion::{Completion, Hint};
use crate::forms::explain::{Explain, ExplainButton, ExplainPanel};
use crate::forms::plain::source;
use crate::parts::diagnosis::Test;
use crate::parts::group::group;
use crate::parts::reference::{EnvParts, Malformed, ReferenceParts};
use crate::parts::state::StateCell;
use leptos::prelude::*;
use postern::credential::{CredentialForm, FieldName, SecretFieldForm, Source};
use postern::provider::vault::FormSecret;
use postern::resolve::ReferenceCheck;
use postern::secret_ref::{self, Reading};
use ui::{BareArea, BareInput, Button, Choice, FaultLine, Faults, Glyph, Look, Radio};

/// The field as typed. What was typed for the other choice is kept until the dialog closes.
#[derive(Clone, Copy)]
pub struct SecretFields {
    source: RwSignal<String>,
    text: RwSignal<String>,
    other: StoredValue<String>,
}

impl SecretFields {
    pub fn new(form: SecretFieldForm) -> Self {
        Self {
            source: RwSignal::new(form.source.slug().to_owned()),
            text: RwSignal::new(form.text.0),
            other: StoredValue::new(String::new()),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> SecretFieldForm {
        SecretFieldForm { source: source(&self.source.get()), text: FormSecret(self.text.get()) }
    }

    pub fn set(self, form: SecretFieldForm) {
        self.source.set(form.source.slug().to_owned());
        self.text.set(form.text.0);
    }

    fn chosen(self) -> Source {
        source(&self.source.get())
    }

    /// The other radio was chosen: its own text comes back. A reference typed on the wrong side stays.
    fn swap(self) {
        let text = self.text.get_untracked();
        if secret_ref::read(text.trim()) == Reading::Literal {
            self.text.set(self.other.get_value());
            self.other.set_value(text);
        }
    }
}

/// The fieldset for a secret.
#[component]
pub fn SecretInput(
    fields: SecretFields,
    /// Its label is also the textbox's name.
    field: FieldName,
    /// When the stored secret was set, and what time it is: leaving it empty keeps it.
    stored: Option<String>,
) -> impl IntoView {
    let manual = Memo::new(move |_| fields.chosen() == Source::ManuallyInput);
    let shown = RwSignal::new(false);
    Effect::new(move |before: Option<bool>| {
        let now = manual.get();
        if before.is_some_and(|before| before != now) {
            untrack(|| fields.swap());
        }
        now
    });
    let kind = Signal::derive(move || if manual.get() && !shown.get() { "password" } else { "text" });
    // What is typed by hand is a secret: nothing completes it, and it is not asked about.
    let completion = Completion::following(Signal::derive(move || match manual.get() {
        true => String::new(),
        false => fields.text.get(),
    }));
    let choices = Source::ALL.map(|source| Choice::new(source.slug(), source.label()));
    let has_stored = stored.is_some();
    let FieldName { name, label, .. } = field;
    let faults = use_context::<Faults>();
    let is_told = Signal::derive(move || faults.is_some_and(|faults| faults.of(name).is_some()));
    let is_public = CredentialForm::is_public(field);
    view! {
        <fieldset class="grid grid-cols-[minmax(0,1fr)] gap-2 min-w-0">
            <legend class="label mb-1.5" class:required=!has_stored id="legend-secret">
                {label}
            </legend>
            <div class="flex flex-wrap gap-x-5 gap-y-1">
                {choices
                    .into_iter()
                    .map(|choice| view! { <Radio name="secret_source" value=fields.source choice/> })
                    .collect_view()}
            </div>
            <div class="flex gap-2">
                {move || {
                    if is_public && manual.get() {
                        return view! {
                            <BareArea
                                name=name
                                value=fields.text
                                rows=6
                                mono=true
                                placeholder="-----BEGIN PUBLIC KEY-----"
                                has_hint=true
                                labelled_by="legend-secret"
                            />
                        }
                        .into_any();
                    }
                    if manual.get() {
                        return view! { <BareInput name value=fields.text kind mono=true has_hint=true labelled_by="legend-secret"/> }
                            .into_any();
                    }
                    view! {
                        <BareInput
                            name
                            value=fields.text
                            mono=true
                            placeholder=field.example
                            has_hint=true
                            labelled_by="legend-secret"
                            offers=completion.choices()
                            on_focus=completion.begin(fields.text)
                        />
                    }
                    .into_any()
                }}
                {move || (manual.get() && !is_public).then(|| view! { <ManualButtons fields shown/> })}
            </div>
            <FaultLine name=name/>
            <div id=format!("field-{name}-hint") class="hint grid grid-cols-[minmax(0,1fr)] gap-2">
                {move || {
                    if manual.get() {
                        view! { <ManualHint fields stored=stored.clone()/> }.into_any()
                    } else {
                        view! {
                            <Hint completion/>
                            <ReferenceHelp text=fields.text is_told/>
                        }
                        .into_any()
                    }
                }}
            </div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn ManualButtons(fields: SecretFields, shown: RwSignal<bool>) -> impl IntoView {
    let generate = move |()| {
        fields.text.set(ui::random_key());
        shown.set(true);
    };
    view! {
        <Button
            label=Signal::derive(move || if shown.get() { "Hide" } else { "Show" }.to_owned())
            on_press=Callback::new(move |()| shown.update(|shown| *shown = !*shown))
        />
        <Button label="Generate" glyph=Glyph::Generate on_press=Callback::new(generate)/>
    }
    .into_any()
}

#[component]
fn ManualHint(fields: SecretFields, stored: Option<String>) -> impl IntoView {
    let looks_like_reference =
        Memo::new(move |_| fields.text.with(|text| secret_ref::read(text.trim()) != Reading::Literal));
    let switch = move |()| fields.source.set(Source::Reference.slug().to_owned());
    let hint =
        stored.unwrap_or_else(|| "Stored encrypted and never shown again: copy it now if someone needs it.".to_owned());
    view! {
        <p>{hint}</p>
        {move || {
            looks_like_reference
                .get()
                .then(|| {
                    view! {
                        <p class="flex flex-wrap items-center gap-2 text-warn">
                            "This looks like a reference."
                            <Button label="Switch to the reference" small=true on_press=Callback::new(switch)/>
                        </p>
                    }
                })
        }}
    }
    .into_any()
}

/// What the text says while it is typed, and, on a button, where it leads.
#[component]
pub fn ReferenceHelp(
    text: RwSignal<String>,
    /// What is wrong with the text is told elsewhere.
    #[prop(optional, into)]
    is_told: Signal<bool>,
) -> impl IntoView {
    let reading = Memo::new(move |_| text.with(|text| secret_ref::read(text.trim())));
    let check = RwSignal::new(None::<Result<Timed<ReferenceCheck>, AppError>>);
    let busy = RwSignal::new(false);
    let respell = Callback::new(move |better| text.set(better));
    let explain = Explain::of(text.into(), Some(respell), Callback::new(|()| {}));
    // What was resolved is not what stands there now.
    Effect::new(move |_| {
        reading.get();
        check.set(None);
        explain.state.set(Test::NotBegun);
    });
    let group = StoredValue::new(group());
    let resolve = move |()| {
        busy.set(true);
        explain.state.set(Test::NotBegun);
        let text = text.get_untracked().trim().to_owned();
        let request = api::check_reference(group.get_value(), text);
        leptos::task::spawn_local(async move {
            let answer = request.await;
            busy.try_set(false);
            check.try_set(Some(answer));
        });
    };
    let is_reference = Memo::new(move |_| matches!(reading.get(), Reading::Reference(_) | Reading::Env(_)));
    view! {
        <div aria-live="polite" class="grid grid-cols-[minmax(0,1fr)] gap-2">
            {move || {
                let text = text.get_untracked().trim().to_owned();
                view! { <ReadingLine reading=reading.get() text is_told=is_told.get()/> }
            }}
            {move || check.get().map(|answer| view! { <Resolved answer/> })}
        </div>
        <ExplainPanel explain/>
        <div class="flex flex-wrap gap-2">
            <Button
                label="Resolve"
                look=Look::Secondary
                glyph=Glyph::Reference
                small=true
                busy
                disabled=Signal::derive(move || !is_reference.get())
                on_press=Callback::new(resolve)
            />
            <ExplainButton explain disabled=Signal::derive(move || !is_reference.get())/>
        </div>
    }
    .into_any()
}

#[component]
fn ReadingLine(reading: Reading, text: String, is_told: bool) -> impl IntoView {
    match reading {
        Reading::Reference(reference) => view! { <p><ReferenceParts reference/></p> }.into_any(),
        Reading::Env(reference) => view! { <p><EnvParts reference/></p> }.into_any(),
        Reading::Malformed(error) => view! { <Malformed text error is_told/> }.into_any(),
        Reading::NearMiss(_) if is_told => ().into_any(),
        Reading::NearMiss(why) => view! { <p class="text-danger">{why}</p> }.into_any(),
        Reading::Literal => view! {
            <p>
                "A reference reads "
                <span class="ref-text">"$secret://vault/<Secret Provider ID>/<path>/<key>"</span>
                ", or "
                <span class="ref-text">"$env://<NAME>"</span>
                "."
            </p>
        }
        .into_any(),
    }
}

/// State, version, length, request; never the value.
#[component]
fn Resolved(answer: Result<Timed<ReferenceCheck>, AppError>) -> impl IntoView {
    let (now, check) = match answer {
        Err(error) => return view! { <p class="text-danger">{error.sentence()}</p> }.into_any(),
        Ok(Timed { now, data }) => (now, data),
    };
    match check {
        ReferenceCheck::Malformed { problem, .. } => view! { <p class="text-danger">{problem}</p> }.into_any(),
        ReferenceCheck::Checked { request, state, .. } => view! {
            <div class="card card-pad">
                <StateCell state=*state now/>
                {request
                    .map(|request| {
                        view! {
                            <p class="cell-sub">
                                "Request "
                                <code class="wrap-anywhere">{request}</code>
                            </p>
                        }
                    })}
            </div>
        }
        .into_any(),
    }
}
