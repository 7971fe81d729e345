//! The three rows of echoes as a plot, legible on light and dark pages.

use std::fmt::Write as _;

use super::Measured;
use super::columns::RATE;
use super::figures::Spread;
use super::render::number;

const WIDTH: usize = 760;
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 190.0;
const LONGEST: f64 = 420.0;
const HEAD: usize = 40;
const LINE: usize = 24;

const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#1f2328}\
.title{font-weight:600}.peer{fill:#8c959f}.socklet{fill:#0969da}.range{stroke:#1f2328}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.peer{fill:#656c76}.socklet{fill:#4493f8}\
.range{stroke:#f0f6fc}}";

/// Bars of messages/s; a line over each shows the range of its samples.
pub(super) fn svg(table: &[Measured]) -> String {
    let echoes = table.iter().filter(|measured| measured.row.id.starts_with("echo-"));
    let (mut body, mut top) = (String::new(), 0);
    for Measured { row, series } in echoes {
        let bars: Vec<(&str, Spread)> =
            series.iter().filter_map(|series| Some((series.name, series.spread(RATE)?))).collect();
        let most = bars.iter().map(|(_, spread)| spread.most).fold(f64::MIN_POSITIVE, f64::max);
        let _ = writeln!(
            body,
            r#"<text class="title" x="10" y="{}">{}: messages/s</text>"#,
            top + 26,
            row.title
        );
        top += HEAD;
        for (name, spread) in bars {
            bar(&mut body, name, spread, most, top);
            top += LINE;
        }
    }
    let height = top + 12;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-label=\"Messages a second\">\n\
         <style>{STYLE}</style>\n{body}</svg>\n"
    )
}

fn bar(body: &mut String, name: &str, spread: Spread, most: f64, top: usize) {
    let length = |value: f64| value / most * LONGEST;
    let class = if name == "socklet" { "socklet" } else { "peer" };
    let (middle, text) = (top + 9, top + 14);
    let _ = write!(
        body,
        r#"<text x="{}" y="{text}" text-anchor="end">{name}</text>
<rect class="{class}" x="{LEFT}" y="{top}" width="{:.1}" height="18"/>
<line class="range" x1="{:.1}" x2="{:.1}" y1="{middle}" y2="{middle}"/>
<text x="{:.1}" y="{text}">{}</text>
"#,
        LEFT - 8.0,
        length(spread.median),
        LEFT + length(spread.least),
        LEFT + length(spread.most),
        LEFT + length(spread.most) + 8.0,
        number(spread.median, 0),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width_and_others_are_in_proportion() {
        let mut body = String::new();
        let spread = |value| Spread { median: value, least: value, most: value };
        bar(&mut body, "socklet", spread(100.0), 100.0, 0);
        bar(&mut body, "Bun", spread(25.0), 100.0, 24);
        assert!(body.contains(r#"<rect class="socklet" x="190" y="0" width="420.0""#), "{body}");
        assert!(body.contains(r#"<rect class="peer" x="190" y="24" width="105.0""#), "{body}");
        assert!(body.contains(">Bun</text>"), "{body}");
    }
}
