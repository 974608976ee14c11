//! Add Route, and editing one.

use crate::api;
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use leptos::prelude::*;
use postern::control::Stored;
use postern::name::ObjectId;
use postern::plugin::Plugins;
use postern::routing::{Method, Route, RouteForm};
use ui::{Checkbox, TextInput};

#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    path: RwSignal<String>,
    methods: [(Method, RwSignal<bool>); Method::ALL.len()],
    hosts: RwSignal<String>,
}

impl Fields {
    fn new(form: RouteForm) -> Self {
        let chosen = |method: Method| form.methods.iter().any(|name| name == method.as_str());
        Self {
            methods: Method::ALL.map(|method| (method, RwSignal::new(chosen(method)))),
            name: RwSignal::new(form.name),
            path: RwSignal::new(form.path),
            hosts: RwSignal::new(form.hosts),
        }
    }

    fn form(self) -> RouteForm {
        let methods = self.methods.iter().filter(|(_, on)| on.get());
        RouteForm {
            methods: methods.map(|(method, _)| method.as_str().to_owned()).collect(),
            name: self.name.get(),
            path: self.path.get(),
            hosts: self.hosts.get(),
        }
    }

    fn typed(self) -> RouteForm {
        untrack(|| self.form())
    }

    fn set(self, form: RouteForm) {
        for (method, on) in self.methods {
            on.set(form.methods.iter().any(|name| name == method.as_str()));
        }
        self.name.set(form.name);
        self.path.set(form.path);
        self.hosts.set(form.hosts);
    }
}

fn label(field: &str) -> String {
    match field {
        "name" => "Name",
        "path" => "Path",
        "methods" => "Methods",
        "hosts" => "Hosts",
        other => other,
    }
    .to_owned()
}

/// Adds a route to `service`, or edits `stored`.
#[component]
pub fn RouteDialog(
    service: ObjectId,
    #[prop(optional_no_strip)] stored: Option<Stored<Route>>,
    on_done: Callback<Stored<Route>>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let service = StoredValue::new(service);
    let editing = stored.is_some();
    let form = stored.as_ref().map_or_else(RouteForm::default, |stored| RouteForm::of(&stored.object));
    let fields = Fields::new(form.clone());
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |stored| stored.revision));
    let submission = Submission::of(move || match "new".parse() {
        Ok(id) => fields.typed().parse(id, service.get_value(), Plugins::default()).map(drop),
        Err(_) => Ok(()),
    });
    let id = StoredValue::new(stored.as_ref().map(|stored| stored.object.id.clone()));
    let send = move |revision: u64| {
        let (group, service, id, form) = (group.get_value(), service.get_value(), id.get_value(), fields.typed());
        submission.send(
            async move {
                match id {
                    Some(id) => api::save_route(group, service, id, revision, form).await,
                    None => api::add_route(group, service, form).await,
                }
            },
            on_done,
        );
    };
    let reload = move |()| {
        leptos::task::spawn_local(async move {
            let Ok(page) = api::service_page(group.get_value(), service.get_value()).await else { return };
            let found = page.data.routes.into_iter().find(|route| Some(&route.object.id) == id.get_value().as_ref());
            if let Some(stored) = found {
                let form = RouteForm::of(&stored.object);
                submission.take_over(revision, saved, stored.revision, form, |form| fields.set(form));
            }
        });
    };
    let title = stored.as_ref().map_or("Add Route".to_owned(), |stored| format!("Edit {}", stored.object.name));
    view! {
        <FormDialog
            title
            verb=if editing { "Save" } else { "Add" }
            submission
            dirty=Signal::derive(move || fields.form() != saved.get())
            on_submit=Callback::new(move |()| send(revision.get_untracked()))
            on_close
            label
            on_reload=Callback::new(reload)
            on_overwrite=Callback::new(send)
        >
            <TextInput name="name" label="Name" value=fields.name required=true placeholder="get-ip"/>
            <TextInput
                name="path"
                label="Path"
                value=fields.path
                required=true
                mono=true
                placeholder="/ip"
                hint=|| "Exact, or a prefix with * at the end: /api/*. Several are separated by blanks."
            />
            <Methods fields/>
            <TextInput
                name="hosts"
                label="Hosts"
                value=fields.hosts
                mono=true
                placeholder="api.example.com"
                hint=|| "Empty matches every host. *.example.com matches what ends so. Several are separated by blanks."
            />
        </FormDialog>
    }
    .into_any()
}

#[component]
fn Methods(fields: Fields) -> impl IntoView {
    let boxes = fields
        .methods
        .into_iter()
        .map(|(method, value)| {
            let name = method.as_str().to_owned();
            view! { <Checkbox name="methods" label=name.clone() form_value=name value/> }
        })
        .collect_view();
    view! {
        <fieldset class="field">
            <legend class="label mb-1.5">"Methods"</legend>
            <div class="flex flex-wrap gap-x-5 gap-y-1">{boxes}</div>
            <p class="hint">"None chosen matches every method."</p>
        </fieldset>
    }
    .into_any()
}
