//! Add Service, and editing one.

use crate::api;
use crate::forms::upstream::{self, UpstreamFields, UpstreamInputs};
use crate::forms::{FormDialog, Submission};
use crate::parts::group::group;
use leptos::prelude::*;
use postern::control::{ServiceView, Stored};
use postern::name::ObjectId;
use postern::plugin::Plugins;
use postern::routing::{Service, ServiceForm, UpstreamChoice};
use ui::{Choice, Select, TextInput};

#[derive(Clone, Copy)]
struct Fields {
    name: RwSignal<String>,
    upstream: RwSignal<String>,
    nodes: UpstreamFields,
}

impl Fields {
    fn new(form: ServiceForm) -> Self {
        Self {
            name: RwSignal::new(form.name),
            upstream: RwSignal::new(form.upstream.slug().to_owned()),
            nodes: UpstreamFields::new(form.nodes),
        }
    }

    fn choice(self) -> UpstreamChoice {
        let slug = self.upstream.get();
        UpstreamChoice::ALL.into_iter().find(|choice| choice.slug() == slug).unwrap_or_default()
    }

    fn form(self) -> ServiceForm {
        ServiceForm { name: self.name.get(), upstream: self.choice(), nodes: self.nodes.form() }
    }

    fn typed(self) -> ServiceForm {
        untrack(|| self.form())
    }

    fn set(self, form: ServiceForm) {
        self.name.set(form.name);
        self.upstream.set(form.upstream.slug().to_owned());
        self.nodes.set(form.nodes);
    }
}

fn label(field: &str) -> String {
    match field {
        "name" => "Name",
        "upstream" => "Upstream",
        other => upstream::label(other).unwrap_or(other),
    }
    .to_owned()
}

/// Adds a service, or edits `stored`.
#[component]
pub fn ServiceDialog(
    #[prop(optional_no_strip)] stored: Option<Stored<Service>>,
    on_done: Callback<ServiceView>,
    on_close: Callback<()>,
) -> impl IntoView {
    let group = StoredValue::new(group());
    let editing = stored.is_some();
    let form = stored.as_ref().map_or_else(ServiceForm::default, |stored| ServiceForm::of(&stored.object));
    let fields = Fields::new(form.clone());
    let tuned = upstream::is_tuned(&form.nodes);
    let saved = RwSignal::new(form);
    let revision = RwSignal::new(stored.as_ref().map_or(0, |stored| stored.revision));
    let submission = Submission::of(move || match "new".parse() {
        Ok(id) => fields.typed().parse(id, Plugins::default()).map(drop),
        Err(_) => Ok(()),
    });
    let id = StoredValue::new(stored.as_ref().map(|stored| stored.object.id.clone()));
    let send = move |revision: u64| {
        let (group, id, form) = (group.get_value(), id.get_value(), fields.typed());
        submission.send(
            async move {
                match id {
                    Some(id) => api::save_service(group, id, revision, form).await,
                    None => api::add_service(group, form).await,
                }
            },
            on_done,
        );
    };
    let reload = move |()| {
        leptos::task::spawn_local(async move {
            let Some(id): Option<ObjectId> = id.get_value() else { return };
            if let Ok(page) = api::service_page(group.get_value(), id).await {
                let stored = page.data.service.stored;
                let form = ServiceForm::of(&stored.object);
                submission.take_over(revision, saved, stored.revision, form, |form| fields.set(form));
            }
        });
    };
    let title = stored.as_ref().map_or("Add Service".to_owned(), |stored| format!("Edit {}", stored.object.name));
    let choices = UpstreamChoice::ALL.map(|choice| Choice::new(choice.slug(), choice.label())).to_vec();
    let has_nodes = Memo::new(move |_| fields.choice() == UpstreamChoice::Nodes);
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
            <TextInput name="name" label="Name" value=fields.name required=true placeholder="httpbin"/>
            <Select
                name="upstream"
                label="Upstream"
                value=fields.upstream
                choices
                hint=|| "The built-in echo answers /ip, /headers and /anything by itself: good for a first try."
            />
            {move || has_nodes.get().then(|| view! { <UpstreamInputs fields=fields.nodes open=tuned/> })}
        </FormDialog>
    }
    .into_any()
}
