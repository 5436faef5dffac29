//! Plots as SVG: lines over two logarithmic axes.

use std::fmt::Write as _;

/// What a plot shows.
#[derive(Debug)]
pub(crate) struct Plot {
    /// Its file's name, without the ending.
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) y: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// A line of a plot.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Around the lines: left, top, right, bottom.
const MARGINS: [f64; 4] = [70.0, 40.0, 20.0, 90.0];
const COLORS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

/// A logarithmic axis, from one power of ten to another.
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let from = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let to = values.fold(0.0, f64::max).log10().ceil().max(from + 1.0);
        Self { from, to, start, end }
    }

    fn place(&self, value: f64) -> f64 {
        self.start + (value.log10() - self.from) / (self.to - self.from) * (self.end - self.start)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.from as i32..=self.to as i32).map(|power| 10_f64.powi(power))
    }
}

impl Plot {
    /// The plot as SVG.
    pub(crate) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let [left, top, right, bottom] = MARGINS;
        let x = Axis::new(points().map(|point| point.0), left, WIDTH - right);
        let y = Axis::new(points().map(|point| point.1), HEIGHT - bottom, top);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{}\" y=\"22\" font-size=\"15\" text-anchor=\"middle\">{}</text>\n",
            WIDTH / 2.0,
            self.title
        );
        for tick in x.ticks() {
            let at = x.place(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{at:.1} {:.1}V{:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y.start,
                y.end,
                y.start + 16.0,
                short(tick)
            );
        }
        for tick in y.ticks() {
            let at = y.place(tick);
            let _ = writeln!(
                svg,
                "<path d=\"M{:.1} {at:.1}H{:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                x.start,
                x.end,
                x.start - 6.0,
                at + 4.0,
                short(tick)
            );
        }
        let (middle, height) = ((y.start + y.end) / 2.0, HEIGHT - bottom + 34.0);
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{height:.1}\" text-anchor=\"middle\">{}</text>\n\
             <text x=\"16\" y=\"{middle:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 16 {middle:.1})\">{}</text>",
            (x.start + x.end) / 2.0,
            self.x,
            self.y
        );
        for (number, (line, color)) in self.lines.iter().zip(COLORS).enumerate() {
            let path: Vec<String> = line
                .points
                .iter()
                .map(|point| format!("{:.1},{:.1}", x.place(point.0), y.place(point.1)))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"/>",
                path.join(" ")
            );
            for point in path {
                let (x, y) = point.split_once(',').unwrap_or_default();
                let _ = writeln!(svg, "<circle cx=\"{x}\" cy=\"{y}\" r=\"3\" fill=\"{color}\"/>");
            }
            let (at, below) = (left + 180.0 * number as f64, HEIGHT - 20.0);
            let _ = writeln!(
                svg,
                "<rect x=\"{at}\" y=\"{}\" width=\"12\" height=\"12\" fill=\"{color}\"/>\
                 <text x=\"{}\" y=\"{below}\">{}</text>",
                below - 10.0,
                at + 18.0,
                line.name
            );
        }
        svg + "</svg>\n"
    }

    /// The plot's numbers as a table.
    pub(crate) fn table(&self) -> String {
        let names: Vec<&str> = self.lines.iter().map(|line| line.name).collect();
        let mut text =
            format!("| {} | {} |\n|--:|{}\n", self.x, names.join(" | "), "--:|".repeat(names.len()));
        let first = self.lines.first().map_or(&[][..], |line| &line.points);
        for (row, (x, _)) in first.iter().enumerate() {
            let values = self.lines.iter().filter_map(|line| line.points.get(row)).map(|(_, y)| digits(*y));
            let _ = writeln!(text, "| {x} | {} |", values.collect::<Vec<_>>().join(" | "));
        }
        text
    }
}

fn digits(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// A power of ten in few letters.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_shows_its_lines() {
        let plot = Plot {
            file: "a",
            title: "t",
            x: "x",
            y: "y",
            lines: vec![Line { name: "ours", points: vec![(1.0, 10.0), (1000.0, 99.0)] }],
        };
        let svg = plot.svg();
        assert!(svg.contains("<polyline points=\"70.0,310.0 620.0,41.2\""), "{svg}");
        assert!(svg.contains(">1 k</text>"));
        assert_eq!(plot.table(), "| x | ours |\n|--:|--:|\n| 1 | 10 |\n| 1000 | 99 |\n");
    }
}
