//! Enable Plugin: every plugin there is, to choose from.

use crate::go::Go;
use leptos::prelude::*;
use postern::plugin::{Placement, PluginName};
use ui::{BareInput, Button, Dialog, DialogBody, DialogFoot};

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
        let mut found = PluginName::of(placement).filter(|plugin| matches(*plugin, &wanted)).collect::<Vec<_>>();
        found.sort_by_key(|plugin| plugin.label());
        found
    });
    let count = move || match found.with(Vec::len) {
        0 => "No plugin has such a name or does such a thing.".to_owned(),
        1 => "1 plugin".to_owned(),
        number => format!("{number} plugins"),
    };
    view! {
        <Dialog title=enabling(placement).0 on_close=go.closing() wide=true>
            <DialogBody>
                <div class="field">
                    <label class="sr-only" for="field-search">
                        "Search plugins"
                    </label>
                    <BareInput name="search" kind="search" value=search placeholder="Search plugins"/>
                    <p class="hint" role="status">
                        {count}
                    </p>
                </div>
                <ul class="plugin-cards">
                    {move || {
                        let enabled = enabled.clone();
                        found
                            .get()
                            .into_iter()
                            .map(|plugin| view! { <Card plugin placement is_enabled=enabled.contains(&plugin)/> })
                            .collect_view()
                    }}
                </ul>
            </DialogBody>
            <DialogFoot dismiss="Close"/>
        </Dialog>
    }
    .into_any()
}

/// By either name or what it does, in any case: every word typed.
fn matches(plugin: PluginName, wanted: &str) -> bool {
    let text = [plugin.slug(), plugin.label(), plugin.summary()].join(" ").to_lowercase();
    wanted.to_lowercase().split_whitespace().all(|word| text.contains(word))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_found_by_names_and_by_what_they_do() {
        for (wanted, found) in [
            ("", true),
            ("key", true),
            ("KEY-AUTH", true),
            ("Key Auth", true),
            ("consumer key", true),
            ("limit", false),
            ("key limit", false),
        ] {
            assert_eq!(matches(PluginName::KeyAuth, wanted), found, "{wanted}");
        }
    }
}
