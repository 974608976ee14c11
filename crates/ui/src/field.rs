//! Fields on native elements.
//!
//! The element holds the text, the signal follows it. Initial text is an attribute (on the server) and
//! never a child: `<textarea>` children are rendered unescaped. What was typed or chosen before
//! hydration is adopted, not overwritten.

use crate::form::{FieldError, FieldFrame, FieldLink, described_by, field_id};
use crate::ready::is_hydrating;
use leptos::html;
use leptos::prelude::*;

/// One option of a [`Select`]: form value and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    /// A choice.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// Keeps element and signal the same. Where the server rendered the element, the operator may have been
/// faster than hydration: `touched` answers what it holds if that is not what the server put there.
fn follow(value: RwSignal<String>, touched: impl Fn() -> Option<String> + 'static, write: impl Fn(&str) + 'static) {
    let from_server = is_hydrating();
    Effect::new(move |first: Option<()>| {
        let text = value.get();
        match touched().filter(|_| from_server && first.is_none()) {
            Some(typed) => value.set(typed),
            None => write(&text),
        }
    });
}

/// Whether nothing stands in the field. A dialog that closes takes the focus out of fields that are gone
/// already; those hold nothing.
fn is_empty(value: RwSignal<String>) -> bool {
    value.try_with_untracked(String::is_empty).unwrap_or(true)
}

/// A single line of text.
#[component]
pub fn TextInput(
    name: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    /// `text`, `url`, `password`, …
    #[prop(default = "text".into(), into)]
    kind: Signal<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional)] readonly: bool,
    /// For identifiers, paths and addresses.
    #[prop(optional)]
    mono: bool,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional, into)] hint: Option<ViewFn>,
) -> impl IntoView {
    let has_hint = hint.is_some();
    view! {
        <FieldFrame name label required hint=hint.unwrap_or_default()>
            <BareInput name value kind required readonly mono placeholder has_hint/>
        </FieldFrame>
    }
    .into_any()
}

/// The input alone, for [`TextInput`] and for fields whose label is elsewhere.
#[component]
pub fn BareInput(
    name: &'static str,
    value: RwSignal<String>,
    #[prop(default = "text".into(), into)] kind: Signal<&'static str>,
    #[prop(optional)] required: bool,
    #[prop(optional)] readonly: bool,
    #[prop(optional)] mono: bool,
    #[prop(optional, into)] placeholder: Signal<&'static str>,
    #[prop(optional)] has_hint: bool,
    /// The id of the element that names it, where that is not a `<label>`.
    #[prop(optional)]
    labelled_by: Option<&'static str>,
    /// Texts that may be meant, each with a word or two: the browser offers those that fit what is typed.
    #[prop(optional, into)]
    offers: Option<Signal<Vec<Choice>>>,
    /// The field took the focus.
    #[prop(optional)]
    on_focus: Option<Callback<()>>,
) -> impl IntoView {
    let link = FieldLink::new(name);
    let node = NodeRef::<html::Input>::new();
    let list = offers.map(|_| format!("{}-offers", field_id(name)));
    let touched = move || {
        let input = node.get_untracked()?;
        (input.value() != input.default_value()).then(|| input.value())
    };
    follow(value, touched, move |text| {
        if let Some(input) = node.get_untracked().filter(|input| input.value() != text) {
            input.set_value(text);
        }
    });
    // A password that was typed is never written into the page again.
    let initial = move || if kind.get_untracked() == "password" { String::new() } else { value.get_untracked() };
    view! {
        <input
            node_ref=node
            class="input"
            class:mono=mono
            id=field_id(name)
            name=name
            type=move || kind.get()
            value=initial()
            placeholder=move || Some(placeholder.get()).filter(|text| !text.is_empty())
            readonly=readonly
            autocomplete=move || if kind.get() == "password" { "new-password" } else { "off" }
            autocapitalize="none"
            spellcheck="false"
            aria-labelledby=labelled_by
            aria-required=required.then_some("true")
            aria-invalid=move || link.fault().is_some().then_some("true")
            aria-describedby=move || described_by(name, has_hint, link.fault().is_some())
            on:input=move |event| {
                value.set(event_target_value(&event));
                link.mending();
            }
            on:blur=move |_| link.left(is_empty(value))
            on:focus=move |_| {
                if let Some(on_focus) = on_focus {
                    on_focus.run(());
                }
            }
            list=list.clone()
        />
        {offers
            .map(|offers| {
                let option = |choice: Choice| view! { <option value=choice.value>{choice.label}</option> };
                view! { <datalist id=list>{move || offers.get().into_iter().map(option).collect_view()}</datalist> }
            })}
    }
    .into_any()
}

/// Several lines of text.
#[component]
pub fn TextArea(
    name: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] required: bool,
    #[prop(optional)] mono: bool,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional, into)] hint: Option<ViewFn>,
) -> impl IntoView {
    let has_hint = hint.is_some();
    view! {
        <FieldFrame name label required hint=hint.unwrap_or_default()>
            <BareArea name value rows required mono placeholder has_hint/>
        </FieldFrame>
    }
    .into_any()
}

/// The lines alone, for [`TextArea`] and for fields whose label is elsewhere.
#[component]
pub fn BareArea(
    name: &'static str,
    value: RwSignal<String>,
    #[prop(default = 3)] rows: u32,
    #[prop(optional)] required: bool,
    #[prop(optional)] mono: bool,
    #[prop(optional)] placeholder: &'static str,
    #[prop(optional)] has_hint: bool,
    /// The id of the element that names it, where that is not a `<label>`.
    #[prop(optional)]
    labelled_by: Option<&'static str>,
) -> impl IntoView {
    let link = FieldLink::new(name);
    let node = NodeRef::<html::Textarea>::new();
    let touched = move || node.get_untracked().map(|area| area.value()).filter(|text| !text.is_empty());
    follow(value, touched, move |text| {
        if let Some(area) = node.get_untracked().filter(|area| area.value() != text) {
            area.set_value(text);
        }
    });
    view! {
        <textarea
            node_ref=node
            class="input"
            class:mono=mono
            id=field_id(name)
            name=name
            rows=rows
            placeholder=Some(placeholder).filter(|text| !text.is_empty())
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
            aria-labelledby=labelled_by
            aria-required=required.then_some("true")
            aria-invalid=move || link.fault().is_some().then_some("true")
            aria-describedby=move || described_by(name, has_hint, link.fault().is_some())
            on:input=move |event| {
                value.set(event_target_value(&event));
                link.mending();
            }
            on:blur=move |_| link.left(is_empty(value))
        ></textarea>
    }
    .into_any()
}

/// One of a few.
#[component]
pub fn Select(
    name: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    choices: Vec<Choice>,
    #[prop(optional)] required: bool,
    /// Cannot be changed any more; the value is still sent.
    #[prop(optional)]
    fixed: bool,
    #[prop(optional, into)] hint: Option<ViewFn>,
) -> impl IntoView {
    let link = FieldLink::new(name);
    let has_hint = hint.is_some();
    let node = NodeRef::<html::Select>::new();
    let initial = value.get_untracked();
    let first = initial.clone();
    let touched = move || node.get_untracked().map(|select| select.value()).filter(|chosen| *chosen != first);
    follow(value, touched, move |text| {
        if let Some(select) = node.get_untracked().filter(|select| select.value() != text) {
            select.set_value(text);
        }
    });
    let options = choices
        .into_iter()
        .filter(|choice| !fixed || choice.value == initial)
        .map(|choice| view! { <option value=choice.value.clone() selected=choice.value == initial>{choice.label}</option> })
        .collect_view();
    view! {
        <FieldFrame name label required hint=hint.unwrap_or_default()>
            <select
                node_ref=node
                class="input"
                id=field_id(name)
                name=name
                aria-invalid=move || link.fault().is_some().then_some("true")
                aria-describedby=move || described_by(name, has_hint, link.fault().is_some())
                on:change=move |event| {
                    value.set(event_target_value(&event));
                    link.mending();
                }
            >
                {options}
            </select>
        </FieldFrame>
    }
    .into_any()
}

/// One radio of a group; `value` is the group's.
#[component]
pub fn Radio(name: &'static str, value: RwSignal<String>, choice: Choice) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let slug = choice.value.clone();
    let from_server = is_hydrating();
    Effect::new(move |first: Option<()>| {
        let chosen = value.get();
        let Some(input) = node.get_untracked() else { return };
        if from_server && first.is_none() {
            // Another radio of the group may have been chosen already: that one adopts it.
            if input.checked() && chosen != slug {
                value.set(slug.clone());
            }
        } else if input.checked() != (chosen == slug) {
            input.set_checked(chosen == slug);
        }
    });
    let pick = choice.value.clone();
    view! {
        <label class="choice">
            <input
                node_ref=node
                type="radio"
                name=name
                value=choice.value.clone()
                checked=value.get_untracked() == choice.value
                on:change=move |_| value.set(pick.clone())
            />
            <span>{choice.label}</span>
        </label>
    }
    .into_any()
}

/// On or off.
#[component]
pub fn Checkbox(name: &'static str, label: String, form_value: String, value: RwSignal<bool>) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let from_server = is_hydrating();
    Effect::new(move |first: Option<()>| {
        let on = value.get();
        let Some(input) = node.get_untracked() else { return };
        if from_server && first.is_none() && input.checked() != input.default_checked() {
            value.set(input.checked());
        } else if input.checked() != on {
            input.set_checked(on);
        }
    });
    view! {
        <label class="choice">
            <input
                node_ref=node
                type="checkbox"
                name=name
                value=form_value
                checked=value.get_untracked()
                on:change=move |event| value.set(event_target_checked(&event))
            />
            <span>{label}</span>
        </label>
    }
    .into_any()
}

/// The error line of a field that is not one of the above.
#[component]
pub fn FaultLine(name: &'static str) -> impl IntoView {
    let link = FieldLink::new(name);
    view! { <FieldError name link/> }.into_any()
}
