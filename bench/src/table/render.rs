//! The table as Markdown.

use std::fmt::Write as _;

use super::Measured;
use super::columns::Column;
use super::figures::{Bound, Goal, Spread};

/// All of it: the goals first, then each row.
pub(super) fn table(table: &[Measured], rounds: usize) -> String {
    let mut text = goals(table);
    for measured in table {
        text.push('\n');
        text.push_str(&row(measured));
    }
    let all = || table.iter().flat_map(|measured| &measured.series);
    let dropped: usize = all().map(|series| series.dropped).sum();
    let doubtful: usize = all().map(|series| series.doubtful).sum();
    let unseen: usize = all().map(|series| series.unseen).sum();
    let _ = write!(
        text,
        "\nRounds: {rounds}. Samples spoiled by foreign load: {dropped} were dropped and taken anew, \
         {doubtful} kept after the last try.\n"
    );
    if unseen > 0 {
        let _ = writeln!(text, "{unseen} samples may be spoiled: the load couldn't be seen here.");
    }
    text
}

/// Each goal, what was found, and whether that is enough.
fn goals(table: &[Measured]) -> String {
    let mut text = "| work | goal | found | |\n|---|---|---|---|\n".to_owned();
    for Measured { row, series } in table {
        for goal in &row.goals {
            let (found, verdict) = match goal.value(series) {
                None => ("–".to_owned(), "not measured"),
                Some(value) if goal.is_met(value) => {
                    (spread(value, digits(goal, row.columns)), "met")
                }
                Some(value) => (spread(value, digits(goal, row.columns)), "**missed**"),
            };
            let title = &row.title;
            let asked = asked(goal, row.columns);
            let _ = writeln!(text, "| {title} | {asked} | {found} | {verdict} |");
        }
    }
    text
}

/// A goal in words.
fn asked(goal: &Goal, columns: &[Column]) -> String {
    let (word, bound) = match goal.bound {
        Bound::AtLeast(bound) => ("at least", bound),
        Bound::AtMost(bound) => ("at most", bound),
    };
    let head = columns[goal.column].head;
    match goal.versus {
        Some(other) if goal.of == "socklet" => format!("{head}: {word} {bound}× {other}"),
        Some(other) => format!("{}: {word} {bound}× {other}", goal.of),
        None => format!("{head}: {word} {}", number(bound, 0)),
    }
}

fn digits(goal: &Goal, columns: &[Column]) -> usize {
    if goal.versus.is_some() { 2 } else { columns[goal.column].digits }
}

/// A row: a line for each contender.
fn row(Measured { row, series }: &Measured) -> String {
    let socklet = series.first().filter(|first| first.name == "socklet" && series.len() > 1);
    let mut heads = vec![String::new()];
    heads.extend(row.columns.iter().map(|column| column.head.to_owned()));
    if socklet.is_some() {
        heads.push(format!("socklet's {} to its", row.columns[row.compared].head));
    }
    let mut text = format!("### {}\n\n", row.title);
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(heads.len()));
    for one in series.iter().filter(|one| one.spread(0).is_some()) {
        let mut cells = vec![one.name.to_owned()];
        cells.extend(row.columns.iter().enumerate().map(
            |(number, column)| match one.spread(number) {
                None => "–".to_owned(),
                Some(value) if column.ranged => spread(value, column.digits),
                Some(value) => self::number(value.median, column.digits),
            },
        ));
        if let Some(socklet) = socklet {
            let ratio = socklet.ratio(one, row.compared).filter(|_| one.name != socklet.name);
            cells.push(ratio.map_or(String::new(), |ratio| spread(ratio, 2)));
        }
        let _ = writeln!(text, "| {} |", cells.join(" | "));
    }
    for remark in row.remarks {
        let _ = write!(text, "\n{remark}\n");
    }
    for one in series {
        if let Some(remark) = &one.remark {
            let _ = write!(text, "\n{}: {remark}.\n", one.name);
        }
    }
    text
}

/// A median, and its range unless all samples are alike.
fn spread(value: Spread, digits: usize) -> String {
    let [median, least, most] =
        [value.median, value.least, value.most].map(|value| number(value, digits));
    if least == most { median } else { format!("{median} ({least}–{most})") }
}

/// With a comma before each three digits.
pub(super) fn number(value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let whole = plain.find('.').unwrap_or(plain.len());
    let mut text = String::new();
    for (index, digit) in plain.char_indices() {
        if index > 0 && index < whole && (whole - index) % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Options;
    use crate::table::figures::Series;
    use crate::table::rows::rows;

    /// The row with this id, where these were found.
    fn measured(id: &str, found: &[(&'static str, &[[f64; 5]])]) -> Measured {
        let row = rows(&Options::brief().size()).into_iter().find(|row| row.id == id).unwrap();
        let series = row.contenders.iter().map(|contender| {
            let found = found.iter().find(|(name, _)| *name == contender.name);
            let samples = found.map_or(Vec::new(), |(_, samples)| {
                samples.iter().map(|figures| figures.to_vec()).collect()
            });
            let remark = found.is_none().then(|| "skipped: not installed".to_owned());
            Series { name: contender.name, samples, remark, ..Series::default() }
        });
        Measured { series: series.collect(), row }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(123.456, 1), "123.5");
        assert_eq!(number(-1234.5, 1), "-1,234.5");
        assert_eq!(number(-123.0, 0), "-123");
        assert_eq!(number(999.0, 0), "999");
    }

    #[test]
    fn a_row_tells_medians_spreads_ratios_and_who_is_missing() {
        let socklet: &[_] = &[
            [150.0, 1.0, 2.0, 3.0, 6.0],
            [160.0, 1.0, 2.0, 3.0, 5.0],
            [170.0, 1.0, 2.0, 3.0, 5.5],
        ];
        let plain: &[_] = &[[200.0, 1.0, 1.0, 3.0, f64::NAN]; 3];
        let measured =
            measured("echo-1", &[("socklet", socklet), ("tokio-tungstenite, plain", plain)]);
        let text = row(&measured);
        assert!(text.contains("| socklet | 160 (150–170) | 1 | 2 | 3 | 5.50 |  |"), "{text}");
        assert!(
            text.contains("| tokio-tungstenite, plain | 200 | 1 | 1 | 3 | – | 0.80 (0.75–0.85) |"),
            "{text}"
        );
        assert!(text.contains("\nBun: skipped: not installed.\n"), "{text}");
        assert!(!text.contains("| Bun |"), "{text}");
    }

    #[test]
    fn goals_are_met_missed_or_not_measured() {
        let socklet: &[_] = &[[195.0, 1.0, 2.0, 3.0, 6.0]];
        let plain: &[_] = &[[200.0, 1.0, 1.0, 3.0, 5.0]];
        let text = goals(&[measured(
            "echo-1",
            &[("socklet", socklet), ("tokio-tungstenite, plain", plain)],
        )]);
        let line = |part: &str| text.lines().find(|line| line.contains(part)).unwrap().to_owned();
        assert!(
            line("messages/s: at least 0.95× tokio-tungstenite, plain").ends_with("| 0.97 | met |"),
            "{text}"
        );
        assert!(
            line("p99 µs: at most 1.15× tokio-tungstenite, plain")
                .ends_with("| 2.00 | **missed** |"),
            "{text}"
        );
        assert!(line("at least 1.1× Bun").ends_with("| – | not measured |"), "{text}");
    }

    #[test]
    fn spoiled_samples_are_told() {
        let mut measured = measured("start", &[]);
        measured.series[0].dropped = 3;
        measured.series[0].doubtful = 1;
        let text = table(&[measured], 5);
        assert!(
            text.contains("Rounds: 5. Samples spoiled by foreign load: 3 were dropped"),
            "{text}"
        );
        assert!(text.contains("1 kept after"), "{text}");
    }
}
