//! The references in the editor's text: where they stand, and how they fare.

use super::{Edited, schema};
use crate::api;
use crate::parts::group::group;
use crate::parts::state::{StateCell, tone};
use leptos::prelude::*;
use postern::control::{ReferenceUser, ReferenceView};
use postern::name::GroupName;
use postern::reference::Reference;
use postern::resolve::{ReferenceCheck, StateName, ToldState};
use postern::time::Millis;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use ui::{Badge, Button, Glyph, Look, Tone};

/// How long nothing is typed before a new reference is looked up.
const PATIENCE: Duration = Duration::from_millis(600);
/// How often the states are asked for.
const EVERY: Duration = Duration::from_secs(5);
/// Of more references in use than these, the states are asked for once.
const MANY: usize = 1000;

/// A reference and the field that it stands in, as a JSON pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub pointer: String,
    pub reference: Reference,
}

/// The references in the fields that take one; `None` while the text is no JSON.
pub fn written(schema: &Value, text: &str) -> Option<Vec<Written>> {
    let mut found = Vec::new();
    walk(schema, &serde_json::from_str(text).ok()?, String::new(), &mut found);
    Some(found)
}

fn walk(schema: &Value, value: &Value, pointer: String, found: &mut Vec<Written>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(schema, member, format!("{pointer}/{}", schema::escaped(name)), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(schema, item, format!("{pointer}/{index}"), found);
            }
        }
        Value::String(text) => {
            let takes_one = schema::field(schema, &pointer).is_some_and(|field| field.takes_reference);
            if let (true, Ok(reference)) = (takes_one, text.parse()) {
                found.push(Written { pointer, reference });
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// How references fare: those in use in the group, and those typed just now, each looked up once.
#[derive(Clone, Copy)]
pub struct States {
    group: StoredValue<GroupName>,
    edited: Edited,
    in_use: RwSignal<Vec<ReferenceView>>,
    /// `None` while it is being looked up.
    looked_up: RwSignal<BTreeMap<Reference, Option<ToldState>>>,
    now: RwSignal<Millis>,
    is_loaded: RwSignal<bool>,
}

impl States {
    /// Follows the references that are written; in the browser.
    pub(super) fn of(edited: Edited, written: Memo<Vec<Written>>) -> Self {
        let states = Self {
            group: StoredValue::new(group()),
            edited,
            in_use: RwSignal::new(Vec::new()),
            looked_up: RwSignal::new(BTreeMap::new()),
            now: RwSignal::new(Millis::default()),
            is_loaded: RwSignal::new(false),
        };
        Effect::new(move |_| {
            states.refresh();
            ui::every(EVERY, move || {
                if states.in_use.with_untracked(Vec::len) <= MANY {
                    states.refresh();
                }
            });
        });
        let mut look_up = debounce(PATIENCE, move |()| states.look_up(written));
        Effect::new(move |_| {
            written.track();
            if states.is_loaded.get() {
                look_up(());
            }
        });
        states
    }

    /// Forgets what was looked up, and asks for everything again.
    pub fn afresh(self) {
        self.looked_up.try_update(BTreeMap::clear);
        self.refresh();
    }

    fn refresh(self) {
        leptos::task::spawn_local(async move {
            let Some(group) = self.group.try_get_value() else { return };
            if let Ok(in_use) = api::references(group).await {
                self.now.try_set(in_use.now);
                self.in_use.try_set(in_use.data);
            }
            self.is_loaded.try_set(true);
        });
    }

    fn look_up(self, written: Memo<Vec<Written>>) {
        let Some(written) = written.try_get_untracked() else { return };
        for written in written {
            let known = untrack(|| self.of_written(&written)).is_some();
            let Written { reference, .. } = written;
            if known {
                continue;
            }
            self.looked_up.update(|known| {
                known.insert(reference.clone(), None);
            });
            leptos::task::spawn_local(async move {
                let Some(group) = self.group.try_get_value() else { return };
                let answer = api::check_reference(group, reference.to_string()).await;
                self.looked_up.try_update(|known| match answer.map(|answer| answer.data) {
                    Ok(ReferenceCheck::Checked { state, .. }) => known.insert(reference, Some(*state)),
                    Ok(ReferenceCheck::Malformed { .. }) | Err(_) => known.remove(&reference),
                });
            });
        }
    }

    /// How a reference fares where it stands, if that is known; `Some(None)` while it is being looked up. What it is
    /// in another field holds here, too, unless its value does not fit that field. Tracked.
    fn of_written(self, written: &Written) -> Option<Option<ToldState>> {
        let in_use = self.in_use.with(|views| {
            let of_it = || views.iter().filter(|view| view.reference == written.reference);
            let is_here = |view: &&ReferenceView| self.is_at(&view.used_by, &written.pointer);
            let elsewhere = || of_it().find(|view| view.state.name != StateName::Unfit);
            of_it().find(is_here).or_else(elsewhere).map(|view| Some(view.state.clone()))
        });
        in_use.or_else(|| self.looked_up.with(|known| known.get(&written.reference).cloned()))
    }

    /// Whether it is in the same field of the same plugin; whose that is does not matter.
    fn is_at(self, user: &ReferenceUser, pointer: &str) -> bool {
        let ReferenceUser::Plugin { user } = user else { return false };
        let edited = Edited { plugin: user.plugin, placement: user.owner.placement() };
        edited == self.edited && pointer.strip_prefix('/') == Some(&user.field)
    }

    /// The marks for the editor, as JSON.
    pub fn marks(self, written: &[Written]) -> String {
        let mark = |written: &Written| {
            let (tone, glyph, word) = match self.of_written(written)? {
                Some(state) if state.name != StateName::Pending => {
                    let (tone, name) = (tone(state.name), state.name);
                    (tone, tone.glyph(), name.label())
                }
                Some(_) | None => (Tone::Quiet, Glyph::Busy, "Checking"),
            };
            let text = written.reference.to_string();
            Some((text, json!({"tone": tone.class(), "glyph": glyph.id(), "word": word})))
        };
        Value::Object(written.iter().filter_map(mark).collect()).to_string()
    }
}

/// The references of the text, each with how it fares: what the marks in the editor show, for everyone.
#[component]
pub fn ReferenceList(written: Memo<Vec<Written>>, states: States, on_explain: Callback<Reference>) -> impl IntoView {
    let line = move |written: Written| {
        let Written { pointer, reference } = written;
        let (text, field) = (reference.to_string(), pointer.trim_start_matches('/').to_owned());
        let explained = reference.clone();
        let looked_at = Written { pointer, reference };
        view! {
            <li class="grid grid-cols-[minmax(0,1fr)] gap-1.5">
                <div class="flex items-center justify-between gap-2">
                    <code class="min-w-0 wrap-anywhere">{field.clone()}</code>
                    <Button
                        label="Explain"
                        name=format!("Explain {field}")
                        look=Look::Secondary
                        glyph=Glyph::Explain
                        small=true
                        on_press=Callback::new(move |()| on_explain.run(explained.clone()))
                    />
                </div>
                <p class="ref-text text-xs">{text}</p>
                <div class="empty:hidden">
                    {move || match states.of_written(&looked_at) {
                        Some(Some(state)) => view! { <StateCell state now=states.now/> }.into_any(),
                        Some(None) => view! { <Badge tone=Tone::Quiet word="Checking" glyph=Glyph::Busy/> }.into_any(),
                        None => ().into_any(),
                    }}
                </div>
            </li>
        }
        .into_any()
    };
    move || {
        let written = written.get();
        (!written.is_empty()).then(|| {
            view! {
                <section class="guide" aria-labelledby="guide-references">
                    <h3 id="guide-references">"References"</h3>
                    <ul class="grid grid-cols-[minmax(0,1fr)] gap-4" aria-labelledby="guide-references">
                        {written.into_iter().map(line).collect_view()}
                    </ul>
                </section>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_in_the_fields_that_take_one() {
        let schema = json!({"properties": {
            "password": {"x-reference": true},
            "host": {"type": "string"},
            "servers": {"items": {"properties": {"password": {"x-reference": true}}}},
        }});
        for (text, expected) in [
            ("{", None),
            ("{}", Some(vec![])),
            (r#"{"password": "$secret://vault/v/a/k"}"#, Some(vec!["/password"])),
            (r#"{"password": "$env://NAME"}"#, Some(vec!["/password"])),
            (r#"{"password": "plain"}"#, Some(vec![])),
            (r#"{"host": "$secret://vault/v/a/k"}"#, Some(vec![])),
            (r#"{"servers": [{}, {"password": "$secret://vault/v/a/k"}]}"#, Some(vec!["/servers/1/password"])),
        ] {
            let found = written(&schema, text).map(|found| found.into_iter().map(|w| w.pointer).collect::<Vec<_>>());
            let expected = expected.map(|pointers| pointers.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(found, expected, "{text}");
        }
    }
}
