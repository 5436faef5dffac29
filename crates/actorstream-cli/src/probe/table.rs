//! The report as text, for a terminal.

use std::fmt::Write as _;

use super::report::{Report, pace};
use super::times::{Times, shown};
use crate::terminal::harmless;

/// The longest bar of a histogram, in characters.
const BAR: usize = 40;

/// The report as text. Texts of the server are in it without control characters.
pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}, model {}\n", one_line(&report.url), one_line(&report.model));
    let name = |name: &str| format!("{name:9}");
    for probed in &report.probed {
        let judgement = &probed.judgement;
        let _ = writeln!(
            text,
            "{}  {:8}  {}",
            name(probed.name),
            judgement.verdict.name(),
            one_line(&judgement.reason)
        );
        if let (Some(observation), Some(end)) = (&probed.observation, &probed.end) {
            let _ = writeln!(text, "{}            {}; {}", name(""), one_line(end), pace(observation));
        }
    }
    if !report.dialect.is_empty() {
        let _ = writeln!(text, "\ndialect");
        for sentence in &report.dialect {
            let _ = writeln!(text, "  {}", one_line(sentence));
        }
    }
    times(&mut text, "time to the first event", &report.first_event);
    times(&mut text, "time between two events", &report.between);
    if let Some(throughput) = report.throughput {
        let _ = write!(
            text,
            "\nthroughput: {:.0} events/s, {:.0} characters/s",
            throughput.events_per_second, throughput.characters_per_second
        );
        if let Some(tokens) = throughput.tokens_per_second {
            let _ = write!(text, ", {tokens:.0} tokens/s");
        }
        text.push('\n');
    }
    harmless(&text).into_owned()
}

/// Percentiles and a histogram.
fn times(text: &mut String, title: &str, times: &Times) {
    if times.len() == 0 {
        return;
    }
    let quantile = |share| times.quantile(share).map(shown).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\n{title}: n {}, min {}, median {}, 90 % {}, 99 % {}, max {}",
        times.len(),
        quantile(0.0),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(1.0)
    );
    let histogram = times.histogram();
    let most = histogram.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    for (bound, count) in histogram {
        let below = bound.map_or("over".to_owned(), |bound| format!("< {}", shown(bound)));
        // Something is shown of every bucket that is not empty.
        let bar = "█".repeat((count * BAR).div_ceil(most));
        let _ = writeln!(text, "  {below:>9}  {bar}{}{count}", if count == 0 { "" } else { " " });
    }
}

/// A text of the server in one line that is not too long.
fn one_line(text: &str) -> String {
    /// The longest line, in characters.
    const LONGEST: usize = 240;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
