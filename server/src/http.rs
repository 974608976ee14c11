//! The dashboard's listener: pages, server functions, files, health and metrics.

use crate::gateway_link::GatewayLink;
use crate::guard;
use crate::hooks;
use crate::site::Site;
use app::{App, FirstLoads, provide_control, shell};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use control::Control;
use http::{StatusCode, header};
use leptos::config::LeptosOptions;
use leptos::prelude::{expect_context, provide_context, use_context};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};
use metrics_exporter_prometheus::PrometheusHandle;
use postern::control::ControlPlane;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::limit::RequestBodyLimitLayer;

/// The largest form or server-function call, in bytes.
const BODY_LIMIT: usize = 256 * 1024;

#[derive(Clone)]
struct Dashboard {
    control: Control,
    site: Site,
    options: LeptosOptions,
    metrics: Metrics,
}

/// What `/metrics` answers: the program's metrics, and its gateway's.
#[derive(Clone)]
pub(crate) struct Metrics {
    pub(crate) program: PrometheusHandle,
    pub(crate) gateway: Arc<GatewayLink>,
}

impl axum::extract::FromRef<Dashboard> for LeptosOptions {
    fn from_ref(dashboard: &Dashboard) -> Self {
        dashboard.options.clone()
    }
}

/// Everything the dashboard's listener answers.
pub(crate) fn router(control: Control, site: Site, metrics: Metrics) -> Router {
    let options = LeptosOptions::builder().output_name("postern").site_pkg_dir("pkg").build();
    let first_loads = site.first_loads();
    let dashboard = Dashboard { control: control.clone(), site, options: options.clone(), metrics };
    let hooks = hooks::answered_by(&control);
    let plane: Arc<dyn ControlPlane> = Arc::new(control);
    let context = move || give_context(&plane, &first_loads);
    let pages = generate_route_list(App);
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics_text))
        .route(hooks::ROUTE, hooks)
        .route(
            "/api/{*function}",
            any({
                let context = context.clone();
                move |request: Request| leptos_axum::handle_server_fns_with_context(context.clone(), request)
            }),
        )
        .leptos_routes_with_context(&dashboard, pages, context.clone(), {
            let options = options.clone();
            move || shell(options.clone())
        })
        .fallback({
            move |State(dashboard): State<Dashboard>, request: Request| {
                let context = context.clone();
                async move { file_or_not_found(dashboard, context, request).await }
            }
        })
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .layer(from_fn(guard::check))
        .layer(CatchPanicLayer::new())
        .layer(from_fn(guard::harden))
        .with_state(dashboard)
}

/// What pages and server functions find in their context, and the policy of a page.
fn give_context(plane: &Arc<dyn ControlPlane>, first_loads: &FirstLoads) {
    provide_control(plane.clone());
    provide_context(first_loads.clone());
    let nonce = leptos::nonce::use_nonce();
    let options = use_context::<ResponseOptions>();
    if let (Some(nonce), Some(options)) = (nonce, options)
        && let Ok(policy) = guard::page_policy(&nonce).parse()
    {
        options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

async fn file_or_not_found(
    dashboard: Dashboard,
    context: impl Fn() + Clone + Send + Sync + 'static,
    request: Request,
) -> Response {
    if let Some(file) = dashboard.site.answer(&request) {
        return file;
    }
    let options = dashboard.options.clone();
    let status = move || {
        context();
        expect_context::<ResponseOptions>().set_status(StatusCode::NOT_FOUND);
    };
    let page = leptos_axum::render_app_async_with_context(status, move || shell(options.clone()));
    page(request).await.into_response()
}

async fn ready(State(dashboard): State<Dashboard>) -> Response {
    if dashboard.control.is_ready().await {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
    }
}

async fn metrics_text(State(dashboard): State<Dashboard>) -> Response {
    let Metrics { program, gateway } = &dashboard.metrics;
    let text = program.render() + &gateway.metrics();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
