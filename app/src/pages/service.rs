//! One service: what it is, its routes, its plugins.

use crate::api::{self, ServiceData};
use crate::forms::delete::{DeleteDialog, nothing};
use crate::forms::route::RouteDialog;
use crate::forms::service::ServiceDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::over::{load_of_service, of_service, over_page};
use crate::pages::plugins::{Owner, PluginChips, PluginSection};
use crate::pages::secret_providers::RowButton;
use crate::pages::services::UpstreamText;
use crate::pages::{done, parameter, written};
use crate::parts::failure::Gone;
use crate::parts::group::{group, group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use crate::parts::time::Ago;
use leptos::prelude::*;
use postern::control::{ClientCertificateView, PluginOwner, Stored};
use postern::name::ObjectId;
use postern::routing::Route;
use std::pin::Pin;
use std::sync::Arc;
use ui::{Badge, Glyph, Look, Tab, TabList, Tone};

/// Which part of a service is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Overview,
    Routes,
    Plugins,
}

/// Everything at a glance.
#[component]
pub fn ServiceOverview() -> impl IntoView {
    page(Part::Overview)
}

/// The routes alone.
#[component]
pub fn ServiceRoutes() -> impl IntoView {
    page(Part::Routes)
}

/// The plugins alone.
#[component]
pub fn ServicePlugins() -> impl IntoView {
    page(Part::Plugins)
}

fn page(part: Part) -> impl IntoView {
    let group = group_signal();
    let id = written("id");
    load(
        move || (group.get(), id.get()),
        |(group, id)| async move { api::service_page(group, parameter(&id, "service")?).await },
        move |live, _| view! { <Page live part/> }.into_any(),
    )
}

#[component]
fn Page(live: Live<ServiceData>, part: Part) -> impl IntoView {
    let id = live.peek(|page| page.service.stored.object.id.clone());
    let name = live.part(|page| page.service.stored.object.name.to_string());
    let upstream = live.part(|page| page.service.stored.object.upstream.clone());
    let certificate = live.part(|page| page.service.client_certificate.clone());
    let owner = Owner {
        owner: PluginOwner::Service(id.clone()),
        revision: live.part(|page| page.service.stored.revision),
        plugins: live.part(|page| page.service.stored.object.plugins.clone()),
        references: live.part(|page| page.references.clone()),
        now: live.now(),
        refresh: Callback::new(move |then| live.refresh_then(Some(then))),
    };
    let tab = {
        let id = id.clone();
        move |this: Part, label: &'static str| {
            let href = match this {
                Part::Overview => paths().service(&id),
                Part::Routes => paths().service_routes(&id),
                Part::Plugins => paths().service_plugins(&id),
            };
            let open = (this == part).then_some(("tab-open", "service-part"));
            view! { <Tab label href open/> }
        }
    };
    view! {
        {move || {
            view! {
                <PageHead title=name.get() crumbs=vec![Crumb::new("Published Services", paths().services())]>
                    <OpenButton key="edit" value="service" label="Edit" glyph=Glyph::Edit/>
                    <OpenButton key="delete" value="service" label="Delete" look=Look::Danger glyph=Glyph::Delete/>
                </PageHead>
            }
        }}
        <TabList label="Service">
            {tab(Part::Overview, "Overview")} {tab(Part::Routes, "Routes")} {tab(Part::Plugins, "Plugins")}
        </TabList>
        <div role="tabpanel" id="service-part" aria-labelledby="tab-open">
            {(part == Part::Overview)
                .then(|| {
                    view! {
                        <dl class="card facts mb-8">
                            <dt>"Upstream"</dt>
                            <dd>{move || view! { <UpstreamText upstream=upstream.get()/> }}</dd>
                            {move || certificate.get().map(|certificate| view! { <ClientCertificate certificate/> })}
                        </dl>
                    }
                })}
            {(part != Part::Plugins).then(|| view! { <Routes live id=id.clone()/> })}
            {(part != Part::Routes)
                .then(|| view! { <PluginSection owner=owner.clone() text="Every route of this service has these."/> })}
        </div>
        {over_page(&["add", "edit", "delete"], load_of_service, move || of_service(live, id.clone()))}
    }
    .into_any()
}

/// What the service shows to its nodes, and why it cannot now.
#[component]
fn ClientCertificate(certificate: ClientCertificateView) -> impl IntoView {
    view! {
        <dt>"Client Certificate"</dt>
        <dd>
            <a class="link" href=paths().certificates()>
                {certificate.name.to_string()}
            </a>
            {certificate
                .problem
                .map(|why| {
                    view! {
                        <p><Badge tone=Tone::Danger word="Requests are refused"/></p>
                        <p class="cell-sub max-w-lg">{why}</p>
                    }
                })}
        </dd>
    }
    .into_any()
}

#[component]
fn Routes(live: Live<ServiceData>, id: ObjectId) -> impl IntoView {
    let routes = live.part(|page| page.routes.clone());
    let is_empty = live.part(|page| page.routes.is_empty());
    view! {
        <section class="mb-8" aria-labelledby="routes">
            <div class="section-head">
                <h2 id="routes">"Routes"</h2>
                <OpenButton key="add" value="route" label="Add Route" look=Look::Primary glyph=Glyph::Plus/>
            </div>
            {move || {
                if is_empty.get() {
                    return view! {
                        <p class="card card-pad text-muted">
                            "No request leads here yet. A route says which paths, methods and hosts do."
                        </p>
                    }
                        .into_any();
                }
                let id = id.clone();
                view! {
                    <div class="table-box">
                        <table class="table">
                            <thead>
                                <tr>
                                    <th scope="col">"Name"</th>
                                    <th scope="col">"Path"</th>
                                    <th scope="col">"Methods"</th>
                                    <th scope="col">"Hosts"</th>
                                    <th scope="col">"Plugins"</th>
                                    <th scope="col">"Updated"</th>
                                    <th scope="col">
                                        <span class="sr-only">"Actions"</span>
                                    </th>
                                </tr>
                            </thead>
                            <tbody>
                                {move || {
                                    routes
                                        .get()
                                        .into_iter()
                                        .map(|stored| view! { <Row stored live service=id.clone()/> }.into_any())
                                        .collect_view()
                                }}
                            </tbody>
                        </table>
                    </div>
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

#[component]
fn Row(stored: Stored<Route>, live: Live<ServiceData>, service: ObjectId) -> impl IntoView {
    let route = stored.object;
    let name = route.name.to_string();
    let words = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(" ") };
    let paths_text = words(route.paths.iter().map(ToString::to_string).collect(), "–");
    let methods = words(route.methods.iter().map(|method| method.as_str().to_owned()).collect(), "Every method");
    let hosts = words(route.hosts.iter().map(ToString::to_string).collect(), "Every host");
    view! {
        <tr>
            <td data-label="Name" class="cell-name">
                <a class="link" href=paths().route(&service, &route.id)>
                    {name.clone()}
                </a>
            </td>
            <td data-label="Path">
                <code class="wrap-anywhere">{paths_text}</code>
            </td>
            <td data-label="Methods" class="text-muted">
                {methods}
            </td>
            <td data-label="Hosts" class="text-muted wrap-anywhere">
                {hosts}
            </td>
            <td data-label="Plugins">
                <PluginChips plugins=route.plugins/>
            </td>
            <td data-label="Updated" class="text-muted whitespace-nowrap">
                <Ago now=live.now() at=stored.updated_at/>
            </td>
            <td>
                <div class="row-actions">
                    <RowButton key="edit" slug=route.id.to_string() label="Edit" name=format!("Edit {name}") glyph=Glyph::Edit/>
                    <RowButton key="delete" slug=route.id.to_string() label="Delete" name=format!("Delete {name}") glyph=Glyph::Delete/>
                </div>
            </td>
        </tr>
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<ServiceData>, id: ObjectId) -> AnyView {
    let go = Go::here();
    let (add, edit, delete) = (opened("add"), opened("edit"), opened("delete"));
    let list = StoredValue::new(paths().services());
    let shown = move || {
        let service = live.peek(|page| page.service.stored.clone());
        if add.get().as_deref() == Some("route") {
            return view! { <RouteDialog service=id.clone() on_done=done(live, go) on_close=go.closing()/> }.into_any();
        }
        match (edit.get().as_deref(), delete.get().as_deref()) {
            (Some("service"), _) => {
                view! { <ServiceDialog stored=Some(service) on_done=done(live, go) on_close=go.closing()/> }.into_any()
            }
            (Some(route), _) => match find(live, route) {
                Some(stored) => view! {
                    <RouteDialog service=id.clone() stored=Some(stored) on_done=done(live, go) on_close=go.closing()/>
                }
                .into_any(),
                None => view! { <Gone what="route" name=route.to_owned() on_close=go.closing()/> }.into_any(),
            },
            (None, Some("service")) => {
                view! { <DeleteService live on_done=Callback::new(move |()| go.instead(&list.get_value()))/> }
                    .into_any()
            }
            (None, Some(route)) => match find(live, route) {
                Some(stored) => view! { <DeleteRoute stored on_done=done(live, go)/> }.into_any(),
                None => view! { <Gone what="route" name=route.to_owned() on_close=go.closing()/> }.into_any(),
            },
            (None, None) => ().into_any(),
        }
    };
    shown.into_any()
}

fn find(live: Live<ServiceData>, id: &str) -> Option<Stored<Route>> {
    live.peek(|page| page.routes.iter().find(|stored| stored.object.id.as_str() == id).cloned())
}

#[component]
fn DeleteService(live: Live<ServiceData>, on_done: Callback<()>) -> impl IntoView {
    let go = Go::here();
    let group = group();
    let service = live.peek(|page| page.service.stored.object.clone());
    let consequences = live
        .peek(|page| page.routes.iter().map(|route| format!("Its route {}", route.object.name)).collect::<Vec<_>>());
    let id = service.id.clone();
    let delete = Arc::new(move |_| {
        let (group, id) = (group.clone(), id.clone());
        Box::pin(async move { api::delete_service(group, id).await }) as Pin<Box<_>>
    });
    let name = service.name.to_string();
    view! { <DeleteDialog what=format!("service {name}") name consequences delete on_done on_close=go.closing()/> }
        .into_any()
}

/// Deleting a route: nothing depends on it.
#[component]
pub fn DeleteRoute(stored: Stored<Route>, on_done: Callback<()>) -> impl IntoView {
    let go = Go::here();
    let group = group();
    let id = stored.object.id.clone();
    let delete = Arc::new(move |_| {
        let (group, id) = (group.clone(), id.clone());
        Box::pin(async move { api::delete_route(group, id).await }) as Pin<Box<_>>
    });
    let name = stored.object.name.to_string();
    view! {
        <DeleteDialog
            what=format!("route {name}")
            name
            effect="Requests that only it matches are answered 404 from then on."
            consequences=nothing()
            delete
            on_done
            on_close=go.closing()
        />
    }
    .into_any()
}
