//! The gateway's metrics as Prometheus reads them (text format 0.0.4).

use crate::UpstreamState;
use crate::counts::{BUCKETS, ByReason, RouteCounts};
use std::fmt::Write;

/// What is told of one route.
pub(crate) struct RouteFacts<'a> {
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) counts: &'a RouteCounts,
}

/// A text of metrics in the making.
#[derive(Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    pub(crate) fn finish(self) -> String {
        self.0
    }

    pub(crate) fn number(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }

    pub(crate) fn requests(&mut self, routes: &[RouteFacts<'_>]) {
        let name = "postern_gateway_requests_total";
        self.head(name, "counter", "Requests answered, by route and status; 499: the client went away first.");
        for route in routes {
            for (status, count) in route.counts.statuses() {
                self.sample(
                    name,
                    &[("route", route.id), ("route_name", route.name), ("status", &status.to_string())],
                    count,
                );
            }
        }
        let name = "postern_gateway_request_duration_seconds";
        self.head(name, "histogram", "From the head of a request to the end of its answer, by route.");
        for route in routes {
            self.histogram(name, route);
        }
    }

    fn histogram(&mut self, name: &str, route: &RouteFacts<'_>) {
        let cumulated = route.counts.cumulated();
        let [.., total] = cumulated;
        if total == 0 {
            return;
        }
        let labels = [("route", route.id), ("route_name", route.name)];
        let ends = BUCKETS.iter().map(|micros| (*micros as f64 / 1e6).to_string()).chain(["+Inf".to_owned()]);
        for (end, count) in ends.zip(cumulated) {
            let [id, route_name] = labels;
            self.sample(&format!("{name}_bucket"), &[id, route_name, ("le", &end)], count);
        }
        self.sample(&format!("{name}_sum"), &labels, route.counts.seconds());
        self.sample(&format!("{name}_count"), &labels, total);
    }

    pub(crate) fn auth_failures(&mut self, failures: &ByReason) {
        let name = "postern_gateway_auth_failures_total";
        self.head(name, "counter", "Requests that an authentication plugin refused, by what it told the client.");
        for (reason, count) in failures.read() {
            self.sample(name, &[("reason", reason)], count);
        }
    }

    pub(crate) fn upstreams(&mut self, states: &[UpstreamState]) {
        let name = "postern_gateway_upstream_healthy";
        self.head(name, "gauge", "Whether an upstream server gets requests (1), or is left alone (0).");
        for state in states {
            let labels = [("service", state.service.as_str()), ("server", state.server.as_str())];
            self.sample(name, &labels, u64::from(state.is_healthy));
        }
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.write(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        match labels.as_slice() {
            [] => self.write(format_args!("{name} {value}\n")),
            labels => self.write(format_args!("{name}{{{}}} {value}\n", labels.join(","))),
        }
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _written = self.0.write_fmt(text);
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_prometheus_reads() {
        let counts = RouteCounts::default();
        counts.add(200, Duration::from_micros(400));
        let mut exposition = Exposition::default();
        exposition.requests(&[RouteFacts { id: "r", name: "a \"b\"\\", counts: &counts }]);
        exposition.number("x_total", "counter", "X.", 7);
        let text = exposition.finish();
        for line in [
            "# TYPE postern_gateway_requests_total counter",
            r#"postern_gateway_requests_total{route="r",route_name="a \"b\"\\",status="200"} 1"#,
            r#"postern_gateway_request_duration_seconds_bucket{route="r",route_name="a \"b\"\\",le="0.0005"} 1"#,
            r#"postern_gateway_request_duration_seconds_bucket{route="r",route_name="a \"b\"\\",le="+Inf"} 1"#,
            r#"postern_gateway_request_duration_seconds_sum{route="r",route_name="a \"b\"\\"} 0.0004"#,
            "x_total 7",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }
}
