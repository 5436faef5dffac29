//! The results as Markdown.

use std::fmt::Write as _;

use super::rows::Row;

/// The floors: they only read, or only look for line ends.
const FLOORS: [&str; 2] = ["bare", "memchr"];

/// Ours beside the peer that counts, and the goals.
pub(crate) fn comparison(rows: &[Row]) -> String {
    let mut text =
        String::from("| work | actorstream | peer | ratio | floor | goals |\n|---|--:|--:|--:|--:|---|\n");
    for row in rows {
        let ours = row.get("actorstream").unwrap_or(f64::NAN);
        let peer = row.get(row.peer).unwrap_or(f64::NAN);
        let floor = FLOORS.iter().find_map(|floor| row.get(floor));
        let _ = writeln!(
            text,
            "| {} | {} | {} ({}) | {:.2}× | {} | {} |",
            row.work,
            number(ours, row.digits),
            number(peer, row.digits),
            row.peer,
            peer / ours,
            floor.map_or_else(String::new, |floor| number(floor, row.digits)),
            row.goals,
        );
    }
    text
}

/// Everybody.
pub(crate) fn all(rows: &[Row]) -> String {
    let mut text = String::from(
        "## Everybody\n\n`-off` is with `keep_response(false)`, `-one-actor` with one target for all streams, \
         `-session` through the whole protocol core; `bare` and `memchr` are the floors.\n\n",
    );
    for row in rows {
        let results =
            row.results.iter().map(|(name, value)| format!("{name} {}", number(*value, row.digits)));
        let _ = writeln!(text, "- {}: {}", row.work, results.collect::<Vec<_>>().join(", "));
    }
    text
}

/// A number with commas between its thousands.
fn number(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_at(plain.find('.').unwrap_or(plain.len()));
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        assert_eq!(number(22_013.6, 0), "22,014");
        assert_eq!(number(1234.56, 1), "1,234.6");
        assert_eq!(number(0.234, 2), "0.23");
        assert_eq!(number(-123.0, 0), "-123");
    }
}
