//! The plugins of a service or route.

use crate::api;
use crate::error::AppError;
use crate::forms::delete::DeleteDialog;
use crate::forms::plugin::{CatalogueDialog, PluginDialog, enabling};
use crate::go::{Go, OpenButton, opened};
use crate::pages::over::{load_of_plugins, of_plugins, over_page};
use crate::pages::secret_providers::RowButton;
use crate::parts::failure::Gone;
use crate::parts::group::group;
use crate::parts::reference::ReferenceChip;
use crate::parts::state::StateCell;
use leptos::prelude::*;
use postern::control::{PluginOwner, ReferenceUser, ReferenceView};
use postern::plugin::meta::Meta;
use postern::plugin::{Placement, PluginConfig, PluginName, Plugins};
use postern::time::Millis;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use ui::{Badge, Glyph, Tone};

/// Whose plugins these are, and how they stand.
#[derive(Clone)]
pub struct Owner {
    pub owner: PluginOwner,
    pub revision: Memo<u64>,
    pub plugins: Memo<Plugins>,
    /// Those in the plugins of the service and its routes.
    pub references: Memo<Vec<ReferenceView>>,
    pub now: Signal<Millis>,
    /// Asks for news, then does what it is given.
    pub refresh: Callback<Callback<()>>,
}

/// What keeps a plugin from being run for every request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exception {
    Disabled,
    Conditional,
}

impl Exception {
    fn of(meta: &Meta) -> Option<Self> {
        match meta {
            Meta { disable: true, .. } => Some(Self::Disabled),
            Meta { filter: Some(_), .. } => Some(Self::Conditional),
            _ => None,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Disabled => "Disabled",
            Self::Conditional => "Conditional",
        }
    }

    /// A sentence around the field that says so.
    fn because(self) -> [&'static str; 3] {
        match self {
            Self::Disabled => [": not run, because ", "_meta.disable", " is true"],
            Self::Conditional => [": run only for requests that meet ", "_meta.filter", ""],
        }
    }
}

/// Plugins as chips; one that is not run, or not always, says so.
#[component]
pub fn PluginChips(plugins: Plugins) -> impl IntoView {
    if plugins.is_empty() {
        return view! { <span class="text-muted">"–"</span> }.into_any();
    }
    let chips = plugins.into_iter().map(|(plugin, config)| {
        let exception = Exception::of(&config.meta());
        let tone = if exception == Some(Exception::Disabled) { Tone::Quiet } else { Tone::Info };
        let more = exception.map(|exception| format!(" · {}", exception.word()));
        view! { <span class=format!("badge pl-2 {}", tone.class())>{plugin.label()} {more}</span> }
    });
    view! { <span class="flex flex-wrap gap-1">{chips.collect_view()}</span> }.into_any()
}

const NONE: &str = "No plugin yet: every request passes. Key Auth, for instance, lets only consumers with a key pass.";

/// The plugins, and their dialogs.
#[component]
pub fn PluginSection(
    owner: Owner,
    #[prop(optional, into)] text: Option<&'static str>,
    /// What no plugin means.
    #[prop(default = NONE)]
    none: &'static str,
) -> impl IntoView {
    let plugins = owner.plugins;
    let table = owner.clone();
    let is_empty = Memo::new(move |_| plugins.with(Plugins::is_empty));
    view! {
        <section class="mb-8" aria-labelledby="plugins">
            <div class="section-head">
                <h2 id="plugins">"Plugins"</h2>
                <OpenButton key="enable" value="" label=enabling(owner.owner.placement()).0 glyph=Glyph::Plus/>
            </div>
            {move || {
                if is_empty.get() {
                    view! {
                        <p class="card card-pad text-muted">{none}</p>
                    }
                        .into_any()
                } else {
                    view! { <Table owner=table.clone() text/> }.into_any()
                }
            }}
        </section>
        {over_page(&["enable", "edit-plugin", "remove"], load_of_plugins, move || of_plugins(owner.clone()))}
    }
    .into_any()
}

#[component]
fn Table(owner: Owner, text: Option<&'static str>) -> impl IntoView {
    view! {
        {text.map(|text| view! { <p class="mb-3 text-muted">{text}</p> })}
        <div class="table-box">
            <table class="table">
                <thead>
                    <tr>
                        <th scope="col">"Name"</th>
                        <th scope="col">"Configuration"</th>
                        <th scope="col">
                            <span class="sr-only">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {move || {
                        let row = |config| view! { <Row config owner=owner.clone()/> }.into_any();
                        owner.plugins.get().into_values().map(row).collect_view()
                    }}
                </tbody>
            </table>
        </div>
    }
    .into_any()
}

#[component]
fn Row(config: PluginConfig, owner: Owner) -> impl IntoView {
    let plugin = config.name();
    let exception = Exception::of(&config.meta());
    let json = config.to_json();
    let is_default = json == "{}";
    let label = plugin.label();
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                <span class="flex flex-wrap items-center gap-2">
                    {label}
                    {exception.map(|exception| view! { <Badge tone=Tone::Quiet word=exception.word()/> })}
                </span>
                <p class="cell-sub">
                    <code>{plugin.slug()}</code>
                    {exception
                        .map(|exception| {
                            let [before, field, after] = exception.because();
                            view! {
                                {before}
                                <code>{field}</code>
                                {after}
                            }
                        })}
                </p>
            </td>
            <td data-label="Configuration">
                {if is_default {
                    view! { <span class="text-muted">"Defaults"</span> }.into_any()
                } else {
                    view! { <pre class="text-xs whitespace-pre-wrap wrap-anywhere">{json}</pre> }.into_any()
                }}
                <FieldStates plugin owner/>
            </td>
            <td>
                <div class="row-actions">
                    <RowButton
                        key="edit-plugin"
                        slug=plugin.slug().to_owned()
                        label="Edit"
                        name=format!("Edit {label}")
                        glyph=Glyph::Edit
                    />
                    <RowButton
                        key="remove"
                        slug=plugin.slug().to_owned()
                        label="Remove"
                        name=format!("Remove {label}")
                        glyph=Glyph::Delete
                    />
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// Where the references of one plugin stand, field by field.
#[component]
fn FieldStates(plugin: PluginName, owner: Owner) -> impl IntoView {
    let Owner { owner, references, now, .. } = owner;
    let states = Memo::new(move |_| {
        let views = references.get().into_iter();
        let of_plugin = views.filter_map(|view| match view.used_by {
            ReferenceUser::Plugin { user } if user.owner == owner && user.plugin == plugin => {
                Some((user.field, view.reference, view.state))
            }
            ReferenceUser::Plugin { .. } | ReferenceUser::Credential { .. } | ReferenceUser::Certificate { .. } => None,
        });
        of_plugin.collect::<Vec<_>>()
    });
    let field = move |(field, reference, state)| {
        view! {
            <li>
                <p class="mb-1.5 flex flex-wrap items-center gap-x-2 gap-y-1">
                    <code>{field}</code>
                    <ReferenceChip reference/>
                </p>
                <StateCell state now/>
            </li>
        }
        .into_any()
    };
    move || {
        let states = states.get();
        (!states.is_empty()).then(|| {
            view! {
                <ul class="mt-3 grid gap-4" aria-label=format!("References of {}", plugin.label())>
                    {states.into_iter().map(field).collect_view()}
                </ul>
            }
        })
    }
}

/// Which of the dialogs is open.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Open {
    Catalogue,
    Editor(PluginName),
    Remove(PluginName),
    Unknown(String),
}

fn open(enable: Option<String>, edit: Option<String>, remove: Option<String>) -> Option<Open> {
    let named = |slug: String, then: fn(PluginName) -> Open| match PluginName::from_slug(&slug) {
        Some(plugin) => then(plugin),
        None => Open::Unknown(slug),
    };
    match (enable, edit, remove) {
        (Some(slug), ..) if slug.is_empty() => Some(Open::Catalogue),
        (Some(slug), ..) | (None, Some(slug), _) => Some(named(slug, Open::Editor)),
        (None, None, Some(slug)) => Some(named(slug, Open::Remove)),
        (None, None, None) => None,
    }
}

/// What the address opens over the page.
pub(super) fn dialogs(owner: Owner) -> AnyView {
    let go = Go::here();
    let (enable, edit, remove) = (opened("enable"), opened("edit-plugin"), opened("remove"));
    let shown = Memo::new(move |_| open(enable.get(), edit.get(), remove.get()));
    // Counts up when the stored version is to be loaded into the editor.
    let again = RwSignal::new(0_u32);
    let refresh = owner.refresh;
    let finish = Callback::new(move |()| refresh.run(go.closing()));
    let remount = Callback::new(move |()| {
        again.try_update(|n| *n += 1);
    });
    let reload = Callback::new(move |()| refresh.run(remount));
    let shown = move || {
        again.track();
        let plugins = owner.plugins.get_untracked();
        let target = owner.owner.clone();
        match shown.get() {
            None => ().into_any(),
            Some(Open::Unknown(name)) => view! { <Gone what="plugin" name on_close=go.closing()/> }.into_any(),
            Some(Open::Catalogue) => {
                view! { <CatalogueDialog enabled=plugins.into_keys().collect() placement=target.placement()/> }
                    .into_any()
            }
            Some(Open::Remove(plugin)) => view! { <RemoveDialog owner=target plugin on_done=finish/> }.into_any(),
            Some(Open::Editor(plugin)) => view! {
                <PluginDialog
                    plugin
                    owner=target
                    revision=owner.revision.get_untracked()
                    plugins
                    reload
                    on_done=finish
                    on_close=go.closing()
                />
            }
            .into_any(),
        }
    };
    shown.into_any()
}

#[component]
fn RemoveDialog(owner: PluginOwner, plugin: PluginName, on_done: Callback<()>) -> impl IntoView {
    let go = Go::here();
    let group = group();
    let (what, consequence) = match owner.placement() {
        Placement::Route | Placement::Consumer => ("plugin", plugin.consequence_of_removal()),
        Placement::Metadata => ("metadata of", "It does again what it does without metadata"),
    };
    let delete = Arc::new(move |_| {
        let (group, owner) = (group.clone(), owner.clone());
        Box::pin(async move { api::remove_plugin(group, owner, plugin).await })
            as Pin<Box<dyn Future<Output = Result<(), AppError>>>>
    });
    let consequences = vec![consequence.to_owned()];
    view! {
        <DeleteDialog
            what=format!("{what} {}", plugin.label())
            name=plugin.slug()
            heading="From then on:"
            consequences
            delete
            on_done
            on_close=go.closing()
        />
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_says_which_dialog_is_open() {
        let some = |text: &str| Some(text.to_owned());
        for (enable, edit, remove, expected) in [
            (None, None, None, None),
            (some(""), None, None, Some(Open::Catalogue)),
            (some("key-auth"), None, None, Some(Open::Editor(PluginName::KeyAuth))),
            (None, some("key-auth"), None, Some(Open::Editor(PluginName::KeyAuth))),
            (None, None, some("key-auth"), Some(Open::Remove(PluginName::KeyAuth))),
            (some("nonsense"), None, None, Some(Open::Unknown("nonsense".to_owned()))),
        ] {
            assert_eq!(open(enable, edit, remove), expected);
        }
    }

    #[cfg(feature = "ssr")]
    #[test]
    fn a_chip_says_when_its_plugin_is_not_run_for_every_request() {
        let owner = leptos::prelude::Owner::new_root(None);
        owner.set();
        let only = r#""filter": [["arg_a", "==", "1"]]"#;
        for (meta, expected) in [
            (String::new(), "Key Auth"),
            (r#""disable": true"#.to_owned(), "Key Auth · Disabled"),
            (only.to_owned(), "Key Auth · Conditional"),
            (format!(r#"{only}, "disable": true"#), "Key Auth · Disabled"),
        ] {
            let config = PluginConfig::parse(PluginName::KeyAuth, &format!(r#"{{"_meta": {{{meta}}}}}"#)).unwrap();
            let config = config.try_map(|_, _| Err::<_, ()>(())).unwrap();
            let html = view! { <PluginChips plugins=Plugins::from([(PluginName::KeyAuth, config)])/> }.to_html();
            let text = html.replace("<!>", "").replace("  ", " ");
            assert!(text.contains(expected) && (text.contains('·') == expected.contains('·')), "{meta}: {html}");
        }
    }
}
