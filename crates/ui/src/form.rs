//! What a form knows beside its values: which fields are at fault, and why.

use crate::{Glyph, Icon, focus_id};
use leptos::prelude::*;
use std::sync::Arc;

type Check = Arc<dyn Fn() -> Vec<(String, String)> + Send + Sync>;

/// The faults of the form around the caller, in the order of its check, which is that of its fields. A field is checked
/// when it is left, and all are when the form is submitted.
#[derive(Clone, Copy)]
pub struct Faults {
    by_field: RwSignal<Vec<(String, String)>>,
    /// Set when the form was submitted with faults: the summary takes the focus.
    submitted: RwSignal<u32>,
    check: StoredValue<Check>,
}

impl Faults {
    /// Begins a form. `check` names every field at fault with a sentence.
    #[must_use]
    pub fn provide(check: impl Fn() -> Vec<(String, String)> + Send + Sync + 'static) -> Self {
        let faults = Self {
            by_field: RwSignal::new(Vec::new()),
            submitted: RwSignal::new(0),
            check: StoredValue::new(Arc::new(check)),
        };
        provide_context(faults);
        faults
    }

    /// The faults of the form as it stands; also shown. Empty when it may be sent.
    pub fn submit(&self) -> bool {
        let found = (self.check.get_value())();
        let good = found.is_empty();
        self.refuse(found);
        good
    }

    /// Shows faults found by the server.
    pub fn refuse(&self, found: Vec<(String, String)>) {
        let any = !found.is_empty();
        // The form may be gone by the time the server answers.
        self.by_field.try_set(one_each(found));
        if any {
            self.submitted.try_update(|n| *n += 1);
        }
    }

    /// The field was left: it alone is checked. An empty one is not blamed yet.
    fn left(&self, field: &str, is_empty: bool) {
        if is_empty {
            return;
        }
        let Some(check) = self.check.try_get_value() else { return };
        let fault = check().into_iter().find(|(name, _)| name == field);
        self.by_field.try_update(|told| {
            let place = told.iter().position(|(name, _)| name == field);
            match (place, fault) {
                (Some(place), Some(fault)) => told[place] = fault,
                (Some(place), None) => drop(told.remove(place)),
                (None, Some(fault)) => told.push(fault),
                (None, None) => {}
            }
        });
    }

    /// What was told is looked at again: what is mended is no longer told. For a field of many parts.
    pub fn recheck(&self) {
        if self.by_field.try_with_untracked(Vec::is_empty) == Some(false)
            && let Some(check) = self.check.try_get_value()
        {
            self.by_field.try_set(one_each(check()));
        }
    }

    /// Every fault that is told, with its field.
    #[must_use]
    pub fn all(&self) -> Vec<(String, String)> {
        self.by_field.try_get().unwrap_or_default()
    }

    /// What was wrong with the field is being mended.
    fn mending(&self, field: &str) {
        let is_told = |faults: &Vec<(String, String)>| faults.iter().any(|(name, _)| name == field);
        if self.by_field.try_with_untracked(is_told) == Some(true) {
            self.by_field.update(|faults| faults.retain(|(name, _)| name != field));
        }
    }

    /// What is wrong with the field.
    #[must_use]
    pub fn of(&self, field: &str) -> Option<String> {
        // A dialog that closes takes the focus out of a field, and what that leads to may run after it is gone.
        let of_it = |(name, why): &(String, String)| (name == field).then(|| why.clone());
        self.by_field.try_with(|faults| faults.iter().find_map(of_it)).flatten()
    }
}

/// The first fault of each field: mending it shows whether there is another.
fn one_each(found: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut kept: Vec<(String, String)> = Vec::with_capacity(found.len());
    for (name, why) in found {
        if kept.iter().all(|(other, _)| *other != name) {
            kept.push((name, why));
        }
    }
    kept
}

#[doc(hidden)]
/// A field's link to the form around it, if there is one.
#[derive(Clone, Copy)]
pub struct FieldLink {
    faults: Option<Faults>,
    name: &'static str,
}

impl FieldLink {
    pub(crate) fn new(name: &'static str) -> Self {
        // What another dialog left behind in the same place is not this form's.
        let faults = use_context::<Faults>().filter(|faults| !faults.by_field.is_disposed());
        Self { faults, name }
    }

    pub(crate) fn fault(self) -> Option<String> {
        self.faults.and_then(|faults| faults.of(self.name))
    }

    pub(crate) fn left(self, is_empty: bool) {
        if let Some(faults) = self.faults {
            faults.left(self.name, is_empty);
        }
    }

    pub(crate) fn mending(self) {
        if let Some(faults) = self.faults {
            faults.mending(self.name);
        }
    }
}

/// The id of the element of the field `name`. One form stands on a page at a time.
pub(crate) fn field_id(name: &str) -> String {
    format!("field-{}", name.replace('/', "-"))
}

/// The ids that describe the field: its hint and, when there is one, its error.
pub(crate) fn described_by(name: &str, has_hint: bool, has_fault: bool) -> Option<String> {
    let hint = has_hint.then(|| format!("{}-hint", field_id(name)));
    let fault = has_fault.then(|| format!("{}-error", field_id(name)));
    match (hint, fault) {
        (None, None) => None,
        (hint, fault) => Some([fault, hint].into_iter().flatten().collect::<Vec<_>>().join(" ")),
    }
}

/// Label above, hint and error below.
#[component]
pub fn FieldFrame(
    name: &'static str,
    label: &'static str,
    #[prop(optional)] required: bool,
    /// Below the field.
    #[prop(optional, into)]
    hint: ViewFn,
    children: Children,
) -> impl IntoView {
    let link = FieldLink::new(name);
    view! {
        <div class="field">
            <label class="label" class:required=required for=field_id(name)>
                {label}
            </label>
            {children()}
            <FieldError name link/>
            <div class="hint empty:hidden" id=format!("{}-hint", field_id(name))>
                {hint.run()}
            </div>
        </div>
    }
    .into_any()
}

#[doc(hidden)]
#[component]
pub fn FieldError(name: &'static str, link: FieldLink) -> impl IntoView {
    move || {
        link.fault().map(|why| {
            view! {
                <p class="error" id=format!("{}-error", field_id(name))>
                    <Icon glyph=Glyph::Danger/>
                    <span>{why}</span>
                </p>
            }
        })
    }
}

/// After a submit with faults: each, with a link to its field. Takes the focus.
#[component]
pub fn ErrorSummary(
    faults: Faults,
    /// How the dialog names a field.
    label: fn(&str) -> String,
    /// Leads to a field, where that is more than giving it the focus.
    #[prop(optional_no_strip)]
    seek: Option<Callback<String>>,
) -> impl IntoView {
    const ID: &str = "error-summary";
    Effect::new(move |_| {
        if faults.submitted.try_get().is_some_and(|times| times > 0) {
            request_animation_frame(|| focus_id(ID));
        }
    });
    let shown = Memo::new(move |_| {
        let submitted = faults.submitted.try_get().is_some_and(|times| times > 0);
        submitted && faults.by_field.try_with(Vec::is_empty) == Some(false)
    });
    move || {
        shown.get().then(|| {
            view! {
                <div class="callout tone-danger" id=ID tabindex="-1" role="group" aria-label="What needs mending">
                    <Icon glyph=Glyph::Danger/>
                    <ul class="callout-body">
                        {move || {
                            let line = |(name, why)| view! { <SummaryLine name why label seek/> };
                            faults.all().into_iter().map(line).collect_view()
                        }}
                    </ul>
                </div>
            }
        })
    }
}

#[component]
fn SummaryLine(name: String, why: String, label: fn(&str) -> String, seek: Option<Callback<String>>) -> impl IntoView {
    let id = field_id(&name);
    let (target, field) = (id.clone(), name.clone());
    view! {
        <li>
            <a
                class="link link-inline"
                href=format!("#{id}")
                on:click=move |event| {
                    event.prevent_default();
                    match seek {
                        Some(seek) => seek.run(field.clone()),
                        None => focus_id(&target),
                    }
                }
            >
                {label(&name)}
            </a>
            ": "
            {why}
        </li>
    }
    .into_any()
}
