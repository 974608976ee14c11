//! One route: what it matches, and its own plugins.

use crate::api::{self, ServiceData};
use crate::error::AppError;
use crate::forms::route::RouteDialog;
use crate::go::{Go, OpenButton, opened};
use crate::load::{Live, load};
use crate::pages::over::{load_of_route, of_route, over_page};
use crate::pages::plugins::{Owner, PluginChips, PluginSection};
use crate::pages::service::DeleteRoute;
use crate::pages::{done, parameter, written};
use crate::parts::group::{group_signal, paths};
use crate::parts::page::{Crumb, PageHead};
use leptos::prelude::*;
use postern::control::{PluginOwner, Stored};
use postern::name::ObjectId;
use postern::routing::Route;
use ui::{Glyph, Look};

/// The page.
#[component]
pub fn RoutePage() -> impl IntoView {
    let group = group_signal();
    let (service, route) = (written("id"), written("rid"));
    load(
        move || (group.get(), service.get(), route.get()),
        |(group, service, route)| async move {
            let page = api::service_page(group, parameter(&service, "service")?).await?;
            let found = page.data.routes.iter().any(|stored| stored.object.id.as_str() == route);
            if found { Ok(page) } else { Err(AppError::not_found("route", &route)) }
        },
        |live, (_, _, route)| match parameter(&route, "route") {
            Ok(id) => view! { <Page live id/> }.into_any(),
            Err(_) => ().into_any(),
        },
    )
}

/// The route, while it is there; an empty place afterwards.
fn find<T: Default>(page: &ServiceData, id: &ObjectId, part: impl Fn(&Stored<Route>) -> T) -> T {
    page.routes.iter().find(|stored| stored.object.id == *id).map(part).unwrap_or_default()
}

#[component]
fn Page(live: Live<ServiceData>, id: ObjectId) -> impl IntoView {
    let of = |id: &ObjectId| id.clone();
    let service = live.peek(|page| page.service.stored.object.clone());
    let this = of(&id);
    let name = live.part(move |page| find(page, &this, |route| route.object.name.to_string()));
    let this = of(&id);
    let route = live.part(move |page| find(page, &this, |route| Some(route.object.clone())));
    let (this, that) = (of(&id), of(&id));
    let owner = Owner {
        owner: PluginOwner::Route(of(&id)),
        revision: live.part(move |page| find(page, &this, |route| route.revision)),
        plugins: live.part(move |page| find(page, &that, |route| route.object.plugins.clone())),
        references: live.part(|page| page.references.clone()),
        now: live.now(),
        refresh: Callback::new(move |then| live.refresh_then(Some(then))),
    };
    let inherited = live.part(|page| page.service.stored.object.plugins.clone());
    let crumbs = move || {
        vec![
            Crumb::new("Published Services", paths().services()),
            Crumb::new(service.name.to_string(), paths().service(&service.id)),
            Crumb::new("Routes", paths().service_routes(&service.id)),
        ]
    };
    view! {
        {move || {
            view! {
                <PageHead title=name.get() crumbs=crumbs()>
                    <OpenButton key="edit" value="route" label="Edit" glyph=Glyph::Edit/>
                    <OpenButton key="delete" value="route" label="Delete" look=Look::Danger glyph=Glyph::Delete/>
                </PageHead>
            }
        }}
        {move || route.get().map(|route| view! { <Matches route/> })}
        <PluginSection
            owner
            text="In addition to the service's; one of the same name counts instead of it."
            none="No plugin of its own: the route has those of its service, if there are any."
        />
        {move || {
            let plugins = inherited.get();
            (!plugins.is_empty())
                .then(|| {
                    view! {
                        <p class="-mt-4 mb-8 flex flex-wrap items-center gap-2 text-muted">
                            "From the service: "
                            <PluginChips plugins/>
                        </p>
                    }
                })
        }}
        {over_page(&["edit", "delete"], load_of_route, move || of_route(live, id.clone()))}
    }
    .into_any()
}

#[component]
fn Matches(route: Route) -> impl IntoView {
    let words = |list: Vec<String>, none: &str| if list.is_empty() { none.to_owned() } else { list.join(" ") };
    view! {
        <dl class="card facts mb-8">
            <dt>"Path"</dt>
            <dd>
                <code>{words(route.paths.iter().map(ToString::to_string).collect(), "–")}</code>
            </dd>
            <dt>"Methods"</dt>
            <dd>{words(route.methods.iter().map(|m| m.as_str().to_owned()).collect(), "Every method")}</dd>
            <dt>"Hosts"</dt>
            <dd>{words(route.hosts.iter().map(ToString::to_string).collect(), "Every host")}</dd>
        </dl>
    }
    .into_any()
}

/// What the address opens over the page.
pub(super) fn dialogs(live: Live<ServiceData>, id: ObjectId) -> AnyView {
    let go = Go::here();
    let (edit, delete) = (opened("edit"), opened("delete"));
    let service = live.peek(|page| page.service.stored.object.id.clone());
    let list = StoredValue::new(paths().service_routes(&service));
    let shown = move || {
        let Some(stored) = live.peek(|page| find(page, &id, |route| Some(route.clone()))) else {
            return ().into_any();
        };
        if edit.get().is_some() {
            let on_done = done(live, go);
            view! { <RouteDialog service=service.clone() stored=Some(stored) on_done on_close=go.closing()/> }
                .into_any()
        } else if delete.get().is_some() {
            view! { <DeleteRoute stored on_done=Callback::new(move |()| go.instead(&list.get_value()))/> }.into_any()
        } else {
            ().into_any()
        }
    };
    shown.into_any()
}
