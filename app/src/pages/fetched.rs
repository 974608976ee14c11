//! Pages whose code a browser fetches when it first shows one of their part: `dev/build-site --release` cuts the
//! WASM there (the feature `split`). Everywhere else they are pages like any other.

use super::certificates::CertificatesPage;
use super::consumer::ConsumerPage;
use super::consumer_plugins::ConsumerPluginsPage;
use super::consumers::ConsumersPage;
use super::global_plugins::GlobalPluginsPage;
use super::instances::InstancesPage;
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

/// The code of a page could not be fetched.
struct NotFetched;

#[cfg(feature = "split")]
impl From<leptos::wasm_split::SplitLoaderError> for NotFetched {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}

/// `Route: function shows Page, in part;` makes the route of a page, whose code is fetched with that part.
macro_rules! pages {
    ($($route:ident: $function:ident shows $page:ident, in $part:ident;)*) => {$(
        #[cfg(feature = "split")]
        #[leptos::wasm_split::wasm_split($part, wasm_split_path = leptos::wasm_split, fallible)]
        fn $function() -> Result<AnyView, NotFetched> {
            Ok(view! { <$page/> }.into_any())
        }

        #[cfg(not(feature = "split"))]
        async fn $function() -> Result<AnyView, NotFetched> {
            Ok(view! { <$page/> }.into_any())
        }

        #[doc = concat!("The route to [`", stringify!($page), "`].")]
        #[derive(Debug)]
        pub struct $route;

        impl LazyRoute for $route {
            fn data() -> Self {
                Self
            }

            async fn view(_: Self) -> AnyView {
                match $function().await {
                    Ok(page) => page,
                    Err(NotFetched) => view! { <CodeFailure/> }.into_any(),
                }
            }
        }
    )*};
}

// A part is what an operator is likely to open one after the other.
pages! {
    Overview: overview shows OverviewPage, in home;
    SecretProviders: secret_providers shows SecretProvidersPage, in providers;
    SecretProvider: secret_provider shows SecretProviderPage, in providers;
    Consumers: consumers shows ConsumersPage, in consumers;
    Consumer: consumer shows ConsumerPage, in consumers;
    ConsumerPlugins: consumer_plugins shows ConsumerPluginsPage, in plugins;
    GlobalPlugins: global_plugins shows GlobalPluginsPage, in plugins;
    PluginMetadata: plugin_metadata shows PluginMetadataPage, in plugins;
    Services: services shows ServicesPage, in services;
    Service: service shows ServiceOverview, in services;
    RoutesOfService: routes_of_service shows ServiceRoutes, in services;
    PluginsOfService: plugins_of_service shows ServicePlugins, in services;
    Route: route shows RoutePage, in services;
    Certificates: certificates shows CertificatesPage, in lists;
    References: references shows ReferencesPage, in lists;
    Reasons: reasons shows ReasonsPage, in lists;
    Instances: instances shows InstancesPage, in lists;
}
