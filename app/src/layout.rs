//! The frame around every page of a gateway group: mark, navigation, theme.

use crate::error::AppError;
use crate::forms::plain::provide_draft;
use crate::parts::failure::LoadFailure;
use crate::parts::group::{InGroup, group_signal};
use crate::paths::Paths;
use leptos::prelude::*;
use leptos_router::components::{A, Outlet};
use leptos_router::hooks::{use_location, use_params_map};
use postern::name::GroupName;
use std::time::Duration;
use ui::{Button, Glyph, Icon, Look};

/// Navigation beside the page. A group name that cannot be one is a page that does not exist.
#[component]
pub fn GroupFrame() -> impl IntoView {
    let params = use_params_map();
    let written = Memo::new(move |_| params.with(|params| params.get("group").unwrap_or_default()));
    let group = Memo::new(move |_| written.get().parse().unwrap_or_else(|_| GroupName::default_group()));
    provide_context(InGroup(group));
    provide_draft();
    let page = move || {
        let name = written.get();
        match name.parse::<GroupName>() {
            Ok(_) => view! { <Outlet/> }.into_any(),
            Err(_) => view! { <LoadFailure error=AppError::not_found("gateway group", &name)/> }.into_any(),
        }
    };
    view! {
        <div class="frame">
            <Side/>
            <main class="page" id="main" tabindex="-1">
                {page}
            </main>
            <Announcer/>
        </div>
    }
    .into_any()
}

/// Tells a screen reader where a link has led: the browser does so only for whole documents.
#[component]
fn Announcer() -> impl IntoView {
    let path = use_location().pathname;
    let said = RwSignal::new(String::new());
    Effect::new(move |before: Option<()>| {
        path.get();
        if before.is_some() {
            // The new page's title is there once the page is.
            set_timeout(move || said.set(document().title()), Duration::from_millis(300));
        }
    });
    view! { <p class="sr-only" aria-live="polite">{move || said.get()}</p> }.into_any()
}

#[component]
fn Side() -> impl IntoView {
    let menu_open = RwSignal::new(false);
    let path = use_location().pathname;
    // Going somewhere closes the menu of a narrow screen.
    Effect::new(move |_| {
        path.get();
        menu_open.set(false);
    });
    let group = group_signal();
    view! {
        <div class="side">
            <header class="side-top">
                <a class="mark" href=move || Paths::of(&group.get()).overview()>
                    <Mark/>
                    <span class="side-word">"Postern"</span>
                </a>
                <ThemeButton/>
                <div class="menu-button">
                    <Button
                        label="Menu"
                        look=Look::Ghost
                        glyph=Glyph::Menu
                        expanded=menu_open
                        on_press=Callback::new(move |()| menu_open.update(|open| *open = !*open))
                    />
                </div>
            </header>
            <div class="menu" data-open=move || menu_open.get().to_string()>
                <Navigation group/>
            </div>
        </div>
    }
    .into_any()
}

/// A narrow door in a wall.
#[component]
fn Mark() -> impl IntoView {
    view! {
        <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
            <path d="M6 3h20a3 3 0 0 1 3 3v23H20V14a4 4 0 0 0-8 0v15H3V6a3 3 0 0 1 3-3z"></path>
            <circle cx="17.6" cy="21.5" r="1.3"></circle>
        </svg>
    }
    .into_any()
}

#[component]
fn Navigation(group: Signal<GroupName>) -> impl IntoView {
    let at = move |place: fn(&Paths) -> String| move || place(&Paths::of(&group.get()));
    view! {
        <nav aria-label="Gateway group">
            <p class="group">
                "Gateway group"
                <strong class="font-medium text-text">{move || group.get().to_string()}</strong>
            </p>
            <ul class="grid gap-0.5">
                <NavLink glyph=Glyph::Overview label="Overview" href=at(Paths::overview) exact=true/>
                <NavLink glyph=Glyph::Service label="Published Services" href=at(Paths::services)/>
                <NavLink glyph=Glyph::Consumer label="Consumers" href=at(Paths::consumers)/>
                <NavLink glyph=Glyph::Plugin label="Global Plugins" href=at(Paths::global_plugins)/>
                <NavLink glyph=Glyph::Info label="Plugin Metadata" href=at(Paths::plugin_metadata)/>
                <NavLink glyph=Glyph::Provider label="Secret Providers" href=at(Paths::providers)/>
                <NavLink glyph=Glyph::Lock label="Certificates" href=at(Paths::certificates)/>
                <NavLink glyph=Glyph::Reference label="References" href=at(Paths::references)/>
                <NavLink glyph=Glyph::Instance label="Gateway Instances" href=at(Paths::instances)/>
            </ul>
        </nav>
    }
    .into_any()
}

#[component]
fn NavLink(
    glyph: Glyph,
    label: &'static str,
    href: impl Fn() -> String + Send + Sync + 'static,
    #[prop(optional)] exact: bool,
) -> impl IntoView {
    view! {
        <li>
            <A href exact attr:class="nav-link" attr:title=label>
                <Icon glyph class="icon-20"/>
                <span class="side-word">{label}</span>
            </A>
        </li>
    }
    .into_any()
}

/// What the operator chose, or nothing: then the system decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Theme {
    System,
    Light,
    Dark,
}

impl Theme {
    fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::System => "Theme: as the system",
            Self::Light => "Theme: light",
            Self::Dark => "Theme: dark",
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    fn glyph(self) -> Glyph {
        match self {
            Self::System => Glyph::System,
            Self::Light => Glyph::Light,
            Self::Dark => Glyph::Dark,
        }
    }

    /// What `public/theme.js` put onto the document.
    fn of_document() -> Self {
        let root = document().document_element();
        match root.and_then(|root| root.get_attribute("data-theme")).as_deref() {
            Some("light") => Self::Light,
            Some("dark") => Self::Dark,
            _ => Self::System,
        }
    }

    fn apply(self) {
        ui::set_cookie("postern-theme", self.slug());
        let Some(root) = document().document_element() else { return };
        let _ = match self {
            Self::System => root.remove_attribute("data-theme"),
            Self::Light | Self::Dark => root.set_attribute("data-theme", self.slug()),
        };
    }
}

#[component]
fn ThemeButton() -> impl IntoView {
    let theme = RwSignal::new(Theme::System);
    Effect::new(move |_| theme.set(Theme::of_document()));
    let press = move |()| {
        let next = theme.get_untracked().next();
        next.apply();
        theme.set(next);
    };
    move || {
        let now = theme.get();
        view! {
            <div class="theme">
                <Button
                    label=now.label()
                    look=Look::Ghost
                    glyph=now.glyph()
                    icon_only=true
                    on_press=Callback::new(press)
                />
            </div>
        }
    }
}
