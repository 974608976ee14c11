//! The HTML document, and which page stands at which address.

use crate::error::tell_status;
use crate::layout::GroupFrame;
use crate::pages::fetched;
use crate::title::PageTitle;
use leptos::prelude::*;
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::Lazy;
use leptos_router::SsrMode::Async;
use leptos_router::components::{ParentRoute, Redirect, Route, Router, Routes};
use leptos_router::path;
use ui::{Glyph, Icon, Toaster, Toasts};

/// The HTML document around the app.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let nonce = leptos::nonce::use_nonce();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <script src="/theme.js" nonce=nonce></script>
                <link rel="icon" type="image/svg+xml" href="/favicon.svg"/>
                <link rel="preload" href="/fonts/geist.woff2" r#as="font" type="font/woff2" crossorigin="anonymous"/>
                <link rel="stylesheet" href="/pkg/postern.css"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// The whole dashboard.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    ui::ready_scope();
    let toasts = Toasts::provide();
    view! {
        <Router>
            <a class="skip-link" href="#main" rel="external">
                "Skip to the page"
            </a>
            <Routes fallback=NotFound>
                <Route path=path!("/") view=|| view! { <Redirect path="/g/default"/> }/>
                <ParentRoute path=path!("/g/:group") view=GroupFrame ssr=Async>
                    <Route path=path!("") view={Lazy::<fetched::Overview>::new()} ssr=Async/>
                    <Route path=path!("secret-providers") view={Lazy::<fetched::SecretProviders>::new()} ssr=Async/>
                    <Route path=path!("secret-providers/:manager/:id") view={Lazy::<fetched::SecretProvider>::new()} ssr=Async/>
                    <Route path=path!("consumers") view={Lazy::<fetched::Consumers>::new()} ssr=Async/>
                    <Route path=path!("consumers/:name") view={Lazy::<fetched::Consumer>::new()} ssr=Async/>
                    <Route path=path!("consumers/:name/credentials/:kind") view={Lazy::<fetched::Consumer>::new()} ssr=Async/>
                    <Route path=path!("consumers/:name/plugins") view={Lazy::<fetched::ConsumerPlugins>::new()} ssr=Async/>
                    <Route path=path!("global-plugins") view={Lazy::<fetched::GlobalPlugins>::new()} ssr=Async/>
                    <Route path=path!("plugin-metadata") view={Lazy::<fetched::PluginMetadata>::new()} ssr=Async/>
                    <Route path=path!("services") view={Lazy::<fetched::Services>::new()} ssr=Async/>
                    <Route path=path!("services/:id") view={Lazy::<fetched::Service>::new()} ssr=Async/>
                    <Route path=path!("services/:id/routes") view={Lazy::<fetched::RoutesOfService>::new()} ssr=Async/>
                    <Route path=path!("services/:id/plugins") view={Lazy::<fetched::PluginsOfService>::new()} ssr=Async/>
                    <Route path=path!("services/:id/routes/:rid") view={Lazy::<fetched::Route>::new()} ssr=Async/>
                    <Route path=path!("certificates") view={Lazy::<fetched::Certificates>::new()} ssr=Async/>
                    <Route path=path!("references") view={Lazy::<fetched::References>::new()} ssr=Async/>
                    <Route path=path!("reasons") view={Lazy::<fetched::Reasons>::new()} ssr=Async/>
                    <Route path=path!("instances") view={Lazy::<fetched::Instances>::new()} ssr=Async/>
                </ParentRoute>
            </Routes>
        </Router>
        <Toaster toasts/>
    }
    .into_any()
}

#[component]
fn NotFound() -> impl IntoView {
    tell_status(404);
    view! {
        <PageTitle text="No such page"/>
        <main class="page" id="main" tabindex="-1">
            <div class="card empty">
                <Icon glyph=Glyph::Offline/>
                <h1>"There is no such page"</h1>
                <p>"The address may be misspelt, or what was here has been deleted."</p>
                <a class="link" href="/">
                    "Go to the overview"
                </a>
            </div>
        </main>
    }
    .into_any()
}
