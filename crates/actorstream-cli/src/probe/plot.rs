//! The plots of the page, as SVG.

use std::fmt::Write as _;
use std::time::Duration;

use super::page::escape;
use super::requests::Probed;
use super::times::{Times, shown};

/// The width of a plot, in pixels, and that of the labels at its left.
const WIDTH: f64 = 720.0;
const LABELS: f64 = 90.0;

/// The height of a row of the timeline, and of the histogram.
const ROW: f64 = 26.0;
const HEIGHT: f64 = 160.0;

/// A row for each stream, with a mark for each event at its time.
pub(super) fn timeline(probed: &[Probed]) -> String {
    let rows: Vec<_> =
        probed.iter().filter_map(|probed| Some((probed, probed.observation.as_ref()?))).collect();
    let longest = rows.iter().map(|(_, observation)| observation.took).max().unwrap_or_default();
    let scale = (WIDTH - LABELS - 10.0) / longest.as_secs_f64().max(1e-6);
    let x = |time: Duration| LABELS + time.as_secs_f64() * scale;
    let height = ROW * (rows.len() as f64 + 1.0);
    let mut svg = open("Events of each stream over time", height);
    for (row, (probed, observation)) in rows.iter().enumerate() {
        let middle = ROW * (row as f64 + 0.5);
        let end = x(observation.took);
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{}</text><line class="base" x1="{LABELS}" x2="{end:.1}" y1="{middle}" y2="{middle}"/>"#,
            LABELS - 8.0,
            middle + 4.0,
            escape(probed.name),
        );
        let mut path = String::new();
        // Marks that would cover each other are drawn once.
        let mut last = f64::NEG_INFINITY;
        for arrival in &observation.arrivals {
            let at = x(*arrival);
            if at - last >= 0.5 {
                let _ = write!(path, "M{at:.1} {:.1}v14", middle - 7.0);
                last = at;
            }
        }
        let class = probed.judgement.verdict.name();
        let _ = write!(
            svg,
            r#"<path class="event" d="{path}"/><circle class="{class}" cx="{end:.1}" cy="{middle}" r="4"><title>{}: {}</title></circle>"#,
            escape(probed.name),
            shown(observation.took),
        );
    }
    let axis = height - ROW + 4.0;
    let _ =
        write!(svg, r#"<line class="axis" x1="{LABELS}" x2="{:.1}" y1="{axis}" y2="{axis}"/>"#, WIDTH - 10.0);
    for part in 0..=4 {
        let time = longest * part / 4;
        let _ = write!(
            svg,
            r#"<text x="{:.1}" y="{:.1}" text-anchor="{}">{}</text>"#,
            x(time),
            axis + 16.0,
            if part == 4 { "end" } else { "middle" },
            shown(time),
        );
    }
    svg + "</svg>"
}

/// The histogram of times.
pub(super) fn histogram(title: &str, times: &Times) -> String {
    let buckets = times.histogram();
    let mut svg = open(title, HEIGHT);
    let most = buckets.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    // A lone bar is not as wide as the page.
    let width = ((WIDTH - 20.0) / buckets.len().max(1) as f64).min(90.0);
    for (at, (bound, count)) in buckets.iter().enumerate() {
        let left = 10.0 + width * at as f64;
        let height = (HEIGHT - 50.0) * *count as f64 / most as f64;
        let top = HEIGHT - 25.0 - height;
        let bound = bound.map_or("over".to_owned(), |bound| format!("< {}", shown(bound)));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            r#"<rect class="bar" x="{:.1}" y="{top:.1}" width="{:.1}" height="{height:.1}"><title>{bound}: {count}</title></rect>"#,
            left + 2.0,
            width - 4.0,
        );
        let middle = left + width / 2.0;
        let _ =
            write!(svg, r#"<text x="{middle:.1}" y="{:.1}" text-anchor="middle">{count}</text>"#, top - 5.0);
        let _ = write!(
            svg,
            r#"<text class="small" x="{middle:.1}" y="{:.1}" text-anchor="middle">{bound}</text>"#,
            HEIGHT - 9.0
        );
    }
    svg + "</svg>"
}

fn open(title: &str, height: f64) -> String {
    format!(
        r#"<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{0}"><title>{0}</title>"#,
        escape(title)
    )
}
