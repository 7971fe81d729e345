//! docs/performance.md: its text is written by hand, but for what is between two markers.

use std::fs;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use super::machine;
use super::peer::{Peer, Places};

const START: &str = "<!-- table -->\n";
const END: &str = "<!-- /table -->";

/// Puts the table and the plot in place of the last ones.
pub(super) fn write(places: &Places, table: &str, plot: &str) -> Result<()> {
    let page = places.root.join("docs/performance.md");
    let told = || format!("{}: can't be rewritten", page.display());
    let old = fs::read_to_string(&page).with_context(told)?;
    let new = between_markers(&old, &format!("{}\n{table}", conditions(places)));
    fs::write(&page, new.with_context(told)?).with_context(told)?;
    fs::write(page.with_extension("svg"), plot)?;
    eprintln!("written: {} and its plot", page.display());
    Ok(())
}

/// When, where and what was measured.
fn conditions(places: &Places) -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let (date, _) = now.split_at("2026-01-01".len());
    let mut text = format!("Measured on {date}: {}.\n\n", machine::description());
    text.push_str("| server | version |\n|---|---|\n");
    for peer in Peer::ALL {
        let version = peer.version(places).unwrap_or_else(|| "not installed: skipped".to_owned());
        text.push_str(&format!("| {} | {version} |\n", peer.name()));
    }
    text.push_str("\n![Messages a second](performance.svg)\n");
    text
}

/// The page with this between its markers.
fn between_markers(page: &str, text: &str) -> Result<String> {
    let (before, rest) = page.split_once(START).with_context(|| format!("no {START}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("no {END}"))?;
    Ok(format!("{before}{START}\n{text}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let page = "above\n<!-- table -->\nold\n<!-- /table -->\nbelow\n";
        let expected = "above\n<!-- table -->\n\nnew\n<!-- /table -->\nbelow\n";
        assert_eq!(between_markers(page, "new").unwrap(), expected);
        assert!(between_markers("no markers", "new").is_err());
        assert!(between_markers("<!-- table -->\nno end", "new").is_err());
    }

    #[test]
    fn the_page_in_the_repository_has_the_markers() {
        let page = include_str!("../../../docs/performance.md");
        between_markers(page, "new").unwrap();
    }
}
