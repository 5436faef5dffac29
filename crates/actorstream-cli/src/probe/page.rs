//! The report as a page: one file that loads nothing.

use std::fmt::Write as _;

use super::plot;
use super::report::{Report, pace};
use super::times::{Times, shown};

const STYLE: &str = include_str!("page.css");

/// The report as a page.
pub(super) fn render(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <meta http-equiv=\"content-security-policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Probe of {url}</title><style>\n{STYLE}</style></head><body>\n<h1>Probe of {url}</h1>\n<p>model {model}</p>\n",
        url = escape(&report.url),
        model = escape(&report.model),
    );
    page.push_str("<h2>The API</h2>\n<table>\n");
    for probed in &report.probed {
        let verdict = probed.judgement.verdict.name();
        let details = probed.observation.as_ref();
        let end = probed.end.as_deref().unwrap_or_default();
        let details = details.map(|observation| format!("{end}; {}", pace(observation)));
        // Writing to a string cannot fail.
        let _ = writeln!(
            page,
            "<tr><th>{}</th><td class=\"{verdict}\">{verdict}</td><td>{}<br><small>{}</small></td></tr>",
            escape(probed.name),
            escape(&probed.judgement.reason),
            escape(&details.unwrap_or_default()),
        );
    }
    page.push_str("</table>\n");
    if !report.dialect.is_empty() {
        page.push_str("<h2>The dialect</h2>\n<ul>\n");
        for sentence in &report.dialect {
            let _ = writeln!(page, "<li>{}</li>", escape(sentence));
        }
        page.push_str("</ul>\n");
    }
    let _ = writeln!(
        page,
        "<h2>Events over time</h2>\n<p>Each line is a stream, each mark an event, the dot its end, in the colour of the verdict.</p>\n{}",
        plot::timeline(&report.probed)
    );
    histogram(&mut page, "Time to the first event", &report.first_event);
    histogram(&mut page, "Time between two events", &report.between);
    if let Some(throughput) = report.throughput {
        let tokens = throughput.tokens_per_second.map(|tokens| format!(", {tokens:.0} tokens"));
        let _ = writeln!(
            page,
            "<h2>Throughput</h2>\n<p>{:.0} events, {:.0} characters{} per second, from the first event of the longest stream to its last.</p>",
            throughput.events_per_second,
            throughput.characters_per_second,
            tokens.unwrap_or_default()
        );
    }
    page + "</body></html>\n"
}

fn histogram(page: &mut String, title: &str, times: &Times) {
    if times.len() == 0 {
        return;
    }
    let quantile = |share| times.quantile(share).map(shown).unwrap_or_default();
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "<h2>{title}</h2>\n<p>{} times: least {}, median {}, 90 % below {}, 99 % below {}, most {}</p>\n{}",
        times.len(),
        quantile(0.0),
        quantile(0.5),
        quantile(0.9),
        quantile(0.99),
        quantile(1.0),
        plot::histogram(title, times)
    );
}

/// A text as HTML, without control characters.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() => escaped.push(' '),
            letter => escaped.push(letter),
        }
    }
    escaped
}
