//! The upstream part of the service dialog: the nodes, and how the gateway speaks to them.

use crate::api;
use crate::load::load;
use crate::parts::group::group_signal;
use leptos::prelude::*;
use postern::control::CertificateView;
use postern::routing::{Balancing, NodesForm, PASS_HOST_CHOICES, scheme_choices};
use ui::{Choice, Disclosure, Select, TextArea, TextInput};

/// The fields as typed.
#[derive(Clone, Copy)]
pub struct UpstreamFields {
    nodes: RwSignal<String>,
    balancing: RwSignal<String>,
    scheme: RwSignal<String>,
    ca_certificate: RwSignal<String>,
    client_cert_id: RwSignal<String>,
    pass_host: RwSignal<String>,
    upstream_host: RwSignal<String>,
    retries: RwSignal<String>,
    retry_timeout: RwSignal<String>,
    connect_timeout: RwSignal<String>,
    read_timeout: RwSignal<String>,
    check_path: RwSignal<String>,
    check_interval: RwSignal<String>,
    check_healthy_after: RwSignal<String>,
    check_unhealthy_after: RwSignal<String>,
    passive_unhealthy_after: RwSignal<String>,
    passive_rest: RwSignal<String>,
}

impl UpstreamFields {
    pub fn new(form: NodesForm) -> Self {
        Self {
            nodes: RwSignal::new(form.nodes),
            balancing: RwSignal::new(form.balancing),
            scheme: RwSignal::new(form.scheme),
            ca_certificate: RwSignal::new(form.ca_certificate),
            client_cert_id: RwSignal::new(form.client_cert_id),
            pass_host: RwSignal::new(form.pass_host),
            upstream_host: RwSignal::new(form.upstream_host),
            retries: RwSignal::new(form.retries),
            retry_timeout: RwSignal::new(form.retry_timeout),
            connect_timeout: RwSignal::new(form.connect_timeout),
            read_timeout: RwSignal::new(form.read_timeout),
            check_path: RwSignal::new(form.check_path),
            check_interval: RwSignal::new(form.check_interval),
            check_healthy_after: RwSignal::new(form.check_healthy_after),
            check_unhealthy_after: RwSignal::new(form.check_unhealthy_after),
            passive_unhealthy_after: RwSignal::new(form.passive_unhealthy_after),
            passive_rest: RwSignal::new(form.passive_rest),
        }
    }

    /// The form; tracked.
    pub fn form(self) -> NodesForm {
        NodesForm {
            nodes: self.nodes.get(),
            balancing: self.balancing.get(),
            scheme: self.scheme.get(),
            ca_certificate: self.ca_certificate.get(),
            client_cert_id: self.client_cert_id.get(),
            pass_host: self.pass_host.get(),
            upstream_host: self.upstream_host.get(),
            retries: self.retries.get(),
            retry_timeout: self.retry_timeout.get(),
            connect_timeout: self.connect_timeout.get(),
            read_timeout: self.read_timeout.get(),
            check_path: self.check_path.get(),
            check_interval: self.check_interval.get(),
            check_healthy_after: self.check_healthy_after.get(),
            check_unhealthy_after: self.check_unhealthy_after.get(),
            passive_unhealthy_after: self.passive_unhealthy_after.get(),
            passive_rest: self.passive_rest.get(),
        }
    }

    pub fn set(self, form: NodesForm) {
        self.nodes.set(form.nodes);
        self.balancing.set(form.balancing);
        self.scheme.set(form.scheme);
        self.ca_certificate.set(form.ca_certificate);
        self.client_cert_id.set(form.client_cert_id);
        self.pass_host.set(form.pass_host);
        self.upstream_host.set(form.upstream_host);
        self.retries.set(form.retries);
        self.retry_timeout.set(form.retry_timeout);
        self.connect_timeout.set(form.connect_timeout);
        self.read_timeout.set(form.read_timeout);
        self.check_path.set(form.check_path);
        self.check_interval.set(form.check_interval);
        self.check_healthy_after.set(form.check_healthy_after);
        self.check_unhealthy_after.set(form.check_unhealthy_after);
        self.passive_unhealthy_after.set(form.passive_unhealthy_after);
        self.passive_rest.set(form.passive_rest);
    }
}

/// How the dialog names a field.
pub fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "nodes" => "Nodes",
        "balancing" => "Load Balancing",
        "scheme" => "Scheme",
        "ca_certificate" => "CA Certificate",
        "client_cert_id" => "Client Certificate",
        "pass_host" => "Pass Host",
        "upstream_host" => "Upstream Host",
        "retries" => "Retries",
        "retry_timeout" => "Retry timeout (seconds)",
        "connect_timeout" => "Connect timeout (seconds)",
        "read_timeout" => "Read timeout (seconds)",
        "check_path" => "Active health check: path",
        "check_interval" => "Active health check: interval (seconds)",
        "check_healthy_after" => "Active health check: healthy after",
        "check_unhealthy_after" => "Active health check: unhealthy after",
        "passive_unhealthy_after" => "Passive health check: unhealthy after",
        "passive_rest" => "Passive health check: rest (seconds)",
        _ => return None,
    })
}

/// Whether a field that few need is set.
pub fn is_tuned(form: &NodesForm) -> bool {
    let usual = NodesForm::default();
    let NodesForm { nodes, balancing, scheme, ca_certificate, client_cert_id, .. } = form.clone();
    *form != NodesForm { nodes, balancing, scheme, ca_certificate, client_cert_id, ..usual }
}

/// The servers, how requests are shared among them, and how they are spoken to.
#[component]
pub fn UpstreamInputs(fields: UpstreamFields, open: bool) -> impl IntoView {
    let balancing = Balancing::ALL.map(|balancing| Choice::new(balancing.slug(), balancing.label())).to_vec();
    let schemes = scheme_choices().map(|(slug, label)| Choice::new(slug, label)).to_vec();
    let is_tls = Memo::new(move |_| matches!(fields.scheme.get().as_str(), "https" | "grpcs"));
    view! {
        <TextArea
            name="nodes"
            label="Nodes"
            value=fields.nodes
            required=true
            mono=true
            placeholder="127.0.0.1:8080 100"
            hint=|| "One server a line: host:port and a weight. Requests are shared by weight."
        />
        <Select name="balancing" label="Load Balancing" value=fields.balancing choices=balancing/>
        <Select
            name="scheme"
            label="Scheme"
            value=fields.scheme
            choices=schemes
            hint=|| "HTTP and HTTPS are HTTP/1.1. Over TLS every server must prove its name with a certificate; nothing switches that off."
        />
        {move || {
            is_tls
                .get()
                .then(|| {
                    view! {
                        <TextArea
                            name="ca_certificate"
                            label="CA Certificate"
                            value=fields.ca_certificate
                            mono=true
                            placeholder="-----BEGIN CERTIFICATE-----"
                            hint=|| "PEM. Replaces the system's certificate authorities for this upstream."
                        />
                        <ClientCertificate value=fields.client_cert_id/>
                    }
                })
        }}
        <Disclosure label="Advanced" open>
            <HostInputs fields/>
            <LimitInputs fields/>
            <CheckInputs fields/>
        </Disclosure>
    }
    .into_any()
}

/// Which of the group's certificates is shown to the servers.
#[component]
fn ClientCertificate(value: RwSignal<String>) -> impl IntoView {
    let group = group_signal();
    load(
        move || group.get(),
        api::certificates,
        move |live, _| {
            let choices = live.peek(|views| certificate_choices(views));
            view! {
                <Select
                    name="client_cert_id"
                    label="Client Certificate"
                    value
                    choices
                    hint=|| "One of Certificates, shown to nodes that ask for one. While it has no value, requests are refused."
                />
            }
            .into_any()
        },
    )
}

fn certificate_choices(views: &[CertificateView]) -> Vec<Choice> {
    let names = views.iter().map(|view| Choice::new(view.stored.object.id.as_str(), view.stored.object.name.as_str()));
    std::iter::once(Choice::new("", "None")).chain(names).collect()
}

#[component]
fn HostInputs(fields: UpstreamFields) -> impl IntoView {
    let choices = PASS_HOST_CHOICES.map(|(slug, label)| Choice::new(slug, label)).to_vec();
    let is_rewritten = Memo::new(move |_| fields.pass_host.get() == "rewrite");
    view! {
        <Select
            name="pass_host"
            label="Pass Host"
            value=fields.pass_host
            choices
            hint=|| "Which Host header the nodes get. X-Forwarded-Host always has the client's."
        />
        {move || {
            is_rewritten
                .get()
                .then(|| {
                    view! {
                        <TextInput
                            name="upstream_host"
                            label="Upstream Host"
                            value=fields.upstream_host
                            required=true
                            mono=true
                            placeholder="api.example.com"
                        />
                    }
                })
        }}
    }
    .into_any()
}

#[component]
fn LimitInputs(fields: UpstreamFields) -> impl IntoView {
    view! {
        <TextInput
            name="retries"
            label="Retries"
            value=fields.retries
            hint=|| "How many other nodes a failed request may go to. Empty: all of them."
        />
        <TextInput
            name="retry_timeout"
            label="Retry timeout (seconds)"
            value=fields.retry_timeout
            hint=|| "After this time a request goes to no other node. Empty: no limit."
        />
        <TextInput
            name="connect_timeout"
            label="Connect timeout (seconds)"
            value=fields.connect_timeout
            hint=|| "Empty: 5."
        />
        <TextInput
            name="read_timeout"
            label="Read timeout (seconds)"
            value=fields.read_timeout
            hint=|| "How long a node may be silent before its answer begins. Empty: 60."
        />
    }
    .into_any()
}

#[component]
fn CheckInputs(fields: UpstreamFields) -> impl IntoView {
    view! {
        <TextInput
            name="check_path"
            label="Active health check: path"
            value=fields.check_path
            mono=true
            placeholder="/health"
            hint=|| "Every node is asked for it at the interval; 200 to 399 is a success. Empty: no active check."
        />
        <TextInput
            name="check_interval"
            label="Active health check: interval (seconds)"
            value=fields.check_interval
        />
        <TextInput
            name="check_healthy_after"
            label="Active health check: healthy after"
            value=fields.check_healthy_after
            hint=|| "Successes in a row after which a node gets requests again."
        />
        <TextInput
            name="check_unhealthy_after"
            label="Active health check: unhealthy after"
            value=fields.check_unhealthy_after
            hint=|| "Failures in a row after which a node gets none."
        />
        <TextInput
            name="passive_unhealthy_after"
            label="Passive health check: unhealthy after"
            value=fields.passive_unhealthy_after
            hint=|| "Requests in a row that got no answer, 502, 503 or 504. Empty: no passive check."
        />
        <TextInput
            name="passive_rest"
            label="Passive health check: rest (seconds)"
            value=fields.passive_rest
            hint=|| "After which a node is tried again. With an active check that one decides."
        />
    }
    .into_any()
}
