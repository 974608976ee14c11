//! Pages whose code a browser fetches when it first shows one of their part: `dev/build-site --release` cuts the
//! WASM there (the feature `split`). Everywhere else they are pages like any other.

use super::certificates::CertificatesPage;
use super::consumer::ConsumerPage;
use super::consumer_plugins::ConsumerPluginsPage;
use super::consumers::ConsumersPage;
use super::global_plugins::GlobalPluginsPage;
use super::instances::InstancesPage;
use super::over;
use super::overview::OverviewPage;
use super::plugin_metadata::PluginMetadataPage;
use super::reasons::ReasonsPage;
use super::references::ReferencesPage;
use super::route::RoutePage;
use super::secret_provider::SecretProviderPage;
use super::secret_providers::SecretProvidersPage;
use super::service::{ServiceOverview, ServicePlugins, ServiceRoutes};
use super::services::ServicesPage;
use crate::parts::failure::CodeFailure;
use leptos::prelude::*;
use leptos_router::LazyRoute;

/// The code of a page, or of its dialogs, could not be fetched.
#[derive(Debug)]
pub(super) struct NotFetched;

#[cfg(feature = "split")]
impl From<leptos::wasm_split::SplitLoaderError> for NotFetched {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// Whether the server may have rendered a dialog, as the address says.
fn shows_dialog() -> bool {
    ui::is_hydrating() && window().location().search().is_ok_and(|query| !query.is_empty())
}

/// `Route: show after load, Page in part, over [load, …];` makes the route of a page, whose code is fetched with that
/// part, and under dialogs that are fetched by those.
macro_rules! pages {
    ($($route:ident: $show:ident after $load:ident, $page:ident in $part:ident $(, over [$($dialogs:ident),+])?;)*) => {$(
        #[cfg(feature = "split")]
        #[leptos::wasm_split::wasm_split($part, wasm_split_path = leptos::wasm_split, preload($load), fallible)]
        fn $show() -> Result<AnyView, NotFetched> {
            Ok(view! { <$page/> }.into_any())
        }

        #[cfg(not(feature = "split"))]
        async fn $show() -> Result<AnyView, NotFetched> {
            Ok(view! { <$page/> }.into_any())
        }

        #[cfg(not(feature = "split"))]
        async fn $load() -> Result<(), NotFetched> {
            Ok(())
        }

        #[doc = concat!("The route to [`", stringify!($page), "`].")]
        #[derive(Debug)]
        pub struct $route;

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            // What the server has rendered is hydrated in one go, once this is done. Without the code it stays as it
            // is: it can be read, and its forms work.
            async fn preload() {
                let is_whole = $load().await.is_ok() $($(&& (!shows_dialog() || over::$dialogs().await.is_ok()))+)?;
                if !is_whole && ui::is_hydrating() {
                    std::future::pending::<()>().await;
                }
            }

            async fn view(_: Self) -> AnyView {
                #[cfg(feature = "ssr")]
                crate::first_loads::tell_part(stringify!($part));
                match $show().await {
                    Ok(page) => page,
                    Err(NotFetched) => view! { <CodeFailure/> }.into_any(),
                }
            }
        }
    )*};
}

// A part is what an operator is likely to open one after the other.
pages! {
    Overview: overview after load_overview, OverviewPage in home;
    SecretProviders: secret_providers after load_secret_providers, SecretProvidersPage in providers, over [load_of_providers];
    SecretProvider: secret_provider after load_secret_provider, SecretProviderPage in providers, over [load_of_provider, load_of_references];
    Consumers: consumers after load_consumers, ConsumersPage in consumers, over [load_of_consumers];
    Consumer: consumer after load_consumer, ConsumerPage in consumers, over [load_of_consumer];
    ConsumerPlugins: consumer_plugins after load_consumer_plugins, ConsumerPluginsPage in plugins, over [load_of_plugins];
    GlobalPlugins: global_plugins after load_global_plugins, GlobalPluginsPage in plugins, over [load_of_plugins];
    PluginMetadata: plugin_metadata after load_plugin_metadata, PluginMetadataPage in plugins, over [load_of_plugins];
    Services: services after load_services, ServicesPage in services, over [load_of_services];
    Service: service after load_service, ServiceOverview in services, over [load_of_service, load_of_plugins];
    RoutesOfService: routes_of_service after load_routes_of_service, ServiceRoutes in services, over [load_of_service];
    PluginsOfService: plugins_of_service after load_plugins_of_service, ServicePlugins in services, over [load_of_service, load_of_plugins];
    Route: route after load_route, RoutePage in services, over [load_of_route, load_of_plugins];
    Certificates: certificates after load_certificates, CertificatesPage in lists, over [load_of_certificates];
    References: references after load_references, ReferencesPage in lists, over [load_of_references];
    Reasons: reasons after load_reasons, ReasonsPage in lists;
    Instances: instances after load_instances, InstancesPage in lists;
}
