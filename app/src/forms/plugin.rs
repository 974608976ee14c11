//! Enable Plugin: the catalogue, then the JSON editor; editing an enabled one is the editor again.

use crate::api;
use crate::error::AppError;
use crate::forms::{FormDialog, Submission};
use crate::go::Go;
use crate::parts::group::group;
use leptos::prelude::*;
use postern::control::{ControlError, PluginOwner};
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins};
use postern::problem::FieldProblem;
use ui::{BareInput, Button, Dialog, DialogBody, DialogFoot, TextArea};

/// What the button is called that opens the catalogue, and what is done there.
pub fn enabling(placement: Placement) -> (&'static str, &'static str) {
    match placement {
        Placement::Route | Placement::Consumer => ("Enable Plugin", "Enable"),
        Placement::Metadata => ("Add Plugin Metadata", "Add"),
    }
}

/// Every plugin there is, to choose from.
#[component]
pub fn CatalogueDialog(
    /// Those that are enabled already.
    enabled: Vec<PluginName>,
    /// What they are enabled on.
    placement: Placement,
) -> impl IntoView {
    let go = Go::here();
    let search = RwSignal::new(String::new());
    let found = Memo::new(move |_| {
        let wanted = search.get();
        PluginName::of(placement).filter(|plugin| matches(*plugin, &wanted)).collect::<Vec<_>>()
    });
    view! {
        <Dialog title=enabling(placement).0 on_close=go.closing() wide=true>
            <DialogBody>
                <div class="field">
                    <label class="sr-only" for="field-search">
                        "Search plugins"
                    </label>
                    <BareInput name="search" kind="search" value=search placeholder="Search plugins"/>
                </div>
                <ul class="grid gap-3">
                    {move || {
                        let enabled = enabled.clone();
                        found
                            .get()
                            .into_iter()
                            .map(|plugin| view! { <Card plugin placement is_enabled=enabled.contains(&plugin)/> })
                            .collect_view()
                    }}
                </ul>
                <p class="text-muted" role="note" class:hidden=move || !found.with(Vec::is_empty)>
                    "No plugin has such a name."
                </p>
            </DialogBody>
            <DialogFoot dismiss="Close"/>
        </Dialog>
    }
    .into_any()
}

/// By either name, in any case.
fn matches(plugin: PluginName, wanted: &str) -> bool {
    let wanted = wanted.trim().to_lowercase();
    [plugin.slug(), plugin.label()].iter().any(|name| name.to_lowercase().contains(&wanted))
}

#[component]
fn Card(plugin: PluginName, placement: Placement, is_enabled: bool) -> impl IntoView {
    let go = Go::here();
    let (verb, key) = if is_enabled { ("Edit", "edit-plugin") } else { (enabling(placement).1, "enable") };
    view! {
        <li class="plugin-card">
            <div>
                <h3>{plugin.label()}</h3>
                <p class="cell-sub">
                    <code>{plugin.slug()}</code>
                </p>
            </div>
            <Button label=verb on_press=Callback::new(move |()| go.open(key, plugin.slug()))/>
            <p class="text-muted col-span-full text-sm">{plugin.summary()}</p>
        </li>
    }
    .into_any()
}

fn label(field: &str) -> String {
    if field == "json" { "JSON Editor".to_owned() } else { field.to_owned() }
}

/// The JSON editor of one plugin.
#[component]
pub fn PluginDialog(
    plugin: PluginName,
    owner: PluginOwner,
    /// The owner's revision.
    revision: u64,
    plugins: Plugins,
    /// The owner's revision and plugins, as stored now.
    reload: Callback<()>,
    on_done: Callback<()>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let placement = owner.placement();
    let owner = StoredValue::new(owner);
    let stored = plugins.get(&plugin).map(PluginConfig::to_json);
    let editing = stored.is_some();
    let first = stored.unwrap_or_else(|| plugin.example(placement).to_owned());
    let json = RwSignal::new(first.clone());
    let first = StoredValue::new(first);
    let submission = Submission::of(move || check(placement, plugin, &json.get_untracked()));
    let send = move |revision: u64| {
        let (group, owner, json) = (group.get_value(), owner.get_value(), json.get_untracked());
        submission.send(
            async move { api::set_plugin(group, owner, revision, plugin, json).await.map_err(at_editor) },
            on_done,
        );
    };
    let what = match placement {
        Placement::Route | Placement::Consumer => plugin.label().to_owned(),
        Placement::Metadata => format!("Metadata of {}", plugin.label()),
    };
    let title = if editing { format!("Edit {what}") } else { format!("{} {what}", enabling(placement).1) };
    view! {
        <FormDialog
            title
            verb=if editing { "Save" } else { enabling(placement).1 }
            submission
            dirty=Signal::derive(move || first.with_value(|first| *first != json.get()))
            on_submit=Callback::new(move |()| send(revision))
            on_close
            label
            on_reload=reload
            on_overwrite=Callback::new(send)
            wide=true
        >
            <p class="text-muted">{plugin.summary()}</p>
            <TextArea
                name="json"
                label="JSON Editor"
                value=json
                rows=14
                mono=true
                hint=move || view! { <Hint plugin placement/> }
            />
        </FormDialog>
    }
    .into_any()
}

/// What may stand in the editor.
#[component]
fn Hint(plugin: PluginName, placement: Placement) -> impl IntoView {
    let fields = plugin.secret_fields(placement).join(", ");
    view! {
        "Machine name: "
        <code>{plugin.slug()}</code>
        {(!fields.is_empty())
            .then(|| {
                view! {
                    ". A reference such as "
                    <span class="ref-text">"$secret://vault/my-vault/redis/password"</span>
                    " may stand in: "
                    <code>{fields}</code>
                }
            })}
        "."
    }
    .into_any()
}

/// The domain's check; every problem belongs to the one field there is, with its place inside.
fn check(placement: Placement, plugin: PluginName, json: &str) -> Result<(), Vec<FieldProblem>> {
    PluginConfig::parse_for(placement, plugin, json).map(drop).map_err(in_editor)
}

/// What the server refuses, told where it was typed.
fn at_editor(error: AppError) -> AppError {
    match error {
        AppError::Control(ControlError::Invalid { problems }) => {
            AppError::Control(ControlError::Invalid { problems: in_editor(problems) })
        }
        other => other,
    }
}

fn in_editor(problems: Vec<FieldProblem>) -> Vec<FieldProblem> {
    let lines: Vec<String> = problems
        .iter()
        .map(|p| if p.field == "json" { p.problem.clone() } else { format!("{}: {}", p.field, p.problem) })
        .collect();
    vec![FieldProblem::new("json", lines.join(" "))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_by_either_name() {
        for (wanted, found) in [("", true), ("key", true), ("KEY-AUTH", true), ("Key Auth", true), ("limit", false)] {
            assert_eq!(matches(PluginName::KeyAuth, wanted), found, "{wanted}");
        }
    }

    #[test]
    fn problems_inside_the_json_are_told_with_their_place() {
        let problems = check(Placement::Route, PluginName::KeyAuth, r#"{"header": 1, "nonsense": true}"#).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].field, "json");
        for part in ["/header", "/nonsense"] {
            assert!(problems[0].problem.contains(part), "{problems:?}");
        }
        assert!(check(Placement::Route, PluginName::KeyAuth, "{}").is_ok());
    }
}
