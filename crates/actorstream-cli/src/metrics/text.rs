//! The text format of Prometheus.

use std::fmt::{Display, Write as _};

use metrics::Key;

use super::registry::Registry;

/// Renders all metrics, in the order of their names and labels.
pub(super) fn render(registry: &Registry) -> String {
    let mut text = Text::default();
    for (key, value) in registry.counters() {
        text.begin(key.name(), "counter");
        text.line("", &key, None, value);
    }
    for (key, value) in registry.gauges() {
        text.begin(key.name(), "gauge");
        text.line("", &key, None, value);
    }
    for (key, recorded) in registry.histograms() {
        text.begin(key.name(), "histogram");
        for (bound, count) in recorded.bounds.iter().zip(recorded.at_most) {
            text.line("_bucket", &key, Some(bound), count);
        }
        text.line("_bucket", &key, Some(&"+Inf"), recorded.count);
        text.line("_sum", &key, None, recorded.sum);
        text.line("_count", &key, None, recorded.count);
    }
    text.text
}

#[derive(Default)]
struct Text {
    text: String,
    /// The name of the metric whose lines are being written.
    name: String,
}

impl Text {
    /// Begins a metric, unless its lines are being written.
    fn begin(&mut self, name: &str, kind: &str) {
        let name = valid(name);
        if self.name != name {
            let gap = if self.text.is_empty() { "" } else { "\n" };
            let _ = writeln!(self.text, "{gap}# TYPE {name} {kind}");
            self.name = name;
        }
    }

    fn line(&mut self, suffix: &str, key: &Key, bound: Option<&dyn Display>, value: impl Display) {
        let labels = key.labels().map(|label| (valid(label.key()), escaped(label.value())));
        let bound = bound.map(|bound| ("le".to_owned(), bound.to_string()));
        let labels: Vec<_> = labels.chain(bound).map(|(name, value)| format!("{name}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {value}", self.name);
    }
}

/// A name in the characters that Prometheus allows. OpenTelemetry's names have dots.
fn valid(name: &str) -> String {
    let is_valid = |at: usize, c: char| c == '_' || c.is_ascii_alphabetic() || at > 0 && c.is_ascii_digit();
    name.chars().enumerate().map(|(at, c)| if is_valid(at, c) { c } else { '_' }).collect()
}

/// The value of a label between quotation marks.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn metrics_are_rendered_in_order() {
        let registry = Arc::new(Registry::default());
        metrics::with_local_recorder(&registry, || {
            metrics::counter!("calls.failed", "model" => "b").increment(1);
            metrics::counter!("calls.failed", "model" => "a\"\\\nz").increment(2);
            metrics::counter!("calls.failed", "model" => "b").increment(3);
            metrics::gauge!("calls.open").increment(2.0);
            metrics::gauge!("calls.open").decrement(1.0);
            for seconds in [0.01, 0.5, 100.0] {
                metrics::histogram!("call.duration").record(seconds);
            }
            metrics::histogram!("token.usage", "kind" => "input").record(16.0);
        });
        let text = render(&registry);
        let (counters, histograms) = text.split_once("# TYPE call_duration histogram\n").unwrap();
        assert_eq!(
            counters,
            "# TYPE calls_failed counter\n\
             calls_failed{model=\"a\\\"\\\\\\nz\"} 2\n\
             calls_failed{model=\"b\"} 4\n\
             \n\
             # TYPE calls_open gauge\n\
             calls_open 1\n\
             \n"
        );
        let mut lines = histograms.lines();
        let durations: Vec<_> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
        assert_eq!(durations.len(), 17);
        assert_eq!(durations[0], "call_duration_bucket{le=\"0.01\"} 1");
        assert_eq!(
            durations[5..7],
            ["call_duration_bucket{le=\"0.32\"} 1", "call_duration_bucket{le=\"0.64\"} 2"]
        );
        assert_eq!(
            durations[13..],
            [
                "call_duration_bucket{le=\"81.92\"} 2",
                "call_duration_bucket{le=\"+Inf\"} 3",
                "call_duration_sum 100.51",
                "call_duration_count 3"
            ]
        );
        let tokens: Vec<_> = lines.collect();
        assert_eq!(
            tokens[..4],
            [
                "# TYPE token_usage histogram",
                "token_usage_bucket{kind=\"input\",le=\"1\"} 0",
                "token_usage_bucket{kind=\"input\",le=\"4\"} 0",
                "token_usage_bucket{kind=\"input\",le=\"16\"} 1"
            ]
        );
    }
}
